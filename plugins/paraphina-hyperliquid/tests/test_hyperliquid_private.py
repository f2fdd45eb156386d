"""The account's stream says what becomes of orders, and a change of one is never taken for its end."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperliquid_account import ETH, NOW_MS, NS_PER_MS, RESTING, USER, Account, fill, funding, update
from paraphina_core.domain import (
    ClientOrderId,
    DeadManReport,
    Fill,
    FundingPayment,
    Liquidity,
    OrderAccepted,
    OrderCancelled,
    OrderRejected,
    OutcomeUnknown,
    RemoteError,
    Side,
    SubscriptionLive,
    VenueNotice,
)
from paraphina_hyperliquid.channels import MAX_UNKNOWN_CHANNELS
from paraphina_hyperliquid.private_feed import MAX_REMEMBERED_PAYMENTS


@pytest.fixture
def account() -> Account:
    """Return an account whose stream has just opened."""
    return Account()


# --- orders -----------------------------------------------------------------------------------


def test_an_order_that_fills_at_once_is_accepted_and_filled_by_its_fills_alone(
    account: Account,
) -> None:
    """`open` and `filled` may come in one message; neither has a trade id, so neither books anything."""
    accepted = OrderAccepted(
        instrument=ETH,
        client_order_id=ClientOrderId(7),
        venue_order_id="5",
        exchange_ns=(NOW_MS + 1) * NS_PER_MS,
    )
    assert account.hears("orderUpdates", [update("open"), update("filled", left="0.0")]) == [accepted] * 2
    assert account.hears("orderUpdates", [update("triggered")]) == [accepted]


def test_a_cancelled_order_says_how_much_of_it_had_filled(account: Account) -> None:
    """What was left is told; the rest had filled, and its fills must be waited for."""
    (event,) = account.hears("orderUpdates", [update("selfTradeCanceled", left="0.25")])
    assert event == OrderCancelled(
        instrument=ETH,
        client_order_id=ClientOrderId(7),
        venue_order_id="5",
        reason="selfTradeCanceled",
        filled_size=Decimal("0.75"),
        exchange_ns=(NOW_MS + 1) * NS_PER_MS,
    )


def test_a_rejected_order_was_never_live(account: Account) -> None:
    """With the reason in the venue's word."""
    (event,) = account.hears("orderUpdates", [update("minTradeNtlRejected")])
    assert isinstance(event, OrderRejected)
    assert (event.code, event.reason, event.client_order_id) == (
        "below_min_notional",
        "minTradeNtlRejected",
        7,
    )


@pytest.mark.parametrize("status", ["", "opened", "Filled", "canceledByMoon", "rejectedLater", "OPEN"])
def test_f026_a_state_that_nobody_knows_leaves_the_order_in_doubt(account: Account, status: str) -> None:
    """It is neither live nor gone before the venue has been asked."""
    (event,) = account.hears("orderUpdates", [update(status)])
    assert isinstance(event, OutcomeUnknown)
    assert event.client_order_id == 7


def test_a_foreign_order_is_told_with_the_venues_id_alone(account: Account) -> None:
    """Somebody else, or another program, trades on this account."""
    for cloid in (None, "0x00030050c6301a2b00000100000000d2"):
        (event,) = account.hears("orderUpdates", [update("open", cloid=cloid)])
        assert isinstance(event, OrderAccepted)
        assert (event.client_order_id, event.venue_order_id) == (None, "5")


def test_a_dead_man_switch_that_fired_is_armed_no_more(account: Account) -> None:
    """The orders it took are cancelled, and it must be armed anew."""
    cancelled, other, report = account.hears(
        "orderUpdates", [update("scheduledCancel"), update("scheduledCancel", oid=6, cloid=None)]
    )
    assert isinstance(cancelled, OrderCancelled)
    assert isinstance(other, OrderCancelled)
    assert report == DeadManReport(armed_until_ns=None, reason="it has fired")


def test_what_is_no_perpetual_of_the_venues_own_is_nobodys_business_here(account: Account) -> None:
    """An account may do more than that; none of it moves a position that is watched here."""
    for coin in ("@107", "PURR/USDC", "#10", "+10", "xyz:NVDA"):
        entry = update("open")
        entry["order"]["coin"] = coin
        assert account.hears("orderUpdates", [entry]) == []
        assert account.hears("userFills", {"fills": [fill(coin=coin, feeToken="HYPE")]}) == ()
        assert account.hears("user", {"nonUserCancel": [{"coin": coin, "oid": 5}]}) == []


def test_an_order_that_the_venue_cancelled_by_itself_is_gone(account: Account) -> None:
    """With the venue's id alone, and no word of what had filled."""
    (event,) = account.hears("user", {"nonUserCancel": [{"coin": "ETH", "oid": 5}]})
    assert isinstance(event, OrderCancelled)
    assert (event.client_order_id, event.venue_order_id, event.filled_size) == (None, "5", None)


