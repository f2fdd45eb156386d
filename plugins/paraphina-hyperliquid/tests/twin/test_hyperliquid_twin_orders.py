"""Orders at the twin meet the venue's rules, and its refusals are the venue's sentences."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from hyperliquid_desk import ATOM, BTC, CLOID, MATIC, Desk, cancel, modify, order, place
from paraphina_core.domain import TradingStatus, instrument_id

ATOM_ID = instrument_id("hyperliquid", "ATOM")


def error(status: Any) -> str:
    """Return with what a part of an action was refused."""
    text: str = status["error"]
    return text


def position(desk: Desk, address: str) -> str:
    """Return the signed position in the quiet market, as the venue spells it."""
    found = desk.ask("clearinghouseState", user=address)["assetPositions"]
    return found[0]["position"]["szi"] if found else "0.0"


def hold(desk: Desk, size: str, price: str = "2.5") -> None:
    """Let the maker buy from the taker, so that one is long and the other short."""
    desk.statuses(place(order(price, size, buy=False)), desk.taker.key)
    (status,) = desk.statuses(place(order(price, size, tif="Ioc")))
    assert status["filled"]["totalSz"] == f"{size}.0"


# --- placing ----------------------------------------------------------------------------------------


def test_an_order_rests_and_is_known_by_both_of_its_names() -> None:
    """Client id and venue id find it, open, in full."""
    desk = Desk()
    (status,) = desk.statuses(place(order("2.4567", "10.5", cloid=CLOID)))
    oid = status["resting"]["oid"]
    assert status == {"resting": {"oid": oid, "cloid": CLOID}}
    for name in (oid, CLOID, CLOID.upper().replace("X", "x")):
        known = desk.ask("orderStatus", user=desk.maker.address, oid=name)
        assert known["status"] == "order"
        assert known["order"]["status"] == "open"
        assert known["order"]["order"] == {
            "coin": "ATOM",
            "side": "B",
            "limitPx": "2.4567",
            "sz": "10.5",
            "oid": oid,
            "timestamp": desk.now_ms,
            "origSz": "10.5",
            "cloid": CLOID,
            "triggerCondition": "N/A",
            "isTrigger": False,
            "triggerPx": "0.0",
            "children": [],
            "isPositionTpsl": False,
            "reduceOnly": False,
            "orderType": "Limit",
            "tif": "Gtc",
        }
    assert desk.ask("orderStatus", user=desk.maker.address, oid=oid + 1) == {"status": "unknownOid"}
    assert desk.ask("orderStatus", user=desk.taker.address, oid=oid) == {"status": "unknownOid"}


def test_f034_what_does_not_match_at_once_rests_under_the_same_id() -> None:
    """The answer says what has filled, at its average price; the rest is in the book."""
    desk = Desk()
    desk.statuses(place(order("2.4", "5", buy=False), order("2.5", "5", buy=False)), desk.taker.key)
    (status,) = desk.statuses(place(order("2.5", "20", cloid=CLOID)))
    oid = status["filled"]["oid"]
    assert status == {"filled": {"totalSz": "10.0", "avgPx": "2.45", "oid": oid, "cloid": CLOID}}
    (open_,) = desk.ask("openOrders", user=desk.maker.address)
    assert (open_["oid"], open_["sz"], open_["origSz"]) == (oid, "10.0", "20.0")


@pytest.mark.parametrize(
    ("price", "size", "said"),
    [
        ("2.40001", "10", "Price must be divisible by tick size."),
        ("2.5", "10.001", "Order has invalid size. asset=2"),
        ("2.5", "0", "Order has zero size. asset=2"),
        ("2.5", "3.99", "Order must have minimum value of $10. asset=2"),
        ("2.5", "4", None),
        ("2.5", "2000001", "Order value too large. Max is $5000000. asset=2"),
        ("2.5", "21000", "Insufficient margin to place order. asset=2"),
        ("4.8751", "10", "Order price cannot be more than 95% away from the reference price"),
        ("4.875", "10", None),
    ],
)
def test_f045_an_order_off_the_rules_is_refused_in_the_venues_words(
    price: str, size: str, said: str | None
) -> None:
    """Each rule one step beyond its limit, and at it."""
    desk = Desk()
    (status,) = desk.statuses(place(order(price, size)))
    assert (status.get("error") if said else "resting" in status) == (said or True)


def test_a_price_has_five_figures_and_integers_have_as_many_as_they_need() -> None:
    """Docs "Tick and lot size" (read 2026-08-22)."""
    desk = Desk()
    for price, is_right in (("80000.5", False), ("123456", True), ("12345.6", False), ("9999.9", True)):
        (status,) = desk.statuses(place(order(price, "0.002", asset=BTC, tif="Ioc", buy=price != "123456")))
        assert ("tick size" in error(status)) != is_right


def test_what_is_refused_before_any_order_is_looked_at_is_answered_once() -> None:
    """One tick error in a batch of three gives one status, and none of the three is placed."""
    desk = Desk()
    statuses = desk.statuses(place(order("2", "10"), order("2.00001", "10"), order("2", "10")))
    assert statuses == [{"error": "Price must be divisible by tick size."}]
    assert desk.ask("openOrders", user=desk.maker.address) == []


def test_f044_other_refusals_concern_their_order_alone() -> None:
    """A batch of three with one that is too small leaves two."""
    desk = Desk()
    first, second, third = desk.statuses(place(order("2", "10"), order("2", "1"), order("2", "10")))
    assert "resting" in first
    assert "resting" in third
    assert error(second) == "Order must have minimum value of $10. asset=2"


def test_f045_a_post_only_order_that_would_match_is_refused_with_the_touch() -> None:
    """It is never repriced; what it would have met is named."""
    desk = Desk()
    desk.rest("2.4", "10")
    desk.rest("2.6", "10", buy=False, key=desk.taker.key)
    (status,) = desk.statuses(place(order("2.6", "10", tif="Alo")))
    assert error(status) == "Post only order would have immediately matched, bbo was 2.4@2.6. asset=2"
    assert "resting" in desk.statuses(place(order("2.5999", "10", tif="Alo")))[0]


def test_an_ioc_order_without_a_match_is_refused_and_remembered() -> None:
    """With its own status, and an id."""
    desk = Desk()
    (status,) = desk.statuses(place(order("2.5", "10", tif="Ioc", cloid=CLOID)))
    assert error(status) == "Order could not immediately match against any resting orders. asset=2"
    known = desk.ask("orderStatus", user=desk.maker.address, oid=CLOID)
    assert known["order"]["status"] == "iocCancelRejected"


def test_f046_a_reduce_only_order_reduces_and_no_more() -> None:
    """Without a position it is refused, with a smaller one it is cut down to it."""
    desk = Desk()
    (status,) = desk.statuses(place(order("2.4", "10", buy=False, reduce_only=True, tif="Ioc")))
    assert error(status) == "Reduce only order would increase position. asset=2"
    hold(desk, "10")
    desk.rest("2.4", "30", key=desk.taker.key)
    (status,) = desk.statuses(place(order("2.4", "30", buy=False, reduce_only=True, tif="Ioc")))
    assert status["filled"]["totalSz"] == "10.0"
    assert position(desk, desk.maker.address) == "0.0"


def test_of_reduce_only_orders_that_close_too_much_the_oldest_goes() -> None:
    """Seen on 2026-09-07: two that together exceed the position cost the older one its life."""
    desk = Desk()
    hold(desk, "10")
    older = desk.rest("2.7", "6", buy=False, reduce_only=True)
    newer = desk.rest("2.8", "6", buy=False, reduce_only=True)
    assert [o["oid"] for o in desk.ask("openOrders", user=desk.maker.address)] == [newer]
    known = desk.ask("orderStatus", user=desk.maker.address, oid=older)
    assert known["order"]["status"] == "reduceOnlyCanceled"


def test_a_client_id_is_not_used_twice_at_a_time() -> None:
    """While its order is open; afterwards it may name another one. The venue's own rule is not on record."""
    desk = Desk()
    oid = desk.rest("2", "10", cloid=CLOID)
    (status,) = desk.statuses(place(order("2", "11", cloid=CLOID)))
    assert error(status) == "Duplicate cloid. asset=2"
    desk.statuses(cancel(oid))
    desk.rest("2", "11", cloid=CLOID)


