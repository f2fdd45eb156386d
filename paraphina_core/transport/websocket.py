"""One WebSocket connection: each message is handed on in the very call in which its bytes arrived.

The protocol is that of `websockets` (its sans-I/O half), which leaves out the queue and the task
switch for each message of its asyncio client. Compression is not offered: it costs time on both
sides, and a small message could unpack to a huge one. No proxy is asked and no redirect followed.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Final, NamedTuple, cast

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidStatus, PayloadTooBig
from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import State
from websockets.uri import parse_uri

from paraphina_core import __version__
from paraphina_core.domain import Clock

from .address import Address

#: Not one of the program's loggers: no setting of theirs makes it print what venues are told at login.
_SILENT: Final = logging.Logger("websockets", logging.CRITICAL)  # noqa: LOG001  # see above


class CloseReason(StrEnum):
    """Why a connection ended, or did not come about."""

    STOPPED = "stopped"
    REOPENED = "reopened"
    CONNECT_FAILED = "connect_failed"
    CONNECT_TIMED_OUT = "connect_timed_out"
    TLS_REFUSED = "tls_refused"
    HANDSHAKE_REFUSED = "handshake_refused"
    REMOTE_CLOSED = "remote_closed"
    CONNECTION_LOST = "connection_lost"
    DATA_OVERDUE = "data_overdue"
    PONG_OVERDUE = "pong_overdue"
    LIFETIME_OVER = "lifetime_over"
    FRAME_TOO_BIG = "frame_too_big"
    FRAME_INVALID = "frame_invalid"
    SEND_OVERFLOW = "send_overflow"


class Ending(NamedTuple):
    """How a connection ended; `headers` are those of an HTTP answer that refused it."""

    reason: CloseReason
    detail: str
    headers: Mapping[str, str]


class Callbacks(NamedTuple):
    """What a connection calls, always from the event loop and never twice at once."""

    opened: Callable[[int], None]
    message: Callable[[bytes, int], None]
    pong: Callable[[bytes], None]
    ended: Callable[[], None]


class WebSocketConnection(asyncio.Protocol):
    """A connection from its first byte to its last; it is opened once.

    Args:
        url: already checked; `address` is what the check made of it.
        headers: already checked.
        max_message_bytes: a longer message ends the connection.
        max_unsent_bytes: what may wait for a peer that does not read.
    """

    def __init__(
        self,
        url: str,
        address: Address,
        headers: Mapping[str, str],
        *,
        clock: Clock,
        callbacks: Callbacks,
        max_message_bytes: int,
        max_unsent_bytes: int,
    ) -> None:
        self._address = address
        self._headers = headers
        self._clock = clock
        self._callbacks = callbacks
        self._max_unsent_bytes = max_unsent_bytes
        self._protocol = ClientProtocol(parse_uri(url), max_size=max_message_bytes, logger=_SILENT)
        self._transport: asyncio.Transport | None = None
        self._parts: list[bytes] = []
        self._is_text = False
        self._lost = asyncio.Event()
        self._settled = asyncio.Event()
        self.ending: Ending | None = None
        self.error: BaseException | None = None

    async def open(self, tls: ssl.SSLContext) -> None:
        """Connect and shake hands; afterwards the connection is open or `ending` says why not."""
        loop = asyncio.get_running_loop()
        address = self._address
        try:
            await loop.create_connection(
                lambda: self,
                address.host,
                address.port,
                ssl=tls if address.secure else None,
                happy_eyeballs_delay=0.25,
            )
            await self._settled.wait()
        except ssl.SSLError as e:
            self._end(CloseReason.TLS_REFUSED, str(e))
        except (OSError, UnicodeError) as e:
            self._end(CloseReason.CONNECT_FAILED, str(e))
        except asyncio.CancelledError:
            self.abort()
            raise

    @property
    def is_open(self) -> bool:
        """True between the handshake and the first sign of an end."""
        return self.ending is None and self._protocol.state is State.OPEN and not self._closing

    def send_text(self, payload: bytes) -> bool:
        """Send a text message; False if it provably did not leave.

        A peer that leaves more than `max_unsent_bytes` unread ends the connection.
        """
        transport = self._transport
        if transport is None or not self.is_open:
            return False
        if not (transport.get_write_buffer_size() + len(payload) <= self._max_unsent_bytes):
            self._end(CloseReason.SEND_OVERFLOW, f"{transport.get_write_buffer_size()} bytes are unsent")
            return False
        self._protocol.send_text(payload)
        self._flush()
        return True

    def ping(self, payload: bytes) -> None:
        """Send a protocol ping, if the connection is open."""
        if self.is_open:
            self._protocol.send_ping(payload)
            self._flush()

    def start_close(self) -> None:
        """Begin the closing handshake; messages on their way still arrive."""
        if self.is_open:
            self._protocol.send_close(CloseCode.NORMAL_CLOSURE)
            self._flush()

    async def finish(self, timeout_s: float) -> None:
        """Leave nothing behind: wait for the other side to hang up, then do it for it."""
        if self._transport is not None and not self._lost.is_set():
            try:
                async with asyncio.timeout(timeout_s):
                    await self._lost.wait()
            except TimeoutError:
                self.abort()
                await self._lost.wait()

    def abort(self) -> None:
        """Hang up at once; nothing that arrives afterwards is handed on."""
        self._end(CloseReason.STOPPED, "")
        if self._transport is not None:
            self._transport.abort()

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the handshake."""
        self._transport = cast("asyncio.Transport", transport)
        request = self._protocol.connect()
        for name, value in {"User-Agent": f"paraphina/{__version__}", **self._headers}.items():
            request.headers[name] = value
        self._protocol.send_request(request)
        self._flush()

    def data_received(self, data: bytes) -> None:
        """Hand on every message that is complete with these bytes."""
        at_ns = self._clock.now_ns()
        protocol = self._protocol
        protocol.receive_data(data)
        try:
            for event in protocol.events_received():
                if self.ending is not None:
                    break
                if isinstance(event, Frame):
                    self._frame(event, at_ns)
                elif isinstance(event, Response) and protocol.handshake_exc is None:
                    self._settled.set()
                    self._callbacks.opened(at_ns)
        except Exception as e:  # noqa: BLE001  # whatever it is, the supervisor raises it again
            self.error = e
            self.abort()
            return
        self._flush()
        self._look_for_end()

    def eof_received(self) -> None:
        """Take note that nothing more will come; the transport then closes by itself."""
        self._protocol.receive_eof()

    def connection_lost(self, exc: Exception | None) -> None:
        """Take note of the end, whatever the reason."""
        if exc is not None:
            self._end(CloseReason.CONNECTION_LOST, str(exc))
        self._protocol.receive_eof()
        self._look_for_end()
        self._end(CloseReason.CONNECTION_LOST, "end of stream without a closing message")
        self._lost.set()

    @property
    def _closing(self) -> bool:
        return self._transport is None or self._transport.is_closing()

    def _frame(self, frame: Frame, at_ns: int) -> None:
        opcode = frame.opcode
        if opcode is Opcode.TEXT or opcode is Opcode.BINARY:
            self._is_text = opcode is Opcode.TEXT
            if frame.fin:
                self._message(bytes(frame.data), at_ns)
            else:
                self._parts = [bytes(frame.data)]
        elif opcode is Opcode.CONT:
            self._parts.append(bytes(frame.data))
            if frame.fin:
                message, self._parts = b"".join(self._parts), []
                self._message(message, at_ns)
        elif opcode is Opcode.PONG:
            self._callbacks.pong(bytes(frame.data))

    def _message(self, message: bytes, at_ns: int) -> None:
        if self._is_text and not message.isascii():
            try:
                message.decode()
            except UnicodeDecodeError as e:
                self._protocol.fail(CloseCode.INVALID_DATA)
                self._end(CloseReason.FRAME_INVALID, f"text is no UTF-8 at byte {e.start}")
                return
        self._callbacks.message(message, at_ns)

    def _flush(self) -> None:
        if self._transport is None:
            return
        for data in self._protocol.data_to_send():
            if data and not self._transport.is_closing():
                self._transport.write(data)

    def _look_for_end(self) -> None:
        """Find out what the protocol says of the end, if it has come."""
        protocol = self._protocol
        if protocol.state is State.OPEN:
            return
        refusal = protocol.handshake_exc
        if isinstance(refusal, InvalidStatus):
            response = refusal.response
            headers = {name.lower(): value for name, value in response.headers.raw_items()}
            self._end(CloseReason.HANDSHAKE_REFUSED, f"HTTP status {response.status_code}", headers)
        elif refusal is not None:
            self._end(CloseReason.HANDSHAKE_REFUSED, str(refusal))
        elif protocol.close_rcvd is not None:
            close = protocol.close_rcvd
            self._end(CloseReason.REMOTE_CLOSED, f"code {int(close.code)} {close.reason!r}")
        elif isinstance(protocol.parser_exc, PayloadTooBig):
            self._end(CloseReason.FRAME_TOO_BIG, str(protocol.parser_exc))
        elif protocol.parser_exc is not None and not isinstance(protocol.parser_exc, EOFError):
            self._end(CloseReason.FRAME_INVALID, str(protocol.parser_exc))

    def _end(self, reason: CloseReason, detail: str, headers: Mapping[str, str] | None = None) -> None:
        """Settle the ending; the first one counts."""
        if self.ending is None:
            self.ending = Ending(reason, detail, headers or {})
            self._settled.set()
            self._callbacks.ended()