def test_a_liquidation_is_for_the_operator(account: Account) -> None:
    """Its fills come as fills; this says why."""
    data = {
        "lid": 9,
        "liquidator": USER,
        "liquidated_user": USER,
        "liquidated_ntl_pos": "1000.0",
        "liquidated_account_value": "1.0",
    }
    (event,) = account.hears("user", {"liquidation": data})
    assert isinstance(event, VenueNotice)
    assert (event.code, "1000.0" in event.text) == ("liquidation", True)


def test_f033_fills_and_funding_of_user_events_are_left_to_their_own_channels(account: Account) -> None:
    """Both would be told twice."""
    assert account.hears("user", {"fills": [fill()]}) == []
    assert account.hears("user", {"funding": {"time": NOW_MS, "coin": "ETH", "usdc": "-1"}}) == []


# --- fills and funding ------------------------------------------------------------------------


def test_a_fill_is_booked_with_its_fee_side_and_liquidity(account: Account) -> None:
    """A negative fee is a rebate, and a trade's id is unique with its time."""
    (event,) = account.hears("userFills", {"user": USER, "fills": [fill()]})
    assert event == Fill(
        instrument=ETH,
        client_order_id=ClientOrderId(7),
        venue_order_id="5",
        trade_id=f"{NOW_MS}-1",
        side=Side.BUY,
        price=Decimal("1500.5"),
        size=Decimal("0.4"),
        fee=Decimal("-0.0123"),
        liquidity=Liquidity.MAKER,
        exchange_ns=NOW_MS * NS_PER_MS,
    )
    (taken,) = account.hears("userFills", {"fills": [fill(2, crossed=True, side="A", cloid=None)]})
    assert isinstance(taken, Fill)
    assert (taken.liquidity, taken.side, taken.client_order_id) == (Liquidity.TAKER, Side.SELL, None)


@pytest.mark.parametrize("text", ["Net Child Vaults", "Liquidated Isolated Long", "Long > Short", ""])
def test_what_a_fill_did_is_text_for_people(account: Account, text: str) -> None:
    """Only side and size move a position."""
    (event,) = account.hears("userFills", {"fills": [fill(dir=text, liquidation={"method": "market"})]})
    assert isinstance(event, Fill)


def test_f033_fills_of_a_snapshot_are_marked_as_told_again(account: Account) -> None:
    """They may be from before this session."""
    (event,) = account.hears("userFills", {"isSnapshot": True, "user": USER, "fills": [fill()]})
    assert isinstance(event, Fill)
    assert event.is_replay


def test_a_fee_in_another_token_is_told_and_not_counted(account: Account) -> None:
    """What the token is worth is not said, so no amount is made up."""
    booked, notice = account.hears("userFills", {"fills": [fill(fee="0.5", feeToken="HYPE")]})
    assert isinstance(booked, Fill)
    assert booked.fee == 0
    assert isinstance(notice, VenueNotice)
    assert (notice.code, "0.5 HYPE" in notice.text) == ("fee_not_counted", True)
    (free,) = account.hears("userFills", {"fills": [fill(2, fee="0.0", feeToken="HYPE")]})
    assert isinstance(free, Fill)


def test_funding_is_booked_once_and_not_from_before_the_session(account: Account) -> None:
    """A subscription begins with what was before; after a lost connection that holds what was missed."""
    events = account.hears(
        "userFundings", {"isSnapshot": True, "fundings": [funding(NOW_MS - 1), funding(NOW_MS)]}
    )
    paid = FundingPayment(
        instrument=ETH, amount=Decimal("-0.5"), rate=0.0000125, exchange_ns=NOW_MS * NS_PER_MS
    )
    assert events == [paid]
    account.feed.opened((NOW_MS + 9) * NS_PER_MS)
    again = {"isSnapshot": True, "fundings": [funding(NOW_MS), funding(NOW_MS + 1), funding(NOW_MS, "BTC")]}
    assert [
        (e.instrument, e.exchange_ns)
        for e in account.hears("userFundings", again)
        if isinstance(e, FundingPayment)
    ] == [
        (ETH, (NOW_MS + 1) * NS_PER_MS),
        ("hyperliquid:BTC", NOW_MS * NS_PER_MS),
    ]


def test_the_memory_of_funding_is_bounded(account: Account) -> None:
    """After so many others the oldest is forgotten, and no earlier."""
    many = [funding(NOW_MS + n) for n in range(MAX_REMEMBERED_PAYMENTS)]
    account.hears("userFundings", {"fundings": many})
    assert account.hears("userFundings", {"fundings": many[:1]}) == []
    account.hears("userFundings", {"fundings": [funding(NOW_MS - 0, "BTC")]})
    assert len(account.hears("userFundings", {"fundings": many[:1]})) == 1


