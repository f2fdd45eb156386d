"""Every fault of the menu does what its line says, measured at the client and at the exchange."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest

from paraphina_core.connector import Answer, Failure, FailureKind
from paraphina_core.domain import ConfigError, LocalError, OrderState, Side
from paraphina_core.transport import CloseReason
from paraphina_core.twin import MENU, menu, parse_fault, read_fault
from toy_venue import BTC
from twin_network import NAME, TwinNetwork

ORDER = {"side": "buy", "price": "40000", "size": "0.100"}


def listening(topic: str = "book") -> TwinNetwork:
    """Return a network whose client hears the book or its fills."""
    net = TwinNetwork()
    net.listen(topic)
    net.wait(1_000)
    net.frames.clear()
    return net


# --- frames -----------------------------------------------------------------------------------


def test_f013_drop_leaves_out_as_many_frames_as_it_says() -> None:
    """Numbers are missing, and only those."""
    net = listening()
    net.arm("drop:count=3,after_ms=2000")
    net.wait(10_000)
    numbers = net.sequences()
    assert len(range(numbers[0], numbers[-1] + 1)) - len(numbers) == 3
    assert net.happened("drop") == 3


def test_delay_holds_a_frame_and_all_behind_it() -> None:
    """Nothing comes for the delay, then everything in its order."""
    net = listening()
    net.arm("delay:ms=5000")
    net.wait(5_000)
    assert net.frames == []
    net.wait(5_000)
    numbers = net.sequences()
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def test_f014_duplicate_sends_a_frame_twice() -> None:
    """The same number comes again."""
    net = listening()
    net.arm("duplicate")
    net.wait(5_000)
    numbers = net.sequences()
    assert numbers[0] == numbers[1]
    assert len(set(numbers)) == len(numbers) - 1


def test_f015_reorder_sends_a_frame_behind_the_next() -> None:
    """Two neighbours change places; none is lost."""
    net = listening()
    net.arm("reorder:ms=60000")
    net.wait(10_000)
    numbers = net.sequences()
    assert numbers[0] == numbers[1] + 1
    assert sorted(numbers) == list(range(min(numbers), min(numbers) + len(numbers)))


def test_reorder_does_not_wait_for_ever() -> None:
    """A frame that nothing follows leaves after its time."""
    net = TwinNetwork()
    net.arm("reorder:ms=300")
    net.listen("fills")
    net.wait(1_000)
    assert [round(at_ms) for at_ms, _, _ in net.frames] == [340]


def test_f007_split_leaves_the_message_whole() -> None:
    """Fragments are put together again; the message is the same."""
    net = listening()
    net.arm("split:parts=100,count=5")
    net.wait(5_000)
    numbers = net.sequences()
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert net.happened("split") == 5


def test_f013_gap_leaves_out_neighbours_of_one_connection() -> None:
    """As many consecutive numbers are missing, on one connection alone."""
    net = listening()
    net.arm("gap:frames=4,after_ms=2000")
    net.wait(10_000)
    numbers = net.sequences()
    jumps = [after - before for before, after in pairwise(numbers) if after > before + 1]
    assert jumps == [5]


def test_match_picks_the_frames_a_fault_meets() -> None:
    """What does not contain the text passes."""
    net = TwinNetwork()
    net.listen("fills")
    net.listen()
    net.arm("drop:match=trade,for_ms=60000")
    net.place(price="60000", size="0.01")
    net.wait(2_000)
    assert net.fills() == []
    net.wait(2_000)
    assert net.sequences()


# --- messages and requests --------------------------------------------------------------------


def test_ignore_leaves_a_message_unread() -> None:
    """The subscription is never heard of."""
    net = TwinNetwork()
    net.arm("ignore:match=subscribe")
    net.listen()
    net.wait(5_000)
    assert (net.frames, net.happened("ignore")) == ([], 1)


@pytest.mark.parametrize(
    ("fault", "executed", "kind", "after_ms"),
    [
        ("lose_request", False, FailureKind.DISCONNECTED, 20),
        ("lose_request:hangs=true", False, FailureKind.TIMED_OUT, 2_000),
        ("lose_answer", True, FailureKind.DISCONNECTED, 20),
        ("lose_answer:hangs=true", True, FailureKind.TIMED_OUT, 2_000),
    ],
)
def test_f029_a_lost_answer_looks_the_same_whether_or_not_the_order_was_taken(
    fault: str, executed: bool, kind: FailureKind, after_ms: float
) -> None:
    """The client cannot tell; the exchange can."""
    net = TwinNetwork()
    net.place()
    net.arm(fault)
    took_ms, result = net.fetch(net.request("POST", "/order", ORDER))
    assert isinstance(result, Failure)
    assert (result.kind, took_ms) == (kind, after_ms)
    assert len(net.truth().open_orders) == 1 + executed


def test_slow_answer_executes_now_and_answers_late() -> None:
    """The order is there before its answer is."""
    net = TwinNetwork()
    net.arm("slow_answer:ms=700")
    took_ms, result = net.fetch(net.request("POST", "/order", ORDER))
    assert isinstance(result, Answer)
    assert took_ms == 720
    assert net.truth().open_orders[0].id == json.loads(result.body)["id"]


def test_f048_rate_limit_says_so_in_the_venues_words_with_retry_after() -> None:
    """Nothing is executed."""
    net = TwinNetwork()
    net.place()
    net.arm("rate_limit:retry_after_s=7")
    _, result = net.fetch(net.request("POST", "/order", ORDER))
    assert isinstance(result, Answer)
    assert (result.status, result.headers["Retry-After"]) == (429, "7")
    assert len(net.truth().open_orders) == 1


@pytest.mark.parametrize("executed", [False, True])
def test_f030_a_server_error_may_come_after_the_order_was_executed(executed: bool) -> None:
    """The status says nothing about the order."""
    net = TwinNetwork()
    net.place()
    net.arm(f"server_error:status=502,executed={str(executed).lower()}")
    _, result = net.fetch(net.request("POST", "/order", ORDER))
    assert isinstance(result, Answer)
    assert result.status == 502
    assert len(net.truth().open_orders) == 1 + executed


@pytest.mark.parametrize("executed", [False, True])
def test_f012_html_comes_in_place_of_an_answer(executed: bool) -> None:
    """A page with status 200 says nothing about the order."""
    net = TwinNetwork()
    net.place()
    net.arm(f"html:executed={str(executed).lower()}")
    _, result = net.fetch(net.request("POST", "/order", ORDER))
    assert isinstance(result, Answer)
    assert (result.status, result.body[:15]) == (200, b"<!doctype html>")
    assert len(net.truth().open_orders) == 1 + executed


# --- the venue --------------------------------------------------------------------------------


def test_f049_a_ban_turns_everything_away_until_it_ends() -> None:
    """Requests and new connections are refused with the time that is left; then all is well."""
    net = TwinNetwork()
    net.place()
    net.arm("ban:ms=10000")
    net.wait(4_000)
    _, result = net.fetch(net.request("GET", "/book"), wait_ms=25)
    assert isinstance(result, Answer)
    assert (result.status, result.headers["Retry-After"]) == (418, "6")
    net.wait(6_000)
    assert "id" in net.place()


def test_f054_maintenance_closes_streams_and_refuses_everything_until_it_is_over() -> None:
    """The closing is an orderly one, attempts are refused, orders stay."""
    net = listening()
    net.place()
    net.arm("maintenance:ms=20000")
    net.wait(1_000)
    assert net.endings[0][2] is CloseReason.REMOTE_CLOSED
    assert {reason for _, _, reason in net.endings[1:]} == {CloseReason.HANDSHAKE_REFUSED}
    _, result = net.fetch(net.request("GET", "/book"), wait_ms=25)
    assert isinstance(result, Answer)
    assert result.status == 503
    net.wait(40_000)
    assert len(net.openings) == 2
    assert len(net.truth().open_orders) == 1


def test_f002_kill_cuts_every_connection_that_matches() -> None:
    """The stream is lost at once and comes back by itself."""
    net = listening()
    net.arm("kill:match=/nothing")
    net.wait(100)
    assert net.endings == []
    net.arm("kill:match=/ws")
    net.wait(10)
    assert [reason for _, _, reason in net.endings] == [CloseReason.CONNECTION_LOST]
    net.wait(2_000)
    assert len(net.openings) == 2
    assert net.sequences()[0] == 0


def test_f003_half_open_is_silence_that_only_a_deadline_ends() -> None:
    """Nothing comes, nothing is answered, and the heartbeat finds it out."""
    net = listening()
    net.arm("half_open")
    net.wait(4_000)
    assert (net.frames, net.endings) == ([], [])
    net.wait(12_000)
    assert [reason for _, _, reason in net.endings] == [CloseReason.PONG_OVERDUE]


def test_f055_freeze_matches_nothing_and_thaw_makes_up_for_it() -> None:
    """Orders that cross rest side by side, the market stands still, afterwards they are matched."""
    net = TwinNetwork()
    net.wait(1_000)
    market = net.host.exchange.markets[BTC.id]
    net.arm("freeze:ms=10000")
    before = [market.levels(side) for side in Side], market.volume_base
    net.wait(9_000)
    assert ([market.levels(side) for side in Side], market.volume_base) == before
    assert net.place(price="60000", size="0.010")["state"] == "live"
    net.wait(1_000)
    assert net.truth().positions[0].size == Decimal("0.01")
    net.wait(5_000)
    bid, ask = (market.best_price(side) for side in Side)
    assert bid is not None
    assert ask is not None
    assert bid < ask
    assert market.volume_base > before[1]


def test_f025_a_clock_step_moves_the_venues_stamps_and_never_backwards() -> None:
    """Forward they jump; back they stand still until the world has caught up."""
    net = listening()
    net.wait(2_000)
    before = net.frames[-1][2]["ms"]
    net.frames.clear()
    net.arm("clock_step:ms=60000")
    net.wait(2_000)
    assert net.frames[0][2]["ms"] - before >= 60_000
    net.frames.clear()
    net.arm("clock_step:ms=-60000")
    net.wait(5_000)
    assert len({frame["ms"] for _, _, frame in net.frames[1:]}) == 1
    assert len(net.frames) > 5


def test_f052_expired_credentials_are_refused_for_as_long_as_it_says() -> None:
    """The venue refuses what was signed well, and takes it again afterwards."""
    net = TwinNetwork()
    net.place()
    net.arm(f"expire_credentials:account={NAME},ms=5000")
    assert net.place() == {"error": "key expired"}
    net.wait(5_000)
    assert "id" in net.place()
    net.arm("expire_credentials")
    net.wait(100_000)
    assert net.place() == {"error": "key expired"}


def test_f034_partial_fill_fills_a_part_of_a_resting_order_out_of_its_turn() -> None:
    """The client is told, and the rest stays."""
    net = TwinNetwork()
    net.listen("fills")
    net.place()
    net.arm("partial_fill:fraction=0.3")
    net.wait(20)
    assert [fill["size"] for fill in net.fills()] == ["0.03"]
    (order,) = net.truth().open_orders
    assert (order.state, order.filled_size) == (OrderState.PARTIALLY_FILLED, Decimal("0.03"))


def test_f037_overfill_fills_more_than_was_ordered() -> None:
    """The position is larger than the order was, and the truth has it."""
    net = TwinNetwork()
    net.listen("fills")
    net.arm("overfill:fraction=0.5")  # armed before there is an order
    net.wait(20)
    net.frames.clear()
    net.place()
    net.wait(20)
    assert [fill["size"] for fill in net.fills()] == ["0.15"]
    truth = net.truth()
    assert truth.positions[0].size == Decimal("0.15")
    assert (truth.final_orders[0].state, truth.final_orders[0].filled_size) == (
        OrderState.FILLED,
        Decimal("0.15"),
    )


def test_f038_a_late_fill_comes_after_the_cancel_was_told() -> None:
    """The order stays cancelled, and the fill counts all the same."""
    net = TwinNetwork()
    net.listen("fills")
    order = net.place()
    net.arm("late_fill:ms=400,fraction=0.2")
    net.frames.clear()
    assert net.post("/cancel", id=order["id"])["state"] == "cancelled"
    net.wait(350)
    assert net.fills() == []
    net.wait(100)
    assert [fill["size"] for fill in net.fills()] == ["0.02"]
    (gone,) = net.truth().final_orders
    assert (gone.state, gone.filled_size) == (OrderState.CANCELLED, Decimal("0.02"))


def test_f039_an_external_order_rests_for_the_account() -> None:
    """Nobody sent it, and it is as large and as far away as it says."""
    net = TwinNetwork()
    net.place()
    net.arm("external_order:side=sell,away_bps=200,notional_usd=1000")
    _, external = net.truth().open_orders
    market = net.host.exchange.markets[BTC.id]
    assert external.side is Side.SELL
    assert abs(external.price / market.mark_price - Decimal("1.02")) < Decimal("0.0001")
    assert Decimal(1_000) <= external.price * external.size < Decimal(1_060)


def test_f067_a_cancel_by_the_venue_takes_every_order() -> None:
    """The orders are gone with the venue's reason."""
    net = TwinNetwork()
    net.place()
    net.place()
    net.arm("venue_cancel")
    truth = net.truth()
    assert truth.open_orders == ()
    assert {order.reason for order in truth.final_orders} == {"cancelled by the venue"}


