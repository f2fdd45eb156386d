"""What it costs to get from a frame of Aster's book to a readable touch, beside ccxt.pro.

Usage: python benchmarks/aster_frames.py [FRAMES]

One market of the venue's twin, in virtual time. Each contestant gets the stream that it subscribes to, ten
frames a second of the same book: ours the changes (`depth@100ms`), which it counts and joins to a snapshot of
the whole book, ccxt.pro the best twenty levels (`depth20@100ms`), which it puts in the place of its book with
every frame. After each block both must have the same touch.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from importlib.metadata import version
from typing import Final

from measuring.rounds import middle, percentile, take_turns
from measuring.tables import Table, micros, times

from paraphina_aster.connector import MARKET, AsterConnector
from paraphina_aster.twin import AsterTwin
from paraphina_core.connector import Answer, ConnectorContext, Network, TradeMode, WriteContext
from paraphina_core.domain import (
    NS_PER_MS,
    BookDelta,
    BookSnapshot,
    QueryBook,
    QueryInstruments,
    instrument_id,
)
from paraphina_core.market import Book
from paraphina_core.twin import TwinContext, TwinRequest, VenueClock

SEED: Final = 20_261_126
BLOCK: Final = 250
FRAMES: Final = 5_000
START_NS: Final = 1_800_000_000_000 * NS_PER_MS
OURS, CHECKED, PEER = "Paraphina", "Paraphina, whole depth checked", "ccxt.pro"
STREAMS: Final = {OURS: "btcusdt@depth@100ms", PEER: "btcusdt@depth20@100ms"}

#: Best bid and best ask.
Touch = tuple[float, float]
Reader = Callable[[Sequence[bytes]], Touch]


class Market:
    """A twin whose frames are kept: both streams, beat by beat."""

    def __init__(self) -> None:
        self._frames: dict[str, list[bytes]] = {name: [] for name in STREAMS}
        self._at_ns = START_NS
        context = TwinContext(
            seed=SEED, start_ns=START_NS, network=Network.MAINNET, clock=VenueClock(), wire=self
        )
        self.twin = AsterTwin(context)
        for number, stream in enumerate(STREAMS.values()):
            self.twin.connect(number, TwinRequest(method="GET", target=f"/stream?streams={stream}"), START_NS)

    def send(self, session: int, payload: bytes, *, binary: bool = False) -> None:
        """Keep a frame."""
        self._frames[tuple(STREAMS)[session]].append(payload)

    def close(self, session: int, code: int = 1000, reason: str = "") -> None:
        """Be hung up on, which the twin does not do here."""

    def request(self, target: str) -> Answer:
        """Ask something that anybody may ask."""
        return self.twin.request(TwinRequest(method="GET", target=target), self._at_ns)

    def blocks(self) -> Iterator[dict[str, list[bytes]]]:
        """Yield so many frames of each stream, of the same beats."""
        while True:
            while len(self._frames[OURS]) < BLOCK:
                self._at_ns += 100 * NS_PER_MS
                self.twin.advance(self._at_ns)
            yield {name: frames[:BLOCK] for name, frames in self._frames.items()}
            for frames in self._frames.values():
                del frames[:BLOCK]


def ours(market: Market, *, checked: bool) -> Reader:
    """Return the connector's `read`, the book's `apply`, `verify` where that is asked for, its touch."""
    context = ConnectorContext(mode=TradeMode.PAPER, network=Network.MAINNET, settings={}, seed=0)
    connector = AsterConnector(context)
    now = WriteContext(nonce=1, at_ns=1, sign=bytes)
    btc = instrument_id("aster", "BTCUSDT")
    book = Book(btc)
    listings = market.request("/fapi/v3/exchangeInfo")
    connector.read_answer(connector.ask(QueryInstruments(), now), listings, 1)
    connector.opened(MARKET, now)
    snapshot = market.request("/fapi/v3/depth?symbol=BTCUSDT&limit=1000")
    for event in connector.read_answer(connector.ask(QueryBook(instrument=btc), now), snapshot, 1):
        if isinstance(event, BookSnapshot):
            book.apply(event, 1)

    def read(frames: Sequence[bytes]) -> Touch:
        bid = ask = None
        for frame in frames:
            for event in connector.read(MARKET, frame, 1):
                if isinstance(event, BookDelta):
                    book.apply(event, 1)
                    if checked:
                        book.verify()
                    bid, ask = book.best_bid, book.best_ask
        return (bid.price, ask.price) if bid and ask else (0.0, 0.0)

    return read


async def ccxt_pro() -> Reader:
    """Return the client's handling of a text, the exchange's handlers, its book; nobody waits for it."""
    import ccxt.pro

    exchange = ccxt.pro.aster({"enableRateLimit": False})
    symbol, market = "BTC/USDT:USDT", {"id": "BTCUSDT", "type": "swap", "swap": True, "spot": False}
    exchange.set_markets([{**market, "symbol": symbol, "base": "BTC", "quote": "USDT", "settle": "USDT"}])
    client = exchange.client("wss://fstream.asterdex.com/stream")  # never connected

    def read(frames: Sequence[bytes]) -> Touch:
        bid = ask = 0.0
        for frame in frames:
            client.handle_text_or_binary_message(frame.decode())  # its socket library hands over text
            book = exchange.orderbooks[symbol]
            bid, ask = book["bids"][0][0], book["asks"][0][0]
        return bid, ask

    await exchange.close()
    return read


def measure(count: int = FRAMES) -> list[Table]:
    """Measure so many frames of each stream."""
    market = Market()
    readers = {
        OURS: ours(market, checked=False),
        CHECKED: ours(market, checked=True),
        PEER: asyncio.run(ccxt_pro()),
    }
    blocks = list(itertools.islice(market.blocks(), count // BLOCK))
    touches: dict[str, list[Touch]] = {name: [] for name in readers}

    def read(name: str, block: int) -> None:
        touches[name].append(readers[name](blocks[block][PEER if name == PEER else OURS]))

    def prepare(name: str, turn: int) -> Callable[[], None]:
        return partial(read, name, turn)

    taken = take_turns({name: partial(prepare, name) for name in readers}, len(blocks))
    assert touches[OURS] == touches[CHECKED] == touches[PEER], "one market, two touches"
    found = {name: [ns / BLOCK for ns in rounds] for name, rounds in taken.items()}
    levels = json.loads(blocks[0][OURS][0])["data"]
    return [
        Table(
            title="From a frame of Aster's book to best bid and offer",
            note=(
                f"Microseconds of processor time per frame, median and 99th percentile of blocks of {BLOCK} "
                f"frames; {count:,} frames of each stream of one market, the first change with "
                f"{len(levels['b']) + len(levels['a'])} levels. Beside ccxt {version('ccxt')}."
            ),
            header=("library", "p50", "p99", "p50 ÷ ours"),
            rows=tuple(
                (
                    name,
                    micros(middle(ns)),
                    micros(percentile(ns, 99)),
                    times(middle(ns) / middle(found[OURS])),
                )
                for name, ns in found.items()
            ),
        )
    ]


if __name__ == "__main__":
    for table in measure(int(sys.argv[1]) if len(sys.argv) > 1 else FRAMES):
        print(table.markdown(), end="\n\n")
