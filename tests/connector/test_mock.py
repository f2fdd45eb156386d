"""The built-in market: repeatable, on its grid, never crossed, and read as strictly as a venue's."""

from __future__ import annotations

import itertools
import math
import statistics
import time

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paraphina_core.connector import (
    Capability,
    ConnectorContext,
    ConnectorSpec,
    DataSource,
    LocalSource,
    Network,
    TradeMode,
    WriteContext,
    mock,
)
from paraphina_core.domain import (
    NS_PER_S,
    BookDelta,
    BookGap,
    BookSnapshot,
    CancelAll,
    ConfigError,
    Event,
    FundingRate,
    Instrument,
    InstrumentDefined,
    LocalError,
    MarkPrice,
    RemoteError,
    Resubscribe,
    Side,
    SubscriptionLive,
    Trade,
    exact,
)
from paraphina_core.market import Book, BookState

START_NS = 1_800_000_000 * NS_PER_S
Frames = list[tuple[int, bytes]]


def connector(seed: int = 1, **settings: str | float) -> mock.MockConnector:
    """Build the connector as a session does."""
    return mock.MockConnector(
        ConnectorContext(mode=TradeMode.PAPER, network=Network.MAINNET, settings=settings, seed=seed)
    )


def source(of: mock.MockConnector) -> LocalSource:
    """Return the source of its one stream."""
    (stream,) = of.plan().streams
    assert isinstance(stream.source, LocalSource)
    return stream.source


def record(of: mock.MockConnector, seconds: float, start_ns: int = START_NS) -> Frames:
    """Take the frames of so much virtual time."""
    end_ns = start_ns + round(seconds * NS_PER_S)
    return list(itertools.takewhile(lambda item: item[0] < end_ns, source(of).frames(start_ns)))


def read(of: mock.MockConnector, frames: Frames) -> list[tuple[int, Event]]:
    """Read frames, each at its time."""
    return [(due_ns, event) for due_ns, frame in frames for event in of.read(mock.STREAM, frame, due_ns)]


@pytest.fixture(scope="module")
def hour() -> list[tuple[int, Event]]:
    """Return the events of one hour."""
    market = connector()
    return read(market, record(market, 3_600))


def instrument_of(events: list[tuple[int, Event]]) -> Instrument:
    """Return the instrument that the events begin with."""
    first = events[0][1]
    assert isinstance(first, InstrumentDefined)
    return first.instrument


def test_it_registers_through_the_hook_like_any_plugin() -> None:
    """One connector: synthetic market data for shadow and paper, nothing else."""
    registered: list[ConnectorSpec] = []

    def register(spec: ConnectorSpec) -> None:
        registered.append(spec)

    mock.paraphina_register_connectors(register)
    (spec,) = registered
    assert spec.name == "mock"
    assert spec.feature_flag is None
    assert set(spec.capabilities) == {Capability.MARKET}
    assert spec.trade_modes == {TradeMode.SHADOW, TradeMode.PAPER}
    assert spec.data_source is DataSource.SYNTHETIC
    assert [setting.env for setting in spec.settings] == [
        "PARAPHINA_MOCK_COIN",
        "PARAPHINA_MOCK_PRICE",
        "PARAPHINA_MOCK_ANNUAL_VOLATILITY",
    ]


def test_same_seed_and_start_give_the_same_bytes_and_another_seed_gives_others() -> None:
    """A run can be repeated exactly, and two runs need not be alike."""
    assert record(connector(7), 60) == record(connector(7), 60)
    assert record(connector(7), 60) != record(connector(8), 60)


def test_frames_come_in_rising_order_stamped_with_the_time_at_which_they_are_due() -> None:
    """No frame is due before the start or before its predecessor, and each says when it was made."""
    frames = record(connector(), 300)
    due = [due_ns for due_ns, _ in frames]
    assert due[0] >= START_NS
    assert all(earlier < later for earlier, later in itertools.pairwise(due))
    stamps = [(due_ns, msgspec.json.decode(frame).get("at_ns", due_ns)) for due_ns, frame in frames]
    assert all(due_ns == at_ns for due_ns, at_ns in stamps)


def test_a_connection_begins_with_the_instrument_the_acknowledgement_and_a_whole_book() -> None:
    """Whoever reads from the start knows the grid before the first price."""
    market = connector()
    events = [event for _, event in read(market, record(market, 5))]
    assert isinstance(events[0], InstrumentDefined)
    assert [event.topic for event in events if isinstance(event, SubscriptionLive)] == [
        "book",
        "trades",
        "mark",
    ]
    books = [event for event in events if isinstance(event, BookSnapshot | BookDelta)]
    assert isinstance(books[0], BookSnapshot)
    assert all(isinstance(event, BookDelta) for event in books[1:])


