"""Whatever is asked of a twin, what it keeps is bounded."""

from __future__ import annotations

from decimal import Decimal

import pytest

from paraphina_core.connector import Answer, RateLimit
from paraphina_core.domain import NS_PER_S, InvariantError, LocalError, Side
from paraphina_core.twin import (
    Account,
    Cut,
    Listing,
    Meters,
    NewOrder,
    Order,
    TwinHost,
    TwinRequest,
    VenueClock,
)
from toy_venue import BTC, ToyTwin
from twin_network import TwinNetwork
from twin_world import START_NS, TwinWorld

SESSION = TwinRequest(method="GET", target="/ws")


def test_no_more_sessions_than_the_limit_are_opened() -> None:
    """One more is turned away with the venue's words, and a free place is given again."""
    net = TwinNetwork()
    sessions = [net.host.connect(SESSION, START_NS) for _ in range(1_000)]
    assert all(isinstance(session, int) for session in sessions)
    refused = net.host.connect(SESSION, START_NS)
    assert isinstance(refused, Answer)
    assert refused.status == 503
    assert isinstance(sessions[0], int)
    net.host.disconnected(sessions[0], START_NS)
    assert isinstance(net.host.connect(SESSION, START_NS), int)


def test_a_session_that_takes_nothing_is_cut_in_the_end() -> None:
    """What waits to leave is bounded, and the twin learns that the client is gone."""
    net = TwinNetwork()
    session = net.host.connect(SESSION, START_NS)
    assert isinstance(session, int)
    net.arm("duplicate:for_ms=60000")
    for _ in range(50_001):
        net.host._outbox.send(session, b"x")  # noqa: SLF001  # as a venue that never stops would
    assert net.host.sessions == ()
    assert [type(delivery) for _, delivery in net.host.take(START_NS)] == [Cut]


def test_no_more_accounts_than_the_limit_are_opened() -> None:
    """One more is refused."""
    world = TwinWorld()
    world.open(*(f"account {number}" for number in range(998)))  # the house has two
    with pytest.raises(LocalError, match="cannot be opened"):
        world.open("one more")


def test_an_account_forgets_its_oldest_finished_orders() -> None:
    """The newest ten thousand are remembered, by either id."""
    account = Account("account", Decimal(1))
    for number in range(1, 10_002):
        terms = NewOrder(
            instrument=BTC.id, side=Side.BUY, price=Decimal(1), size=Decimal(1), client_id=f"c{number}"
        )
        order = Order(number, "account", terms, 0)
        account.add(order)
        account.finish(order)
    assert (account.find(1), account.by_client_id("c1")) == (None, None)
    assert account.find(2) is account.by_client_id("c2") is not None


def test_meters_forget_whom_they_have_not_seen_for_longest() -> None:
    """Ten thousand clients are counted at once."""
    meters = Meters((RateLimit(scope="ip", limit=1, window_ms=1_000),))
    for number in range(10_001):
        assert meters.over_ns("ip", str(number), 1, START_NS) is None
    assert meters.used("ip", "1", START_NS) == 1
    assert meters.over_ns("ip", "0", 1, START_NS) is None  # forgotten, and so it may again


def test_a_meter_counts_each_client_in_its_own_sliding_window() -> None:
    """What is over is told with the time from which it is not; a client's reserve is no rule here."""
    meters = Meters((RateLimit(scope="ip", limit=10, window_ms=1_000, cancel_reserve=9),))
    assert meters.over_ns("ip", "a", 10, START_NS) is None
    assert meters.over_ns("ip", "a", 1, START_NS) == START_NS + NS_PER_S
    assert meters.over_ns("ip", "b", 1, START_NS) is None
    assert meters.over_ns("ip", "a", 1, START_NS + NS_PER_S) is None
    with pytest.raises(LocalError, match="no rate limit"):
        meters.over_ns("nothing", "a", 1, START_NS)


@pytest.mark.parametrize(
    "wrong",
    [
        {"price": Decimal(0)},
        {"price": Decimal("NaN")},
        {"max_leverage": 0},
        {"funding_interval_s": 0},
        {"annual_volatility": float("nan")},
        {"levels": 501},
    ],
)
def test_a_listing_that_makes_no_sense_is_refused(wrong: dict[str, object]) -> None:
    """Numbers that mean nothing do not get in."""
    with pytest.raises(LocalError, match="is not usable"):
        Listing(**({"instrument": BTC, "price": Decimal(1)} | wrong))


def test_a_venues_clock_never_runs_backwards() -> None:
    """It jumps forward, stands still when it is set back, and goes on when the world has caught up."""
    clock = VenueClock(offset_ms=1_000)
    assert clock.venue_ns(START_NS) == START_NS + NS_PER_S
    clock.step(-3_000)
    assert clock.venue_ns(START_NS + 2 * NS_PER_S) == START_NS + NS_PER_S
    assert clock.venue_ns(START_NS + 4 * NS_PER_S) == START_NS + 2 * NS_PER_S
    assert clock.world_ns(START_NS) == START_NS + 2 * NS_PER_S


def test_a_twin_that_does_not_do_what_is_due_is_found_out() -> None:
    """Time that stands still is a fault of the twin, and hangs nobody."""

    class Stuck(ToyTwin):
        def next_due_ns(self) -> int | None:
            return START_NS + 1

        def advance(self, at_ns: int) -> None:
            pass

    host = TwinHost(Stuck, seed=1, start_ns=START_NS)
    host.advance(START_NS)
    with pytest.raises(InvariantError, match="does not do what is due"):
        host.advance(START_NS + 1)
