"""Builds a session from a configuration: connectors, order routes, strategy, limits, all wired once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

from paraphina_core.config import Config, RiskProfile
from paraphina_core.connector import (
    Capability,
    Connector,
    ConnectorContext,
    ConnectorSpec,
    FeeSchedule,
    Plugins,
    TradeMode,
)
from paraphina_core.domain import (
    COUNTER_BITS,
    NS_PER_MS,
    NS_PER_S,
    ClientOrderIds,
    ConfigError,
    LocalError,
    ModifyOrder,
    PlaceOrder,
    RunNumber,
)
from paraphina_core.execution import (
    Ledger,
    OrderRoute,
    OrderTracker,
    PaperExchange,
    PaperSettings,
    Planner,
    PlannerRules,
    ShadowOrder,
    ShadowRecorder,
    Signatory,
    VenueRoute,
    Wire,
)
from paraphina_core.gates import SessionContext

from .dead_man import DeadMan
from .drift import DriftRules
from .reconcile import Reconciler
from .record import Recorder, UntilRefused, WithoutFrames, encode
from .safety import Safety
from .seeds import seed_of
from .session import Session
from .trading import SentIds, Trading
from .venue import Venue
from .watched import Watched

#: Time between two looks at the account where the operator names none, which the start-up gates demand.
DEFAULT_RECONCILE_MS: Final = 5_000

#: Ticks without any input that no busy machine explains.
_PAUSE_TICKS: Final = 4


def compose(
    config: Config,
    plugins: Plugins,
    recorder: Recorder,
    wire: Wire,
    allocate_run: Callable[[], RunNumber],
    start: Mapping[str, Any],
    signatories: Mapping[str, Signatory] | None = None,
    clock_ns: Callable[[], int] | None = None,
) -> Session:
    """Wire one session.

    Args:
        config: what the operator wants; the start-up gates have passed already.
        plugins: where connectors, strategies, gates and observers come from.
        recorder: takes every input and output of the session.
        wire: carries requests to venues.
        allocate_run: gives run numbers for client order ids.
        start: what the start record says beside the run numbers.
        signatories: who signs for each connector; needed where orders leave for a venue.
        clock_ns: times the connectors' calls in real time; None where time is not real, and in a
            replay, which is told by the record which call blocked.

    Raises:
        LocalError: a connector cannot be built, or nobody signs for one that sends orders.
        ConfigError: there is no risk profile.
    """
    if config.profile is None:
        raise ConfigError("there is no risk profile", remedy="name one: --canary-profile prod_canary")
    mode = config.session.trade_mode
    if not config.journal.record_frames:
        recorder = WithoutFrames(recorder)
    if mode.reaches_venue:

        def lose_record(reason: str) -> None:
            safety.lose_record(reason)

        recorder = UntilRefused(recorder, lose_record)
    sent_ids = SentIds()
    context = SessionContext(
        mode=mode,
        limits=config.profile,
        client_order_ids=sent_ids,
        order_gates=tuple(plugins.order_gates),
    )
    ids = ClientOrderIds(allocate_run)
    workshop = _Workshop(config, config.profile, recorder, wire, signatories or {}, clock_ns)
    venues = {name: workshop.venue(plugins.connectors[name]) for name in config.selected}
    strategy = plugins.strategies[config.session.strategy].build(config.strategy_parameters)
    balance = Decimal(0) if mode.reaches_venue else config.paper.balance_usd * len(venues)
    safety = Safety(
        venues,
        OrderTracker(first_id=ids.run << COUNTER_BITS),
        context,
        recorder,
        cool_down_ns=config.live.reducing_cool_down_s * NS_PER_S,
    )
    trading = Trading(
        venues,
        strategy=strategy,
        planner=Planner(PlannerRules(), ids.take),
        ledger=Ledger(balance),
        safety=safety,
        sent_ids=sent_ids,
        recorder=recorder,
    )
    workshop.trading = trading
    reconcilers = (
        {venue.name: workshop.reconciler(venue, trading, ids) for venue in venues.values()}
        if mode.reaches_venue
        else {}
    )
    observe = plugins.observe if plugins.observed else None
    return Session(
        venues,
        trading,
        recorder,
        observe,
        start,
        reconcilers,
        workshop.watched,
        pause_ns=max(config.profile.max_book_age_ms, _PAUSE_TICKS * config.session.tick_ms) * NS_PER_MS,
    )


class _Workshop:
    """Makes the parts of a session that each connector has its own of."""

    def __init__(
        self,
        config: Config,
        profile: RiskProfile,
        recorder: Recorder,
        wire: Wire,
        signatories: Mapping[str, Signatory],
        clock_ns: Callable[[], int] | None,
    ) -> None:
        self._config = config
        self._mode = config.session.trade_mode
        self._profile = profile
        self._recorder = recorder
        self._wire = wire
        self._signatories = signatories
        self._clock_ns = clock_ns
        self.watched: dict[str, Watched] = {}
        self._venues: dict[str, Venue] = {}
        self.trading: Trading | None = None  # asked at the door of the order routes

    def venue(self, spec: ConnectorSpec) -> Venue:
        if spec.factory is None:
            raise LocalError(f"connector {spec.name} is not built yet", wanted="a connector with trade modes")
        if spec.fees is None:
            raise LocalError(f"connector {spec.name} states no fees", wanted="a fee schedule in its spec")
        seed = seed_of(self._config.session.seed, spec.name)
        connector: Connector = spec.factory(
            ConnectorContext(
                mode=self._mode,
                network=self._mode.network,
                settings=self._config.connectors.get(spec.name, {}),
                seed=seed,
            )
        )
        if self._clock_ns is not None:
            limit_ms = self._config.session.max_call_ms
            connector = self.watched[spec.name] = Watched(connector, self._clock_ns, limit_ms)
        signatory = self._signatories.get(spec.name)
        venue = self._venues[spec.name] = Venue(
            connector,
            self._route(connector, spec.fees, signatory, seed),
            fees=spec.fees,
            network=self._mode.network,
            profile=self._profile,
            wire=self._wire,
            seed=seed,
            signatory=signatory,
        )
        return venue

    def reconciler(self, venue: Venue, trading: Trading, ids: ClientOrderIds) -> Reconciler:
        live = self._config.live
        has_switch = Capability.DEAD_MAN in venue.spec.capabilities
        is_waived = self._config.is_on_twins or venue.name in live.dead_man_waivers
        return Reconciler(
            venue,
            trading,
            take_id=ids.take,
            every_ms=live.account_reconcile_ms or DEFAULT_RECONCILE_MS,
            leftovers=live.leftover_orders,
            dead_man=(DeadMan(live.dead_man_window_ms, is_waived=is_waived) if has_switch else None),
            max_skew_ms=live.max_clock_skew_ms,
            drift_rules=DriftRules(
                repeats=live.drift_repeats,
                lasts=live.drift_lasts,
                tolerated_lots=live.drift_tolerated_lots,
                tolerated_usd=live.drift_tolerated_usd,
            ),
        )

    def _route(
        self,
        connector: Connector,
        fees: FeeSchedule,
        signatory: Signatory | None,
        seed: int,
    ) -> OrderRoute:
        if self._mode is TradeMode.PAPER:
            paper = self._config.paper
            settings = PaperSettings(
                latency_ms=paper.latency_ms,
                latency_jitter_ms=paper.latency_jitter_ms,
                balance_usd=paper.balance_usd,
                queue_model=paper.queue_model,
            )
            return PaperExchange(settings, fees, seed)
        if self._mode is TradeMode.SHADOW:
            return ShadowRecorder(self._record_shadow)
        if signatory is None:
            raise LocalError(f"nobody signs for connector {connector.spec.name}", wanted="a key for it")
        return VenueRoute(
            connector,
            self._wire,
            signatory,
            may_leave=self._may_leave,
            blame=self._blame_of(connector.spec.name),
        )

    def _blame_of(self, name: str) -> Callable[[Exception], None]:
        def blame(error: Exception) -> None:
            self._venues[name].blame(error)

        return blame

    def _may_leave(self, order: PlaceOrder | ModifyOrder) -> bool:
        return self.trading is not None and self.trading.may_leave(order)

    def _record_shadow(self, order: ShadowOrder, at_ns: int) -> None:
        self._recorder.append("shadow", at_ns, encode(order))