def test_one_hour_is_generated_and_read_within_seconds() -> None:
    """Virtual time is cheap: an hour costs less than ten seconds even on a slow machine."""
    market = connector()
    began = time.process_time()
    events = read(market, record(market, 3_600))
    assert time.process_time() - began < 10
    assert len(events) > 30_000


def test_every_number_is_on_the_grid(hour: list[tuple[int, Event]]) -> None:
    """Prices are multiples of the tick, sizes of the lot, in books and in trades."""
    instrument = instrument_of(hour)
    prices: set[float] = set()
    sizes: set[float] = set()
    for _, event in hour:
        if isinstance(event, BookSnapshot | BookDelta):
            prices.update(level.price for level in (*event.bids, *event.asks))
            sizes.update(level.size for level in (*event.bids, *event.asks) if level.size > 0.0)
        elif isinstance(event, Trade):
            prices.add(event.price)
            sizes.add(event.size)
    assert prices
    assert all(instrument.price_on_grid(exact(price)) for price in prices)
    assert all(instrument.size_on_grid(exact(size)) for size in sizes)


def test_the_book_is_live_after_every_change_with_about_twenty_levels_a_side(
    hour: list[tuple[int, Event]],
) -> None:
    """Never crossed, never one-sided, never thin or endless."""
    book = Book(instrument_of(hour).id)
    depths = []
    for due_ns, event in hour:
        if isinstance(event, BookSnapshot | BookDelta):
            book.apply(event, due_ns)
            assert book.state is BookState.LIVE
            depths += [len(book.bids), len(book.asks)]
    assert max(depths) == 20
    assert min(depths) >= 5
    assert statistics.mean(depths) > 19


def test_a_market_order_takes_the_best_levels_and_the_book_shows_exactly_that(
    hour: list[tuple[int, Event]],
) -> None:
    """Trades of an order walk from the touch, and the next change removes just what they took."""
    book = Book(instrument_of(hour).id)
    pending: list[Trade] = []
    seen = 0
    for due_ns, event in hour:
        if isinstance(event, Trade):
            pending.append(event)
        elif isinstance(event, BookSnapshot | BookDelta):
            if pending:
                expected = _after(book, pending)
                book.apply(event, due_ns)
                assert {level.price: round(level.size, 9) for level in book.bids} == expected[Side.BUY]
                assert {level.price: round(level.size, 9) for level in book.asks} == expected[Side.SELL]
                seen += 1
                pending = []
            else:
                book.apply(event, due_ns)
    assert seen > 1_000


def _after(book: Book, trades: list[Trade]) -> dict[Side, dict[float, float]]:
    sides = {side: {level.price: level.size for level in book.levels(side)} for side in Side}
    for trade in trades:
        taken_from = sides[trade.aggressor.opposite]
        best = (min if trade.aggressor is Side.BUY else max)(taken_from)
        assert trade.price == best
        left = round(taken_from.pop(best) - trade.size, 9)
        assert left >= 0.0
        if left > 0.0:
            taken_from[best] = left
    return {side: {price: round(size, 9) for price, size in levels.items()} for side, levels in sides.items()}


def test_the_market_moves_at_the_pace_of_a_real_one(hour: list[tuple[int, Event]]) -> None:
    """Five to ten book frames and one to three trades a second, a spread that varies, marks each second."""
    counts = {
        kind: sum(isinstance(event, kind) for _, event in hour) for kind in (BookDelta, Trade, MarkPrice)
    }
    assert 5 <= counts[BookDelta] / 3_600 <= 10
    assert 1 <= counts[Trade] / 3_600 <= 3
    assert 3_590 <= counts[MarkPrice] <= 3_600
    book = Book(instrument_of(hour).id)
    spreads = set()
    for due_ns, event in hour:
        if isinstance(event, BookSnapshot | BookDelta):
            book.apply(event, due_ns)
            assert book.best_bid is not None
            assert book.best_ask is not None
            spreads.add(book.best_ask.price - book.best_bid.price)
    assert len(spreads) > 5
    assert max(spreads) < 100_000 * 0.001


