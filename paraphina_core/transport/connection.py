"""What every WebSocket connection does alike, whoever speaks the protocol for it, and why it can end.

No proxy is asked and no redirect followed. Compression is not offered: it costs time on both sides,
and a small message could unpack to a huge one.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Final, NamedTuple

from paraphina_core.domain import Clock

from .address import Address
from .dial import connect

#: Not one of the program's loggers: no setting of theirs makes it print what venues are told at login.
SILENT: Final = logging.Logger("websockets", logging.CRITICAL)  # noqa: LOG001  # see above


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


class Connection(ABC):
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
        self._url = url
        self._address = address
        self._headers = headers
        self._clock = clock
        self._callbacks = callbacks
        self._max_message_bytes = max_message_bytes
        self._max_unsent_bytes = max_unsent_bytes
        self._transport: asyncio.Transport | None = None
        self._lost = asyncio.Event()
        self._settled = asyncio.Event()
        self.ending: Ending | None = None
        self.error: BaseException | None = None

    async def open(self, tls: ssl.SSLContext) -> None:
        """Connect and shake hands; afterwards the connection is open or `ending` says why not."""
        is_connected = False
        try:
            await connect(self.make_protocol, self._address, tls)
            is_connected = True
            if self.ending is None:
                await self._shake_hands()
        except ssl.SSLError as e:
            self._end(CloseReason.TLS_REFUSED, str(e))
        except (OSError, UnicodeError) as e:
            self._end(CloseReason.CONNECT_FAILED, str(e))
        except asyncio.CancelledError:
            if not self.is_open:  # else it came about in this very turn, and is closed in good order
                self.abort()
                if not is_connected:  # `uvloop` closes what it gave up without telling the protocol
                    self._transport = None
                    self._lost.set()
                raise

    @property
    @abstractmethod
    def is_open(self) -> bool:
        """True between the handshake and the first sign of an end."""

    @abstractmethod
    def make_protocol(self) -> asyncio.BaseProtocol:
        """Return what the event loop feeds; called once."""

    @abstractmethod
    def ping(self, payload: bytes) -> None:
        """Send a protocol ping, if the connection is open."""

    @abstractmethod
    def start_close(self) -> None:
        """Begin the closing handshake; messages on their way still arrive."""

    def send_text(self, payload: bytes) -> bool:
        """Send a text message; False if it provably did not leave.

        A peer that leaves more than `max_unsent_bytes` unread ends the connection.
        """
        transport = self._transport
        if transport is None or not self.is_open:
            return False
        unsent = transport.get_write_buffer_size()
        if not (unsent + len(payload) <= self._max_unsent_bytes):
            self._end(CloseReason.SEND_OVERFLOW, f"{unsent} bytes are unsent")
            return False
        self._write_text(payload)
        return True

    async def finish(self, timeout_s: float) -> None:
        """Leave nothing behind: wait for the other side to hang up, then do it for it."""
        if self._transport is not None and not self._lost.is_set():
            try:
                async with asyncio.timeout(timeout_s):
                    await self._lost.wait()
            except TimeoutError:
                self.abort()
                await self._lost.wait()  # in the next turn of the loop

    def abort(self) -> None:
        """Hang up at once; nothing that arrives afterwards is handed on."""
        self._end(CloseReason.STOPPED, "")
        if self._transport is not None:
            self._transport.abort()

    @property
    def _closing(self) -> bool:
        return self._transport is None or self._transport.is_closing()

    async def _shake_hands(self) -> None:
        """Wait until the handshake has succeeded, or the connection has ended."""
        await self._settled.wait()

    @abstractmethod
    def _write_text(self, payload: bytes) -> None:
        """Write a text message to an open connection."""

    @abstractmethod
    def _reject_text(self) -> None:
        """Tell the peer that its text is no UTF-8."""

    def _message(self, message: bytes, at_ns: int, *, is_text: bool) -> None:
        """Hand on a complete message, unless it is a text that is none."""
        if is_text and not message.isascii():
            try:
                message.decode()
            except UnicodeDecodeError as e:
                self._reject_text()
                self._end(CloseReason.FRAME_INVALID, f"text is no UTF-8 at byte {e.start}")
                return
        self._callbacks.message(message, at_ns)

    def _end(self, reason: CloseReason, detail: str, headers: Mapping[str, str] | None = None) -> None:
        """Settle the ending; the first one counts."""
        if self.ending is None:
            self.ending = Ending(reason, detail, headers or {})
            self._settled.set()
            self._callbacks.ended()
