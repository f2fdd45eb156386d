"""Builds a session from a configuration: connectors, order routes, strategy, limits, all wired once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from paraphina_core.config import Config, RiskProfile
from paraphina_core.connector import (
    Connector,
    ConnectorContext,
    ConnectorSpec,
    FeeSchedule,
    Plugins,
    TradeMode,
)
from paraphina_core.domain import ClientOrderIds, ConfigError, LocalError, RunNumber
from paraphina_core.execution import (
    Ledger,
    OrderRoute,
    PaperExchange,
    PaperSettings,
    Planner,
    PlannerRules,
    ShadowOrder,
    ShadowRecorder,
    Wire,
)
from paraphina_core.gates import SessionContext

from .record import Recorder, WithoutFrames, encode
from .seeds import seed_of
from .session import Session
from .trading import SentIds, Trading
from .venue import Venue


def compose(
    config: Config,
    plugins: Plugins,
    recorder: Recorder,
    wire: Wire,
    allocate_run: Callable[[], RunNumber],
    start: Mapping[str, Any],
) -> Session:
    """Wire one session.

    Args:
        config: what the operator wants; the start-up gates have passed already.
        plugins: where connectors, strategies, gates and observers come from.
        recorder: takes every input and output of the session.
        wire: carries requests to venues.
        allocate_run: gives run numbers for client order ids.
        start: what the start record says beside the run numbers.

    Raises:
        LocalError: a connector cannot be built, or the mode has no order route in this version.
        ConfigError: there is no risk profile.
    """
    if config.profile is None:
        raise ConfigError("there is no risk profile", remedy="name one: --canary-profile prod_canary")
    mode = config.session.trade_mode
    if not config.journal.record_frames:
        recorder = WithoutFrames(recorder)
    sent_ids = SentIds()
    context = SessionContext(
        mode=mode,
        limits=config.profile,
        client_order_ids=sent_ids,
        order_gates=tuple(plugins.order_gates),
    )
    venues = {
        name: _venue(plugins.connectors[name], config, config.profile, recorder, wire)
        for name in config.selected
    }
    strategy = plugins.strategies[config.session.strategy].build(config.strategy_parameters)
    ids = ClientOrderIds(allocate_run)
    trading = Trading(
        venues,
        strategy=strategy,
        planner=Planner(PlannerRules(), ids.take),
        ledger=Ledger(config.paper.balance_usd * len(venues)),
        context=context,
        sent_ids=sent_ids,
        recorder=recorder,
    )
    return Session(venues, trading, recorder, plugins.observe if plugins.observed else None, start)


def _venue(
    spec: ConnectorSpec, config: Config, profile: RiskProfile, recorder: Recorder, wire: Wire
) -> Venue:
    if spec.factory is None:
        raise LocalError(f"connector {spec.name} is not built yet", wanted="a connector with trade modes")
    mode = config.session.trade_mode
    seed = seed_of(config.session.seed, spec.name)
    connector = spec.factory(
        ConnectorContext(
            mode=mode,
            network=mode.network,
            settings=config.connectors.get(spec.name, {}),
            seed=seed,
        )
    )
    fees = spec.fees
    if fees is None:
        raise LocalError(f"connector {spec.name} states no fees", wanted="a fee schedule in its spec")
    route = _route(connector, config, fees, recorder, seed)
    return Venue(connector, route, fees=fees, network=mode.network, profile=profile, wire=wire, seed=seed)


def _route(
    connector: Connector, config: Config, fees: FeeSchedule, recorder: Recorder, seed: int
) -> OrderRoute:
    mode = config.session.trade_mode
    if mode is TradeMode.PAPER:
        settings = PaperSettings(
            latency_ms=config.paper.latency_ms,
            latency_jitter_ms=config.paper.latency_jitter_ms,
            balance_usd=config.paper.balance_usd,
            queue_model=config.paper.queue_model,
        )
        return PaperExchange(settings, fees, seed)
    if mode is TradeMode.SHADOW:

        def record(order: ShadowOrder, at_ns: int) -> None:
            recorder.append("shadow", at_ns, encode(order))

        return ShadowRecorder(record)
    raise LocalError(
        f"{mode.value} mode has no order entry in this version",
        found=connector.spec.name,
        wanted="shadow or paper",
    )