def test_f060_liquidation_closes_what_the_account_has() -> None:
    """Orders are cancelled and the position is sold into the book."""
    net = TwinNetwork()
    net.listen("fills")
    net.place(price="60000", size="0.010")
    net.place()
    net.arm("liquidation")
    net.wait(20)
    truth = net.truth()
    assert (truth.positions, truth.open_orders) == ((), ())
    assert truth.fills[-1].is_liquidation
    assert net.fills()[-1]["trade"] == truth.fills[-1].fill.trade_id


def test_f062_funding_is_paid_at_once_at_the_rate_it_says() -> None:
    """A long pays a positive rate on its notional at the mark price."""
    net = TwinNetwork()
    net.place(price="60000", size="0.010")
    net.arm("funding:rate_1h=0.01")
    (payment,) = net.truth().payments
    mark = net.host.exchange.markets[BTC.id].mark_price
    assert payment.amount == -(Decimal("0.01") * mark * Decimal("0.01"))


def test_f061_deleverage_closes_a_part_of_the_position_without_an_order_of_ours() -> None:
    """The position shrinks at the mark price, whatever the book holds."""
    net = TwinNetwork()
    net.place(price="60000", size="0.010")
    net.place()
    net.arm("deleverage:fraction=0.25")
    truth = net.truth()
    assert truth.positions[0].size == Decimal("0.007")  # three quarters, in whole lots
    assert len(truth.open_orders) == 1
    mark = net.host.exchange.markets[BTC.id].mark_price
    assert abs(truth.fills[-1].fill.price - mark) < 1


