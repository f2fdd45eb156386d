"""The twin's answers have the shape of the venue's, and say what its exchange knows."""

from __future__ import annotations

import json
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperliquid_desk import CLOID, Desk, order, place
from paraphina_core.domain import instrument_id
from paraphina_hyperliquid.twin.candles import INTERVALS_MS, Candles

VECTORS = Path(__file__).parents[1] / "vectors"
HOUR_MS = 3_600_000
ATOM_ID = instrument_id("hyperliquid", "ATOM")


def recorded(name: str) -> Any:
    """Return an answer of the venue that was recorded."""
    return json.loads((VECTORS / f"{name}.json").read_text(encoding="utf-8"))["response"]


def shape(value: Any) -> Any:
    """Return the keys and the types of an answer; a list is as its first item."""
    if isinstance(value, dict):
        return {key: shape(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return type(value).__name__


def matched() -> Desk:
    """Return a desk at which both accounts have traded."""
    desk = Desk(flow="no")
    desk.statuses(place(order("2.5", "100", buy=False)), desk.taker.key)
    desk.statuses(place(order("2.5", "100", tif="Ioc", cloid=CLOID)))
    return desk


# --- beside recordings ------------------------------------------------------------------------------


def test_a_book_has_the_recorded_shape() -> None:
    """That of 2023; newer ones have a time for certain."""
    desk = Desk()
    desk.wait(1_000)
    ours = shape(desk.ask("l2Book", coin="BTC"))
    assert ours == shape(recorded("get_l2_snapshot_1")) | {"time": "int"}


def test_orders_of_the_past_have_the_recorded_shape() -> None:
    """Every key, in the recorded types; the newest comes first."""
    desk = Desk(flow="no")
    desk.statuses(place(order("2.5", "10", tif="Ioc")))
    (ours,) = desk.ask("historicalOrders", user=desk.maker.address)
    theirs = recorded("historical_orders")[0]
    assert shape(ours) == shape(theirs)
    assert ours["status"] == theirs["status"] == "iocCancelRejected"
    assert ours["order"]["tif"] == theirs["order"]["tif"] == "Ioc"
    desk.rest("2.4", "10")
    newest, _ = desk.ask("historicalOrders", user=desk.maker.address)
    assert newest["status"] == "open"


def test_funding_that_was_paid_has_the_recorded_shape() -> None:
    """But for the number of samples, which newer answers leave null."""
    desk = matched()
    desk.twin.exchange.pay_funding(ATOM_ID, desk.now_ns)
    ours = shape(desk.ask("userFunding", user=desk.maker.address, startTime=0))
    (theirs,) = shape(recorded("user_funding_history_without_end_time"))
    theirs["delta"]["nSamples"] = "NoneType"
    assert ours == [theirs]


def test_an_accounts_state_has_the_documented_shape() -> None:
    """Docs "Retrieve user's perpetuals account summary" (read 2026-08-22), for a cross position."""
    desk = matched()
    summary = dict.fromkeys(("accountValue", "totalNtlPos", "totalRawUsd", "totalMarginUsed"), "str")
    state = desk.ask("clearinghouseState", user=desk.taker.address)
    assert shape(state) == {
        "marginSummary": summary,
        "crossMarginSummary": summary,
        "crossMaintenanceMarginUsed": "str",
        "withdrawable": "str",
        "assetPositions": [
            {
                "type": "str",
                "position": {
                    "coin": "str",
                    "szi": "str",
                    "leverage": {"type": "str", "value": "int"},
                    "entryPx": "str",
                    "positionValue": "str",
                    "unrealizedPnl": "str",
                    "returnOnEquity": "str",
                    "liquidationPx": "str",
                    "marginUsed": "str",
                    "maxLeverage": "int",
                    "cumFunding": {"allTime": "str", "sinceOpen": "str", "sinceChange": "str"},
                },
            }
        ],
        "time": "int",
    }


def test_a_fill_has_the_recorded_keys() -> None:
    """Those of a fill of 2026-02, without the builder's fee that nobody took."""
    desk = matched()
    (fill,) = desk.ask("userFills", user=desk.maker.address)
    assert set(fill) == {
        *("coin", "px", "sz", "side", "time", "startPosition", "dir", "closedPnl", "hash", "oid"),
        *("crossed", "fee", "tid", "feeToken", "twapId", "cloid"),
    }


# --- markets ----------------------------------------------------------------------------------------


def test_an_unknown_coin_has_no_book_and_no_error() -> None:
    """HTTP 200 with null, as the venue answers."""
    desk = Desk(flow="no")
    assert desk.ask("l2Book", coin="NOCOIN") is None
    assert desk.ask("l2Book", coin="btc") is None


@pytest.mark.parametrize(
    ("figures", "mantissa"), [(5, None), (5, 2), (5, 5), (4, None), (3, None), (2, None)]
)
def test_a_book_of_fewer_figures_rounds_away_from_the_middle_and_loses_nothing(
    figures: int, mantissa: int | None
) -> None:
    """Bids down and asks up, joined, in order, and never better than the real ones."""
    desk = Desk()
    desk.wait(2_000)
    fine = desk.ask("l2Book", coin="BTC")["levels"]
    coarse = desk.ask("l2Book", coin="BTC", nSigFigs=figures, mantissa=mantissa)["levels"]
    for real, joined, sign in ((fine[0], coarse[0], 1), (fine[1], coarse[1], -1)):
        prices = [Decimal(level["px"]) * sign for level in joined]
        assert all(better > worse for better, worse in pairwise(prices))
        assert prices[0] <= Decimal(real[0]["px"]) * sign
        step = Decimal(mantissa or 1).scaleb(5 - figures)
        assert all(price % step == 0 for price in prices)
        within = sum(Decimal(level["sz"]) for level in real if Decimal(level["px"]) * sign >= prices[0])
        assert Decimal(joined[0]["sz"]) >= within > 0


@pytest.mark.parametrize(
    "wrong", [{"nSigFigs": 1}, {"nSigFigs": 6}, {"mantissa": 2}, {"nSigFigs": 5, "mantissa": 3}]
)
def test_a_book_that_the_venue_does_not_keep_is_not_answered(wrong: dict[str, int]) -> None:
    """A mantissa only with five figures, two to five of them."""
    desk = Desk(flow="no")
    assert desk.post("/info", {"type": "l2Book", "coin": "BTC", **wrong})[0] == 422


def test_a_context_counts_what_has_traded() -> None:
    """Volume in both units, open interest of the longs, null where a price needs a book."""
    desk = matched()
    (context,) = [
        context
        for coin, context in zip(desk.ask("meta")["universe"], desk.ask("metaAndAssetCtxs")[1], strict=True)
        if coin["name"] == "ATOM"
    ]
    assert (context["dayNtlVlm"], context["dayBaseVlm"]) == ("250.0", "100.0")
    assert context["openInterest"] == "100.0"
    assert (context["midPx"], context["premium"], context["impactPxs"]) == (None, None, None)
    desk.rest("2.4", "10")
    desk.rest("2.6", "10", buy=False)
    (atom,) = [c for c in desk.ask("metaAndAssetCtxs")[1] if c["midPx"] == "2.5"]
    assert atom["impactPxs"] == ["2.4", "2.6"]
    desk.statuses(place(order("2.4", "10", buy=False, tif="Ioc")), desk.taker.key)
    assert desk.ask("allMids")["ATOM"] == "2.4"  # one side is empty: the last price


def test_an_hour_that_has_ended_is_remembered_with_its_rate() -> None:
    """At the whole hour of the venue's time, once for each coin; asked for by time."""
    desk = Desk(flow="no")
    desk.wait(2 * HOUR_MS)
    hours = desk.ask("fundingHistory", coin="ATOM", startTime=0)
    assert [hour["time"] % HOUR_MS for hour in hours] == [0, 0]
    assert {hour["coin"] for hour in hours} == {"ATOM"}
    assert desk.ask("fundingHistory", coin="ATOM", startTime=hours[1]["time"]) == hours[1:]
    assert desk.ask("fundingHistory", coin="ATOM", startTime=0, endTime=hours[0]["time"]) == hours[:1]
    assert desk.ask("fundingHistory", coin="NOCOIN", startTime=0) is None


def test_candles_are_made_of_what_traded() -> None:
    """One for the minute of the trade, of any length; none where nothing traded."""
    desk = matched()
    asked = {"coin": "ATOM", "startTime": 0, "endTime": desk.now_ms}
    for interval, length_ms in INTERVALS_MS.items():
        (candle,) = desk.ask("candleSnapshot", req=asked | {"interval": interval})
        assert candle["t"] % length_ms == 0
        assert candle["t"] <= desk.now_ms <= candle["T"] == candle["t"] + length_ms - 1
        assert [candle[key] for key in ("o", "h", "l", "c", "v", "n", "s", "i")] == [
            *["2.5"] * 4,
            "100.0",
            1,
            "ATOM",
            interval,
        ]
    assert desk.ask("candleSnapshot", req=asked | {"coin": "APT", "interval": "1m"}) == []


TRADES = st.lists(st.tuples(st.integers(1, 50), st.integers(1, 9), st.integers(0, 300)), min_size=1)


@given(trades=TRADES, interval=st.sampled_from(sorted(INTERVALS_MS)))
def test_longer_candles_hold_what_the_minutes_hold(trades: list[tuple[int, int, int]], interval: str) -> None:
    """Volume and number add up, prices are the first, last, highest and lowest; none overlap."""
    candles = Candles("ATOM")
    at_ms = 0
    for price, size, later_s in trades:
        at_ms += later_s * 1_000
        candles.trade(Decimal(price), Decimal(size), at_ms)
    joined = candles.between(interval, 0, at_ms)
    assert sum(Decimal(candle["v"]) for candle in joined) == sum(size for _, size, _ in trades)
    assert sum(candle["n"] for candle in joined) == len(trades)
    assert max(Decimal(candle["h"]) for candle in joined) == max(price for price, *_ in trades)
    assert min(Decimal(candle["l"]) for candle in joined) == min(price for price, *_ in trades)
    assert Decimal(joined[0]["o"]) == trades[0][0]
    assert Decimal(joined[-1]["c"]) == trades[-1][0]
    assert all(before["T"] < after["t"] for before, after in pairwise(joined))
    assert candles.last(interval) == joined[-1]


def test_what_the_twin_does_not_have_is_empty_and_not_missing() -> None:
    """No spot, no builder's dexes, no portfolio: clients that look there first must find nothing."""
    desk = Desk(flow="no")
    assert desk.ask("spotMeta")["universe"] == []
    assert [token["name"] for token in desk.ask("spotMeta")["tokens"]] == ["USDC"]
    assert desk.ask("spotMetaAndAssetCtxs")[1] == []
    assert desk.ask("perpDexs") == [None]
    assert desk.ask("allPerpMetas") == [desk.ask("meta")]
    assert desk.ask("meta", dex="xyz") is None
    assert desk.ask("spotClearinghouseState", user=desk.maker.address) == {"balances": []}
    assert desk.ask("userAbstraction", user=desk.maker.address) == "default"


@pytest.mark.parametrize(
    "question",
    [
        {},
        {"type": "nonsense"},
        {"type": "clearinghouseState"},
        {"type": "clearinghouseState", "user": "0x12"},
        {"type": "l2Book"},
        {"type": "orderStatus", "user": "0x" + "11" * 20},
        {"type": "userFillsByTime", "user": "0x" + "11" * 20},
        {"type": "candleSnapshot", "req": {"coin": "BTC", "interval": "7m", "startTime": 0}},
        {"type": "activeAssetData", "user": "0x" + "11" * 20, "coin": "NOCOIN"},
    ],
)
def test_a_question_that_lacks_something_gets_the_venues_422(question: dict[str, Any]) -> None:
    """Plain text, as it answers whatever it cannot read."""
    said = Desk(flow="no").post("/info", question)
    assert said == (422, "Failed to deserialize the JSON body into the target type")


def test_what_is_no_json_gets_400() -> None:
    """Another status than JSON of the wrong shape."""
    assert Desk(flow="no").post("/info", b"{")[0] == 400


def test_fees_are_those_of_the_base_tier() -> None:
    """As a client computes with them: parts of the notional."""
    fees = Desk(flow="no").ask("userFees", user="0x" + "11" * 20)
    assert (fees["userCrossRate"], fees["userAddRate"]) == ("0.00045", "0.00015")
