"""The account's stream: what becomes of orders, fills, funding and the answers to posts become events.

Answers and updates come over one connection and yet in either order; each is told as it comes, and the
same thing told twice is for the core to recognise. `orderUpdates` and `userEvents` repeat nothing after
a lost connection, `userFills` and `userFundings` begin with what was before.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

from paraphina_core.domain import (
    DeadManReport,
    Event,
    FundingPayment,
    InstrumentId,
    OrderAccepted,
    OrderCancelled,
    OrderRejected,
    OrderReport,
    OrderState,
    OutcomeUnknown,
    SubscriptionLive,
    VenueNotice,
    instrument_id,
)

from . import account_messages as own
from . import messages as wire
from .account import funding_payment, order_report, own_id, read_fills
from .changes import Changes, Ending
from .channels import UnknownChannels
from .instruments import is_perpetual
from .order_entry import OrderEntry
from .roles import TOPIC, Roles
from .statuses import SCHEDULED_CANCEL, rejection_code, state_of
from .words import clean

#: What the account's stream subscribes to, each of the account's address. `userEvents` come as `user`.
SUBSCRIPTIONS: Final = ("orderUpdates", "userFills", "userEvents", "userFundings")

#: Funding payments remembered: one an hour of each coin.
MAX_REMEMBERED_PAYMENTS: Final = 5_000

LIQUIDATION: Final = "liquidation"


class PrivateFeed:
    """Reads the account's stream over all its connections.

    Args:
        connector: name of the connector, which its instruments carry.
        changes: what is known of own orders.
        entry: takes the answers to posts.
        roles: takes the answers about whose account it is.
    """

    def __init__(self, connector: str, changes: Changes, entry: OrderEntry, roles: Roles) -> None:
        self._connector = connector
        self._changes = changes
        self._entry = entry
        self._roles = roles
        self._unknown_channels = UnknownChannels()
        self._begun_ns: int | None = None
        self._paid: OrderedDict[tuple[InstrumentId, int], None] = OrderedDict()

    def opened(self, at_ns: int) -> None:
        """Take note that the stream is open; funding of before the first time is none of this session's."""
        if self._begun_ns is None:
            self._begun_ns = at_ns

    def read(self, frame: bytes) -> Sequence[Event]:
        """Turn one message into events.

        Raises:
            RemoteError: the message is not what the venue documents.
        """
        envelope = wire.decode(wire.ENVELOPE, frame, "message")
        data = envelope.data
        match envelope.channel:
            case "post":
                return self._posted(wire.decode(own.POST, data, "post"))
            case "orderUpdates":
                return self._updates(wire.decode(own.ORDER_UPDATES, data, "orderUpdates"))
            case "userFills":
                return self._fills(wire.decode(own.USER_FILLS, data, "userFills"))
            case "user":
                return self._events(wire.decode(own.USER_EVENTS, data, "userEvents"))
            case "userFundings":
                return self._fundings(wire.decode(own.USER_FUNDINGS, data, "userFundings"))
            case "subscriptionResponse":
                return self._acknowledged(wire.decode(own.USER_SUBSCRIBED, data, "acknowledgement"))
            case "error":
                return (VenueNotice(code="error", text=clean(wire.decode(wire.TEXT, data, "error"))),)
            case "pong":
                return ()
            case other:
                return self._unknown_channels.notice(other)

    def _acknowledged(self, answer: own.WireUserSubscribed) -> Sequence[Event]:
        if answer.method != "subscribe":
            return ()
        live = SubscriptionLive(topic=answer.subscription.type)
        # On a later connection nobody is asked again whose account it is; that holds from its beginning.
        if self._roles.is_confirmed and live.topic == SUBSCRIPTIONS[0]:
            return (live, SubscriptionLive(topic=TOPIC))
        return (live,)

    def _posted(self, post: own.WirePost) -> Sequence[Event]:
        if post.response.type == "info":
            return self._roles.read(post.id, wire.decode(own.INFO, post.response.payload, "info"))
        return self._entry.read_post(post)

    # --- orders -----------------------------------------------------------------------------------

    def _updates(self, updates: Sequence[own.WireOrderUpdate]) -> Sequence[Event]:
        events = [
            event for update in updates if is_perpetual(update.order.coin) for event in self._update(update)
        ]
        if any(update.status == SCHEDULED_CANCEL for update in updates):
            events.append(DeadManReport(armed_until_ns=None, reason="it has fired"))
        return events

    def _update(self, update: own.WireOrderUpdate) -> Sequence[Event]:
        if state_of(update.status) is None:
            return (
                OutcomeUnknown(
                    instrument=instrument_id(self._connector, update.order.coin),
                    client_order_id=own_id(update.order.cloid),
                    reason=clean(f"its status is {update.status}, which has no meaning here"),
                ),
            )
        report = order_report(self._connector, update)
        match report.state:
            case OrderState.CANCELLED:
                return self._gone(report, update.status)
            case OrderState.REJECTED:
                return self._rejected(report, update.status)
            case _:
                # A filled one as well: its fills are booked from the channel that has their ids and fees.
                accepted = OrderAccepted(
                    instrument=report.instrument,
                    client_order_id=report.client_order_id,
                    venue_order_id=report.venue_order_id,
                    exchange_ns=report.exchange_ns,
                )
                return (accepted,)

    def _gone(self, report: OrderReport, status: str) -> Sequence[Event]:
        # Of an order that was changed, the venue says only what the last one under our id has filled.
        is_changed = self._changes.is_changed(report.client_order_id)
        match self._changes.ending_of(report.client_order_id, report.venue_order_id):
            case Ending.OURS:
                cancelled = OrderCancelled(
                    instrument=report.instrument,
                    client_order_id=report.client_order_id,
                    venue_order_id=report.venue_order_id,
                    reason=clean(status),
                    filled_size=None if is_changed else report.filled_size,
                    exchange_ns=report.exchange_ns,
                )
                return (cancelled,)
            case Ending.DOUBTFUL:
                return (_doubt(report, f"{status} while a change of it is in doubt"),)
            case Ending.REPLACED:
                return ()

    def _rejected(self, report: OrderReport, status: str) -> Sequence[Event]:
        # What is rejected after a change is the new order; the old one was live, and may have filled.
        if self._changes.is_changed(report.client_order_id):
            return (_doubt(report, f"{status} after a change"),)
        rejected = OrderRejected(
            instrument=report.instrument,
            client_order_id=report.client_order_id,
            code=rejection_code(status).value,
            reason=clean(status),
            exchange_ns=report.exchange_ns,
        )
        return (rejected,)

    # --- fills, funding and what the venue does by itself -----------------------------------------

    def _fills(self, message: own.WireUserFills) -> Sequence[Event]:
        fills, notices = read_fills(self._connector, message.fills, is_replay=message.isSnapshot)
        for fill in fills:
            self._changes.filled(fill)
        return (*fills, *notices)

    def _events(self, message: own.WireUserEvents) -> Sequence[Event]:
        events: list[Event] = []
        if message.liquidation is not None:
            text = f"liquidation {message.liquidation.lid} of {message.liquidation.liquidated_ntl_pos} USD"
            events.append(VenueNotice(code=LIQUIDATION, text=clean(text)))
        events.extend(
            OrderCancelled(
                instrument=instrument_id(self._connector, cancelled.coin),
                client_order_id=None,
                venue_order_id=str(cancelled.oid),
                reason="cancelled by the venue",
            )
            for cancelled in message.nonUserCancel
            if is_perpetual(cancelled.coin)
        )
        return events

    def _fundings(self, message: own.WireUserFundings) -> Sequence[Event]:
        payments = [
            funding_payment(self._connector, funding, funding.time)
            for funding in message.fundings
            if is_perpetual(funding.coin)
        ]
        return [payment for payment in payments if self._is_new(payment)]

    def _is_new(self, payment: FundingPayment) -> bool:
        key = (payment.instrument, payment.exchange_ns)
        if key in self._paid or payment.exchange_ns < (self._begun_ns or 0):
            return False
        self._paid[key] = None
        if len(self._paid) > MAX_REMEMBERED_PAYMENTS:
            self._paid.popitem(last=False)
        return True


def _doubt(report: OrderReport, reason: str) -> OutcomeUnknown:
    return OutcomeUnknown(
        instrument=report.instrument, client_order_id=report.client_order_id, reason=clean(reason)
    )
