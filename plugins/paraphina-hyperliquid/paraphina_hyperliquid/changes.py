"""What must be remembered of own orders so that a change of one is neither doubled nor taken for its end.

The venue changes an order by cancelling it and placing another under the same client order id: the new one
has another id of the venue, and its size does not know what the old one filled. So the end of the old order
must not be told as the end of ours, and what has filled is taken off the size that is sent.
"""

from __future__ import annotations

from collections import OrderedDict
from decimal import Decimal
from enum import Enum, auto
from typing import Final

import msgspec

from paraphina_core.domain import CONTEXT, ClientOrderId, Fill, LocalError, ModifyOrder, OrderReport

#: Orders that are remembered; the one that was heard of longest ago is forgotten first.
MAX_ORDERS: Final = 10_000

_ZERO: Final = Decimal(0)


class Ending(Enum):
    """Whose end the venue tells when it says that an order is gone."""

    OURS = auto()  # the order as it stands
    REPLACED = auto()  # the one before a change, or one that a change still decides on
    DOUBTFUL = auto()  # a change was lost, so nobody can tell


class _Known(msgspec.Struct):
    """One own order; `standing` is the venue's id after the last change that was answered."""

    fills: dict[str, Decimal] = {}
    reported_filled: Decimal = _ZERO
    is_changed: bool = False
    pending: int = 0
    standing: str | None = None


class Changes:
    """Own orders that filled or were changed, the latest `MAX_ORDERS` of them."""

    def __init__(self) -> None:
        self._orders: OrderedDict[ClientOrderId, _Known] = OrderedDict()

    def filled(self, fill: Fill) -> None:
        """Take note of a fill; one that is told again counts once."""
        if fill.client_order_id is not None:
            self._known(fill.client_order_id).fills[fill.trade_id] = fill.size

    def reported(self, report: OrderReport) -> None:
        """Take note of what the venue says of an order when it is asked; that ends any doubt about its id."""
        if report.client_order_id is None:
            return
        known = self._known(report.client_order_id)
        if not known.is_changed:
            known.reported_filled = max(known.reported_filled, report.filled_size)
        elif not known.pending:
            known.standing = report.venue_order_id

    def to_send(self, command: ModifyOrder) -> ModifyOrder:
        """Return a change with the size that the new order must have: what has filled is not ordered again.

        Raises:
            LocalError: nothing would be left.
        """
        filled = self._filled(command.client_order_id)
        if not filled:
            return command
        left = CONTEXT.subtract(command.size, filled)
        if not left > 0:
            raise LocalError(
                "order cannot be changed to what has filled already",
                found=f"{command.size} of which {filled} filled",
                remedy="cancel it",
            )
        return msgspec.structs.replace(command, size=left)

    def sent(self, command: ModifyOrder) -> None:
        """Take note that a change is on its way."""
        known = self._known(command.client_order_id)
        known.is_changed = True
        known.pending += 1

    def answered(self, command: ModifyOrder, standing: str | None) -> None:
        """Take note of what came of a change: the id of the order that stands now, None if unknown."""
        known = self._known(command.client_order_id)
        known.pending = max(0, known.pending - 1)
        known.standing = standing

    def is_changed(self, client_order_id: ClientOrderId | None) -> bool:
        """Tell whether a change of the order has ever been sent."""
        known = None if client_order_id is None else self._orders.get(client_order_id)
        return known is not None and known.is_changed

    def ending_of(self, client_order_id: ClientOrderId | None, venue_order_id: str) -> Ending:
        """Tell whose end it is when the venue says that an order of this id is gone."""
        known = None if client_order_id is None else self._orders.get(client_order_id)
        if known is None or not known.is_changed:
            return Ending.OURS
        if known.pending:
            return Ending.REPLACED
        if known.standing is None:
            return Ending.DOUBTFUL
        return Ending.OURS if known.standing == venue_order_id else Ending.REPLACED

    def _filled(self, client_order_id: ClientOrderId) -> Decimal:
        known = self._orders.get(client_order_id)
        if known is None:
            return _ZERO
        return max(known.reported_filled, sum(known.fills.values(), _ZERO))

    def _known(self, client_order_id: ClientOrderId) -> _Known:
        known = self._orders.setdefault(client_order_id, _Known())
        self._orders.move_to_end(client_order_id)
        if len(self._orders) > MAX_ORDERS:
            self._orders.popitem(last=False)
        return known
