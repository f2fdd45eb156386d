"""When funding is due on one instrument in session time, and what a position pays then.

A venue's funding times are on its own clock, and a recording's clock is not today's. So the time that
is left is taken from the event itself, and only without it from whole intervals since 1970.
"""

from __future__ import annotations

from decimal import Decimal

from paraphina_core.domain import CONTEXT, NS_PER_S, FundingPayment, FundingRate, InstrumentId, exact


class FundingTimer:
    """The funding of one instrument.

    Attributes:
        due_ns: session time of the next payment, None until a rate is known.
    """

    __slots__ = ("_instrument", "_interval_ns", "_paid_ns", "_rate", "due_ns")

    def __init__(self, instrument: InstrumentId) -> None:
        self.due_ns: int | None = None
        self._instrument = instrument
        self._rate = 0.0
        self._interval_ns = 0
        self._paid_ns: int | None = None

    def on_rate(self, event: FundingRate, at_ns: int) -> None:
        """Take a rate that arrived at `at_ns`; one that is no usable number changes nothing."""
        if not (event.interval_s > 0 and abs(event.rate) <= 1.0):
            return
        self._rate = event.rate
        self._interval_ns = event.interval_s * NS_PER_S
        due_ns = at_ns + self._left_ns(event, at_ns)
        if self._paid_ns is not None and due_ns - self._paid_ns < self._interval_ns // 2:
            due_ns += self._interval_ns  # the payment just made, announced once more
        self.due_ns = due_ns

    def payment(self, size: Decimal, mark: float, due_ns: int) -> FundingPayment:
        """Return what a position pays for one interval: -size * mark * rate, positive when received."""
        return funding_payment(self._instrument, size, exact(mark), self._rate, due_ns)

    def pass_due(self, at_ns: int) -> int | None:
        """Move on to the next interval; return the one that was due by `at_ns`, None if none was."""
        due_ns = self.due_ns
        if due_ns is None or due_ns > at_ns:
            return None
        self._paid_ns = due_ns
        self.due_ns = due_ns + self._interval_ns
        return due_ns

    def _left_ns(self, event: FundingRate, at_ns: int) -> int:
        now_ns = at_ns if event.exchange_ns is None else event.exchange_ns
        next_ns = event.next_funding_ns
        if next_ns is not None and (next_ns > now_ns or event.exchange_ns is not None):
            left_ns = next_ns - now_ns
            return left_ns if left_ns > 0 else left_ns % self._interval_ns
        return self._interval_ns - now_ns % self._interval_ns


def funding_payment(
    instrument: InstrumentId, size: Decimal, mark: Decimal, rate: float, due_ns: int
) -> FundingPayment:
    """Return what a signed position in base units pays at a mark price and the rate of one interval."""
    amount = CONTEXT.multiply(CONTEXT.multiply(size, mark), exact(rate)).copy_negate()
    return FundingPayment(instrument=instrument, amount=amount, rate=rate, exchange_ns=due_ns)
