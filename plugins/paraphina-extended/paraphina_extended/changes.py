"""Which of the venue's orders stands for one of ours, while and after it is changed.

The venue changes an order by placing another one in its place, under an id of ours that must be new. So the
end of the old one must not be told as the end of ours, what has filled is taken off the size that is sent,
and only the account's stream, or an answer to a question, says which of the two there is.
"""

from __future__ import annotations

from collections import OrderedDict
from decimal import Decimal
from enum import Enum, auto
from typing import Final

import msgspec

from paraphina_core.domain import CONTEXT, ClientOrderId, Fill, LocalError, ModifyOrder, to_text

#: Orders that are remembered; the one that was heard of longest ago is forgotten first.
MAX_ORDERS: Final = 10_000

_ZERO: Final = Decimal(0)


class Standing(Enum):
    """What one of the venue's orders is to ours."""

    OURS = auto()  # the one that stands for it
    CONTESTED = auto()  # it stood for it, and a change is on its way
    SUCCESSOR = auto()  # a change would put it in its place
    PAST = auto()  # a change has put another in its place, or it was refused


class _Known(msgspec.Struct):
    """One order of ours; ids are the texts that the venue knows it by."""

    standing: str
    is_changed: bool = False
    pending: dict[str, ModifyOrder] = {}
    fills: dict[str, Decimal] = {}


class Changes:
    """Own orders and the venue's orders for them, the latest `MAX_ORDERS` of them.

    Args:
        mode: first letter of the trade mode, which stands in every id.
    """

    def __init__(self, mode: str) -> None:
        self._mode = mode
        self._orders: OrderedDict[ClientOrderId, _Known] = OrderedDict()
        self._of_venue_id: OrderedDict[str, ClientOrderId] = OrderedDict()

    # --- what is sent -----------------------------------------------------------------------------

    def standing(self, client_order_id: ClientOrderId) -> str:
        """Return the text under which the venue knows an order of ours."""
        known = self._orders.get(client_order_id)
        return to_text(client_order_id, self._mode) if known is None else known.standing

    def to_ask(self, client_order_id: ClientOrderId) -> str:
        """Return the text to ask for: the latest change that is in doubt, since it decides on the others."""
        known = self._orders.get(client_order_id)
        if known is None or not known.pending:
            return self.standing(client_order_id)
        return next(reversed(known.pending))

    def candidates(self, client_order_id: ClientOrderId) -> list[str]:
        """Return every text under which an order of ours may be open."""
        known = self._orders.get(client_order_id)
        pending = () if known is None else known.pending
        return [self.standing(client_order_id), *pending]

    def to_send(self, command: ModifyOrder) -> ModifyOrder:
        """Return a change with the size that the new order must have: what has filled is not ordered again.

        Raises:
            LocalError: nothing would be left.
        """
        known = self._orders.get(command.client_order_id)
        filled = _ZERO if known is None else sum(known.fills.values(), _ZERO)
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

    def sent(self, command: ModifyOrder, version: int) -> str:
        """Take note that a change is on its way; return the text of the order that it places."""
        text = to_text(command.client_order_id, self._mode, version)
        known = self._known(command.client_order_id)
        known.is_changed = True
        known.pending[text] = command
        return text

    # --- what is heard ----------------------------------------------------------------------------

    def numbered(self, client_order_id: ClientOrderId, venue_order_id: str) -> None:
        """Take note of the venue's number of an order: its fills need not carry our id."""
        self._of_venue_id[venue_order_id] = client_order_id
        if len(self._of_venue_id) > MAX_ORDERS:
            self._of_venue_id.popitem(last=False)

    def of_venue_id(self, venue_order_id: str) -> ClientOrderId | None:
        """Return whose number it is, None where that is not known."""
        return self._of_venue_id.get(venue_order_id)

    def filled(self, fill: Fill) -> None:
        """Take note of a fill; one that is told again counts once."""
        if fill.client_order_id is not None:
            self._known(fill.client_order_id).fills[fill.trade_id] = fill.size

    def place_of(self, client_order_id: ClientOrderId, text: str) -> Standing:
        """Tell what the venue's order of that text is to ours."""
        known = self._orders.get(client_order_id)
        if known is None:
            return Standing.OURS
        if text in known.pending:
            return Standing.SUCCESSOR
        if text != known.standing:
            return Standing.PAST
        return Standing.CONTESTED if known.pending else Standing.OURS

    def found(self, client_order_id: ClientOrderId, text: str) -> None:
        """Take note that an order is open under a text that was not sent here: an earlier run changed it."""
        known = self._known(client_order_id)
        if not known.is_changed:
            known.standing = text
            known.is_changed = text != to_text(client_order_id, self._mode)

    def succeeded(self, client_order_id: ClientOrderId, text: str) -> ModifyOrder:
        """Take note that a change has come about, and return it."""
        known = self._known(client_order_id)
        known.standing = text
        return known.pending.pop(text)

    def failed(self, client_order_id: ClientOrderId, text: str) -> ModifyOrder | None:
        """Take note that a change will not come about; return it, None if it was known already."""
        return self._known(client_order_id).pending.pop(text, None)

    def is_changed(self, client_order_id: ClientOrderId) -> bool:
        """Tell whether a change of the order was ever sent: then no one order tells all that has filled."""
        known = self._orders.get(client_order_id)
        return known is not None and known.is_changed

    def _known(self, client_order_id: ClientOrderId) -> _Known:
        known = self._orders.get(client_order_id)
        if known is None:
            known = self._orders[client_order_id] = _Known(to_text(client_order_id, self._mode))
            if len(self._orders) > MAX_ORDERS:
                self._orders.popitem(last=False)
        self._orders.move_to_end(client_order_id)
        return known