def test_trades_come_in_bursts(hour: list[tuple[int, Event]]) -> None:
    """The number of trades in ten seconds scatters more widely than independent arrivals would."""
    per_window = [0] * 360
    for due_ns, event in hour:
        if isinstance(event, Trade):
            per_window[(due_ns - START_NS) // (10 * NS_PER_S)] += 1
    assert statistics.variance(per_window) > 2 * statistics.mean(per_window)


def annual_volatility_of(events: list[tuple[int, Event]]) -> float:
    """Measure how much the mark price scatters in ten seconds, and scale it to a year."""
    marks = [event.mark_price for _, event in events if isinstance(event, MarkPrice)]
    returns = [math.log(later / earlier) for earlier, later in itertools.pairwise(marks[::10])]
    return statistics.pstdev(returns) * math.sqrt(365 * 86_400 / 10)


def test_the_price_moves_as_much_as_the_volatility_says(hour: list[tuple[int, Event]]) -> None:
    """Marks scatter as configured, within sampling error."""
    assert 0.75 * 0.6 < annual_volatility_of(hour) < 1.3 * 0.6
    wild = connector(3, annual_volatility=2.0)
    assert 0.75 * 2.0 < annual_volatility_of(read(wild, record(wild, 1_800))) < 1.3 * 2.0


def test_a_quote_at_the_touch_is_reached_within_seconds(hour: list[tuple[int, Event]]) -> None:
    """A bid joined behind the best one is traded through, or run over by the asks, in seconds."""
    book = Book(instrument_of(hour).id)
    price, ahead, since = 0.0, 0.0, START_NS
    waits: list[float] = []
    for due_ns, event in hour:
        if isinstance(event, BookSnapshot | BookDelta):
            book.apply(event, due_ns)
        if price and isinstance(event, Trade) and event.aggressor is Side.SELL and event.price <= price:
            ahead -= event.size
        assert book.best_bid is not None or not price
        run_over = book.best_ask is not None and book.best_ask.price <= price
        if price and (ahead < 0.0 or run_over):
            waits.append((due_ns - since) / NS_PER_S)
            price = 0.0
        if not price and book.best_bid is not None:
            price, ahead, since = book.best_bid.price, book.best_bid.size, due_ns
        elif price and book.best_bid is not None and book.best_bid.price > price:
            price, ahead = book.best_bid.price, book.best_bid.size
    assert statistics.median(waits) < 5
    assert len(waits) > 100


def test_funding_is_hourly_small_and_its_next_payment_lies_ahead(hour: list[tuple[int, Event]]) -> None:
    """The rate moves, is of a venue's size, and the next payment is the coming full hour."""
    rates = []
    for due_ns, event in hour:
        if isinstance(event, FundingRate):
            assert event.interval_s == 3_600
            assert event.next_funding_ns is not None
            assert 0 < event.next_funding_ns - due_ns <= 3_600 * NS_PER_S
            assert event.next_funding_ns % (3_600 * NS_PER_S) == 0
            rates.append(event.rate)
    assert max(map(abs, rates)) < 0.001
    assert len(set(rates)) > 100


def test_opened_again_the_market_goes_on_where_it_was() -> None:
    """A new connection starts with a whole book near the last price, and later ids and sequences."""
    market = connector()
    before = read(market, record(market, 60))
    again_ns = START_NS + 61 * NS_PER_S
    after = read(market, record(market, 60, again_ns))
    last, first = (
        [e.mark_price for _, e in events if isinstance(e, MarkPrice)][index]
        for events, index in ((before, -1), (after, 0))
    )
    assert first == pytest.approx(last, rel=0.003)
    assert last != 100_000.0
    assert not any(isinstance(event, BookGap) for _, event in after)
    ids = [event.trade_id for _, event in (*before, *after) if isinstance(event, Trade)]
    assert len(set(ids)) == len(ids)


def test_f013_a_missing_change_is_a_gap_and_a_wish_and_then_silence_until_a_whole_book() -> None:
    """The connector never guesses what was in the frame that did not come."""
    market = connector()
    frames = record(market, 20)
    changes = [index for index, (_, frame) in enumerate(frames) if b'"change"' in frame]
    kept = [item for index, item in enumerate(frames) if index != changes[5]]
    books = [
        e for _, e in read(market, kept) if isinstance(e, BookSnapshot | BookDelta | BookGap | Resubscribe)
    ]
    assert [type(event) for event in books] == [BookSnapshot, *[BookDelta] * 5, BookGap, Resubscribe]
    healed = read(market, record(market, 20, START_NS + 30 * NS_PER_S))
    assert any(isinstance(event, BookDelta) for _, event in healed)
    assert not any(isinstance(event, BookGap) for _, event in healed)


def test_f016_a_change_before_any_whole_book_is_a_gap() -> None:
    """A delta needs something to apply to."""
    market = connector()
    frames = [item for item in record(market, 20) if b'"type":"book"' not in item[1]]
    assert sum(isinstance(event, BookGap) for _, event in read(market, frames)) == 1
    assert not any(isinstance(event, BookDelta) for _, event in read(market, frames))


def test_f014_a_repeated_change_is_ignored() -> None:
    """The same frame twice is one event."""
    market = connector()
    frames = record(market, 20)
    doubled = [item for item in frames if b'"book"' not in item[1] for item in (item, item)]
    start = [item for item in frames if b'"type":"book"' in item[1]]
    once = [e for _, e in read(connector(), frames) if isinstance(e, BookDelta)]
    twice = [e for _, e in read(market, start + doubled) if isinstance(e, BookDelta)]
    assert twice == once


@pytest.mark.parametrize(
    ("price", "tick", "lot"),
    [(0.05, "0.0000001", "1"), (3.7, "0.00001", "1"), (3_000, "0.01", "0.001"), (100_000, "1", "0.00001")],
)
def test_tick_and_lot_follow_from_the_price(price: float, tick: str, lot: str) -> None:
    """Whatever the coin costs, a tick is small beside the price and a lot is worth a few units of quote."""
    market = connector(coin="XYZ", price=price)
    events = read(market, record(market, 60))
    instrument = instrument_of(events)
    assert (f"{instrument.price_rule.tick_at(exact(price)):f}", f"{instrument.lot_size:f}") == (tick, lot)
    assert instrument.id == "mock:XYZ"
    snapshot = next(event for _, event in events if isinstance(event, BookSnapshot))
    assert snapshot.bids[0].price == pytest.approx(price, rel=0.001)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("coin", bad) for bad in ("", "btc", "A B", "X" * 21)),
        *(("price", bad) for bad in (0.0, -1.0, math.nan, math.inf, 2e6, "100000")),
        *(("annual_volatility", bad) for bad in (-0.1, math.nan, 5.1)),
    ],
)
def test_a_setting_that_makes_no_market_is_refused(name: str, value: str | float) -> None:
    """A bad value stops the start and says which one it was."""
    with pytest.raises(ConfigError, match=name):
        connector(1, **{name: value})


