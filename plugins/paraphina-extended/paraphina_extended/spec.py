"""What the plugin's connector says of itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from paraphina_core.connector import (
    SENDING_MODES,
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

from .limits import REQUESTS, REQUESTS_PER_MINUTE

DEFAULT_MARKET: Final = "BTC-USD"
#: Whom an order of ours may not trade with: the same account, the same client's accounts, nobody.
SELF_TRADE: Final = ("account", "client", "disabled")
#: Versions of the stream, the better one first.
STREAMS: Final = ("v2", "v1")


def _connector(context: ConnectorContext) -> Connector:
    from .connector import ExtendedConnector  # noqa: PLC0415  # protocol code is imported by the run that uses it

    return ExtendedConnector(context)


def _signer(secrets: Mapping[str, str]) -> SigningKey:
    from .signer import Signer  # noqa: PLC0415  # same, and with it the library for signatures

    return Signer.of(secrets)


VENUE: Final = ConnectorSpec(
    name="extended",
    venue="Extended",
    feature_flag="live_extended",
    capabilities={
        Capability.MARKET: "public WS, v2 with v1 as fallback",
        Capability.ACCOUNT: "requests + private WS",
        Capability.EXECUTION: "REST, asynchronous: the account's stream settles it",
        Capability.CANCEL_ALL: "massCancel: account or market",
        Capability.MODIFY: "cancelId: new venue id, and refused by the engine both orders are gone",
        Capability.DEAD_MAN: "deadmanswitch, in seconds",
        Capability.PRIVATE_STREAM: "v1 account: orders, trades, positions, balance",
    },
    trade_modes=frozenset(TradeMode),
    factory=_connector,
    signer=_signer,
    blank_signature=bytes(64),  # r and s
    nonce=NonceRule.MILLISECONDS,
    twin="paraphina_extended.twin:ExtendedTwin",
    conformance="paraphina_extended.twin.conformance:SUBJECT",
    endpoints={
        Network.MAINNET: (
            Endpoint(purpose="rest", url="https://api.starknet.extended.exchange/api/v1", setting="rest_url"),
            Endpoint(
                purpose="ws",
                url="wss://api.starknet.extended.exchange/stream.extended.exchange",
                setting="ws_url",
            ),
        ),
        Network.TESTNET: (
            Endpoint(
                purpose="rest",
                url="https://api.starknet.sepolia.extended.exchange/api/v1",
                setting="rest_url",
            ),
            Endpoint(
                purpose="ws",
                url="wss://api.starknet.sepolia.extended.exchange/stream.extended.exchange",
                setting="ws_url",
            ),
        ),
    },
    # Docs, read 2026-11: per IP address over all endpoints; registered market makers have more.
    rate_limits=(RateLimit(scope=REQUESTS, limit=REQUESTS_PER_MINUTE, window_ms=60_000, cancel_reserve=100),),
    settings=(
        Setting(
            name="market",
            env="EXTENDED_MARKET",
            kind=SettingKind.TEXT,
            help="the venue's name of the perpetual, for example BTC-USD; several are divided by commas",
            default=DEFAULT_MARKET,
        ),
        Setting(
            name="network",
            env="EXTENDED_NETWORK",
            kind=SettingKind.TEXT,
            help="network that account and key belong to, mainnet or testnet; must be the trade mode's",
        ),
        Setting(
            name="stream",
            env="EXTENDED_STREAM",
            kind=SettingKind.TEXT,
            help="v2: every topic in one connection; v1: one connection for each, should v2 fail",
            default=STREAMS[0],
        ),
        Setting(
            name="api_key",
            env="EXTENDED_API_KEY",
            kind=SettingKind.SECRET,
            help="API key of the account, sent with every private request",
            required_in=SENDING_MODES,
            header="X-Api-Key",
        ),
        Setting(
            name="stark_private_key",
            env="EXTENDED_STARK_PRIVATE_KEY",
            kind=SettingKind.SECRET,
            help="key that signs orders; it can also sign withdrawals, so keep little on the account",
            required_in=SENDING_MODES,
        ),
        Setting(
            name="vault",
            env="EXTENDED_VAULT",
            kind=SettingKind.TEXT,
            help="vault of the account, as its API page shows it; orders are signed for it",
            required_in=SENDING_MODES,
        ),
        Setting(
            name="self_trade",
            env="EXTENDED_SELF_TRADE",
            kind=SettingKind.TEXT,
            help="protection from own orders: account, client (its other accounts too) or disabled",
            default=SELF_TRADE[0],
        ),
        Setting(
            name="rest_url",
            env="EXTENDED_REST_URL",
            kind=SettingKind.TEXT,
            help="other address for requests",
        ),
        Setting(
            name="ws_url",
            env="EXTENDED_WS_URL",
            kind=SettingKind.TEXT,
            help="other address for streams, without a version",
        ),
    ),
    fees=FeeSchedule(maker_bps=0.0, taker_bps=2.5, source="docs, default, 2026-11"),
    notes="Order entry is asynchronous; no batches and no order entry over WebSocket: the venue has none.",
)
