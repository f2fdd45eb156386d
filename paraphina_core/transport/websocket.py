"""A connection whose protocol is that of `websockets`, which is always there.

Only its sans-I/O half is used: that leaves out the queue and the task switch for each message of its
asyncio client. Each message is handed on in the very call in which its bytes arrived.
"""

from __future__ import annotations

import asyncio
from typing import Any, cast

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidStatus, PayloadTooBig
from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import State
from websockets.uri import parse_uri

from paraphina_core import __version__

from .connection import SILENT, CloseReason, Connection


class WebSocketConnection(Connection, asyncio.Protocol):
    """A connection by way of `websockets`; arguments as `Connection`."""

    def __init__(self, *args: Any, **options: Any) -> None:  # noqa: ANN401  # those of the base class
        super().__init__(*args, **options)
        self._protocol = ClientProtocol(parse_uri(self._url), max_size=self._max_message_bytes, logger=SILENT)
        self._parts: list[bytes] = []
        self._is_text = False

    @property
    def is_open(self) -> bool:
        """True between the handshake and the first sign of an end."""
        return self.ending is None and self._protocol.state is State.OPEN and not self._closing

    def make_protocol(self) -> asyncio.BaseProtocol:
        """Return what the event loop feeds: this object."""
        return self

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

    def _frame(self, frame: Frame, at_ns: int) -> None:
        opcode = frame.opcode
        if opcode is Opcode.TEXT or opcode is Opcode.BINARY:
            self._is_text = opcode is Opcode.TEXT
            if frame.fin:
                self._message(bytes(frame.data), at_ns, is_text=self._is_text)
            else:
                self._parts = [bytes(frame.data)]
        elif opcode is Opcode.CONT:
            self._parts.append(bytes(frame.data))
            if frame.fin:
                message, self._parts = b"".join(self._parts), []
                self._message(message, at_ns, is_text=self._is_text)
        elif opcode is Opcode.PONG:
            self._callbacks.pong(bytes(frame.data))

    def _write_text(self, payload: bytes) -> None:
        self._protocol.send_text(payload)
        self._flush()

    def _reject_text(self) -> None:
        self._protocol.fail(CloseCode.INVALID_DATA)

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