# --- the stream itself ------------------------------------------------------------------------


@pytest.mark.parametrize("channel", ["orderUpdates", "userFills", "userEvents", "userFundings"])
def test_an_acknowledged_subscription_is_live(account: Account, channel: str) -> None:
    """By the name that was subscribed to; the end of one is nothing."""
    echo = {"type": channel, "user": USER}
    assert account.hears("subscriptionResponse", {"method": "subscribe", "subscription": echo}) == (
        SubscriptionLive(topic=channel),
    )
    assert account.hears("subscriptionResponse", {"method": "unsubscribe", "subscription": echo}) == ()


def test_pongs_say_nothing_and_errors_are_for_the_operator(account: Account) -> None:
    """An answer to a heartbeat has no data."""
    assert account.feed.read(b'{"channel":"pong"}') == ()
    (notice,) = account.hears("error", "Already subscribed\x1b[31m")
    assert isinstance(notice, VenueNotice)
    assert notice.text.isprintable()


def test_f026_unknown_channels_are_noticed_once_each_and_not_endlessly(account: Account) -> None:
    """An operator learns of them and is not flooded."""
    assert len(account.hears("novelty", {})) == 1
    assert account.hears("novelty", {}) == ()
    noticed = [event for n in range(1_000) for event in account.hears(f"c{n}", {})]
    assert len(noticed) == MAX_UNKNOWN_CHANNELS - 1


def test_an_answer_that_was_given_up_is_told_and_moves_nothing(account: Account) -> None:
    """The venue has been asked since, and its answer stands."""
    (event,) = account.answers(NOW_MS, RESTING)
    assert isinstance(event, VenueNotice)
    assert event.code == "late_answer"


BROKEN: dict[str, tuple[str, object]] = {
    "no list": ("orderUpdates", {}),
    "more left than ordered": ("orderUpdates", [update("canceled", left="1.5")]),
    "side": ("orderUpdates", [update("open") | {"order": update("open")["order"] | {"side": "C"}}]),
    "price": ("orderUpdates", [update("open") | {"order": update("open")["order"] | {"limitPx": "NaN"}}]),
    "no status": ("orderUpdates", [{"order": update("open")["order"], "statusTimestamp": 1}]),
    "fill without a size": ("userFills", {"fills": [fill(sz="0")]}),
    "fill at no price": ("userFills", {"fills": [fill(px="-1")]}),
    "fee": ("userFills", {"fills": [fill(fee="1e5")]}),
    "fee in another token": ("userFills", {"fills": [fill(fee="1e5", feeToken="HYPE")]}),
    "time": ("userFills", {"fills": [fill(time=-1)]}),
    "funding": ("userFundings", {"fundings": [funding(NOW_MS) | {"usdc": "x"}]}),
    "post without an id": ("post", {"response": {"type": "action", "payload": {}}}),
    "info that is none": ("post", {"id": 1, "response": {"type": "info", "payload": 5}}),
    "number as error": ("error", 5),
}


@pytest.mark.parametrize(("channel", "data"), BROKEN.values(), ids=BROKEN.keys())
def test_f027_a_message_that_cannot_be_is_refused_as_remote(
    account: Account, channel: str, data: object
) -> None:
    """All of it: half a message is not believed."""
    with pytest.raises(RemoteError):
        account.hears(channel, data)


REAL = [
    json.dumps({"channel": channel, "data": data}).encode()
    for channel, data in (
        ("orderUpdates", [update("open"), update("canceled")]),
        ("userFills", {"isSnapshot": True, "user": USER, "fills": [fill()]}),
        ("userFundings", {"fundings": [funding(NOW_MS)]}),
        ("user", {"nonUserCancel": [{"coin": "ETH", "oid": 5}]}),
        (
            "post",
            {
                "id": 1,
                "response": {"type": "info", "payload": {"type": "userRole", "data": {"role": "user"}}},
            },
        ),
        ("post", {"id": NOW_MS, "response": {"type": "action", "payload": RESTING}}),
        (
            "subscriptionResponse",
            {"method": "subscribe", "subscription": {"type": "userFills", "user": USER}},
        ),
    )
]


@given(st.sampled_from(REAL), st.integers(0, 500), st.binary(max_size=4), st.integers(0, 4))
def test_f007_any_damage_to_a_message_is_read_or_refused_as_remote(
    frame: bytes, position: int, inserted: bytes, removed: int
) -> None:
    """Bytes changed, lost or added never raise anything but a remote error."""
    at = position % len(frame)
    try:
        Account().feed.read(frame[:at] + inserted + frame[at + removed :])
    except RemoteError:
        return


@given(st.binary(max_size=300))
def test_f007_any_bytes_are_read_or_refused_as_remote(frame: bytes) -> None:
    """Garbage as well."""
    try:
        Account().feed.read(frame)
    except RemoteError:
        return
