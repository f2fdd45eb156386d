"""Books are joined from a stream of changes and a snapshot, by the venue's rules and on genuine data."""

from __future__ import annotations

import gzip
import json
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paraphina_aster.book_sync import MAX_KEPT, PAUSE_NS, BookSync
from paraphina_aster.messages import DepthSnapshot, DepthUpdate
from paraphina_aster.twin.conformance import SYMBOLS, captured
from paraphina_core.domain import (
    BookDelta,
    BookGap,
    BookSnapshot,
    Event,
    RemoteError,
    RemoteProtocolError,
    instrument_id,
)

VECTORS = Path(__file__).parent / "vectors"
BTC = instrument_id("aster", "BTCUSDT")

Sides = tuple[dict[Decimal, Decimal], dict[Decimal, Decimal]]


def update(first: int, last: int, before: int, bids: Any = (), asks: Any = ()) -> DepthUpdate:
    """Return a change of the book."""
    return msgspec.convert(
        {
            "e": "depthUpdate",
            "s": "BTCUSDT",
            "T": 1,
            "U": first,
            "u": last,
            "pu": before,
            "b": msgspec.Raw(msgspec.json.encode(bids)),
            "a": msgspec.Raw(msgspec.json.encode(asks)),
        },
        DepthUpdate,
    )


def snapshot(last: int, bids: Any = (("1", "1"),), asks: Any = (("2", "1"),)) -> DepthSnapshot:
    """Return a whole book."""
    raw = [msgspec.Raw(msgspec.json.encode(side)) for side in (bids, asks)]
    return DepthSnapshot(last, 1, raw[0], raw[1])


def apply(book: Sides | None, events: Sequence[Event]) -> Sides | None:
    """Return the book after some events; None while it is not believed."""
    for event in events:
        match event:
            case BookSnapshot():
                book = ({}, {})
            case BookGap():
                book = None
        if isinstance(event, BookSnapshot | BookDelta) and book is not None:
            for side, levels in zip(book, (event.bids, event.asks), strict=True):
                for level in levels:
                    price, size = Decimal(repr(level.price)), Decimal(repr(level.size))
                    side.pop(price, None)
                    if size:
                        side[price] = size
    return book


def kinds(events: Sequence[Event]) -> list[str]:
    """Name events."""
    return [type(event).__name__ for event in events]


SCENARIOS: list[Any] = [
    pytest.param(case, id=case["id"])
    for case in json.loads((VECTORS / "book_sync.json").read_text(encoding="utf-8"))["cases"]
]


def read(case: dict[str, Any]) -> tuple[DepthSnapshot, list[DepthUpdate]]:
    """Return snapshot and updates of a scenario."""
    whole = snapshot(*(case["snapshot"][key] for key in ("lastUpdateId", "bids", "asks")))
    return whole, [update(each["U"], each["u"], each["pu"], each["b"], each["a"]) for each in case["events"]]


def check(case: dict[str, Any], book: Sides | None, last_id: int | None) -> None:
    """Compare a book with the one that a scenario expects."""
    assert book is not None
    for side, name in zip(book, ("bids", "asks"), strict=True):
        assert side == {Decimal(price): Decimal(size) for price, size in case["expected"][name]}
    assert last_id == case["expected"]["last_update_id"] or case["expected"]["last_update_id"] is None


@pytest.mark.parametrize("case", SCENARIOS)
def test_f016_a_book_is_joined_as_the_documentation_says(case: dict[str, Any]) -> None:
    """In every scenario the same updates are applied, dropped and refused, and the same book is left."""
    sync = BookSync(BTC)
    whole, updates = read(case)
    book = apply(None, sync.snapshot(whole, 0))
    last_id = sync.last_id
    for each, action in zip(updates, case["expected"]["actions"], strict=True):
        events = sync.update(each, 0)
        if case["id"] == "aster-book-duplicate_event" and action == "resync":
            # The recipe taken by the letter starts anew; what was applied already can be left out as well.
            assert events == ()
            break
        assert (
            kinds(events)
            == {"drop": [], "apply": ["BookDelta"], "resync": ["BookGap", "FetchSnapshot"]}[action]
        )
        if action == "resync":
            break
        book, last_id = apply(book, events), sync.last_id
    check(case, book, last_id)


WHOLE = [case for case in SCENARIOS if "resync" not in case.values[0]["expected"]["actions"]]


