"""How much a venue may still be asked: one limiter for each budget it meters.

A limiter remembers what was spent during the window before now, so that in no window of that length,
wherever it begins, more is spent than the venue allows. Time is handed in; nothing here waits.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final

from paraphina_core.connector import RateLimit
from paraphina_core.domain import NS_PER_MS, NS_PER_S, LocalError

#: Requests may bunch up on their way: the venue can see two of them so much closer together.
JITTER_MS: Final = 50

#: New connections a minute over all streams; the strictest venue allows 30 (Hyperliquid, read 2026-11).
CONNECTS_PER_MINUTE: Final = 30

#: The longest ban that is believed; the longest documented one lasts three days (Aster, read 2026-11).
MAX_RETRY_AFTER_S: Final = 3 * 24 * 3600

#: Longest number of units that is read.
_MAX_DIGITS: Final = 12

#: Spends this part of a window apart are remembered as one, at the later time: it bounds the memory.
_GRAINS: Final = 256


class Limiter:
    """Sliding window over one metered scope.

    What is not a cancel stops while `cancel_reserve` units are still free; cancels may use
    everything. A ban by the venue stops both: whoever sends on is banned for longer.

    Args:
        limit: the venue's budget.
        jitter_ms: how much later than it was sent a request may reach the venue, above the least;
            the window is longer by so much.

    Raises:
        LocalError: limit, window, reserve or jitter make no sense.
    """

    __slots__ = ("_at_ns", "_banned_ns", "_grain_ns", "_limit", "_spent", "_used", "_window_ns")

    def __init__(self, limit: RateLimit, *, jitter_ms: int = JITTER_MS) -> None:
        sound = limit.limit > 0 and limit.window_ms > 0 and 0 <= limit.cancel_reserve < limit.limit
        if not (sound and jitter_ms >= 0):
            raise LocalError(
                f"rate limit {limit.scope} is not usable",
                found=(limit.limit, limit.window_ms, limit.cancel_reserve, jitter_ms),
                wanted="limit and window above zero, a reserve below the limit, jitter of zero or above",
            )
        self._limit = limit
        self._window_ns = (limit.window_ms + jitter_ms) * NS_PER_MS
        self._grain_ns = self._window_ns // _GRAINS
        self._spent: deque[list[int]] = deque()  # [first_ns, last_ns, units]
        self._used = 0
        self._at_ns = 0
        self._banned_ns = 0

    @property
    def limit(self) -> RateLimit:
        """The budget as the venue states it."""
        return self._limit

    def free(self, at_ns: int) -> int:
        """Return the units of the window that are not spent, the reserve among them; 0 during a ban."""
        at_ns = self._advance(at_ns)
        return 0 if at_ns < self._banned_ns else self._limit.limit - self._used

    def ready_ns(self, units: int, at_ns: int, *, cancel: bool = False) -> int:
        """Return the earliest time at which so many units may be spent; `at_ns` if that is now.

        Raises:
            LocalError: the units are negative or more than can ever be spent at once.
        """
        allowed = self._limit.limit - (0 if cancel else self._limit.cancel_reserve)
        if not 0 <= units <= allowed:
            raise LocalError(
                f"a request costs more of {self._limit.scope} than there is",
                found=units,
                wanted=f"0 to {allowed} units",
            )
        at_ns = self._advance(at_ns)
        ready_ns = max(at_ns, self._banned_ns)
        excess = self._used + units - allowed
        for _, last_ns, spent in self._spent:
            if excess <= 0:
                break
            excess -= spent
            ready_ns = max(ready_ns, last_ns + self._window_ns)
        return ready_ns

    def take(self, units: int, at_ns: int, *, cancel: bool = False) -> bool:
        """Spend units if they may be spent now; False and nothing spent otherwise.

        Raises:
            LocalError: the units are negative or more than can ever be spent at once.
        """
        at_ns = self._advance(at_ns)
        if self.ready_ns(units, at_ns, cancel=cancel) > at_ns:
            return False
        self.spend(units, at_ns)
        return True

    def spend(self, units: int, at_ns: int) -> None:
        """Count units that were spent whether or not they were allowed."""
        if units <= 0:
            return
        at_ns = self._advance(at_ns)
        self._used += units
        if self._spent and at_ns - self._spent[-1][0] < self._grain_ns:
            self._spent[-1][1] = at_ns
            self._spent[-1][2] += units
        else:
            self._spent.append([at_ns, at_ns, units])

    def told(self, used: int, at_ns: int) -> None:
        """Take the venue's own count of the window: what others have spent of the budget counts as well."""
        at_ns = self._advance(at_ns)
        self.spend(min(used, self._limit.limit) - self._used, at_ns)

    def ban(self, at_ns: int, until_ns: int | None = None) -> None:
        """Stop after the venue said that it was too much.

        Args:
            at_ns: now.
            until_ns: when the venue wants to hear from us again (`retry_after_ns`); None if it did
                not say, which stops for one window: by then its own count has run out.
        """
        until_ns = at_ns + self._window_ns if until_ns is None else until_ns
        self._banned_ns = max(self._banned_ns, until_ns)

    def _advance(self, at_ns: int) -> int:
        """Forget what has left the window; return the time, which never runs backwards."""
        self._at_ns = at_ns = max(at_ns, self._at_ns)
        spent = self._spent
        while spent and spent[0][1] + self._window_ns <= at_ns:
            self._used -= spent.popleft()[2]
        return at_ns


