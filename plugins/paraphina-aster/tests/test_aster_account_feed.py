"""What the private stream says becomes events, in the examples of the documentation and beside them."""

from __future__ import annotations

import json
from contextlib import suppress
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paraphina_aster.account_feed import FUNDING, LISTEN_KEY, AccountFeed
from paraphina_core.domain import (
    NS_PER_MS,
    AskAgain,
    ClientOrderId,
    Event,
    Fill,
    Liquidity,
    OrderAccepted,
    OrderCancelled,
    OrderExpired,
    OutcomeUnknown,
    PositionReport,
    RemoteError,
    Side,
    VenueNotice,
    instrument_id,
    to_text,
)

BTC = instrument_id("aster", "BTCUSDT")
OWN = ClientOrderId(7)

#: Docs "Event: Order update", futures V3, with an order of a kind that is sent here.
ORDER: dict[str, Any] = {
    "s": "BTCUSDT",
    "c": "TEST",
    "S": "SELL",
    "o": "LIMIT",
    "f": "GTC",
    "q": "0.001",
    "p": "7000",
    "ap": "0",
    "sp": "0",
    "x": "NEW",
    "X": "NEW",
    "i": 8886774,
    "l": "0",
    "z": "0",
    "L": "0",
    "N": "USDT",
    "n": "0",
    "T": 1568879465651,
    "t": 0,
    "b": "0",
    "a": "9.91",
    "m": False,
    "R": False,
    "ps": "BOTH",
    "rp": "0",
}
#: Docs "Event: Balance and position update", futures V3.
POSITION: dict[str, Any] = {
    "s": "BTCUSDT",
    "pa": "-0.5",
    "ep": "7000",
    "cr": "200",
    "up": "1.5",
    "mt": "isolated",
    "iw": "0",
    "ps": "BOTH",
}


def _quote(symbol: str) -> str | None:
    return "USDT" if symbol == "BTCUSDT" else None


def read(message: dict[str, Any], feed: AccountFeed | None = None) -> list[Event]:
    """Return what a message says."""
    feed = feed or AccountFeed(partial(instrument_id, "aster"), _quote)
    return list(feed.read(json.dumps(message).encode()))


def order(**changes: Any) -> list[Event]:
    """Return what an update of one order says."""
    update = {"e": "ORDER_TRADE_UPDATE", "E": 1568879465651, "T": 1568879465650, "o": ORDER | changes}
    return read(update)


def account(*positions: dict[str, Any], reason: str = "ORDER") -> list[Event]:
    """Return what an update of the account says."""
    balance = {"a": "USDT", "wb": "122624.12345678", "cw": "100.12345678", "bc": "50.12345678"}
    change = {"m": reason, "B": [balance]} | ({"P": positions} if positions else {})
    return read({"e": "ACCOUNT_UPDATE", "E": 1564745798939, "T": 1564745798938, "a": change})


def test_an_order_is_accepted_under_both_of_its_ids() -> None:
    """Ours comes back from the venue's text; somebody else's is none of ours."""
    (event,) = order(c=to_text(OWN, "t"))
    assert isinstance(event, OrderAccepted)
    assert (event.instrument, event.client_order_id, event.venue_order_id) == (BTC, OWN, "8886774")
    assert event.exchange_ns == 1568879465651 * NS_PER_MS
    (event,) = order()
    assert isinstance(event, OrderAccepted)
    assert event.client_order_id is None


def test_a_fill_has_its_own_price_size_fee_and_role() -> None:
    """The last fill is booked, not all that has filled, and under the id that it has in lists too."""
    (fill,) = order(
        x="TRADE", X="PARTIALLY_FILLED", l="0.0004", z="0.0007", L="7001", n="0.0028", t=42, m=True
    )
    assert isinstance(fill, Fill)
    assert (fill.side, fill.price, fill.size) == (Side.SELL, Decimal(7001), Decimal("0.0004"))
    assert (fill.fee, fill.liquidity, fill.trade_id) == (Decimal("0.0028"), Liquidity.MAKER, "42")


def test_a_fill_is_not_lost_for_a_fee_in_another_asset() -> None:
    """What the fee is worth is not known; the fill is booked without it, and that is said."""
    fill, notice = order(x="TRADE", X="FILLED", l="0.001", z="0.001", L="7001", n="0.5", N="ASTER", t=42)
    assert isinstance(fill, Fill)
    assert fill.fee == 0
    assert isinstance(notice, VenueNotice)
    assert "0.5 ASTER" in notice.text


