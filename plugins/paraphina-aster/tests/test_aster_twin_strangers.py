"""A stranger gets on with the twin: ccxt, over real sockets, with nothing but other URLs.

It knows nothing of this project. Where it misreads the twin, the twin is wrong.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from ccxt import pro  # type: ignore[import-untyped]  # a stranger without annotations
from ccxt.base.errors import (  # type: ignore[import-untyped]  # same
    AuthenticationError,
    ExchangeError,
    InsufficientFunds,
    OrderNotFound,
)

from paraphina_aster.signing import CHAIN_IDS
from paraphina_aster.spec import VENUE
from paraphina_aster.twin import AsterTwin
from paraphina_aster.twin.members import members
from paraphina_core.connector import Network
from paraphina_core.twin import TwinHost, TwinServer, TwinThread, wall_clock

SEED = 7
MAKER, TAKER = members(SEED)
DEADLINE_S = 10.0
SYMBOL = "BTC/USDT:USDT"


@contextmanager
def served(network: Network = Network.TESTNET, **settings: str) -> Iterator[TwinThread]:
    """Serve a twin in a thread of its own."""

    def build() -> TwinServer:
        now_ns = wall_clock()
        host = TwinHost.of(VENUE, seed=SEED, start_ns=now_ns(), network=network, settings=settings)
        return TwinServer(host, now_ns=now_ns)

    with TwinThread(build) as thread:
        yield thread


def with_ccxt(
    story: Callable[[Any, TwinThread], Coroutine[Any, Any, None]],
    key: str = MAKER.user_key,
    network: Network = Network.TESTNET,
    **settings: str,
) -> None:
    """Let ccxt, asynchronous with its streams, live through a story at a twin."""

    async def told(twin: TwinThread, origin: str) -> None:
        client = pro.aster({"privateKey": key, "enableRateLimit": False})
        client.options |= {"v3ChainId": CHAIN_IDS[network], "builderFee": False, "defaultType": "swap"}
        streams = origin.replace("http", "ws")
        # It knows perpetuals by this word in the address.
        private = streams.replace("://", "://fstream@") + "/ws"
        client.urls["api"] = {
            "fapiPublic": f"{origin}/fapi",
            "fapiPrivate": f"{origin}/fapi",
            "sapiPublic": f"{origin}/api",
            "sapiPrivate": f"{origin}/api",
            "ws": {"public": {"swap": f"{streams}/stream"}, "private": {"swap": private}},
        }
        try:
            async with asyncio.timeout(DEADLINE_S):
                await client.load_markets()
                await story(client, twin)
        finally:
            await client.close()

    with served(network, **settings) as twin:
        asyncio.run(told(twin, twin.server.origin))


async def opened(twin: TwinThread) -> None:
    """Wait until an account's stream is open, which nothing acknowledges."""

    def is_open(host: TwinHost, _: int) -> bool:
        assert isinstance(host.twin, AsterTwin)
        return host.twin.is_heard(MAKER.name)

    while not twin.call(is_open):  # noqa: ASYNC110  # the twin's thread has no event to wait for
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("network", list(Network))
def test_ccxt_reads_markets_and_account_on_either_network(network: Network) -> None:
    """Markets with their grids, books, marks, funding; balance, positions, fees."""

    async def story(client: Any, _: TwinThread) -> None:
        market = client.market(SYMBOL)
        assert (market["precision"]["price"], market["precision"]["amount"]) == (0.1, 0.001)
        book = await client.fetch_order_book(SYMBOL, 100)
        assert book["bids"][0][0] < book["asks"][0][0]
        assert (await client.fetch_funding_rate(SYMBOL))["fundingRate"] is not None
        intervals = await client.fetch_funding_intervals()
        assert intervals["ASTER/USDT:USDT"]["interval"] == "4h"
        assert (await client.fetch_balance())["USDT"]["total"] == 10_000
        assert (await client.fetch_trading_fee(SYMBOL))["taker"] == 0.00035
        assert (await client.set_leverage(3, SYMBOL))["leverage"] == 3
        assert (await client.fetch_position_mode(SYMBOL))["hedged"] is False
        assert await client.fetch_positions([SYMBOL]) == []

    with_ccxt(story, network=network)


