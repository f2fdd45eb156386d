"""What it costs to get from a change of Lighter's book to a readable touch, beside other libraries.

Usage: python benchmarks/lighter_frames.py [FRAMES]

A seeded book of 1,400 levels a side, the size of ETH's (2026-07), and changes of it as they come every 50 ms:
one to ten levels. Every contestant gets the same frames by turns. Ours checks the count of every change; the
others check nothing, and the SDK does not sort its levels, so its touch is looked for once a block only.
"""

from __future__ import annotations

import asyncio
import importlib.util
import itertools
import json
import random
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from importlib.metadata import version
from typing import Any, Final

from measuring.rounds import middle, percentile, take_turns
from measuring.tables import Table, micros, times

SEED: Final = 20_261_126
LEVELS: Final = 1_400
BLOCK: Final = 500
FRAMES: Final = 10_000
FIRST_US: Final = 1_785_252_530_119_936
OURS, CCXT, SDK = "Paraphina", "ccxt.pro", "lighter-sdk"
MARKET_ID: Final = 0
DETAILS: Final = {
    "symbol": "ETH",
    "market_id": MARKET_ID,
    "market_type": "perp",
    "status": "active",
    "base_asset_id": 0,
    "quote_asset_id": 0,
    "min_base_amount": "0.0050",
    "min_quote_amount": "10.000000",
    "supported_size_decimals": 4,
    "supported_price_decimals": 2,
    "size_decimals": 4,
    "price_decimals": 2,
    "order_quote_limit": "281474976.710655",
    "taker_fee": "0.0000",
    "maker_fee": "0.0000",
}

#: Best bid and best ask.
Touch = tuple[float, float]
Reader = Callable[[Sequence[bytes]], Touch]


