"""A scenario: the market that is generated and its shocks, also as a TOML file without unknown keys."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Final

import msgspec

from paraphina_core.config import read_toml, unknown_keys
from paraphina_core.domain import ConfigError, LocalError, did_you_mean

from .shocks import Shock

MAX_VENUES: Final = 20


class Market(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A benign market on several venues; a venue is called `venue1`, `venue2` and so on.

    Args:
        venues: how many.
        price: first price, USD.
        annual_volatility: of the common price: standard deviation of its logarithm over a year.
        updates_hz: books in each second on each venue.
        half_spread_bps: from the middle to the best price.
        level_notional_usd: median size of a level.
        levels: on each side.
        basis_bps: standard deviation of a venue's distance from the common price.
        orders_hz: market orders in each second on each venue.
        order_notional_usd: median size of a market order.
        funding_rate_1h: longs pay shorts where it is above zero.
        maker_bps: what venues charge a resting order.
        taker_bps: what they charge one that takes.
    """

    venues: int = 5
    price: float = 100_000.0
    annual_volatility: float = 0.4
    updates_hz: float = 10.0
    half_spread_bps: float = 1.0
    level_notional_usd: float = 5_000.0
    levels: int = 10
    basis_bps: float = 1.0
    orders_hz: float = 1.0
    order_notional_usd: float = 3_000.0
    funding_rate_1h: float = 1.25e-5
    maker_bps: float = 0.0
    taker_bps: float = 3.0

    def __post_init__(self) -> None:
        for name, low, high in (
            ("venues", 1, MAX_VENUES),
            ("price", 1e-3, 1e6),
            ("annual_volatility", 0.0, 10.0),
            ("updates_hz", 0.1, 100.0),
            ("half_spread_bps", 0.01, 100.0),
            ("level_notional_usd", 10.0, 1e9),
            ("levels", 1, 100),
            ("basis_bps", 0.0, 100.0),
            ("orders_hz", 0.0, self.updates_hz),
            ("order_notional_usd", 1.0, 1e9),
            ("funding_rate_1h", -0.01, 0.01),
            ("maker_bps", -10.0, 100.0),
            ("taker_bps", 0.0, 100.0),
        ):
            value = getattr(self, name)
            if not (math.isfinite(value) and low <= value <= high):
                raise LocalError(f"market {name} is not usable", found=value, wanted=f"{low:g} to {high:g}")

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the venues."""
        return tuple(f"venue{number}" for number in range(1, self.venues + 1))


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """A market and what happens to it.

    Raises:
        LocalError: a shock names a venue that is not there.
    """

    market: Market = Market()
    shocks: tuple[Shock, ...] = ()

    def __post_init__(self) -> None:
        for shock in self.shocks:
            if shock.venue and shock.venue not in self.market.names:
                raise LocalError(
                    "a shock's venue is not there",
                    found=shock.venue,
                    remedy=did_you_mean(shock.venue, self.market.names),
                )


def load_scenario(file: Path) -> Scenario:
    """Read a scenario file: a table `[market]` and any number of `[[shock]]`.

    Raises:
        ConfigError: it cannot be read, has an unknown key, or a value that cannot be used.
    """
    tables: dict[str, Any] = read_toml(file)
    shocks = tables.pop("shock", [])
    if not isinstance(shocks, list) or not all(isinstance(shock, dict) for shock in shocks):
        raise ConfigError(f"shock in {file} is not usable", wanted="tables, each [[shock]]")
    known = {"market": Market.__struct_fields__, "shock": Shock.__struct_fields__}
    for given in (tables, *({"shock": shock} for shock in shocks)):
        for error in unknown_keys(given, known, str(file)):
            raise error
    try:
        return Scenario(
            market=msgspec.convert(tables.get("market", {}), Market),
            shocks=tuple(msgspec.convert(shock, Shock) for shock in shocks),
        )
    except (msgspec.ValidationError, LocalError) as e:
        raise ConfigError(f"scenario {file} is not usable", found=str(e)) from e