def test_ccxt_places_cancels_and_sees_its_fills() -> None:
    """Limit, post-only, immediate, reduce-only, several at once; by either id; trades afterwards."""

    async def story(client: Any, _: TwinThread) -> None:
        ask = (await client.fetch_order_book(SYMBOL, 5))["asks"][0][0]
        name = "stranger-7"
        placed = await client.create_order(
            SYMBOL, "limit", "buy", 0.01, ask * 0.99, {"postOnly": True, "clientOrderId": name}
        )
        assert (placed["clientOrderId"], placed["timeInForce"]) == (name, "GTX")
        assert (await client.fetch_order(placed["id"], SYMBOL))["status"] == "open"
        (open_,) = await client.fetch_open_orders(SYMBOL)
        assert (open_["id"], open_["amount"]) == (placed["id"], 0.01)
        await client.cancel_order("", SYMBOL, {"clientOrderId": name})
        assert (await client.fetch_order(placed["id"], SYMBOL))["status"] == "canceled"
        both = await client.create_orders(
            [
                {"symbol": SYMBOL, "type": "limit", "side": "buy", "amount": 0.01, "price": ask * part}
                for part in (0.98, 0.985)
            ]
        )
        assert len(both) == 2
        await client.cancel_orders([order["id"] for order in both], SYMBOL)
        assert await client.fetch_open_orders(SYMBOL) == []
        ioc = {"timeInForce": "IOC"}
        bought = await client.create_order(SYMBOL, "limit", "buy", 0.002, ask * 1.005, ioc)
        (position,) = await client.fetch_positions([SYMBOL])
        assert (position["side"], position["contracts"]) == ("long", 0.002)
        sold = ioc | {"reduceOnly": True}
        await client.create_order(SYMBOL, "limit", "sell", 0.002, ask * 0.99, sold)
        trades = await client.fetch_my_trades(SYMBOL)
        assert {trade["side"] for trade in trades} == {"buy", "sell"}
        assert all(trade["takerOrMaker"] == "taker" and trade["fee"]["cost"] > 0 for trade in trades)
        statuses = {order["id"]: order["status"] for order in await client.fetch_orders(SYMBOL)}
        assert (statuses[placed["id"]], statuses[bought["id"]]) == ("canceled", "closed")
        await client.create_order(SYMBOL, "limit", "buy", 0.01, ask * 0.98)
        await client.cancel_all_orders(SYMBOL)
        assert await client.fetch_open_orders(SYMBOL) == []

    with_ccxt(story)


def test_ccxt_recognises_the_refusals() -> None:
    """Each of the venue's numbers becomes the error that ccxt has for it."""

    async def story(client: Any, _: TwinThread) -> None:
        ask = (await client.fetch_order_book(SYMBOL, 5))["asks"][0][0]
        buy = (SYMBOL, "limit", "buy")
        for error, call in (
            (ExchangeError, client.create_order(*buy, 0.01, ask * 1.005, {"postOnly": True})),
            (ExchangeError, client.create_order(SYMBOL, "limit", "sell", 0.01, ask, {"reduceOnly": True})),
            (ExchangeError, client.create_order(*buy, 0.01, ask * 1.5)),
            (InsufficientFunds, client.create_order(*buy, 100, ask * 0.99)),
            (OrderNotFound, client.cancel_order("1", SYMBOL)),
            (OrderNotFound, client.fetch_order("1", SYMBOL)),
        ):
            with pytest.raises(error):
                await call

    with_ccxt(story)


def test_a_key_that_nobody_knows_is_refused() -> None:
    """The signature is right, and whoever signed it has no account."""

    async def story(client: Any, _: TwinThread) -> None:
        with pytest.raises(AuthenticationError):
            await client.fetch_balance()

    with_ccxt(story, key="0x" + "11" * 32)


def test_ccxt_streams_markets_and_its_account() -> None:
    """Books, touches, trades and marks; orders, fills and positions as they happen."""

    async def story(client: Any, twin: TwinThread) -> None:
        book = await client.watch_order_book(SYMBOL)
        assert book["bids"][0][0] < book["asks"][0][0]
        assert SYMBOL in await client.watch_bids_asks([SYMBOL])
        assert (await client.watch_mark_price(SYMBOL))["markPrice"] > 0
        assert (await client.watch_trades(SYMBOL))[0]["symbol"] == SYMBOL
        assert await client.watch_positions([SYMBOL]) == []  # what there is, before anything is heard
        client.balance["swap"] = {}  # it has no cache of its own until balances are watched, and breaks
        positions = asyncio.ensure_future(client.watch_positions([SYMBOL]))
        await opened(twin)
        ask = (await client.fetch_order_book(SYMBOL, 5))["asks"][0][0]
        placed = await client.create_order(SYMBOL, "limit", "buy", 0.01, ask * 0.99)
        ioc = {"timeInForce": "IOC"}
        bought = await client.create_order(SYMBOL, "limit", "buy", 0.002, ask * 1.005, ioc)
        position = await positions
        assert (position["symbol"], position["side"]) == (SYMBOL, "long")
        # `watch_orders` and `watch_my_trades` of this version refuse whatever they are given: what came for
        # them over the same connection is in their caches.
        told = {order["id"]: order["status"] for order in client.orders}
        assert (told[placed["id"]], told[bought["id"]]) == ("open", "closed")
        assert {trade["order"] for trade in client.myTrades} == {bought["id"]}

    with_ccxt(story)