def test_f065_a_withdrawal_takes_collateral_and_is_no_loss() -> None:
    """Equity falls by the amount; no fill, fee or payment explains it."""
    net = TwinNetwork()
    net.place()
    net.arm("withdrawal:amount_usd=250")
    truth = net.truth()
    assert truth.equity == truth.deposited == 9_750
    assert (truth.realised_pnl, truth.fees, truth.funding, truth.fills) == (0, 0, 0, ())


def test_f059_leverage_is_changed_behind_our_back() -> None:
    """The margin of the same order is another one."""
    net = TwinNetwork()
    net.place()
    before = net.truth().margin_used
    net.arm("leverage_change:leverage=2")
    assert net.truth().margin_used == 10 * before  # from the default of 20
    assert net.place(size="1.000") == {"error": "INSUFFICIENT_MARGIN"}


def test_f064_a_mark_shift_moves_what_positions_are_worth_and_goes_again() -> None:
    """The mark departs from index and book, and equity follows it."""
    net = TwinNetwork()
    net.place(price="60000", size="0.010")
    net.wait(2_000)
    market = net.host.exchange.markets[BTC.id]
    before = net.truth().equity
    net.arm("mark_shift:bps=-1000,ms=5000")
    assert abs(market.mark_price / market.true_mark - Decimal("0.9")) < Decimal("0.0001")
    assert net.truth().equity < before - 40  # a tenth of five hundred dollars, and what the market did
    net.wait(4_000)
    assert market.mark_price < market.index_price * Decimal("0.95")
    net.wait(2_000)
    assert market.mark_price == market.true_mark


