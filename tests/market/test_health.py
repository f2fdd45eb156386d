"""A venue falls at once and recovers slowly."""

from __future__ import annotations

from paraphina_core.domain import NS_PER_MS
from paraphina_core.market import HealthLimits, HealthState, VenueHealth

LIMITS = HealthLimits(recover_ms=1000, max_errors=3, error_window_ms=10_000, quarantine_ms=5000)


def _ms(value: int) -> int:
    return value * NS_PER_MS


def _healthy() -> VenueHealth:
    health = VenueHealth(LIMITS)
    health.observe("", 0)
    assert health.state is HealthState.HEALTHY
    return health


def test_a_venue_is_not_healthy_before_its_first_good_look() -> None:
    """The start is init, and trouble keeps it there with the reason."""
    health = VenueHealth(LIMITS)
    health.observe("book is waiting", 0)
    assert health.state is HealthState.INIT
    assert health.reason == "book is waiting"


def test_one_bad_look_degrades_at_once() -> None:
    """There is no second chance on the way down."""
    health = _healthy()
    health.observe("book is stale", _ms(1))
    assert health.state is HealthState.DEGRADED
    assert health.reason == "book is stale"


def test_recovery_needs_good_looks_for_the_whole_time_without_interruption() -> None:
    """A venue at the edge of a limit does not flicker."""
    health = _healthy()
    health.observe("stale", _ms(1))
    health.observe("", _ms(100))
    health.observe("", _ms(1099))
    assert health.state is HealthState.DEGRADED
    health.observe("stale", _ms(1100))
    health.observe("", _ms(1200))
    health.observe("", _ms(2199))
    assert health.state is HealthState.DEGRADED
    health.observe("", _ms(2200))
    assert health.state is HealthState.HEALTHY
    assert health.reason == ""


def test_f018_repeated_protocol_errors_quarantine_and_the_quarantine_ends() -> None:
    """The third error within the window quarantines; afterwards the venue must recover."""
    health = _healthy()
    for at in (1, 2, 3):
        health.error("bad number", _ms(at))
    assert health.state is HealthState.QUARANTINED
    health.observe("", _ms(5002))
    assert health.state is HealthState.QUARANTINED
    health.observe("", _ms(5003))
    assert health.state is HealthState.DEGRADED
    health.observe("", _ms(6003))
    assert health.state is HealthState.HEALTHY


def test_errors_spread_over_more_than_the_window_do_not_quarantine() -> None:
    """Only a burst of errors quarantines."""
    health = _healthy()
    for at in (1, 6000, 12_000):
        health.error("bad number", _ms(at))
    assert health.state is HealthState.DEGRADED


def test_a_disabled_venue_stays_disabled() -> None:
    """Nothing that is seen later brings it back within the session."""
    health = _healthy()
    health.disable("plugin raised")
    health.observe("", _ms(60_000))
    health.error("bad number", _ms(60_001))
    assert health.state is HealthState.DISABLED
    assert health.reason == "plugin raised"