@pytest.mark.parametrize(("kind", "event"), [("CANCELED", OrderCancelled), ("EXPIRED", OrderExpired)])
def test_an_order_that_is_gone_says_what_had_filled(
    kind: str, event: type[OrderCancelled | OrderExpired]
) -> None:
    """A post-only order that would have crossed expires without a fill, as one by its time in force does."""
    (gone,) = order(x=kind, X=kind, z="0.0003")
    assert isinstance(gone, event)
    assert gone.filled_size == Decimal("0.0003")


def test_what_is_told_of_an_order_and_has_no_meaning_leaves_a_doubt() -> None:
    """A kind of execution that nobody knows is asked about; a liquidation is shown."""
    (doubt,) = order(x="AMENDED", c=to_text(OWN, "t"))
    assert isinstance(doubt, OutcomeUnknown)
    assert doubt.client_order_id == OWN
    (notice,) = order(x="CALCULATED", X="NEW_INSURANCE", c="autoclose-1")
    assert isinstance(notice, VenueNotice)
    assert notice.code == "liquidation"


def test_a_position_is_signed_and_a_flat_one_has_no_entry() -> None:
    """Each position of an update is stated as it is now; balances alone state none."""
    short, flat = account(POSITION, POSITION | {"s": "ETHUSDT", "pa": "0", "ep": "0.00000", "up": "0"})
    assert isinstance(short, PositionReport)
    assert (short.size, short.entry_price, short.unrealised_pnl) == (
        Decimal("-0.5"),
        Decimal(7000),
        Decimal("1.5"),
    )
    assert isinstance(flat, PositionReport)
    assert (flat.size, flat.entry_price) == (Decimal(0), None)
    asked = account(reason="FUNDING_FEE")
    assert asked == [AskAgain(query=FUNDING, reason="funding was booked")]


def test_a_position_of_hedge_mode_is_told_and_not_taken_for_the_whole() -> None:
    """Of two positions of one symbol neither is what is held."""
    (notice,) = account(POSITION | {"ps": "LONG"})
    assert isinstance(notice, VenueNotice)
    assert notice.code == "hedge_mode"


def test_an_expired_key_is_asked_for_again() -> None:
    """The event that the key has expired wishes for another one."""
    (event,) = read({"e": "listenKeyExpired", "E": 1576653824250})
    assert isinstance(event, AskAgain)
    assert event.query == LISTEN_KEY


def test_what_an_operator_should_read_is_told() -> None:
    """A margin call, a leverage and a mode that somebody changed; examples of the documentation."""
    call = {"e": "MARGIN_CALL", "E": 1587727187525, "cw": "3.16812045", "p": [{"s": "ETHUSDT", "ps": "LONG"}]}
    leverage = {"e": "ACCOUNT_CONFIG_UPDATE", "E": 1611646737479, "ac": {"s": "BTCUSDT", "l": 25}}
    mode = {"e": "ACCOUNT_CONFIG_UPDATE", "E": 1611646737479, "ai": {"j": True}}
    told = [event for message in (call, leverage, mode) for event in read(message)]
    assert [(event.code, event.text) for event in told if isinstance(event, VenueNotice)] == [
        ("margin_call", "near liquidation: ETHUSDT"),
        ("leverage", "BTCUSDT: 25"),
        ("multi_assets", "on"),
    ]


def test_an_event_that_nobody_knows_is_told_of_once() -> None:
    """The venue adds kinds of events; a new one stops nothing and fills no page."""
    feed = AccountFeed(partial(instrument_id, "aster"), _quote)
    said = [read({"e": kind}, feed) for kind in ("TRADE_PRO", "TRADE_PRO", "NEWS")]
    assert [len(events) for events in said] == [1, 0, 1]


_FRAMES = st.binary(max_size=50) | st.fixed_dictionaries(
    {"e": st.sampled_from(["ORDER_TRADE_UPDATE", "ACCOUNT_UPDATE", "MARGIN_CALL", "x"])},
    optional={
        "E": st.integers(),
        "o": st.fixed_dictionaries(
            {key: st.just(value) for key, value in ORDER.items()}
            | {key: st.text(max_size=5) for key in ("x", "S", "l", "L", "z", "n", "c")}
        ),
        "a": st.fixed_dictionaries({"m": st.text(max_size=3), "P": st.just([POSITION | {"pa": "NaN"}])}),
    },
).map(lambda message: json.dumps(message).encode())


@given(frame=_FRAMES)
def test_whatever_comes_is_events_or_the_venues_error(frame: bytes) -> None:
    """Nonsense raises nothing but what is the venue's own fault."""
    with suppress(RemoteError):
        AccountFeed(partial(instrument_id, "aster"), _quote).read(frame)