def test_an_order_that_meets_one_of_its_own_account_cancels_that() -> None:
    """Docs "Self-trade prevention" (read 2026-08-22): the resting order expires, nothing trades."""
    desk = Desk()
    oid = desk.rest("2.5", "10", buy=False)
    desk.rest("2.5", "10")
    assert desk.ask("orderStatus", user=desk.maker.address, oid=oid)["order"]["status"] == "selfTradeCanceled"
    assert desk.ask("userFills", user=desk.maker.address) == []


def test_f056_a_delisted_coin_keeps_its_number_and_takes_no_orders() -> None:
    """And its book is empty, without being unknown."""
    desk = Desk()
    assert desk.ask("meta")["universe"][MATIC]["isDelisted"] is True
    assert desk.ask("l2Book", coin="MATIC")["levels"] == [[], []]
    assert "MATIC" not in desk.ask("allMids")
    (status,) = desk.statuses(place(order("0.4", "100", asset=MATIC)))
    assert error(status) == "Trading is halted. asset=5"
    (status,) = desk.statuses(place(order("0.4", "100", asset=99)))
    assert error(status) == "Invalid asset. asset=99"


def test_f056_a_coin_that_is_delisted_while_it_trades_shows_in_the_list() -> None:
    """Its place stays, its orders stay to be cancelled, new ones are refused."""
    desk = Desk(flow="no")
    oid = desk.rest("2.4", "10")
    assert "isDelisted" not in desk.ask("meta")["universe"][ATOM]
    desk.twin.exchange.set_status(ATOM_ID, TradingStatus.DELISTED)
    assert desk.ask("meta")["universe"][ATOM]["isDelisted"] is True
    assert "ATOM" not in desk.ask("allMids")
    assert error(desk.statuses(place(order("2.4", "10")))[0]) == "Trading is halted. asset=2"
    assert desk.statuses(cancel(oid)) == ["success"]


