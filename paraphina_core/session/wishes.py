"""What the strategy wanted at its last decision, what it is made of, and why parts of it have no order."""

from __future__ import annotations

from collections.abc import Sequence

from paraphina_core.connector import Explaining, Strategy
from paraphina_core.domain import InstrumentId, Side, Target
from paraphina_core.execution import Obstacle, Unplaced

from .snapshot import WantedSnapshot


class Wishes:
    """The wishes of one strategy."""

    def __init__(self, strategy: Strategy) -> None:
        self._strategy = strategy
        self._targets: Sequence[Target] = ()
        self._unplaced: Sequence[Unplaced] = ()
        self._refusals: dict[tuple[InstrumentId, Side], str] = {}

    def decided(self, targets: Sequence[Target], unplaced: Sequence[Unplaced]) -> None:
        """Take note of a decision, and of what the planner has no order for."""
        self._targets, self._unplaced = targets, unplaced

    def refused(self, side: tuple[InstrumentId, Side], code: str) -> bool:
        """Take note that a side may have no order; tell whether the reason is another than before."""
        before = self._refusals.get(side)
        self._refusals[side] = code
        return code != before

    def passed(self, side: tuple[InstrumentId, Side]) -> None:
        """Take note that a side may have an order again."""
        self._refusals.pop(side, None)

    def wanted(self, instrument: InstrumentId) -> tuple[WantedSnapshot, ...]:
        """Return the orders that are wanted on an instrument, with the parts their prices are made of."""
        return tuple(
            WantedSnapshot(
                side=target.side.value,
                purpose=target.purpose.value,
                price=target.price,
                size_base=target.size_base,
                terms=dict(target.terms),
            )
            for target in self._targets
            if target.instrument == instrument
        )

    def not_quoted(self, instrument: InstrumentId) -> tuple[str, ...]:
        """Say why sides have no order: a refusal, an obstacle, or the strategy's own reason to want none."""
        refused = {side: code for (name, side), code in self._refusals.items() if name == instrument}
        obstacles = {
            one.target.side: one.obstacle.value
            for one in self._unplaced
            if one.target.instrument == instrument and one.obstacle is not Obstacle.SIDE_NOT_SETTLED
        }
        own = {}
        if isinstance(self._strategy, Explaining) and (reason := self._strategy.why(instrument)):
            own = dict.fromkeys(Side, reason)
        return tuple(f"{side.value}: {why}" for side, why in (refused | obstacles | own).items())