class Book:
    """A book whose touch stays where it is, and its frames as the venue spells them."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self._middle = 191_425
        self._sides = {
            "asks": {self._middle + 1 + step: self._size() for step in range(LEVELS)},
            "bids": {self._middle - step: self._size() for step in range(LEVELS)},
        }
        self._nonce = 17_926_042_877
        self._time_us = FIRST_US

    def whole(self) -> bytes:
        """Spell the whole book."""
        return self._spell("subscribed", 0, {name: list(side.items()) for name, side in self._sides.items()})

    def changes(self) -> Iterator[bytes]:
        """Yield changes for ever: sizes near the touch, and levels that go and come back."""
        dice = self._dice
        while True:
            begin, self._nonce = self._nonce, self._nonce + dice.randrange(1, 90)
            self._time_us += 50_000
            changed: dict[str, list[tuple[int, float]]] = {"asks": [], "bids": []}
            for _ in range(dice.choice((1, 1, 2, 3, 5, 8, 10))):
                name = dice.choice(("asks", "bids"))
                price = dice.choice(tuple(self._sides[name])) if dice.random() < 0.2 else self._near(name)
                size = 0.0 if dice.random() < 0.3 and price not in self._best() else self._size()
                changed[name].append((price, size))
            yield self._spell(
                "update", begin, {name: list(dict(side).items()) for name, side in changed.items()}
            )

    def _near(self, name: str) -> int:
        step = int(self._dice.expovariate(0.05)) % LEVELS
        return self._middle + 1 + step if name == "asks" else self._middle - step

    def _best(self) -> tuple[int, int]:
        return self._middle, self._middle + 1

    def _size(self) -> float:
        return round(0.0001 + self._dice.expovariate(0.2), 4)

    def _spell(self, kind: str, begin: int, sides: dict[str, list[tuple[int, float]]]) -> bytes:
        levels = {
            name: [{"price": f"{price / 100:.2f}", "size": f"{size:.4f}"} for price, size in side]
            for name, side in sides.items()
        }
        count = {"offset": 1, "nonce": self._nonce, "last_updated_at": self._time_us, "begin_nonce": begin}
        message = {
            "channel": f"order_book:{MARKET_ID}",
            "last_updated_at": self._time_us,
            "offset": 1,
            "order_book": {"code": 0, "asks": levels["asks"], "bids": levels["bids"], **count},
            "timestamp": self._time_us // 1_000,
            "type": f"{kind}/order_book",
        }
        return json.dumps(message, separators=(",", ":")).encode()


def ours() -> Reader:
    """Return the connector's `read`, the book's `apply` and `verify`, its touch."""
    from paraphina_core.connector import Answer, ConnectorContext, Network, TradeMode, WriteContext
    from paraphina_core.domain import BookDelta, BookSnapshot, QueryInstruments
    from paraphina_core.market import Book as CoreBook
    from paraphina_lighter.connector import MARKET, LighterConnector

    context = ConnectorContext(
        mode=TradeMode.PAPER, network=Network.MAINNET, settings={"market": "ETH"}, seed=0
    )
    connector = LighterConnector(context)
    now = WriteContext(nonce=1, at_ns=1, sign=bytes)
    listings = Answer(status=200, body=json.dumps({"order_book_details": [DETAILS]}).encode())
    connector.read_answer(connector.ask(QueryInstruments(), now), listings, 1)
    connector.opened(MARKET, now)
    book = CoreBook("lighter:ETH")

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


async def ccxt_pro() -> Reader:
    """Return the client's handling of a text, the exchange's handlers, its book; nobody waits for it."""
    import ccxt.pro

    exchange = ccxt.pro.lighter({"enableRateLimit": False})
    symbol, market = "ETH/USDC:USDC", {"id": str(MARKET_ID), "type": "swap", "swap": True, "spot": False}
    exchange.set_markets([{**market, "symbol": symbol, "base": "ETH", "quote": "USDC", "settle": "USDC"}])
    client = exchange.client("ws://127.0.0.1:1/stream")  # never connected

    def read(frames: Sequence[bytes]) -> Touch:
        bid = ask = 0.0
        for frame in frames:
            client.handle_text_or_binary_message(frame.decode())  # its socket library hands over text
            book = exchange.orderbooks[symbol]
            bid, ask = book["bids"][0][0], book["asks"][0][0]
        return bid, ask

    await exchange.close()
    return read


def sdk() -> Reader:
    """Return the SDK's `on_message`; its levels are in no order, so the touch is looked for once a block."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from lighter.ws_client import WsClient

    seen: dict[str, Any] = {}
    client = WsClient(
        ws_url="ws://127.0.0.1:1", order_book_ids=[MARKET_ID], on_order_book_update=seen.__setitem__
    )

    def read(frames: Sequence[bytes]) -> Touch:
        for frame in frames:
            client.on_message(None, frame.decode())  # its socket library hands over text
        book = seen[str(MARKET_ID)]
        prices = {name: [float(level["price"]) for level in book[name]] for name in ("bids", "asks")}
        return max(prices["bids"]), min(prices["asks"])

    return read


def all_readers() -> dict[str, Reader]:
    """Return every contestant that is installed, ours first."""
    readers = {OURS: ours(), CCXT: asyncio.run(ccxt_pro())}
    return readers | ({SDK: sdk()} if importlib.util.find_spec("lighter") else {})


def measure(count: int = FRAMES) -> list[Table]:
    """Measure so many changes of one book."""
    book = Book(random.Random(SEED))
    readers, stream = all_readers(), book.changes()
    first = book.whole()
    assert len({read([first]) for read in readers.values()}) == 1, "one book, three touches"
    block: list[bytes] = []
    number = -1

    def prepare(name: str, turn: int) -> partial[Touch]:
        nonlocal block, number
        if turn != number:
            block, number = list(itertools.islice(stream, BLOCK)), turn
        return partial(readers[name], block)

    taken = take_turns({name: partial(prepare, name) for name in readers}, count // BLOCK)
    found = {name: [ns / BLOCK for ns in rounds] for name, rounds in taken.items()}
    peers = ", ".join(
        f"{name} {version(name)}" for name in ("ccxt", "lighter-sdk") if name in {"ccxt", *found}
    )
    return [
        Table(
            title="From a change of Lighter's book to best bid and offer",
            note=(
                f"Microseconds of processor time per frame, median and 99th percentile of blocks of {BLOCK} "
                f"frames; {count:,} changes of a book of {LEVELS:,} levels a side. Beside {peers}."
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
