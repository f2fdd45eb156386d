"""What holds for every event of every venue, whatever bytes it was made of."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, get_args

import msgspec

from paraphina_core.domain import (
    BalanceReport,
    BestBidOffer,
    BookDelta,
    BookSnapshot,
    Event,
    Fill,
    FundingRate,
    Instrument,
    InstrumentId,
    Level,
    MarkPrice,
    OrderReport,
    PositionReport,
    Trade,
    exact,
    is_bounded,
)

from .card import check

#: A venue's time is nanoseconds since 1970 between the years 2017 and 2100; microseconds are not.
EARLIEST_NS: Final = 1_483_228_800 * 10**9
LATEST_NS: Final = 4_102_444_800 * 10**9
#: No venue lets funding of one interval come near it (most cap it at 4 % or less).
MAX_FUNDING_RATE: Final = 0.25
MAX_FUNDING_INTERVAL_S: Final = 86_400

_KINDS: Final = get_args(Event)
_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final[msgspec.msgpack.Decoder[Event]] = msgspec.msgpack.Decoder(Event)


def check_events(events: Iterable[Event], *, of_damage: bool = False) -> None:
    """Check that each is an event as the contract has it, with numbers that are numbers.

    Args:
        events: what a connector said.
        of_damage: it was made of damaged bytes; a book then need not be ordered, for whoever keeps the
            book refuses one that is not.

    Raises:
        Broken: one is not.
    """
    for event in events:
        check(isinstance(event, _KINDS), "an event is none of the contract", found=event)
        check_numbers(event)
        check(_again(event) == event, "an event cannot be written down", found=event, wanted="exact types")
        if not (of_damage and isinstance(event, BookSnapshot)):
            check_meaning(event)


def _again(event: Event) -> Event | None:
    """Write an event down and read it back; None where that cannot be done."""
    try:
        again = _DECODER.decode(_ENCODER.encode(event))
    except (TypeError, OverflowError, msgspec.MsgspecError):
        return None
    if isinstance(again, BookSnapshot):  # no file knows tuples from lists
        return msgspec.structs.replace(again, bids=tuple(again.bids), asks=tuple(again.asks))
    return again


def check_numbers(event: Event) -> None:
    """Check that every number in an event is finite, and every decimal within bounds."""
    for name, value in _numbers(msgspec.structs.asdict(event)):
        fine = is_bounded(value) if isinstance(value, Decimal) else math.isfinite(value)
        check(fine, f"{type(event).__name__}.{name} is not usable", found=value, wanted="a finite number")


def check_meaning(event: Event) -> None:
    """Check what the kind of an event promises of its values, apart from any instrument."""
    match event:
        case BookSnapshot():
            check_side(event.bids, descending=True)
            check_side(event.asks, descending=False)
        case BookDelta():
            for levels in (event.bids, event.asks):
                check(
                    all(level.price > 0.0 and level.size >= 0.0 for level in levels),
                    "a change is not usable",
                    found=levels,
                )
        case BestBidOffer():
            touch = [level for level in (event.bid, event.ask) if level is not None]
            check(
                all(level.price > 0.0 and level.size > 0.0 for level in touch),
                "a best offer is not usable",
                found=event,
            )
        case Trade() | Fill():
            check(event.price > 0 and event.size > 0, "a trade is not above zero", found=event)
            check(event.trade_id, "a trade has no id", found=event)
        case MarkPrice():
            check(event.mark_price > 0.0, "mark price is not above zero", found=event)
            index = event.index_price
            check(index is None or index > 0.0, "index price is not above zero", found=event)
        case FundingRate():
            check(
                abs(event.rate) <= MAX_FUNDING_RATE, "funding rate is none of one interval", found=event.rate
            )
            interval = event.interval_s
            check(0 < interval <= MAX_FUNDING_INTERVAL_S, "funding interval is not usable", found=interval)
        case OrderReport():
            usable = event.price > 0 and event.size > 0 and event.filled_size >= 0
            check(usable, "a reported order is not usable", found=event)
            check(event.venue_order_id, "a reported order has no id of the venue", found=event)
        case PositionReport():
            entry = event.entry_price
            check(entry is None or entry >= 0, "entry price is below zero", found=event)
        case BalanceReport():
            check(event.asset, "a balance names no asset", found=event)
        case _:
            pass


def check_side(levels: Sequence[Level], *, descending: bool) -> None:
    """Check one side of a whole book: best first, each price once, nothing at zero or below."""
    positive = all(level.price > 0.0 and level.size > 0.0 for level in levels)
    check(positive, "a level is not above zero", found=levels)
    prices = [level.price for level in levels]
    ordered = all(a > b if descending else a < b for a, b in itertools.pairwise(prices))
    check(ordered, "levels are not ordered best first", found=prices)


def check_time(event: Event) -> None:
    """Check that the venue's time of an event is in nanoseconds since 1970."""
    exchange_ns = getattr(event, "exchange_ns", None)
    check(
        exchange_ns is None or EARLIEST_NS < exchange_ns < LATEST_NS,
        f"time of {type(event).__name__} is not in nanoseconds since 1970",
        found=exchange_ns,
    )


def check_grid(event: Event, instruments: Mapping[InstrumentId, Instrument]) -> None:
    """Check that prices and sizes of market data lie on the grid that orders must keep."""
    match event:
        case BookSnapshot() | BookDelta():
            points = [(level.price, level.size) for level in (*event.bids, *event.asks)]
        case Trade():
            points = [(event.price, event.size)]
        case _:
            return
    instrument = instruments[event.instrument]
    for price, size in points:
        check(
            instrument.price_on_grid(exact(price)),
            f"a price of {instrument.id} is not on its grid",
            found=price,
            wanted=str(instrument.price_rule),
        )
        check(
            size == 0.0 or instrument.size_on_grid(exact(size)),
            f"a size of {instrument.id} is no whole number of lots",
            found=size,
            wanted=f"lots of {instrument.lot_size}",
        )


def _numbers(value: Any, name: str = "") -> Iterable[tuple[str, float | Decimal]]:  # noqa: ANN401  # any field of an event
    if isinstance(value, Decimal | float):
        yield name, value
    elif isinstance(value, msgspec.Struct):
        yield from _numbers(msgspec.structs.asdict(value), name)
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _numbers(inner, f"{name}.{key}".lstrip("."))
    elif isinstance(value, tuple | list):
        for inner in value:
            yield from _numbers(inner, name)
