"""Order entry that is wrong on purpose: a sound connector, and around it a fault that a card must notice."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any, TypeAlias

import msgspec

from paraphina_core.conformance import Subject, subject_of
from paraphina_core.connector import (
    Answer,
    ConnectorContext,
    Failure,
    FailureKind,
    Hidden,
    HttpRequest,
    Plan,
    Request,
    SettingKind,
    WriteContext,
    load_plugins,
)
from paraphina_core.domain import (
    ArmDeadMan,
    BalanceReport,
    Batch,
    BookSnapshot,
    CancelAll,
    CancelOrder,
    CancelRejected,
    Command,
    DeadManReport,
    Event,
    Fill,
    FillsListed,
    FundingPayment,
    Level,
    LocalError,
    MarkPrice,
    ModifyOrder,
    ModifyRejected,
    OpenOrdersListed,
    OrderAccepted,
    OrderCancelled,
    OrderModified,
    OrderRejected,
    OrderReport,
    OrderState,
    OutcomeUnknown,
    PlaceOrder,
    PositionsListed,
    Query,
    QueryAccount,
    QueryOpenOrders,
    RemoteError,
    SubscriptionLive,
)

SOUND = subject_of(load_plugins([]).connectors["hyperliquid"])

Change: TypeAlias = Callable[[Any], Event | None]


class Wrapped:
    """A sound connector; what is wrong is overridden."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        self.commands: dict[str, Command | Query] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def told(self, events: Iterable[Event]) -> Sequence[Event]:
        """Change what is said; nothing here."""
        return tuple(events)

    def plan(self) -> Plan:
        plan: Plan = self.inner.plan()
        return plan

    def opened(self, stream: str, context: WriteContext) -> Sequence[bytes]:
        messages: Sequence[bytes] = self.inner.opened(stream, context)
        return messages

    def read(self, stream: str, frame: bytes, at_ns: int) -> Sequence[Event]:
        return self.told(self.inner.read(stream, frame, at_ns))

    def write(self, command: Command, context: WriteContext) -> Request:
        request: Request = self.inner.write(command, context)
        self.commands[request.correlation] = command
        return request

    def ask(self, query: Query, context: WriteContext) -> Request:
        request: Request = self.inner.ask(query, context)
        self.commands[request.correlation] = query
        return request

    def read_answer(self, request: Request, answer: Answer | Failure, at_ns: int) -> Sequence[Event]:
        return self.told(self.inner.read_answer(request, answer, at_ns))


def changing(kinds: type | tuple[type, ...], change: Change) -> type[Wrapped]:
    """Make a connector that changes each event of some kinds; None drops it."""

    class Changing(Wrapped):
        def told(self, events: Iterable[Event]) -> Sequence[Event]:
            changed = [change(event) if isinstance(event, kinds) else event for event in events]
            return [event for event in changed if event is not None]

    return Changing


def dropping(*kinds: type) -> type[Wrapped]:
    """Make a connector that says nothing of some kinds."""
    return changing(kinds, lambda _event: None)


def replacing(kind: type, **fields: object) -> type[Wrapped]:
    """Make a connector that gives each event of a kind other fields."""
    return changing(kind, lambda event: msgspec.structs.replace(event, **fields))


def becoming(kinds: type | tuple[type, ...], make: type) -> type[Wrapped]:
    """Make a connector that takes some kinds of events for another one."""

    def change(event: Any) -> Event:
        fields = {"instrument": event.instrument, "client_order_id": event.client_order_id}
        more: dict[str, object] = {} if make is OutcomeUnknown else {"venue_order_id": "1"}
        if make is OutcomeUnknown:
            more = {"reason": "who knows"}
        elif make is OrderModified:
            more |= {"price": Decimal(1), "size": Decimal(1)}
        made: Event = make(**fields, **more)
        return made

    return changing(kinds, change)


def writing(change: Callable[[Command], Command]) -> type[Wrapped]:
    """Make a connector that spells another command than it is given."""

    class Writing(Wrapped):
        def write(self, command: Command, context: WriteContext) -> Request:
            return super().write(change(command), context)

    return Writing


def requesting(change: Callable[[Any], Request]) -> type[Wrapped]:
    """Make a connector whose requests are other ones."""

    class Requesting(Wrapped):
        def write(self, command: Command, context: WriteContext) -> Request:
            return change(super().write(command, context))

    return Requesting


