"""Orders at a venue: what is lost is asked for, nothing is sent twice, the end is the venue's own word."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from paraphina_core.config import LeftoverPolicy
from paraphina_core.connector import Capability
from paraphina_core.domain import (
    ArmDeadMan,
    Batch,
    CancelAll,
    CancelOrder,
    InstrumentId,
    PlaceOrder,
    QueryAccount,
    QueryFills,
    QueryOpenOrders,
    QueryOrder,
    QueryTime,
    Side,
    TradingState,
)
from port import (
    ACCOUNT,
    BTC,
    LATE,
    LOST_ANSWER,
    LOST_REQUEST,
    MS,
    NOT_SENT,
    UNAVAILABLE,
    Desk,
    Fault,
    port_spec,
)

BUY, SELL = Side.BUY, Side.SELL


def _flat(commands: list[object]) -> list[object]:
    """Return commands one by one, as the venue carried them out."""
    return [
        one for command in commands for one in (command.commands if isinstance(command, Batch) else [command])
    ]


def _count(desk: Desk, kind: type) -> int:
    return sum(isinstance(command, kind) for command in _flat(desk.venue.commands))


def _ended(desk: Desk) -> Desk:
    """End the session, and hold it to what every session must leave: nothing, and a journal that replays."""
    assert desk.stop(), (desk.orders, desk.session.unconfirmed)
    assert desk.venue.open == []
    assert desk.position == desk.venue.position
    difference = desk.replayed().difference
    assert difference is None, difference
    return desk


def test_a_quote_leaves_rests_and_is_cancelled_and_the_venue_confirms_that_nothing_is_left() -> None:
    """The whole life of two quotes; the replay of it, without a key, decides the same to the byte."""
    desk = Desk().begin().want(BUY, SELL)
    desk.advance(1_000)
    assert desk.orders == [("buy", "live"), ("sell", "live")]
    assert [order.command.side for order in desk.venue.open] == [BUY, SELL]
    assert desk.key.signed == 1, "both in one request"
    _ended(desk)


def test_commands_of_one_step_share_requests_and_cancels_leave_first() -> None:
    """Two places in one batch; when both move, one batch of cancels."""
    desk = Desk().begin().want(BUY, SELL)
    desk.advance(1_000)
    desk.want(BUY, SELL, price=9_990.0)
    desk.advance(1_000)
    kinds = [type(_flat([command])[0]) for command in desk.sends]
    assert kinds[:2] == [PlaceOrder, CancelOrder]
    assert [len(_flat([command])) for command in desk.sends[:2]] == [2, 2]
    _ended(desk)


@pytest.mark.parametrize("on_stream", [False, True])
def test_f029_an_order_whose_answer_is_lost_is_asked_for_and_never_sent_again(on_stream: bool) -> None:
    """It is unknown and counted until the venue has said what became of it."""
    desk = Desk(spec=port_spec(on_stream=on_stream)).begin()
    desk.stream_loses = True
    desk.faults[PlaceOrder] = [LOST_ANSWER]
    desk.want(BUY)
    desk.advance(1_800)
    assert desk.orders == [("buy", "pending")]
    desk.advance(500)
    assert _count(desk, QueryOrder) == 1
    desk.stream_loses = False
    assert desk.orders == [("buy", "live")]
    assert _count(desk, PlaceOrder) == 1
    _ended(desk)


def test_f029_an_order_that_never_arrived_counts_until_it_can_no_longer_arrive() -> None:
    """Not found at once proves nothing; after its time it does, and the side is quoted again."""
    desk = Desk().begin()
    desk.faults[PlaceOrder] = [LOST_REQUEST]
    desk.want(BUY)
    desk.advance(14_000)
    assert desk.orders == [("buy", "unknown")]
    assert _count(desk, QueryOrder) > 3
    desk.advance(10_000)
    assert desk.orders == [("buy", "live")]
    assert len(desk.venue.received) == 1, "the first one never came, so this is another"
    _ended(desk)


def test_f029_an_order_that_arrives_after_its_time_out_is_found() -> None:
    """The question came before the order did: the next one finds it."""
    desk = Desk().begin()
    desk.stream_loses = True
    desk.faults[PlaceOrder] = [LATE]
    desk.want(BUY)
    desk.advance(2_900)
    assert desk.orders == [("buy", "unknown")]
    desk.advance(3_000)
    assert desk.orders == [("buy", "live")]
    desk.stream_loses = False
    _ended(desk)


def test_f031_a_fill_from_the_history_is_of_the_order_whose_answer_was_lost() -> None:
    """The history names the venue's id alone: until the order is found it is nobody's, and no alarm."""
    desk = Desk().begin()
    desk.faults[PlaceOrder] = [LOST_ANSWER]
    desk.ask_faults[QueryOrder] = [LOST_REQUEST]
    desk.stream_loses = True
    desk.want(BUY)
    while not desk.venue.open:
        desk.advance(10)
    (order,) = desk.venue.open
    desk.close(ACCOUNT)
    desk.stream_loses = False
    desk.venue.fill(order, order.rest, desk.now_ns, silently=True)
    desk.venue.fills[0] = msgspec.structs.replace(desk.venue.fills[0], client_order_id=None)
    desk.want()
    desk.open(ACCOUNT)
    desk.advance(500)
    assert desk.position == desk.venue.position != 0
    assert desk.state is TradingState.ACTIVE
    desk.advance(10_000)
    assert (desk.orders, desk.state) == ([], TradingState.ACTIVE)
    _ended(desk)


def test_f030_a_server_error_after_sending_is_no_rejection() -> None:
    """The order is there although the answer was 503."""
    desk = Desk().begin()
    desk.faults[PlaceOrder] = [UNAVAILABLE]
    desk.stream_loses = True
    desk.want(BUY)
    desk.advance(500)
    assert desk.orders == [("buy", "live")]
    assert _count(desk, QueryOrder) == 1
    desk.stream_loses = False
    _ended(desk)


def test_a_request_that_never_left_is_no_doubt() -> None:
    """The wire proves that nothing was sent: the order is over, and the next one may go."""
    desk = Desk().begin()
    desk.faults[PlaceOrder] = [NOT_SENT]
    desk.want(BUY)
    desk.advance(1_000)
    assert desk.orders == [("buy", "live")]
    assert _count(desk, QueryOrder) == 0
    _ended(desk)


def test_f002_a_broken_stream_leaves_its_orders_unknown_and_they_are_asked_for() -> None:
    """What was to be answered on the stream is settled with it."""
    desk = Desk(spec=port_spec(on_stream=True), latency_ms=200).begin()
    desk.want(BUY)
    desk.advance(250)
    assert desk.orders == [("buy", "pending")]
    desk.close(ACCOUNT)
    assert desk.orders == [("buy", "unknown")]
    desk.advance(600)
    desk.open(ACCOUNT)
    desk.advance(2_500)
    assert desk.orders == [("buy", "live")]
    assert _count(desk, QueryOrder) == 1
    _ended(desk)


def test_f031_f032_fills_that_the_stream_lost_are_fetched_and_booked_once() -> None:
    """The report of the order names more than was heard of; the list of fills brings it."""
    desk = Desk().begin().want(BUY)
    desk.advance(1_000)
    (order,) = desk.venue.open
    desk.venue.fill(order, Decimal("0.0005"), desk.now_ns)
    desk.advance(100)
    desk.venue.fill(order, Decimal("0.001"), desk.now_ns, silently=True)
    desk.advance(6_000)
    assert desk.position == desk.venue.position == Decimal("0.0015")
    assert desk.state is TradingState.ACTIVE
    assert _count(desk, QueryFills) >= 1
    _ended(desk)


def test_f035_a_cancel_that_lost_the_race_is_followed_by_a_question() -> None:
    """The order had filled before: the refusal is no end, the report is, and the position is right."""
    desk = Desk().begin().want(BUY)
    desk.advance(1_000)
    (order,) = desk.venue.open
    desk.venue.fill(order, order.rest, desk.now_ns, silently=True)
    desk.want()
    desk.advance(1_000)
    assert desk.orders == []
    assert desk.position == Decimal("0.002")
    _ended(desk)


def test_f048_f074_cancels_leave_a_halted_session_and_orders_do_not() -> None:
    """The state is looked at in the very call that sends."""
    desk = Desk().begin().want(BUY)
    desk.advance(1_000)
    desk.halt()
    desk.advance(2_000)
    assert desk.state is TradingState.HALTED
    assert desk.venue.open == []
    assert _count(desk, PlaceOrder) == 1


@pytest.mark.parametrize("raises", ["write", "read_answer"])
def test_f085_a_connector_that_raises_costs_its_venue_and_hides_no_order(raises: str) -> None:
    """What never left is over, what had left is unknown; the venue is disabled, its orders are cancelled."""
    desk = Desk().begin()
    desk.connector.raises = {raises}
    desk.want(BUY)
    desk.advance(300)
    desk.connector.raises = set()
    assert "disabled" in desk.unusable
    assert len(desk.venue.open) == (raises == "read_answer")
    desk.advance(1_000)
    assert desk.venue.open == []


def test_f045_an_order_that_cannot_be_spelled_never_leaves_and_says_so() -> None:
    """A local error is a rejection with a code of its own."""
    desk = Desk().begin()
    desk.connector.raises = {"local"}
    desk.want(BUY)
    desk.advance(300)
    assert desk.venue.received == {}
    assert any("never left" in notice for notice in desk.notices)
    assert any(event.get("code") == "LOCAL" for event in desk.recorder.of("event"))


# --- the end ------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [False, True])
def test_f036_an_order_that_is_accepted_after_everything_was_cancelled_is_cancelled_too(
    command: bool,
) -> None:
    """The place was under way when the end was asked for, and its answer got lost."""
    desk = Desk(spec=port_spec(cancel_all_command=command), latency_ms=200).begin(3_000)
    desk.faults[PlaceOrder] = [Fault(answered=False, delay_ms=900)]
    desk.want(BUY)
    desk.advance(300)
    assert desk.venue.open == []
    _ended(desk)
    assert _count(desk, CancelAll) == 0 if not command else _count(desk, CancelAll) > 0
    assert len(desk.venue.received) == 1


def test_what_else_is_listed_at_the_end_is_cancelled_by_the_venues_id() -> None:
    """A stranger's order appears while the session ends: it is on the list, so it goes."""
    desk = Desk().begin().want(BUY)
    desk.advance(1_000)
    desk.venue.add(SELL, "0.001", "10500")
    _ended(desk)


