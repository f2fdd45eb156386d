"""Whether a venue may be quoted on: a state machine that falls at once and recovers slowly.

One bad observation is enough to stop quoting; good ones must last before quoting starts again, so
that a venue at the edge of a limit does not flicker. Repeated protocol errors quarantine.
"""

from __future__ import annotations

from collections import deque
from enum import StrEnum
from typing import Final

import msgspec

from paraphina_core.domain import NS_PER_MS


class HealthState(StrEnum):
    """Quotes leave only in `healthy`."""

    INIT = "init"
    HEALTHY = "healthy"
    DEGRADED = "degraded"
    QUARANTINED = "quarantined"
    DISABLED = "disabled"


class HealthLimits(msgspec.Struct, frozen=True, kw_only=True):
    """When a venue falls and how it recovers.

    Args:
        recover_ms: good observations must last so long before a degraded venue is healthy.
        max_errors: protocol errors within `error_window_ms` that quarantine the venue.
        quarantine_ms: length of a quarantine; afterwards the venue recovers like a degraded one.
    """

    recover_ms: int = 1_000
    max_errors: int = 5
    error_window_ms: int = 60_000
    quarantine_ms: int = 30_000


DEFAULT_LIMITS: Final = HealthLimits()


class VenueHealth:
    """Health of one connector within a session.

    Attributes:
        state: see `HealthState`.
        reason: why the state is not healthy; empty when it is.
    """

    __slots__ = ("_errors", "_good_since_ns", "_quarantined_until_ns", "limits", "reason", "state")

    def __init__(self, limits: HealthLimits = DEFAULT_LIMITS) -> None:
        self.limits = limits
        self.state = HealthState.INIT
        self.reason = "no book yet"
        self._good_since_ns: int | None = None
        self._quarantined_until_ns = 0
        self._errors: deque[int] = deque(maxlen=limits.max_errors)

    def observe(self, trouble: str, at_ns: int) -> None:
        """Take one look at the venue: `trouble` says what is wrong, empty when nothing is."""
        if self.state is HealthState.DISABLED:
            return
        if self.state is HealthState.QUARANTINED:
            if at_ns < self._quarantined_until_ns:
                return
            self._fall(HealthState.DEGRADED, "recovering from quarantine")
        if trouble:
            self._good_since_ns = None
            if self.state is not HealthState.INIT:
                self._fall(HealthState.DEGRADED, trouble)
            else:
                self.reason = trouble
            return
        if self.state is HealthState.HEALTHY:
            return
        if self._good_since_ns is None:
            self._good_since_ns = at_ns
        long_enough = at_ns - self._good_since_ns >= self.limits.recover_ms * NS_PER_MS
        if self.state is HealthState.INIT or long_enough:
            self.state = HealthState.HEALTHY
            self.reason = ""

    def error(self, reason: str, at_ns: int) -> None:
        """Count a protocol error; too many within the window quarantine the venue."""
        if self.state is HealthState.DISABLED:
            return
        self._errors.append(at_ns)
        oldest = self._errors[0]
        window_ns = self.limits.error_window_ms * NS_PER_MS
        if len(self._errors) == self.limits.max_errors and at_ns - oldest <= window_ns:
            self._quarantined_until_ns = at_ns + self.limits.quarantine_ms * NS_PER_MS
            self._errors.clear()
            self._fall(HealthState.QUARANTINED, reason)
        elif self.state is not HealthState.QUARANTINED:
            self._fall(HealthState.DEGRADED, reason)

    def disable(self, reason: str) -> None:
        """Stop using the venue for the rest of the session."""
        self._fall(HealthState.DISABLED, reason)

    def _fall(self, state: HealthState, reason: str) -> None:
        self.state = state
        self.reason = reason
        self._good_since_ns = None
