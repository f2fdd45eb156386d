"""The session in the text format of Prometheus; every figure is read from the latest snapshot when asked for.

Nothing is counted here: what the session has counted is shown as a counter, what it has measured as a gauge.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from paraphina_core.domain import NS_PER_S, TradingState
from paraphina_core.session import MarketSnapshot, SessionSnapshot, VenueSnapshot

from .watching import Watching

_MS_PER_S: Final = 1_000.0

#: Every state, so that an alert can ask for one that has never been.
_HEALTHS: Final = ("init", "healthy", "degraded", "quarantined", "disabled")

_Number = float | int | Decimal | None


class Metrics(Collector):
    """Makes the page of metrics.

    Args:
        watching: what is known of the session.
        now_s: the monotonic clock that its messages are dated by.
    """

    def __init__(self, watching: Watching, now_s: Callable[[], float]) -> None:
        self._watching = watching
        self._now_s = now_s
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)

    def page(self) -> bytes:
        """Return the page."""
        return generate_latest(self._registry)

    def describe(self) -> list[Metric]:
        """Say nothing in advance: which metrics there are depends on what is known."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Make every metric anew."""
        now_s = self._now_s()
        yield _gauge(
            "paraphina_healthy", "1 if /health answers 200", float(not self._watching.troubles(now_s))
        )
        yield _gauge(
            "paraphina_ready", "1 if /ready answers 200", float(not self._watching.hindrances(now_s))
        )
        introduction = self._watching.introduction
        if introduction is not None:
            info = InfoMetricFamily("paraphina_run", "The run that is watched")
            info.add_metric(
                [],
                {
                    "run": str(introduction.run),
                    "mode": introduction.mode.value,
                    "version": introduction.version,
                },
            )
            yield info
        shown = self._watching.shown
        if shown is not None:
            yield _counter("paraphina_snapshots_dropped", "Snapshots that found no room", shown.dropped)
            yield from _session(shown.snapshot)
            yield from _venues(shown.snapshot.venues)
            yield from _connections(shown.snapshot.venues)
            yield from _markets(shown.snapshot.venues)


def _session(snapshot: SessionSnapshot) -> Iterator[Metric]:
    yield _gauge("paraphina_snapshot_time_seconds", "Session time of the snapshot", snapshot.at_ns / NS_PER_S)
    state = GaugeMetricFamily("paraphina_session_state", "1 for the state it is in", labels=["state"])
    for one in TradingState:
        state.add_metric([one.value], float(snapshot.state is one))
    yield state
    yield _counter("paraphina_ticks", "Ticks", snapshot.ticks)
    yield _counter("paraphina_frames", "Frames that arrived", snapshot.frames)
    yield _counter("paraphina_orders_placed", "Orders placed", snapshot.placed)
    yield _counter("paraphina_cancels", "Cancels sent", snapshot.cancels)
    yield _counter("paraphina_fills", "Fills", snapshot.fills)
    refusals = CounterMetricFamily("paraphina_refusals", "Orders refused, by code", labels=["code"])
    for code, count in snapshot.refusals.items():
        refusals.add_metric([code], count)
    yield refusals
    yield _gauge("paraphina_profit_usd", "Profit and loss of the run", snapshot.profit_usd)


def _venues(venues: tuple[VenueSnapshot, ...]) -> Iterator[Metric]:
    health = GaugeMetricFamily(
        "paraphina_venue_health", "1 for the state a venue is in", labels=["connector", "state"]
    )
    equity = GaugeMetricFamily(
        "paraphina_account_equity", "What the venue states, in its asset", labels=["connector", "asset"]
    )
    skew = GaugeMetricFamily(
        "paraphina_venue_clock_skew_seconds", "How far a venue's clock is ahead", labels=["connector"]
    )
    drift = GaugeMetricFamily(
        "paraphina_position_drift_base",
        "By how much a position differs from what was filled",
        labels=["connector", "instrument"],
    )
    for venue in venues:
        for one in _HEALTHS:
            health.add_metric([venue.connector, one], float(venue.health == one))
        account = venue.account
        if account is None:
            continue
        _add(equity, [venue.connector, account.asset], account.equity)
        _add(skew, [venue.connector], _seconds(account.clock_skew_ms))
        for instrument, size in account.drift.items():
            _add(drift, [venue.connector, instrument], size)
    yield from (health, equity, skew, drift)


