"""Strangers get on with the twin: the official SDK and ccxt, over real sockets, with nothing but other URLs.

They know nothing of this project. Where they misread the twin, the twin is wrong.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from ccxt import pro  # type: ignore[import-untyped]  # a stranger without annotations
from ccxt.base.errors import (  # type: ignore[import-untyped]  # same
    InsufficientFunds,
    InvalidOrder,
    OrderNotFound,
)
from eth_account import Account
from hyperliquid.exchange import Exchange  # type: ignore[import-untyped]  # same
from hyperliquid.info import Info  # type: ignore[import-untyped]  # same
from hyperliquid.utils.types import Cloid  # type: ignore[import-untyped]  # same
from websockets.exceptions import ConnectionClosedError, InvalidStatus
from websockets.sync.client import connect

from paraphina_core.connector import Network
from paraphina_core.twin import TwinHost, TwinServer, TwinThread, parse_fault, wall_clock
from paraphina_hyperliquid.spec import VENUE
from paraphina_hyperliquid.twin import HyperliquidTwin
from paraphina_hyperliquid.twin.members import FundedAccount, funded_accounts

SEED = 7
MAKER, TAKER = funded_accounts(SEED, 2)
DEADLINE_S = 10.0
SYMBOL = "BTC/USDC:USDC"
BUY, SELL = True, False  # how the official SDK calls the sides


@contextmanager
def served(network: Network = Network.TESTNET, **settings: str) -> Iterator[TwinThread]:
    """Serve a twin in a thread of its own."""

    def build() -> TwinServer:
        now_ns = wall_clock()
        host = TwinHost.of(VENUE, seed=SEED, start_ns=now_ns(), network=network, settings=settings)
        return TwinServer(host, now_ns=now_ns)

    with TwinThread(build) as thread:
        yield thread


# --- hyperliquid-python-sdk -------------------------------------------------------------------------


class Heard:
    """Messages of a stream, for a thread that waits for one."""

    def __init__(self) -> None:
        self._messages: list[Any] = []
        self._news = threading.Condition()

    def __call__(self, message: Any) -> None:
        with self._news:
            self._messages.append(message)
            self._news.notify_all()

    def wait_for(self, is_it: Callable[[Any], bool]) -> Any:
        """Return the first message that is it."""
        with self._news:
            self._news.wait_for(lambda: any(map(is_it, self._messages)), DEADLINE_S)
            return next(filter(is_it, self._messages))


@contextmanager
def sdk(
    twin: TwinThread, account: FundedAccount, key: str, *, streams: bool = False
) -> Iterator[tuple[Info, Exchange]]:
    """Open the official SDK for an account."""
    origin = twin.server.origin
    info = Info(origin, skip_ws=not streams)
    exchange = Exchange(Account.from_key(key), origin, account_address=account.address)
    try:
        yield info, exchange
    finally:
        if info.ws_manager is not None:
            twin.arm(parse_fault("kill"))  # what hangs up by itself only notices that after ten seconds
            info.ws_manager.join(DEADLINE_S)
            info.disconnect_websocket()
        for client in (info, exchange, exchange.info):
            client.session.close()


def status_of(answer: Any) -> Any:
    """Return the only status of an answer of the venue."""
    assert answer["status"] == "ok", answer
    (status,) = answer["response"]["data"]["statuses"]
    return status


def test_the_official_sdk_reads_markets_and_streams_them() -> None:
    """Meta, prices, books and candles over HTTP; seven feeds over one WebSocket."""
    with served() as twin, sdk(twin, MAKER, MAKER.key, streams=True) as (info, _):
        names = [coin["name"] for coin in info.meta()["universe"]]
        assert info.name_to_asset("BTC") == names.index("BTC") == 3
        assert set(info.all_mids()) <= set(names)
        assert len(info.meta_and_asset_ctxs()[1]) == len(names)
        assert len(info.l2_snapshot("BTC")["levels"][0]) == 20
        assert isinstance(info.candles_snapshot("BTC", "1m", 0, 2**50), list)
        assert isinstance(info.funding_history("BTC", 0), list)
        for feed in (
            {"type": "l2Book", "coin": "BTC"},
            {"type": "bbo", "coin": "BTC"},
            {"type": "trades", "coin": "BTC"},
            {"type": "allMids"},
            {"type": "activeAssetCtx", "coin": "BTC"},
        ):
            heard = Heard()
            number = info.subscribe(feed, heard)
            data = heard.wait_for(lambda message: bool(message["data"]))["data"]
            first = data[0] if isinstance(data, list) else data
            assert first.get("coin", "BTC") == "BTC"
            assert info.unsubscribe(feed, number)


def test_the_official_sdk_places_modifies_cancels_and_sees_its_fills() -> None:
    """As an agent: limit, post-only, IOC, reduce-only, by id and by client id, with what follows."""
    with served() as twin, sdk(twin, MAKER, MAKER.agent_key, streams=True) as (info, exchange):
        orders, fills = Heard(), Heard()
        info.subscribe({"type": "orderUpdates", "user": MAKER.address}, orders)
        info.subscribe({"type": "userFills", "user": MAKER.address}, fills)
        assert exchange.update_leverage(5, "BTC")["status"] == "ok"
        cloid = Cloid.from_int(0xC0FFEE)
        price = round(float(info.all_mids()["BTC"]) * 0.9)
        resting = status_of(exchange.order("BTC", BUY, 0.01, price, {"limit": {"tif": "Alo"}}, cloid=cloid))
        oid = resting["resting"]["oid"]
        known = info.query_order_by_cloid(MAKER.address, cloid)
        assert (known["order"]["status"], known["order"]["order"]["oid"]) == ("open", oid)
        modified = exchange.modify_order(
            oid, "BTC", BUY, 0.02, price + 10, {"limit": {"tif": "Gtc"}}, cloid=cloid
        )
        assert status_of(modified)["resting"]["oid"] != oid
        (open_,) = info.frontend_open_orders(MAKER.address)
        assert (open_["sz"], open_["tif"], open_["cloid"]) == ("0.02", "Alo", cloid.to_raw())
        assert status_of(exchange.cancel_by_cloid("BTC", cloid)) == "success"
        assert "never placed" in status_of(exchange.cancel("BTC", oid))["error"]
        bought = status_of(exchange.market_open("BTC", BUY, 0.01))["filled"]
        assert bought["totalSz"] == "0.01"
        (position,) = info.user_state(MAKER.address)["assetPositions"]
        assert (position["position"]["szi"], position["position"]["leverage"]["value"]) == ("0.01", 5)
        assert status_of(exchange.market_close("BTC"))["filled"]["totalSz"] == "0.01"
        assert info.user_state(MAKER.address)["assetPositions"] == []
        closed, opened = info.user_fills(MAKER.address)[0], info.user_fills(MAKER.address)[-1]
        assert (opened["dir"], closed["dir"]) == ("Open Long", "Close Long")
        fills.wait_for(lambda m: any(f["tid"] == closed["tid"] for f in m["data"]["fills"]))
        orders.wait_for(
            lambda m: (
                [u["status"] for u in m["data"] if u["order"]["oid"] == bought["oid"]][-1:] == ["filled"]
            )
        )


def test_the_official_sdk_administers_and_is_refused_in_words_that_it_expects() -> None:
    """An agent approved and put to use, an expiry, a scheduled cancel too early, a stranger's key."""
    with served(traded_usd="0") as twin, sdk(twin, MAKER, MAKER.key) as (info, exchange):
        approved, key = exchange.approve_agent("bot")
        assert approved["status"] == "ok"
        assert [agent["name"] for agent in info.extra_agents(MAKER.address)] == ["bot"]
        with sdk(twin, MAKER, key) as (_, agent):
            assert status_of(agent.order("ATOM", BUY, 10, 2.0, {"limit": {"tif": "Gtc"}}))["resting"]
        assert exchange.schedule_cancel(None)["response"].startswith("Cannot set scheduled cancel time")
        exchange.set_expires_after(1)
        assert exchange.noop(2**40 + 1)["response"] == "Action already expired"
        with sdk(twin, MAKER, "0x" + "77" * 32) as (_, stranger):
            refused = stranger.cancel("BTC", 1)
            assert refused["response"].endswith("does not exist.")


