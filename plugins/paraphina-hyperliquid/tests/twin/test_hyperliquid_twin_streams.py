"""What the twin tells by itself: channels, confirmations, rhythms and ends of connections, as measured."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from hyperliquid_desk import CLOID, Desk, cancel, modify, order, place
from paraphina_core.connector import Network
from paraphina_hyperliquid.twin.venue import MAX_SUBSCRIPTIONS


def socket(network: Network = Network.TESTNET, **settings: str) -> Desk:
    """Return a desk with one open connection."""
    desk = Desk(network, 7, **settings)
    assert desk.connect() == 101
    return desk


def quiet_match(desk: Desk, size: str = "10", price: str = "2.5") -> None:
    """Let the maker rest and the taker take, in the quiet market."""
    desk.statuses(place(order(price, size)))
    desk.statuses(place(order(price, size, buy=False, tif="Ioc")), desk.taker.key)


# --- subscribing ------------------------------------------------------------------------------------

USER = "0x" + "Ab" * 20
LOWER = USER.lower()


@pytest.mark.parametrize(
    ("sent", "confirmed"),
    [
        (
            {"type": "l2Book", "coin": "BTC"},
            {"type": "l2Book", "coin": "BTC", "nSigFigs": None, "mantissa": None, "fast": False},
        ),
        (
            {"type": "l2Book", "coin": "BTC", "nSigFigs": 5, "mantissa": 2, "fast": True, "other": 1},
            {"type": "l2Book", "coin": "BTC", "nSigFigs": 5, "mantissa": 2, "fast": True},
        ),
        ({"type": "bbo", "coin": "BTC"}, {"type": "bbo", "coin": "BTC"}),
        ({"type": "trades", "coin": "BTC"}, {"type": "trades", "coin": "BTC"}),
        ({"type": "activeAssetCtx", "coin": "BTC"}, {"type": "activeAssetCtx", "coin": "BTC"}),
        (
            {"type": "candle", "coin": "BTC", "interval": "1m"},
            {"type": "candle", "coin": "BTC", "interval": "1m"},
        ),
        ({"type": "allMids"}, {"type": "allMids", "dex": None}),
        ({"type": "orderUpdates", "user": USER}, {"type": "orderUpdates", "user": LOWER}),
        ({"type": "userEvents", "user": USER}, {"type": "userEvents", "user": LOWER}),
        (
            {"type": "userFills", "user": USER},
            {"type": "userFills", "user": LOWER, "aggregateByTime": False},
        ),
        ({"type": "userFundings", "user": USER}, {"type": "userFundings", "user": LOWER}),
        (
            {"type": "clearinghouseState", "user": USER},
            {"type": "clearinghouseState", "user": LOWER, "dex": ""},
        ),
        ({"type": "openOrders", "user": USER}, {"type": "openOrders", "user": LOWER, "dex": ""}),
        (
            {"type": "spotState", "user": USER, "isPortfolioMargin": True},
            {"type": "spotState", "user": LOWER, "ignorePortfolioMargin": True},
        ),
        ({"type": "webData3", "user": USER}, {"type": "webData3", "user": LOWER}),
        (
            {"type": "activeAssetData", "user": USER, "coin": "BTC"},
            {"type": "activeAssetData", "user": LOWER, "coin": "BTC"},
        ),
        (
            {"type": "userNonFundingLedgerUpdates", "user": USER},
            {"type": "userNonFundingLedgerUpdates", "user": LOWER},
        ),
    ],
)
def test_a_subscription_is_confirmed_in_the_venues_spelling(
    sent: dict[str, Any], confirmed: dict[str, Any]
) -> None:
    """Whatever was left out is filled in, whatever is not known is left out; it is ended with the same."""
    desk = socket()
    first, *_ = desk.tell({"method": "subscribe", "subscription": sent})
    assert first == {
        "channel": "subscriptionResponse",
        "data": {"method": "subscribe", "subscription": confirmed},
    }
    (again,) = desk.tell({"method": "subscribe", "subscription": sent})
    spelled = json.dumps(confirmed, separators=(",", ":"))
    assert again == {"channel": "error", "data": f"Already subscribed: {spelled}"}
    (ended,) = desk.tell({"method": "unsubscribe", "subscription": confirmed})
    assert ended["data"] == {"method": "unsubscribe", "subscription": confirmed}
    (never,) = desk.tell({"method": "unsubscribe", "subscription": confirmed})
    assert never["channel"] == "error"
    desk.sent.clear()
    desk.wait(10_000)
    assert desk.sent == []


def test_each_feed_begins_with_what_there_is_except_of_orders() -> None:
    """Books, trades and states at once, lists with the flag of a snapshot, orders with nothing."""
    desk = socket()
    desk.wait(5_000)
    quiet_match(desk)
    desk.wait(200)
    user = desk.maker.address
    book = desk.subscribe("l2Book", coin="BTC")[1]["data"]
    assert [len(side) for side in book["levels"]] == [20, 20]
    fast = desk.subscribe("l2Book", coin="BTC", fast=True)[1]["data"]
    assert [len(side) for side in fast["levels"]] == [5, 5]
    assert fast["fast"] is True
    assert "fast" not in book
    assert [level["px"] for level in desk.subscribe("bbo", coin="BTC")[1]["data"]["bbo"]] == [
        side[0]["px"] for side in book["levels"]
    ]
    trades = desk.subscribe("trades", coin="ATOM")[1]["data"]
    assert [(trade["side"], trade["px"], trade["sz"]) for trade in trades] == [("A", "2.5", "10.0")]
    assert trades[0]["users"] == [desk.maker.address, desk.taker.address]
    fills = desk.subscribe("userFills", user=user)[1]["data"]
    assert (fills["isSnapshot"], fills["user"], len(fills["fills"])) == (True, user, 1)
    assert desk.subscribe("userFundings", user=user)[1]["data"]["isSnapshot"] is True
    assert len(desk.subscribe("orderUpdates", user=user)) == 1
    assert len(desk.subscribe("userEvents", user=user)) == 1
    (candle,) = desk.subscribe("candle", coin="ATOM", interval="1h")[1:]
    assert (candle["data"]["o"], candle["data"]["v"], candle["data"]["n"]) == ("2.5", "10.0", 1)


def test_at_most_thirty_trades_are_repeated_to_a_new_subscriber() -> None:
    """Without a flag: the client has to know them by their numbers."""
    desk = Desk()
    desk.wait(50_000)
    desk.connect()
    trades = desk.subscribe("trades", coin="BTC")[1]["data"]
    assert len(trades) == 30
    assert trades == sorted(trades, key=lambda trade: trade["tid"])


@pytest.mark.parametrize(
    "wrong",
    [
        {"type": "l2Book", "coin": "NOCOIN"},
        {"type": "bbo", "coin": "btc"},
        {"type": "trades", "coin": ""},
        {"type": "l2Book", "coin": "BTC", "nSigFigs": 1},
        {"type": "l2Book", "coin": "BTC", "nSigFigs": 6},
        {"type": "l2Book", "coin": "BTC", "mantissa": 2},
        {"type": "l2Book", "coin": "BTC", "nSigFigs": 5, "mantissa": 3},
    ],
)
def test_an_impossible_subscription_ends_the_connection_without_a_word(wrong: dict[str, Any]) -> None:
    """Seen on 2026-09-24: all others on it are gone too, and no error tells why."""
    desk = socket()
    desk.subscribe("bbo", coin="BTC")
    desk.sent.clear()
    assert desk.tell({"method": "subscribe", "subscription": wrong}) == [1006]
    assert desk.tell({"method": "ping"}) == []
    desk.sent.clear()
    desk.wait(10_000)
    assert desk.sent == []


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"{",
        b"[]",
        b'{"method":"subscribe"}',
        b'{"method":"dance"}',
        b'{"method":"subscribe","subscription":{"type":"webData2","user":"0x0"}}',
        b'{"method":"subscribe","subscription":{"type":"userFills"}}',
        b'{"method":"subscribe","subscription":{"type":"userFills","user":"me"}}',
        b'{"method":"subscribe","subscription":{"type":"candle","coin":"BTC","interval":"7m"}}',
        b'{"method":"post","id":1}',
        b'{"method":"post","id":1,"request":{"type":"info","payload":{"type":"nothing"}}}',
        b'{"method":"post","id":1,"request":{"type":"action","payload":{"nonce":1}}}',
        b"\xff\xfe",
    ],
)
def test_f027_what_is_not_understood_is_sent_back(message: bytes) -> None:
    """Without the id of a request, even if it had one; the connection goes on."""
    desk = socket()
    (said,) = desk.tell(message)
    assert said["channel"] == "error"
    assert said["data"].startswith("Error parsing JSON into valid websocket request: ")
    assert desk.tell({"method": "ping"}) == [{"channel": "pong"}]


# --- rhythms ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("feed", "count"),
    [
        ({"type": "l2Book", "coin": "BTC"}, 3),
        ({"type": "l2Book", "coin": "BTC", "fast": True}, 37),
        ({"type": "activeAssetCtx", "coin": "BTC"}, 20),
        ({"type": "allMids"}, 4),
        ({"type": "clearinghouseState", "user": LOWER}, 4),
    ],
)
def test_pictures_come_in_their_own_rhythm_changed_or_not(feed: dict[str, Any], count: int) -> None:
    """In twenty seconds: a plain book every 5.3 s, a fast one every 0.54 s, a context every second."""
    desk = socket(flow="no")
    desk.tell({"method": "subscribe", "subscription": feed})
    desk.sent.clear()
    desk.wait(20_000)
    assert len(desk.heard(feed["type"])) == count


def test_the_touch_and_trades_come_with_the_block_in_which_they_changed() -> None:
    """At most ten times a second, never the same touch twice, and no trade is lost."""
    desk = socket()
    desk.connect(2)
    desk.subscribe("bbo", coin="BTC")
    desk.subscribe("trades", coin="BTC")
    desk.sent.clear()
    for _ in range(100):
        before = len(desk.sent)
        desk.wait(100)
        assert len(desk.sent) <= before + 2
    touches = [said["data"] for _, said in desk.sent if said["channel"] == "bbo"]
    assert len(touches) > 20
    assert all(
        before["bbo"] != after["bbo"] and before["time"] < after["time"]
        for before, after in itertools.pairwise(touches)
    )
    told = [trade["tid"] for _, said in desk.sent if said["channel"] == "trades" for trade in said["data"]]
    (again,) = desk.subscribe("trades", session=2, coin="BTC")[1:]
    assert told[-30:] == [trade["tid"] for trade in again["data"]][-len(told) :]


def test_a_touch_that_one_side_has_left_is_null() -> None:
    """Clients must expect either side to be missing."""
    desk = socket()
    desk.subscribe("bbo", coin="ATOM")
    oid = desk.rest("2.4", "10")
    desk.wait(100)
    (first,) = desk.heard("bbo")[1:]
    assert first["bbo"] == [{"px": "2.4", "sz": "10.0", "n": 1}, None]
    desk.statuses(cancel(oid))
    desk.wait(100)
    assert desk.heard("bbo")[0]["bbo"] == [None, None]


def test_f031_an_account_hears_of_its_order_and_its_fill_at_once() -> None:
    """Open and filled in one message; the same fill on two channels; the other account hears its own side."""
    desk = socket()
    desk.rest("2.5", "10", buy=False, key=desk.taker.key)
    for kind in ("orderUpdates", "userFills", "userEvents"):
        desk.subscribe(kind, user=desk.maker.address)
    desk.sent.clear()
    desk.statuses(place(order("2.5", "10", cloid=CLOID)))
    updates, fills, events = (said for _, said in desk.sent)
    assert [update["status"] for update in updates["data"]] == ["open", "filled"]
    assert [update["order"]["sz"] for update in updates["data"]] == ["10.0", "0.0"]
    assert {update["order"]["cloid"] for update in updates["data"]} == {CLOID}
    assert fills["channel"] == "userFills"
    assert "isSnapshot" not in fills["data"]
    assert events == {"channel": "user", "data": {"fills": fills["data"]["fills"]}}


def test_a_modify_tells_of_both_orders_in_one_message() -> None:
    """The old one cancelled, the new one open, under one client id."""
    desk = socket()
    old = desk.rest("2.4", "10", cloid=CLOID)
    desk.subscribe("orderUpdates", user=desk.maker.address)
    desk.sent.clear()
    new = desk.statuses(modify(old, order("2.45", "10")))[0]["resting"]["oid"]
    (updates,) = desk.heard("orderUpdates")
    assert [(update["order"]["oid"], update["status"]) for update in updates] == [
        (old, "canceled"),
        (new, "open"),
    ]


def test_a_refused_order_is_told_of_with_its_reason() -> None:
    """Rejections appear on the channel as well, and never as open before."""
    desk = socket()
    desk.subscribe("orderUpdates", user=desk.maker.address)
    desk.statuses(place(order("2.5", "1"), order("2.5", "10", tif="Ioc")))
    (updates,) = desk.heard("orderUpdates")
    assert [update["status"] for update in updates] == ["minTradeNtlRejected", "iocCancelRejected"]


def test_what_the_venue_cancels_by_itself_is_told_of_twice() -> None:
    """On the channel of orders with its status, and as an event that no user has asked for."""
    desk = socket()
    desk.rest("2.5", "10", buy=False)
    desk.subscribe("userEvents", user=desk.maker.address)
    oid = desk.rest("2.5", "10")
    (event,) = desk.heard("user")
    assert event["nonUserCancel"][0]["coin"] == "ATOM"
    assert event["nonUserCancel"][0]["oid"] < oid


def test_an_account_hears_nothing_of_another() -> None:
    """Whoever subscribes to a stranger's address, or to an agent's, gets silence."""
    desk = socket()
    desk.subscribe("orderUpdates", user=desk.taker.address)
    desk.subscribe("userFills", user=desk.maker.agent)
    desk.sent.clear()
    desk.rest("2.4", "10", key=desk.maker.agent_key)
    assert desk.sent == []


# --- requests over the socket -----------------------------------------------------------------------


def test_a_question_over_the_socket_is_answered_under_its_number() -> None:
    """With the kind of the question beside the same answer as over HTTP."""
    desk = socket()
    request = {"type": "info", "payload": {"type": "l2Book", "coin": "BTC"}}
    (said,) = desk.tell({"method": "post", "id": 256, "request": request})
    assert said == {
        "channel": "post",
        "data": {
            "id": 256,
            "response": {
                "type": "info",
                "payload": {"type": "l2Book", "data": desk.ask("l2Book", coin="BTC")},
            },
        },
    }


def test_an_action_over_the_socket_is_done_and_refused_as_over_http() -> None:
    """A refusal is still the answer to an action, not an error of the channel."""
    desk = socket()
    for body, status in ((desk.signed(place(order("2.4", "10"))), "ok"), (None, "err")):
        payload = body or desk.signed(place(order("2.4", "10")), "0x" + "77" * 32)
        (said,) = desk.tell({"method": "post", "id": 1, "request": {"type": "action", "payload": payload}})
        assert said["data"]["response"]["type"] == "action"
        assert said["data"]["response"]["payload"]["status"] == status
    assert len(desk.ask("openOrders", user=desk.maker.address)) == 1


def test_f048_requests_over_the_socket_count_as_over_http() -> None:
    """One address has one budget, whichever door it takes."""
    desk = socket()
    for _ in range(60):
        desk.ask("meta")
    request = {"type": "info", "payload": {"type": "allMids"}}
    (said,) = desk.tell({"method": "post", "id": 2, "request": request})
    assert said["data"]["response"] == {"type": "error", "payload": "429 Too Many Requests"}


# --- limits and ends --------------------------------------------------------------------------------


def test_a_silent_connection_is_dropped_after_a_minute_and_a_ping_keeps_it() -> None:
    """What counts is what the venue has sent, not what it was sent."""
    desk = socket(flow="no")
    assert desk.connect(2) == 101
    desk.wait(30_000)
    assert desk.tell({"method": "ping"}) == [{"channel": "pong"}]
    desk.wait(29_999)
    assert desk.sent == [(1, {"channel": "pong"})]
    desk.wait(1)
    assert desk.sent[-1] == (2, 1006)
    desk.wait(30_000)
    assert desk.sent[-1] == (1, 1006)


def test_f008_an_address_has_ten_connections_and_opens_thirty_a_minute() -> None:
    """The eleventh is refused, another address is not; what was closed counts no more."""
    desk = Desk()
    assert [desk.connect(number) for number in range(1, 12)] == [101] * 10 + [429]
    assert desk.connect(12, peer="127.0.0.2") == 101
    for number in range(1, 11):
        desk.twin.disconnected(number, desk.now_ns)
    codes = []
    for number in range(20, 40):
        codes.append(desk.connect(number))
        desk.twin.disconnected(number, desk.now_ns)
    assert codes == [101] * 19 + [429]


def test_an_address_follows_ten_users_and_a_thousand_feeds() -> None:
    """One more of either is refused with a message, and nothing else happens."""
    desk = socket()
    for number in range(10):
        desk.subscribe("orderUpdates", user=f"0x{number + 1:040x}")
    (said,) = desk.subscribe("orderUpdates", user=f"0x{11:040x}")
    assert said == {"channel": "error", "data": "Cannot track more than 10 total users."}
    assert len(desk.subscribe("userEvents", user=f"0x{10:040x}")) == 1
    session = desk.twin.sessions[1]
    feed = next(iter(session.feeds.values()))
    for number in range(MAX_SUBSCRIPTIONS - len(session.feeds)):
        session.feeds[str(number).encode()] = feed
    (said,) = desk.subscribe("bbo", coin="BTC")
    assert said["data"].startswith("Cannot subscribe to more than 1000")


def test_an_address_that_writes_too_much_is_cut_off() -> None:
    """Two thousand messages a minute; what the venue does beyond is not on record, the twin hangs up."""
    desk = socket()
    for _ in range(2_000):
        assert desk.tell({"method": "ping"})
        desk.sent.clear()
    assert desk.tell({"method": "ping"}) == [1006]


def test_other_doors_are_closed() -> None:
    """Paths and methods that the venue does not have."""
    desk = Desk()
    assert desk.post("/", {})[0] == 404
    assert desk.post("/ws", {})[0] == 404
    assert desk.get("/info") == 405
    assert desk.get("/nothing") == 404


def test_the_same_seed_and_calls_give_the_same_bytes() -> None:
    """Nothing in a twin is random but by its seed."""

    def story(seed: int) -> list[Any]:
        desk = Desk(seed=seed)
        desk.connect()
        desk.subscribe("bbo", coin="BTC")
        desk.subscribe("l2Book", coin="ETH", fast=True)
        quiet_match(desk)
        desk.wait(5_000)
        return desk.sent

    assert story(1) == story(1)
    assert story(1) != story(2)
