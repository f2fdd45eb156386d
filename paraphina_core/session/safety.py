"""Decides what follows from a breach, holds the limits of the session, and does what an operator wishes.

Nothing is sent from here: it changes states, which the order gates and the order routes obey.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from paraphina_core.domain import LocalError, TradingState
from paraphina_core.execution import OrderTracker
from paraphina_core.gates import Exposure, SessionContext

from .breaches import CONSEQUENCES, Breach, Consequence
from .record import Recorder, encode
from .states import States
from .venue import Venue

#: A position may be worth so much more than its limit without any order being to blame.
ROOM_FOR_PRICES: Final = 1.25


class Safety:
    """What one run and each of its venues may do.

    Args:
        venues: by connector.
        tracker: every own order.
        context: where the order gates read the session's state.
        recorder: takes what follows from a breach.
        cool_down_ns: how long what made a venue reduce must be absent; zero leaves that to the operator.

    Attributes:
        states: of the session and of each venue.
        record_lost: why nothing can be recorded any more; empty while it can.
        is_stopping: an orderly end has begun.
    """

    def __init__(
        self,
        venues: Mapping[str, Venue],
        tracker: OrderTracker,
        context: SessionContext,
        recorder: Recorder,
        *,
        cool_down_ns: int,
    ) -> None:
        self.tracker = tracker
        self.context = context
        self.states = States(
            context, {name: venue.context for name, venue in venues.items()}, cool_down_ns=cool_down_ns
        )
        self.record_lost = ""
        self.is_stopping = False
        self.was_breached = False
        self._venues = venues
        self._recorder = recorder

    @property
    def state(self) -> TradingState:
        """What the session may do now."""
        return self.context.state

    @property
    def reason(self) -> str:
        """Why the session is not active; empty while it is."""
        return self.states.session.reason

    @property
    def killed(self) -> bool:
        """True once the kill switch has fired."""
        return self.context.kill_latched is not False

    @property
    def only_cancels(self) -> bool:
        """True while nothing but cancels leaves."""
        return self.is_stopping or self.context.state is TradingState.HALTED

    @property
    def is_flattening(self) -> bool:
        """True once an operator wants positions closed."""
        return self.context.flattening

    # --- limits of the session -------------------------------------------------------------------

    def judge(self, at_ns: int) -> None:
        """Hold the limits of the whole session, and let venues go on whose time has come."""
        limits = self.context.limits
        if not (-self.context.daily_pnl_usd <= limits.max_daily_loss_usd):
            self.breach(
                Breach.DAILY_LOSS, f"the daily loss is beyond {limits.max_daily_loss_usd:g} USD", at_ns
            )
        stale = [venue.name for venue in self._venues.values() if venue.stale_ticks > limits.max_stale_ticks]
        if stale and (limits.canary or len(stale) == len(self._venues)):
            what = f"stale for more than {limits.max_stale_ticks} ticks: {', '.join(stale)}"
            self.breach(Breach.STALE_MARKET, what, at_ns)
        self._judge_exposure(at_ns)
        for venue in self._venues.values():
            for lent in venue.inquiries.expiring(at_ns):
                what = f"{venue.name} has renewed no {lent} for long, and orders must be gone before it ends"
                self.breach(Breach.EXPIRING_LOGIN, what, at_ns, venue)
        for connector, reason in self.states.raise_what_is_over(at_ns):
            self._recorder.append("raise", at_ns, encode({"connector": connector, "reason": reason}))

    def _judge_exposure(self, at_ns: int) -> None:
        """Hold positions and orders to their limits once more, now that they are there.

        The gates let nothing through that could exceed a limit, so what does was not sent here, or the price
        has moved: that is why a position has some room.
        """
        limits = self.context.limits
        breach = Breach.CANARY_EXPOSURE if limits.canary else Breach.EXPOSURE
        most_usd = limits.max_position_notional_usd_per_venue * ROOM_FOR_PRICES
        for venue in self._venues.values():
            held_usd = sum(_held_usd(market.context.exposure) for market in venue.markets.values())
            if held_usd > most_usd:
                what = f"{venue.name} holds {held_usd:.0f} USD, limit {most_usd:.0f} USD with room for prices"
                self.breach(breach, what, at_ns, venue)
        if limits.canary and self.tracker.open_count > limits.max_open_orders:
            what = f"{self.tracker.open_count} orders are open, limit {limits.max_open_orders}"
            self.breach(breach, what, at_ns)

    def breach(self, breach: Breach, what: str, at_ns: int, venue: Venue | None = None) -> None:
        """Do what the table has for a breach, on a venue or all over.

        On paper nothing is at a venue that somebody would have to look at: there the session halts where
        elsewhere the kill switch fires.
        """
        consequence = CONSEQUENCES[breach]
        if consequence is Consequence.LATCH and self.context.mode.reaches_venue:
            if not self.killed:
                self.was_breached = True
                self.latch(what)
                self._recorder.append("latch", at_ns, encode({"reason": what}))
        elif consequence in {Consequence.HALT, Consequence.LATCH}:
            if self.context.state is not TradingState.HALTED:
                self.abandon(what)
                self._recorder.append("halt", at_ns, encode({"reason": what}))
        elif consequence is Consequence.REDUCE_VENUE and venue is not None:
            if self.states.reduce(venue.name, what, at_ns):
                data = {"connector": venue.name, "reason": what}
                self._recorder.append("reduce", at_ns, encode(data))
        elif self.states.lower(TradingState.REDUCING, what):
            self._recorder.append("reduce", at_ns, encode({"reason": what}))

    # --- what an operator wishes ------------------------------------------------------------------

    def set_state(self, state: TradingState, reason: str, connector: str) -> None:
        """Set the session's state or a venue's as an operator wishes.

        Raises:
            LocalError: nothing can be raised any more, or there is no such connector.
        """
        if self.killed or self.record_lost or self.is_stopping:
            why = self.record_lost or ("the kill switch has fired" if self.killed else "the session ends")
            raise LocalError("the state cannot be set", found=why, remedy="end the session, start another")
        if connector and connector not in self._venues:
            raise LocalError("no such connector", found=connector, wanted=", ".join(self._venues))
        self.states.set(state, reason, connector)

    def flatten(self) -> None:
        """Close every position that is there, beside the cancels.

        Raises:
            LocalError: the kill switch has not fired.
        """
        if not self.killed:
            raise LocalError("positions stay", found="a session that goes on", wanted="the kill switch first")
        self.context.flattening = True

    def latch(self, reason: str) -> None:
        """Fire the kill switch, in memory, before anything is recorded of it: nothing may come between."""
        self.context.kill_latched = True
        self.abandon(reason)

    def abandon(self, reason: str) -> None:
        """Halt without a record of it."""
        self.states.set(TradingState.HALTED, reason)

    def lose_record(self, reason: str) -> None:
        """Go on without a record: orders at venues must be cancelled, and nothing else may leave."""
        self.record_lost = reason
        self.abandon(reason)


def _held_usd(exposure: Exposure) -> float:
    """Return what a position is worth either way; zero while its price is not known."""
    notional_usd = abs(float(exposure.position_base)) * exposure.reference_price
    return max(0.0, notional_usd)
