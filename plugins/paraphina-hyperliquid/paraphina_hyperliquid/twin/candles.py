"""Candles of one market, made of its trades: minutes are kept, longer ones put together when asked for."""

from __future__ import annotations

from collections import deque
from decimal import Decimal
from typing import Final

import msgspec

from paraphina_core.domain import CONTEXT

from .spelling import Json, text

#: Docs "Info endpoint" (read 2026-08-22): the 5,000 newest candles can be asked for.
MAX_CANDLES: Final = 5_000

_MINUTE_MS: Final = 60_000
_HOUR_MS: Final = 60 * _MINUTE_MS
_DAY_MS: Final = 24 * _HOUR_MS
INTERVALS_MS: Final = {
    "1m": _MINUTE_MS,
    "3m": 3 * _MINUTE_MS,
    "5m": 5 * _MINUTE_MS,
    "15m": 15 * _MINUTE_MS,
    "30m": 30 * _MINUTE_MS,
    "1h": _HOUR_MS,
    "2h": 2 * _HOUR_MS,
    "4h": 4 * _HOUR_MS,
    "8h": 8 * _HOUR_MS,
    "12h": 12 * _HOUR_MS,
    "1d": _DAY_MS,
    "3d": 3 * _DAY_MS,
    "1w": 7 * _DAY_MS,
}


class Candle(msgspec.Struct):
    """What traded from `start_ms` on: prices, base volume, number of trades."""

    start_ms: int
    first: Decimal
    last: Decimal
    high: Decimal
    low: Decimal
    volume: Decimal
    trades: int

    def join(self, later: Candle) -> None:
        """Take in a candle that follows."""
        self.last = later.last
        self.high, self.low = max(self.high, later.high), min(self.low, later.low)
        self.volume = CONTEXT.add(self.volume, later.volume)
        self.trades += later.trades


class Candles:
    """Candles of one coin."""

    def __init__(self, coin: str) -> None:
        self._coin = coin
        self._minutes: deque[Candle] = deque(maxlen=MAX_CANDLES)

    def trade(self, price: Decimal, size: Decimal, at_ms: int) -> None:
        """Count a trade."""
        start_ms = at_ms - at_ms % _MINUTE_MS
        candle = Candle(start_ms, price, price, price, price, size, 1)
        if self._minutes and self._minutes[-1].start_ms == start_ms:
            self._minutes[-1].join(candle)
        else:
            self._minutes.append(candle)

    def between(self, interval: str, start_ms: int, end_ms: int) -> list[dict[str, Json]]:
        """Return the candles that begin between two times, oldest first; none where nothing traded."""
        length_ms = INTERVALS_MS[interval]
        joined: list[Candle] = []
        for minute in self._minutes:
            begin_ms = minute.start_ms - minute.start_ms % length_ms
            if not start_ms <= begin_ms <= end_ms:
                continue
            if joined and joined[-1].start_ms == begin_ms:
                joined[-1].join(minute)
            else:
                joined.append(msgspec.structs.replace(minute, start_ms=begin_ms))
        return [self._spelled(candle, interval) for candle in joined]

    def last(self, interval: str) -> dict[str, Json] | None:
        """Return the newest candle, None where nothing traded yet."""
        if not self._minutes:
            return None
        newest_ms = self._minutes[-1].start_ms
        return self.between(interval, newest_ms - newest_ms % INTERVALS_MS[interval], newest_ms)[-1]

    def _spelled(self, candle: Candle, interval: str) -> dict[str, Json]:
        return {
            "t": candle.start_ms,
            "T": candle.start_ms + INTERVALS_MS[interval] - 1,
            "s": self._coin,
            "i": interval,
            "o": text(candle.first),
            "c": text(candle.last),
            "h": text(candle.high),
            "l": text(candle.low),
            "v": text(candle.volume),
            "n": candle.trades,
        }
