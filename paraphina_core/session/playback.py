"""Puts a recording in the place of a venue: the connector reads what was recorded instead of what is sent.

Frames and answers come back at their distances in time, each by a local stream, so they are inputs like
any other: a run on a recording can be paced, run in virtual time, journalled and replayed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec

from paraphina_core.config import Config
from paraphina_core.connector import (
    Answer,
    Connector,
    ConnectorContext,
    ConnectorSpec,
    DataSource,
    Failure,
    HttpRequest,
    LocalSource,
    MarketDataOnly,
    Plan,
    Plugins,
    Request,
    StreamPlan,
    WebSocketSource,
    WriteContext,
)
from paraphina_core.domain import ConfigError, Event, FetchSnapshot, LocalError, Query, QueryBook, QueryVenue
from paraphina_core.transport import Recording, question_of

from .capturing import RECORDING_FILE

#: The stream on which recorded answers come back.
ANSWERS: Final = "recorded answers"

_MAX_SILENCE_MS: Final = 24 * 3600 * 1000
_Result = tuple[str, Answer | None, Failure | None]
_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(_Result)


class _About(msgspec.Struct):
    connector: str


def with_recording(plugins: Plugins, config: Config) -> Plugins:
    """Return the plugins with a recording in the place of its venue, if the configuration names one.

    Raises:
        ConfigError: there is no such recording, it is of a connector that is not selected, or orders
            would be sent on what was recorded.
        LocalError: the connector is not built.
    """
    folder = config.session.recording
    if folder is None:
        return plugins
    try:
        name = msgspec.json.decode((folder / RECORDING_FILE).read_bytes(), type=_About).connector
    except (OSError, msgspec.DecodeError) as e:
        raise ConfigError(
            "there is no recording", found=str(folder), wanted="one of `paraphina record`"
        ) from e
    if config.session.trade_mode.reaches_venue:
        raise ConfigError(
            "orders cannot be sent on what was recorded",
            found=f"{config.session.trade_mode.value} mode",
            wanted="shadow or paper",
        )
    if config.selected != (name,):
        raise ConfigError(
            "a recording takes the place of the one connector it is of",
            found=", ".join(config.selected),
            wanted=name,
        )
    return plugins.replaced(_played_spec(plugins.connectors[name], folder))


def _played_spec(spec: ConnectorSpec, folder: Path) -> ConnectorSpec:
    factory = spec.factory
    if factory is None:
        raise LocalError(f"connector {spec.name} is not built yet", wanted="a connector with trade modes")

    def build(context: ConnectorContext) -> Connector:
        return Played(factory(context), played, folder)

    played = msgspec.structs.replace(spec, factory=build, data_source=DataSource.RECORDED)
    return played


class Played(MarketDataOnly):
    """A connector on a recording; the folder is not read before its first stream is opened.

    Args:
        connector: reads the frames and answers.
        spec: the description under which it runs.
        folder: the recording.
    """

    def __init__(self, connector: Connector, spec: ConnectorSpec, folder: Path) -> None:
        self._connector = connector
        self._spec = spec
        self._folder = folder
        self._plan = connector.plan()
        self._recording: Recording | None = None
        self._context: WriteContext | None = None
        self._unopened: dict[str, WriteContext] = {}
        self._asked: dict[str, Request] = {}

    @property
    def spec(self) -> ConnectorSpec:
        """The description under which it runs."""
        return self._spec

    def plan(self) -> Plan:
        """Return the recorded streams, the answers before them."""
        answers = StreamPlan(
            name=ANSWERS, source=LocalSource(frames=self._answers), max_silence_ms=_MAX_SILENCE_MS
        )
        played = (
            msgspec.structs.replace(plan, source=_Lazy(self, plan.name).source)
            for plan in self._plan.streams
            if isinstance(plan.source, WebSocketSource) and not plan.private
        )
        return Plan(streams=(answers, *played))

    def opened(self, stream: str, context: WriteContext) -> Sequence[bytes]:
        """Take note; nothing is sent to a recording.

        The connector is told with the first frame: by then the answers that came before are read.
        """
        self._context = context
        if stream != ANSWERS:
            self._unopened[stream] = context
            return ()
        for query in self._plan.bootstrap:
            if not (isinstance(query, QueryVenue) and query.private):  # never recorded, and needs a key
                self._ask(query)
        return ()

    def closed(self, stream: str) -> None:
        """Tell the connector."""
        if stream != ANSWERS and self._unopened.pop(stream, None) is None:
            self._connector.closed(stream)

    def read(self, stream: str, frame: bytes, at_ns: int) -> Sequence[Event]:
        """Let the connector read a frame, or an answer to what it would have asked.

        Raises:
            RemoteError: as the connector's.
        """
        if stream != ANSWERS:
            context = self._unopened.pop(stream, None)
            if context is not None:
                self._connector.opened(stream, context)
            events = self._connector.read(stream, frame, at_ns)
        else:
            question, answer, failure = _DECODER.decode(frame)
            request, result = self._asked.get(question), answer or failure
            if request is None or result is None:
                return ()
            events = self._connector.read_answer(request, result, at_ns)
        for event in events:
            if isinstance(event, FetchSnapshot):
                self._ask(QueryBook(instrument=event.instrument))
        return [event for event in events if not isinstance(event, FetchSnapshot)]

    def recording(self) -> Recording:
        """Return the recording, read when it is first needed."""
        if self._recording is None:
            self._recording = Recording(self._folder)
        return self._recording

    def _ask(self, query: Query) -> None:
        """Ask nobody; what would have been asked is known, so that its recorded answer can be read."""
        if self._context is not None:
            request = self._connector.ask(query, self._context)
            if isinstance(request, HttpRequest):
                self._asked[question_of(request)] = request

    def _answers(self, start_ns: int) -> Iterator[tuple[int, bytes]]:
        for after_ns, question, result in self.recording().results():
            pair = (result, None) if isinstance(result, Answer) else (None, result)
            yield start_ns + after_ns, _ENCODER.encode((question, *pair))
        yield start_ns + self.recording().duration_ns, _ENCODER.encode(("", None, None))


class _Lazy:
    """A recorded stream that is looked for when it is opened."""

    def __init__(self, played: Played, stream: str) -> None:
        self._played = played
        self._stream = stream
        self._found: LocalSource | None = None
        self.source = LocalSource(frames=self._frames, repeat=True, is_over=self._is_over)

    def _frames(self, start_ns: int) -> Iterator[tuple[int, bytes]]:
        if self._found is None:
            recording = self._played.recording()
            if self._stream not in recording.frames:
                return iter(())
            self._found = recording.source(self._stream)
        return self._found.frames(start_ns)

    def _is_over(self) -> bool:
        return self._found is None or self._found.is_over()
