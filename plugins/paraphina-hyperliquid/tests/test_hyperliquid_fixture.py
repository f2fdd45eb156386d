"""The replay gives what was recorded, when it was recorded, and nothing else."""

from __future__ import annotations

import itertools
import json
import shutil
from collections import Counter
from pathlib import Path

import pytest

from paraphina_core.connector import (
    Capability,
    Connector,
    ConnectorContext,
    DataSource,
    LocalSource,
    Network,
    StreamPlan,
    TradeMode,
    WriteContext,
)
from paraphina_core.domain import (
    BalanceReport,
    BookSnapshot,
    CancelAll,
    ConfigError,
    Event,
    InstrumentDefined,
    Level,
    LocalError,
    OrderReport,
    PositionReport,
    RemoteError,
    SubscriptionLive,
    Trade,
    exact,
    plain,
)
from paraphina_hyperliquid.recording import PACKAGED
from paraphina_hyperliquid.spec import FIXTURE

FOLDER = Path(__file__).resolve().parents[3] / "tests" / "fixtures" / "hyperliquid"
START_NS = 1_800_000_000_000_000_000


def connector(**settings: str | bool) -> Connector:
    """Build the connector as a session does."""
    assert FIXTURE.factory is not None
    return FIXTURE.factory(
        ConnectorContext(mode=TradeMode.PAPER, network=Network.MAINNET, settings=settings, seed=1)
    )


def streams(of: Connector) -> dict[str, StreamPlan]:
    """Return the planned streams by name."""
    return {stream.name: stream for stream in of.plan().streams}


def frames(stream: StreamPlan) -> list[tuple[int, bytes]]:
    """Return all frames of a stream that is opened at START_NS."""
    assert isinstance(stream.source, LocalSource)
    return list(stream.source.frames(START_NS))


def replay(of: Connector, name: str) -> list[Event]:
    """Read a stream to its end."""
    return [event for due_ns, frame in frames(streams(of)[name]) for event in of.read(name, frame, due_ns)]


def test_it_describes_itself_as_recorded_data_for_shadow_and_paper() -> None:
    """Nothing in the description promises order entry or a venue's network."""
    assert set(FIXTURE.capabilities) == {Capability.MARKET, Capability.ACCOUNT}
    assert FIXTURE.trade_modes == {TradeMode.SHADOW, TradeMode.PAPER}
    assert FIXTURE.data_source is DataSource.RECORDED
    assert FIXTURE.endpoints == {}
    assert FIXTURE.aliases == ("hl_fixture", "fixture")
    assert FIXTURE.feature_flag == "live_hyperliquid"


def test_the_packaged_recording_equals_the_one_in_the_repository() -> None:
    """A replay is the same wherever it is started from."""
    packaged = {path.relative_to(PACKAGED) for path in PACKAGED.rglob("*") if path.is_file()}
    assert Path("BTC.frames") in packaged
    for path in packaged - {Path("README.md")}:
        assert (PACKAGED / path).read_bytes() == (FOLDER / path).read_bytes(), path
    replayed = {path.relative_to(FOLDER) for path in (*FOLDER.glob("*.frames"), *FOLDER.glob("info/*"))}
    assert replayed <= packaged


def test_frames_come_unchanged_with_their_recorded_pauses_from_the_start_of_the_session() -> None:
    """The first frame is due at once, each other one as long after it as it was recorded."""
    recorded = [line.split(b" ", 1) for line in (FOLDER / "BTC.frames").read_bytes().splitlines()]
    first_ns = int(recorded[0][0])
    assert frames(streams(connector())["market"]) == [
        (START_NS + int(arrival) - first_ns, frame) for arrival, frame in recorded
    ]


def test_the_bitcoin_recording_holds_books_and_trades_of_25_seconds() -> None:
    """Everything in it is read: 46 whole books, 64 trades, of which 30 are from before the subscription."""
    events = replay(connector(), "market")
    assert Counter(type(event) for event in events) == {InstrumentDefined: 1, BookSnapshot: 46, Trade: 64}
    books = [event for event in events if isinstance(event, BookSnapshot)]
    assert all(len(book.bids) == len(book.asks) == 20 for book in books)
    assert all(book.bids[0].price < book.asks[0].price for book in books)
    assert books[0].bids[0] == Level(105055.0, 3.03622)
    assert books[0].exchange_ns == 1_737_918_843_542_000_000
    trades = [event for event in events if isinstance(event, Trade)]
    assert [trade.is_replay for trade in trades] == [True] * 30 + [False] * 34
    assert len({trade.trade_id for trade in trades}) == 64


