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
    RateLimit,
    Setting,
    SettingKind,
    SigningKey,
    TradeMode,
)
from paraphina_core.domain import ConfigError

from .limits import (
    IP_REQUESTS,
    IP_REQUESTS_PER_MINUTE,
    ORDERS,
    ORDERS_BURST,
    ORDERS_PER_MINUTE,
    ORDERS_PER_SECOND,
    PRIVATE_READS,
    PRIVATE_READS_PER_MINUTE,
)

DEFAULT_MARKET: Final = "BTC-USD-PERP"
#: Books that the venue streams, the better one first.
BOOKS: Final = ("deltas", "snapshots")


def _connector(context: ConnectorContext) -> Connector:
    from .connector import ParadexConnector  # noqa: PLC0415  # protocol code is imported by the run that uses it

    return ParadexConnector(context)


def _signer(secrets: Mapping[str, str]) -> SigningKey:
    from .signer import Signer  # noqa: PLC0415  # same, and with it the library for signatures

    key = secrets.get("subkey_private_key")
    if key is None:
        raise ConfigError(
            "PARADEX_SUBKEY_PRIVATE_KEY is not set", remedy="set it, or keep it in the key store"
        )
    return Signer(key)


VENUE: Final = ConnectorSpec(
    name="paradex",
    venue="Paradex",
    feature_flag="live_paradex",
    capabilities={
        Capability.MARKET: "public WS, binary",
        Capability.ACCOUNT: "requests + private WS",
        Capability.EXECUTION: "REST, provisional: the account's stream settles it",
        Capability.CANCEL_ALL: "DELETE orders: account or market",
        Capability.MODIFY: "PUT order: price and size, same venue id",
        Capability.PRIVATE_STREAM: "orders, fills, positions, account, funding",
    },
    trade_modes=frozenset(TradeMode),
    factory=_connector,
    signer=_signer,
    blank_signature=bytes(64),  # r and s
    changes_in_place=True,
    twin="paraphina_paradex.twin:ParadexTwin",
    conformance="paraphina_paradex.twin.conformance:SUBJECT",
    endpoints={
        Network.MAINNET: (
            Endpoint(purpose="rest", url="https://api.prod.paradex.trade/v1", setting="rest_url"),
            Endpoint(purpose="ws", url="wss://ws.api.prod.paradex.trade/v1", setting="ws_url"),
        ),
        Network.TESTNET: (
            Endpoint(purpose="rest", url="https://api.testnet.paradex.trade/v1", setting="rest_url"),
            Endpoint(purpose="ws", url="wss://ws.api.testnet.paradex.trade/v1", setting="ws_url"),
        ),
    },
    rate_limits=(
        RateLimit(scope=ORDERS, limit=ORDERS_PER_MINUTE, window_ms=60_000, cancel_reserve=1_725),
        RateLimit(scope=ORDERS_BURST, limit=ORDERS_PER_SECOND, window_ms=1_000, cancel_reserve=80),
        RateLimit(scope=PRIVATE_READS, limit=PRIVATE_READS_PER_MINUTE, window_ms=60_000),
        RateLimit(scope=IP_REQUESTS, limit=IP_REQUESTS_PER_MINUTE, window_ms=60_000, cancel_reserve=150),
    ),
    settings=(
        Setting(
            name="market",
            env="PARADEX_MARKET",
            kind=SettingKind.TEXT,
            help="the venue's name of the perpetual, for example BTC-USD-PERP; several are divided by commas",
            default=DEFAULT_MARKET,
        ),
        Setting(
            name="book",
            env="PARADEX_BOOK",
            kind=SettingKind.TEXT,
            help="deltas: every change of the whole book; snapshots: 15 levels every 50 ms",
            default=BOOKS[0],
        ),
        Setting(
            name="account_address",
            env="PARADEX_ACCOUNT_ADDRESS",
            kind=SettingKind.TEXT,
            help="address of the account on the venue",
            required_in=SENDING_MODES,
        ),
        Setting(
            name="subkey_private_key",
            env="PARADEX_SUBKEY_PRIVATE_KEY",
            kind=SettingKind.SECRET,
            help="key of a subkey, which can trade and cannot withdraw",
            required_in=SENDING_MODES,
        ),
        Setting(
            name="rest_url",
            env="PARADEX_REST_URL",
            kind=SettingKind.TEXT,
            help="other address for requests",
        ),
        Setting(
            name="ws_url",
            env="PARADEX_WS_URL",
            kind=SettingKind.TEXT,
            help="other address for streams",
        ),
    ),
    fees=FeeSchedule(
        maker_bps=0.3, taker_bps=4.5, source="release notes 2026-07, pro profile, first taker tier"
    ),
    notes="The venue has no dead-man switch over HTTP: live.dead_man_waivers must name it.",
)