def test_the_official_sdk_trades_with_itself_through_the_twin() -> None:
    """Two accounts in the quiet market: what one takes is what the other gave."""
    with (
        served() as twin,
        sdk(twin, MAKER, MAKER.key, streams=True) as (info, maker),
        sdk(twin, TAKER, TAKER.key) as (_, taker),
    ):
        heard = Heard()
        info.subscribe({"type": "userEvents", "user": MAKER.address}, heard)
        info.subscribe({"type": "trades", "coin": "ATOM"}, heard)
        status_of(maker.order("ATOM", BUY, 100, 2.4, {"limit": {"tif": "Gtc"}}))
        filled = status_of(taker.order("ATOM", SELL, 40, 2.4, {"limit": {"tif": "Ioc"}}))["filled"]
        assert filled["totalSz"] == "40.0"
        (fill,) = heard.wait_for(lambda m: m["channel"] == "user")["data"]["fills"]
        (trade,) = heard.wait_for(lambda m: m["channel"] == "trades" and m["data"])["data"]
        assert (fill["tid"], fill["sz"], fill["crossed"]) == (trade["tid"], "40.0", False)
        assert trade["users"] == [MAKER.address, TAKER.address]
        (left,) = info.open_orders(MAKER.address)
        assert (left["sz"], left["origSz"]) == ("60.0", "100.0")


