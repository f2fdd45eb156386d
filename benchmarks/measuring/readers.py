"""The contestants of `benchmarks/frames.py`: each takes a frame's bytes to a readable best bid and offer.

A reader is a function that takes a list of frames and returns the last touch it read, so that the loop
costs all of them the same. Peers are called where their own code takes over from their own socket.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

import msgspec

from .market_frames import COINS

#: Best bid and best ask.
Touch: TypeAlias = tuple[float, float]
Reader: TypeAlias = Callable[[Sequence[bytes]], Touch]

OURS: Final = "Paraphina"
CHECKED: Final = "Paraphina, whole depth checked"
BARE: Final = "msgspec, typed decode alone"
SDK: Final = "hyperliquid-python-sdk"
CCXT: Final = "ccxt.pro"

_UNIVERSE: Final = [
    {"name": coin.name, "szDecimals": coin.size_decimals, "maxLeverage": 20} for coin in COINS
]


class Level(msgspec.Struct, gc=False):
    """A level of a book."""

    px: float
    sz: float


class Book(msgspec.Struct, gc=False):
    """A whole book."""

    coin: str
    time: int
    levels: tuple[tuple[Level, ...], tuple[Level, ...]]


class Bbo(msgspec.Struct, gc=False):
    """A touch."""

    coin: str
    time: int
    bbo: tuple[Level | None, Level | None]


class Trade(msgspec.Struct, gc=False):
    """A trade, without what nobody reads of it."""

    coin: str
    side: str
    px: float
    sz: float
    time: int
    tid: int


class BookMessage(msgspec.Struct, gc=False, tag_field="channel", tag="l2Book"):
    """A book in its envelope."""

    data: Book


class BboMessage(msgspec.Struct, gc=False, tag_field="channel", tag="bbo"):
    """A touch in its envelope."""

    data: Bbo


class TradesMessage(msgspec.Struct, gc=False, tag_field="channel", tag="trades"):
    """Trades in their envelope."""

    data: tuple[Trade, ...]


def ours(*, checked: bool) -> Reader:
    """Return the connector's `read`, the book's `apply`, its touch; `checked` asks for the state as well."""
    from paraphina_core.connector import Answer, ConnectorContext, Network, TradeMode, WriteContext
    from paraphina_core.domain import BestBidOffer, BookSnapshot, QueryInstruments
    from paraphina_core.market import Book
    from paraphina_hyperliquid.connector import MARKET, HyperliquidConnector

    coins = ",".join(coin.name for coin in COINS)
    connector = HyperliquidConnector(
        ConnectorContext(mode=TradeMode.PAPER, network=Network.MAINNET, settings={"coin": coins}, seed=0)
    )
    context = WriteContext(nonce=1, at_ns=1, sign=bytes)
    meta = Answer(status=200, body=json.dumps({"universe": _UNIVERSE}).encode())
    connector.read_answer(connector.ask(QueryInstruments(), context), meta, 1)
    connector.opened(MARKET, context)
    books = {f"hyperliquid:{coin.name}": Book(f"hyperliquid:{coin.name}") for coin in COINS}
    kinds = (BookSnapshot, BestBidOffer)

    def read(frames: Sequence[bytes]) -> Touch:
        bid = ask = None
        for frame in frames:
            for event in connector.read(MARKET, frame, 1):
                if isinstance(event, kinds):
                    book = books[event.instrument]
                    book.apply(event, 1)
                    bid, ask = book.best_bid, book.best_ask
        return (bid.price, ask.price) if bid and ask else (0.0, 0.0)

    def read_checked(frames: Sequence[bytes]) -> Touch:
        bid = ask = None
        for frame in frames:
            for event in connector.read(MARKET, frame, 1):
                if isinstance(event, kinds):
                    book = books[event.instrument]
                    book.apply(event, 1)
                    book.verify()
                    bid, ask = book.best_bid, book.best_ask
        return (bid.price, ask.price) if bid and ask else (0.0, 0.0)

    return read_checked if checked else read


def bare() -> Reader:
    """Return one typed decode of what ours reads, by the same decoder library; no book, no check."""
    decode = msgspec.json.Decoder(BookMessage | BboMessage | TradesMessage, strict=False).decode

    def read(frames: Sequence[bytes]) -> Touch:
        message: Any = None
        for frame in frames:
            message = decode(frame)
        if isinstance(message, BookMessage):
            bids, asks = message.data.levels
            return bids[0].px, asks[0].px
        if isinstance(message, BboMessage):
            bid, ask = message.data.bbo
            return (bid.px, ask.px) if bid and ask else (0.0, 0.0)
        return 0.0, 0.0

    return read


def sdk() -> Reader:
    """Return the SDK's `on_message` with a callback that reads the touch; the SDK itself keeps no book."""
    from hyperliquid.websocket_manager import ActiveSubscription, WebsocketManager

    manager = WebsocketManager("http://127.0.0.1:1")  # never started
    touch = [0.0, 0.0]

    def on_book(message: Any) -> None:
        bids, asks = message["data"]["levels"]
        touch[0], touch[1] = float(bids[0]["px"]), float(asks[0]["px"])

    def on_bbo(message: Any) -> None:
        bid, ask = message["data"]["bbo"]
        touch[0], touch[1] = float(bid["px"]), float(ask["px"])

    def on_trades(message: Any) -> None:
        pass

    for coin in COINS:
        for channel, callback in (("l2Book", on_book), ("bbo", on_bbo), ("trades", on_trades)):
            manager.active_subscriptions[f"{channel}:{coin.name.lower()}"].append(
                ActiveSubscription(callback, 1)
            )

    def read(frames: Sequence[bytes]) -> Touch:
        for frame in frames:
            manager.on_message(manager.ws, frame.decode())  # its socket library hands over text
        return touch[0], touch[1]

    return read


async def ccxt_pro() -> Reader:
    """Return the client's handling of a text, the exchange's handlers, its book; nobody waits for it."""
    import ccxt.pro

    exchange = ccxt.pro.hyperliquid({"enableRateLimit": False})
    exchange.set_markets([exchange.parse_market({**one, "baseId": n}) for n, one in enumerate(_UNIVERSE)])
    client = exchange.client("ws://127.0.0.1:1/ws")  # never connected
    books = exchange.orderbooks

    def read(frames: Sequence[bytes]) -> Touch:
        bid = ask = 0.0
        for frame in frames:
            client.handle_text_or_binary_message(frame.decode())  # its socket library hands over text
            book = books.get("BTC/USDC:USDC")
            if book is not None:
                bid, ask = book["bids"][0][0], book["asks"][0][0]
        return bid, ask

    await exchange.close()
    return read


def all_readers() -> dict[str, Reader]:
    """Return every contestant by name, ours first."""
    return {
        OURS: ours(checked=False),
        CHECKED: ours(checked=True),
        BARE: bare(),
        SDK: sdk(),
        CCXT: asyncio.run(ccxt_pro()),
    }
