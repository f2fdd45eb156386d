"""Cards on broken connections and damaged streams, in a market that others trade: books come back right."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final

from paraphina_core.conformance.bench import Bench
from paraphina_core.conformance.card import Card, Deck, Evidence, check
from paraphina_core.conformance.desk import Desk, fault
from paraphina_core.conformance.rig import Rig
from paraphina_core.connector import Capability
from paraphina_core.domain import (
    BookSnapshot,
    InstrumentId,
    Level,
    OpenOrdersListed,
    QueryAccount,
    QueryOpenOrders,
    Side,
    Trade,
    exact,
)
from paraphina_core.market import Book, BookState
from paraphina_core.twin import BookLevel

DECK: Final = Deck()

_NEEDS: Final = (Evidence.TWIN,)
_MARKET: Final = (Capability.MARKET, Capability.EXECUTION)
_LIVELY: Final = "a connector that is live at its twin, in a market that others trade"
#: How long a market stands still, so that its book can be compared; feeds tell of it in far less.
_STILL_MS: Final = 12_000
_READ_MS: Final = 10_000


def _rig(bench: Bench) -> Rig:
    rig = Rig(bench, lively=True).start()
    rig.run(5_000)
    return rig


def _check_books(rig: Rig) -> None:
    """Let the market stand still, and compare every book with the venue's."""
    rig.arm(fault("freeze", ms=_STILL_MS))
    rig.run(_READ_MS)
    check(rig.books, "no book was told")
    for instrument in rig.instruments:
        book = rig.books.get(instrument)
        check(book is not None, "a book is missing", found=instrument)
        assert book is not None  # noqa: S101  # just checked
        check(book.state is BookState.LIVE, "a book is not believed", found=book.state.value, wanted="live")
        for side in Side:
            _check_side(book, side, rig.host.exchange.markets[instrument].levels(side), instrument)
    rig.run(_STILL_MS - _READ_MS + 1_000)


def _check_side(book: Book, side: Side, real: Sequence[BookLevel], instrument: InstrumentId) -> None:
    told = [_exact(level) for level in book.levels(side)]
    wanted = [(level.price, level.size) for level in real[: len(told)]]
    check(told, f"{side.value} side of {instrument} is empty")
    check(
        told == wanted,
        f"{side.value} side of {instrument} is another",
        found=told[:3],
        wanted=str(wanted[:3]),
    )


def _exact(level: Level) -> tuple[Decimal, Decimal]:
    return exact(level.price), exact(level.size)


def _check_trades(trades: Iterable[Trade]) -> None:
    seen: set[tuple[InstrumentId, str]] = set()
    for trade in trades:
        key = (trade.instrument, trade.trade_id)
        check(trade.is_replay or key not in seen, "a trade is told twice as if it were new", found=trade)
        seen.add(key)


@DECK.add(
    Card(
        id="MD-210",
        title="books are the venue's own",
        needs=_NEEDS,
        capabilities=_MARKET,
        prerequisite=_LIVELY,
        action="read the market for a while, let it stand still, and compare; again and again",
        events="`BookSnapshot`, `BookDelta`, `BestBidOffer`, `Trade`",
        passes="each book holds the venue's levels to the last digit, as deep as it goes; no trade twice",
        faults=("freeze",),
    )
)
def _books_are_right(bench: Bench) -> None:
    rig = _rig(bench)
    for _ in range(3):
        _check_books(rig)
        rig.run(5_000)
    _check_trades(rig.told(Trade))
    check(rig.told(BookSnapshot) and rig.told(Trade), "the market is told in part only")


@DECK.add(
    Card(
        id="RC-110",
        title="after every stream was cut everything becomes live again",
        needs=_NEEDS,
        capabilities=_MARKET,
        prerequisite=_LIVELY,
        action="cut every stream, let them be opened anew, and compare the books; three times",
        events="`SubscriptionLive`; a `BookSnapshot` before any `BookDelta`",
        passes="each topic is acknowledged anew, the books are right, trades told again are marked",
        faults=("kill", "freeze"),
    )
)
def _cuts_are_survived(bench: Bench) -> None:
    rig = _rig(bench)
    for _ in range(3):
        rig.arm(fault("kill"))
        rig.run(100)
        check(not rig.live, "a topic outlives its stream", found=sorted(rig.live))
        rig.wait_until_live()
        _check_books(rig)
    _check_trades(rig.told(Trade))


