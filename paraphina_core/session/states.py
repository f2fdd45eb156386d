"""What the session and each of its venues may do: breaches lower it, only an operator or time raises it.

Time raises a venue alone, and only out of reducing: whatever took it there must have been absent for as long
as the operator has configured.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from paraphina_core.domain import TradingState
from paraphina_core.gates import SessionContext, VenueContext


class Standing(msgspec.Struct, frozen=True):
    """A state, why it is not active, and when time raises it: None where only an operator does."""

    state: TradingState
    reason: str = ""
    until_ns: int | None = None


_ACTIVE = Standing(TradingState.ACTIVE)


class States:
    """The states of one run, kept where the order gates read them.

    Args:
        session: of the whole session.
        venues: of each connector.
        cool_down_ns: how long what made a venue reduce must be absent; zero leaves that to the operator.
    """

    def __init__(
        self, session: SessionContext, venues: Mapping[str, VenueContext], *, cool_down_ns: int
    ) -> None:
        self._session = session
        self._venues = venues
        self._cool_down_ns = cool_down_ns
        self._of_session = Standing(session.state)
        self._of_venue: dict[str, Standing] = {}

    @property
    def connectors(self) -> tuple[str, ...]:
        """The venues."""
        return tuple(self._venues)

    @property
    def session(self) -> Standing:
        """The session's."""
        return self._of_session

    def venue(self, connector: str) -> Standing:
        """Return a venue's own, which the session's may be more careful than."""
        return self._of_venue.get(connector, _ACTIVE)

    def effective(self, connector: str) -> TradingState:
        """Return what may be done on a venue."""
        return self._session.state.or_more_careful(self._venues[connector].state)

    def set(self, state: TradingState, reason: str, connector: str = "") -> None:
        """Set a state, up or down: whoever calls has the right to it.

        Args:
            state: the new one.
            reason: why; not kept for an active state.
            connector: whose, empty for the session's.
        """
        standing = Standing(state, "" if state is TradingState.ACTIVE else reason)
        if connector:
            self._venues[connector].state, self._of_venue[connector] = state, standing
        else:
            self._session.state, self._of_session = state, standing

    def lower(self, state: TradingState, reason: str) -> bool:
        """Lower the session's state; False, and the reason stays, where it is as low already."""
        if self._session.state.or_more_careful(state) is self._session.state:
            return False
        self.set(state, reason)
        return True

    def reduce(self, connector: str, reason: str, at_ns: int) -> bool:
        """Let a venue only reduce until nothing has asked for that long enough; True if that is news."""
        known = self.venue(connector)
        if known.state is TradingState.HALTED or (known.reason and known.until_ns is None):
            return False  # an operator has taken it there
        until_ns = at_ns + self._cool_down_ns if self._cool_down_ns else None
        self._venues[connector].state = TradingState.REDUCING
        self._of_venue[connector] = Standing(TradingState.REDUCING, known.reason or reason, until_ns)
        return not known.reason

    def raise_what_is_over(self, at_ns: int) -> Iterator[tuple[str, str]]:
        """Let venues go on whose time has passed; yield each with the reason that is over."""
        for connector, standing in tuple(self._of_venue.items()):
            if standing.until_ns is not None and at_ns >= standing.until_ns:
                self.set(TradingState.ACTIVE, "", connector)
                yield connector, standing.reason