def test_f056_a_status_lets_only_through_what_it_says() -> None:
    """A halted instrument refuses orders and takes cancels; afterwards it trades."""
    net = TwinNetwork()
    order = net.place()
    net.arm("status:status=halted,match=BTC,ms=5000")
    assert net.place() == {"error": "INSTRUMENT_STATUS"}
    assert net.post("/cancel", id=order["id"])["state"] == "cancelled"
    net.wait(5_000)
    assert "id" in net.place()


@pytest.mark.parametrize("how", ["truncated", "nonsense", "nan", "deep"])
def test_f018_f027_garbled_frames_are_not_what_the_venue_said(how: str) -> None:
    """The client gets bytes that no venue sends, and then sense again."""
    net = TwinNetwork()
    net.read = lambda frame: {"raw": frame}
    net.listen()
    net.wait(1_000)
    net.frames.clear()
    net.arm(f"garble:how={how}")
    net.wait(5_000)
    frames = [frame["raw"] for _, _, frame in net.frames]
    with pytest.raises((ValueError, RecursionError)):
        json.loads(frames[0], parse_constant=int)
    assert all("sequence" in json.loads(frame) for frame in frames[1:])


# --- when -------------------------------------------------------------------------------------


def test_after_ms_and_for_ms_bound_a_fault_in_time() -> None:
    """It begins late, ends on time, and meets everything in between."""
    net = listening()
    net.arm("drop:after_ms=3000,for_ms=4000")
    net.wait(10_000)
    times = [at_ms for at_ms, _, _ in net.frames]
    armed_ms = net.now_ms - 10_000
    assert times[0] < armed_ms + 3_000
    assert not [at_ms for at_ms in times if armed_ms + 3_010 < at_ms < armed_ms + 7_010]
    assert times[-1] > armed_ms + 7_010