def test_the_instrument_is_defined_before_anything_else_is_said_whichever_stream_speaks_first() -> None:
    """Whoever reads the events in order knows the grid before the first price."""
    for name in ("market", "info:clearinghouseState"):
        first = replay(connector(), name)[0]
        assert isinstance(first, InstrumentDefined)
        assert first.instrument.id == "hyperliquid_fixture:BTC"


@pytest.mark.parametrize(("coin", "lot", "tick"), [("BTC", "0.00001", "1"), ("HYPE", "0.01", "0.001")])
def test_every_recorded_number_is_on_the_grid_of_its_instrument(coin: str, lot: str, tick: str) -> None:
    """The stated precision fits what the venue really sent."""
    events = replay(connector(coin=coin), "market")
    assert isinstance(events[0], InstrumentDefined)
    instrument = events[0].instrument
    assert plain(instrument.lot_size) == lot
    for _, frame in frames(streams(connector(coin=coin))["market"]):
        data = json.loads(frame)["data"]
        for item in data if isinstance(data, list) else itertools.chain(*data.get("levels", ())):
            price, size = exact(item["px"]), exact(item["sz"])
            assert plain(instrument.price_rule.tick_at(price)) == tick
            assert instrument.price_on_grid(price)
            assert instrument.size_on_grid(size)


def test_the_hype_recording_begins_with_the_trades_from_before_the_subscription() -> None:
    """All thirty are marked; the one acknowledgement that was recorded is reported."""
    events = replay(connector(coin="HYPE"), "market")
    trades = [event for event in events if isinstance(event, Trade)]
    assert len(trades) == 30
    assert all(trade.is_replay for trade in trades)
    assert [e.topic for e in events if isinstance(e, SubscriptionLive)] == ["l2Book:HYPE"]


def test_the_account_is_the_recorded_one_with_all_its_positions_and_orders() -> None:
    """Balance, twelve positions and 196 orders, none of which carries an id of this program."""
    fixture = connector()
    balance, *positions = replay(fixture, "info:clearinghouseState")[1:]
    assert isinstance(balance, BalanceReport)
    assert (plain(balance.equity), plain(balance.available)) == ("1182.312496", "1010.57173")
    assert len(positions) == 12
    bitcoin = positions[0]
    assert isinstance(bitcoin, PositionReport)
    assert bitcoin.instrument == "hyperliquid_fixture:BTC"
    assert plain(bitcoin.size) == "-0.00785"
    orders = replay(fixture, "info:openOrders")
    assert len(orders) == 196
    assert all(isinstance(order, OrderReport) and order.client_order_id is None for order in orders)


def test_nothing_is_made_up_no_fill_no_funding_no_mark() -> None:
    """The only events are those that the recorded frames state."""
    for coin in ("BTC", "HYPE"):
        fixture = connector(coin=coin)
        kinds = {type(event) for name in streams(fixture) for event in replay(fixture, name)}
        assert kinds <= {
            *(InstrumentDefined, BookSnapshot, Trade, SubscriptionLive),
            *(BalanceReport, PositionReport, OrderReport),
        }


def test_started_over_the_market_is_read_as_on_a_new_connection() -> None:
    """The second pass gives the same trades with the same marks as the first."""
    fixture = connector(repeat=True)
    market = streams(fixture)["market"]
    assert isinstance(market.source, LocalSource)
    assert market.source.repeat
    first = [event for event in replay(fixture, "market") if isinstance(event, Trade)]
    fixture.opened("market", WriteContext(nonce=0, at_ns=0, sign=bytes))
    second = [event for event in replay(fixture, "market") if isinstance(event, Trade)]
    assert second == first
    account = streams(fixture)["info:openOrders"].source
    assert isinstance(account, LocalSource)
    assert not account.repeat


def test_a_recording_that_lasts_no_time_cannot_be_repeated() -> None:
    """Starting over without end in no time would be a busy loop."""
    with pytest.raises(ConfigError, match="too short to repeat"):
        connector(coin="HYPE", repeat=True)


