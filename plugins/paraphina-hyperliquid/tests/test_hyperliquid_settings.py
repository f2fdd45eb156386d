"""What the operator sets is used or refused, and a network never contradicts the mode."""

from __future__ import annotations

import pytest

from paraphina_core.connector import (
    ConnectorContext,
    HttpRequest,
    Network,
    TradeMode,
    WebSocketSource,
    WriteContext,
)
from paraphina_core.domain import (
    ArmDeadMan,
    ConfigError,
    QueryInstruments,
    instrument_id,
)
from paraphina_hyperliquid.connector import HEARTBEAT, HyperliquidConnector
from paraphina_hyperliquid.instruments import MAX_COINS
from paraphina_hyperliquid.signer import Signer

BTC = instrument_id("hyperliquid", "BTC")
TRADED = "0x" + "AB" * 20
OWNER = "0x" + "CD" * 20
KEY = "0x" + "01" * 32  # nobody's, and never to be funded
SIGNER = Signer(KEY)
NOW_MS = 1_763_800_000_000
META = {"universe": [{"szDecimals": 4, "name": "ETH"}, {"szDecimals": 5, "name": "BTC"}]}


def made(mode: TradeMode = TradeMode.TESTNET, /, **settings: str) -> HyperliquidConnector:
    """Return a connector as the core makes it, for the account of a vault where orders are sent."""
    values = {"vault_address": TRADED} | settings if mode.reaches_venue else settings
    return HyperliquidConnector(ConnectorContext(mode=mode, network=mode.network, settings=values, seed=1))


def context(nonce: int = NOW_MS) -> WriteContext:
    """Return what a request may use of the world."""
    return WriteContext(nonce=nonce, at_ns=NOW_MS * 1_000_000, sign=SIGNER.sign, identity=SIGNER.identity)


def test_every_mode_has_its_network_and_the_venues_own_addresses() -> None:
    """Where nothing else is said, the description's addresses are used, and test orders stay on testnet."""
    for mode in TradeMode:
        host = "api.hyperliquid-testnet.xyz" if mode is TradeMode.TESTNET else "api.hyperliquid.xyz"
        connector = made(mode)
        source = WebSocketSource(url=f"wss://{host}/ws", heartbeat=HEARTBEAT)
        assert all(stream.source == source for stream in connector.plan().streams)
        request = connector.ask(QueryInstruments(), context())
        assert isinstance(request, HttpRequest)
        assert request.url == f"https://{host}/info"


def test_addresses_can_be_the_operators_own() -> None:
    """All of them: market, account, questions and orders."""
    connector = made(rest_url="http://127.0.0.1:9", ws_url="ws://127.0.0.1:9/ws")
    source = WebSocketSource(url="ws://127.0.0.1:9/ws", heartbeat=HEARTBEAT)
    assert all(stream.source == source for stream in connector.plan().streams)
    request = connector.write(ArmDeadMan(window_ms=0), context())
    assert isinstance(request, HttpRequest)
    assert request.url == "http://127.0.0.1:9/exchange"


@pytest.mark.parametrize(
    ("mode", "stated"),
    [(TradeMode.TESTNET, "mainnet"), (TradeMode.LIVE, "testnet"), (TradeMode.LIVE, " TestNet ")],
)
def test_f099_a_network_that_contradicts_the_mode_is_an_error(mode: TradeMode, stated: str) -> None:
    """An account of one network is never traded on the other."""
    with pytest.raises(ConfigError, match="HL_NETWORK contradicts"):
        made(mode, network=stated)


def test_where_no_order_is_sent_the_operator_may_watch_the_test_network() -> None:
    """Paper orders on the test network's market reach nobody."""
    connector = HyperliquidConnector(
        ConnectorContext(
            mode=TradeMode.PAPER, network=Network.MAINNET, settings={"network": "testnet"}, seed=1
        )
    )
    (stream,) = connector.plan().streams
    assert isinstance(stream.source, WebSocketSource)
    assert "testnet" in stream.source.url
    assert len(made(TradeMode.TESTNET, network="testnet").plan().streams) == 2


@pytest.mark.parametrize(
    "settings",
    [
        {"network": "mars"},
        {"book": "slow"},
        {"coin": ""},
        {"coin": "BTC,"},
        {"coin": "BTC,BTC"},
        {"coin": ",".join(f"C{n}" for n in range(MAX_COINS + 1))},
        {"coin": "X" * 33},
        {"coin": "@107"},
        {"coin": "PURR/USDC"},
        {"coin": "#10"},
        {"coin": "BTC USD"},
        {"coin": "БТЦ"},
    ],
)
def test_a_setting_that_cannot_be_used_is_refused(settings: dict[str, str]) -> None:
    """Before anything is opened."""
    with pytest.raises(ConfigError):
        made(TradeMode.PAPER, **settings)


@pytest.mark.parametrize("address", ["", "0x", "0x" + "0" * 40, "ab" * 20, "0x" + "g" * 40, "0x" + "a" * 41])
def test_an_address_that_is_none_is_refused(address: str) -> None:
    """Also one of nobody."""
    for name in ("vault_address", "account_address"):
        with pytest.raises(ConfigError, match="address is not usable"):
            made(**{name: address})


def test_perpetuals_of_other_exchanges_are_refused_clearly() -> None:
    """HIP-3 markets have other collateral, fees and rules."""
    with pytest.raises(ConfigError, match="HIP-3"):
        made(TradeMode.PAPER, coin="xyz:NVDA")


def test_orders_need_an_account() -> None:
    """Without one nothing would be watched; the market needs none."""
    for mode in (TradeMode.TESTNET, TradeMode.LIVE):
        with pytest.raises(ConfigError, match="HL_VAULT_ADDRESS"):
            HyperliquidConnector(ConnectorContext(mode=mode, network=mode.network, settings={}, seed=1))
    assert len(made(TradeMode.SHADOW).plan().streams) == 1