def test_an_end_that_the_venue_does_not_confirm_is_not_called_quiet() -> None:
    """No list of open orders comes back: nobody knows whether one is open, and the session says so."""
    desk = Desk().begin().want(BUY)
    desk.advance(1_000)
    desk.ask_faults[QueryOpenOrders] = [LOST_REQUEST] * 1_000
    assert not desk.stop(10_000)
    assert desk.session.unconfirmed == ("port",)


# --- the account --------------------------------------------------------------------------------


def test_f053_nothing_is_placed_before_the_account_is_known() -> None:
    """An error is not an empty account: quoting waits for the venue's own lists."""
    desk = Desk()
    desk.ask_faults[QueryAccount] = [UNAVAILABLE, LOST_ANSWER, UNAVAILABLE]
    desk.begin(500).want(BUY)
    desk.advance(300)
    assert "account is not known" in desk.unusable
    assert desk.venue.received == {}
    desk.advance(8_000)
    assert desk.orders == [("buy", "live")]
    _ended(desk)


def test_f071_the_position_that_was_there_is_the_baseline_and_earns_nothing() -> None:
    """The ledger starts from the venue's position; limits count it, profit does not."""
    desk = Desk()
    desk.venue.position = Decimal("0.015")
    desk.begin().want(BUY)
    desk.advance(1_000)
    assert desk.position == Decimal("0.015")
    snapshot = desk.session.snapshot(desk.now_ns)
    assert abs(snapshot.profit_usd) < 1
    assert desk.orders == [("buy", "live")]
    desk.want(BUY, size=0.005)
    desk.advance(3_000)
    assert snapshot.state is TradingState.ACTIVE
    assert sum(order.rest for order in desk.venue.open) * 10_000 + 150 <= 200
    _ended(desk)


