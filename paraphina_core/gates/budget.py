"""How many messages may still be sent: a token bucket that keeps a reserve for cancels.

Time is handed in. Orders stop at the reserve; cancels are never refused, and what they take beyond
the bucket is a debt that later orders wait for.
"""

from __future__ import annotations

from typing import Final, Self

from paraphina_core.config import RiskProfile
from paraphina_core.domain import NS_PER_S, LocalError

#: What the venue still lets the account send is plenty if it lasts so long at the sustained rate.
PLENTY_FOR_S: Final = 600.0

#: Share of the messages from which up nobody needs to save.
_ENOUGH: Final = 0.5

#: Tolerances are never stretched further, however little is left.
MOST_THRIFT: Final = 10.0


class MessageBudget:
    """Token bucket of one connector.

    Args:
        rate_per_s: messages that come back each second.
        burst: messages that may leave at once; also the largest debt that is remembered.
        cancel_reserve: messages of the burst that orders never use.

    Attributes:
        left_at_venue: messages that the venue itself still lets the account send, None where it says nothing.

    Raises:
        LocalError: one of them is negative or not a number.
    """

    __slots__ = ("_at_ns", "_tokens", "burst", "cancel_reserve", "left_at_venue", "rate_per_s")

    def __init__(self, *, rate_per_s: float, burst: float, cancel_reserve: float) -> None:
        if not (rate_per_s >= 0.0 and burst >= 0.0 and cancel_reserve >= 0.0):
            raise LocalError(
                "message budget is not usable",
                found=(rate_per_s, burst, cancel_reserve),
                wanted="rate, burst and reserve of zero or above",
            )
        self.rate_per_s = rate_per_s
        self.burst = burst
        self.cancel_reserve = cancel_reserve
        self._tokens = float(burst)
        self._at_ns: int | None = None
        self.left_at_venue: int | None = None

    @classmethod
    def of(cls, profile: RiskProfile) -> Self:
        """Make the full budget of one connector under a risk profile."""
        return cls(
            rate_per_s=profile.message_rate_per_s,
            burst=profile.message_burst,
            cancel_reserve=profile.message_cancel_reserve,
        )

    def available(self, at_ns: int) -> float:
        """Return the messages in the bucket at `at_ns`; negative while there is a debt."""
        if self._at_ns is None or at_ns <= self._at_ns:
            return self._tokens
        tokens = self._tokens + (at_ns - self._at_ns) * self.rate_per_s / NS_PER_S
        return min(tokens, self.burst)

    def allows_order(self, at_ns: int) -> bool:
        """Tell whether an order may be sent without touching the reserve."""
        if self.left_at_venue is not None and not (self.left_at_venue - self.cancel_reserve >= 1):
            return False
        return self.available(at_ns) - self.cancel_reserve >= 1.0

    def thrift(self, at_ns: int) -> float:
        """Return how carefully to spend: 1 from half of the messages up, then growing as they get fewer.

        It is 2 with a quarter left, 4 with an eighth, and at most `MOST_THRIFT`.
        """
        share = _share(self.available(at_ns), self.cancel_reserve, self.burst)
        if self.left_at_venue is not None:
            plenty = self.cancel_reserve + PLENTY_FOR_S * self.rate_per_s
            share = min(share, _share(self.left_at_venue, self.cancel_reserve, plenty))
        return min(MOST_THRIFT, max(1.0, _ENOUGH / share)) if share > 0.0 else MOST_THRIFT

    def told(self, used: int, limit: int) -> None:
        """Take the venue's word on how many messages the account may still send."""
        self.left_at_venue = limit - used

    def spend(self, at_ns: int) -> None:
        """Take one message, order or cancel, out of the bucket."""
        if self.left_at_venue is not None:
            self.left_at_venue -= 1
        tokens = self.available(at_ns) - 1.0
        self._tokens = tokens if tokens >= -self.burst else -float(self.burst)
        self._at_ns = at_ns if self._at_ns is None else max(self._at_ns, at_ns)


def _share(left: float, reserve: float, whole: float) -> float:
    """Return which part is left of what orders may use; nothing where there is nothing for them."""
    return (left - reserve) / (whole - reserve) if whole > reserve else 0.0