def test_an_account_has_so_many_orders_open_and_no_more() -> None:
    """A thousand to begin with; and from there on none that only reduces."""
    desk = Desk(flow="no")
    for _ in range(20):
        statuses = desk.statuses(place(*[order("1.25", "8")] * 50))
        assert all("resting" in status for status in statuses)
    (status,) = desk.statuses(place(order("1.25", "8")))
    assert error(status) == "Too many open orders. asset=2"


def test_what_the_twin_does_not_do_it_says() -> None:
    """Triggers, groupings and paid priority are signed for, recognised and refused."""
    desk = Desk()
    trigger = order("2", "10") | {"t": {"trigger": {"isMarket": True, "triggerPx": "3", "tpsl": "tp"}}}
    for action in (
        place(trigger),
        place(order("2", "10")) | {"grouping": "normalTpsl"},
        place(order("2", "10")) | {"grouping": {"p": 10}},
    ):
        assert "not part of this twin" in desk.refused(action)
    assert desk.refused(place()) == "Order batch is empty."


# --- changing ---------------------------------------------------------------------------------------


def test_a_modified_order_is_a_new_one_with_the_old_name() -> None:
    """Another id, the same client id, last in the queue, post-only whatever was asked for."""
    desk = Desk()
    old = desk.rest("2.4", "10", cloid=CLOID)
    (status,) = desk.statuses(modify(old, order("2.45", "12")))
    new = status["resting"]["oid"]
    assert new != old
    assert status["resting"]["cloid"] == CLOID
    (open_,) = desk.ask("frontendOpenOrders", user=desk.maker.address)
    assert (open_["oid"], open_["sz"], open_["tif"]) == (new, "12.0", "Alo")
    assert desk.ask("orderStatus", user=desk.maker.address, oid=old)["order"]["status"] == "canceled"
    assert desk.ask("orderStatus", user=desk.maker.address, oid=CLOID)["order"]["order"]["oid"] == new
    by_name = desk.statuses({"type": "modify", "oid": CLOID, "order": order("2.46", "12", cloid=CLOID)})
    assert by_name[0]["resting"]["oid"] > new


