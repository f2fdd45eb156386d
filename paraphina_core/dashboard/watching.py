"""What the dashboard knows: the latest snapshot, a bounded past, and what follows from them.

Nothing here waits or serves; messages and times come in, judgements and values go out.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from paraphina_core.domain import NS_PER_MS, NS_PER_S, TradingState
from paraphina_core.session import (
    MarketSnapshot,
    SessionSnapshot,
    VenueSnapshot,
    explain,
    is_ill,
    state_of,
)

from .messages import Ended, Introduction, Shown, Told

#: Without a snapshot for so long a session counts as hung.
SILENT_S: Final = 5.0

#: Points of the past, one a second, and lines of the event feed that are kept.
MAX_POINTS: Final = 900
MAX_EVENTS: Final = 200
_POINT_EVERY_NS: Final = NS_PER_S


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the feed; `level` is `info`, `warning` or `critical`."""

    number: int
    at_ms: int
    level: str
    where: str
    text: str


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """One moment of the past; positions in base units, mids in quote units, by instrument."""

    at_ms: int
    profit_usd: float
    positions: dict[str, float]
    mids: dict[str, float | None]


class Watching:
    """Takes what a session tells.

    Attributes:
        introduction: what does not change; None before it was told.
        shown: the latest snapshot; None before the first.
        ended: how the run ended; None while it lasts.
    """

    def __init__(self) -> None:
        self.introduction: Introduction | None = None
        self.shown: Shown | None = None
        self.ended: Ended | None = None
        self.points: deque[Point] = deque(maxlen=MAX_POINTS)
        self.events: deque[Event] = deque(maxlen=MAX_EVENTS)
        self._numbers = itertools.count(1)
        self._heard_s = 0.0
        self._is_cut = False

    def take(self, told: Told, at_s: float) -> None:
        """Take one message that arrived at `at_s` of a monotonic clock."""
        self._heard_s = at_s
        if isinstance(told, Introduction):
            self.introduction = told
        elif isinstance(told, Ended):
            self.ended = told
        else:
            before = None if self.shown is None else self.shown.snapshot
            self.shown = told
            self._note(before, told.snapshot)

    def cut(self) -> None:
        """Take note that nothing more will come."""
        self._is_cut = True

    def troubles(self, at_s: float) -> list[str]:
        """Say why the session is not healthy; empty if it is."""
        if self.ended is not None:
            return [f"the run is over: {self.ended.because}"]
        if self._is_cut:
            return ["the session is gone and did not say why"]
        if self.shown is None:
            return ["the session has not shown itself yet"]
        snapshot = self.shown.snapshot
        found = []
        if not (at_s - self._heard_s <= SILENT_S):
            found.append(f"the session is silent for {at_s - self._heard_s:.0f} s")
        if snapshot.state is not TradingState.ACTIVE:
            found.append(f"the session is {snapshot.state.value}: {snapshot.reason}")
        found += [f"{venue.connector} is {state_of(venue)}" for venue in snapshot.venues if is_ill(venue)]
        return found

    def hindrances(self, at_s: float) -> list[str]:
        """Say why the session is not ready, which it is when it may trade on one market at least."""
        gone = self.ended is not None or self._is_cut
        if gone or self.shown is None or not (at_s - self._heard_s <= SILENT_S):
            return self.troubles(at_s)
        snapshot = self.shown.snapshot
        if snapshot.state is not TradingState.ACTIVE:
            return [f"the session is {snapshot.state.value}: {snapshot.reason}"]
        found = []
        for venue in snapshot.venues:
            if not venue.markets:
                found.append(f"{venue.connector} has no market: {state_of(venue)}")
            for market in venue.markets:
                if not market.unusable:
                    return []
                found.append(f"{market.instrument}: {market.unusable}")
        return found

    def why(self, name: str, side_name: str) -> list[dict[str, Any]] | None:
        """Say for each market of a connector, or for one instrument, whether a side is quoted and why not.

        Returns None if there is no such venue, instrument or side.
        """
        if self.shown is None:
            return None
        answers = explain(self.shown.snapshot, name, side_name)
        return None if answers is None else [msgspec.to_builtins(answer) for answer in answers]

    def _note(self, before: SessionSnapshot | None, now: SessionSnapshot) -> None:
        at_ms = now.at_ns // NS_PER_MS
        if not self.points or now.at_ns - self.points[-1].at_ms * NS_PER_MS >= _POINT_EVERY_NS:
            self.points.append(_point(now, at_ms))
        for level, where, text in _news(before, now):
            number = next(self._numbers)
            self.events.append(Event(number=number, at_ms=at_ms, level=level, where=where, text=text))


def _point(snapshot: SessionSnapshot, at_ms: int) -> Point:
    markets = [market for venue in snapshot.venues for market in venue.markets]
    return Point(
        at_ms=at_ms,
        profit_usd=float(snapshot.profit_usd),
        positions={market.instrument: float(market.position_base) for market in markets},
        mids={market.instrument: _mid(market) for market in markets},
    )


def _mid(market: MarketSnapshot) -> float | None:
    if market.best_bid is None or market.best_ask is None:
        return None
    return (market.best_bid + market.best_ask) / 2


def _news(before: SessionSnapshot | None, now: SessionSnapshot) -> Iterator[tuple[str, str, str]]:
    """Tell what has changed from one snapshot to the next."""
    if before is None or (before.state, before.reason) != (now.state, now.reason):
        level = "info" if now.state is TradingState.ACTIVE else "critical"
        yield level, "session", f"{now.state.value}{f': {now.reason}' if now.reason else ''}"
    earlier = {} if before is None else {venue.connector: venue for venue in before.venues}
    for venue in now.venues:
        yield from _venue_news(earlier.get(venue.connector), venue)


def _venue_news(before: VenueSnapshot | None, now: VenueSnapshot) -> Iterator[tuple[str, str, str]]:
    if now.state is not (TradingState.ACTIVE if before is None else before.state):
        reason = f": {now.state_reason}" if now.state_reason else ""
        level = "info" if now.state is TradingState.ACTIVE else "critical"
        yield level, now.connector, f"trading is {now.state.value}{reason}"
    if before is None or before.health != now.health:
        yield ("warning" if is_ill(now) else "info"), now.connector, state_of(now)
    known = () if before is None else before.notices
    for notice in now.notices:
        if notice not in known:
            yield "warning", now.connector, notice
    faults = set() if before is None else {(one.what, one.fault) for one in before.connections}
    for one in now.connections:
        if one.fault and (one.what, one.fault) not in faults:
            yield "warning", now.connector, f"cannot reach {one.where} for {one.what}: {one.fault}"
    fills = {} if before is None else {market.instrument: market.fills for market in before.markets}
    for market in now.markets:
        new = market.fills - fills.get(market.instrument, 0)
        if new > 0:
            yield "info", market.instrument, f"{new} fills, position {market.position_base:f}"
