"""Whatever the market does and whatever is sent, the paper exchange gives nothing away."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from paper_world import PaperWorld
from paraphina_core.config import QueueModel
from paraphina_core.domain import (
    BookDelta,
    BookGap,
    BookSnapshot,
    CancelAll,
    CancelRejected,
    ClientOrderId,
    Event,
    Fill,
    Level,
    Liquidity,
    OrderAccepted,
    OrderCancelled,
    OrderRejected,
    PlaceOrder,
    Side,
    TimeInForce,
    Trade,
)
from paraphina_core.execution import Ledger, OrderTracker
from trading import BTC, levels, place, snapshot, trade

TICK = 0.5
TOLERANCE = 1e-6

ticks = st.integers(196, 204)
lots = st.integers(1, 30).map(lambda lots: lots / 10)


@st.composite
def snapshots(draw: st.DrawFn) -> BookSnapshot:
    """A book of up to three levels a side, now and then crossed or one-sided."""
    top = draw(ticks)
    gap = draw(st.integers(-1, 4).filter(bool))
    bids = [(top - step, draw(lots)) for step in range(draw(st.integers(0, 3)))]
    asks = [(top + gap + step, draw(lots)) for step in range(draw(st.integers(0, 3)))]
    return snapshot(_priced(bids), _priced(asks))


def _priced(pairs: list[tuple[int, float]]) -> tuple[tuple[float, float], ...]:
    return tuple((tick * TICK, size) for tick, size in pairs)


deltas = st.builds(
    lambda bid, ask: BookDelta(instrument=BTC.id, bids=levels(*_priced([bid])), asks=levels(*_priced([ask]))),
    st.tuples(st.integers(196, 200), st.one_of(st.just(0.0), lots)),
    st.tuples(st.integers(200, 204), st.one_of(st.just(0.0), lots)),
)
trades = st.builds(
    lambda tick, size, side, *, replay: trade(tick * TICK, size, side, is_replay=replay),
    ticks,
    lots,
    st.sampled_from(Side),
    replay=st.booleans(),
)
orders = st.builds(
    lambda side, tick, size, kind: ("place", side, tick * TICK, size, kind),
    st.sampled_from(Side),
    ticks,
    lots,
    st.sampled_from(
        [{}, {"post_only": True}, {"time_in_force": TimeInForce.IOC}, {"reduce_only": True}],
    ),
)
steps = st.lists(
    st.one_of(
        snapshots(),
        deltas,
        trades,
        orders,
        st.tuples(st.just("cancel"), st.integers(1, 20)),
        st.tuples(st.just("wait"), st.integers(1, 80)),
        st.just(BookGap(instrument=BTC.id, reason="sequence")),
        st.just(CancelAll()),
    ),
    min_size=5,
    max_size=60,
)
#: A market to begin with, so that most orders are let in.
START = snapshot(((100.0, 2.0), (99.5, 1.0)), ((100.5, 2.0), (101.0, 1.0)))


class Play:
    """One run of random steps: what was sent, and what each step answered."""

    def __init__(self, script: list[Any], **settings: Any) -> None:
        self.world = PaperWorld(**settings)
        self.orders: dict[ClientOrderId, PlaceOrder] = {}
        self.touches: list[tuple[Level | None, Level | None]] = []  # best bid and ask after each step
        self.answers: list[tuple[Any, list[Event]]] = []
        for step in (START, *script):
            self.answers.append((step, self._take(step)))
            self.touches.append((self.world.books[BTC.id].best_bid, self.world.books[BTC.id].best_ask))
        self.answers.append(("end", self.world.wait(10_000)))

    def _take(self, step: Any) -> list[Event]:
        if isinstance(step, BookSnapshot | BookDelta | BookGap | Trade):
            return self.world.see(step)
        if isinstance(step, CancelAll):
            return self.world.send(step)
        if step[0] == "wait":
            return self.world.wait(step[1])
        if step[0] == "cancel":
            return self.world.cancel(step[1])
        order = place(len(self.orders) + 1, *step[1:4], **step[4])
        self.orders[order.client_order_id] = order
        return self.world.send(order)

    @property
    def events(self) -> list[Event]:
        """Every answer in the order in which it came."""
        return [event for _, events in self.answers for event in events]

    @property
    def fills(self) -> list[Fill]:
        """Every fill."""
        return [event for event in self.events if isinstance(event, Fill)]


@given(steps, st.sampled_from(QueueModel))
def test_no_order_fills_beyond_its_size_or_its_limit(script: list[Any], model: QueueModel) -> None:
    """Never more than ordered, never worse than the limit, never off the lot; a maker at its own price."""
    play = Play(script, queue_model=model)
    filled: dict[ClientOrderId | None, Decimal] = {}
    for fill in play.fills:
        assert fill.client_order_id is not None
        order = play.orders[fill.client_order_id]
        assert (fill.price - order.price) * order.side.sign <= 0
        assert fill.liquidity is Liquidity.TAKER or fill.price == order.price
        assert not (order.post_only and fill.liquidity is Liquidity.TAKER)
        assert BTC.size_on_grid(fill.size)
        filled[fill.client_order_id] = filled.get(fill.client_order_id, Decimal(0)) + fill.size
    assert all(size <= play.orders[number].size for number, size in filled.items() if number is not None)


@given(steps, st.sampled_from(QueueModel))
def test_a_maker_fills_only_with_evidence_and_never_more_than_it_shows(
    script: list[Any], model: QueueModel
) -> None:
    """A maker's fill follows from a trade at or through its price, or from a book that reaches it."""
    play = Play(script, queue_model=model)
    for (step, events), (bid, ask) in zip(play.answers, play.touches, strict=False):
        makers = [e for e in events if isinstance(e, Fill) and e.liquidity is Liquidity.MAKER]
        if not makers:
            continue
        assert isinstance(step, Trade | BookSnapshot | BookDelta)
        if isinstance(step, Trade):
            assert not step.is_replay
            assert {fill.side for fill in makers} == {step.aggressor.opposite}
            assert all((float(fill.price) - step.price) * fill.side.sign >= 0 for fill in makers)
            assert float(sum(fill.size for fill in makers)) <= step.size + TOLERANCE
        else:
            for fill in makers:
                best = ask if fill.side is Side.BUY else bid
                assert best is not None
                assert (float(fill.price) - best[0]) * fill.side.sign >= 0


