"""Changes of own orders that were sent: the account's stream tells terms, and not that they are new."""

from __future__ import annotations

from collections import OrderedDict
from decimal import Decimal
from typing import Final

from paraphina_core.domain import ClientOrderId, ModifyOrder, OrderModified, OrderReport

#: Changes that are remembered; the one that was sent longest ago is forgotten first.
MAX_CHANGES: Final = 10_000


class Changes:
    """The latest change of each order, until the venue tells an order with its terms."""

    def __init__(self) -> None:
        self._sent: OrderedDict[ClientOrderId, tuple[Decimal, Decimal]] = OrderedDict()

    def sent(self, command: ModifyOrder) -> None:
        """Take note of a change that leaves."""
        self._sent.pop(command.client_order_id, None)
        self._sent[command.client_order_id] = (command.price, command.size)
        if len(self._sent) > MAX_CHANGES:
            self._sent.popitem(last=False)

    def refused(self, client_order_id: ClientOrderId) -> None:
        """Take note that a change was refused."""
        self._sent.pop(client_order_id, None)

    def told(self, report: OrderReport) -> OrderModified | None:
        """Return what an open order that is told has become by a change; None where nothing is new."""
        if report.client_order_id is None:
            return None
        if self._sent.get(report.client_order_id) != (report.price, report.size):
            return None
        del self._sent[report.client_order_id]
        return OrderModified(
            instrument=report.instrument,
            client_order_id=report.client_order_id,
            venue_order_id=report.venue_order_id,
            price=report.price,
            size=report.size,
            exchange_ns=report.exchange_ns,
        )