@pytest.mark.parametrize("case", WHOLE)
def test_updates_that_come_before_the_snapshot_wait_for_it(case: dict[str, Any]) -> None:
    """The first asks for the snapshot; the same book is joined from what waits."""
    sync = BookSync(BTC)
    whole, updates = read(case)
    events = [event for each in updates for event in sync.update(each, 0)]
    assert kinds(events) == ["FetchSnapshot"]
    check(case, apply(None, sync.snapshot(whole, 0)), sync.last_id)


def test_what_follows_the_snapshot_directly_is_no_gap() -> None:
    """In a quiet market the snapshot is of the last update before the stream was opened."""
    sync = BookSync(BTC)
    sync.snapshot(snapshot(160), 0)
    assert kinds(sync.update(update(170, 171, 160, [["1", "2"]]), 0)) == ["BookDelta"]


def test_a_snapshot_that_is_too_old_is_asked_for_again_after_a_pause() -> None:
    """Not at once: each costs a hundredth of a minute's weight, and the venue may serve old ones for long."""
    sync = BookSync(BTC)
    assert kinds(sync.update(update(170, 175, 169), 0)) == ["FetchSnapshot"]
    assert kinds(sync.update(update(176, 178, 175), 0)) == []
    assert kinds(sync.snapshot(snapshot(150), 5)) == ["BookGap"]
    assert kinds(sync.update(update(179, 180, 178), 5 + PAUSE_NS - 1)) == []
    assert kinds(sync.update(update(181, 182, 180), 5 + PAUSE_NS)) == ["FetchSnapshot"]
    assert kinds(sync.snapshot(snapshot(180), 6 + PAUSE_NS)) == ["BookSnapshot", "BookDelta"]
    assert sync.last_id == 182


def test_a_snapshot_that_is_older_than_the_book_is_brought_up_to_it() -> None:
    """The core asks for one whenever it believes a book no more; the stream goes on meanwhile."""
    sync = BookSync(BTC)
    sync.snapshot(snapshot(160), 0)
    sync.update(update(160, 165, 159), 0)
    assert kinds(sync.snapshot(snapshot(162), 0)) == ["BookSnapshot", "BookDelta"]
    assert sync.last_id == 165


@pytest.mark.parametrize("first", [update(160, 165, 159), update(150, 155, 149)])
def test_f017_a_venue_that_counts_from_the_beginning_again_is_followed_from_a_new_snapshot(
    first: DepthUpdate,
) -> None:
    """Its ids are below all that are known: no repetitions, though they run back."""
    sync = BookSync(BTC)
    sync.snapshot(snapshot(160), 0)
    sync.update(first, 0)
    assert kinds(sync.update(update(1, 3, 0), 0)) == ["BookGap", "FetchSnapshot"]
    assert kinds(sync.update(update(4, 5, 3), 0)) == []
    assert kinds(sync.snapshot(snapshot(3), 0)) == ["BookSnapshot", "BookDelta"]
    assert kinds(sync.update(update(6, 9, 5), 0)) == ["BookDelta"]
    assert sync.last_id == 9


def test_f014_a_change_that_comes_twice_is_applied_once() -> None:
    """Whether it is the newest or an older one."""
    sync = BookSync(BTC)
    sync.snapshot(snapshot(160), 0)
    for repeated in (update(160, 165, 159), update(166, 170, 165), update(171, 175, 170)):
        assert kinds(sync.update(repeated, 0)) == ["BookDelta"]
        assert sync.update(repeated, 0) == ()
    assert sync.update(update(160, 165, 159), 0) == ()
    assert sync.last_id == 175


def test_updates_that_wait_are_limited() -> None:
    """The newest are kept, which are those that a late snapshot can still meet."""
    sync = BookSync(BTC)
    for last in range(1, MAX_KEPT + 2):
        sync.update(update(last, last, last - 1), 0)
    assert len(sync.snapshot(snapshot(1), 0)) == 1 + MAX_KEPT
    sync = BookSync(BTC)
    for last in range(1, MAX_KEPT + 3):
        sync.update(update(last, last, last - 1), 0)
    assert kinds(sync.snapshot(snapshot(1), 0)) == ["BookGap"]


@pytest.mark.parametrize(
    "levels", [[["1", "-1"]], [["0", "1"]], [["nan", "1"]], [["1e2", "1"]], [["1", "1e-30"]], [["1"]], {}]
)
def test_f019_levels_that_make_no_sense_are_refused(levels: Any) -> None:
    """Wherever they stand."""
    sync = BookSync(BTC)
    with pytest.raises(RemoteError):
        sync.snapshot(snapshot(160, levels), 0)
    sync.snapshot(snapshot(160), 0)
    with pytest.raises(RemoteError):
        sync.update(update(160, 161, 159, levels), 0)