def test_f071_fills_of_before_the_session_are_history() -> None:
    """They come again with a list, and are in the baseline already."""
    desk = Desk()
    old = desk.venue.add(BUY, "0.004", client_order_id=7)
    desk.venue.fill(old, Decimal("0.004"), desk.now_ns - 5_000 * MS)
    desk.begin()
    desk.close(ACCOUNT)
    desk.open(ACCOUNT)
    desk.advance(3_000)
    assert _count(desk, QueryFills) >= 1
    assert desk.position == Decimal("0.004")
    assert desk.state is TradingState.ACTIVE
    _ended(desk)


@pytest.mark.parametrize(
    ("policy", "client_order_id", "left", "state"),
    [
        ("cancel_own", 7, 0, TradingState.ACTIVE),
        ("cancel_own", None, 1, TradingState.REDUCING),
        ("cancel_all", None, 0, TradingState.ACTIVE),
        ("leave", 7, 1, TradingState.ACTIVE),
    ],
)
def test_f039_f071_orders_found_at_the_start_are_counted_shown_and_cancelled_by_policy(
    policy: str, client_order_id: int | None, left: int, state: TradingState
) -> None:
    """An earlier run's order goes, a stranger's stays and lets the session only reduce, or as configured."""
    desk = Desk(live={"leftover_orders": LeftoverPolicy(policy)})
    desk.venue.add(SELL, "0.003", "10500", client_order_id)
    desk.begin()
    assert len(desk.venue.open) == left
    assert desk.state is state
    assert any("order" in notice for notice in desk.notices)
    assert len(desk.orders) == left
    _ended(desk)


