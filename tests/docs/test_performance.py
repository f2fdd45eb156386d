"""The page on performance has the tables that its command writes, and benchmarks never are tests."""

from __future__ import annotations

import ast
import itertools
import json
import re
from collections import Counter
from pathlib import Path

import frames
import hyperliquid_signing
import pytest
import run
import tick_to_order
from measuring import market_frames, readers
from measuring.market_frames import Kind
from measuring.tables import Table

ROOT = Path(__file__).resolve().parents[2]
BENCHMARKS = sorted((ROOT / "benchmarks").rglob("*.py"))
_READERS = (readers.OURS, readers.CHECKED, readers.BARE, readers.SDK, readers.CCXT)


def _tables() -> list[Table]:
    """Return the tables of every benchmark with made-up figures."""
    kinds = (*(kind.value for kind in Kind), frames.MIXED)
    clients = [contestant.name for contestant in tick_to_order.CONTESTANTS]
    libraries = (hyperliquid_signing.OURS, hyperliquid_signing.SDK, hyperliquid_signing.SDK_COINCURVE)
    signed = {(who, count): [1.0] for count in hyperliquid_signing.COUNTS for who in libraries}
    return [
        *frames.tables({kind: {name: [1.0] for name in _READERS} for kind in kinds}, 1),
        *tick_to_order.tables({name: [1.0] for name in clients}, dict.fromkeys(clients, 0), 1),
        *hyperliquid_signing.tables(signed, 1),
    ]


def _shape(markdown: str) -> list[list[str]]:
    """Return titles, headers and first cells of the tables in a text, which hold no figures."""
    lines = [line for line in markdown.splitlines() if line.startswith(("### ", "| "))]
    return [
        line.split(" | ") if following.startswith("| ---") else [line.split(" | ")[0]]
        for line, following in itertools.zip_longest(lines, lines[1:], fillvalue="")
    ]


def _measured_part() -> str:
    page = run.PAGE.read_text()
    assert page.count(run.BEGIN) == page.count(run.END) == 1
    return page.partition(run.BEGIN)[2].partition(run.END)[0]


def test_the_tables_of_the_page_have_the_shape_of_those_that_the_command_writes() -> None:
    """Titles, columns and rows; the figures are those of the machine that measured."""
    assert _shape(_measured_part()) == _shape("\n".join(table.markdown() for table in _tables()))


def test_the_page_says_when_on_what_and_with_what_it_was_measured() -> None:
    """Without that a figure means nothing."""
    told = re.search(
        r"^Measured on \d{4}-\d\d-\d\d by `(.*)`: .+ cores, .+ msgspec \d", _measured_part(), re.MULTILINE
    )
    assert told is not None
    assert told[1] == run.COMMAND
    assert (ROOT / told[1].split()[1]).is_file()


def test_the_command_writes_nothing_but_the_part_between_its_markers() -> None:
    """What people wrote on the page stays, and writing it twice changes nothing more."""
    page = f"before\n{run.BEGIN}\nold\n{run.END}\nafter\n"
    once = run.written(page, _tables(), "today")
    assert once.startswith(f"before\n{run.BEGIN}\n\ntoday\n")
    assert once.endswith(f"{run.END}\nafter\n")
    assert "old" not in once
    assert run.written(once, _tables(), "today") == once


@pytest.mark.parametrize("path", BENCHMARKS, ids=lambda path: path.name)
def test_no_benchmark_is_a_test(path: Path) -> None:
    """Nothing in the folder is collected as a test, so that no slow machine ever fails one."""
    names = [node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)]
    assert not path.name.startswith("test_")
    assert not [name for name in names if name.startswith("test")]


@pytest.mark.parametrize("kind", list(Kind), ids=lambda kind: kind.name.lower())
def test_the_frames_of_the_benchmark_are_those_of_the_venue(kind: Kind) -> None:
    """The same seed makes the same bytes, and numbers are spelled as the venue spells them."""
    made = list(itertools.islice(market_frames.frames(7, kind), 500))
    assert made == list(itertools.islice(market_frames.frames(7, kind), 500))
    assert len({market_frames.COINS[0].name.encode() in frame for frame in made}) == 2
    for frame in made:
        assert json.dumps(json.loads(frame), separators=(",", ":")).encode() == frame
        for number in re.findall(rb'"(?:px|sz)":"([^"]*)"', frame):
            assert re.fullmatch(rb"(?:0|[1-9][0-9]*)\.(?:[0-9]*[1-9]|0)", number), number


def test_every_frame_of_the_benchmark_is_read_alike_by_all_that_keep_no_network() -> None:
    """The contestants race on the same work: all read the same touch, and ours refuses nothing."""
    for kind in (Kind.BOOK, Kind.FAST_BOOK):
        contestants = (
            readers.ours(checked=False),
            readers.ours(checked=True),
            readers.bare(),
            readers.sdk(),
        )
        for frame in itertools.islice(market_frames.frames(7, kind), 200):
            assert len({reader([frame]) for reader in contestants}) == 1


def test_mixed_frames_come_as_a_subscription_brings_them() -> None:
    """Touches most often, then trades, then fast books, and no whole ones."""
    kinds = Counter(kind for kind, _ in itertools.islice(market_frames.mixed(7), 5_000))
    assert kinds[Kind.BBO] > kinds[Kind.TRADES] > kinds[Kind.FAST_BOOK] > 500
    assert not kinds[Kind.BOOK]