def rejecting(when: Callable[[Answer | Failure], bool]) -> type[Wrapped]:
    """Make a connector that takes certain answers for a rejection of every order."""

    class Rejecting(Wrapped):
        def read_answer(self, request: Request, answer: Answer | Failure, at_ns: int) -> Sequence[Event]:
            command = self.commands.get(request.correlation)
            if not when(answer) or not isinstance(command, PlaceOrder):
                return super().read_answer(request, answer, at_ns)
            self.inner.read_answer(request, answer, at_ns)
            rejected = OrderRejected(
                instrument=command.instrument,
                client_order_id=command.client_order_id,
                code="X",
                reason="no answer",
            )
            return (rejected,)

    return Rejecting


class ReadsTheClock(Wrapped):
    def write(self, command: Command, context: WriteContext) -> Request:
        time.time()
        return super().write(command, context)


class RaisesOnCancels(Wrapped):
    def write(self, command: Command, context: WriteContext) -> Request:
        if isinstance(command, CancelOrder):
            raise KeyError(command.client_order_id)
        return super().write(command, context)


class Refuses(Wrapped):
    """Declares changes and spells none."""

    def write(self, command: Command, context: WriteContext) -> Request:
        if isinstance(command, ModifyOrder):
            raise LocalError("the venue changes nothing")
        return super().write(command, context)


class Numbers(Wrapped):
    """Puts a number into every request that counts over all connectors."""

    made = 0

    def write(self, command: Command, context: WriteContext) -> Request:
        request = super().write(command, context)
        type(self).made += 1
        if isinstance(request, HttpRequest):
            return msgspec.structs.replace(request, body=request.body + b" " * type(self).made)
        return msgspec.structs.replace(request, payload=request.payload + b" " * type(self).made)


class MixesBatches(Wrapped):
    """Gives the outcomes of a batch to each other's orders."""

    def told(self, events: Iterable[Event]) -> Sequence[Event]:
        events = list(events)
        ids = [e.client_order_id for e in events if isinstance(e, OrderAccepted | OrderRejected)]
        if len(ids) < 2:
            return events
        other = dict(zip(ids, reversed(ids), strict=True))
        return [
            msgspec.structs.replace(e, client_order_id=other[e.client_order_id])
            if isinstance(e, OrderAccepted | OrderRejected)
            else e
            for e in events
        ]


class NeedsTheAcceptance(Wrapped):
    """Takes no fill of an order that was not accepted yet."""

    def __init__(self, inner: Any) -> None:
        super().__init__(inner)
        self.accepted: set[object] = set()

    def told(self, events: Iterable[Event]) -> Sequence[Event]:
        kept: list[Event] = []
        for event in events:
            if isinstance(event, OrderAccepted):
                self.accepted.add(event.client_order_id)
            elif (isinstance(event, Fill) and event.client_order_id not in self.accepted) or isinstance(
                event, FillsListed
            ):
                continue
            kept.append(event)
        return kept


class FillsByTheAnswer(Wrapped):
    """Makes a fill of its own of an acceptance that comes after the fill."""

    def __init__(self, inner: Any) -> None:
        super().__init__(inner)
        self.fills: dict[object, Fill] = {}

    def told(self, events: Iterable[Event]) -> Sequence[Event]:
        kept: list[Event] = []
        for event in events:
            kept.append(event)
            if isinstance(event, Fill):
                self.fills[event.client_order_id] = event
            elif isinstance(event, OrderAccepted) and event.client_order_id in self.fills:
                fill = self.fills[event.client_order_id]
                kept.append(msgspec.structs.replace(fill, trade_id="from the answer"))
        return kept


class ForgetsTheCancelled(Wrapped):
    """Takes no fill of an order that was cancelled, or is about to be."""

    def __init__(self, inner: Any) -> None:
        super().__init__(inner)
        self.gone: set[object] = set()

    def write(self, command: Command, context: WriteContext) -> Request:
        if isinstance(command, CancelOrder):
            self.gone.add(command.client_order_id)
        return super().write(command, context)

    def told(self, events: Iterable[Event]) -> Sequence[Event]:
        return [e for e in events if not (isinstance(e, Fill) and e.client_order_id in self.gone)]