def test_a_modify_that_would_match_loses_the_order() -> None:
    """The cancel has worked, the new order has not."""
    desk = Desk()
    oid = desk.rest("2.4", "10")
    desk.rest("2.6", "10", buy=False, key=desk.taker.key)
    (status,) = desk.statuses(modify(oid, order("2.6", "10")))
    assert error(status).startswith("Error placing new order during modify: Post only order would have")
    assert desk.ask("openOrders", user=desk.maker.address) == []


def test_a_modify_to_what_cannot_rest_leaves_the_order() -> None:
    """Without the flag for always placing there is no immediate-or-cancel."""
    desk = Desk()
    oid = desk.rest("2.4", "10")
    assert desk.refused(modify(oid, order("2.6", "10", tif="Ioc"))).startswith("Attempted to modify")
    assert [o["oid"] for o in desk.ask("openOrders", user=desk.maker.address)] == [oid]


def test_a_modify_of_an_order_that_is_gone_is_refused_as_a_whole() -> None:
    """With more than one in the batch, each has its own status."""
    desk = Desk()
    oid = desk.rest("2.4", "10")
    desk.statuses(cancel(oid))
    assert desk.refused(modify(oid, order("2.3", "10"))) == "Cannot modify canceled or filled order"
    both = modify(oid, order("2.3", "10"))
    both["modifies"].append({"oid": desk.rest("2.2", "10"), "order": order("2.3", "10")})
    first, second = desk.statuses(both)
    assert error(first) == "Cannot modify canceled or filled order"
    assert "resting" in second


def test_a_modify_that_always_places_may_double_an_order() -> None:
    """With the flag the new order comes even if the old one had gone, and may take."""
    desk = Desk()
    oid = desk.rest("2.4", "10")
    desk.statuses(cancel(oid))
    (status,) = desk.statuses(modify(oid, order("2.4", "10")) | {"a": True})
    assert "resting" in status


def test_f035_a_cancel_of_what_is_gone_says_so() -> None:
    """For each of a batch alone; the wrong asset names no order either."""
    desk = Desk()
    oid = desk.rest("2.4", "10", cloid=CLOID)
    gone = "Order was never placed, already canceled, or filled. asset={}"
    assert desk.statuses(cancel(oid, BTC)) == [{"error": gone.format(BTC)}]
    both = {"type": "cancel", "cancels": [{"a": ATOM, "o": oid}, {"a": ATOM, "o": oid}]}
    assert desk.statuses(both | {"f": True}) == ["success", {"error": gone.format(ATOM)}]
    named = {"type": "cancelByCloid", "cancels": [{"asset": ATOM, "cloid": CLOID}]}
    assert desk.statuses(named) == [{"error": gone.format(ATOM)}]
    desk.rest("2.4", "10", cloid=CLOID)
    assert desk.statuses(named) == ["success"]


def test_nobody_cancels_the_order_of_another() -> None:
    """Its id is known to everyone and helps nobody."""
    desk = Desk()
    oid = desk.rest("2.4", "10")
    assert "never placed" in error(desk.statuses(cancel(oid), desk.taker.key)[0])


