"""Cards on the grid: prices are rounded away from the market, sizes never up, and both end on a step."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from paraphina_core.conformance.bench import Bench
from paraphina_core.conformance.card import Card, Deck, Evidence, check
from paraphina_core.domain import CONTEXT, GridError, Instrument, Side

DECK: Final = Deck()

_TRIES: Final = 2_000
#: Prices are tried over so many powers of ten around the ones that the grid is made for.
_DECADES: Final = (-3, 5)


@DECK.add(
    Card(
        id="PR-010",
        title="prices are rounded passively and sizes never up",
        needs=(Evidence.INSTRUMENTS,),
        prerequisite="the instruments that the recordings define",
        action=f"put {_TRIES} random prices and sizes of many magnitudes on each grid",
        events="none",
        passes=(
            "a bid is not above its price, an offer not below, a size not above its own; each is on the grid "
            "and within one step, and stays where it is when it is rounded again"
        ),
    )
)
def _rounding_is_passive(bench: Bench) -> None:
    chance = bench.random("PR-010")
    for instrument in bench.instruments:
        for _ in range(_TRIES):
            digits = Decimal(chance.randrange(1, 10**9)).scaleb(-8)
            number = digits.scaleb(chance.randrange(*_DECADES))
            _check_price(instrument, number, chance.choice((Side.BUY, Side.SELL)))
            _check_size(instrument, number)


def _check_price(instrument: Instrument, price: Decimal, side: Side) -> None:
    try:
        rounded = instrument.passive_price(price, side)
    except GridError:
        tick = instrument.price_rule.tick_at(price)
        check(side is Side.BUY and price < tick, "a price cannot be rounded", found=(price, side.value))
        return
    passive = rounded <= price if side is Side.BUY else rounded >= price
    check(passive, "a price is rounded towards the market", found=(price, rounded, side.value))
    check(instrument.price_on_grid(rounded), "a rounded price is not on the grid", found=rounded)
    step = instrument.price_rule.tick_at(max(price, rounded))
    far = abs(CONTEXT.subtract(rounded, price))
    check(far <= step, "a price is rounded by more than a step", found=(price, rounded), wanted=str(step))
    again = instrument.passive_price(rounded, side)
    check(again == rounded, "a rounded price moves when it is rounded again", found=(rounded, again))


def _check_size(instrument: Instrument, size: Decimal) -> None:
    rounded = instrument.round_size(size)
    fine = rounded == 0 or instrument.size_on_grid(rounded)
    check(fine, "a rounded size is no whole number of lots", found=rounded)
    short = CONTEXT.subtract(size, rounded)
    check(0 <= short < instrument.lot_size, "a size is rounded up, or by a lot", found=(size, rounded))