class CapsFills(Wrapped):
    """Believes no fill beyond an order's size."""

    def __init__(self, inner: Any) -> None:
        super().__init__(inner)
        self.left: dict[object, Decimal] = {}

    def write(self, command: Command, context: WriteContext) -> Request:
        if isinstance(command, PlaceOrder):
            self.left[command.client_order_id] = command.size
        return super().write(command, context)

    def told(self, events: Iterable[Event]) -> Sequence[Event]:
        kept: list[Event] = []
        for event in events:
            if isinstance(event, Fill) and event.client_order_id in self.left:
                size = min(event.size, self.left[event.client_order_id])
                self.left[event.client_order_id] -= size
                if size:
                    kept.append(msgspec.structs.replace(event, size=size))
            else:
                kept.append(event)
        return kept


class NumbersFills(Wrapped):
    """Gives every message of a fill a trade id of its own."""

    number = 0

    def told(self, events: Iterable[Event]) -> Sequence[Event]:
        kept: list[Event] = []
        for event in events:
            type(self).number += 1
            fill = isinstance(event, Fill)
            kept.append(msgspec.structs.replace(event, trade_id=str(self.number)) if fill else event)
        return kept


class NeverAsksBack(Wrapped):
    """Tells no fill of before: neither replayed ones nor listed ones."""

    def told(self, events: Iterable[Event]) -> Sequence[Event]:
        kept = [event for event in events if not (isinstance(event, Fill) and event.is_replay)]
        return [msgspec.structs.replace(e, fills=()) if isinstance(e, FillsListed) else e for e in kept]


class MakesListsOfNothing(Wrapped):
    """Takes whatever cannot be read for an empty list."""

    def read_answer(self, request: Request, answer: Answer | Failure, at_ns: int) -> Sequence[Event]:
        try:
            events = super().read_answer(request, answer, at_ns)
        except RemoteError:
            events = ()
        match self.commands.get(request.correlation):
            case QueryOpenOrders() if not events:
                return (OpenOrdersListed(orders=()),)
            case QueryAccount() if not events:
                return (PositionsListed(positions=()),)
            case _:
                return events


class TrustsAnswers(Wrapped):
    """Decodes the answer of a command before it looks at anything else."""

    def read_answer(self, request: Request, answer: Answer | Failure, at_ns: int) -> Sequence[Event]:
        if isinstance(answer, Answer) and not isinstance(self.commands[request.correlation], Query):
            json.loads(answer.body)
        return super().read_answer(request, answer, at_ns)


class RoundsSilently(Wrapped):
    """Makes something that can be sent of whatever it is given."""

    def write(self, command: Command, context: WriteContext) -> Request:
        try:
            return super().write(command, context)
        except LocalError:
            if not isinstance(command, PlaceOrder) or command.size > 1_000:
                raise
            price, size = (n.quantize(Decimal(q)) for n, q in ((command.price, "1"), (command.size, "0.001")))
            return super().write(msgspec.structs.replace(command, price=price, size=size), context)


class SplitsBatches(Wrapped):
    """Leaves out what does not fit into a batch."""

    def write(self, command: Command, context: WriteContext) -> Request:
        if isinstance(command, Batch):
            command = Batch(commands=command.commands[: self.inner.spec.max_batch])
        return super().write(command, context)


class SpellsCancelAll(Wrapped):
    """Makes some request of a command that the venue does not have."""

    def write(self, command: Command, context: WriteContext) -> Request:
        if isinstance(command, CancelAll):
            return super().write(ArmDeadMan(window_ms=5_000), context)
        return super().write(command, context)


class OneNonce(Wrapped):
    """Signs everything with the first nonce that it was given."""

    first: int | None = None

    def write(self, command: Command, context: WriteContext) -> Request:
        self.first = self.first or context.nonce
        request = super().write(command, msgspec.structs.replace(context, nonce=self.first))
        self.inner.read_answer(request, Failure(kind=FailureKind.NOT_SENT), context.at_ns)  # and it is free
        return request


class Logs(Wrapped):
    """Logs whatever it may know of the key."""

    def write(self, command: Command, context: WriteContext) -> Request:
        logging.getLogger("reef").info("signed for %s", context.identity)
        return super().write(command, context)


class ShowsItsKey(Wrapped):
    """Sends whatever it may know of the key with its questions, hidden from print."""

    def ask(self, query: Query, context: WriteContext) -> Request:
        headers = {"X-Key": Hidden(context.identity["note"])}
        return msgspec.structs.replace(super().ask(query, context), headers=headers)


