"""The account as a venue states it, kept apart from what the session's own fills make of it."""

from __future__ import annotations

from decimal import Decimal

from paraphina_core.domain import (
    BalanceReport,
    InstrumentId,
    OpenOrdersListed,
    OrderReport,
    PositionReport,
    PositionsListed,
)

from .snapshot import AccountSnapshot


class ReportedAccount:
    """What the venue last said of positions, balance and open orders.

    Attributes:
        drift: by how much its positions differ from what was filled, where they do.
        unexplained_drifts: how often such a difference stayed until it was a breach.
        clock_skew_ms: how far its clock is ahead, None while it was not asked.
    """

    def __init__(self) -> None:
        self._balance: BalanceReport | None = None
        self._positions: dict[InstrumentId, PositionReport] = {}
        self._open_orders: set[str] = set()
        self._heard = False
        self.drift: dict[InstrumentId, Decimal] = {}
        self.unexplained_drifts = 0
        self.clock_skew_ms: float | None = None

    def take(
        self, event: PositionReport | PositionsListed | BalanceReport | OrderReport | OpenOrdersListed
    ) -> None:
        """Take one statement; a flat position and a final order are forgotten, and what a list leaves out."""
        self._heard = True
        if isinstance(event, BalanceReport):
            self._balance = event
        elif isinstance(event, PositionsListed):
            self._positions = {report.instrument: report for report in event.positions if report.size}
        elif isinstance(event, OpenOrdersListed):
            self._open_orders = {
                report.venue_order_id for report in event.orders if not report.state.is_final
            }
        elif isinstance(event, PositionReport):
            if event.size:
                self._positions[event.instrument] = event
            else:
                self._positions.pop(event.instrument, None)
        elif event.state.is_final:
            self._open_orders.discard(event.venue_order_id)
        else:
            self._open_orders.add(event.venue_order_id)

    def position(self, instrument: InstrumentId) -> PositionReport | None:
        """Return what the venue last said of a position, None where it is flat or nothing was said."""
        return self._positions.get(instrument)

    @property
    def available(self) -> Decimal | None:
        """Collateral that no margin ties up, None while the venue has not said it."""
        return None if self._balance is None else self._balance.available

    def snapshot(self) -> AccountSnapshot | None:
        """Show it, None while the venue has said nothing."""
        if not self._heard:
            return None
        balance = self._balance
        return AccountSnapshot(
            asset="" if balance is None else balance.asset,
            equity=None if balance is None else balance.equity,
            available=None if balance is None else balance.available,
            positions={name: report.size for name, report in self._positions.items()},
            open_orders=len(self._open_orders),
            drift=dict(self.drift),
            unexplained_drifts=self.unexplained_drifts,
            clock_skew_ms=None if self.clock_skew_ms is None else round(self.clock_skew_ms, 1),
        )
