"""The risk profile: every limit that orders are held to, all of them stated, none of them defaulted.

A profile is a TOML file. A limit that is absent, unknown, negative, infinite, not a number or outside
plausible bounds is an error; zero is a limit too and means that none is allowed. The profiles of this
package are small on purpose: limits for real size are the operator's own file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from importlib import resources
from pathlib import Path
from typing import Any, Final

import msgspec

from paraphina_core.domain import ConfigError, did_you_mean

from .problems import Problems
from .readers import Reader, flag, integer, name, number
from .toml_file import parse_toml, read_toml, unknown_keys


class RiskProfile(msgspec.Struct, frozen=True, kw_only=True):
    """The limits in force; `LIMITS` says what each means and which values are plausible.

    Raises:
        ConfigError: a value is not usable, or two contradict each other; all faults are named.
    """

    name: str
    canary: bool
    base_order_notional_usd: float
    max_order_notional_usd: float
    max_open_orders: int
    max_position_notional_usd_per_venue: float
    max_position_notional_usd_total: float
    message_rate_per_s: float
    message_burst: int
    message_cancel_reserve: int
    post_only_quotes: bool
    reduce_only_others: bool
    collar_book_bps: float
    collar_fair_value_bps: float
    collar_venues_bps: float
    max_book_age_ms: int
    max_stale_ticks: int
    max_daily_loss_usd: float

    def __post_init__(self) -> None:
        problems = Problems()
        for limit in LIMITS:
            with problems.collect():
                value = limit.reader.read(
                    getattr(self, limit.attribute), name=limit.path, origin="the profile"
                )
                msgspec.structs.force_setattr(self, limit.attribute, value)  # 20 and 20.0 are one limit
        problems.raise_if_any()
        problems.add(_contradictions(self))
        problems.raise_if_any()

    def digest(self) -> str:
        """Return the SHA-256 of the profile's content in hex; any other limit is another digest."""
        return hashlib.sha256(msgspec.json.encode(self, order="deterministic")).hexdigest()


class Limit(msgspec.Struct, frozen=True):
    """One key of a profile file.

    Args:
        path: table and key in the file, as `orders.max_open_orders`.
        reader: what is plausible; catches a wrong unit (base units for USD, percent for basis
            points, seconds for milliseconds), not a wrong judgement.
        help: what it means; the unit stands in the key's name.
        prefix: put before the key in `RiskProfile`, where the table no longer says what it is of.
        canary_max: the most that a profile may state which calls itself a canary, so that the
            word stays honest: a canary can lose little.
    """

    path: str
    reader: Reader[Any]
    help: str
    prefix: str = ""
    canary_max: float | None = None

    @property
    def table(self) -> str:
        """The table of the file that the key stands in."""
        return self.path.partition(".")[0]

    @property
    def key(self) -> str:
        """The key within its table."""
        return self.path.partition(".")[2]

    @property
    def attribute(self) -> str:
        """The name in `RiskProfile`."""
        return self.prefix + self.key


_ORDER_USD: Final = number(1, 10_000_000, or_zero=True)
_POSITION_USD: Final = number(1, 100_000_000, or_zero=True)
_MESSAGES: Final = integer(0, 10_000)
_COLLAR_BPS: Final = number(0.1, 1_000, or_zero=True)

LIMITS: Final = (
    Limit("profile.name", name(), "name in reports and receipts"),
    Limit("profile.canary", flag(), "whether it is a canary: small limits for the first real orders"),
    Limit("orders.base_order_notional_usd", _ORDER_USD, "size a quote aims at", canary_max=1_000),
    Limit("orders.max_order_notional_usd", _ORDER_USD, "largest order", canary_max=1_000),
    Limit(
        "orders.max_open_orders",
        integer(0, 10_000),
        "orders open or of unknown outcome, over all connectors",
        canary_max=100,
    ),
    Limit(
        "position.max_position_notional_usd_per_venue",
        _POSITION_USD,
        "largest worst-case position on one connector (all its open orders filled)",
        canary_max=5_000,
    ),
    Limit(
        "position.max_position_notional_usd_total",
        _POSITION_USD,
        "largest worst-case position over all connectors",
        canary_max=10_000,
    ),
    Limit(
        "messages.rate_per_s",
        number(0.1, 1_000, or_zero=True),
        "order messages per second on average, per connector",
        prefix="message_",
    ),
    Limit("messages.burst", _MESSAGES, "order messages at once, per connector", prefix="message_"),
    Limit("messages.cancel_reserve", _MESSAGES, "part of the burst kept for cancels", prefix="message_"),
    Limit("enforcement.post_only_quotes", flag(), "whether a quote must be post-only"),
    Limit("enforcement.reduce_only_others", flag(), "whether a hedge or exit must be reduce-only"),
    Limit("collar.book_bps", _COLLAR_BPS, "farthest a price may go beyond the far touch", prefix="collar_"),
    Limit(
        "collar.fair_value_bps",
        _COLLAR_BPS,
        "farthest a price may go beyond fair value",
        prefix="collar_",
    ),
    Limit(
        "collar.venues_bps",
        _COLLAR_BPS,
        "farthest a venue's middle may be from those of the others with the same underlying",
        prefix="collar_",
    ),
    Limit(
        "freshness.max_book_age_ms",
        integer(10, 60_000, or_zero=True),
        "oldest book that an order may rest on",
    ),
    Limit(
        "freshness.max_stale_ticks",
        integer(0, 10_000),
        "ticks in a row with a stale book that are tolerated before trading stops",
    ),
    Limit(
        "loss.max_daily_loss_usd",
        _ORDER_USD,
        "loss since 00:00 UTC, realised and unrealised, at which trading stops",
        canary_max=1_000,
    ),
)


