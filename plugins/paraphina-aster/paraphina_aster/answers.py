"""What the venue's answer to a command says: done, refused, or unknown.

Only a number of the venue that is known to prove it refuses an order (`refusals.proves_refusal`). From status
500 on, after a timeout and after anything unreadable nobody knows (docs "HTTP return codes", read
2026-10-08); the order is then asked for by our id. Nothing here raises for any bytes whatever.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Final, TypeAlias

import msgspec

from paraphina_core.connector import Answer, Failure, FailureKind, decode_json
from paraphina_core.domain import (
    NS_PER_MS,
    ArmDeadMan,
    Batch,
    CancelAll,
    CancelOrder,
    CancelRejected,
    Command,
    Event,
    ModifyOrder,
    ModifyRejected,
    OrderAccepted,
    OrderCancelled,
    OrderExpired,
    OrderModified,
    OrderRejected,
    OrderReport,
    OrderState,
    OutcomeUnknown,
    PlaceOrder,
    RemoteError,
    SetLeverage,
    VenueNotice,
)

from . import account_answers as own
from .dead_man import DeadMan
from .limits import MAX_BATCH
from .refusals import ALARMING, REMEDIES, Code, code_of, proves_refusal
from .refused import Refusal, refusal

#: Commands that concern one order.
Single: TypeAlias = PlaceOrder | ModifyOrder | CancelOrder

OUTCOME_UNKNOWN: Final = "outcome_unknown"
LEVERAGE_SET: Final = "leverage_set"
NOT_SENT: Final = "not_sent"

_FINE: Final = 200
#: Only with these does the venue itself speak of one request; see `refusals.proves_refusal`.
_REFUSING: Final = 400


class Refused(msgspec.Struct, frozen=True):
    """The venue said no, or never saw the command; `code` is stable."""

    code: str
    text: str


class Unknown(msgspec.Struct, frozen=True):
    """Nobody can tell."""

    reason: str
    code: str | None = None


Verdict: TypeAlias = OrderReport | Refused | Unknown


class _Entry(msgspec.Struct, frozen=True):
    """Part of the answer to a batch: an order, or a refusal, which alone has a code."""

    code: int | None = None


_ENTRY: Final = msgspec.json.Decoder(_Entry)
_REFUSAL: Final = msgspec.json.Decoder(Refusal)
_BATCH: Final[msgspec.json.Decoder[tuple[msgspec.Raw, ...]]] = msgspec.json.Decoder(
    Annotated[tuple[msgspec.Raw, ...], msgspec.Meta(max_length=MAX_BATCH)]
)


def outcomes(
    name: own.Names, command: Command, answer: Answer | Failure, sent_ns: int, dead_man: DeadMan
) -> Sequence[Event]:
    """Turn what came back for a command into events: one at least for each order.

    Args:
        name: names the instrument of a symbol.
        command: what was asked.
        answer: what came back, or why nothing did.
        sent_ns: session time at which it was asked; a dead-man window counts from then.
        dead_man: what is known of the switches.
    """
    match command:
        case Batch(commands=commands):
            verdicts = _of_batch(name, commands, answer)
            events = [
                event
                for single, verdict in zip(commands, verdicts, strict=True)
                for event in _of_order(single, verdict)
            ]
        case PlaceOrder() | ModifyOrder() | CancelOrder():
            verdicts = [_of_single(name, command, answer)]
            events = list(_of_order(command, verdicts[0]))
        case _:
            failed = _of_request(command, answer)
            verdicts = [] if failed is None else [failed]
            events = list(_of_other(command, failed, sent_ns, dead_man))
    return (*events, *(notice for notice in _alarms(verdicts) if notice not in events))


# --- verdicts -------------------------------------------------------------------------------------


def _of_request(command: Command | Single, answer: Answer | Failure) -> Refused | Unknown | None:
    """Return why a request as a whole did not work, None if it did."""
    if isinstance(answer, Failure):
        text = f"{answer.kind.value} {answer.detail}".strip()[:200]
        return Refused(NOT_SENT, text) if answer.kind is FailureKind.NOT_SENT else Unknown(text)
    said = refusal(answer)
    if said is not None:
        return _refused(command, said, answer.status)
    return None if answer.status == _FINE else Unknown(f"HTTP status {answer.status}")


def _refused(command: Command | Single, said: Refusal, status: int) -> Refused | Unknown:
    code = code_of(said.code)
    # What is gone cannot be cancelled or changed: that is the answer, whatever became of the order.
    is_gone = code is Code.ORDER_GONE and isinstance(command, CancelOrder | ModifyOrder | Batch)
    is_said = status == _REFUSING and is_gone
    if code is None or not (is_said or proves_refusal(status, said.code)):
        return Unknown(f"HTTP status {status}: {said.text}", None if code is None else code.value)
    return Refused(code.value, said.text)


def _of_single(name: own.Names, command: Single, answer: Answer | Failure) -> Verdict:
    failed = _of_request(command, answer)
    if failed is not None or isinstance(answer, Failure):
        return failed or Unknown("no answer")
    return _stated(name, command, answer.body)


def _of_batch(name: own.Names, commands: Sequence[Single], answer: Answer | Failure) -> Sequence[Verdict]:
    failed = _of_request(commands[0], answer)
    if failed is not None or isinstance(answer, Failure):
        return [failed or Unknown("no answer")] * len(commands)
    try:
        entries = decode_json(_BATCH, answer.body, "batch")
    except RemoteError as e:
        return [Unknown(str(e)[:200])] * len(commands)
    if len(entries) != len(commands):
        return [Unknown(f"the answer states {len(entries)} outcomes")] * len(commands)
    return [_entry(name, command, bytes(entry)) for command, entry in zip(commands, entries, strict=True)]


def _entry(name: own.Names, command: Single, body: bytes) -> Verdict:
    try:
        if decode_json(_ENTRY, body, "batch").code is not None:
            return _refused(command, decode_json(_REFUSAL, body, "refusal"), _REFUSING)
    except RemoteError as e:
        return Unknown(str(e)[:200])
    return _stated(name, command, body)


def _stated(name: own.Names, command: Single, body: bytes) -> Verdict:
    """Read the order that an answer shows, which must be the one that was asked about."""
    try:
        report = own.order_report(name, decode_json(own.ORDER, body, "order"))
    except RemoteError as e:
        return Unknown(str(e)[:200])
    names_other = report.client_order_id != command.client_order_id and (
        isinstance(command, PlaceOrder) or report.venue_order_id != command.venue_order_id
    )
    if names_other or report.instrument != command.instrument:
        return Unknown("the answer names another order")
    return report


# --- events ---------------------------------------------------------------------------------------


def _of_order(command: Single, verdict: Verdict) -> Sequence[Event]:
    match verdict:
        case Unknown(reason=reason):
            doubt = OutcomeUnknown(
                instrument=command.instrument, client_order_id=command.client_order_id, reason=reason
            )
            return (doubt,)
        case Refused():
            return (_rejected(command, verdict),)
        case OrderReport():
            return _done(command, verdict)


def _done(command: Single, report: OrderReport) -> Sequence[Event]:
    """Tell what an order is now; of its fills the stream tells, which gives them ids."""
    if isinstance(command, PlaceOrder) and (never := _never_was(command, report)) is not None:
        return (_rejected(command, never),)
    first: list[Event] = []
    if isinstance(command, PlaceOrder):
        accepted = OrderAccepted(
            instrument=command.instrument,
            client_order_id=command.client_order_id,
            venue_order_id=report.venue_order_id,
            exchange_ns=report.exchange_ns,
        )
        first.append(accepted)
    elif isinstance(command, ModifyOrder):
        modified = OrderModified(
            instrument=command.instrument,
            client_order_id=command.client_order_id,
            venue_order_id=report.venue_order_id,
            price=report.price,
            size=report.size,
            exchange_ns=report.exchange_ns,
        )
        first.append(modified)
    return (*first, *_ended(command, report))


def _never_was(order: PlaceOrder, report: OrderReport) -> Refused | None:
    """Return why an answer shows an order that never was live, None if it may have been."""
    if report.state is OrderState.REJECTED:
        return Refused("rejected", "the answer says that it was rejected")
    is_ended = report.state is OrderState.EXPIRED and not report.filled_size
    if order.post_only and is_ended:
        return Refused(Code.POST_ONLY_CROSSED.value, "it would have traded at once, and expired")
    return None


def _ended(command: Single, report: OrderReport) -> Sequence[Event]:
    match report.state:
        case OrderState.CANCELLED:
            cancelled = OrderCancelled(
                instrument=command.instrument,
                client_order_id=command.client_order_id,
                venue_order_id=report.venue_order_id,
                filled_size=report.filled_size,
                exchange_ns=report.exchange_ns,
            )
            return (cancelled,)
        case OrderState.EXPIRED:
            expired = OrderExpired(
                instrument=command.instrument,
                client_order_id=command.client_order_id,
                venue_order_id=report.venue_order_id,
                filled_size=report.filled_size,
                exchange_ns=report.exchange_ns,
            )
            return (expired,)
        case _ if isinstance(command, CancelOrder):
            return (report,)  # the venue shows it as it is, and it is not cancelled
        case _:
            return ()


def _rejected(command: Single, why: Refused) -> Event:
    if isinstance(command, PlaceOrder):
        return OrderRejected(
            instrument=command.instrument,
            client_order_id=command.client_order_id,
            code=why.code,
            reason=why.text,
        )
    kind = ModifyRejected if isinstance(command, ModifyOrder) else CancelRejected
    return kind(
        instrument=command.instrument,
        client_order_id=command.client_order_id,
        venue_order_id=command.venue_order_id,
        code=why.code,
        reason=why.text,
    )


def _of_other(
    command: ArmDeadMan | SetLeverage | CancelAll | Command,
    failed: Refused | Unknown | None,
    sent_ns: int,
    dead_man: DeadMan,
) -> Iterable[Event]:
    match command, failed:
        case ArmDeadMan(window_ms=window_ms, instruments=(instrument,)), None:
            return dead_man.armed(instrument, sent_ns + window_ms * NS_PER_MS if window_ms else None)
        case ArmDeadMan(instruments=(instrument,)), Refused(code=code, text=text) if code != NOT_SENT:
            return dead_man.refused(instrument, f"{code}: {text}")
        case SetLeverage(instrument=instrument, leverage=leverage), None:
            return (VenueNotice(code=LEVERAGE_SET, text=f"leverage of {instrument} is {leverage}"),)
        case _, Refused(code=code, text=text):
            return (VenueNotice(code=code, text=text),)
        case _, Unknown(reason=reason):
            return (VenueNotice(code=OUTCOME_UNKNOWN, text=reason),)
        case _:
            return ()


def _alarms(verdicts: Iterable[Verdict]) -> Sequence[Event]:
    """Tell an operator of what will not go away by itself, once for a request."""
    found = {
        one.code: one.text if isinstance(one, Refused) else one.reason
        for one in verdicts
        if isinstance(one, Refused | Unknown) and one.code is not None and one.code in ALARMING
    }
    return [
        VenueNotice(code=code, text=f"{text}; {remedy}" if (remedy := REMEDIES.get(Code(code))) else text)
        for code, text in found.items()
    ]
