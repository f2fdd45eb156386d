"""Before a start a venue is asked for its time and its instruments, if the gates let anybody ask it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paraphina_core.connector import Answer, CheckResult, CheckStatus, TradeMode
from paraphina_core.domain import NS_PER_MS, NS_PER_S, LocalError
from paraphina_core.gates import StartupFacts
from paraphina_core.session import visited
from paraphina_core.session.visit import Skew, agreed, date_of
from quay import QuayServer, plugin
from scripted import World
from startup_world import connector, startup_facts, verdict

_UNASKED: dict[str, Any] = {"clock_skew_ms": None}


def _facts(mode: TradeMode = TradeMode.LIVE, **changes: Any) -> StartupFacts:
    return startup_facts(
        mode, connectors=(connector(mode, name="quay", underlyings=None, **changes),), **_UNASKED
    )


def _visited(
    tmp_path: Path,
    facts: StartupFacts,
    *,
    prepare: Callable[[QuayServer], None] = lambda _: None,
    now_ns: Callable[[], int] = time.time_ns,
) -> tuple[StartupFacts, QuayServer]:
    """Visit a venue on this machine from another thread, as `visited` has a loop of its own."""
    server = QuayServer("quay")

    async def serve() -> StartupFacts:
        async with server:
            prepare(server)
            world = World(tmp_path, plugin("quay", trade_modes=frozenset(TradeMode)))
            file = tmp_path / "quay.toml"
            file.write_text(f'[connectors.quay]\nrest_url = "http://127.0.0.1:{server.port}"\n')
            mode = facts.mode.value
            config = world.config(file=file, connectors="quay", trade_mode=mode, clock="real")
            return await asyncio.to_thread(visited, facts, config, world.plugins, now_ns=now_ns)

    return asyncio.run(serve()), server


def test_a_venue_shows_its_time_and_what_it_trades(tmp_path: Path) -> None:
    """This machine's clock is the venue's here, and the asset is read from the venue's own list."""
    facts, server = _visited(tmp_path, _facts())
    assert facts.clock_skew_ms is not None
    assert abs(facts.clock_skew_ms) < 500
    assert facts.connectors[0].underlyings == ("BTC",)
    assert verdict("clock_skew", facts).status is CheckStatus.PASS
    assert verdict("one_underlying", facts).status is CheckStatus.PASS
    assert set(server.asked) == {"/instruments"}


@pytest.mark.parametrize("ahead_s", [-3, 3])
def test_a_clock_that_is_wrong_by_seconds_refuses(tmp_path: Path, ahead_s: int) -> None:
    """The sign says which way: positive when this machine is ahead."""
    facts, _ = _visited(tmp_path, _facts(), now_ns=lambda: time.time_ns() + ahead_s * NS_PER_S)
    assert facts.clock_skew_ms is not None
    assert abs(facts.clock_skew_ms - ahead_s * 1000) < 600
    assert verdict("clock_skew", facts).status is CheckStatus.FAIL


def test_a_venue_that_does_not_answer_stays_unknown_and_says_why(tmp_path: Path) -> None:
    """What was not measured refuses, with the venue's answer in the reason."""
    facts, _ = _visited(tmp_path, _facts(), prepare=lambda server: setattr(server, "refusal", 503))
    found = verdict("clock_skew", facts)
    assert found.status is CheckStatus.UNKNOWN
    assert "quay: " in found.found
    assert "503" in found.found


@pytest.mark.parametrize(
    "changes",
    [
        {"fault": "broken"},
        {"trust": CheckResult(status=CheckStatus.FAIL, found="never")},
        {"endpoints": ()},
        {"spec": None},
    ],
)
def test_nobody_is_asked_whose_plugin_or_address_the_gates_do_not_let_pass(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    """An untrusted plugin gets no connection, and no address is tried that is not the venue's."""
    facts, server = _visited(tmp_path, _facts(**changes))
    assert server.asked == []
    assert "no venue was asked" in verdict("clock_skew", facts).found


@pytest.mark.parametrize(
    ("mode", "is_on_twins"), [(TradeMode.PAPER, False), (TradeMode.SHADOW, False), (TradeMode.LIVE, True)]
)
def test_where_no_order_reaches_a_venue_nothing_is_asked(
    tmp_path: Path,
    mode: TradeMode,
    is_on_twins: bool,  # a parameter
) -> None:
    """A paper session and one on twins start without it."""
    facts = msgspec.structs.replace(_facts(mode), is_on_twins=is_on_twins)
    after, server = _visited(tmp_path, facts)
    assert after == facts
    assert server.asked == []


@given(
    skew_ms=st.integers(min_value=-5_000, max_value=5_000),
    looks=st.lists(
        st.tuples(st.integers(min_value=0, max_value=5_000), st.integers(min_value=0, max_value=300)),
        min_size=1,
        max_size=8,
    ),
)
def test_the_true_difference_is_always_among_what_is_possible(
    skew_ms: int, looks: list[tuple[int, int]]
) -> None:
    """Whole seconds and slow answers widen what is possible, and never make it wrong."""
    seen = []
    for at_ms, round_trip_ms in looks:
        sent_ns = (10_000 + at_ms) * NS_PER_MS
        shown_ns = sent_ns + round_trip_ms * NS_PER_MS // 2 - skew_ms * NS_PER_MS
        date_ns = shown_ns // NS_PER_S * NS_PER_S
        seen.append(Skew(sent_ns - date_ns - NS_PER_S, sent_ns + round_trip_ms * NS_PER_MS - date_ns))
    found = agreed(seen)
    assert found.least_ns <= skew_ms * NS_PER_MS <= found.most_ns
    assert abs(found.worst_ms) >= abs(skew_ms)


def test_looks_that_contradict_each_other_prove_nothing() -> None:
    """A clock that is set between two looks has no difference to speak of."""
    with pytest.raises(LocalError, match="contradict"):
        agreed([Skew(0, 5), Skew(10, 15)])


@pytest.mark.parametrize(
    ("text", "second"),
    [
        ("Thu, 01 Jan 1970 00:00:07 GMT", 7),
        ("Thu, 01 Jan 1970 01:00:07 +0100", 7),
        ("yesterday", None),
        ("", None),
    ],
)
def test_the_date_of_an_answer_is_read_or_there_is_none(text: str, second: int | None) -> None:
    """A header that nobody can read is no time."""
    answer = Answer(status=200, body=b"", headers={"DATE": text})
    assert date_of(answer) == (None if second is None else second * NS_PER_S)
    assert date_of(Answer(status=200, body=b"")) is None