def test_a_snapshot_without_anything_at_a_level_is_refused() -> None:
    """Zero deletes, and nothing is there to be deleted."""
    with pytest.raises(RemoteProtocolError):
        BookSync(BTC).snapshot(snapshot(1, [["1", "0"]]), 0)


def test_an_update_that_runs_back_is_refused() -> None:
    """Its first id is above its last."""
    with pytest.raises(RemoteProtocolError):
        BookSync(BTC).update(update(5, 4, 3), 0)


@given(st.data())
def test_a_book_is_never_believed_behind_a_hole(data: st.DataObject) -> None:
    """Whatever is lost, repeated or asked when: what is believed is what the whole stream makes."""
    truth: dict[int, dict[str, str]] = {0: {}}
    updates = []
    last = 0
    for _ in range(data.draw(st.integers(1, 12))):
        first = last + data.draw(st.integers(1, 3))
        new = first + data.draw(st.integers(0, 2))
        price, size = str(data.draw(st.integers(1, 3))), str(data.draw(st.integers(0, 3)))
        updates.append(update(first, new, last, [[price, size]]))
        truth[new] = {**truth[last], price: size}
        last = new
    sync, book = BookSync(BTC), None
    for each in updates:
        for _ in range(data.draw(st.sampled_from([0, 1, 1, 1, 1, 2]))):
            book = apply(book, sync.update(each, 0))
        if data.draw(st.integers(0, 3)) == 0:
            known = data.draw(st.sampled_from([at for at in truth if at <= each.u]))
            levels = [[price, size] for price, size in truth[known].items() if size != "0"]
            book = apply(book, sync.snapshot(snapshot(known, levels), 0))
        if book is not None and sync.last_id in truth:
            held = {str(int(price)): str(int(size)) for price, size in book[0].items()}
            assert held == {price: size for price, size in truth[sync.last_id].items() if size != "0"}


# --- a genuine capture of another venue with the same wire format, see `twin/evidence` ----------------------


#: Twenty seconds of a busy market, of another day.
BUSY = VECTORS / "binance_usdm_20240808.txt.gz"


def busy() -> Iterator[tuple[str, str, bytes]]:
    """Yield what is in the second capture, as `captured` does of the first one."""
    with gzip.open(BUSY, "rb") as file:
        for line in file:
            head, _, body = line.rstrip(b"\n").partition(b" ")
            is_frame = head == b"frame"
            symbol = json.loads(body)["data"]["s"] if is_frame else head.decode()
            yield "frame" if is_frame else "snapshot", symbol, body


@pytest.mark.parametrize(
    ("capture", "symbol", "at_least"),
    [
        *((captured, symbol, 50) for symbol in SYMBOLS),
        *((busy, symbol, 150) for symbol in ("BTCUSDT", "ETHUSDT")),
    ],
)
def test_genuine_updates_join_and_agree_with_every_touch(
    capture: Callable[[], Iterator[tuple[str, str, bytes]]], symbol: str, at_least: int
) -> None:
    """No gap; at each id the best prices and sizes are those that were told beside it."""
    sync, book = BookSync(BTC), None
    touches: dict[int, dict[str, str]] = {}
    books: dict[int, tuple[Decimal, Decimal, Decimal, Decimal]] = {}
    seen: list[str] = []
    for what, whose, body in capture():
        if whose != symbol:
            continue
        if what == "snapshot":
            events = sync.snapshot(msgspec.json.decode(body, type=DepthSnapshot), 0)
        else:
            data = json.loads(body)["data"]
            if data["e"] == "bookTicker":
                touches[data["u"]] = data
            if data["e"] != "depthUpdate":
                continue
            events = sync.update(msgspec.json.decode(msgspec.json.encode(data), type=DepthUpdate), 0)
        seen += kinds(events)
        book = apply(book, events)
        if book is not None and sync.last_id is not None and "BookDelta" in kinds(events):
            bid, ask = max(book[0]), min(book[1])
            books[sync.last_id] = (bid, book[0][bid], ask, book[1][ask])
    assert "BookGap" not in seen
    assert seen.count("BookSnapshot") == 1
    ids = sorted(touches)
    comparable = [last for last in books if ids[0] <= last < ids[-1]]
    for last in comparable:
        touch = touches[ids[bisect_right(ids, last) - 1]]
        assert books[last] == tuple(Decimal(touch[key]) for key in "bBaA")
    assert len(comparable) >= at_least
