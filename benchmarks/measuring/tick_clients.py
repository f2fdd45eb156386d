"""The contestants of `benchmarks/tick_to_order.py`: each answers every book with one order.

A client is a process: `python tick_clients.py NAME PORT FOLDER`. It begins, says so on its output once it
has a book and may trade, and goes on until it is ended. All place a post-only buy at the best bid.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from measuring.loopback_venue import META

KEY: Final = "0x0123456789012345678901234567890123456789012345678901234567890123"  # of the SDK's own tests
COIN: Final = "BTC"
SIZE: Final = 0.001
#: Limits that do not bind: the gates judge every order, and none of them stops the benchmark.
LIMITS: Final = {"message_rate_per_s": 1_000.0, "message_burst": 1_000, "message_cancel_reserve": 5}


def ready() -> None:
    """Say that a book is here and orders may leave."""
    print("ready", flush=True)


def paraphina(port: int, folder: str) -> None:
    """Run a whole session in testnet mode: gates, journal, reconciliation, real signing, orders as posts."""
    import msgspec

    from paraphina_core import strategy
    from paraphina_core.config import resolve
    from paraphina_core.connector import RegisterStrategy, StrategySpec, hookimpl, load_plugins
    from paraphina_core.domain import Side, Target, View
    from paraphina_core.session import Run, settle_memory
    from paraphina_core.transport import choose, run

    class Joiner:
        """Wants to join the best bid, once each time it is another."""

        is_ready = False
        joined = 0.0

        def decide(self, view: View, at_ns: int) -> Sequence[Target]:
            (market,) = view.markets or (None,)
            if market is None or market.unusable or market.bid_price == self.joined:
                return ()
            self.joined = market.bid_price
            if not self.is_ready:
                self.is_ready = True
                ready()
            return (
                Target(
                    instrument=market.instrument.id, side=Side.BUY, price=market.bid_price, size_base=SIZE
                ),
            )

    module = ModuleType("joiner")
    module.__file__ = __file__

    @hookimpl
    def paraphina_register_strategies(register: RegisterStrategy) -> None:
        register(StrategySpec(name="joiner", summary="joins", parameters={}, build=lambda _: Joiner()))

    module.paraphina_register_strategies = paraphina_register_strategies  # type: ignore[attr-defined]
    plugins = load_plugins([strategy, module])
    cli = {
        "--trade-mode": "testnet",
        "--connectors": "hyperliquid",
        "--canary-profile": "prod_canary",
        "--strategy": "joiner",
        "--out-dir": folder,
    }
    env = {
        "HL_PRIVATE_KEY": KEY,
        "HL_ACCOUNT_ADDRESS": _address(),
        "HL_VAULT_ADDRESS": _address(),
        "HL_COIN": COIN,
        "HL_BOOK": "plain",
        "HL_REST_URL": f"http://127.0.0.1:{port}",
        "HL_WS_URL": f"ws://127.0.0.1:{port}/ws",
    }
    config = resolve(cli=cli, env=env, file=None, plugins=plugins)
    assert config.profile is not None
    config = msgspec.structs.replace(
        config,
        profile=msgspec.structs.replace(config.profile, max_order_notional_usd=1_000.0, **_limits()),
        live=msgspec.structs.replace(config.live, dead_man_waivers=("hyperliquid",)),
    )
    session = Run(config, plugins, Path(folder))
    settle_memory()
    run(session.execute(), choose())


def _limits() -> Mapping[str, Any]:
    return LIMITS | {
        "max_position_notional_usd_per_venue": 10_000.0,
        "max_position_notional_usd_total": 10_000.0,
        "canary": False,
    }


def _address() -> str:
    from eth_account import Account

    return str(Account.from_key(KEY).address).lower()


def sdk(port: int, _folder: str) -> None:
    """Run the official SDK: its subscription's callback places the order with its `Exchange`."""
    import time

    from eth_account import Account
    from hyperliquid.exchange import Exchange
    from hyperliquid.info import Info

    url = f"http://127.0.0.1:{port}"
    spot: Any = {"universe": [], "tokens": []}
    meta: Any = META
    exchange = Exchange(Account.from_key(KEY), url, meta=meta, spot_meta=spot)
    info = Info(url, meta=meta, spot_meta=spot)
    seen = 0

    def on_book(message: Any) -> None:
        nonlocal seen
        bids = message["data"]["levels"][0]
        exchange.order(COIN, True, SIZE, float(bids[0]["px"]), {"limit": {"tif": "Alo"}})  # noqa: FBT003  # the SDK's call
        seen += 1
        if seen == 1:
            ready()

    info.subscribe({"type": "l2Book", "coin": COIN}, on_book)
    while True:
        time.sleep(1)


def ccxt_pro(port: int, _folder: str) -> None:
    """Run ccxt.pro: `watch_order_book`, then `create_order_ws`, which it has for this venue."""
    import ccxt.pro

    async def trade() -> None:
        exchange = ccxt.pro.hyperliquid(
            {"privateKey": KEY, "walletAddress": _address(), "enableRateLimit": False}
        )
        universe = META["universe"]
        exchange.set_markets([exchange.parse_market({**one, "baseId": n}) for n, one in enumerate(universe)])
        exchange.urls["api"]["ws"]["public"] = f"ws://127.0.0.1:{port}/ws"
        exchange.options["approvedBuilderFee"] = True
        symbol = f"{COIN}/USDC:USDC"
        seen = 0
        while True:
            book = await exchange.watch_order_book(symbol)
            await exchange.create_order_ws(
                symbol, "limit", "buy", SIZE, book["bids"][0][0], {"postOnly": True}
            )
            seen += 1
            if seen == 1:
                ready()

    asyncio.run(trade())


def floor(port: int, _folder: str) -> None:
    """Answer each book with the same bytes, read and decided by nobody: what no client can be faster than."""
    import json

    import uvloop
    from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

    order = {"a": 0, "b": True, "p": "1", "s": "1", "r": False, "t": {"limit": {"tif": "Alo"}}}
    action = {"type": "order", "orders": [order], "grouping": "na"}
    payload = {"action": action, "nonce": 1, "signature": {"r": "0x00", "s": "0x00", "v": 27}}
    post = {"method": "post", "id": 1, "request": {"type": "action", "payload": payload}}
    made = json.dumps(post).encode()
    subscription = {"type": "l2Book", "coin": COIN}

    class Answering(WSListener):
        has_begun = False

        def on_ws_connected(self, transport: WSTransport) -> None:
            transport.send(WSMsgType.TEXT, json.dumps({"method": "subscribe", "subscription": subscription}))

        def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
            if not frame.get_payload_as_bytes().startswith(b'{"channel":"l2Book"'):
                return
            transport.send(WSMsgType.TEXT, made)
            if not self.has_begun:
                self.has_begun = True
                ready()

    async def trade() -> None:
        transport, _ = await ws_connect(Answering, f"ws://127.0.0.1:{port}/ws")
        await transport.wait_disconnected()

    uvloop.run(trade())


CLIENTS: Final = {"paraphina": paraphina, "sdk": sdk, "ccxt": ccxt_pro, "floor": floor}

if __name__ == "__main__":
    CLIENTS[sys.argv[1]](int(sys.argv[2]), sys.argv[3])