# --- settings ---------------------------------------------------------------------------------------


def test_f068_nobody_schedules_a_cancel_before_having_traded_a_million() -> None:
    """Not even to take one back; the refusal says how much it was."""
    desk = Desk()
    said = "Cannot set scheduled cancel time until enough volume traded. Required: $1000000. Traded: $0."
    for action in ({"type": "scheduleCancel", "time": desk.now_ms + 10_000}, {"type": "scheduleCancel"}):
        assert desk.refused(action) == said


def test_f067_a_scheduled_cancel_strikes_once_and_ten_times_a_day() -> None:
    """At least five seconds ahead; every order of the account goes, with its own status."""
    desk = Desk(traded_usd="1000000", flow="no")

    def schedule(ahead_ms: int) -> Any:
        return desk.act({"type": "scheduleCancel", "time": desk.now_ms + ahead_ms})

    assert "too early" in schedule(4_999)["response"]
    for _ in range(10):
        oid = desk.rest("2.4", "10")
        assert schedule(5_000)["status"] == "ok"
        desk.wait(4_999)
        assert len(desk.ask("openOrders", user=desk.maker.address)) == 1
        desk.wait(1)
        assert desk.ask("openOrders", user=desk.maker.address) == []
        known = desk.ask("orderStatus", user=desk.maker.address, oid=oid)
        assert known["order"]["status"] == "scheduledCancel"
    assert "it fired 10 times today" in schedule(5_000)["response"]


def test_a_scheduled_cancel_can_be_taken_back() -> None:
    """Without a time there is none any more."""
    desk = Desk(traded_usd="1000000", flow="no")
    desk.rest("2.4", "10")
    desk.act({"type": "scheduleCancel", "time": desk.now_ms + 5_000})
    desk.act({"type": "scheduleCancel"})
    desk.wait(6_000)
    assert len(desk.ask("openOrders", user=desk.maker.address)) == 1


def test_leverage_and_margin_mode_are_set_within_the_coins_limits() -> None:
    """No mode is switched while there is a position."""
    desk = Desk()

    def set_to(leverage: int, *, cross: bool) -> Any:
        return desk.act({"type": "updateLeverage", "asset": ATOM, "isCross": cross, "leverage": leverage})

    assert set_to(3, cross=True) == {"status": "ok", "response": {"type": "default"}}
    active = desk.ask("activeAssetData", user=desk.maker.address, coin="ATOM")
    assert active["leverage"] == {"type": "cross", "value": 3}
    assert active["maxTradeSzs"] == ["12000.0", "12000.0"]
    assert "Invalid leverage" in set_to(6, cross=True)["response"]
    assert "Invalid leverage" in set_to(0, cross=True)["response"]
    hold(desk, "10")
    assert set_to(2, cross=False)["response"] == "Cannot switch leverage type with open position."
    assert set_to(2, cross=True)["status"] == "ok"


# --- money ------------------------------------------------------------------------------------------


def test_fills_positions_and_money_agree_to_the_last_digit() -> None:
    """Maker and taker see the same trade, each with its fee; the account's value follows."""
    desk = Desk()
    desk.rest("2.5", "100", buy=False, key=desk.taker.key)
    (status,) = desk.statuses(place(order("2.6", "100", tif="Ioc", cloid=CLOID)))
    oid = status["filled"]["oid"]
    (bought,) = desk.ask("userFills", user=desk.maker.address)
    (sold,) = desk.ask("userFillsByTime", user=desk.taker.address, startTime=desk.now_ms)
    assert bought["tid"] == sold["tid"]
    assert (bought["dir"], bought["crossed"], bought["fee"]) == ("Open Long", True, "0.1125")
    assert (sold["dir"], sold["crossed"], sold["fee"]) == ("Open Short", False, "0.0375")
    assert (bought["oid"], bought["cloid"], bought["px"], bought["sz"]) == (oid, CLOID, "2.5", "100.0")
    assert desk.ask("userFillsByTime", user=desk.taker.address, startTime=desk.now_ms + 1) == []
    state = desk.ask("clearinghouseState", user=desk.maker.address)
    assert state["marginSummary"] == {
        "accountValue": "9999.8875",
        "totalNtlPos": "250.0",
        "totalRawUsd": "9749.8875",
        "totalMarginUsed": "50.0",
    }
    assert desk.ask("userRateLimit", user=desk.maker.address) == {
        "cumVlm": "250.0",
        "nRequestsUsed": 1,
        "nRequestsCap": 10_250,
        "nRequestsSurplus": 0,
    }
    (held,) = desk.ask("clearinghouseState", user=desk.taker.address)["assetPositions"]
    assert held["type"] == "oneWay"
    assert (held["position"]["szi"], held["position"]["entryPx"]) == ("-100.0", "2.5")


