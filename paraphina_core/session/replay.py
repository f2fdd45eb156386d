"""Feeds a recorded run to the same code again and compares every decision, byte for byte."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeAlias

import msgspec

from paraphina_core.config import Config
from paraphina_core.connector import Plugins
from paraphina_core.domain import NS_PER_S, LocalError, RunNumber, TradingState
from paraphina_core.execution import NoWire
from paraphina_core.journal import FRAME_KIND, GENESIS_KIND, Frame, Record, decode_frame, read

from .accounts import replayed
from .answers import decode_answer
from .compose import compose
from .outputs import JOURNAL_FOLDER, build_info
from .playback import with_recording
from .record import INPUT_KINDS, Recorder
from .session import Session
from .snapshot import SessionSnapshot

#: Longest part of a record shown in a difference.
_SHOWN: Final = 400


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """The first place where the replay and the recording part."""

    seq: int
    recorded: str
    replayed: str


class ReplayResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a replay found: records compared, decisions among them, and the first difference."""

    records: int
    decisions: int
    difference: Difference | None


class _Parted(Exception):  # noqa: N818  # the end of the comparison, not an error
    def __init__(self, difference: Difference) -> None:
        super().__init__()
        self.difference = difference


#: Makes a session from what the start record says, with the recorder given.
Build: TypeAlias = Callable[[dict[str, Any], Recorder], Session]


class Replayed(NamedTuple):
    """A session that was replayed: what was compared, the session, and the time it has come to."""

    result: ReplayResult
    session: Session
    at_ns: int


class _Comparison:
    """A recorder that compares what a session writes with what was written then."""

    def __init__(self, records: Iterator[Record]) -> None:
        self._records = (record for record in records if record.kind != GENESIS_KIND)
        self.current: Record | None = next(self._records, None)
        self.compared = 0
        self.decisions = 0

    def append(self, kind: str, at_ns: int, data: bytes) -> int:
        record = self.current
        if record is None or (record.kind, record.at_ns, record.data) != (kind, at_ns, data):
            raise _Parted(self.parted(kind, at_ns, data))
        self.compared += 1
        self.decisions += kind not in INPUT_KINDS
        self.current = next(self._records, None)
        return record.seq

    def record_frame(self, at_ns: int, connector: str, stream: str, frame: bytes) -> int:
        record = self.current
        given = Frame(connector=connector, stream=stream, frame=frame)
        if record is None or record.kind != FRAME_KIND or decode_frame(record) != given:
            raise _Parted(self.parted(FRAME_KIND, at_ns, frame))
        self.compared += 1
        self.current = next(self._records, None)
        return record.seq

    def result(self, difference: Difference | None) -> ReplayResult:
        return ReplayResult(records=self.compared, decisions=self.decisions, difference=difference)

    def parted(self, kind: str, at_ns: int, data: bytes) -> Difference:
        record = self.current
        return Difference(
            seq=0 if record is None else record.seq,
            recorded="the end" if record is None else _show(record.kind, record.at_ns, record.data),
            replayed=_show(kind, at_ns, data) if kind else "nothing",
        )


def replay(records: Iterator[Record], build: Build) -> ReplayResult:
    """Run a recording again.

    Args:
        records: the journal, from its first record.
        build: makes the session from what the start record says, with the recorder given.

    Raises:
        LocalError: the journal does not begin with a start record.
    """
    return _replayed(records, build).result


def _replayed(
    records: Iterator[Record], build: Build, until: Callable[[Record], bool] | None = None
) -> Replayed:
    """Run a recording again up to an input of which `until` says so, or to its end."""
    comparison = _Comparison(records)
    first = comparison.current
    if first is None or first.kind != "start":
        raise LocalError("the journal has no start record", found=None if first is None else first.kind)
    session = build(msgspec.json.decode(first.data), comparison)
    at_ns = first.at_ns
    try:
        while (record := comparison.current) is not None:
            if record.kind not in INPUT_KINDS:
                return Replayed(comparison.result(comparison.parted("", record.at_ns, b"")), session, at_ns)
            if until is not None and until(record):
                break
            at_ns = record.at_ns
            _feed(session, record)
    except _Parted as e:
        return Replayed(comparison.result(e.difference), session, at_ns)
    return Replayed(comparison.result(None), session, at_ns)