@given(steps)
def test_no_level_gives_more_than_it_displays(script: list[Any]) -> None:
    """Between two sizes of a level, all that takers had of it together is no more than it showed."""
    world = PaperWorld()
    book = world.books[BTC.id]
    world.see(START)
    taken: dict[tuple[Side, float], tuple[float, float]] = {}  # displayed then, and taken since
    number = 0
    for step in script:
        if isinstance(step, BookSnapshot | BookDelta | BookGap):
            world.see(step)
        elif isinstance(step, tuple) and step[0] == "place":
            number += 1
            for event in world.send(place(number, *step[1:4], time_in_force=TimeInForce.IOC)):
                if isinstance(event, Fill):
                    key = (event.side.opposite, float(event.price))
                    displayed = book.size_at(*key)
                    before = taken.get(key, (displayed, 0.0))
                    had = before[1] if before[0] == displayed else 0.0
                    taken[key] = (displayed, had + float(event.size))
                    assert taken[key][1] <= displayed + TOLERANCE
        taken = {key: had for key, had in taken.items() if book.size_at(*key) == had[0]}


@given(steps, st.integers(0, 3), st.sampled_from(QueueModel))
def test_same_seed_and_inputs_give_the_same_events(script: list[Any], seed: int, model: QueueModel) -> None:
    """Twice the same run, event by event."""
    settings: dict[str, Any] = {"latency_ms": 20, "latency_jitter_ms": 30, "queue_model": model, "seed": seed}
    assert Play(script, **settings).answers == Play(script, **settings).answers


@given(steps, st.sampled_from([0, 30]))
def test_every_order_ends_as_the_tracker_says_and_the_books_agree(script: list[Any], latency_ms: int) -> None:
    """Each order is answered once, filled or left; tracker, session ledger and exchange tell one story."""
    play = Play([*script, CancelAll()], latency_ms=latency_ms, latency_jitter_ms=latency_ms)
    tracker, ledger = OrderTracker(), Ledger(Decimal(10_000))
    for order in play.orders.values():
        tracker.create(order, 0)
        tracker.sent(order.client_order_id, 0)
    answered: list[ClientOrderId | None] = []
    for event in play.events:
        assert isinstance(event, OrderAccepted | OrderRejected | OrderCancelled | CancelRejected | Fill)
        if isinstance(event, CancelRejected):
            continue  # of a cancel of nothing, which no tracker would have sent
        if isinstance(event, OrderAccepted | OrderRejected):
            answered.append(event.client_order_id)
        if tracker.apply(event, 1).is_new_fill and isinstance(event, Fill):
            ledger.apply(event)
    assert sorted(answered, key=str) == sorted(play.orders, key=str)
    assert tracker.open_count == 0
    assert not tracker.findings
    assert ledger.size(BTC.id) == play.world.exchange.ledger.size(BTC.id)
    assert ledger.cash == play.world.exchange.ledger.cash


@given(steps)
def test_reduce_only_orders_never_open_or_enlarge_a_position(script: list[Any]) -> None:
    """Each fill of a reduce-only order brings the position nearer to zero and never beyond."""
    play = Play(script)
    position = Decimal(0)
    for fill in play.fills:
        after = position + fill.size * fill.side.sign
        assert fill.client_order_id is not None
        if play.orders[fill.client_order_id].reduce_only:
            assert abs(after) < abs(position)
            assert after * position >= 0
        position = after