def test_f104_an_order_by_hand_is_counted_and_lets_the_venue_only_reduce() -> None:
    """Somebody trades on the account while the session runs."""
    desk = Desk().begin().want(BUY)
    desk.advance(1_000)
    desk.venue.add(SELL, "0.003", "10500")
    desk.advance(6_000)
    assert desk.state is TradingState.REDUCING
    assert ("sell", "live") in desk.orders
    assert len(desk.venue.open) == 1, "our own quote, which would enlarge, is gone; the stranger's is left"
    _ended(desk)


def _drift(desk: Desk) -> dict[InstrumentId, Decimal]:
    (venue,) = desk.session.snapshot(desk.now_ns).venues
    assert venue.account is not None
    return venue.account.drift


def test_f065_a_position_that_differs_again_and_again_lets_the_venue_only_reduce() -> None:
    """One list may be late; three in a row are not, and the difference is shown meanwhile."""
    desk = Desk().begin(4_000)
    desk.venue.position = Decimal("0.01")
    while not _drift(desk):
        desk.advance(100)
    assert _drift(desk) == {"port:BTC": Decimal("0.01")}
    assert desk.venue_state is TradingState.ACTIVE
    desk.advance(2_000)
    assert desk.venue_state is TradingState.REDUCING


def test_f069_a_fill_that_the_venue_takes_back_is_noticed_and_the_venue_only_reduces() -> None:
    """A chain that was rolled back leaves us with a trade that never was: the venue's position says so."""
    desk = Desk().begin().want(BUY)
    desk.advance(1_000)
    (order,) = desk.venue.open
    desk.venue.fill(order, Decimal("0.001"), desk.now_ns)
    desk.advance(3_000)
    assert desk.position == Decimal("0.001")
    desk.venue.position = Decimal(0)
    desk.venue.fills.clear()
    while not _drift(desk):
        desk.advance(100)
    assert _drift(desk) == {"port:BTC": Decimal("-0.001")}
    desk.advance(2_000)
    assert desk.venue_state is TradingState.REDUCING
    assert desk.venue.open == []


def test_a_difference_that_passes_is_forgotten() -> None:
    """A list from a copy of the books that lags behind is no alarm."""
    desk = Desk().begin(4_000)
    desk.venue.position = Decimal("0.01")
    while not _drift(desk):
        desk.advance(100)
    desk.venue.position = Decimal(0)
    desk.advance(6_000)
    assert _drift(desk) == {}
    assert desk.state is TradingState.ACTIVE


def test_f010_without_its_private_stream_a_venue_is_not_quoted_on() -> None:
    """The book is fine, but nobody would hear of a fill: quotes go, and come back after a new comparison."""
    desk = Desk().begin().want(BUY)
    desk.advance(1_000)
    desk.close(ACCOUNT)
    desk.advance(500)
    assert desk.venue.open == []
    desk.open(ACCOUNT)
    desk.advance(3_000)
    assert desk.orders == [("buy", "live")]
    _ended(desk)


def test_an_order_that_is_no_longer_listed_is_asked_for() -> None:
    """The word of its end was lost: the list lacks it, and the venue says what became of it."""
    desk = Desk().begin().want(BUY)
    desk.advance(1_000)
    (order,) = desk.venue.open
    desk.venue.end(order, silently=True)
    desk.want()
    desk.stream_loses = True
    desk.advance(6_000)
    assert desk.orders == []
    _ended(desk)


def test_f050_when_the_venue_lets_no_message_through_only_cancels_leave() -> None:
    """The account's own budget counts beside ours."""
    desk = Desk().begin().want(BUY)
    desk.advance(1_000)
    desk.venue.message_limit = 3
    desk.advance(61_000)  # the budget is asked for once a minute
    desk.want(BUY, price=9_990.0)
    desk.advance(1_000)
    assert desk.venue.open == []
    assert desk.session.snapshot(desk.now_ns).refusals
    _ended(desk)


def test_f081_a_venue_whose_clock_differs_is_not_quoted_on() -> None:
    """Signed requests carry a time, and fresh data would look old."""
    desk = Desk()
    desk.venue.skew_ms = 3_000
    desk.begin().want(BUY)
    desk.advance(1_000)
    assert "clock differs" in desk.unusable
    assert desk.venue.received == {}


