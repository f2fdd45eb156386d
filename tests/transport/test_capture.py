"""A venue is recorded without a key: its answers, its frames, its openings and endings, as they came."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from paraphina_core.connector import (
    Answer,
    Capability,
    ConnectorSpec,
    HttpRequest,
    LocalSource,
    MarketDataOnly,
    Plan,
    StreamPlan,
    WebSocketSource,
)
from paraphina_core.domain import (
    FetchSnapshot,
    InstrumentId,
    LocalError,
    QueryAccount,
    QueryInstruments,
    QueryVenue,
    RemoteProtocolError,
    Resubscribe,
)
from paraphina_core.transport import Capture, Recorder, Recording, RecordKind, read_recording
from streaming import HOST, RealClock, UnderTest, raw_server, run, until

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from paraphina_core.connector import Failure, Request, WriteContext
    from paraphina_core.domain import Event, Query

pytestmark = pytest.mark.usefixtures("engine")

SPEC = ConnectorSpec(
    name="harbour",
    venue="Harbour",
    feature_flag=None,
    capabilities={Capability.MARKET: "a book"},
    trade_modes=frozenset(),
    factory=None,
)
BTC = InstrumentId("harbour:BTC-PERP")


class Harbour(MarketDataOnly):
    """A venue of two streams, one of them private, whose frames are words."""

    spec = SPEC

    def __init__(self, ws_port: int, http_port: int) -> None:
        self.ws = f"ws://{HOST}:{ws_port}/"
        self.http = f"http://{HOST}:{http_port}"
        self.asked: list[str] = []

    def plan(self) -> Plan:
        def stream(name: str, *, private: bool) -> StreamPlan:
            source = WebSocketSource(url=self.ws, opening=(name.encode(),))
            return StreamPlan(name=name, source=source, max_silence_ms=60_000, private=private)

        return Plan(
            streams=(stream("public", private=False), stream("fills", private=True)),
            bootstrap=(
                QueryInstruments(),
                QueryAccount(),
                QueryVenue(topic="terms"),
                QueryVenue(topic="key", private=True),
            ),
        )

    def opened(self, stream: str, context: WriteContext) -> Sequence[bytes]:
        return (b"also",)

    def ask(self, query: Query, context: WriteContext) -> Request:
        what = type(query).__name__
        self.asked.append(what)
        return HttpRequest(
            method="GET",
            url=f"{self.http}/{what}",
            body=b"",
            correlation=f"{context.nonce}",
            deadline_ms=500,
        )

    def read(self, stream: str, frame: bytes, at_ns: int) -> Sequence[Event]:
        match frame:
            case b"gap":
                return (FetchSnapshot(instrument=BTC, reason="gap"),)
            case b"again":
                return (Resubscribe(stream="public", reason="lost"),)
            case b"noise":
                raise RemoteProtocolError("noise")
        return ()

    def read_answer(self, request: Request, answer: Answer | Failure, at_ns: int) -> Sequence[Event]:
        if isinstance(answer, Answer) and answer.status != 200:
            raise RemoteProtocolError("no answer")
        return ()


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer every question with its own path."""
    while True:
        first = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")[0]
        body = first.split(b" ")[1]
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))


async def capture(folder: Path, talk: Any, done: Any, answering: Any = answer) -> Harbour:
    """Record a venue until something holds."""
    async with serve(talk, HOST, 0) as server, raw_server(answering) as http_port:
        venue = Harbour(next(iter(server.sockets)).getsockname()[1], http_port)
        with Recorder(folder) as recorder:
            made = Capture(venue, recorder, clock=RealClock(), seed=1, engine=UnderTest.engine)
            task = asyncio.create_task(made.run())
            await until(lambda: task.done() or done(made, venue))
            made.stop()
            await task
    return venue