class Crashes(Wrapped):
    """Lets an error of the decoder out."""

    def read(self, stream: str, frame: bytes, at_ns: int) -> Sequence[Event]:
        try:
            return super().read(stream, frame, at_ns)
        except RemoteError as e:
            raise ValueError(str(e)) from e


class AcknowledgesOnce(Wrapped):
    """Tells of each subscription once, whatever becomes of its stream."""

    def __init__(self, inner: Any) -> None:
        super().__init__(inner)
        self.known: set[str] = set()

    def told(self, events: Iterable[Event]) -> Sequence[Event]:
        kept: list[Event] = []
        for event in events:
            if isinstance(event, SubscriptionLive):
                if event.topic in self.known:
                    continue
                self.known.add(event.topic)
            kept.append(event)
        return kept


class KeepsTheFirstBook(Wrapped):
    """Tells the first whole book again and again."""

    first: BookSnapshot | None = None

    def told(self, events: Iterable[Event]) -> Sequence[Event]:
        kept: list[Event] = []
        for event in events:
            if isinstance(event, BookSnapshot):
                self.first = self.first or event
                kept.append(self.first)
            else:
                kept.append(event)
        return kept


class KeepsTheFirstMark(Wrapped):
    """Tells the first mark price again and again."""

    first: MarkPrice | None = None

    def told(self, events: Iterable[Event]) -> Sequence[Event]:
        kept: list[Event] = []
        for event in events:
            if isinstance(event, MarkPrice):
                self.first = self.first or event
                kept.append(self.first)
            else:
                kept.append(event)
        return kept


class Patient(Wrapped):
    """Plans no heartbeat and endless patience."""

    def plan(self) -> Plan:
        plan = super().plan()
        streams = [
            msgspec.structs.replace(
                stream, max_silence_ms=10**9, source=msgspec.structs.replace(stream.source, heartbeat=None)
            )
            for stream in plan.streams
        ]
        return msgspec.structs.replace(plan, streams=tuple(streams))


class LeakyKey:
    """Signs as it should, and tells its secret to whoever asks who it is."""

    def __init__(self, secrets: Any) -> None:
        assert SOUND.spec.signer is not None
        self.inner = SOUND.spec.signer(secrets)
        self.secret = secrets["private_key"]

    @property
    def identity(self) -> dict[str, str]:
        return {**self.inner.identity, "note": self.secret}

    def sign(self, payload: bytes) -> bytes:
        return self.inner.sign(payload)

    def __repr__(self) -> str:
        return f"LeakyKey({self.secret})"


def _smaller(event: BookSnapshot) -> BookSnapshot:
    bids = tuple(Level(level.price, level.size * 2) for level in event.bids)
    return msgspec.structs.replace(event, bids=bids)


def _ours(event: Fill) -> Fill | None:
    return None if event.client_order_id is None else event


def _at_twenty(event: PositionsListed) -> PositionsListed:
    positions = [msgspec.structs.replace(position, leverage=Decimal(20)) for position in event.positions]
    return PositionsListed(positions=tuple(positions))


def _without_strangers(event: OpenOrdersListed) -> OpenOrdersListed:
    return OpenOrdersListed(orders=tuple(o for o in event.orders if o.client_order_id is not None))


def _nameless(event: OpenOrdersListed) -> OpenOrdersListed:
    orders = [msgspec.structs.replace(order, client_order_id=None) for order in event.orders]
    return OpenOrdersListed(orders=tuple(orders))


def _cheaper(command: Command) -> Command:
    if isinstance(command, PlaceOrder):
        return msgspec.structs.replace(command, price=command.price - 10)
    return command


def _later(command: Command) -> Command:
    return ArmDeadMan(window_ms=command.window_ms * 10) if isinstance(command, ArmDeadMan) else command


def _never_off(command: Command) -> Command:
    return ArmDeadMan(window_ms=20_000) if isinstance(command, ArmDeadMan) else command


def _elsewhere(request: Any) -> Request:
    if isinstance(request, HttpRequest):
        return msgspec.structs.replace(request, url="https://elsewhere.test/exchange")
    moved: Request = request
    return moved


def _is(kind: FailureKind) -> Callable[[Answer | Failure], bool]:
    return lambda answer: isinstance(answer, Failure) and answer.kind is kind


