"""What the plugin's connector says of itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from paraphina_core.connector import (
    Capability,
    Connector,
    ConnectorContext,
    ConnectorSpec,
    Endpoint,
    FeeSchedule,
    Network,
    NonceRule,
    RateLimit,
    Setting,
    SettingKind,
    SigningKey,
    TradeMode,
)

from .limits import (
    IP_WEIGHT,
    IP_WEIGHT_PER_MINUTE,
    MAX_BATCH,
    ORDERS,
    ORDERS_BURST,
    ORDERS_PER_MINUTE,
    ORDERS_PER_TEN_SECONDS,
)

DEFAULT_MARKET: Final = "BTCUSDT"


#: r and s of an agent's signature, and the v that every one of them has.
_BLANK: Final = bytes(64) + b"\x1b"


def _connector(context: ConnectorContext) -> Connector:
    from .connector import AsterConnector  # noqa: PLC0415  # protocol code is imported by the run that uses it

    return AsterConnector(context)


def _signer(secrets: Mapping[str, str]) -> SigningKey:
    from .signer import signing_key  # noqa: PLC0415  # same, and with it the library for signatures

    return signing_key(secrets)


VENUE: Final = ConnectorSpec(
    name="aster",
    venue="Aster",
    feature_flag="live_aster",
    capabilities={
        Capability.MARKET: "public WS, snapshots by REST",
        Capability.ACCOUNT: "requests + private WS",
        Capability.EXECUTION: "REST, signed by an agent (V3) or an old API key (V1)",
        Capability.CANCEL_ALL: "allOpenOrders: symbol by symbol",
        Capability.BATCH: "batchOrders: five of one kind",
        Capability.MODIFY: "PUT order: price and quantity, same venue id",
        Capability.DEAD_MAN: "countdownCancelAll: symbol by symbol",
        Capability.PRIVATE_STREAM: "listenKey: orders, fills, positions",
    },
    trade_modes=frozenset(TradeMode),
    factory=_connector,
    signer=_signer,
    blank_signature=_BLANK,
    nonce=NonceRule.MICROSECONDS,
    max_batch=MAX_BATCH,
    per_instrument=frozenset({Capability.CANCEL_ALL, Capability.DEAD_MAN}),
    changes_in_place=True,
    twin="paraphina_aster.twin:AsterTwin",
    conformance="paraphina_aster.twin.conformance:SUBJECT",
    endpoints={
        Network.MAINNET: (
            Endpoint(purpose="rest", url="https://fapi.asterdex.com", setting="rest_url"),
            Endpoint(purpose="ws", url="wss://fstream.asterdex.com", setting="ws_url"),
        ),
        Network.TESTNET: (
            Endpoint(purpose="rest", url="https://fapi.asterdex-testnet.com", setting="rest_url"),
            # The docs contradict each other (2026-10): their depth recipe leaves out the 5.
            Endpoint(purpose="ws", url="wss://fstream5.asterdex-testnet.com", setting="ws_url"),
        ),
    },
    # Docs "Limits" and recorded exchangeInfo, read 2026-10: weight per IP address, orders per account.
    rate_limits=(
        RateLimit(
            scope=IP_WEIGHT,
            limit=IP_WEIGHT_PER_MINUTE,
            window_ms=60_000,
            cancel_reserve=240,
            used_header="X-MBX-USED-WEIGHT-1M",
        ),
        RateLimit(
            scope=ORDERS, limit=ORDERS_PER_MINUTE, window_ms=60_000, used_header="X-MBX-ORDER-COUNT-1M"
        ),
        RateLimit(
            scope=ORDERS_BURST,
            limit=ORDERS_PER_TEN_SECONDS,
            window_ms=10_000,
            used_header="X-MBX-ORDER-COUNT-10S",
        ),
    ),
    settings=(
        Setting(
            name="market",
            env="ASTER_MARKET",
            kind=SettingKind.TEXT,
            help="the venue's symbol of the perpetual, for example BTCUSDT; several are divided by commas",
            default=DEFAULT_MARKET,
        ),
        Setting(
            name="network",
            env="ASTER_NETWORK",
            kind=SettingKind.TEXT,
            help="network of account and key, mainnet or testnet; on paper, whose market is watched",
        ),
        Setting(
            name="user_address",
            env="ASTER_USER_ADDRESS",
            kind=SettingKind.TEXT,
            help="address of the main wallet, if requests shall name it; the venue knows it from the agent",
        ),
        Setting(
            name="agent_private_key",
            env="ASTER_AGENT_PRIVATE_KEY",
            kind=SettingKind.SECRET,
            help="key of an agent wallet without the right to withdraw",
        ),
        Setting(
            name="api_key",
            env="ASTER_API_KEY",
            kind=SettingKind.SECRET,
            help="API key of before 2026-03-25, in the place of an agent",
            header="X-MBX-APIKEY",
        ),
        Setting(
            name="api_secret",
            env="ASTER_API_SECRET",
            kind=SettingKind.SECRET,
            help="secret of that API key",
        ),
        Setting(
            name="rest_url",
            env="ASTER_REST_URL",
            kind=SettingKind.TEXT,
            help="other address for requests",
        ),
        Setting(
            name="ws_url",
            env="ASTER_WS_URL",
            kind=SettingKind.TEXT,
            help="other address for streams",
        ),
    ),
    # No document of the venue states the base tier; it tells each account its own rates.
    fees=FeeSchedule(maker_bps=1.0, taker_bps=3.5, source="ccxt 4.5.90 (2026-11), base tier of perpetuals"),
    notes="No order entry over WebSocket: the venue has none. Hidden orders are never sent.",
)