def test_an_overriding_folder_is_replayed_instead(tmp_path: Path) -> None:
    """A folder with frames and precision is enough; an account is not required."""
    shutil.copy(FOLDER / "instruments.json", tmp_path)
    lines = (FOLDER / "BTC.frames").read_bytes().splitlines(keepends=True)
    (tmp_path / "BTC.frames").write_bytes(b"".join(lines[:2]))
    fixture = connector(fixture_dir=str(tmp_path))
    assert list(streams(fixture)) == ["market"]
    assert len(replay(fixture, "market")) == 3


def test_a_coin_that_was_not_recorded_is_refused_with_those_that_were() -> None:
    """The error names what there is."""
    with pytest.raises(ConfigError, match="found 'ETH'; known are BTC, HYPE"):
        connector(coin="ETH")
    with pytest.raises(ConfigError, match="did you mean BTC"):
        connector(coin="btc")


def answer_to(kind: str) -> bytes:
    """Spell a recorded answer of another account."""
    request = f'{{"body":{{"type":"{kind}","user":"0x1"}}}}'
    return f'{{"request":{request},"recorded_at":"","response":[]}}'.encode()


BROKEN: list[tuple[dict[str, bytes | None], str]] = [
    ({"BTC.frames": None, "HYPE.frames": None}, "recording is empty"),
    ({"BTC.frames": b""}, r"BTC\.frames is empty"),
    ({"BTC.frames": b'1 {"channel":"x"}\nnoise\n'}, r"BTC\.frames:2: no recorded frame"),
    ({"BTC.frames": b'1 {"channel":"x"}\n\n'}, r"BTC\.frames:2: no recorded frame"),
    ({"BTC.frames": b'1 {"channel":"x"'}, r"BTC\.frames:1: no recorded frame"),
    ({"BTC.frames": b'1 {"channel":"x",}\n'}, r"BTC\.frames:1: no message of the venue"),
    ({"BTC.frames": b'1 {"data":[]}\n'}, r"BTC\.frames:1: no message of the venue"),
    ({"BTC.frames": b'1 {"channel":"x","data":' + b"[" * 99_999 + b"}\n"}, r"BTC\.frames:1: no message"),
    ({"BTC.frames": b"\xff\xfe"}, r"BTC\.frames:1: no recorded frame"),
    ({"BTC.frames": b'2 {"channel":"x"}\n1 {"channel":"x"}\n'}, r"BTC\.frames:2: arrival runs backwards"),
    ({"BTC.frames": b"9" * 20 + b' {"channel":"x"}\n'}, r"BTC\.frames:1: no recorded frame"),
    ({"instruments.json": None}, r"instruments\.json cannot be read: No such file"),
    ({"instruments.json": b"{}"}, r"instruments\.json lacks a coin"),
    ({"instruments.json": b'{"BTC":{"szDecimals":7}}'}, r"instruments\.json cannot be used"),
    ({"info/openOrders.json": b"["}, r"openOrders\.json cannot be used"),
    (
        {"info/x.json": answer_to("userFills")},
        r"x\.json answers a request that is not read; found 'userFills'",
    ),
    (
        {"info/x.json": answer_to("openOrders")},
        "recorded answers belong to different accounts",
    ),
]


@pytest.mark.parametrize(("changes", "message"), BROKEN, ids=[message for _, message in BROKEN])
def test_a_damaged_recording_is_refused_with_file_and_line(
    tmp_path: Path, changes: dict[str, bytes | None], message: str
) -> None:
    """A fault of the folder stops the start and is said so that it can be found."""
    folder = tmp_path / "recording"
    shutil.copytree(FOLDER, folder)
    for name, content in changes.items():
        if content is None:
            (folder / name).unlink()
        else:
            (folder / name).write_bytes(content)
    with pytest.raises(ConfigError, match=message):
        connector(fixture_dir=str(folder))


@pytest.mark.parametrize("name", ["missing", "file"])
def test_a_folder_that_is_none_is_refused(tmp_path: Path, name: str) -> None:
    """A path that leads nowhere, or to a file, is named."""
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ConfigError, match=f"recording is not a folder; found .*{name}"):
        connector(fixture_dir=str(tmp_path / name))


def test_it_takes_no_orders_and_knows_no_other_streams() -> None:
    """A recording cannot be traded on, and a frame of a stream that was not planned is refused."""
    context = WriteContext(nonce=1, at_ns=START_NS, sign=lambda data: data)
    with pytest.raises(LocalError, match="no order entry"):
        connector().write(CancelAll(), context)
    with pytest.raises(RemoteError, match="not planned"):
        connector().read("info:unheard", b"[]", START_NS)
