"""Listings, states of the venue and its clock, as they are asked for."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from paradex_desk import BTC, LISTED, NOW, connector, listed, ready, told
from paraphina_core.connector import (
    Failure,
    FailureKind,
    HttpRequest,
)
from paraphina_core.domain import (
    CancelAll,
    FixedTick,
    InstrumentDefined,
    LocalError,
    Query,
    QueryAccount,
    QueryInstruments,
    QueryTime,
    RemoteError,
    TradingStatus,
    VenueNotice,
    VenueTime,
)
from paraphina_paradex.connector import MARKET
from paraphina_paradex.questions import SYSTEM_STATE
from paraphina_paradex.twin.conformance import captured, listings

# --- instruments and states ---------------------------------------------------------------------------------


def test_an_instrument_has_the_grid_that_the_venue_lists() -> None:
    """Tick, lot, smallest value and largest size."""
    (defined,) = told(connector(), QueryInstruments(), listings())
    assert isinstance(defined, InstrumentDefined)
    instrument = defined.instrument
    assert (instrument.id, instrument.price_rule) == (BTC, FixedTick(tick=Decimal("0.1")))
    assert (instrument.lot_size, instrument.min_size) == (Decimal("0.00001"), Decimal("0.00001"))
    assert (instrument.min_notional, instrument.max_size) == (Decimal(10), Decimal(100))


def test_nothing_is_traded_before_the_venue_has_told_its_state() -> None:
    """That it has not answered is no permission; that all is well is no news."""
    client = connector()
    (defined,) = told(client, QueryInstruments(), listings())
    assert isinstance(defined, InstrumentDefined)
    assert defined.instrument.status is TradingStatus.HALTED
    with pytest.raises(RemoteError):
        told(client, SYSTEM_STATE, b"", 503)
    (defined,) = told(client, SYSTEM_STATE, b'{"status":"ok"}')
    assert isinstance(defined, InstrumentDefined)
    assert defined.instrument.status is TradingStatus.TRADING


def test_a_contract_on_a_thousand_is_one_on_its_coin() -> None:
    """KBONK and BONK are comparable, and are not the same."""
    client = connector(market="kBONK-USD-PERP")
    (defined,) = told(client, QueryInstruments(), listed(symbol="kBONK-USD-PERP", base_currency="kBONK"))
    assert isinstance(defined, InstrumentDefined)
    assert (defined.instrument.underlying, defined.instrument.multiplier) == ("BONK", Decimal(1000))


@pytest.mark.parametrize(
    "changes", [{"price_tick_size": "0"}, {"order_size_increment": "nan"}, {"min_notional": "-1"}]
)
def test_a_market_whose_numbers_make_no_grid_is_told_and_left_out(changes: dict[str, str]) -> None:
    """What its stream says is passed over."""
    client = connector()
    (notice,) = told(client, QueryInstruments(), listed(**changes))
    assert isinstance(notice, VenueNotice)
    assert notice.code == "unusable_market"
    client.opened(MARKET, NOW)
    assert client.read(MARKET, captured("order_book_deltas")[1], 0) == ()


@pytest.mark.parametrize("changes", [{"symbol": "BTC1-USD-PERP"}, {"asset_kind": "PERP_OPTION"}])
def test_a_market_that_is_no_listed_perpetual_is_told(changes: dict[str, str]) -> None:
    """With the nearest one, and nothing is defined."""
    (notice,) = told(connector(), QueryInstruments(), listed(**changes))
    assert isinstance(notice, VenueNotice)
    assert notice.code == "unknown_market"


def test_a_market_that_is_listed_twice_is_no_listing() -> None:
    """Nobody can tell which of the two grids holds."""
    with pytest.raises(RemoteError):
        told(connector(), QueryInstruments(), json.dumps({"results": [LISTED, LISTED]}).encode())


@pytest.mark.parametrize(
    ("state", "meant"),
    [
        ("maintenance", TradingStatus.HALTED),
        ("cancel_only", TradingStatus.CANCEL_ONLY),
        ("post_only", TradingStatus.POST_ONLY),
        ("a new word", TradingStatus.HALTED),
    ],
)
def test_every_instrument_is_in_the_state_of_the_venue(state: str, meant: TradingStatus) -> None:
    """It is asked for while the session runs; unknown is no permission, and listings do not undo it."""
    client = connector()
    plan = client.plan()
    assert SYSTEM_STATE in plan.bootstrap
    assert plan.poll_ms is not None
    assert plan.poll_ms <= 60_000
    told(client, QueryInstruments(), listings())
    defined, notice = told(client, SYSTEM_STATE, json.dumps({"status": state}).encode())
    assert isinstance(notice, VenueNotice)
    for event in (defined, *told(client, QueryInstruments(), listings())):
        assert isinstance(event, InstrumentDefined)
        assert event.instrument.status is meant
    assert told(client, SYSTEM_STATE, json.dumps({"status": state}).encode()) == []
    defined, _ = told(client, SYSTEM_STATE, b'{"status":"ok"}')
    assert isinstance(defined, InstrumentDefined)
    assert defined.instrument.status is TradingStatus.TRADING


def test_a_market_in_a_mode_of_its_own_stays_halted_in_every_state() -> None:
    """What the venue lets through, this market does not."""
    client = connector()
    told(client, QueryInstruments(), listed(trading_mode="A_NEW_WORD"))
    defined, _ = told(client, SYSTEM_STATE, b'{"status":"post_only"}')
    assert isinstance(defined, InstrumentDefined)
    assert defined.instrument.status is TradingStatus.HALTED


# --- questions ----------------------------------------------------------------------------------------------


def test_one_market_is_asked_for_by_name() -> None:
    """Several are looked for among all, and hundreds of options with them."""
    one, all_of_them = (
        client.ask(QueryInstruments(), NOW)
        for client in (connector(), connector(market="BTC-USD-PERP,ETH-USD-PERP"))
    )
    assert isinstance(one, HttpRequest)
    assert isinstance(all_of_them, HttpRequest)
    assert one.url.endswith("/v1/markets?market=BTC-USD-PERP")
    assert all_of_them.url.endswith("/v1/markets")


def test_the_clock_of_the_venue_is_read() -> None:
    """Milliseconds, spelled as text."""
    assert told(connector(), QueryTime(), b'{"server_time":"1681493415023"}') == [
        VenueTime(exchange_ns=1_681_493_415_023_000_000)
    ]


@pytest.mark.parametrize("query", [QueryInstruments(), QueryTime(), SYSTEM_STATE])
def test_an_answer_that_is_none_is_the_venues_error_and_a_failure_says_nothing(query: Query) -> None:
    """Whether it is an error's page or nonsense."""
    client = connector()
    for status, body in ((503, b""), (200, b"<html>"), (200, b"{}")):
        with pytest.raises(RemoteError):
            told(client, query, body, status)
    assert client.read_answer(client.ask(query, NOW), Failure(kind=FailureKind.TIMED_OUT), 0) == ()


def test_nothing_is_asked_of_an_account_and_nothing_is_sent() -> None:
    """Not before there is an account and an order entry."""
    client = ready()
    with pytest.raises(LocalError):
        client.ask(QueryAccount(), NOW)
    with pytest.raises(LocalError):
        client.write(CancelAll(instrument=BTC), NOW)
    with pytest.raises(LocalError):
        client.opened("account", NOW)
    with pytest.raises(RemoteError):
        client.read("account", b"", 0)
