"""What the venue's answer to a command says: taken in, refused, or unknown.

Order entry is asynchronous. That a request was taken in says nothing of an order yet: its fate comes on the
account's stream. Only the venue's own words refuse, and only by a number that is known; whatever else came,
or came not at all, leaves the outcome unknown. Nothing here raises for any bytes whatever.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeAlias

import msgspec

from paraphina_core.connector import Answer, Failure, FailureKind, decode_json
from paraphina_core.domain import (
    NS_PER_MS,
    ArmDeadMan,
    AskAgain,
    CancelAll,
    CancelOrder,
    CancelRejected,
    DeadManReport,
    Event,
    ModifyOrder,
    ModifyRejected,
    OrderRejected,
    OutcomeUnknown,
    PlaceOrder,
    RemoteError,
    SetLeverage,
    VenueNotice,
)

from . import account_messages as own
from .questions import FEES, refused
from .refusals import Code, Needed, refusal_of
from .words import clean

#: Every command that the venue has: it places no batches.
Sent: TypeAlias = PlaceOrder | ModifyOrder | CancelOrder | CancelAll | ArmDeadMan | SetLeverage

OUTCOME_UNKNOWN: Final = "outcome_unknown"
LEVERAGE_SET: Final = "leverage_set"

#: Refusals that an operator must hear of.
ALARMING: Final = frozenset({Code.SIGNER_REFUSED, Code.BAD_CONFIGURATION, Code.MAINTENANCE})

_FINE: Final = range(200, 300)
_REFUSING: Final = range(200, 500)
_TOO_MANY_REQUESTS: Final = 429


class Taken(msgspec.Struct, frozen=True):
    """The venue has taken the request in; of an order it says under which number."""

    venue_order_id: str | None = None


class Refused(msgspec.Struct, frozen=True):
    """The venue said no, or never saw the command."""

    code: Code
    text: str
    needed: Needed = Needed.CHANGE


class Unknown(msgspec.Struct, frozen=True):
    """Nobody can tell."""

    reason: str


Verdict: TypeAlias = Taken | Refused | Unknown


def verdict(command: Sent, answer: Answer | Failure) -> Verdict:
    """Judge what came back for a command."""
    if isinstance(answer, Failure):
        text = clean(f"{answer.kind.value} {answer.detail}".strip())
        return Refused(Code.NOT_SENT, text) if answer.kind is FailureKind.NOT_SENT else Unknown(text)
    try:
        return _said(command, answer)
    except RemoteError as e:
        return Unknown(clean(f"HTTP status {answer.status}: {e}"))


def _said(command: Sent, answer: Answer) -> Verdict:
    error = refused(answer)
    if error is None:
        if answer.status not in _FINE:
            return Unknown(f"HTTP status {answer.status}")
        if not isinstance(command, PlaceOrder | ModifyOrder):
            return Taken()
        placed = decode_json(own.PLACED, answer.body, "Extended order").data
        return Taken(str(placed.id))
    text = clean(f"{error.code} {error.message}")
    refusal = refusal_of(error.code)
    if refusal is None or answer.status not in _REFUSING or answer.status == _TOO_MANY_REQUESTS:
        return Unknown(text)
    # A number that asks to look first is none of a refusal, but where it is the edit that found no order.
    is_of_edit = isinstance(command, ModifyOrder) and refusal.code is Code.MODIFY_NOT_FOUND
    if refusal.code is Code.RATE_LIMIT or (refusal.needed is Needed.RECONCILE and not is_of_edit):
        return Unknown(text)
    return Refused(refusal.code, text, refusal.needed)


def outcomes(command: Sent, judged: Verdict, sent_ns: int) -> Sequence[Event]:
    """Turn a verdict into events: one for each order, but for what only the stream tells.

    Args:
        command: what was asked.
        judged: what came of it.
        sent_ns: session time at which it was asked; a dead-man window counts from then.
    """
    events: list[Event] = []
    match judged:
        case Taken():
            events += _taken(command, sent_ns)
        case Refused():
            events.append(_refused(command, judged))
        case Unknown(reason=reason):
            events.append(_unknown(command, reason))
    if isinstance(judged, Refused) and judged.code in ALARMING:
        notice = VenueNotice(code=judged.code.value, text=judged.text)
        events += [notice] if notice not in events else []
    if isinstance(judged, Refused) and judged.needed is Needed.FEES:
        events.append(AskAgain(query=FEES, reason=judged.text))
    return tuple(events)


def _taken(command: Sent, sent_ns: int) -> Sequence[Event]:
    match command:
        case ArmDeadMan(window_ms=0):
            return (DeadManReport(armed_until_ns=None),)
        case ArmDeadMan(window_ms=window_ms):
            return (DeadManReport(armed_until_ns=sent_ns + countdown_s(window_ms) * 1_000 * NS_PER_MS),)
        case SetLeverage(instrument=instrument, leverage=leverage):
            return (VenueNotice(code=LEVERAGE_SET, text=f"leverage of {instrument} is {leverage}"),)
        case _:
            return ()


def countdown_s(window_ms: int) -> int:
    """Return a dead-man window in whole seconds, which the venue counts in: never longer than was asked."""
    return max(1, window_ms // 1_000) if window_ms else 0


def _refused(command: Sent, why: Refused) -> Event:
    match command:
        case PlaceOrder():
            return OrderRejected(
                instrument=command.instrument,
                client_order_id=command.client_order_id,
                code=why.code.value,
                reason=why.text,
            )
        case ModifyOrder():
            return ModifyRejected(
                instrument=command.instrument,
                client_order_id=command.client_order_id,
                venue_order_id=command.venue_order_id,
                code=why.code.value,
                reason=why.text,
            )
        case CancelOrder():
            return CancelRejected(
                instrument=command.instrument,
                client_order_id=command.client_order_id,
                venue_order_id=command.venue_order_id,
                code=why.code.value,
                reason=why.text,
            )
        case ArmDeadMan() if why.code is not Code.NOT_SENT:
            return DeadManReport(armed_until_ns=None, reason=f"{why.code.value}: {why.text}")
        case _:
            return VenueNotice(code=why.code.value, text=why.text)


def _unknown(command: Sent, reason: str) -> Event:
    if isinstance(command, PlaceOrder | ModifyOrder | CancelOrder):
        return OutcomeUnknown(
            instrument=command.instrument, client_order_id=command.client_order_id, reason=reason
        )
    return VenueNotice(code=OUTCOME_UNKNOWN, text=reason)
