"""The order route to a venue: the one door through which orders leave, and where their answers come home.

Commands of one step leave together at its end, cancels first, and as many in one request as the venue
takes. What is placed is looked at once more in the very call that sends it. Nothing is ever sent twice:
what leaves a doubt becomes an unknown order, which is asked for.

Where nonces are a sequence, one that arrives before its predecessor is refused. So nothing leaves while the
next number is not known, or while a request is on its way by HTTP, whose connections overtake each other:
what protects waits here for its turn, and what is new is given up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final, TypeAlias

import msgspec

from paraphina_core.connector import (
    Answer,
    Connector,
    Failure,
    FailureKind,
    HttpRequest,
    Request,
    StreamRequest,
    WriteContext,
)
from paraphina_core.domain import (
    NS_PER_MS,
    ArmDeadMan,
    Batch,
    CancelAll,
    CancelOrder,
    CancelRejected,
    Command,
    DeadManReport,
    Event,
    LocalError,
    MarketEvent,
    ModifyOrder,
    ModifyRejected,
    OrderRejected,
    OutcomeUnknown,
    PlaceOrder,
    VenueNotice,
)
from paraphina_core.market import Book

from .order_records import UNDER_WAY_NS
from .route import RouteCommand
from .signatory import Signatory
from .wire import Wire

#: Code of a command that never left.
LOCAL: Final = "LOCAL"

#: Longest deadline of a command; some time after it, an order that the venue does not know never arrived.
MAX_DEADLINE_MS: Final = UNDER_WAY_NS // NS_PER_MS * 2 // 3

#: Requests without an answer; beyond that only cancels leave. No message budget comes near it.
MAX_IN_FLIGHT: Final = 1_000

#: What this route takes beside orders and cancels.
VenueCommand: TypeAlias = RouteCommand | ArmDeadMan

_Single: TypeAlias = PlaceOrder | ModifyOrder | CancelOrder | CancelAll | ArmDeadMan


class _Sent(msgspec.Struct, frozen=True):
    commands: Sequence[_Single]
    request: Request
    due_ns: int | None  # None where the wire keeps the deadline


class VenueRoute:
    """Sends the commands of one connector; an `OrderRoute`.

    Args:
        connector: spells commands and reads answers.
        wire: carries them.
        signatory: signs them, and adds the headers that no connector sees.
        may_leave: says whether an order may still be sent; asked in the call that sends it.
        blame: is told what the connector raised; afterwards nothing but cancels leaves.
    """

    def __init__(
        self,
        connector: Connector,
        wire: Wire,
        signatory: Signatory,
        *,
        may_leave: Callable[[PlaceOrder | ModifyOrder], bool],
        blame: Callable[[Exception], None],
    ) -> None:
        self._connector = connector
        self._wire = wire
        self._signatory = signatory
        self._may_leave = may_leave
        self._blame = blame
        self._held: list[_Single] = []
        self._in_flight: dict[str, _Sent] = {}
        self._events: list[Event] = []
        self._since_ns = 0
        self._idle_since_ns: int | None = 0

    # --- OrderRoute -----------------------------------------------------------------------------

    def submit(self, command: VenueCommand, at_ns: int) -> None:
        """Take a command; it leaves with the next `flush` that may send it."""
        if command not in self._held:
            self._held.append(command)

    def flush(self, at_ns: int) -> None:
        """Send what was taken: cancels first, then changes, then new orders."""
        if not self._held:
            return
        self._since_ns = at_ns
        held, self._held = self._held, []
        for kind in (CancelAll, CancelOrder, ArmDeadMan, ModifyOrder, PlaceOrder):
            self._send_all([command for command in held if isinstance(command, kind)], at_ns)

    def on_market(self, event: MarketEvent, book: Book, at_ns: int) -> Sequence[Event]:
        """Return what is due; a venue sees the market by itself."""
        return self.advance(at_ns)

    def advance(self, at_ns: int) -> Sequence[Event]:
        """Return what became of commands that never left, and of requests whose answer is overdue."""
        overdue = [
            correlation
            for correlation, sent in self._in_flight.items()
            if sent.due_ns is not None and sent.due_ns <= at_ns
        ]
        for correlation in overdue:
            failure = Failure(kind=FailureKind.TIMED_OUT, detail="no answer within the deadline")
            self._events += self.answered(correlation, failure, at_ns)
        events, self._events = self._events, []
        return events

    def next_due_ns(self) -> int | None:
        """Return when the next answer is overdue, at once while something waits to be taken."""
        if self._events:
            return self._since_ns
        due = (sent.due_ns for sent in self._in_flight.values())
        return min((due_ns for due_ns in due if due_ns is not None), default=None)

    # --- answers --------------------------------------------------------------------------------

    @property
    def idle_since_ns(self) -> int | None:
        """Since when no command is without an answer; None while one is."""
        return self._idle_since_ns

    def expects(self, correlation: str) -> bool:
        """Tell whether a command of that correlation is without an answer."""
        return correlation in self._in_flight

    def answered(self, correlation: str, result: Answer | Failure, at_ns: int) -> Sequence[Event]:
        """Return what an answer, or its absence, says of each command of an expected request."""
        sent = self._in_flight.pop(correlation)
        self._note_idle(at_ns)
        if isinstance(result, Failure) and self._signatory.nonces.is_sequence:
            self._signatory.nonces.told(None)  # nobody knows whether the venue counted this one
        try:
            return self._connector.read_answer(sent.request, result, at_ns)
        except Exception as e:  # noqa: BLE001  # whatever it is, the command was sent and its outcome is open
            self._blame(e)
            reason = f"the connector raised {type(e).__name__}"
            return [event for command in sent.commands for event in _doubt(command, reason)]

    def answered_on_stream(self, correlation: str, at_ns: int) -> None:
        """Take note that the answer is the frame that is being read, if it is to a command."""
        if self._in_flight.pop(correlation, None) is not None:
            self._note_idle(at_ns)

    def closed(self, stream: str, at_ns: int) -> Sequence[Event]:
        """Settle what was to be answered on a stream that is closed, and return what that says."""
        lost = [
            correlation
            for correlation, sent in self._in_flight.items()
            if isinstance(sent.request, StreamRequest) and sent.request.stream == stream
        ]
        failure = Failure(kind=FailureKind.DISCONNECTED, detail=f"stream {stream} has closed")
        return [event for correlation in lost for event in self.answered(correlation, failure, at_ns)]

    # --- the door -------------------------------------------------------------------------------

    def _send_all(self, commands: Sequence[_Single], at_ns: int) -> None:
        one_each = isinstance(commands[0], CancelAll | ArmDeadMan) if commands else True
        size = 1 if one_each else self._connector.spec.max_batch
        for start in range(0, len(commands), size):
            part = commands[start : start + size]
            if reason := self._why_not_now():
                self._put_off(part, reason)
            else:
                self._send(part, at_ns)

    def _why_not_now(self) -> str:
        """Say why the next number of a sequence cannot be sent; empty where it can."""
        if not self._signatory.nonces.is_sequence:
            return ""
        if not self._signatory.nonces.is_known:
            return "the next nonce is not known"
        if any(isinstance(sent.request, HttpRequest) for sent in self._in_flight.values()):
            return "another request is on its way"
        return ""

    def _put_off(self, commands: Sequence[_Single], reason: str) -> None:
        """Keep what protects, and give up what is new: by then the market will be another one."""
        for command in commands:
            if isinstance(command, PlaceOrder | ModifyOrder):
                self._never_left(command, reason)
            else:
                self._held.append(command)

    def _send(self, commands: Sequence[_Single], at_ns: int) -> None:
        """Send commands of one kind in one request, those of them that may still leave."""
        if isinstance(commands[0], PlaceOrder | ModifyOrder):
            commands = [command for command in commands if self._passes(command)]
            if not commands:
                return
        try:
            request = self._write(commands, at_ns)
        except LocalError as e:
            if len(commands) == 1:
                self._never_left(commands[0], str(e))
                return
            for command in commands:  # one that cannot be spelled must not keep the others here
                self._send_all((command,), at_ns)
            return
        except Exception as e:  # noqa: BLE001  # a plugin's bug; nothing has left
            self._blame(e)
            for command in commands:
                self._never_left(command, f"the connector raised {type(e).__name__}")
            return
        due_ns = at_ns + request.deadline_ms * NS_PER_MS if isinstance(request, StreamRequest) else None
        self._in_flight[request.correlation] = _Sent(commands, request, due_ns)
        self._idle_since_ns = None
        # The switch protects like a cancel: without room for it, it would fire by itself.
        protects = isinstance(commands[0], CancelOrder | CancelAll | ArmDeadMan)
        self._wire.send(self._connector.spec.name, self._signatory.outgoing(request), cancel=protects)

    def _write(self, commands: Sequence[_Single], at_ns: int) -> Request:
        context = self._signatory.for_command(at_ns, len(commands))
        try:
            request = self._spelled(commands, context)
        except Exception:
            if self._signatory.nonces.is_sequence:  # nothing has left, so the venue waits for this number
                self._signatory.nonces.told(context.nonce)
            raise
        return request

    def _spelled(self, commands: Sequence[_Single], context: WriteContext) -> Request:
        request = self._connector.write(_together(commands), context)
        if request.correlation in self._in_flight or not 0 < request.deadline_ms <= MAX_DEADLINE_MS:
            raise LocalError(
                "request is not usable",
                found=f"correlation {request.correlation!r}, deadline {request.deadline_ms} ms",
                wanted=f"a correlation of its own and a deadline of at most {MAX_DEADLINE_MS} ms",
            )
        return request

    def _note_idle(self, at_ns: int) -> None:
        if not self._in_flight:
            self._idle_since_ns = at_ns

    def _passes(self, command: _Single) -> bool:
        if len(self._in_flight) >= MAX_IN_FLIGHT:
            self._never_left(command, f"{len(self._in_flight)} requests are without an answer")
            return False
        if isinstance(command, PlaceOrder | ModifyOrder) and not self._may_leave(command):
            self._never_left(command, "the session no longer allows it")
            return False
        return True

    def _never_left(self, command: _Single, reason: str) -> None:
        self._events.append(_refused(command, reason))
        self._events.append(VenueNotice(code=LOCAL, text=f"a {_kind(command)} never left: {reason}"))


def _together(commands: Sequence[_Single]) -> Command:
    if len(commands) == 1:
        return commands[0]
    return Batch(commands=tuple(_batched(commands)))


def _batched(commands: Sequence[_Single]) -> Iterable[PlaceOrder | ModifyOrder | CancelOrder]:
    return (command for command in commands if isinstance(command, PlaceOrder | ModifyOrder | CancelOrder))


def _refused(command: _Single, reason: str) -> Event:
    """Say of a command that never left what its venue would say that refused it."""
    match command:
        case PlaceOrder():
            return OrderRejected(
                instrument=command.instrument,
                client_order_id=command.client_order_id,
                code=LOCAL,
                reason=reason,
            )
        case ModifyOrder() | CancelOrder():
            refused = ModifyRejected if isinstance(command, ModifyOrder) else CancelRejected
            return refused(
                instrument=command.instrument,
                client_order_id=command.client_order_id,
                venue_order_id=command.venue_order_id,
                code=LOCAL,
                reason=reason,
            )
        case ArmDeadMan():
            return DeadManReport(armed_until_ns=None, reason=reason)
        case CancelAll():
            return VenueNotice(code=LOCAL, text=f"not every order was cancelled: {reason}")


def _doubt(command: _Single, reason: str) -> Iterable[Event]:
    if isinstance(command, PlaceOrder | ModifyOrder | CancelOrder):
        yield OutcomeUnknown(
            instrument=command.instrument, client_order_id=command.client_order_id, reason=reason
        )


def _kind(command: _Single) -> str:
    return {CancelOrder: "cancel", CancelAll: "cancel of all orders", ModifyOrder: "change"}.get(
        type(command), "dead-man switch" if isinstance(command, ArmDeadMan) else "order"
    )
