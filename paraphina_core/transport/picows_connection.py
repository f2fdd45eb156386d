"""A connection whose protocol is that of `picows`: frames are cut in C, in the buffer that was read into.

It behaves as `WebSocketConnection` does, and ends for the same reasons; only the wording differs.
`picows` leaves to its user what takes more than one frame to see: reserved bits, the order and the
total size of fragments, UTF-8, and whether the venue turned on what was not offered. That is done here.

Its protocol class is driven directly and not by way of `ws_connect`, which drops a part of some URLs,
leaves a connection behind when it is cancelled, and tells of a broken frame only after a while. In
return the version is bounded above, and `engine` looks whether the class is as expected.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any, cast

from picows import WSCloseCode, WSError, WSFrame, WSHandshakeError, WSListener, WSMsgType, WSTransport
from picows.picows import WSAutoPingStrategy, WSProtocol  # type: ignore[attr-defined]  # not in its stub

from paraphina_core import __version__

from .connection import SILENT, CloseReason, Connection

_TEXT, _CONTINUATION = WSMsgType.TEXT, WSMsgType.CONTINUATION
_LAST_DATA = WSMsgType.BINARY
#: Codes that stand for something that was not sent (RFC 6455, 7.4.1), and where the defined ones end.
_NO_CODES = frozenset({0, 1005, 1006, 1015})
_CODES_END = 5000
_NO_STATUS = 1005
_CODE_BYTES = 2
_READ_BYTES = 64 * 1024


class PicowsConnection(Connection, WSListener):
    """A connection by way of `picows`; arguments as `Connection`."""

    def __init__(self, *args: Any, **options: Any) -> None:  # noqa: ANN401  # those of the base class
        super().__init__(*args, **options)
        self._protocol: Any = None
        self._wire: Any = None
        self._at_ns = 0
        self._opened = False
        self._is_closing_ourselves = False
        self._parts: list[bytes] | None = None
        self._part_bytes = 0
        self._is_text = False

    @property
    def is_open(self) -> bool:
        """True between the handshake and the first sign of an end."""
        return (
            self.ending is None and self._opened and not self._wire.is_close_frame_sent and not self._closing
        )

    def make_protocol(self) -> asyncio.BaseProtocol:
        """Return what the event loop feeds."""
        self._protocol = protocol = _Protocol(
            self._address.authority,
            self._address.target,
            is_client_side=True,
            ws_listener_factory=lambda _request, _response: self,
            logger=SILENT,
            disconnect_on_exception=True,
            websocket_handshake_timeout=None,
            enable_auto_ping=False,
            auto_ping_idle_timeout=0,
            auto_ping_reply_timeout=0,
            auto_ping_strategy=WSAutoPingStrategy.PING_WHEN_IDLE,
            enable_auto_pong=False,
            max_frame_size=self._max_message_bytes,
            extra_headers={"User-Agent": f"paraphina/{__version__}", **self._headers},
            read_buffer_init_size=_READ_BYTES,
        )
        protocol.owner = self
        return cast("asyncio.BaseProtocol", protocol)

    def ping(self, payload: bytes) -> None:
        """Send a protocol ping, if the connection is open."""
        if self.is_open:
            self._wire.send_ping(payload)

    def start_close(self) -> None:
        """Begin the closing handshake; messages on their way still arrive."""
        if self.is_open:
            self._close(WSCloseCode.OK)

    async def finish(self, timeout_s: float) -> None:
        """Leave nothing behind: wait for the other side to hang up, then do it for it."""
        await super().finish(timeout_s)
        if self._wire is not None and self._transport is not None:
            with suppress(WSError):  # `read` has told of it; unfetched, asyncio would complain
                await self._wire.wait_disconnected()

    async def _shake_hands(self) -> None:
        try:
            await self._protocol.wait_until_handshake_complete()
        except WSHandshakeError as e:
            status, headers = _head(e.raw_header or b"")
            detail = str(e) if status in {"", "101"} else f"HTTP status {status}"
            self._end(CloseReason.HANDSHAKE_REFUSED, detail, headers)
        else:
            if not self._opened:
                self._end(CloseReason.HANDSHAKE_REFUSED, "connection closed during the handshake")

    def _write_text(self, payload: bytes) -> None:
        self._wire.send(_TEXT, payload)

    def _reject_text(self) -> None:
        self._close(WSCloseCode.INVALID_TEXT)

    def _close(self, code: WSCloseCode | int) -> None:
        self._is_closing_ourselves = True
        self._wire.send_close(code)

    def _refuse(self, reason: CloseReason, code: WSCloseCode, detail: str) -> None:
        """End the connection because of what the peer sent, and say so to it."""
        self._close(code)
        self._end(reason, detail)

    # What the protocol calls.

    def made(self, transport: asyncio.BaseTransport, wire: WSTransport) -> None:
        """Keep both ends."""
        self._transport = cast("asyncio.Transport", transport)
        self._wire = wire

    def spoke_early(self) -> None:
        """End what the peer began before it was asked."""
        self._end(CloseReason.HANDSHAKE_REFUSED, "bytes before the handshake")

    def reading(self) -> None:
        """Take the time at which bytes arrived; every message that they complete has it."""
        self._at_ns = self._clock.now_ns()

    def read(self) -> None:
        """Find out whether the protocol broke while these bytes were read."""
        if not self._opened or not self._wire.is_close_frame_sent or self._is_closing_ourselves:
            return
        sent = self._wire.close_handshake.sent
        too_big = sent.code == WSCloseCode.MESSAGE_TOO_BIG
        reason = CloseReason.FRAME_TOO_BIG if too_big else CloseReason.FRAME_INVALID
        self._end(reason, sent.reason or "")

    def lost(self, exc: Exception | None) -> None:
        """Take note of the end, whatever the reason."""
        if exc is not None:
            self._end(CloseReason.CONNECTION_LOST, str(exc))
        elif self._opened:
            self._end(CloseReason.CONNECTION_LOST, "end of stream without a closing message")
        self._lost.set()  # of a connection that was never open, `_shake_hands` says why

    # What `picows` calls.

    def on_ws_connected(self, transport: WSTransport) -> None:
        """Take note that the handshake is over, if nothing was agreed on that was not offered."""
        for name in ("Sec-WebSocket-Extensions", "Sec-WebSocket-Protocol"):
            if name in transport.response.headers:
                self._end(CloseReason.HANDSHAKE_REFUSED, f"{name} was not offered")
                self.abort()
                return
        self._opened = True
        self._settled.set()
        try:
            self._callbacks.opened(self._at_ns)
        except Exception as e:  # noqa: BLE001  # whatever it is, the supervisor raises it again
            self.error = e
            self.abort()

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Hand on the message, if this frame completes one."""
        if self.ending is not None:
            return
        try:
            if frame.rsv1 or frame.rsv2 or frame.rsv3:
                self._refuse(CloseReason.FRAME_INVALID, WSCloseCode.PROTOCOL_ERROR, "reserved bits must be 0")
                return
            kind = frame.msg_type
            if kind > _LAST_DATA:  # type: ignore[operator]  # an IntEnum, other than its stub says
                self._control(kind, frame)
            elif frame.fin and self._parts is None and kind != _CONTINUATION:
                self._message(frame.get_payload_as_bytes(), self._at_ns, is_text=kind == _TEXT)
            else:
                self._part(kind, frame)
        except Exception as e:  # noqa: BLE001  # whatever it is, the supervisor raises it again
            self.error = e
            self.abort()

    def _part(self, kind: WSMsgType, frame: WSFrame) -> None:
        """Take a fragment of a message."""
        if (kind == _CONTINUATION) is (self._parts is None):
            detail = "a continuation of nothing" if self._parts is None else "a message within another"
            self._refuse(CloseReason.FRAME_INVALID, WSCloseCode.PROTOCOL_ERROR, detail)
            return
        if self._parts is None:
            self._parts, self._part_bytes, self._is_text = [], 0, kind == _TEXT
        self._part_bytes += frame.payload_size
        if not (self._part_bytes <= self._max_message_bytes):
            detail = f"over the limit of {self._max_message_bytes} bytes"
            self._refuse(CloseReason.FRAME_TOO_BIG, WSCloseCode.MESSAGE_TOO_BIG, detail)
            return
        self._parts.append(frame.get_payload_as_bytes())
        if frame.fin:
            message, self._parts = b"".join(self._parts), None
            self._message(message, self._at_ns, is_text=self._is_text)

    def _control(self, kind: WSMsgType, frame: WSFrame) -> None:
        """Answer a ping, tell of a pong, or take note of the peer's end."""
        payload = frame.get_payload_as_bytes()
        if kind == WSMsgType.PING:
            self._wire.send_pong(payload)
        elif kind == WSMsgType.PONG:
            self._callbacks.pong(payload)
        else:
            code = int.from_bytes(payload[:_CODE_BYTES]) if payload else _NO_STATUS
            if payload and (code in _NO_CODES or code >= _CODES_END):
                detail = f"invalid close code {code}"
                self._refuse(CloseReason.FRAME_INVALID, WSCloseCode.PROTOCOL_ERROR, detail)
                return
            self._close(code if payload else WSCloseCode.OK)
            self._end(CloseReason.REMOTE_CLOSED, f"code {code} {payload[_CODE_BYTES:].decode()!r}")


class _Protocol(WSProtocol):  # type: ignore[misc]  # has no stub
    """Tells its owner what `picows` keeps to itself: the transport, the time of each read, the end."""

    owner: PicowsConnection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.owner.made(transport, self.transport)

    def buffer_updated(self, nbytes: int) -> None:
        owner = self.owner
        if self.transport is None:  # `picows` would not survive it
            owner.spoke_early()
        if owner.ending is not None:
            return  # the same part of the buffer is read into again
        owner.reading()
        super().buffer_updated(nbytes)
        owner.read()

    def connection_lost(self, exc: Exception | None) -> None:
        if self.transport is not None:  # else it was lost while TLS was put on top
            super().connection_lost(exc)
        self.owner.lost(exc)


def _head(raw: bytes) -> tuple[str, dict[str, str]]:
    """Return status and headers of an answer that `picows` may have refused to understand."""
    first, *lines = raw.decode("latin-1").split("\r\n")
    _, _, rest = first.partition(" ")
    status = rest[:3]
    pairs = (line.partition(":") for line in lines)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    return (status if status.isascii() and status.isdigit() else ""), headers
