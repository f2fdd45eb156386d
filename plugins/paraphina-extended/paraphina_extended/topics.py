"""What is subscribed to for each market, and how both versions of the stream spell it.

The second version carries every topic in one connection (`subscribe`, docs of the venue's SDK 2.6.0, read
2026-11); in the first one each path is a connection with one topic.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Final

import msgspec

#: Paths below the address of streams.
V2_PATH: Final = "/v2/rpc"
_V1_PATH: Final = "/v1"
#: The account is in the first version alone, as far as the docs go: its key is sent with the opening.
V1_ACCOUNT_PATH: Final = _V1_PATH + "/account"


class Topic(StrEnum):
    """Kinds of topics; the values are how subscriptions of the second version begin."""

    BOOK = "orderbooks"
    TOUCH = "orderbooks.1"
    TRADES = "trades"
    MARK = "prices.mark"
    INDEX = "prices.index"
    FUNDING = "funding-rates"

    def of(self, market: str) -> str:
        """Return the subscription of a market, as the venue names it."""
        return f"{self.value}.{market}"


_SELECTORS: Final[dict[Topic, tuple[str, dict[str, object]]]] = {
    Topic.BOOK: ("orderbooks", {"depth": "full", "rfqOnly": False}),
    Topic.TOUCH: ("orderbooks", {"depth": "1", "rfqOnly": False}),
    Topic.TRADES: ("trades", {}),
    Topic.MARK: ("prices", {"type": "mark"}),
    Topic.INDEX: ("prices", {"type": "index"}),
    Topic.FUNDING: ("funding-rates", {}),
}
_V1_PATHS: Final[dict[Topic, str]] = {
    Topic.BOOK: "/orderbooks/{}",
    Topic.TOUCH: "/orderbooks/{}?depth=1",
    Topic.TRADES: "/publicTrades/{}",
    Topic.MARK: "/prices/mark/{}",
    Topic.INDEX: "/prices/index/{}",
    Topic.FUNDING: "/funding/{}",
}


def all_topics(markets: Sequence[str]) -> Iterator[tuple[Topic, str]]:
    """Yield each kind of topic with each market."""
    for market in markets:
        for topic in Topic:
            yield topic, market


def subscriptions(markets: Sequence[str]) -> list[bytes]:
    """Return the calls that subscribe to everything of some markets, each with an id of its own."""
    calls = []
    for number, (topic, market) in enumerate(all_topics(markets), 1):
        scope, selector = _SELECTORS[topic]
        calls.append(call(number, scope, {"market": market, **selector}))
    return calls


def call(number: int, scope: str, selector: dict[str, object], **more: str) -> bytes:
    """Return a call that subscribes."""
    return msgspec.json.encode(
        {
            "jsonrpc": "2.0",
            "id": str(number),
            "method": "subscribe",
            "params": {"scope": scope, "selector": selector, **more},
        }
    )


def v1_path(topic: Topic, market: str) -> str:
    """Return the path of a topic in the first version."""
    return _V1_PATH + _V1_PATHS[topic].format(market)
