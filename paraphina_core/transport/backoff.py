"""How long to wait before the next attempt to connect: longer each time, within bounds, never in step.

The jitter is seeded, so that a run can be repeated; each stream has a seed of its own, so that
streams that were cut together do not come back together.
"""

from __future__ import annotations

import random
from typing import Final

from paraphina_core.domain import NS_PER_MS, LocalError

FIRST_MS: Final = 500
MAX_MS: Final = 30_000
HEALTHY_MS: Final = 60_000


class Backoff:
    """Bounded exponential back-off of one connection.

    Each wait lies between half of and the whole nominal time, which doubles from `first_ms` to
    `max_ms`. A connection that has lasted `healthy_ms` starts the row anew; one that opens and is
    lost again at once does not.

    Args:
        seed: of the jitter.

    Raises:
        LocalError: the times are not in order.
    """

    def __init__(
        self, seed: int, *, first_ms: int = FIRST_MS, max_ms: int = MAX_MS, healthy_ms: int = HEALTHY_MS
    ) -> None:
        if not (0 < first_ms <= max_ms and healthy_ms > 0):
            raise LocalError(
                "back-off is not usable",
                found=(first_ms, max_ms, healthy_ms),
                wanted="0 < first_ms <= max_ms and 0 < healthy_ms",
            )
        self._random = random.Random(seed)  # noqa: S311  # spreads attempts over time, guards nothing
        self._first_ms = first_ms
        self._max_ms = max_ms
        self._healthy_ns = healthy_ms * NS_PER_MS
        self._nominal_ms = first_ms
        self._opened_ns: int | None = None

    def opened(self, at_ns: int) -> None:
        """Take note that the connection is open."""
        self._opened_ns = at_ns

    def next_ns(self, at_ns: int) -> int:
        """Return when to try again after the connection ended, or could not be opened, at `at_ns`."""
        if self._opened_ns is not None and at_ns - self._opened_ns >= self._healthy_ns:
            self._nominal_ms = self._first_ms
        self._opened_ns = None
        wait_ms = self._nominal_ms * self._random.uniform(0.5, 1.0)
        self._nominal_ms = min(2 * self._nominal_ms, self._max_ms)
        return at_ns + int(wait_ms * NS_PER_MS)
