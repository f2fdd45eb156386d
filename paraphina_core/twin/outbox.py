"""What a twin sends to its WebSockets, on its way out through the faults that are armed."""

from __future__ import annotations

import heapq
import re
from typing import Final, TypeAlias

import msgspec

from paraphina_core.domain import NS_PER_MS

from .board import FaultBoard
from .faults import Delay, Drop, Duplicate, FrameFault, Gap, Garble, Garbled, Reorder, Split
from .protocol import SessionId

#: Messages that may wait to leave, over all sessions; a session that asks for more is cut.
MAX_WAITING: Final = 100_000

#: What a client reports when a connection has ended without a word (RFC 6455, 7.4.1); it is never sent.
ABNORMAL: Final = 1006

#: Depth at which a recursive reader gives up, and a number within a message.
_DEPTH: Final = 100_000
_NUMBER: Final = re.compile(rb"\d+(?:\.\d+)?")


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A message that leaves for a client, in so many fragments."""

    session: SessionId
    payload: bytes
    binary: bool = False
    parts: int = 1


class Closed(msgspec.Struct, frozen=True, kw_only=True):
    """A session that the venue closes with a handshake."""

    session: SessionId
    code: int
    reason: str


class Cut(msgspec.Struct, frozen=True, kw_only=True):
    """A session whose connection ends without a word."""

    session: SessionId


class Muted(msgspec.Struct, frozen=True, kw_only=True):
    """A session that stays open and is never read again; not even pings are answered."""

    session: SessionId


Delivery: TypeAlias = Message | Closed | Cut | Muted


class _Session:
    """One open WebSocket."""

    __slots__ = ("gap", "gap_match", "held", "muted", "not_before_ns", "target")

    def __init__(self, target: str) -> None:
        self.target = target
        self.muted = False
        self.not_before_ns = 0
        self.gap = 0  # matching frames that are still to be left out
        self.gap_match = b""
        self.held: list[int] = []  # numbers of deliveries that leave behind the next frame


class Outbox:
    """Open sessions and what is to leave on them; the `Wire` of a twin.

    Args:
        faults: what may happen to frames.
        start_ns: the world's time.

    Attributes:
        now_ns: the world's time, which the host keeps.
        lost: sessions that were cut because they wait for too much; the host tells the twin.
    """

    def __init__(self, faults: FaultBoard, start_ns: int) -> None:
        self.now_ns = start_ns
        self.lost: list[SessionId] = []
        self._faults = faults
        self._sessions: dict[SessionId, _Session] = {}
        self._deliveries: list[tuple[int, int, Delivery]] = []
        self._number = 0

    @property
    def sessions(self) -> tuple[SessionId, ...]:
        """The open sessions, oldest first."""
        return tuple(self._sessions)

    def matching(self, match: str) -> list[SessionId]:
        """Return the open sessions whose target contains a text."""
        return [session for session, state in self._sessions.items() if match in state.target]

    def is_heard(self, session: SessionId) -> bool:
        """Tell whether what a session sends reaches the twin."""
        state = self._sessions.get(session)
        return state is not None and not state.muted

    def open(self, session: SessionId, target: str) -> None:
        """Take a new session."""
        self._sessions[session] = _Session(target)

    def forget(self, session: SessionId) -> bool:
        """Drop a session and what waits for it; tell whether it was there."""
        self._drop_waiting(session)
        return self._sessions.pop(session, None) is not None

    def cut(self, session: SessionId) -> None:
        """End a session without a word."""
        self.forget(session)
        self._deliver(Cut(session=session), self.now_ns)

    def mute(self, session: SessionId) -> None:
        """Let a session stay open in name only."""
        self._sessions[session].muted = True
        self._drop_waiting(session)
        self._deliver(Muted(session=session), self.now_ns)

    def next_due_ns(self) -> int | None:
        """Return when something is to leave next."""
        return self._deliveries[0][0] if self._deliveries else None

    def take(self, at_ns: int) -> list[tuple[int, Delivery]]:
        """Take what is to leave by `at_ns`, with the times, in order."""
        taken = []
        while self._deliveries and self._deliveries[0][0] <= at_ns:
            due_ns, _, delivery = heapq.heappop(self._deliveries)
            taken.append((due_ns, delivery))
        return taken

    # --- Wire -----------------------------------------------------------------------------------

    def send(self, session: SessionId, payload: bytes, *, binary: bool = False) -> None:
        """Let a message leave for a client, unless a fault has it otherwise."""
        state = self._sessions.get(session)
        if state is None or state.muted:
            return
        if state.gap and state.gap_match in payload:
            state.gap -= 1
            return
        message = Message(session=session, payload=payload, binary=binary)
        met = self._faults.meeting(FrameFault, payload, self.now_ns)
        if met:
            self._send_with_faults(state, message, met)
        else:
            self._send(state, message)

    def close(self, session: SessionId, code: int = 1000, reason: str = "") -> None:
        """Close a session behind everything that was sent to it; with the code 1006 without a handshake."""
        state = self._sessions.pop(session, None)
        if state is not None and not state.muted:
            due_ns = max(self.now_ns, state.not_before_ns)
            if code == ABNORMAL:
                self._deliver(Cut(session=session), due_ns)
            else:
                self._deliver(Closed(session=session, code=code, reason=reason), due_ns)

    # --- the inside -----------------------------------------------------------------------------

    def _send_with_faults(self, state: _Session, message: Message, met: list[FrameFault]) -> None:
        times, hold_ns = 1, 0
        for fault in met:
            match fault:
                case Drop():
                    return
                case Gap():
                    state.gap, state.gap_match = fault.frames - 1, fault.match.encode()
                    return
                case Delay():
                    state.not_before_ns = max(state.not_before_ns, self.now_ns + fault.ms * NS_PER_MS)
                case Duplicate():
                    times += 1
                case Reorder():
                    hold_ns = fault.ms * NS_PER_MS
                case Garble():
                    garbled = _garbled(message.payload, fault.how)
                    message = msgspec.structs.replace(message, payload=garbled)
                case Split():
                    parts = max(1, min(fault.parts, len(message.payload)))
                    message = msgspec.structs.replace(message, parts=parts)
        if hold_ns:
            due_ns = max(self.now_ns, state.not_before_ns) + hold_ns
            state.held.append(self._deliver(message, due_ns))
            return
        for _ in range(times):
            self._send(state, message)

    def _send(self, state: _Session, message: Message) -> None:
        if self._sessions.get(message.session) is not state:
            return  # was cut with the message before this one
        due_ns = max(self.now_ns, state.not_before_ns)
        self._deliver(message, due_ns)
        held, state.held = state.held, []
        for number in held:
            self._overtake(number, due_ns)

    def _deliver(self, delivery: Delivery, due_ns: int) -> int:
        if len(self._deliveries) >= MAX_WAITING and isinstance(delivery, Message):
            self.cut(delivery.session)
            self.lost.append(delivery.session)
            return self._number
        self._number += 1
        heapq.heappush(self._deliveries, (due_ns, self._number, delivery))
        return self._number

    def _overtake(self, number: int, due_ns: int) -> None:
        """Let a held message leave right behind the one that overtook it."""
        for index, (_, waiting, delivery) in enumerate(self._deliveries):
            if waiting == number:
                del self._deliveries[index]
                heapq.heapify(self._deliveries)
                self._deliver(delivery, due_ns)
                return

    def _drop_waiting(self, session: SessionId) -> None:
        self._deliveries = [item for item in self._deliveries if item[2].session != session]
        heapq.heapify(self._deliveries)


def _garbled(payload: bytes, how: Garbled) -> bytes:
    match how:
        case Garbled.TRUNCATED:
            return payload[: len(payload) // 2]
        case Garbled.NONSENSE:
            return b"what was to be said here is lost"
        case Garbled.NAN:
            return _NUMBER.sub(b"NaN", payload, count=1)
        case Garbled.DEEP:
            return b"[" * _DEPTH