def test_answers_openings_frames_and_endings_are_recorded(tmp_path: Path) -> None:
    """Public streams and questions only; what the connector cannot read is recorded all the same."""
    heard = []

    async def talk(connection: ServerConnection) -> None:
        heard.append([await connection.recv(), await connection.recv()])
        for word in ("one", "noise", "gap", "gap", "two"):
            await connection.send(word)
        await connection.wait_closed()

    async def test() -> None:
        venue = await capture(tmp_path, talk, lambda made, _: made.frames == 5 and made.answers == 3)
        assert venue.asked == ["QueryInstruments", "QueryVenue", "QueryBook"]

    run(test())
    assert heard == [["public", "also"]]
    records = list(read_recording(tmp_path))
    assert [record.kind for record in records[:3]] == [RecordKind.RESULT] * 2 + [RecordKind.OPENED]
    assert [r.data for r in records if r.kind is RecordKind.FRAME] == [
        b"one",
        b"noise",
        b"gap",
        b"gap",
        b"two",
    ]
    assert records[-1].kind is RecordKind.CLOSED
    assert records[-1].data.startswith(b"stopped")
    assert {record.stream for record in records if record.kind is not RecordKind.RESULT} == {"public"}
    recording = Recording(tmp_path)
    frames = [frame for _, frame in recording.source("public").frames(0)]
    assert frames == [b"one", b"noise", b"gap", b"gap", b"two"]


def test_a_question_is_asked_until_it_is_answered_and_streams_wait_for_it(tmp_path: Path) -> None:
    """Every attempt's outcome is recorded; a stream is not opened on instruments nobody knows."""

    async def refuse_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")
        await answer(reader, writer)

    async def talk(connection: ServerConnection) -> None:
        await connection.send("one")
        await connection.wait_closed()

    async def test() -> None:
        await capture(tmp_path, talk, lambda made, _: made.frames == 1, refuse_once)

    run(test())
    results = [r.result for r in read_recording(tmp_path) if r.kind is RecordKind.RESULT]
    assert [result.status for result in results if isinstance(result, Answer)] == [503, 200, 200]


def test_what_the_connector_wants_opened_anew_is_opened_anew(tmp_path: Path) -> None:
    """Otherwise a recording would go on with a stream that its reader had given up."""
    connections = []

    async def talk(connection: ServerConnection) -> None:
        connections.append(connection)
        await connection.send("again" if len(connections) == 1 else "two")
        await connection.wait_closed()

    async def test() -> None:
        await capture(tmp_path, talk, lambda made, _: made.frames == 2)

    run(test())
    kinds = [r.kind for r in read_recording(tmp_path) if r.kind is not RecordKind.RESULT]
    once = [RecordKind.OPENED, RecordKind.FRAME, RecordKind.CLOSED]
    assert kinds == once * 2


def test_a_disk_that_takes_no_more_ends_the_recording_with_its_error(tmp_path: Path) -> None:
    """A recording with a hole that nobody knows of would be worse than none."""

    async def talk(connection: ServerConnection) -> None:
        await connection.send("x")
        await connection.wait_closed()

    class Broken(Recorder):
        def frame(self, stream: str, frame: bytes, at_ns: int) -> None:
            raise OSError(28, "No space left on device")

    async def test() -> None:
        async with serve(talk, HOST, 0) as server, raw_server(answer) as http_port:
            venue = Harbour(next(iter(server.sockets)).getsockname()[1], http_port)
            with Broken(tmp_path) as recorder:
                made = Capture(venue, recorder, clock=RealClock(), seed=1, engine=UnderTest.engine)
                with pytest.raises(OSError, match="No space left"):
                    await made.run()

    run(test())


def test_a_connector_without_a_public_network_stream_is_refused(tmp_path: Path) -> None:
    """There would be nothing to record, and an empty folder says nothing of why."""

    class Local(Harbour):
        def plan(self) -> Plan:
            source = LocalSource(frames=lambda _: iter(()))
            return Plan(streams=(StreamPlan(name="here", source=source, max_silence_ms=1),))

    async def test() -> None:
        with Recorder(tmp_path) as recorder, pytest.raises(LocalError, match="nothing to record"):
            Capture(Local(1, 1), recorder, clock=RealClock(), seed=1)

    run(test())
