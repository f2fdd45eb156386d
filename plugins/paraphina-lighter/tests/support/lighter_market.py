"""A connector of Lighter's market and the messages that it reads, for tests."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from paraphina_core.connector import (
    Answer,
    ConnectorContext,
    Network,
    TradeMode,
    WriteContext,
)
from paraphina_core.domain import (
    BookDelta,
    BookGap,
    BookSnapshot,
    Event,
    QueryInstruments,
    instrument_id,
)
from paraphina_lighter.connector import MARKET, LighterConnector

NOW = WriteContext(nonce=7, at_ns=0, sign=lambda _: b"")
ETH = instrument_id("lighter", "ETH")

Sides = tuple[dict[Decimal, Decimal], dict[Decimal, Decimal]]


def connector(mode: TradeMode = TradeMode.PAPER, **settings: Any) -> LighterConnector:
    """Return a connector for some markets."""
    context = ConnectorContext(mode=mode, network=Network.MAINNET, settings=settings, seed=1)
    return LighterConnector(context)


def details(symbol: str = "ETH", number: int = 0, **changes: Any) -> dict[str, Any]:
    """Return what the venue lists of a market."""
    listed = {
        "symbol": symbol,
        "market_id": number,
        "market_type": "perp",
        "status": "active",
        "min_base_amount": "0.0050",
        "min_quote_amount": "10.000000",
        "supported_size_decimals": 4,
        "supported_price_decimals": 2,
        "order_quote_limit": "281474976.710655",
        "market_config": {"force_reduce_only": False},
    }
    return listed | changes


def told(client: LighterConnector, *markets: dict[str, Any]) -> list[Event]:
    """Let the venue list markets and return what that says."""
    body = json.dumps({"code": 200, "order_book_details": markets}).encode()
    return list(client.read_answer(client.ask(QueryInstruments(), NOW), Answer(status=200, body=body), 0))


def ready(**settings: Any) -> LighterConnector:
    """Return a connector that has read its listings and opened its stream."""
    client = connector(**({"market": "ETH"} | settings))
    told(client, details())
    client.opened(MARKET, NOW)
    return client


def read(client: LighterConnector, message: dict[str, Any]) -> list[Event]:
    """Return what a message says."""
    return list(client.read(MARKET, json.dumps(message).encode(), 0))


def book(kind: str, nonce: int, begin: int | None, bids: Any = (), asks: Any = ()) -> dict[str, Any]:
    """Return a message about the book of ETH."""
    sides = {
        name: [{"price": price, "size": size} for price, size in side]
        for name, side in (("bids", bids), ("asks", asks))
    }
    body = (
        sides | {"code": 0, "nonce": nonce, "offset": 1} | ({} if begin is None else {"begin_nonce": begin})
    )
    return {
        "channel": "order_book:0",
        "last_updated_at": 1_785_252_530_119_936,
        "order_book": body,
        "type": f"{kind}/order_book",
    }


WHOLE = book("subscribed", 100, 0, [("10.1", "1")], [("10.3", "2")])


def apply(before: Sides | None, events: Sequence[Event]) -> Sides | None:
    """Return the book after some events; None while it is not believed."""
    now = before
    for event in events:
        match event:
            case BookSnapshot():
                now = ({}, {})
            case BookGap():
                now = None
        if isinstance(event, BookSnapshot | BookDelta) and now is not None:
            for side, levels in zip(now, (event.bids, event.asks), strict=True):
                for level in levels:
                    price, size = Decimal(repr(level.price)), Decimal(repr(level.size))
                    side.pop(price, None)
                    if size:
                        side[price] = size
    return now