# --- a bare WebSocket -------------------------------------------------------------------------------


def test_a_bare_client_is_confirmed_answered_and_dropped_without_a_word() -> None:
    """Over a real socket: a confirmation, a pong, and after an unknown coin an end that nobody explains."""
    with served() as twin, connect(f"{twin.server.websocket_origin}/ws") as client:

        def ask(message: Any) -> None:
            client.send(json.dumps(message))

        ask({"method": "subscribe", "subscription": {"type": "bbo", "coin": "ATOM"}})
        assert json.loads(client.recv(DEADLINE_S))["channel"] == "subscriptionResponse"
        assert json.loads(client.recv(DEADLINE_S))["data"]["bbo"] == [None, None]
        ask({"method": "ping"})
        assert json.loads(client.recv(DEADLINE_S)) == {"channel": "pong"}
        ask({"method": "subscribe", "subscription": {"type": "bbo", "coin": "NOCOIN"}})
        with pytest.raises(ConnectionClosedError) as ended:
            client.recv(DEADLINE_S)
        assert ended.value.rcvd is None
    with served() as twin, pytest.raises(InvalidStatus):
        connect(f"{twin.server.websocket_origin}/elsewhere")


# --- ccxt -------------------------------------------------------------------------------------------


def with_ccxt(
    story: Callable[[Any, TwinThread], Coroutine[Any, Any, None]],
    key: str = MAKER.agent_key,
    network: Network = Network.TESTNET,
) -> None:
    """Let ccxt, asynchronous with its streams, live through a story at a twin."""

    async def told(twin: TwinThread, origin: str) -> None:
        client = pro.hyperliquid(
            {"walletAddress": MAKER.address, "privateKey": key, "enableRateLimit": False}
        )
        client.set_sandbox_mode(network is Network.TESTNET)
        client.urls["api"] = {
            "public": origin,
            "private": origin,
            "ws": {"public": origin.replace("http", "ws") + "/ws"},
        }
        try:
            async with asyncio.timeout(3 * DEADLINE_S):
                await client.load_markets()
                await story(client, twin)
        finally:
            await client.close()

    with served(network) as twin:
        asyncio.run(told(twin, twin.server.origin))


async def subscribed(twin: TwinThread, kind: str) -> None:
    """Wait until somebody has subscribed to a kind of feed."""

    def kinds(host: TwinHost, _: int) -> set[str]:
        assert isinstance(host.twin, HyperliquidTwin)
        return {feed.type for session in host.twin.sessions.values() for feed in session.feeds.values()}

    while kind not in twin.call(kinds):  # noqa: ASYNC110  # the twin's thread has no event to wait for
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("network", list(Network))
def test_ccxt_reads_markets_and_account_on_either_network(network: Network) -> None:
    """Markets with their grids, tickers, books, funding, candles, balance, fees; as master and as agent."""

    async def story(client: Any, _: TwinThread) -> None:
        market = client.market(SYMBOL)
        assert market["precision"]["amount"] == 0.00001
        assert market["limits"]["leverage"]["max"] == 40
        book = await client.fetch_order_book(SYMBOL)
        assert book["bids"][0][0] < book["asks"][0][0]
        assert book["bids"][0][0] <= (await client.fetch_ticker(SYMBOL))["last"] <= book["asks"][0][0]
        assert (await client.fetch_funding_rate(SYMBOL))["fundingRate"] is not None
        assert isinstance(await client.fetch_funding_rate_history(SYMBOL), list)
        assert isinstance(await client.fetch_ohlcv(SYMBOL), list)
        assert (await client.fetch_open_interest(SYMBOL))["openInterestAmount"] is not None
        assert (await client.fetch_balance())["USDC"]["total"] == 10_000
        assert (await client.fetch_trading_fee(SYMBOL))["taker"] == 0.00045
        assert (await client.fetch_deposits())[0]["amount"] == 10_000
        assert (await client.fetch_status())["status"] == "ok"
        # The signature of the right network is accepted, and with it the builder's fee is refused.
        assert client.options["builderFee"] is False
        assert (await client.set_leverage(3, SYMBOL, {"marginMode": "cross"}))["status"] == "ok"

    with_ccxt(story, MAKER.key, network)