def _is_failure(answer: Answer | Failure) -> bool:
    return isinstance(answer, Failure) and answer.kind is not FailureKind.NOT_SENT


def _is_error(answer: Answer | Failure) -> bool:
    return isinstance(answer, Answer) and (answer.status != 200 or answer.body.startswith(b"<"))


def wrong(kind: Callable[[Any], Any], **changes: object) -> Subject:
    """Return the sound subject with a connector that is wrong, or another change of its spec."""
    build = SOUND.spec.factory
    assert build is not None

    def factory(context: ConnectorContext) -> Any:
        return kind(build(context))

    spec = msgspec.structs.replace(SOUND.spec, factory=factory, **changes)
    return msgspec.structs.replace(SOUND, spec=spec)


_DOUBTS = (OrderRejected, OutcomeUnknown)

#: Card, what is wrong, and a subject that is wrong in that way.
BROKEN: tuple[tuple[str, str, Subject], ...] = (
    ("CO-150", "the clock is read", wrong(ReadsTheClock)),
    ("OL-010", "a cancel raises KeyError", wrong(RaisesOnCancels)),
    ("OL-010", "what is declared is refused", wrong(Refuses)),
    ("OL-020", "another host", wrong(requesting(_elsewhere))),
    ("OL-020", "no deadline", wrong(requesting(lambda r: msgspec.structs.replace(r, deadline_ms=0)))),
    ("OL-020", "an unknown scope", wrong(requesting(lambda r: msgspec.structs.replace(r, cost=(("x", 1),))))),
    ("OL-020", "one correlation", wrong(requesting(lambda r: msgspec.structs.replace(r, correlation="x")))),
    ("OL-030", "a number that counts over connectors", wrong(Numbers)),
    ("OL-110", "no id of the venue", wrong(replacing(OrderAccepted, venue_order_id=None))),
    ("OL-110", "other sizes in lists", wrong(changing(OpenOrdersListed, _nameless))),
    ("OL-120", "another price", wrong(replacing(Fill, price=Decimal(1)))),
    ("OL-120", "no fills", wrong(dropping(Fill))),
    ("OL-130", "cancels in silence", wrong(dropping(OrderCancelled))),
    ("OL-130", "another filled size", wrong(replacing(OrderCancelled, filled_size=Decimal(7)))),
    ("OL-140", "a rejection for an acceptance", wrong(becoming(OrderRejected, OrderAccepted))),
    ("OL-150", "rests that are gone in silence", wrong(dropping(OrderCancelled, OrderRejected))),
    ("OL-160", "refusals in silence", wrong(dropping(OrderRejected, OrderCancelled))),
    ("OL-170", "new terms in silence", wrong(dropping(OrderModified))),
    ("OL-180", "outcomes of other orders", wrong(MixesBatches)),
    ("OL-210", "everything is live", wrong(replacing(OrderReport, state=OrderState.LIVE))),
    ("OL-220", "no position", wrong(replacing(PositionsListed, positions=()))),
    ("OL-310", "every acceptance is a doubt", wrong(becoming(OrderAccepted, OutcomeUnknown))),
    ("OL-320", "a fill of its own from a late answer", wrong(FillsByTheAnswer)),
    ("OL-330", "no fill before its acceptance", wrong(NeedsTheAcceptance)),
    ("OL-410", "cancels in silence", wrong(dropping(OrderCancelled))),
    ("OL-420", "strangers' orders are left out", wrong(changing(OpenOrdersListed, _without_strangers))),
    (
        "OL-430",
        "fills without our id are left out",
        wrong(changing(Fill, _ours)),
    ),
    (
        "OL-440",
        "the other sign",
        wrong(changing(FundingPayment, lambda e: msgspec.structs.replace(e, amount=-e.amount))),
    ),
    ("OL-450", "fills without our id are left out", wrong(changing(Fill, _ours))),
    ("OL-460", "a balance that stands still", wrong(replacing(BalanceReport, equity=Decimal(10_000)))),
    ("OL-470", "leverage that stands still", wrong(changing(PositionsListed, _at_twenty))),
    ("MD-220", "a mark price that stands still", wrong(KeepsTheFirstMark)),
    ("MD-230", "a refusal is an acceptance", wrong(becoming(_DOUBTS, OrderAccepted))),
    ("HO-110", "ValueError", wrong(Crashes)),
    ("PR-110", "another price", wrong(writing(_cheaper))),
    ("PR-120", "rounded in silence", wrong(RoundsSilently)),
    ("LI-110", "the rest of a batch in silence", wrong(SplitsBatches)),
    ("LI-210", "too many is a rejection", wrong(rejecting(_is_error))),
    ("LI-220", "a ban is an empty list", wrong(MakesListsOfNothing)),
    ("UN-010", "silence is a rejection", wrong(rejecting(_is(FailureKind.TIMED_OUT)))),
    ("UN-010", "what was never sent is a doubt", wrong(becoming(OrderRejected, OutcomeUnknown))),
    ("UN-020", "an error is a rejection", wrong(rejecting(_is_error))),
    ("UN-030", "broken JSON raises", wrong(TrustsAnswers)),
    ("UN-040", "empty lists of nothing", wrong(MakesListsOfNothing)),
    ("UN-110", "silence is a rejection", wrong(rejecting(_is_failure))),
    ("UN-115", "silence is a rejection", wrong(rejecting(_is_failure))),
    ("UN-120", "silence is a rejection", wrong(rejecting(_is_failure))),
    ("UN-125", "silence is a rejection", wrong(rejecting(_is_failure))),
    ("UN-130", "a proxy's error is a rejection", wrong(rejecting(_is_error))),
    ("UN-140", "a cut is a rejection", wrong(rejecting(_is_failure))),
    ("DU-110", "a trade id for each message", wrong(NumbersFills)),
    ("DU-120", "replays are not marked", wrong(replacing(Fill, is_replay=False))),
    ("DU-130", "nothing of before is told", wrong(NeverAsksBack)),
    ("CR-110", "a refused cancel is a cancel", wrong(becoming(CancelRejected, OrderCancelled))),
    ("CR-110", "refused cancels in silence", wrong(dropping(CancelRejected))),
    ("CR-120", "no fill after the cancel", wrong(ForgetsTheCancelled)),
    ("CR-130", "no fill with a cancel on its way", wrong(ForgetsTheCancelled)),
    ("CR-140", "no fill beyond the size", wrong(CapsFills)),
    ("CR-150", "a refused cancel is a cancel", wrong(becoming(CancelRejected, OrderCancelled))),
    ("CR-160", "refused terms stand", wrong(becoming((ModifyRejected, OutcomeUnknown), OrderModified))),
    ("NO-010", "one nonce for everything", wrong(OneNonce)),
    ("NO-110", "a doubt is an acceptance", wrong(becoming(_DOUBTS, OrderAccepted))),
    ("NO-120", "a refusal is an acceptance", wrong(becoming(_DOUBTS, OrderAccepted))),
    ("NO-130", "a refusal is an acceptance", wrong(becoming(_DOUBTS, OrderAccepted))),
    ("CA-010", "some request for cancel-all", wrong(SpellsCancelAll)),
    ("CA-110", "strangers' orders are left out", wrong(changing(OpenOrdersListed, _without_strangers))),
    ("DM-110", "a window ten times as long", wrong(writing(_later))),
    ("DM-110", "no word of the switch", wrong(dropping(DeadManReport))),
    ("DM-120", "never disarmed", wrong(writing(_never_off))),
    ("SE-010", "the secret in the log", wrong(Logs, signer=LeakyKey)),
    ("SE-010", "the secret in a header of its own", wrong(ShowsItsKey, signer=LeakyKey)),
    ("SE-020", "the secret in print", wrong(Wrapped, signer=LeakyKey)),
    (
        "SE-030",
        "a secret declared as text",
        wrong(
            Wrapped,
            settings=tuple(
                msgspec.structs.replace(setting, kind=SettingKind.TEXT) for setting in SOUND.spec.settings
            ),
        ),
    ),
    ("MD-210", "other sizes", wrong(changing(BookSnapshot, _smaller))),
    ("RC-110", "acknowledged once for ever", wrong(AcknowledgesOnce)),
    ("RC-120", "endless patience", wrong(Patient)),
    ("RC-130", "the first book for ever", wrong(KeepsTheFirstBook)),
    ("RC-140", "acknowledged once for ever", wrong(AcknowledgesOnce)),
    ("RC-160", "a refusal is an empty list", wrong(MakesListsOfNothing)),
    ("RC-150", "own orders without our ids", wrong(changing(OpenOrdersListed, _nameless))),
)
