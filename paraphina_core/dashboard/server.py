"""The dashboard's own process: reads what the session tells, and serves it to browsers and monitoring."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, Response, StreamingResponse
from starlette.routing import Route
from uvicorn import Config, Server

from paraphina_core.connector import read_private, write_private
from paraphina_core.domain import LocalError

from .guard import PAGE_FILES, Guard
from .messages import Asked, Kill, Listening, Refused, Told
from .metrics import Metrics
from .watching import Watching

#: Longest line of a session: a snapshot with a hundred markets is a tenth of it.
MAX_LINE_BYTES: Final = 1024 * 1024

#: Browsers that may watch at once, and connections altogether.
MAX_WATCHERS: Final = 8
MAX_CONNECTIONS: Final = 32

#: A watcher gets a sign of life so often when there is nothing to tell.
_KEEP_ALIVE_S: Final = 5.0

#: What is typed beside the token to fire the kill switch.
CONFIRMATION: Final = "KILL"
_MAX_REASON: Final = 200

_PAGE: Final = Path(__file__).with_name("page")
_ENCODER: Final = msgspec.json.Encoder(decimal_format="string")


class KillRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is posted to `/kill`."""

    confirmation: str
    reason: str = ""


class Dashboard:
    """Answers requests from what is known.

    Args:
        watching: what is known of the session.
        ask: sends something back to the session.
        now_s: the monotonic clock that messages are dated by.
    """

    def __init__(self, watching: Watching, ask: Callable[[Asked], None], now_s: Callable[[], float]) -> None:
        self._watching = watching
        self._ask = ask
        self._now_s = now_s
        self._metrics = Metrics(watching, now_s)
        self._news = asyncio.Event()
        self._watchers = 0

    def app(self) -> Starlette:
        """Return the routes."""
        return Starlette(
            routes=[
                *(Route(path, _file_of(name)) for path, name in PAGE_FILES.items()),
                Route("/health", self._health),
                Route("/ready", self._ready),
                Route("/metrics", self._metrics_page),
                Route("/config", self._config),
                Route("/why/{name}/{side}", self._why),
                Route("/events", self._events),
                Route("/kill", self._kill, methods=["POST"]),
            ]
        )

    def tell(self) -> None:
        """Let every watcher know that there is news."""
        self._news.set()
        self._news = asyncio.Event()

    async def _health(self, request: Request) -> Response:
        return _verdict("healthy", self._watching.troubles(self._now_s()))

    async def _ready(self, request: Request) -> Response:
        return _verdict("ready", self._watching.hindrances(self._now_s()))

    async def _metrics_page(self, request: Request) -> Response:
        return Response(self._metrics.page(), media_type="text/plain; version=0.0.4; charset=utf-8")

    async def _config(self, request: Request) -> Response:
        introduction = self._watching.introduction
        return _json(503, {"error": "not told yet"}) if introduction is None else _json(200, introduction)

    async def _why(self, request: Request) -> Response:
        answers = self._watching.why(request.path_params["name"], request.path_params["side"])
        if answers is not None:
            return _json(200, {"markets": answers})
        shown = self._watching.shown
        venues = () if shown is None else shown.snapshot.venues
        known = [venue.connector for venue in venues]
        return _json(404, {"error": "no such venue or side", "venues": known, "sides": ["buy", "sell"]})

    async def _kill(self, request: Request) -> Response:
        try:
            wanted = msgspec.json.decode(await request.body(), type=KillRequest)
        except msgspec.DecodeError as e:
            return _json(400, {"error": str(e)})
        if wanted.confirmation != CONFIRMATION:
            return _json(400, {"error": f"type {CONFIRMATION} to confirm; nothing was done"})
        if self._watching.ended is not None:
            return _json(409, {"error": "the run is over already"})
        reason = "".join(letter for letter in wanted.reason if letter.isprintable())[:_MAX_REASON].strip()
        self._ask(Kill(reason=f"dashboard: {reason or 'no reason given'}"))
        return _json(202, {"asked": "the kill switch; watch the session's state for the effect"})

    async def _events(self, request: Request) -> Response:
        if self._watchers >= MAX_WATCHERS:
            return _json(503, {"error": f"{MAX_WATCHERS} browsers watch already"})
        return StreamingResponse(
            self._stream(), media_type="text/event-stream", headers={"x-accel-buffering": "no"}
        )

    async def _stream(self) -> AsyncIterator[bytes]:
        """Send what is known, then what changes; who reads slowly misses what was between."""
        self._watchers += 1
        try:
            number = 0
            for name, value in self._all():
                yield _event(name, value)
            number = self._last_number()
            while True:
                news = self._news
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_KEEP_ALIVE_S):
                        await news.wait()
                if not news.is_set() and self._watching.ended is None:
                    yield b": still here\n\n"
                    continue
                lines = [one for one in self._watching.events if one.number > number]
                number = self._last_number()
                yield _event("snapshot", self._watching.shown) + (_event("feed", lines) if lines else b"")
                if self._watching.ended is not None:
                    yield _event("ended", self._watching.ended)
                    return
        finally:
            self._watchers -= 1

    def _all(self) -> Iterator[tuple[str, Any]]:
        watching = self._watching
        yield "introduction", watching.introduction
        yield "past", list(watching.points)
        yield "feed", list(watching.events)
        yield "snapshot", watching.shown

    def _last_number(self) -> int:
        return self._watching.events[-1].number if self._watching.events else 0


