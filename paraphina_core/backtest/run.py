"""One backtest: the session of every run, on generated venues, with the paper exchange, in virtual time."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Final

import msgspec

from paraphina_core.config import Config, resolve
from paraphina_core.connector import Plugins
from paraphina_core.domain import NS_PER_S
from paraphina_core.journal import GENESIS_KIND, read
from paraphina_core.session import JOURNAL_FOLDER, Run, Summary, write_json

from .market import CommonPrice, VenueMarket
from .scenario import Scenario
from .venue import generated_spec

#: Every backtest begins at this time: 2026-01-05, a Monday, 12:00 UTC.
START_NS: Final = 1_767_614_400 * NS_PER_S
RESULT_FILE: Final = "backtest.json"

#: Records that tell of the machine rather than of the market: which code, which folder.
_OF_THE_MACHINE: Final = frozenset({GENESIS_KIND, "start"})


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What a backtest came to; written as `backtest.json` into the session's folder.

    Args:
        seed: of the market and of the session.
        digest: SHA-256 of all inputs and decisions; equal seeds and scenarios give equal ones.
        duration_s: virtual time.
        wall_s: real time.
        profit_usd: change of equity, fees and funding included.
        fees_usd: paid.
        funding_usd: received, or paid where it is below zero.
        placed: orders.
        fills: of them.
        volume_usd: filled.
    """

    seed: int
    digest: str
    duration_s: float
    wall_s: float
    profit_usd: Decimal
    fees_usd: Decimal
    funding_usd: Decimal
    placed: int
    fills: int
    volume_usd: float


def prepare(
    plugins: Plugins, scenario: Scenario, *, seed: int, options: Mapping[str, str]
) -> tuple[Config, Plugins]:
    """Return the configuration of a backtest, and the plugins with its generated venues.

    Args:
        plugins: where strategies come from.
        scenario: what is generated.
        seed: of everything random.
        options: further options of the configuration, by flag.

    Raises:
        ConfigError: an option cannot be used.
    """
    common = CommonPrice(scenario, seed)
    for number, name in enumerate(scenario.market.names, 1):
        source = VenueMarket(name, scenario, common, seed * 1_000 + number, START_NS)
        plugins = plugins.replaced(generated_spec(name, scenario.market, source))
    cli = {
        "--trade-mode": "paper",
        "--clock": "virtual",
        "--connectors": ",".join(scenario.market.names),
        "--seed": str(seed),
        **options,
    }
    return resolve(cli=cli, env={}, file=None, plugins=plugins), plugins


async def backtest(run: Run, config: Config) -> Result:
    """Execute a run that `prepare` configured, and write its result beside its summary.

    Args:
        run: made with `START_NS` as its first time, and with a home of its own.
        config: of the run.

    Raises:
        LocalError: the result cannot be written.
    """
    summary = await run.execute()
    result = _result(summary, run.folder, config)
    write_json(run.folder / RESULT_FILE, result)
    return result


def _result(summary: Summary, folder: Path, config: Config) -> Result:
    markets = [market for venue in summary.session.venues for market in venue.markets]
    return Result(
        seed=config.session.seed,
        digest=digest(folder),
        duration_s=(summary.session.at_ns - START_NS) / NS_PER_S,
        wall_s=summary.wall_s,
        profit_usd=summary.session.profit_usd,
        fees_usd=sum((market.fees_usd for market in markets), Decimal(0)),
        funding_usd=sum((market.funding_usd for market in markets), Decimal(0)),
        placed=summary.session.placed,
        fills=summary.session.fills,
        volume_usd=round(sum(market.volume_usd for market in markets), 2),
    )


def digest(folder: Path) -> str:
    """Return the hash of everything that a run's journal holds but what it says of the machine."""
    found = hashlib.sha256()
    for record in read(folder / JOURNAL_FOLDER):
        if record.kind not in _OF_THE_MACHINE:
            found.update(b"%s %d %d " % (record.kind.encode(), record.at_ns, len(record.data)))
            found.update(record.data)
    return found.hexdigest()