def test_f081_an_answer_that_took_so_long_that_it_says_nothing_of_the_clock_is_asked_for_again() -> None:
    """Half of its way may be the difference; only what no delay explains keeps quotes away."""
    desk = Desk()
    slow = Fault(delay_ms=6_000)
    desk.ask_faults[QueryTime] = [slow, slow]
    desk.begin().want(BUY)
    desk.advance(15_000)
    assert desk.unusable == ""
    assert len(desk.venue.open) == 1
    asked = [command for command in desk.venue.commands if isinstance(command, QueryTime)]
    assert len(asked) == 3, "once more after each answer that said nothing, and then it was known"


# --- the dead-man switch ------------------------------------------------------------------------


def test_f067_the_switch_is_armed_before_the_first_order_and_again_long_before_it_fires() -> None:
    """Never less than half of its window is left, and it is off when nothing is left to cancel."""
    desk = Desk(spec=port_spec(dead_man=True)).begin().want(BUY)
    desk.advance(500)
    kinds = [type(command) for command in _flat(desk.venue.commands)]
    assert kinds.index(ArmDeadMan) < kinds.index(PlaceOrder)
    for _ in range(60):
        desk.advance(1_000)
        assert desk.venue.armed_until_ns is not None
        assert desk.venue.armed_until_ns - desk.now_ns > 15_000 * MS
    _ended(desk)
    assert desk.venue.armed_until_ns is None


def test_f067_where_commands_are_for_one_instrument_each_gets_its_own() -> None:
    """The switch and the cancel of everything name exactly one, and none is for all."""
    apart = frozenset({Capability.CANCEL_ALL, Capability.DEAD_MAN})
    spec = port_spec(dead_man=True, cancel_all_command=True, per_instrument=apart)
    desk = Desk(spec=spec).begin().want(BUY)
    desk.advance(1_000)
    _ended(desk)
    sent = list(_flat(desk.venue.commands))
    switches = [command for command in sent if isinstance(command, ArmDeadMan)]
    assert switches
    assert all(len(command.instruments) == 1 for command in switches)
    everything = [command for command in sent if isinstance(command, CancelAll)]
    assert {command.instrument for command in everything} == {BTC}


def test_f068_a_venue_that_refuses_the_switch_is_not_quoted_on() -> None:
    """The refusal is shown once, and it is tried again more and more seldom."""
    desk = Desk(spec=port_spec(dead_man=True))
    desk.venue.dead_man_refusal = "not enough volume traded"
    desk.begin().want(BUY)
    desk.advance(5_000)
    assert "not enough volume traded" in desk.unusable
    assert desk.venue.received == {}
    assert len([notice for notice in desk.notices if "dead-man" in notice]) == 1
    first = _count(desk, ArmDeadMan)
    desk.advance(300_000)
    assert _count(desk, ArmDeadMan) <= first + 6


def test_f041_f042_a_replayed_key_never_signs_and_no_nonce_comes_twice() -> None:
    """Each request has a number of its own, above all before it."""
    desk = Desk().begin().want(BUY, SELL)
    for price in range(9_900, 9_990, 10):
        desk.want(BUY, price=float(price))
        desk.advance(1_500)
    signed = desk.key.signed
    assert signed > 5
    _ended(desk)
    assert desk.key.signed > signed - 1


def test_f067_a_lost_command_to_switch_it_off_is_repeated() -> None:
    """It would fire on an account that somebody else may be using by then."""
    desk = Desk(spec=port_spec(dead_man=True)).begin()
    desk.faults[ArmDeadMan] = [LOST_REQUEST, LOST_ANSWER]
    _ended(desk)
    assert desk.venue.armed_until_ns is None


# --- without a journal --------------------------------------------------------------------------


def test_f074_a_journal_that_takes_no_record_lets_only_cancels_leave() -> None:
    """Quotes are cancelled at the venue and confirmed gone, no order leaves, and the run is to end."""
    desk = Desk().begin().want(BUY)
    desk.advance(1_000)
    assert len(desk.venue.open) == 1
    desk.recorder.is_full = True
    desk.want(BUY, SELL)
    desk.advance(1_000)
    assert desk.venue.open == []
    assert len(desk.venue.received) == 1
    assert desk.session.safety.record_lost == "the disk is full"
    assert desk.stop()


def test_f074_an_order_that_cannot_be_recorded_does_not_leave() -> None:
    """The record fails in the very step that would send it."""
    desk = Desk().begin()
    desk.want(BUY)
    desk.recorder.is_full = True
    desk.advance(2_000)
    assert desk.venue.received == {}
    assert desk.state is TradingState.HALTED
