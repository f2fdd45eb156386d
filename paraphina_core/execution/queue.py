"""Where a resting paper order stands in the queue at its price, as far as sizes and trades tell.

A public book shows how much rests at a price, never who. An order joins behind all of it; trades at
the price shorten the queue from the front, cancels from somewhere. A trade is often told twice, as
a print and as a smaller size, in either order; it counts once. What came first is decided by the
venue's own times, which also hold for a recording, and by the order of arrival where there are none.
"""

from __future__ import annotations

import math

from paraphina_core.config import QueueModel


class QueuePosition:
    """The queue ahead of one resting order, in base units.

    Attributes:
        ahead: size that must trade or leave before the order's turn; infinite while it is unknown.
    """

    __slots__ = (
        "_book_ns",
        "_displayed",
        "_dropped",
        "_joined_ns",
        "_model",
        "_printed",
        "_printed_ns",
        "ahead",
    )

    def __init__(self, model: QueueModel, displayed: float | None, book_ns: int | None) -> None:
        self._model = model
        self.join(displayed, book_ns)

    def join(self, displayed: float | None, book_ns: int | None) -> None:
        """Go to the back of what is displayed.

        Args:
            displayed: size at the order's price, None where the price is beyond the visible depth.
            book_ns: the venue's own time of the book that shows it.
        """
        self.ahead = math.inf if displayed is None else displayed
        self._displayed = displayed
        self._joined_ns = self._book_ns = book_ns
        self._printed = 0.0  # traded, and not yet seen as a smaller size
        self._printed_ns: int | None = None
        self._dropped = 0.0  # seen as a smaller size, and not yet as a trade

    def on_book(self, displayed: float | None, book_ns: int | None) -> None:
        """See the size at the order's price in a new book; None is beyond the visible depth."""
        if displayed is not None and self.ahead == math.inf:
            self.join(displayed, book_ns)
            return
        self._book_ns = book_ns
        if book_ns is not None and self._joined_ns is not None:
            self._joined_ns = min(self._joined_ns, book_ns)  # a recording that begins anew runs back
        if displayed is not None:
            before = self.ahead
            if self._model is QueueModel.PROPORTIONAL:
                self._share_cancels(displayed)
            self.ahead = min(self.ahead, displayed)
            self._dropped += before - self.ahead
            if _not_older(book_ns, self._printed_ns):
                self._printed = 0.0
        self._displayed = displayed

    def predates(self, trade_ns: int | None) -> bool:
        """Tell whether a trade happened before the order stood here, by the venue's own times."""
        return trade_ns is not None and self._joined_ns is not None and trade_ns <= self._joined_ns

    def on_trade(self, size: float, trade_ns: int | None) -> float:
        """Let a trade at the order's price shorten the queue; return the size that reaches the order."""
        if trade_ns is None or self._book_ns is None or trade_ns > self._book_ns:
            self._dropped = 0.0  # no earlier drop was this trade
        known = min(size, self._dropped)
        self._dropped -= known
        size -= known
        self._printed += size
        self._printed_ns = trade_ns
        taken = min(size, self.ahead)
        self.ahead -= taken
        return size - taken

    def front(self) -> None:
        """Be first: a trade beyond the order's price has shown that nothing ahead is left."""
        self.ahead = 0.0

    def _share_cancels(self, displayed: float) -> None:
        """Take the part of a drop that no trade explains from the whole queue evenly."""
        if self._displayed is None:
            return
        drop = max(0.0, self._displayed - displayed)
        traded = min(drop, self._printed)
        self._printed -= traded
        before_cancels = self._displayed - traded
        if drop > traded:
            self.ahead = max(0.0, self.ahead * (1.0 - (drop - traded) / before_cancels))


def _not_older(book_ns: int | None, trade_ns: int | None) -> bool:
    return book_ns is None or trade_ns is None or book_ns >= trade_ns
