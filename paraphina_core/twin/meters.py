"""The venue's own count of what it is asked: one sliding window for each client and metered scope."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

import msgspec

from paraphina_core.connector import RateLimit
from paraphina_core.domain import LocalError
from paraphina_core.transport import Limiter

#: Clients whose use is remembered, over all scopes; the longest unseen is forgotten beyond that.
MAX_KEYS: Final = 10_000


class Meters:
    """Counts by `(scope, key)`; the key is whatever the venue meters by: an address, an account, a session.

    Args:
        limits: the budgets that the connector declares; what it keeps back for cancels is its own
            business and no rule of the venue.
        is_counting: False lets everything pass, for clients that begin more often than a venue would bear.
    """

    def __init__(self, limits: Iterable[RateLimit], *, is_counting: bool = True) -> None:
        self._is_counting = is_counting
        self._limits = {limit.scope: msgspec.structs.replace(limit, cancel_reserve=0) for limit in limits}
        self._limiters: OrderedDict[tuple[str, str], Limiter] = OrderedDict()

    def over_ns(self, scope: str, key: str, units: int, at_ns: int) -> int | None:
        """Spend units if they are there.

        Returns:
            None once they are spent; else the time at which they would be there, and nothing is spent.

        Raises:
            LocalError: no limit has this scope, or the units are more than can ever be spent at once.
        """
        limiter = self._limiter(scope, key)
        if not self._is_counting or limiter.take(units, at_ns):
            return None
        return limiter.ready_ns(units, at_ns)

    def used(self, scope: str, key: str, at_ns: int) -> int:
        """Return the units spent in the window that ends now."""
        limiter = self._limiter(scope, key)
        return limiter.limit.limit - limiter.free(at_ns)

    def _limiter(self, scope: str, key: str) -> Limiter:
        limiter = self._limiters.pop((scope, key), None)
        if limiter is None:
            limit = self._limits.get(scope)
            if limit is None:
                raise LocalError("no rate limit has this scope", found=scope, wanted=", ".join(self._limits))
            limiter = Limiter(limit, jitter_ms=0)
        self._limiters[scope, key] = limiter
        if len(self._limiters) > MAX_KEYS:
            self._limiters.popitem(last=False)
        return limiter