@DECK.add(
    Card(
        id="RC-120",
        title="a stream that is open in name only is replaced",
        needs=_NEEDS,
        capabilities=_MARKET,
        prerequisite=_LIVELY,
        action="let the venue go silent on every stream without closing one",
        events="`SubscriptionLive`",
        passes="heartbeat and silence of the plan find it out within two minutes; the books are right again",
        faults=("half_open", "freeze"),
    )
)
def _silence_is_noticed(bench: Bench) -> None:
    rig = _rig(bench)
    rig.arm(fault("half_open"))
    closed = sum(sum(stream.closures.values()) for stream in rig.streams.values())
    rig.until(
        lambda: sum(sum(s.closures.values()) for s in rig.streams.values()) >= closed + len(rig.streams),
        lambda: "a silent stream is not noticed",
        120_000,
    )
    rig.wait_until_live()
    _check_books(rig)


@DECK.add(
    Card(
        id="RC-130",
        title="lost, doubled, late and reordered frames never leave a wrong book",
        needs=_NEEDS,
        capabilities=_MARKET,
        prerequisite=_LIVELY,
        action="drop, double, delay, reorder and split frames by chance for a while, with gaps in between",
        events="`BookGap`, `Resubscribe`, `FetchSnapshot` where the venue counts",
        passes="nothing is raised, and once frames come whole again the books are right",
        faults=("drop", "duplicate", "delay", "reorder", "split", "gap", "freeze"),
    )
)
def _damage_heals(bench: Bench) -> None:
    rig = _rig(bench)
    for name, more in (
        ("drop", {}),
        ("duplicate", {}),
        ("delay", {"ms": 400}),
        ("reorder", {"ms": 400}),
        ("split", {}),
        ("gap", {"frames": 4}),
    ):
        rig.arm(fault(name, probability=0.2, count=200, for_ms=10_000, **more))
        rig.run(11_000)
        rig.wait_until_live()
        _check_books(rig)


@DECK.add(
    Card(
        id="RC-140",
        title="a cut at any moment of the start is survived",
        needs=_NEEDS,
        capabilities=_MARKET,
        prerequisite="a connector at its twin that is just starting",
        action="cut the network at many moments after the streams began to open",
        events="`SubscriptionLive`",
        passes="everything becomes live, and an order can be placed and cancelled",
        faults=("kill",),
    )
)
def _starts_are_survived(bench: Bench) -> None:
    for after_ms in (1, 20, 40, 60, 80, 100, 150, 300):
        rig = Rig(bench)
        rig.begin()
        rig.run(after_ms)
        rig.arm(fault("kill"))
        rig.link.outage(500)
        rig.wait_until_live()
        desk = Desk(rig)
        desk.cancel(desk.rest())
        check(not desk.resting(), "a cancel is lost after a broken start", found=desk.resting())


@DECK.add(
    Card(
        id="RC-150",
        title="orders and positions are known again after an outage",
        needs=_NEEDS,
        capabilities=(*_MARKET, Capability.ACCOUNT),
        prerequisite=_LIVELY,
        action="place orders, cut the network for ten seconds while the market goes on, then ask",
        events="`OpenOrdersListed`, `PositionsListed`",
        passes="what is listed is the venue's own; own orders are known under our ids",
        faults=("kill", "freeze"),
    )
)
def _accounts_are_known_again(bench: Bench) -> None:
    rig = _rig(bench)
    desk = Desk(rig)
    orders = [desk.place(Side.BUY, -rig.far_bps), desk.place(Side.SELL, rig.far_bps)]
    rig.arm(fault("kill"))
    rig.link.outage(10_000)
    rig.run(20_000)
    rig.wait_until_live()
    (listed,) = (e for e in rig.asked(QueryOpenOrders()) if isinstance(e, OpenOrdersListed))
    wanted = {int(order.client_order_id) for order in orders}
    found = {report.client_order_id for report in listed.orders}
    check(found == wanted, "open orders are other ones after an outage", found=found, wanted=str(wanted))
    rig.asked(QueryAccount())
    desk.check_position()
    _check_books(rig)


@DECK.add(
    Card(
        id="HO-110",
        title="garbled frames of a living stream cost a book, not more",
        needs=_NEEDS,
        capabilities=_MARKET,
        prerequisite=_LIVELY,
        action="cut frames short, replace them by nonsense and deep nests, or numbers in them by NaN",
        events="none of the garbled ones",
        passes="only `RemoteError` is raised, and once frames come whole again the books are right",
        faults=("garble", "freeze"),
    )
)
def _garbled_frames_cost_a_book(bench: Bench) -> None:
    rig = _rig(bench)
    for how in ("truncated", "nonsense", "nan", "deep"):
        rig.arm(fault("garble", how=how, probability=0.2, count=100, for_ms=5_000))
        rig.run(6_000)
        rig.wait_until_live()
    check(rig.refused, "no garbled frame is refused")
    _check_books(rig)