def test_probability_is_of_the_seed() -> None:
    """About half is met, and the same half each time."""

    def dropped() -> list[int]:
        net = listening()
        net.arm("drop:probability=0.5,for_ms=60000")
        net.wait(60_000)
        return net.sequences()

    first = dropped()
    assert first == dropped()
    assert 0.3 < len(first) / (first[-1] - first[0]) < 0.7


def test_heal_disarms_everything() -> None:
    """Nothing that was armed happens any more."""
    net = listening()
    net.arm("clock_step:ms=3000", "drop:for_ms=600000", "kill:after_ms=1000", "overfill", "ban:ms=600000")
    net.host.heal(net.clock.at_ns)
    assert net.host.armed() == []
    net.wait(4_000)
    assert net.host.clock.venue_ns(net.clock.at_ns) == net.clock.at_ns
    net.wait(5_000)
    assert net.sequences()
    net.place()
    assert (net.endings, net.truth().positions) == ([], ())


def test_the_number_of_armed_faults_is_bounded() -> None:
    """One more than may wait is refused."""
    net = TwinNetwork()
    net.arm(*["drop"] * 1_000)
    with pytest.raises(LocalError, match="cannot be armed"):
        net.arm("drop")


# --- spelling ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("dorp", "did you mean drop"),
        ("drop:often=3", "unknown field `often`"),
        ("drop:count", "name=value"),
        ("drop:count=1,count=2", "each once"),
        ("drop:count=0", ">= 1"),
        ("drop:probability=nan", "> 0.0"),
        ("delay:ms=-1", ">= 0"),
        ("overfill:fraction=1.5", "at most 1"),
        ("overfill:fraction=NaN", "at most 1"),
        ("external_order:notional_usd=0", "above 0"),
        ("", "no fault is called so"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused_with_the_reason(text: str, says: str) -> None:
    """The message names what was wrong."""
    with pytest.raises(ConfigError, match=re.escape(says)):
        parse_fault(text)


def test_text_and_json_spell_the_same_faults() -> None:
    """Both are read by the same rules."""
    assert parse_fault("gap:frames=2,match=book") == read_fault(
        {"fault": "gap", "frames": 2, "match": "book"}
    )
    with pytest.raises(ConfigError):
        read_fault(["drop"])


def test_every_fault_of_the_menu_has_a_test_that_arms_it() -> None:
    """A line in the menu without a test of its effect is decoration."""
    text = Path(__file__).read_text(encoding="utf-8")
    assert [name for name in MENU if not re.search(rf"\"{name}[:\"]", text)] == []
    assert [line.name for line in menu()] == list(MENU)
