"""What the venue's answer to a command says of each order: accepted, refused, or unknown.

Only the venue's own words refuse. Whatever cannot be read, does not fit the command, or never came leaves
the outcome unknown, and unknown orders count as live until the venue is asked. Nothing here raises for any
bytes whatever.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final, Literal, TypeAlias

import msgspec

from paraphina_core.connector import Answer, Failure, FailureKind
from paraphina_core.domain import (
    NS_PER_MS,
    ArmDeadMan,
    Batch,
    CancelOrder,
    CancelRejected,
    DeadManReport,
    Event,
    ModifyOrder,
    ModifyRejected,
    NonceReport,
    OrderAccepted,
    OrderCancelled,
    OrderModified,
    OrderRejected,
    OutcomeUnknown,
    PlaceOrder,
    RemoteError,
    SetLeverage,
    TimeInForce,
    VenueNotice,
    from_hex128,
    parse_decimal,
)

from . import messages as wire
from .actions import Sent
from .limits import MAX_BATCH
from .refusals import ALARMING, NO_EVIDENCE, Code, code_of
from .words import clean

#: The venue answers business errors with HTTP's "fine" too; any other status is not its order entry's.
_READABLE: Final = 200
_TOO_MANY_REQUESTS: Final = 429
#: Refusals that another try need not meet: they say nothing of the dead-man switch itself.
_OF_ONE_REQUEST: Final = frozenset({Code.NOT_SENT, Code.INVALID_NONCE, Code.ACTION_EXPIRED})

OUTCOME_UNKNOWN: Final = "outcome_unknown"
IP_RATE_LIMIT: Final = "ip_rate_limit"
LEVERAGE_SET: Final = "leverage_set"


class Resting(msgspec.Struct, frozen=True):
    """The order rests in the book under this id."""

    oid: wire.Id
    cloid: str | None = None


class Filled(msgspec.Struct, frozen=True):
    """The order traded at once; what is left of a GTC order rests under the same id."""

    oid: wire.Id
    totalSz: str  # noqa: N815  # the venue's spelling
    cloid: str | None = None


class Status(msgspec.Struct, frozen=True):
    """What became of one order; exactly one of these is there."""

    resting: Resting | None = None
    filled: Filled | None = None
    error: str | None = None


Statuses: TypeAlias = Annotated[tuple[str | Status, ...], msgspec.Meta(max_length=MAX_BATCH)]


class Statement(msgspec.Struct, frozen=True):
    """One status for each order, or a single one for all of them."""

    statuses: Statuses | None = None
    status: str | Status | None = None


class Response(msgspec.Struct, frozen=True):
    """What was done, and how it went; actions without a result have no data."""

    type: str
    data: Statement = Statement()


class Reply(msgspec.Struct, frozen=True):
    """Every answer of the exchange endpoint: `err` comes with a sentence, `ok` with a response."""

    status: Literal["ok", "err"]
    response: str | Response


REPLY: Final[msgspec.json.Decoder[Reply]] = msgspec.json.Decoder(Reply)


class Refused(msgspec.Struct, frozen=True):
    """The venue said no, or never saw the command."""

    code: Code
    text: str


class Unknown(msgspec.Struct, frozen=True):
    """Nobody can tell."""

    reason: str


Verdict: TypeAlias = str | Resting | Filled | Refused | Unknown


def outcomes(command: Sent, answer: Answer | Failure, sent_ns: int) -> Sequence[Event]:
    """Turn the answer to a command, or its absence, into events: at least one for each order.

    Args:
        command: what was asked.
        answer: what came back, or why nothing did.
        sent_ns: session time at which it was asked; a dead-man window counts from then.

    A `filled` status accepts the order and books nothing: it has no trade id, so the fill would be
    booked again when the account's stream tells of it. What an immediate-or-cancel order did not fill
    is gone, and how much it filled is said with that, so that it counts until the fills are booked.
    """
    match command:
        case ArmDeadMan():
            (verdict,) = _verdicts(answer, "default", 1)
            events = list(_dead_man(command, verdict, sent_ns))
            events += [notice for notice in _notices([verdict]) if notice not in events]
        case SetLeverage():
            (verdict,) = _verdicts(answer, "default", 1)
            events = [_leverage(command, verdict)]
        case _:
            orders = command.commands if isinstance(command, Batch) else (command,)
            kind = "cancel" if isinstance(orders[0], CancelOrder) else "order"
            verdicts = _verdicts(answer, kind, len(orders))
            pairs = zip(orders, verdicts, strict=True)
            events = [event for order, verdict in pairs for event in _order(order, verdict)]
            events += _notices(verdicts)
    if isinstance(answer, Answer) and answer.status == _TOO_MANY_REQUESTS:
        events.append(VenueNotice(code=IP_RATE_LIMIT, text="the venue counts too many requests"))
    return events


def _verdicts(answer: Answer | Failure, kind: str, count: int) -> Sequence[Verdict]:
    """Return one verdict for each of `count` orders of an action that answers with `kind`."""
    if isinstance(answer, Failure):
        detail = clean(f"{answer.kind.value} {answer.detail}".strip())
        not_sent = answer.kind is FailureKind.NOT_SENT
        return [Refused(Code.NOT_SENT, detail) if not_sent else Unknown(detail)] * count
    if answer.status != _READABLE:
        return [Unknown(f"HTTP status {answer.status}")] * count
    try:
        reply = wire.decode(REPLY, answer.body, "answer")
    except RemoteError as e:
        return [Unknown(clean(str(e)))] * count
    match reply:
        case Reply(status="err", response=str(sentence)):
            code = code_of(sentence)
            # A new sentence at this level is no evidence: the request may have failed half-way.
            return [Unknown(clean(sentence)) if code is None else Refused(code, clean(sentence))] * count
        case Reply(status="ok", response=Response(type=said, data=data)) if said == kind:
            return _stated(data, kind, count)
        case _:
            return [Unknown("the answer is to something else")] * count


def _stated(data: Statement, kind: str, count: int) -> Sequence[Verdict]:
    if kind == "default":
        return ["success"] if data == Statement() else [Unknown("the answer says more than it should")]
    statuses = data.statuses if data.status is None else (data.status,)
    verdicts = [_verdict(status) for status in statuses or ()]
    if len(verdicts) == count:
        return verdicts
    # Docs "Error responses" (read 2026-08-22): what is refused before any order is looked at is
    # answered with one error for the whole batch.
    if len(verdicts) == 1 and isinstance(verdicts[0], Refused) and verdicts[0].code is not Code.OTHER:
        return verdicts * count
    return [Unknown(f"the answer states {len(verdicts)} outcomes, wanted {count}")] * count


def _verdict(status: str | Status) -> Verdict:
    match status:
        case str():
            return status
        case Status(resting=Resting() as resting, filled=None, error=None):
            return resting
        case Status(resting=None, filled=Filled() as filled, error=None):
            return filled
        case Status(resting=None, filled=None, error=str(sentence)):
            # An order that another one's id stands in the way of may itself be that other one.
            known = code_of(sentence)
            if known is None and "cloid" in sentence.lower():
                return Unknown(clean(sentence))
            return Refused(known or Code.OTHER, clean(sentence))
        case _:
            return Unknown("the answer contradicts itself")


def _order(order: PlaceOrder | ModifyOrder | CancelOrder, verdict: Verdict) -> Sequence[Event]:
    match order:
        case PlaceOrder():
            return _placed(order, verdict)
        case ModifyOrder():
            return _modified(order, verdict)
        case CancelOrder():
            return (_cancelled(order, verdict),)


def _placed(order: PlaceOrder, verdict: Verdict) -> Sequence[Event]:
    match verdict:
        case Refused(code=code, text=text) if code not in NO_EVIDENCE:
            rejected = OrderRejected(
                instrument=order.instrument,
                client_order_id=order.client_order_id,
                code=code.value,
                reason=text,
            )
            return (rejected,)
        case Resting() if order.time_in_force is TimeInForce.IOC:
            return (_doubt(order, Unknown("an immediate-or-cancel order rests")),)
        case Filled() if order.time_in_force is TimeInForce.IOC:
            return _filled_at_once(order, verdict)
        case Resting() | Filled():
            return (_accepted(order, verdict),)
        case "waitingForFill" | "waitingForTrigger":
            return (_held(order, None),)
        case _:
            return (_doubt(order, verdict),)


def _modified(order: ModifyOrder, verdict: Verdict) -> Sequence[Event]:
    # A modify is a cancel and a place, and the second may fail alone: whatever the venue refuses, only a
    # query tells what is left.
    match verdict:
        case Resting() | Filled():
            accepted = _accepted(order, verdict)
            if not isinstance(accepted, OrderAccepted):
                return (accepted,)
            modified = OrderModified(
                instrument=order.instrument,
                client_order_id=order.client_order_id,
                venue_order_id=accepted.venue_order_id,
                price=order.price,
                size=order.size,
            )
            return (modified,)
        case Refused(code=code, text=text) if code is not Code.INVALID_NONCE:
            rejected = ModifyRejected(
                instrument=order.instrument,
                client_order_id=order.client_order_id,
                venue_order_id=order.venue_order_id,
                code=code.value,
                reason=text,
            )
            return (rejected,)
        case _:
            return (_doubt(order, verdict),)


def _accepted(order: PlaceOrder | ModifyOrder, verdict: Resting | Filled) -> Event:
    if verdict.cloid is not None and from_hex128(verdict.cloid) != order.client_order_id:
        return _doubt(order, Unknown("the answer names another order"))
    return _held(order, str(verdict.oid))


def _held(order: PlaceOrder | ModifyOrder, venue_order_id: str | None) -> OrderAccepted:
    return OrderAccepted(
        instrument=order.instrument,
        client_order_id=order.client_order_id,
        venue_order_id=venue_order_id,
    )


def _filled_at_once(order: PlaceOrder, filled: Filled) -> Sequence[Event]:
    accepted = _accepted(order, filled)
    if not isinstance(accepted, OrderAccepted):
        return (accepted,)
    try:
        filled_size = parse_decimal(filled.totalSz, "totalSz")
    except RemoteError as e:
        return (accepted, _doubt(order, Unknown(clean(str(e)))))
    if not filled_size > 0:
        return (accepted, _doubt(order, Unknown(clean(f"filled, but {filled.totalSz!r} of it"))))
    if filled_size >= order.size:
        return (accepted,)
    gone = OrderCancelled(
        instrument=order.instrument,
        client_order_id=order.client_order_id,
        venue_order_id=accepted.venue_order_id,
        reason="what could not trade at once is gone",
        filled_size=filled_size,
    )
    return (accepted, gone)


def _cancelled(order: CancelOrder, verdict: Verdict) -> Event:
    match verdict:
        case "success":
            return OrderCancelled(
                instrument=order.instrument,
                client_order_id=order.client_order_id,
                venue_order_id=order.venue_order_id,
            )
        case Refused(code=code, text=text) if code is not Code.INVALID_NONCE:
            return CancelRejected(
                instrument=order.instrument,
                client_order_id=order.client_order_id,
                venue_order_id=order.venue_order_id,
                code=code.value,
                reason=text,
            )
        case _:
            return _doubt(order, verdict)


def _dead_man(command: ArmDeadMan, verdict: Verdict, sent_ns: int) -> Sequence[Event]:
    match verdict:
        case "success" if command.window_ms == 0:
            return (DeadManReport(armed_until_ns=None),)
        case "success":
            fires_ms = sent_ns // NS_PER_MS + command.window_ms
            return (DeadManReport(armed_until_ns=fires_ms * NS_PER_MS),)
        case Refused(code=code, text=text) if code in _OF_ONE_REQUEST:
            return (VenueNotice(code=code.value, text=text),)
        case Refused(code=code, text=text):
            return (DeadManReport(armed_until_ns=None, reason=f"{code.value}: {text}"),)
        case _:
            return (VenueNotice(code=OUTCOME_UNKNOWN, text=_reason(verdict)),)


def _leverage(command: SetLeverage, verdict: Verdict) -> Event:
    match verdict:
        case "success":
            text = f"leverage of {command.instrument} is {command.leverage}"
            return VenueNotice(code=LEVERAGE_SET, text=text)
        case Refused(code=code, text=text):
            return VenueNotice(code=code.value, text=text)
        case _:
            return VenueNotice(code=OUTCOME_UNKNOWN, text=_reason(verdict))


def _notices(verdicts: Sequence[Verdict]) -> list[Event]:
    alarming = {v.code: v.text for v in verdicts if isinstance(v, Refused) and v.code in ALARMING}
    notices: list[Event] = [VenueNotice(code=code.value, text=text) for code, text in alarming.items()]
    if Code.INVALID_NONCE in alarming:
        notices.append(NonceReport())  # the venue does not say which nonce it would have taken
    return notices


def _doubt(order: PlaceOrder | ModifyOrder | CancelOrder, verdict: Verdict) -> OutcomeUnknown:
    return OutcomeUnknown(
        instrument=order.instrument, client_order_id=order.client_order_id, reason=_reason(verdict)
    )


def _reason(verdict: Verdict) -> str:
    match verdict:
        case Unknown(reason=reason):
            return reason
        case Refused(code=code, text=text):
            return f"{code.value}: {text}"
        case _:
            return clean(f"the venue says {verdict!r}")
