"""The short way to a venue: one warm HTTP/1.1 connection; a request leaves in the call that makes it.

A request is written once and never again. Whatever goes wrong afterwards leaves its outcome unknown;
`not_sent` is said only while not one byte has been handed to the kernel. Requests are not pipelined
and do not wait for a connection: who has none sends nothing, instead of sending late.
"""

from __future__ import annotations

import asyncio
import re
import select
import ssl
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias, cast

import h11
import msgspec

from paraphina_core import __version__
from paraphina_core.connector import Answer, Failure, FailureKind, HttpRequest
from paraphina_core.domain import NS_PER_S, Clock, LocalError

from .address import MAX_URL_LENGTH, Address, check_headers, parse_address, verified_tls
from .attempts import Attempt, Attempts
from .backoff import Backoff
from .dial import connect
from .limiter import Limiter

#: Takes the answer, or why there is none, and when that was known.
Done: TypeAlias = Callable[[Answer | Failure, int], None]

_METHODS: Final = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})
_TARGET = re.compile(r"/[\x21\x22\x24-\x7e]*")  # printable ASCII but "#"
_NO_DEADLINE_NS: Final = 3600 * NS_PER_S  # a pause that something else ends
_END: Final = h11.EndOfMessage()
#: What the parser must know of a request to read its answer: that it is neither HEAD nor CONNECT.
_REQUEST: Final = h11.Request(method="POST", target="/", headers=[("Host", "-")])


class HttpLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What no exchange may exceed.

    Args:
        connect_timeout_ms: from looking up the name to the end of the TLS handshake.
        max_head_bytes: status line and headers of an answer that are not complete yet.
        max_body_bytes: body of an answer.
        max_waiting: requests that wait for the answer to the one before them.
    """

    connect_timeout_ms: int = 10_000
    max_head_bytes: int = 64 * 1024
    max_body_bytes: int = 8 * 1024 * 1024
    max_waiting: int = 64


class _Pending:
    """A request between `submit` and its answer."""

    __slots__ = ("deadline", "done", "wire")

    def __init__(self, wire: bytes, done: Done) -> None:
        self.wire = wire
        self.done = done
        self.deadline: asyncio.TimerHandle | None = None

    def settle(self, result: Answer | Failure, at_ns: int) -> None:
        if self.deadline is not None:
            self.deadline.cancel()
        self.done(result, at_ns)


class OrderEntry:
    """The connection to one host, kept warm while `run` runs.

    Deadlines and the connect time-out pass in real time, back-off in session time.

    Args:
        origin: scheme, host and port of every request, such as `https://api.venue.example`.
        clock: session time.
        backoff: of this connection alone. Servers end idle connections as they like, so it should
            start anew after a second or so rather than after a minute.
        budget: asked before every connection attempt, shared by all (`connect_budget`).
        tls: other roots than the system's; it must verify.
        limits: see there.
        sleep: waits so many seconds of session time.

    Raises:
        LocalError: the origin is no such URL, or TLS is not verified.
    """

    def __init__(
        self,
        origin: str,
        *,
        clock: Clock,
        backoff: Backoff,
        budget: Limiter,
        tls: ssl.SSLContext | None = None,
        limits: HttpLimits | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._address = parse_address(origin, "http", "https")
        if self._address.target != "/" or origin.endswith(("/", "?")):
            raise LocalError("origin has a path", found=origin, wanted="https://host or https://host:port")
        self._origin = origin
        self._tls = verified_tls(tls)
        self._clock = clock
        self._attempts = Attempts(clock, backoff, budget, sleep)
        self._limits = limits or HttpLimits()
        self._connection: _Connection | None = None
        self._current: _Pending | None = None
        self._waiting: deque[_Pending] = deque()
        self._error: BaseException | None = None
        #: Connections that were opened, and why attempts and connections ended, latest last.
        self.connections = 0
        self.endings: deque[str] = deque(maxlen=32)

    @property
    def is_ready(self) -> bool:
        """True while the connection is open; a request may still have to wait for one before it."""
        connection = self._connection
        return connection is not None and connection.is_open and not self._attempts.stopped

    def submit(self, request: HttpRequest, done: Done) -> None:
        """Send a request now, or as soon as the one before it is answered.

        `done` is called once, from the event loop and never from within this call. An exception of it
        ends `run`.

        Raises:
            LocalError: the request is not for this origin, or would not be one clean HTTP message.
        """
        pending = _Pending(self._spell(request), done)
        if not self.is_ready:
            self._refuse(pending, f"no connection to {self._address.authority}")
        elif self._current is None:
            self._start_deadline(pending, request)
            self._send(pending)
        elif len(self._waiting) < self._limits.max_waiting:
            self._start_deadline(pending, request)
            self._waiting.append(pending)
        else:
            self._refuse(pending, f"{len(self._waiting)} requests are waiting")

    async def fetch(self, request: HttpRequest) -> Answer | Failure:
        """Submit a request and wait for what comes of it.

        Raises:
            LocalError: as `submit`.
        """
        future: asyncio.Future[Answer | Failure] = asyncio.get_running_loop().create_future()
        self.submit(request, lambda result, _: None if future.done() else future.set_result(result))
        return await future

    def stop(self) -> None:
        """Ask for the end: no new request is sent, `run` returns once the one under way is settled."""
        self._attempts.stop()

    async def run(self) -> None:
        """Keep a connection open until `stop`; call it once.

        Raises:
            Exception: whatever one of the `done` raised.
        """
        try:
            while await self._attempts.turn():
                await self._connect_once()
        finally:
            self._drop("the connection is shut down")
        if self._error is not None:
            raise self._error

    async def _connect_once(self) -> None:
        timeout_ms = self._limits.connect_timeout_ms
        connection = _Connection(self, self._limits)
        detail = ""
        try:
            outcome = await self._attempts.attempt(connection.open(self._address, self._tls), timeout_ms)
            if outcome is Attempt.TIMED_OUT:
                detail = f"not open after {timeout_ms} ms"
            elif outcome is Attempt.DONE:
                self._connection = connection
                self.connections += 1
                self._attempts.opened(self._clock.now_ns())
                await self._until_ended(connection)
        except (OSError, UnicodeError) as e:
            detail = f"{type(e).__name__}: {e}"
        finally:
            connection.end(detail or "shut down")
            self._drop(connection.ending)
            self._connection = None
        self.endings.append(connection.ending)
        self._attempts.ended(self._clock.now_ns())

    async def _until_ended(self, connection: _Connection) -> None:
        """Wait for the end of a connection, or, once stopped, for the request under way."""
        while connection.is_open and not (self._attempts.stopped and self._current is None):
            await self._attempts.pause(self._clock.now_ns() + _NO_DEADLINE_NS)

    def _spell(self, request: HttpRequest) -> bytes:
        """Write a request as it goes over the wire."""
        target = request.url.removeprefix(self._origin) or "/"
        if not (request.url.startswith(self._origin) and _TARGET.fullmatch(target)):
            raise LocalError(
                "request goes elsewhere", found=request.url[:MAX_URL_LENGTH], wanted=f"{self._origin}/path"
            )
        if request.method not in _METHODS or request.deadline_ms <= 0:
            raise LocalError(
                "request is not usable",
                found=(request.method, request.deadline_ms),
                wanted=f"one of {', '.join(sorted(_METHODS))} and a deadline above zero",
            )
        check_headers(request.headers)
        lines = [f"{request.method} {target} HTTP/1.1\r\nHost: {self._address.authority}"]
        lines += [f"{name}: {value}" for name, value in request.headers.items()]
        if not any(name.lower() == "user-agent" for name in request.headers):
            lines.append(f"User-Agent: paraphina/{__version__}")
        if request.body or request.method != "GET":
            lines.append(f"Content-Length: {len(request.body)}")
        return "\r\n".join([*lines, "\r\n"]).encode("ascii") + request.body

    def _start_deadline(self, pending: _Pending, request: HttpRequest) -> None:
        loop = asyncio.get_running_loop()
        pending.deadline = loop.call_later(request.deadline_ms / 1000, self._expire, pending)

    def _refuse(self, pending: _Pending, detail: str) -> None:
        """Say, from the event loop, that nothing was sent."""
        failure = Failure(kind=FailureKind.NOT_SENT, detail=detail)
        asyncio.get_running_loop().call_soon(self._settle, pending, failure)

    def _send(self, pending: _Pending) -> bool:
        if self._connection is not None and self._connection.write(pending.wire):
            self._current = pending
            return True
        self._refuse(pending, "the venue has hung up")
        return False

    def _expire(self, pending: _Pending) -> None:
        """Give up a request whose deadline has passed, and the connection on which its answer may come."""
        if pending is not self._current:
            self._waiting.remove(pending)
            detail = "the deadline passed before it could be sent"
            self._settle(pending, Failure(kind=FailureKind.NOT_SENT, detail=detail))
            return
        self._current = None
        if self._connection is not None:
            self._connection.end("an answer was overdue")
        self._settle(pending, Failure(kind=FailureKind.TIMED_OUT, detail="no answer within the deadline"))

    def _settle(self, pending: _Pending, result: Answer | Failure) -> None:
        try:
            pending.settle(result, self._clock.now_ns())
        except Exception as e:  # noqa: BLE001  # whatever it is, `run` raises it again
            self._error = self._error or e
            if self._connection is not None:
                self._connection.end("an error of our own")
            self._attempts.stop()

    def _drop(self, detail: str) -> None:
        """Settle everything that was submitted, since no answer can come any more."""
        current, self._current = self._current, None
        if current is not None:
            self._settle(current, Failure(kind=FailureKind.DISCONNECTED, detail=detail))
        while self._waiting:
            failure = Failure(kind=FailureKind.NOT_SENT, detail=detail)
            self._settle(self._waiting.popleft(), failure)

    # What the connection calls.

    def answered(self, answer: Answer) -> None:
        """Hand an answer on, after the next request has left."""
        current, self._current = self._current, None
        while self._waiting and self.is_ready:
            if self._send(self._waiting.popleft()):
                break
        if current is not None:
            self._settle(current, answer)
        self._attempts.poke()

    def ended(self, detail: str) -> None:
        """Settle what was under way; the connection is of no further use."""
        self._drop(detail)
        self._attempts.poke()


class _Connection(asyncio.Protocol):
    """One TCP connection and the parser of its answers."""

    def __init__(self, owner: OrderEntry, limits: HttpLimits) -> None:
        self._owner = owner
        self._limits = limits
        self._parser = h11.Connection(h11.CLIENT, max_incomplete_event_size=limits.max_head_bytes)
        self._transport: asyncio.Transport | None = None
        self._readable = select.poll()
        self._response: h11.Response | None = None
        self._body: list[bytes] = []
        self._body_bytes = 0
        self.ending = ""

    @property
    def is_open(self) -> bool:
        """True until the first sign of an end."""
        return self._transport is not None and not self.ending

    async def open(self, address: Address, tls: ssl.SSLContext) -> None:
        """Connect; raises OSError or UnicodeError if that fails."""
        await connect(lambda: self, address, tls)

    def write(self, wire: bytes) -> bool:
        """Write a request; False if nothing of it was handed on.

        Between two requests a venue has nothing to say but that it hangs up. If that is waiting to be
        read, the request would be lost with an outcome that nobody knows.
        """
        transport = self._transport
        if transport is None or not self.is_open or transport.is_closing() or self._readable.poll(0):
            return False
        transport.write(wire)
        self._parser.send(_REQUEST)
        self._parser.send(_END)
        return True

    def end(self, detail: str) -> None:
        """Hang up."""
        first, self.ending = not self.ending, self.ending or detail
        if self._transport is not None:
            self._transport.abort()
        if first:
            self._owner.ended(self.ending)

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)
        self._readable.register(transport.get_extra_info("socket").fileno(), select.POLLIN)

    def data_received(self, data: bytes) -> None:
        """Read on; a complete answer is handed on within this call."""
        if not self.ending:
            self._read(data)

    def eof_received(self) -> None:
        """Complete an answer that ends with its connection, then hang up."""
        if not self.ending:
            self._read(b"")
        self.end("the venue hung up")

    def connection_lost(self, exc: Exception | None) -> None:
        """Take note of the end."""
        self.end("the venue hung up" if exc is None else f"{type(exc).__name__}: {exc}")

    def _read(self, data: bytes) -> None:
        parser = self._parser
        try:
            if parser.our_state is h11.IDLE:
                if data:
                    self.end("bytes without a request")
                return
            parser.receive_data(data)
            while not self.ending:
                event = parser.next_event()
                if event is h11.NEED_DATA or event is h11.PAUSED:
                    return
                if isinstance(event, h11.Response):
                    self._response = event
                elif isinstance(event, h11.Data):
                    self._add(event.data)
                elif isinstance(event, h11.EndOfMessage):
                    self._complete()
                    return
                elif isinstance(event, h11.ConnectionClosed):
                    return
        except h11.RemoteProtocolError as e:
            self.end(f"the answer is no HTTP: {e}")

    def _add(self, data: bytes) -> None:
        self._body_bytes += len(data)
        self._body.append(bytes(data))
        if not (self._body_bytes <= self._limits.max_body_bytes):
            self.end(f"the answer is longer than {self._limits.max_body_bytes} bytes")

    def _complete(self) -> None:
        response, self._response = self._response, None
        body, self._body, self._body_bytes = b"".join(self._body), [], 0
        if response is None:
            self.end("the answer has no head")
            return
        headers: dict[str, str] = {}
        for raw_name, raw_value in response.headers:
            name, value = raw_name.decode("ascii"), raw_value.decode("latin-1")
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        answer = Answer(status=response.status_code, body=body, headers=headers)
        parser = self._parser
        reusable = parser.our_state is h11.DONE and parser.their_state is h11.DONE
        if reusable and not parser.trailing_data[0]:
            parser.start_next_cycle()
            self._owner.answered(answer)
            return
        self.ending = "the venue closes after an answer" if not reusable else "bytes without a request"
        self._owner.answered(answer)
        self._owner.ended(self.ending)
        if self._transport is not None:
            self._transport.abort()
