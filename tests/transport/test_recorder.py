"""What is recorded comes back as it was; what a crash or a bad disk does to it is found, and told apart."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from paraphina_core.connector import Answer, Failure, FailureKind, HttpRequest, LocalSource
from paraphina_core.domain import NS_PER_MS, LocalError
from paraphina_core.transport import Recorded, Recorder, Recording, RecordKind, question_of, read_recording
from paraphina_core.transport.recorder import MAX_NAME_BYTES, MAX_RECORD_BYTES

if TYPE_CHECKING:
    from pathlib import Path

T0 = 1_800_000_000_000_000_000
OK = Answer(status=200, body=b"[]", headers={"date": "today"})


def request(body: bytes = b"{}") -> HttpRequest:
    """Make a question."""
    return HttpRequest(
        method="POST", url="https://venue.example/info", body=body, correlation="7", deadline_ms=1
    )


def write(folder: Path, records: list[tuple[str, bytes, int]], **options: Any) -> None:
    """Record frames."""
    with Recorder(folder, **options) as recorder:
        for stream, frame, at_ns in records:
            recorder.frame(stream, frame, at_ns)


records = st.lists(
    st.tuples(st.sampled_from(["books", "trädes", ""]), st.binary(max_size=300), st.integers(0, 2**62))
)


@given(records, st.integers(1, 2000), st.integers(0, 1000))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_recorded_comes_back_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, given: list[tuple[str, bytes, int]], size: int, flush_ms: int
) -> None:
    """Streams, bytes, times and order, however often files change and bytes are flushed."""
    folder = tmp_path_factory.mktemp("recording")
    write(folder, given, max_file_bytes=size, flush_ms=flush_ms)
    assert [(r.stream, r.data, r.at_ns) for r in read_recording(folder)] == given


def test_answers_and_failures_come_back_under_what_was_asked(tmp_path: Path) -> None:
    """With status, body and headers; the reasons of openings and closings, too."""
    failure = Failure(kind=FailureKind.TIMED_OUT, detail="late")
    with Recorder(tmp_path) as recorder:
        recorder.opened("books", T0)
        recorder.result(question_of(request()), OK, T0 + 1)
        recorder.result("other", failure, T0 + 2)
        recorder.closed("books", "remote_closed: bye", T0 + 3)
    opened, answer, failed, closed = read_recording(tmp_path)
    assert (opened.kind, opened.stream) == (RecordKind.OPENED, "books")
    assert (answer.stream, answer.result) == (question_of(request()), OK)
    assert failed.result == failure
    assert (closed.kind, closed.data) == (RecordKind.CLOSED, b"remote_closed: bye")
    with pytest.raises(LocalError, match="no result"):
        _ = opened.result


def test_a_question_is_known_by_what_is_asked_and_not_by_its_number() -> None:
    """Correlations may count; long questions have a name of bounded length."""
    again = HttpRequest(
        method="POST", url="https://venue.example/info", body=b"{}", correlation="8", deadline_ms=5
    )
    assert question_of(request()) == question_of(again)
    assert question_of(request()) != question_of(request(b"[]"))
    assert len(question_of(request(b"x" * 100_000))) < 100
    assert question_of(request(b"\xff")).isascii()


def test_files_change_at_their_limit_and_a_new_recorder_begins_a_new_one(tmp_path: Path) -> None:
    """Nothing that was written once is written again."""
    noise = [os.urandom(1000) for _ in range(50)]
    write(
        tmp_path, [("s", frame, T0 + i) for i, frame in enumerate(noise)], max_file_bytes=10_000, flush_ms=0
    )
    before = sorted(path.name for path in tmp_path.iterdir())
    assert len(before) > 3
    assert all(path.stat().st_size < 200_000 for path in tmp_path.iterdir())
    write(tmp_path, [("s", b"more", T0 + 100)])
    after = sorted(path.name for path in tmp_path.iterdir())
    assert after[: len(before)] == before
    assert len(after) == len(before) + 1
    assert [r.data for r in read_recording(tmp_path)] == [*noise, b"more"]


def test_a_recording_is_for_its_owner_only(tmp_path: Path) -> None:
    """Answers may hold tokens."""
    write(tmp_path / "new" / "folder", [("s", b"x", T0)])
    folder = tmp_path / "new" / "folder"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_what_was_flushed_survives_the_death_of_the_process(tmp_path: Path) -> None:
    """A killed recorder costs what came after its last flush, and the next one goes on."""
    script = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from paraphina_core.transport import Recorder\n"
        "recorder = Recorder(Path(sys.argv[1]), flush_ms=10)\n"
        "for i in range(1000):\n"
        f"    recorder.frame('s', str(i).encode() * 50, {T0} + i * 1_000_000)\n"
        "print('written', flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"written\n"
        process.send_signal(signal.SIGKILL)
    survived = [record.data for record in read_recording(tmp_path)]
    assert 985 <= len(survived) <= 1000
    assert survived == [str(i).encode() * 50 for i in range(len(survived))]
    write(tmp_path, [("s", b"again", T0)])
    assert [record.data for record in read_recording(tmp_path)] == [*survived, b"again"]


@given(st.data())
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_torn_tail_costs_only_itself(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """Cut anywhere, a file is read as far as it goes: a beginning of what was recorded."""
    folder = tmp_path_factory.mktemp("recording")
    frames = [str(i).encode() * 20 for i in range(30)]
    write(folder, [("s", frame, T0 + i * NS_PER_MS) for i, frame in enumerate(frames)], flush_ms=3)
    (path,) = folder.iterdir()
    whole = path.read_bytes()
    path.write_bytes(whole[: data.draw(st.integers(0, len(whole)))])
    found = [record.data for record in read_recording(folder)]
    assert found == frames[: len(found)]


def test_damage_is_told_with_its_place_and_never_read_over(tmp_path: Path) -> None:
    """A flipped bit, foreign bytes behind the end, or no recording at all."""
    write(tmp_path, [("s", os.urandom(5000), T0)])
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()
    for damaged in (whole[:2000] + bytes([whole[2000] ^ 1]) + whole[2001:], whole + b"x", b"PK" + whole):
        path.write_bytes(damaged)
        with pytest.raises(LocalError, match=r"recording is damaged.*000001\.zst"):
            list(read_recording(tmp_path))


def test_what_is_too_long_is_refused_at_its_limit(tmp_path: Path) -> None:
    """One byte more than the limit is an error of ours, and the recording stays readable."""
    with Recorder(tmp_path) as recorder:
        recorder.frame("s" * MAX_NAME_BYTES, b"", T0)
        with pytest.raises(LocalError, match="too long"):
            recorder.frame("s" * (MAX_NAME_BYTES + 1), b"", T0)
        with pytest.raises(LocalError, match="too long"):
            recorder.frame("s", bytes(MAX_RECORD_BYTES + 1), T0)
    assert len(list(read_recording(tmp_path))) == 1


def test_a_full_disk_is_told_and_not_swallowed() -> None:
    """Whether a session goes on without its recording is not decided here."""
    from pathlib import Path  # noqa: PLC0415  # only here at run time

    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full")

    class Full(Recorder):
        def _open_next(self) -> None:
            super()._open_next()
            self._file.close()
            self._file = Path("/dev/full").open("wb", buffering=0)  # type: ignore[assignment]  # noqa: SIM115

    import tempfile  # noqa: PLC0415  # same

    with tempfile.TemporaryDirectory() as folder:
        recorder = Full(Path(folder), flush_ms=0)
        with pytest.raises(OSError, match="No space left"):
            recorder.frame("s", os.urandom(1_000_000), T0)
        with pytest.raises(OSError, match="No space left"):
            recorder.close()


# --- playing it again ----------------------------------------------------------------------------


def play(source: LocalSource, start_ns: int) -> list[tuple[int, bytes]]:
    """Play one connection."""
    return list(source.frames(start_ns))


def two_connections(folder: Path) -> Recording:
    """Record two connections of one stream beside another stream."""
    with Recorder(folder) as recorder:
        recorder.result(question_of(request()), OK, T0)
        recorder.opened("a", T0 + 10)
        recorder.frame("a", b"1", T0 + 11)
        recorder.opened("b", T0 + 12)
        recorder.frame("b", b"x", T0 + 15)
        recorder.frame("a", b"2", T0 + 20)
        recorder.closed("a", "connection_lost", T0 + 30)
        recorder.closed("a", "connect_failed", T0 + 40)
        recorder.opened("a", T0 + 50)
        recorder.frame("a", b"3", T0 + 60)
    return Recording(folder)


def test_streams_are_played_in_their_own_time_and_by_their_connections(tmp_path: Path) -> None:
    """Distances in time between streams are kept; the end of a connection is an end again."""
    recording = two_connections(tmp_path)
    assert recording.frames == {"a": 3, "b": 1}
    assert recording.duration_ns == 60
    a, b = recording.source("a"), recording.source("b")
    assert play(a, 1000) == [(1011, b"1"), (1020, b"2")]
    assert not a.is_over()
    assert play(b, 1000) == [(1015, b"x")]
    assert b.is_over()
    assert play(a, 1045) == [(1060, b"3")]
    assert a.is_over()
    assert play(a, 2000) == []


def test_a_session_that_opens_anew_goes_on_with_the_next_connection(tmp_path: Path) -> None:
    """What was left of the one that it gave up is lost, and nothing comes before its opening."""
    source = two_connections(tmp_path).source("a")
    frames = source.frames(1000)
    assert next(frames) == (1011, b"1")
    assert play(source, 1100) == [(1100, b"3")]


def test_answers_are_given_in_turn_and_the_last_for_ever(tmp_path: Path) -> None:
    """Whoever asks more often than was asked then hears what was said last."""
    later = Answer(status=200, body=b"later")
    with Recorder(tmp_path) as recorder:
        recorder.result(question_of(request()), OK, T0)
        recorder.result(question_of(request()), later, T0)
    recording = Recording(tmp_path)
    assert [recording.answer(request()) for _ in range(3)] == [OK, later, later]
    assert recording.answer(request(b"something else")) is None


def test_an_empty_recording_or_an_unknown_stream_is_refused(tmp_path: Path) -> None:
    """With what there is instead."""
    with pytest.raises(LocalError, match="empty"):
        Recording(tmp_path)
    with pytest.raises(LocalError, match=r"no such stream.*a, b"):
        two_connections(tmp_path).source("c")


def test_a_record_is_a_plain_value() -> None:
    """It can be made by hand, as fixtures are."""
    assert Recorded(1, "s", b"x").kind is RecordKind.FRAME