def _connections(venues: tuple[VenueSnapshot, ...]) -> Iterator[Metric]:
    is_open = GaugeMetricFamily(
        "paraphina_connection_open", "1 if a stream is open", labels=["connector", "what"]
    )
    closures = CounterMetricFamily(
        "paraphina_connection_closures",
        "Connections and attempts that ended, by reason",
        labels=["connector", "what", "reason"],
    )
    for venue in venues:
        for one in venue.connections:
            is_open.add_metric([venue.connector, one.what], float(one.is_open))
            for reason, count in one.closures.items():
                closures.add_metric([venue.connector, one.what, reason], count)
    yield from (is_open, closures)


_MARKET_GAUGES: Final[dict[str, tuple[str, Callable[[MarketSnapshot], _Number]]]] = {
    "book_age_seconds": ("Since the book's last message arrived", lambda m: _seconds(m.book_age_ms)),
    "exchange_lag_seconds": (
        "From the venue's time of that message to its arrival",
        lambda m: _seconds(m.exchange_lag_ms),
    ),
    "apply_lag_seconds": ("From its arrival until it was applied", lambda m: _seconds(m.apply_lag_ms)),
    "best_bid": ("Best bid, in quote units", lambda m: m.best_bid),
    "best_ask": ("Best ask, in quote units", lambda m: m.best_ask),
    "volatility_bps_1s": ("Volatility of one second", lambda m: m.volatility_bps_1s),
    "usable": ("1 if it may be quoted on", lambda m: float(not m.unusable)),
    "position_base": ("Position, signed", lambda m: m.position_base),
    "realised_usd": ("Realised profit before fees and funding", lambda m: m.realised_usd),
    "unrealised_usd": ("Unrealised profit at the last mid", lambda m: m.unrealised_usd),
    "funding_usd": ("Funding received", lambda m: m.funding_usd),
}


def _markets(venues: tuple[VenueSnapshot, ...]) -> Iterator[Metric]:
    markets = [(venue.connector, market) for venue in venues for market in venue.markets]
    labels = ["connector", "instrument"]
    for name, (text, read) in _MARKET_GAUGES.items():
        gauge = GaugeMetricFamily(f"paraphina_market_{name}", text, labels=labels)
        for connector, market in markets:
            _add(gauge, [connector, market.instrument], read(market))
        yield gauge
    orders = GaugeMetricFamily(
        "paraphina_orders_open", "Own orders that are not final", labels=[*labels, "side", "state"]
    )
    fills = CounterMetricFamily("paraphina_market_fills", "Fills", labels=labels)
    fees = GaugeMetricFamily("paraphina_market_fees_usd", "Fees paid, rebates received", labels=labels)
    volume = CounterMetricFamily("paraphina_market_volume_usd", "Volume filled", labels=labels)
    for connector, market in markets:
        where = [connector, market.instrument]
        counts: dict[tuple[str, str], int] = {}
        for order in market.orders:
            counts[order.side, order.state] = counts.get((order.side, order.state), 0) + 1
        for (side, state), count in counts.items():
            orders.add_metric([*where, side, state], count)
        fills.add_metric(where, market.fills)
        _add(fees, where, market.fees_usd)
        volume.add_metric(where, market.volume_usd)
    yield from (orders, fills, fees, volume)


def _gauge(name: str, text: str, value: _Number) -> Metric:
    metric = GaugeMetricFamily(name, text)
    _add(metric, [], value)
    return metric


def _counter(name: str, text: str, value: int) -> Metric:
    metric = CounterMetricFamily(name, text)
    metric.add_metric([], value)
    return metric


def _add(metric: GaugeMetricFamily, labels: list[str], value: _Number) -> None:
    """Add a figure if there is one: what is not known is absent, not zero."""
    if value is not None:
        metric.add_metric(labels, float(value))


def _seconds(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else milliseconds / _MS_PER_S