def test_it_takes_no_orders() -> None:
    """There is nowhere to send a command to, and the connector says so."""
    context = WriteContext(nonce=1, at_ns=START_NS, sign=lambda data: data)
    with pytest.raises(LocalError, match="no order entry"):
        connector().write(CancelAll(), context)


FRAMES = [frame for _, frame in record(connector(), 30)]


@given(st.binary(max_size=200))
def test_f007_any_bytes_are_read_or_refused_as_remote(frame: bytes) -> None:
    """Garbage never raises anything but a remote error."""
    _read_or_refuse(frame)


@given(st.sampled_from(FRAMES), st.integers(0, 5_000), st.binary(max_size=4), st.integers(0, 4))
def test_f007_any_damage_to_a_frame_is_read_or_refused_as_remote(
    frame: bytes, position: int, inserted: bytes, removed: int
) -> None:
    """A frame with bytes changed, lost or added never raises anything but a remote error."""
    at = position % len(frame)
    _read_or_refuse(frame[:at] + inserted + frame[at + removed :])


@pytest.mark.parametrize(
    "frame",
    [
        b"[" * 100_000,
        b'{"type":"book","x":' + b"[" * 100_000,
        b'{"type":"instrument","coin":"BTC","tick":"0","lot":"1","min_notional":"1"}',
        b'{"type":"instrument","coin":"ETH","tick":"1","lot":"1","min_notional":"1"}',
        b'{"type":"mark","at_ns":' + b"9" * 5_000 + b"}",
        b'{"type":"book","at_ns":1,"sequence":1,"bids":[["1e5","1"]],"asks":[]}',
        b'{"type":"book","at_ns":1,"sequence":1,"bids":[["NaN","1"]],"asks":[]}',
        b'{"type":"book","at_ns":1,"sequence":1,"bids":[["1","-1"]],"asks":[]}',
        FRAMES[0] + b" " * (5 * 1024 * 1024),
    ],
    ids=["deep", "deep in a frame", "tick", "coin", "digits", "exponent", "nan", "negative", "long"],
)
def test_f027_a_hostile_frame_is_refused_as_remote(frame: bytes) -> None:
    """Depth, length and numbers that no market has are the sender's fault."""
    with pytest.raises(RemoteError):
        connector().read(mock.STREAM, frame, START_NS)


def _read_or_refuse(frame: bytes) -> None:
    try:
        connector().read(mock.STREAM, frame, START_NS)
    except RemoteError:
        return