def test_a_position_is_closed_and_turned_with_the_venues_words_for_it() -> None:
    """Display texts, as clients print them."""
    desk = Desk()
    hold(desk, "10")
    for price, size in (("2.6", "4"), ("2.6", "12")):
        desk.rest(price, size, key=desk.taker.key)
        desk.statuses(place(order(price, size, buy=False, tif="Ioc")))
    last, middle, _ = desk.ask("userFills", user=desk.maker.address)
    assert (middle["dir"], middle["closedPnl"], middle["startPosition"]) == ("Close Long", "0.4", "10.0")
    assert (last["dir"], last["closedPnl"]) == ("Long > Short", "0.6")
    taker = desk.ask("userFills", user=desk.taker.address)
    assert [fill["dir"] for fill in taker] == ["Short > Long", "Close Short", "Open Short"]


def test_f062_funding_is_paid_every_hour_and_shown_to_whoever_asks() -> None:
    """Longs pay a positive rate; the hour's rate is remembered."""
    desk = Desk()
    hold(desk, "100")
    desk.twin.exchange.set_mark(ATOM_ID, Decimal("2.5"), desk.now_ns, funding_rate_1h=0.001)
    started_ms = desk.now_ms
    desk.twin.exchange.pay_funding(ATOM_ID, desk.now_ns)
    (paid,) = desk.ask("userFunding", user=desk.maker.address, startTime=started_ms)
    assert paid["time"] == desk.now_ms
    assert paid["delta"] == {
        "type": "funding",
        "coin": "ATOM",
        "usdc": "-0.25",
        "szi": "100.0",
        "fundingRate": "0.001",
        "nSamples": None,
    }
    (received,) = desk.ask("userFunding", user=desk.taker.address, startTime=started_ms)
    assert received["delta"]["usdc"] == "0.25"
    position = desk.ask("clearinghouseState", user=desk.maker.address)["assetPositions"][0]["position"]
    assert position["cumFunding"] == {"allTime": "0.25", "sinceOpen": "0.25", "sinceChange": "0.25"}


def test_f060_a_position_is_liquidated_at_the_price_that_was_foretold() -> None:
    """One step before it lives, one step behind it is gone; its fills say so."""
    desk = Desk()
    hold(desk, "19000")
    desk.rest("2.15", "19000", key=desk.taker.key)
    (held,) = desk.ask("clearinghouseState", user=desk.maker.address)["assetPositions"]
    foretold = Decimal(held["position"]["liquidationPx"])
    desk.twin.exchange.set_mark(ATOM_ID, foretold + Decimal("0.0001"), desk.now_ns)
    assert position(desk, desk.maker.address) == "19000.0"
    desk.twin.exchange.set_mark(ATOM_ID, foretold - Decimal("0.0001"), desk.now_ns)
    assert position(desk, desk.maker.address) == "0.0"
    fill = desk.ask("userFills", user=desk.maker.address)[0]
    assert fill["liquidation"]["liquidatedUser"] == desk.maker.address
