"""What it costs to get from a frame of Paradex's book to a readable touch, beside ccxt.pro and bare `struct`.

Usage: python benchmarks/paradex_frames.py [FRAMES]

Books of fifteen levels a side, as the channel of snapshots sends them: binary for us and for `struct`, which
only unpacks the numbers of header, block and levels; the same content in JSON for ccxt.pro, which reads no
binary frames. And changes of one to four levels of a whole book, which ccxt.pro does not subscribe to. Every
contestant gets the same content by turns.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import struct
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from importlib.metadata import version
from typing import Any, Final

from measuring.rounds import middle, percentile, take_turns
from measuring.tables import Table, micros, times

from paraphina_core.connector import Answer, ConnectorContext, Network, TradeMode, WriteContext
from paraphina_core.domain import BookDelta, BookSnapshot, QueryInstruments
from paraphina_core.market import Book
from paraphina_paradex.connector import MARKET, ParadexConnector
from paraphina_paradex.sbe import LAYOUTS, Frame, RawLevel, Template
from paraphina_paradex.twin.conformance import RECORDED, listings
from paraphina_paradex.twin.sbe_encoder import encode

SEED: Final = 20_261_126
DEPTH: Final = 15
WHOLE_DEPTH: Final = 100
BLOCK: Final = 500
FRAMES: Final = 10_000
FIRST_US: Final = 1_791_421_535_000_000
TICK, LOT = 10_000_000, 1_000
OURS, CCXT, BARE = "Paraphina", "ccxt.pro", "struct alone"

#: Best bid and best ask.
Touch = tuple[float, float]
Reader = Callable[[Sequence[bytes]], Touch]

_HEAD: Final = struct.Struct("<HHHHqqBqqqqqqqqq")
_GROUP: Final = struct.Struct("<HH")
_LEVEL: Final = struct.Struct("<qq")


def book_frame(sequence: int, bids: list[RawLevel], asks: list[RawLevel], *, whole: bool) -> bytes:
    """Spell a frame."""
    numbers: dict[str, int | str | None] = dict.fromkeys(LAYOUTS[Template.BOOK].names)
    numbers |= {"ts": FIRST_US + sequence, "seq": sequence, "pkgType": 0 if whole else 1}
    return encode(Frame(Template.BOOK, numbers, bids, asks, {"market": RECORDED}))


def json_frame(sequence: int, bids: list[RawLevel], asks: list[RawLevel]) -> bytes:
    """Spell a whole book as the venue's JSON does."""
    levels = [
        {"side": side, "price": f"{price / 1e8:.1f}", "size": f"{size / 1e8:.5f}"}
        for side, found in (("BUY", bids), ("SELL", asks))
        for price, size in found
    ]
    data = {"seq_no": sequence, "market": RECORDED, "last_updated_at": FIRST_US // 1000, "update_type": "s"}
    params = {
        "channel": f"order_book.{RECORDED}.snapshot@15@100ms",
        "data": {**data, "inserts": levels, "updates": [], "deletes": []},
    }
    message = {"jsonrpc": "2.0", "method": "subscription", "params": params}
    return json.dumps(message, separators=(",", ":")).encode()


def sides(dice: random.Random, depth: int) -> tuple[list[RawLevel], list[RawLevel]]:
    """Make both sides of a book around a price that wanders."""
    middle_ticks = 834_722 + dice.randrange(-50, 50)
    bids, asks = (
        [
            ((middle_ticks + sign * (1 + 2 * step)) * TICK, dice.randrange(1, 10_000) * LOT)
            for step in range(depth)
        ]
        for sign in (-1, 1)
    )
    return bids, asks


def snapshots(dice: random.Random) -> Iterator[tuple[bytes, bytes]]:
    """Yield whole books for ever, in both spellings."""
    for sequence in itertools.count(1, 7):
        bids, asks = sides(dice, DEPTH)
        yield book_frame(sequence, bids, asks, whole=True), json_frame(sequence, bids, asks)


def changes(dice: random.Random) -> Iterator[bytes]:
    """Yield a whole book and then changes of it for ever; its best levels stay."""
    bids, asks = sides(dice, WHOLE_DEPTH)
    yield book_frame(1, bids, asks, whole=True)
    for sequence in itertools.count(2):
        changed: tuple[list[RawLevel], list[RawLevel]] = ([], [])
        for _ in range(dice.choice((1, 1, 2, 4))):
            which = dice.randrange(2)
            price, _ = dice.choice((bids, asks)[which][1:])
            changed[which].append((price, dice.choice((0, 1, 2)) * dice.randrange(1, 10_000) * LOT))
        yield book_frame(sequence, *changed, whole=False)


def ours(book_kind: str) -> Reader:
    """Return the connector's `read`, the book's `apply` and `verify`, its touch."""
    settings = {"market": RECORDED, "book": book_kind}
    context = ConnectorContext(mode=TradeMode.PAPER, network=Network.MAINNET, settings=settings, seed=0)
    connector = ParadexConnector(context)
    now = WriteContext(nonce=1, at_ns=1, sign=bytes)
    request = connector.ask(QueryInstruments(), now)
    connector.read_answer(request, Answer(status=200, body=listings()), 1)
    connector.opened(MARKET, now)
    book = Book(f"paradex:{RECORDED}")

    def read(frames: Sequence[bytes]) -> Touch:
        bid = ask = None
        for frame in frames:
            for event in connector.read(MARKET, frame, 1):
                if isinstance(event, BookDelta | BookSnapshot):
                    book.apply(event, 1)
                    book.verify()
                    bid, ask = book.best_bid, book.best_ask
        return (bid.price, ask.price) if bid and ask else (0.0, 0.0)

    return read


def bare(frames: Sequence[bytes]) -> Touch:
    """Unpack the numbers and nothing else; the touch of the last frame, if it has one."""
    found: list[list[tuple[int, int]]] = []
    for frame in frames:
        _HEAD.unpack_from(frame)
        found, at = [], _HEAD.size
        for _ in range(2):
            _, count = _GROUP.unpack_from(frame, at)
            first, at = at + _GROUP.size, at + _GROUP.size + count * _LEVEL.size
            found.append(list(_LEVEL.iter_unpack(frame[first:at])))
    bids, asks = found
    return (bids[0][0] / 1e8, asks[0][0] / 1e8) if bids and asks else (0.0, 0.0)


async def ccxt_pro() -> Reader:
    """Return the client's handling of a text, the exchange's handlers, its book; nobody waits for it."""
    import ccxt.pro

    exchange = ccxt.pro.paradex({"enableRateLimit": False})
    market: dict[str, Any] = {"id": RECORDED, "type": "swap", "swap": True, "spot": False, "contract": True}
    symbol = "BTC/USD:USDC"
    exchange.set_markets([{**market, "symbol": symbol, "base": "BTC", "quote": "USD", "settle": "USDC"}])
    client = exchange.client("ws://127.0.0.1:1/v1")  # never connected

    def read(frames: Sequence[bytes]) -> Touch:
        bid = ask = 0.0
        for frame in frames:
            client.handle_text_or_binary_message(frame.decode())  # its socket library hands over text
            book = exchange.orderbooks[symbol]
            bid, ask = book["bids"][0][0], book["asks"][0][0]
        return bid, ask

    await exchange.close()
    return read


def race(readers: Mapping[str, Reader], stream: Iterator[Mapping[str, bytes]], count: int) -> Table:
    """Time the readers by turns on blocks of the same frames."""
    block: list[Mapping[str, bytes]] = []
    number = -1

    def prepare(name: str, turn: int) -> partial[Touch]:
        nonlocal block, number
        if turn != number:
            block, number = list(itertools.islice(stream, BLOCK)), turn
        return partial(readers[name], [frame[name] for frame in block])

    taken = take_turns({name: partial(prepare, name) for name in readers}, count // BLOCK)
    found = {name: [ns / BLOCK for ns in rounds] for name, rounds in taken.items()}
    return Table(
        title="",
        note="",
        header=("library", "p50", "p99", "p50 ÷ ours"),
        rows=tuple(
            (name, micros(middle(ns)), micros(percentile(ns, 99)), times(middle(ns) / middle(found[OURS])))
            for name, ns in found.items()
        ),
    )


def measure(count: int = FRAMES) -> list[Table]:
    """Measure so many whole books, and so many changes."""
    dice = random.Random(SEED)
    readers = {OURS: ours("snapshots"), BARE: bare, CCXT: asyncio.run(ccxt_pro())}
    stream = ({OURS: binary, BARE: binary, CCXT: text} for binary, text in snapshots(dice))
    first = next(stream)
    touches = {reader([first[name]]) for name, reader in readers.items()}
    assert len(touches) == 1, f"one book, several touches: {touches}"
    whole = race(readers, stream, count)
    deltas = changes(dice)
    changed = {OURS: ours("deltas"), BARE: bare}
    changed[OURS]([next(deltas)])
    return [
        Table(
            title="From a whole book of Paradex to best bid and offer",
            note=f"Microseconds of processor time per frame in blocks of {BLOCK}; {count:,} books of {DEPTH} "
            f"levels a side, all checked by ours. Beside ccxt {version('ccxt')}.",
            header=whole.header,
            rows=whole.rows,
        ),
        Table(
            title="From a change of Paradex's book to best bid and offer",
            note=f"Same; {count:,} changes of one to four levels in a book of {WHOLE_DEPTH} levels a side.",
            header=whole.header,
            rows=race(changed, ({OURS: frame, BARE: frame} for frame in deltas), count).rows,
        ),
    ]


if __name__ == "__main__":
    for table in measure(int(sys.argv[1]) if len(sys.argv) > 1 else FRAMES):
        print(table.markdown(), end="\n\n")