class _Quiet(Server):
    """A server that says when it listens, or cannot, and whose end is no signal: those are the session's."""

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.is_refused = False
        self.tried = asyncio.Event()

    async def startup(self, sockets: Any = None) -> None:  # noqa: ANN401  # sockets, which this room may not name
        try:
            await super().startup(sockets)
        except SystemExit:  # its word for an address that it cannot have
            self.is_refused = self.should_exit = True
        self.tried.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def serve(address: str, token_file: Path) -> int:
    """Serve what comes in on the standard input until it ends; what is asked goes to the standard output.

    Returns:
        0, or 1 if it could not begin, which was told.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        token = _token(token_file)
    except LocalError as e:
        _write(Refused(reason=str(e)))
        return 1
    return asyncio.run(_serve(address, token))


async def _serve(address: str, token: str) -> int:
    host, _, port = address.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    watching = Watching()
    dashboard = Dashboard(watching, _write, time.monotonic)
    server = _Quiet(
        Config(
            Guard(dashboard.app(), host, token),
            host=host,
            port=int(port),
            http="h11",
            ws="none",
            lifespan="off",
            loop="asyncio",
            log_level="critical",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            limit_concurrency=MAX_CONNECTIONS,
            timeout_keep_alive=5,
            timeout_graceful_shutdown=1,
            h11_max_incomplete_event_size=16_384,
        )
    )
    serving = asyncio.create_task(server.serve())
    tried = asyncio.create_task(server.tried.wait())
    await asyncio.wait({serving, tried}, return_when=asyncio.FIRST_COMPLETED)
    tried.cancel()
    if server.is_refused or serving.done():
        await serving
        _write(Refused(reason=f"{address} cannot be listened on; is it in use?"))
        return 1
    bound = server.servers[0].sockets[0].getsockname()[1]
    shown = f"[{host}]" if ":" in host else host
    _write(Listening(url=f"http://{shown}:{bound}/"))
    await _read(watching, dashboard)
    server.should_exit = True
    await serving
    return 0


async def _read(watching: Watching, dashboard: Dashboard) -> None:
    """Take every line of the session; what is not one of its messages is a fault of ours and ends it."""
    reader = asyncio.StreamReader(limit=MAX_LINE_BYTES)
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    decoder = msgspec.json.Decoder(Told)
    try:
        while line := await reader.readline():
            watching.take(decoder.decode(line), time.monotonic())
            dashboard.tell()
    finally:
        watching.cut()
        dashboard.tell()
        transport.close()


def _token(path: Path) -> str:
    """Return the token of the file, which is made if it is not there."""
    content = read_private(path)
    if content is None:
        content = secrets.token_urlsafe(24).encode()
        write_private(path, content + b"\n")
    token = content.decode("latin-1").strip()
    if len(token) < 16 or not token.isascii():  # noqa: PLR2004  # shorter ones can be guessed
        raise LocalError(f"the token in {path} is not usable", wanted="at least 16 ASCII characters")
    return token


def _write(asked: Asked) -> None:
    sys.stdout.buffer.write(_ENCODER.encode(asked) + b"\n")
    sys.stdout.buffer.flush()


def _file_of(name: str) -> Callable[[Request], Any]:
    async def answer(_: Request) -> Response:
        return FileResponse(_PAGE / name)

    return answer


def _verdict(word: str, reasons: list[str]) -> Response:
    return _json(503 if reasons else 200, {word: not reasons, "reasons": reasons})


def _json(status: int, value: object) -> Response:
    return Response(_ENCODER.encode(value) + b"\n", status, media_type="application/json")


def _event(name: str, value: object) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (name.encode(), _ENCODER.encode(value))
