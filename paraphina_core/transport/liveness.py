"""When a stream counts as live: open, every topic acknowledged, and the first data seen since.

An acknowledgement alone is no feed, and data of one topic says nothing of another's acknowledgement.
Whoever never gets there in time must be opened anew, or a half-subscribed stream would last for ever.
Pure: events and times come in, and an answer goes out.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, get_args

from paraphina_core.connector import StreamPlan
from paraphina_core.domain import (
    NS_PER_MS,
    AccountEvent,
    Event,
    InstrumentDefined,
    LocalError,
    MarketEvent,
    OrderEvent,
    SubscriptionLive,
)

ACKNOWLEDGED_WITHIN_MS: Final = 10_000
DATA_WITHIN_MS: Final = 30_000

#: What a feed is there for; the definition of an instrument is not of the feed.
_DATA: Final = tuple(
    kind
    for kind in (*get_args(MarketEvent), *get_args(OrderEvent), *get_args(AccountEvent))
    if kind is not InstrumentDefined
)


class Liveness:
    """What one stream still lacks.

    A private stream may have nothing to say for days: of it no data is asked, only acknowledgements.

    Args:
        plan: names the topics.
        acknowledged_within_ms: from the opening to the last topic's acknowledgement.
        data_within_ms: from the opening to the first data.

    Raises:
        LocalError: a time is not above zero.
    """

    def __init__(
        self,
        plan: StreamPlan,
        *,
        acknowledged_within_ms: int = ACKNOWLEDGED_WITHIN_MS,
        data_within_ms: int = DATA_WITHIN_MS,
    ) -> None:
        if not (acknowledged_within_ms > 0 and data_within_ms > 0):
            raise LocalError(
                "a stream would be late at once",
                found=(acknowledged_within_ms, data_within_ms),
                wanted="times above zero",
            )
        self._plan = plan
        self._acknowledged_within_ms = acknowledged_within_ms
        self._data_within_ms = data_within_ms
        self._opened_ns: int | None = None
        self._awaited: dict[str, None] = {}
        self._has_data = False

    def opened(self, at_ns: int) -> None:
        """Begin anew: what an earlier connection acknowledged is void."""
        self._opened_ns = at_ns
        self._awaited = dict.fromkeys(self._plan.topics)
        self._has_data = self._plan.private

    def ended(self) -> None:
        """Take note that the stream is not open any more."""
        self._opened_ns = None

    def take(self, events: Iterable[Event]) -> None:
        """Learn from what the connector read on this stream."""
        for event in events:
            if isinstance(event, SubscriptionLive):
                self._awaited.pop(event.topic, None)
            elif isinstance(event, _DATA):
                self._has_data = True

    def is_topic_live(self, topic: str) -> bool:
        """Tell whether a topic was acknowledged on a stream that has data."""
        return self._opened_ns is not None and topic not in self._awaited and self._has_data

    @property
    def is_live(self) -> bool:
        """True if nothing is missing."""
        return not self.missing

    @property
    def missing(self) -> str:
        """What is missing, empty if nothing is."""
        name = self._plan.name
        if self._opened_ns is None:
            return f"stream {name} is not open"
        if self._awaited:
            return f"topic {next(iter(self._awaited))} of stream {name} is not acknowledged"
        return "" if self._has_data else f"stream {name} has no data yet"

    def due_ns(self) -> int | None:
        """Return when `overdue` must be looked at, None while nothing is awaited."""
        if self._opened_ns is None or self.is_live:
            return None
        within_ms = self._acknowledged_within_ms if self._awaited else self._data_within_ms
        return self._opened_ns + within_ms * NS_PER_MS

    def overdue(self, at_ns: int) -> str:
        """Say why the stream must be opened anew; empty if it need not be."""
        due_ns = self.due_ns()
        if due_ns is None or at_ns < due_ns:
            return ""
        within_ms = self._acknowledged_within_ms if self._awaited else self._data_within_ms
        return f"{self.missing} after {within_ms} ms"