def test_ccxt_places_edits_cancels_and_sees_its_fills() -> None:
    """Limit, post-only, market and reduce-only; by id and by client id; positions and trades afterwards."""

    async def story(client: Any, _: TwinThread) -> None:
        last = (await client.fetch_ticker(SYMBOL))["last"]
        name = "0x" + "0" * 31 + "7"
        placed = await client.create_order(
            SYMBOL, "limit", "buy", 0.01, last * 0.9, {"postOnly": True, "clientOrderId": name}
        )
        assert placed["clientOrderId"] == name
        assert (await client.fetch_order(placed["id"], SYMBOL))["status"] == "open"
        edited = await client.edit_order(placed["id"], SYMBOL, "limit", "buy", 0.02, last * 0.91)
        assert edited["id"] != placed["id"]
        (open_,) = await client.fetch_open_orders(SYMBOL)
        assert (open_["id"], open_["amount"], open_["timeInForce"]) == (edited["id"], 0.02, "ALO")
        gone = await client.cancel_order("", SYMBOL, {"clientOrderId": name})
        assert gone["info"] == "success"
        assert (await client.fetch_order(edited["id"], SYMBOL))["status"] == "canceled"
        bought = await client.create_order(SYMBOL, "market", "buy", 0.01, last)
        assert bought["filled"] == 0.01
        (position,) = await client.fetch_positions([SYMBOL])
        assert (position["side"], position["contracts"]) == ("long", 0.01)
        await client.create_order(SYMBOL, "market", "sell", 0.01, last, {"reduceOnly": True})
        assert await client.fetch_positions([SYMBOL]) == []
        trades = await client.fetch_my_trades(SYMBOL)
        assert {trade["side"] for trade in trades} == {"buy", "sell"}
        assert all(trade["takerOrMaker"] == "taker" and trade["fee"]["cost"] > 0 for trade in trades)
        statuses = {order["id"]: order["status"] for order in await client.fetch_orders(SYMBOL)}
        assert (statuses[edited["id"]], statuses[bought["id"]]) == ("canceled", "closed")

    with_ccxt(story)


def test_ccxt_recognises_the_refusals() -> None:
    """Each of the venue's sentences becomes the error that ccxt has for it."""

    async def story(client: Any, _: TwinThread) -> None:
        last = (await client.fetch_ticker(SYMBOL))["last"]
        buy = (SYMBOL, "limit", "buy")
        for error, call in (
            (InvalidOrder, client.create_order(*buy, 0.0001, last * 0.9)),
            (InvalidOrder, client.create_order(*buy, 0.01, last * 1.1, {"postOnly": True})),
            (InvalidOrder, client.create_order(SYMBOL, "limit", "sell", 0.01, last, {"reduceOnly": True})),
            (InvalidOrder, client.create_order(*buy, 0.01, last * 0.9, {"timeInForce": "IOC"})),
            (InsufficientFunds, client.create_order(*buy, 100, last * 0.9)),
            (OrderNotFound, client.cancel_order("1", SYMBOL)),
            (OrderNotFound, client.fetch_order("1", SYMBOL)),
        ):
            with pytest.raises(error):
                await call

    with_ccxt(story)


def test_ccxt_streams_markets_and_its_account() -> None:
    """Books, trades and tickers; orders and fills as they happen; orders placed over the socket."""

    async def story(client: Any, twin: TwinThread) -> None:
        assert len((await client.watch_order_book(SYMBOL))["bids"]) == 20
        last = (await client.watch_ticker(SYMBOL))["last"]
        assert SYMBOL in await client.watch_tickers()
        assert (await client.watch_balance())["USDC"]["total"] == 10_000
        trades = asyncio.ensure_future(client.watch_trades(SYMBOL))
        orders = asyncio.ensure_future(client.watch_orders(SYMBOL))
        await subscribed(twin, "orderUpdates")
        placed = await client.create_order_ws(SYMBOL, "limit", "buy", 0.01, last * 0.9)
        while not [order for order in await orders if order["id"] == placed["id"]]:
            orders = asyncio.ensure_future(client.watch_orders(SYMBOL))
        assert (await client.cancel_order_ws(placed["id"], SYMBOL))["info"] == "success"
        fills = asyncio.ensure_future(client.watch_my_trades(SYMBOL))
        await subscribed(twin, "userFills")
        bought = await client.create_order(SYMBOL, "market", "buy", 0.01, last)
        (fill, *_) = await fills
        assert (fill["order"], fill["side"]) == (bought["id"], "buy")
        assert (await trades)[0]["symbol"] == SYMBOL
        assert await client.un_watch_order_book(SYMBOL)

    with_ccxt(story)