class Limiters:
    """All budgets of one connector; a request spends of every scope it names, or of none.

    Raises:
        LocalError: two budgets have one scope.
    """

    def __init__(self, limits: Iterable[RateLimit], *, jitter_ms: int = JITTER_MS) -> None:
        self._by_scope: dict[str, Limiter] = {}
        for limit in limits:
            if limit.scope in self._by_scope:
                raise LocalError("two rate limits have one scope", found=limit.scope)
            self._by_scope[limit.scope] = Limiter(limit, jitter_ms=jitter_ms)

    def __getitem__(self, scope: str) -> Limiter:
        """Return the limiter of a scope.

        Raises:
            LocalError: the connector's description has no such scope.
        """
        limiter = self._by_scope.get(scope)
        if limiter is None:
            raise LocalError(
                "no rate limit has this scope", found=scope, wanted=", ".join(sorted(self._by_scope))
            )
        return limiter

    def ready_ns(self, cost: Iterable[tuple[str, int]], at_ns: int, *, cancel: bool = False) -> int:
        """Return the earliest time at which every part of the cost may be spent.

        Raises:
            LocalError: a scope is unknown, or its part can never be spent.
        """
        total = _total(cost)
        return max(
            (self[scope].ready_ns(n, at_ns, cancel=cancel) for scope, n in total.items()), default=at_ns
        )

    def take(self, cost: Iterable[tuple[str, int]], at_ns: int, *, cancel: bool = False) -> bool:
        """Spend the whole cost if all of it may be spent now; False and nothing spent otherwise.

        Raises:
            LocalError: a scope is unknown, or its part can never be spent.
        """
        total = _total(cost)
        limiters = [(self[scope], units) for scope, units in total.items()]
        if any(limiter.ready_ns(units, at_ns, cancel=cancel) > at_ns for limiter, units in limiters):
            return False
        for limiter, units in limiters:
            limiter.spend(units, at_ns)
        return True

    def told(self, headers: Mapping[str, str], at_ns: int) -> None:
        """Take what the venue says in an answer of its own counts, where a budget names a header for that."""
        named = {
            limiter.limit.used_header.lower(): limiter
            for limiter in self._by_scope.values()
            if limiter.limit.used_header is not None
        }
        for name, text in headers.items() if named else ():
            limiter = named.get(name.lower())
            if limiter is not None and text.isascii() and text.isdecimal() and len(text) <= _MAX_DIGITS:
                limiter.told(int(text), at_ns)


def connect_budget(per_minute: int = CONNECTS_PER_MINUTE) -> Limiter:
    """Make the one limiter that every new connection of the program asks."""
    return Limiter(RateLimit(scope="connections", limit=per_minute, window_ms=60_000), jitter_ms=0)


def retry_after_ns(headers: Mapping[str, str], at_ns: int) -> int | None:
    """Return until when an answer asks us to stay away; None if it does not say or not readably.

    Reads `Retry-After` in both spellings of RFC 9110, 10.2.3. The result is at most
    `MAX_RETRY_AFTER_S` ahead and never in the past.
    """
    text = next((value for name, value in headers.items() if name.lower() == "retry-after"), "").strip()
    limit_ns = at_ns + MAX_RETRY_AFTER_S * NS_PER_S
    if text.isascii() and text.isdigit():
        seconds = int(text) if len(text) <= len(str(MAX_RETRY_AFTER_S)) else MAX_RETRY_AFTER_S
        return min(at_ns + seconds * NS_PER_S, limit_ns)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max(int(moment.timestamp()) * NS_PER_S, at_ns), limit_ns)


def _total(cost: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Add up what one scope is asked for more than once."""
    total: dict[str, int] = {}
    for scope, units in cost:
        if units < 0:
            raise LocalError(f"a request gives back units of {scope}", found=units, wanted="0 or above")
        total[scope] = total.get(scope, 0) + units
    return total
