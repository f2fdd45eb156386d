"""Takes every order out of the market: on all venues in the same step, again and again until none is left."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from paraphina_core.connector import Capability
from paraphina_core.domain import (
    NS_PER_MS,
    CancelAll,
    CancelOrder,
    ClientOrderId,
    OrderReport,
    OrderState,
    Purpose,
)
from paraphina_core.execution import OrderRecord, OrderTracker, cancel_of

from .record import Recorder, encode
from .venue import Venue

#: What was to be cancelled and is still there is cancelled again after so much session time.
CANCEL_AGAIN_AFTER_NS: Final = 1_000 * NS_PER_MS


class Withdrawal:
    """The cancels of one run.

    Args:
        venues: by connector.
        tracker: every order that is known.
        recorder: takes each cancel before it is sent.
        reaches_venue: orders leave for venues, where more may be open than is known here.

    Attributes:
        cancels: orders for which a cancel was sent, counted each time.
    """

    def __init__(
        self, venues: Mapping[str, Venue], tracker: OrderTracker, recorder: Recorder, *, reaches_venue: bool
    ) -> None:
        self._venues = venues
        self._tracker = tracker
        self._recorder = recorder
        self._reaches_venue = reaches_venue
        self._cancel_all_ns: dict[str, int] = {}
        self._cancel_ns: dict[tuple[str, object], int] = {}
        self.cancels = 0

    def one(self, venue: Venue, cancel: CancelOrder, at_ns: int) -> ClientOrderId:
        """Cancel one order."""
        self._submit(venue, cancel, at_ns)
        self._tracker.cancel_sent(cancel.client_order_id, at_ns)
        return cancel.client_order_id

    def everything(self, at_ns: int) -> Sequence[ClientOrderId]:
        """Cancel every order that is or may be open, where that is due; return the own ones among them.

        A venue with a command for it gets the command once even if nothing is known to be open there: what
        is not known here is what the command is for.
        """
        cancelled: list[ClientOrderId] = []
        for venue in self._venues.values():
            records = [
                record
                for name in venue.markets
                for record in self._tracker.open_orders(name)
                if not _ends_by_itself(record, at_ns)
            ]
            if self._reaches_venue and not venue.spec.cancel_all_command:
                cancelled += self._each(venue, records, at_ns)
                self._strays(venue, at_ns)
            else:
                cancelled += self._all(venue, records, at_ns)
                if Capability.CANCEL_ALL in venue.spec.per_instrument:  # and it reaches no other instrument
                    self._strays(venue, at_ns, elsewhere=True)
        return cancelled

    def begin_again(self) -> None:
        """Forget what was asked for: orders leave again, and a later withdrawal has everything before it."""
        self._cancel_all_ns.clear()
        self._cancel_ns.clear()

    def _all(self, venue: Venue, records: Sequence[OrderRecord], at_ns: int) -> Iterator[ClientOrderId]:
        asked_ns = self._cancel_all_ns.get(venue.name)
        is_first = self._reaches_venue and asked_ns is None
        if not (records or venue.strays or is_first):
            return
        if asked_ns is not None and at_ns - asked_ns < CANCEL_AGAIN_AFTER_NS:
            return
        self._cancel_all_ns[venue.name] = at_ns
        self._recorder.append("cancel_all", at_ns, encode({"connector": venue.name}))
        for command in _cancel_alls(venue):
            venue.context.budget.spend(at_ns)
            venue.route.submit(command, at_ns)
        self.cancels += len(records)
        for record in records:
            self._tracker.cancel_sent(record.order.client_order_id, at_ns)
            yield record.order.client_order_id

    def _each(self, venue: Venue, records: Iterable[OrderRecord], at_ns: int) -> Iterator[ClientOrderId]:
        """Cancel orders one by one: at once what was never cancelled, the others not more than once a second.

        A cancel that is under way is waited for; one that was refused or lost leaves an unknown order.
        """
        for record in records:
            is_under_way = record.state is OrderState.PENDING_CANCEL
            if not is_under_way and self._is_due(venue, record.order.client_order_id, at_ns):
                yield self.one(venue, cancel_of(record), at_ns)

    def _strays(self, venue: Venue, at_ns: int, *, elsewhere: bool = False) -> None:
        """Cancel what the venue lists on the account and no order here stands for.

        With `elsewhere` only what is in instruments that are not traded here.
        """
        for report in venue.strays:
            if elsewhere and report.instrument in venue.markets:
                continue
            if self._is_due(venue, report.venue_order_id, at_ns):
                self._submit(venue, _cancel_of_stray(report), at_ns)

    def _is_due(self, venue: Venue, order: object, at_ns: int) -> bool:
        last_ns = self._cancel_ns.get((venue.name, order))
        if last_ns is not None and at_ns - last_ns < CANCEL_AGAIN_AFTER_NS:
            return False
        self._cancel_ns[venue.name, order] = at_ns
        return True

    def _submit(self, venue: Venue, cancel: CancelOrder, at_ns: int) -> None:
        self._recorder.append("cancel", at_ns, encode(cancel))
        venue.context.budget.spend(at_ns)
        venue.route.submit(cancel, at_ns)
        self.cancels += 1


def _cancel_alls(venue: Venue) -> Iterable[CancelAll]:
    """Return the commands that cancel everything in what is traded: one, or one for each instrument."""
    if Capability.CANCEL_ALL in venue.spec.per_instrument:
        return [CancelAll(instrument=instrument) for instrument in venue.markets]
    return [CancelAll()]


def _ends_by_itself(record: OrderRecord, at_ns: int) -> bool:
    """Tell whether an order closes a position and is so young that its own end must be on its way."""
    return record.order.purpose is Purpose.FLATTEN and at_ns - record.created_ns < CANCEL_AGAIN_AFTER_NS


def _cancel_of_stray(report: OrderReport) -> CancelOrder:
    """Return the cancel of an order that may have no id of ours: the venue's own id names it."""
    return CancelOrder(
        instrument=report.instrument,
        client_order_id=report.client_order_id or ClientOrderId(0),
        venue_order_id=report.venue_order_id,
    )
