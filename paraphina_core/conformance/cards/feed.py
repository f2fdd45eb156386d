"""Cards on market data: what recorded frames must become, and what loss, repetition and reopening must."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from paraphina_core.conformance.bench import Bench, Told
from paraphina_core.conformance.card import Broken, Card, Deck, Evidence, check, skip
from paraphina_core.conformance.subject import Arrival, Opening, Step
from paraphina_core.conformance.validity import check_grid, check_time
from paraphina_core.connector import Connector
from paraphina_core.domain import (
    BestBidOffer,
    BookDelta,
    BookGap,
    BookSnapshot,
    Event,
    FundingRate,
    Instrument,
    InstrumentDefined,
    InstrumentId,
    Level,
    RemoteProtocolError,
    SubscriptionLive,
    Trade,
)
from paraphina_core.market import Book, BookState

DECK: Final = Deck()

_MARKET: Final = (BookSnapshot, BookDelta, BookGap, BestBidOffer, Trade)
_BOOK: Final = (BookSnapshot, BookDelta, BookGap, BestBidOffer)
#: Places of a recording at which loss, repetition and reopening are tried.
_PLACES: Final = 12
#: Frames that are read after such a place.
_AFTER: Final = 60


@DECK.add(
    Card(
        id="MD-010",
        title="every recorded frame is read",
        needs=(Evidence.FRAMES,),
        action="read every recording",
        events="any",
        passes="nothing is raised",
    )
)
def _recordings_are_read(bench: Bench) -> None:
    check(sum(len(walk) for walk in bench.walks), "the recordings are empty")


@DECK.add(
    Card(
        id="MD-020",
        title="instruments are defined before anything is said of them",
        needs=(Evidence.FRAMES,),
        action="read every recording",
        events="`InstrumentDefined` before books and trades",
        passes="each is defined first, under the name of the connector, and its grid holds its minimum",
        skip_when="the recordings hold no market data",
    )
)
def _instruments_come_first(bench: Bench) -> None:
    is_tried = False
    for walk in bench.walks:
        defined: dict[InstrumentId, Instrument] = {}
        for event in _said(walk):
            if isinstance(event, InstrumentDefined):
                is_tried = True
                _check_instrument(bench, event.instrument)
                defined[event.instrument.id] = event.instrument
            elif isinstance(event, _MARKET):
                known = sorted(defined)
                check(
                    event.instrument in defined,
                    "an instrument was not defined yet",
                    found=event.instrument,
                    wanted=str(known),
                )
    if not is_tried:
        skip("the recordings hold no market data")


@DECK.add(
    Card(
        id="MD-030",
        title="books and trades lie on the grid of their instrument",
        needs=(Evidence.FRAMES, Evidence.INSTRUMENTS),
        action="read every recording",
        events="`BookSnapshot`, `BookDelta`, `Trade`",
        passes="each price and size is on the grid that orders must keep",
        skip_when="the recordings hold no book and no trade",
    )
)
def _market_data_is_on_the_grid(bench: Bench) -> None:
    is_tried = False
    for walk in bench.walks:
        defined: dict[InstrumentId, Instrument] = {}
        for event in _said(walk):
            if isinstance(event, InstrumentDefined):
                defined[event.instrument.id] = event.instrument
            elif isinstance(event, _MARKET) and event.instrument in defined:
                is_tried = True
                check_grid(event, defined)
    if not is_tried:
        skip("the recordings hold no book and no trade")


@DECK.add(
    Card(
        id="MD-040",
        title="books are whole, ordered and not crossed",
        needs=(Evidence.FRAMES,),
        action="build every book of every recording from its events",
        events="`BookSnapshot`, `BookDelta`, `BookGap`, `BestBidOffer`",
        passes="each book begins with a snapshot, takes every change, and is believed after each",
        skip_when="the recordings hold no book",
    )
)
def _books_are_believed(bench: Bench) -> None:
    is_tried = False
    for walk in bench.walks:
        books: dict[InstrumentId, Book] = {}
        for told in walk:
            _reset(books, told.step)
            for event in told.events:
                if isinstance(event, _BOOK):
                    is_tried = True
                    _apply(books, event, told.step.at_ns)
                    state = books[event.instrument].state
                    fine = BookState.GAPPED if isinstance(event, BookGap) else BookState.LIVE
                    check(
                        state is fine, "a recorded book is not believed", found=state.value, wanted=fine.value
                    )
    if not is_tried:
        skip("the recordings hold no book")


@DECK.add(
    Card(
        id="MD-050",
        title="times are the venue's own, in nanoseconds since 1970",
        needs=(Evidence.FRAMES,),
        action="read every recording",
        events="any with `exchange_ns`",
        passes="each lies between the years 2017 and 2100; funding is paid after the time of its message",
    )
)
def _times_are_nanoseconds(bench: Bench) -> None:
    for event in (event for walk in bench.walks for event in _said(walk)):
        check_time(event)
        if isinstance(event, FundingRate) and event.next_funding_ns and event.exchange_ns:
            check(
                event.next_funding_ns >= event.exchange_ns, "funding is paid before it is told", found=event
            )


@DECK.add(
    Card(
        id="MD-060",
        title="acknowledgements name topics of the plan",
        needs=(Evidence.FRAMES,),
        action="read every recording",
        events="`SubscriptionLive`",
        passes="each topic stands in the plan",
        skip_when="no acknowledgement was recorded",
    )
)
def _topics_are_planned(bench: Bench) -> None:
    planned = {topic for stream in bench.connector().plan().streams for topic in stream.topics}
    told = {e.topic for walk in bench.walks for e in _said(walk) if isinstance(e, SubscriptionLive)}
    if not told:
        skip("no acknowledgement was recorded")
    check(
        told <= planned,
        "a topic was acknowledged that nobody planned",
        found=sorted(told - planned),
        wanted=str(sorted(planned)),
    )


@DECK.add(
    Card(
        id="MD-070",
        title="trades of the time before the subscription are marked",
        needs=(Evidence.FRAMES,),
        action="read every recording",
        events="`Trade` with `is_replay`",
        passes="a trade older than the first book of its connection is marked; none comes twice unmarked",
        skip_when="no recorded trade is older than the first book",
    )
)
def _old_trades_are_marked(bench: Bench) -> None:
    is_tried = False
    for walk in bench.walks:
        first_book_ns: dict[InstrumentId, int] = {}
        told_ids: set[tuple[InstrumentId, str]] = set()
        for told in walk:
            if isinstance(told.step, Opening):
                first_book_ns.clear()
            for event in told.events:
                if isinstance(event, BookSnapshot) and event.exchange_ns is not None:
                    first_book_ns.setdefault(event.instrument, event.exchange_ns)
                elif isinstance(event, Trade) and event.exchange_ns is not None:
                    is_old = event.exchange_ns < first_book_ns.get(event.instrument, 0)
                    is_tried = is_tried or is_old
                    check(event.is_replay or not is_old, "an old trade is told as new", found=event)
                    key = (event.instrument, event.trade_id)
                    check(event.is_replay or key not in told_ids, "a trade is told twice", found=event)
                    told_ids.add(key)
    if not is_tried:
        skip("no recorded trade is older than the first book")


@DECK.add(
    Card(
        id="MD-110",
        title="a lost change of a book is a gap, never a guess",
        needs=(Evidence.FRAMES,),
        action="leave a frame with a change of a book out, at several places of each recording",
        events="`BookGap`, then nothing of that book until a snapshot",
        passes="until the next snapshot the gap is told and no change follows",
        skip_when="the recordings hold no change of a book: every book is whole",
    )
)
def _loss_is_a_gap(bench: Bench) -> None:
    for lost, after in _at_changes(bench):
        (instrument,) = {e.instrument for e in lost.events if isinstance(e, BookDelta)}
        told = list(_until_snapshot(after, instrument))
        if not any(expected for expected, _ in told):
            continue  # nothing of this book comes between the loss and the next snapshot
        guessed = [e for _, events in told for e in events if isinstance(e, BookDelta)]
        check(
            not guessed,
            "a book goes on over a lost change",
            found=guessed,
            wanted="a BookGap, then a snapshot",
        )
        gaps = [e for _, events in told for e in events if isinstance(e, BookGap)]
        check(gaps, "a lost change is not told", wanted="a BookGap")


@DECK.add(
    Card(
        id="MD-120",
        title="a frame that comes twice changes nothing the second time",
        needs=(Evidence.FRAMES,),
        action="read a frame with a book a second time, at several places of each recording",
        events="any",
        passes="the books are those without the repetition, and as believed as they were",
        skip_when="the recordings hold no book",
    )
)
def _repetition_changes_nothing(bench: Bench) -> None:
    for index, number in _places(bench, (BookSnapshot, BookDelta)):
        steps = bench.recordings[index].steps
        twice = (*steps[: number + 1], steps[number], *steps[number + 1 : number + _AFTER])
        once = _books(bench.walk(steps[: number + _AFTER]))
        again = _books(bench.walk(twice))
        _check_books(again, once, "a repeated frame")


@DECK.add(
    Card(
        id="MD-130",
        title="frames that change places never make a wrong book",
        needs=(Evidence.FRAMES,),
        action="let two frames in a row with changes of a book arrive in the other order, at several places",
        events="`BookGap`, or books as they were",
        passes="right after the two, the book is the right one or is not believed",
        skip_when="the recordings hold no change of a book: every book is whole",
    )
)
def _order_is_noticed(bench: Bench) -> None:
    is_tried = False
    for index, number in _places(bench, (BookDelta,)):
        steps = bench.recordings[index].steps
        if number + 1 >= len(steps) or not _has(bench.walks[index][number + 1], (BookDelta,)):
            continue
        is_tried = True
        swapped = (*steps[:number], steps[number + 1], steps[number])
        right = _books(bench.walk(steps[: number + 2]))
        found = _books(bench.walk(swapped))
        for instrument, book in found.items():
            believed = book.state is BookState.LIVE
            same = _levels(book) == _levels(right[instrument])
            check(
                same or not believed,
                "frames in the wrong order make a wrong book",
                found=_levels(book)[0][:3],
            )
    if not is_tried:
        skip("the recordings hold no two changes of a book in a row")


@DECK.add(
    Card(
        id="RC-010",
        title="what an earlier connection said of a book is void when its stream is opened anew",
        needs=(Evidence.FRAMES,),
        action="open the stream again at several places of each recording, and go on with the recording",
        events="`BookSnapshot` before any `BookDelta`; `BookGap`",
        passes="no change of a book is told before its next snapshot",
        skip_when="the recordings hold no book",
    )
)
def _reopening_forgets(bench: Bench) -> None:
    for index, number in _places(bench, (BookSnapshot, BookDelta)):
        steps = bench.recordings[index].steps
        step = steps[number]
        if not isinstance(step, Arrival):
            continue  # the answer to a question; what comes over the stream is tried elsewhere
        connector = _led(bench, steps[:number])
        connector.closed(step.stream)
        connector.opened(step.stream, bench.context(step.at_ns))
        whole: set[InstrumentId] = set()
        rest = [
            s for s in steps[number : number + _AFTER] if isinstance(s, Arrival) and s.stream == step.stream
        ]
        for event in _said(bench.walk(rest, connector)):
            if isinstance(event, BookSnapshot):
                whole.add(event.instrument)
            elif isinstance(event, BookDelta):
                check(
                    event.instrument in whole,
                    "a book goes on over a lost connection",
                    found=event,
                    wanted="a BookSnapshot first",
                )


@DECK.add(
    Card(
        id="RC-020",
        title="a connection that begins anew tells what the first one told",
        needs=(Evidence.FRAMES,),
        action="read every recording twice, with every stream closed and opened anew in between",
        events="those of the first time; trades that were told before are marked or left out",
        passes="every frame is read, and the books at the end are those of the first time",
    )
)
def _reopening_begins_anew(bench: Bench) -> None:
    for recording, first in zip(bench.recordings, bench.walks, strict=True):
        connector = _led(bench, recording.steps)
        for stream in dict.fromkeys(step.stream for step in recording.steps if isinstance(step, Opening)):
            connector.closed(stream)
        again = _books(bench.walk(recording.steps, connector))
        _check_books(again, _books(first), "a second connection")


def _check_instrument(bench: Bench, instrument: Instrument) -> None:
    check(
        instrument.venue == bench.spec.name,
        "an instrument is not the connector's own",
        found=instrument.id,
        wanted=f"{bench.spec.name}:...",
    )
    smallest = instrument.min_size
    check(
        smallest == 0 or instrument.size_on_grid(smallest),
        f"the smallest order of {instrument.id} is no whole number of lots",
        found=smallest,
        wanted=f"lots of {instrument.lot_size}",
    )


# --- driving ------------------------------------------------------------------------------------


def _said(walk: Iterable[Told]) -> Iterator[Event]:
    for told in walk:
        yield from told.events


def _led(bench: Bench, steps: Sequence[Step]) -> Connector:
    connector = bench.connector()
    for _ in bench.walk(steps, connector):
        pass
    return connector


def _has(told: Told, kinds: tuple[type[Event], ...]) -> bool:
    return any(isinstance(event, kinds) for event in told.events)


def _places(bench: Bench, kinds: tuple[type[Event], ...]) -> Iterator[tuple[int, int]]:
    """Yield numbers of recordings and of steps that told such events, spread over each recording."""
    is_tried = False
    for index, walk in enumerate(bench.walks):
        numbers = [number for number, told in enumerate(walk) if _has(told, kinds)]
        for number in numbers[:: max(1, len(numbers) // _PLACES)]:
            is_tried = True
            yield index, number
    if not is_tried:
        names = " or ".join(kind.__name__ for kind in kinds)
        skip(f"the recordings hold no {names}")


def _at_changes(bench: Bench) -> Iterator[tuple[Told, Iterator[tuple[Told, tuple[Event, ...]]]]]:
    """Yield changes of one book that a connector did not get, and what it says to what follows."""
    for index, number in _places(bench, (BookDelta,)):
        walk = bench.walks[index]
        lost = walk[number]
        if len({e.instrument for e in lost.events if isinstance(e, BookDelta)}) != 1:
            continue
        if not isinstance(lost.step, Arrival):
            continue  # the answer to a question, which is asked again until it comes
        connector = _led(bench, bench.recordings[index].steps[:number])
        yield lost, _after(bench, connector, walk[number + 1 : number + 1 + _AFTER])


def _after(
    bench: Bench, connector: Connector, walk: Sequence[Told]
) -> Iterator[tuple[Told, tuple[Event, ...]]]:
    for told in walk:
        (again,) = bench.walk((told.step,), connector)
        yield told, again.events


def _until_snapshot(
    after: Iterable[tuple[Told, tuple[Event, ...]]], instrument: InstrumentId
) -> Iterator[tuple[bool, list[Event]]]:
    """Yield for each frame up to a snapshot whether a change of the book was due, and what was said."""
    for told, events in after:
        mine = [e for e in events if isinstance(e, _BOOK) and e.instrument == instrument]
        if any(isinstance(event, BookSnapshot) for event in mine):
            return
        due = any(isinstance(e, BookDelta) and e.instrument == instrument for e in told.events)
        yield due, list(mine)


# --- books --------------------------------------------------------------------------------------


def _books(walk: Iterable[Told]) -> dict[InstrumentId, Book]:
    books: dict[InstrumentId, Book] = {}
    for told in walk:
        _reset(books, told.step)
        for event in told.events:
            if isinstance(event, _BOOK):
                _apply(books, event, told.step.at_ns)
    return books


def _reset(books: Mapping[InstrumentId, Book], step: Step) -> None:
    if isinstance(step, Opening):
        for book in books.values():
            book.reset()


def _apply(
    books: dict[InstrumentId, Book], event: BookSnapshot | BookDelta | BookGap | BestBidOffer, at_ns: int
) -> None:
    book = books.setdefault(event.instrument, Book(event.instrument))
    try:
        book.apply(event, at_ns)
    except RemoteProtocolError as e:
        raise Broken(f"an event does not fit its book: {e}", found=event) from e


def _levels(book: Book) -> tuple[list[Level], list[Level]]:
    return list(book.bids), list(book.asks)


def _check_books(found: Mapping[InstrumentId, Book], wanted: Mapping[InstrumentId, Book], cause: str) -> None:
    check(set(found) == set(wanted), f"{cause} changes which books there are", found=sorted(found))
    for instrument, book in found.items():
        right = wanted[instrument]
        check(
            book.state is right.state,
            f"{cause} changes the state of a book",
            found=book.state.value,
            wanted=right.state.value,
        )
        check(
            _levels(book) == _levels(right),
            f"{cause} changes a book",
            found=_levels(book)[0][:3],
            wanted=str(_levels(right)[0][:3]),
        )
