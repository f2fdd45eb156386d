"""The other end of the mock's wire: runs the synthetic market and spells what happens as frames.

One frame is one JSON object whose `type` says what it is; numbers are strings, times are nanoseconds
since 1970. A connection begins with the instrument, the topics and the whole book.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Annotated, Final, TypeAlias

import msgspec

from paraphina_core.domain import Side

from .synthetic import Mark, MarketOrder, SyntheticMarket, Update, WholeBook

TOPICS: Final = ("book", "trades", "mark")
MIN_NOTIONAL: Final = 10
#: A price has six digits at the start of the session, so that one tick is at most 0.1 basis points.
PRICE_DIGITS: Final = 6

WireLevels: TypeAlias = tuple[tuple[str, str], ...]
WireTime: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
WireCount: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]


class InstrumentFrame(msgspec.Struct, frozen=True, kw_only=True, tag="instrument"):
    """First frame of a connection: the grid of the one market there is."""

    coin: str
    tick: str
    lot: str
    min_notional: str


class SubscribedFrame(msgspec.Struct, frozen=True, kw_only=True, tag="subscribed"):
    """The topics that will follow."""

    topics: tuple[str, ...]


class BookFrame(msgspec.Struct, frozen=True, kw_only=True, tag="book"):
    """The whole book, best first; the sequence starts anew from it."""

    at_ns: WireTime
    sequence: WireCount
    bids: WireLevels
    asks: WireLevels


class ChangeFrame(msgspec.Struct, frozen=True, kw_only=True, tag="change"):
    """New sizes of changed levels, size 0 deletes; its sequence is one above the last one."""

    at_ns: WireTime
    sequence: WireCount
    bids: WireLevels
    asks: WireLevels


class WireTrade(msgspec.Struct, frozen=True, kw_only=True):
    """One trade; ids count up."""

    id: WireCount
    side: Side
    price: str
    size: str


class TradesFrame(msgspec.Struct, frozen=True, kw_only=True, tag="trades"):
    """What one market order traded."""

    at_ns: WireTime
    trades: tuple[WireTrade, ...]


class MarkFrame(msgspec.Struct, frozen=True, kw_only=True, tag="mark"):
    """Mark and index price, and the funding rate in force until the next payment."""

    at_ns: WireTime
    mark: str
    index: str
    funding_rate_1h: str
    next_funding_ns: WireTime


Frame: TypeAlias = InstrumentFrame | SubscribedFrame | BookFrame | ChangeFrame | TradesFrame | MarkFrame

DECODER: Final[msgspec.json.Decoder[Frame]] = msgspec.json.Decoder(Frame)
_ENCODER: Final = msgspec.json.Encoder()


class MockExchange:
    """The other end of the wire: runs the market and spells what happens there as frames."""

    def __init__(self, *, coin: str, price: float, annual_volatility: float, seed: int) -> None:
        magnitude = math.floor(math.log10(price))
        self._price_decimals = max(0, PRICE_DIGITS - 1 - magnitude)
        self._size_decimals = max(0, magnitude)  # one lot is worth between one and ten units of quote
        self._coin = coin
        self._price = price
        self._annual_volatility = annual_volatility
        self._seed = seed
        self._market: SyntheticMarket | None = None
        self._sequence = 0
        self._trade_id = 0

    def frames(self, start_ns: int) -> Iterator[tuple[int, bytes]]:
        """Yield `(due_ns, frame)` for ever; opened again, the market goes on where it was."""
        if self._market is None:
            self._market = SyntheticMarket(
                seed=self._seed,
                start_ns=start_ns,
                price_ticks=round(self._price * 10**self._price_decimals),
                lots_per_quote=10**self._size_decimals / self._price,
                annual_volatility=self._annual_volatility,
            )
        opened_ns = max(start_ns, self._market.at_ns)
        yield opened_ns, _ENCODER.encode(self._instrument())
        yield opened_ns + 1, _ENCODER.encode(SubscribedFrame(topics=TOPICS))
        for at_ns, update in self._market.updates(opened_ns):
            yield at_ns, _ENCODER.encode(self._spell(at_ns, update))

    def _instrument(self) -> InstrumentFrame:
        return InstrumentFrame(
            coin=self._coin,
            tick=f"{10**-self._price_decimals:.{self._price_decimals}f}",
            lot=f"{10**-self._size_decimals:.{self._size_decimals}f}",
            min_notional=str(MIN_NOTIONAL),
        )

    def _spell(self, at_ns: int, update: Update) -> Frame:
        if isinstance(update, MarketOrder):
            return TradesFrame(
                at_ns=at_ns, trades=tuple(self._trade(update.aggressor, *taken) for taken in update.trades)
            )
        if isinstance(update, Mark):
            return MarkFrame(
                at_ns=at_ns,
                mark=self._price_text(update.mark_ticks),
                index=self._price_text(update.index_ticks),
                funding_rate_1h=f"{update.funding_rate_1h:.10f}",
                next_funding_ns=update.next_funding_ns,
            )
        self._sequence += 1
        frame = BookFrame if isinstance(update, WholeBook) else ChangeFrame
        return frame(
            at_ns=at_ns,
            sequence=self._sequence,
            bids=self._levels(update.bids, descending=True),
            asks=self._levels(update.asks, descending=False),
        )

    def _trade(self, aggressor: Side, ticks: int, lots: int) -> WireTrade:
        self._trade_id += 1
        return WireTrade(
            id=self._trade_id, side=aggressor, price=self._price_text(ticks), size=self._size_text(lots)
        )

    def _levels(self, lots: Mapping[int, int], *, descending: bool) -> WireLevels:
        return tuple(
            (self._price_text(ticks), self._size_text(lots[ticks]))
            for ticks in sorted(lots, reverse=descending)
        )

    def _price_text(self, ticks: float) -> str:
        return f"{round(ticks) / 10**self._price_decimals:.{self._price_decimals}f}"

    def _size_text(self, lots: int) -> str:
        return f"{lots / 10**self._size_decimals:.{self._size_decimals}f}"