def _feed(session: Session, record: Record) -> None:
    if record.kind == FRAME_KIND:
        given = decode_frame(record)
        session.frame(given.connector, given.stream, given.frame, record.at_ns)
        return
    data = msgspec.json.decode(record.data)
    match record.kind:
        case "start":
            session.start(record.at_ns)
        case "opened":
            session.stream_opened(data["connector"], data["stream"], record.at_ns)
        case "ended":
            session.stream_ended(data["connector"], data["stream"], data["reason"], record.at_ns)
        case "answer":
            connector, correlation, result = decode_answer(record.data)
            session.answered(connector, correlation, result, record.at_ns)
        case "tick":
            session.tick(record.at_ns)
        case "wake":
            session.wake(record.at_ns)
        case "blocked":
            session.blocked(data["connector"], data["call"], data["took_ms"], record.at_ns)
        case _:
            _intervene(session, record.kind, data, record.at_ns)


def _intervene(session: Session, kind: str, data: dict[str, str], at_ns: int) -> None:
    """Do what came from outside the venues: from an operator, or as the end of the run."""
    match kind:
        case "state":
            session.set_state(TradingState(data["state"]), data["reason"], data["connector"], at_ns)
        case "kill":
            session.kill(data["reason"], at_ns)
        case "flatten":
            session.flatten(at_ns)
        case "stop":
            session.stop(data["reason"], at_ns)
        case _:
            session.finish(at_ns)


def _show(kind: str, at_ns: int, data: bytes) -> str:
    return f"{kind} at {at_ns}: {data[:_SHOWN].decode('utf-8', 'replace')}"


def replay_run(folder: Path, plugins: Plugins) -> tuple[ReplayResult, tuple[str, ...]]:
    """Replay the run that is recorded in its output folder.

    Returns:
        What was found, and notes on what is different about the code that replays it.

    Raises:
        LocalError: the folder holds no run, its frames were not recorded, or the journal is damaged.
    """
    notes: list[str] = []
    return replay(_records(folder), _builder(plugins, notes)), tuple(notes)


def snapshot_of_run(folder: Path, plugins: Plugins, after_s: float | None = None) -> SessionSnapshot:
    """Replay a recorded run up to a moment, and show the session as it was then.

    Args:
        folder: output folder of the run.
        plugins: where its connectors and its strategy come from.
        after_s: seconds after its start; the last moment before its end where it is not given.

    Raises:
        LocalError: as `replay_run`, or what was replayed up to there is not what was recorded.
    """
    begun_ns: int | None = None

    def until(record: Record) -> bool:
        nonlocal begun_ns
        begun_ns = record.at_ns if begun_ns is None else begun_ns
        if after_s is None:
            return record.kind == "stop"
        return record.at_ns - begun_ns > after_s * NS_PER_S

    replayed = _replayed(_records(folder), _builder(plugins, []), until)
    if replayed.result.difference is not None:
        raise LocalError(
            "the run cannot be explained: replayed, it decides otherwise than it did",
            found=f"record {replayed.result.difference.seq}",
            wanted="the code that made it",
            remedy="see `paraphina replay`",
        )
    return replayed.session.snapshot(replayed.at_ns)


def _records(folder: Path) -> Iterator[Record]:
    journal = folder / JOURNAL_FOLDER
    if not journal.is_dir():
        raise LocalError(
            "the folder holds no recorded run", found=str(folder), wanted=f"a folder with {JOURNAL_FOLDER}/"
        )
    return read(journal)


def _builder(plugins: Plugins, notes: list[str]) -> Build:
    """Return what makes a session from the start of a recording; notes are put into the list."""

    def build(start: dict[str, Any], recorder: Recorder) -> Session:
        notes.extend(_changes(start["build"], build_info(plugins)))
        config = Config.from_resolved(start["config"])
        if not config.journal.record_frames:
            raise LocalError("the run cannot be replayed", found="its frames were not recorded")
        missing = [name for name in config.session.connectors if name not in plugins.connectors]
        if missing:
            raise LocalError(
                "the run cannot be replayed",
                found=f"no connector {', '.join(missing)}",
                wanted="the connectors that it ran on, installed",
                remedy="install them; a backtest, whose venues are generated, is run again from its seed",
            )
        numbers = iter((RunNumber(start["run"]),))
        signatories = replayed(start.get("accounts", {}), plugins.connectors)
        played = with_recording(plugins, config)
        return compose(config, played, recorder, NoWire(), lambda: next(numbers), start, signatories)

    return build


def _changes(then: dict[str, Any], now: dict[str, Any]) -> Iterator[str]:
    """Name the code that is not what it was when the run was recorded."""
    if then["core_hash"] != now["core_hash"]:
        yield f"the core has changed since (version {then['version']}, now {now['version']})"
    hashes = {plugin["distribution"]: plugin["source_hash"] for plugin in now["plugins"]}
    for plugin in then["plugins"]:
        if hashes.get(plugin["distribution"]) != plugin["source_hash"]:
            yield f"plugin {plugin['distribution']} is not the same code any more"
