"""Telemetry is written while it can be, and never stands in a session's way."""

from __future__ import annotations

import errno
import json
import os
import resource
import stat
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paraphina_core.ops import TelemetryWriter

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """A record as a session writes it."""

    tick: int
    profit_usd: Decimal
    reason: str


def lines(path: Path) -> list[Any]:
    """Return what stands in the file, each line by itself."""
    return [json.loads(line) for line in path.read_bytes().split(b"\n")[:-1]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a file that is not there yet."""
    return tmp_path / "telemetry.jsonl"


def test_structs_and_mappings_become_one_object_a_line(path: Path) -> None:
    """Decimals stay exact as text, text stays on its line."""
    writer = TelemetryWriter(path)
    writer.write(Snapshot(tick=1, profit_usd=Decimal("-0.10"), reason="a\nb"))
    writer.write({"tick": 2, "nested": {"age_ms": [1.5, None]}})
    writer.close()
    assert lines(path) == [
        {"tick": 1, "profit_usd": "-0.10", "reason": "a\nb"},
        {"tick": 2, "nested": {"age_ms": [1.5, None]}},
    ]
    assert (writer.written, writer.failures) == (2, 0)


@given(st.dictionaries(st.text(), st.text() | st.integers(-(2**63), 2**63) | st.floats(), max_size=5))
def test_any_record_is_one_line_of_json(
    tmp_path_factory: pytest.TempPathFactory, record: dict[str, Any]
) -> None:
    """Whatever a venue's text or numbers are; what is no number stands as null."""
    path = tmp_path_factory.mktemp("any") / "telemetry.jsonl"
    writer = TelemetryWriter(path)
    writer.write(record)
    writer.write({"next": 1})
    writer.close()
    first, second = lines(path)
    assert first == {
        key: None if isinstance(value, float) and not abs(value) < float("inf") else value
        for key, value in record.items()
    }
    assert second == {"next": 1}


def test_a_record_is_readable_by_others_at_once(path: Path) -> None:
    """Whoever watches the file sees each record when it is written."""
    writer = TelemetryWriter(path)
    for tick in range(3):
        writer.write({"tick": tick})
        assert lines(path)[-1] == {"tick": tick}
    writer.close()


def test_an_existing_file_is_continued_on_a_line_of_its_own(path: Path) -> None:
    """A line that an earlier process left unfinished does not swallow the next record."""
    path.write_bytes(b'{"tick":1}\n{"ti')
    writer = TelemetryWriter(path)
    writer.write({"tick": 2})
    writer.close()
    assert path.read_bytes() == b'{"tick":1}\n{"ti\n{"tick":2}\n'


def test_f080_a_line_may_be_as_long_as_the_limit_and_no_longer(path: Path) -> None:
    """A longer record is dropped and counted, the next one is written."""
    writer = TelemetryWriter(path, max_line_bytes=100)
    longest = {"text": "x" * (100 - len('{"text":""}\n'))}
    writer.write(longest)
    writer.write({"text": longest["text"] + "x"})
    writer.write({"tick": 3})
    writer.close()
    assert lines(path) == [longest, {"tick": 3}]
    assert (writer.written, writer.failures) == (2, 1)
    assert "101 bytes" in writer.last_failure


def test_f080_a_file_may_be_as_large_as_the_limit_and_no_larger(path: Path) -> None:
    """At the limit the writing ends, with the reason."""
    writer = TelemetryWriter(path, max_file_bytes=30)
    for tick in range(5):
        writer.write({"tick": tick})
    assert path.stat().st_size <= 30
    assert (writer.written, writer.failures) == (2, 3)
    assert "30 bytes" in writer.disabled_reason
    writer.close()


@pytest.mark.parametrize("record", [{"a": object()}, {1j: 1}, [1], "text", None, {"a": "\ud800"}])
def test_what_cannot_be_spelled_is_dropped_and_counted(path: Path, record: Any) -> None:
    """A record with a value that JSON has not is the writer's loss, not the session's."""
    writer = TelemetryWriter(path)
    writer.write(record)
    writer.write({"tick": 2})
    writer.close()
    assert lines(path) == [{"tick": 2}]
    assert (writer.written, writer.failures) == (1, 1)
    assert writer.last_failure


def test_a_record_without_end_is_dropped_and_counted(path: Path) -> None:
    """A value that contains itself raises nothing."""
    record: dict[str, Any] = {}
    record["self"] = record
    writer = TelemetryWriter(path)
    writer.write(record)
    assert writer.failures == 1
    writer.close()


@pytest.mark.parametrize("make", ["no folder", "folder", "link"])
def test_a_file_that_cannot_be_opened_disables_and_says_why(path: Path, make: str) -> None:
    """The session starts without telemetry; each record that it gave is counted."""
    if make == "folder":
        path.mkdir()
    elif make == "link":
        path.symlink_to(path.parent / "elsewhere")
    else:
        path = path.parent / "missing" / "telemetry.jsonl"
    writer = TelemetryWriter(path)
    assert str(path) in writer.disabled_reason
    for _ in range(3):
        writer.write({"tick": 1})
    writer.close()
    assert (writer.written, writer.failures) == (0, 3)


@contextmanager
def _small_disk(file_bytes: int) -> Iterator[None]:
    """Let no file of this process become larger, as a full disk does; the test runner's own neither."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_f074_a_disk_that_is_full_ends_the_writing_and_nothing_else(path: Path) -> None:
    """A short write is a failure; after it nothing more is tried, and nothing is raised."""
    writer = TelemetryWriter(path)
    with _small_disk(100):
        for tick in range(30):
            writer.write({"tick": tick})
    assert path.stat().st_size == 100
    assert writer.written == path.read_bytes().count(b"\n")
    assert writer.written + writer.failures == 30
    assert "bytes were written" in writer.disabled_reason
    writer.close()


def test_f074_a_disk_error_ends_the_writing_and_nothing_else(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first error is the reason that stays."""
    writer = TelemetryWriter(path)
    writer.write({"tick": 1})

    def full(_descriptor: int, _data: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        writer.write({"tick": 2})
    writer.write({"tick": 3})
    writer.close()
    assert "No space left" in writer.disabled_reason
    assert (writer.written, writer.failures) == (1, 2)
    assert lines(path) == [{"tick": 1}]


def test_a_closed_writer_counts_what_it_is_given(path: Path) -> None:
    """Closing twice is harmless."""
    writer = TelemetryWriter(path)
    writer.close()
    writer.close()
    writer.write({"tick": 1})
    assert (writer.failures, writer.disabled_reason) == (1, "it is closed")


def test_f082_telemetry_is_readable_by_its_owner_alone(path: Path) -> None:
    """Positions stand in it."""
    TelemetryWriter(path).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