def packaged_profiles() -> tuple[str, ...]:
    """Return the names of the profiles that come with this package."""
    files = (resources.files(__package__) / "profiles").iterdir()
    return tuple(sorted(file.name.removesuffix(".toml") for file in files if file.name.endswith(".toml")))


def load_profile(name_or_path: str | Path) -> RiskProfile:
    """Read a profile: one of this package by name, or a file, if it is a path or looks like one.

    Raises:
        ConfigError: there is none of that name, or the file does not state every limit usably.
    """
    if isinstance(name_or_path, Path) or "/" in name_or_path or name_or_path.endswith(".toml"):
        return parse_profile(read_toml(Path(name_or_path)), origin=str(name_or_path))
    known = packaged_profiles()
    if name_or_path not in known:
        raise ConfigError(
            "no risk profile has that name",
            found=name_or_path,
            wanted=f"{' or '.join(known)}, or the path of an own file",
            remedy=did_you_mean(name_or_path, known),
        )
    file = resources.files(__package__) / "profiles" / f"{name_or_path}.toml"
    return parse_profile(parse_toml(file.read_bytes(), file.name), origin=file.name)


def parse_profile(tables: Mapping[str, Any], *, origin: str) -> RiskProfile:
    """Build a profile from the tables of its file.

    Raises:
        ConfigError: naming every limit that is missing, unknown or not usable.
    """
    problems = Problems()
    known = {limit.table: [one.key for one in LIMITS if one.table == limit.table] for limit in LIMITS}
    problems.add(unknown_keys(tables, known, origin))
    values: dict[str, Any] = {}
    for limit in LIMITS:
        with problems.collect():
            values[limit.attribute] = _read(limit, tables, origin)
    problems.raise_if_any()
    return RiskProfile(**values)


def _read(limit: Limit, tables: Mapping[str, Any], origin: str) -> object:
    table = tables.get(limit.table)
    if not isinstance(table, dict) or limit.key not in table:
        raise ConfigError(
            f"{limit.path} is missing in {origin}",
            wanted=limit.reader.wanted,
            remedy="state it: no limit has a default",
        )
    return limit.reader.read(table[limit.key], name=limit.path, origin=origin)


def _contradictions(profile: RiskProfile) -> Iterator[ConfigError]:
    ordered = (
        ("base_order_notional_usd", "max_order_notional_usd"),
        ("max_position_notional_usd_per_venue", "max_position_notional_usd_total"),
    )
    for smaller, larger in ordered:
        low, high = getattr(profile, smaller), getattr(profile, larger)
        if not low <= high:
            yield ConfigError(
                f"{smaller} is above {larger}", found=f"{low:,} and {high:,}", wanted="at most as much"
            )
    burst, reserve = profile.message_burst, profile.message_cancel_reserve
    if not (reserve < burst or reserve == burst == 0):
        yield ConfigError(
            "message_cancel_reserve leaves nothing of message_burst for orders",
            found=f"{reserve} and {burst}",
            wanted="a reserve below the burst, or both 0",
        )
    for limit in LIMITS if profile.canary else ():
        value = getattr(profile, limit.attribute)
        if limit.canary_max is not None and not value <= limit.canary_max:
            yield ConfigError(
                f"{limit.path} is too large for a canary",
                found=value,
                wanted=f"at most {limit.canary_max:,}",
                remedy="lower it, or state canary = false",
            )
