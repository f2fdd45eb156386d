"""The venue's precision rules, case by case."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from paraphina_core.domain import Side, exact, plain
from paraphina_hyperliquid.instruments import perpetual

RULES = Path(__file__).resolve().parents[3] / "tests" / "fixtures" / "hyperliquid" / "rules"


def cases(group: str) -> list[Any]:
    """Return the cases of one rule."""
    found = json.loads((RULES / f"{group}.json").read_text(encoding="utf-8"))["cases"]
    assert found
    return [
        pytest.param(case, id=f"{case.get('price', case.get('size'))}-{case['sz_decimals']}")
        for case in found
    ]


@pytest.mark.parametrize("case", cases("price_validity"))
def test_a_price_is_on_the_grid_exactly_when_the_venue_takes_it(case: dict[str, Any]) -> None:
    """Five significant figures, six decimals less those of the size, and every integer."""
    instrument = perpetual("venue", "X", case["sz_decimals"])
    assert instrument.price_on_grid(exact(case["price"])) is case["expected"]["valid"]


@pytest.mark.parametrize("case", cases("size_validity"))
def test_a_size_is_on_the_grid_exactly_when_the_venue_takes_it(case: dict[str, Any]) -> None:
    """A positive multiple of ten to the power of minus the size decimals."""
    instrument = perpetual("venue", "X", case["sz_decimals"])
    assert instrument.size_on_grid(exact(case["size"])) is case["expected"]["valid"]


@pytest.mark.parametrize("case", cases("price_rounding"))
def test_a_price_is_rounded_away_from_the_market_to_the_nearest_valid_one(case: dict[str, Any]) -> None:
    """Bids go down and asks go up, by less than one tick, and what comes out is valid."""
    instrument = perpetual("venue", "X", case["sz_decimals"])
    price, expected = exact(case["price"]), case["expected"]
    assert plain(instrument.passive_price(price, Side.BUY)) == plain(exact(expected["floor"]))
    assert plain(instrument.passive_price(price, Side.SELL)) == plain(exact(expected["ceil"]))
    assert plain(instrument.price_rule.tick_at(price)) == plain(exact(expected["step"]))
