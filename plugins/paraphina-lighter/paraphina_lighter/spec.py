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
from paraphina_core.domain import ConfigError

from .limits import REQUESTS, REQUESTS_PER_MINUTE, WS_MESSAGES, WS_MESSAGES_PER_MINUTE

DEFAULT_MARKET: Final = "BTC"
#: Whose code signs: what is written here, or the vendor's library.
SIGNERS: Final = ("own", "library")


def _connector(context: ConnectorContext) -> Connector:
    from .connector import LighterConnector  # noqa: PLC0415  # protocol code is imported by the run that uses it

    return LighterConnector(context)


def _signer(secrets: Mapping[str, str]) -> SigningKey:
    from .signer import Signer  # noqa: PLC0415  # same, and with it the tables of the curve

    key = secrets.get("api_private_key")
    if key is None:
        raise ConfigError(
            "LIGHTER_API_PRIVATE_KEY_HEX is not set", remedy="set it, or keep it in the key store"
        )
    return Signer(key)


VENUE: Final = ConnectorSpec(
    name="lighter",
    venue="Lighter",
    feature_flag="live_lighter",
    capabilities={
        Capability.MARKET: "public WS",
        Capability.ACCOUNT: "requests + private WS",
        Capability.EXECUTION: "signed transactions, asynchronous: the account's stream settles them",
        Capability.CANCEL_ALL: "transaction: account or market",
        Capability.MODIFY: "transaction: price and size, same venue id",
        Capability.DEAD_MAN: "scheduled cancel of everything, five minutes ahead or more",
        Capability.WS_ORDERS: "jsonapi/sendtx on the account's stream",
        Capability.PRIVATE_STREAM: "orders, trades, positions, worth",
    },
    trade_modes=frozenset(TradeMode),
    factory=_connector,
    signer=_signer,
    blank_signature=bytes(88),  # when it expires, s and e
    nonce=NonceRule.SEQUENCE,
    changes_in_place=True,
    twin="paraphina_lighter.twin:LighterTwin",
    conformance="paraphina_lighter.twin.conformance:SUBJECT",
    endpoints={
        Network.MAINNET: (
            Endpoint(purpose="rest", url="https://mainnet.zklighter.elliot.ai", setting="rest_url"),
            Endpoint(purpose="ws", url="wss://mainnet.zklighter.elliot.ai/stream", setting="ws_url"),
        ),
        Network.TESTNET: (
            Endpoint(purpose="rest", url="https://testnet.zklighter.elliot.ai", setting="rest_url"),
            Endpoint(purpose="ws", url="wss://testnet.zklighter.elliot.ai/stream", setting="ws_url"),
        ),
    },
    # Docs "Rate limits", read 2026-07-19: a standard account; premium accounts have far more.
    rate_limits=(
        RateLimit(scope=REQUESTS, limit=REQUESTS_PER_MINUTE, window_ms=60_000, cancel_reserve=15),
        RateLimit(scope=WS_MESSAGES, limit=WS_MESSAGES_PER_MINUTE, window_ms=60_000),
    ),
    settings=(
        Setting(
            name="market",
            env="LIGHTER_MARKET",
            kind=SettingKind.TEXT,
            help="the venue's symbol of the perpetual, for example BTC; several are divided by commas",
            default=DEFAULT_MARKET,
        ),
        Setting(
            name="market_id",
            env="LIGHTER_MARKET_ID",
            kind=SettingKind.INTEGER,
            help="the venue's number of the market, to check the symbol against",
        ),
        Setting(
            name="account_index",
            env="LIGHTER_ACCOUNT_INDEX",
            kind=SettingKind.INTEGER,
            help="number of the account or sub-account",
            required_in=SENDING_MODES,
        ),
        Setting(
            name="api_key_index",
            env="LIGHTER_API_KEY_INDEX",
            kind=SettingKind.INTEGER,
            help="number of the API key that signs",
            required_in=SENDING_MODES,
        ),
        Setting(
            name="api_private_key",
            env="LIGHTER_API_PRIVATE_KEY_HEX",
            kind=SettingKind.SECRET,
            help="that API key; it can also sign withdrawals, so keep little on the account",
            required_in=SENDING_MODES,
        ),
        Setting(
            name="auth_token",
            env="LIGHTER_AUTH_TOKEN",
            kind=SettingKind.SECRET,
            help="read-only token for questions about the account, in place of those that the key makes",
            header="Authorization",
        ),
        Setting(
            name="signer",
            env="LIGHTER_SIGNER",
            kind=SettingKind.TEXT,
            help="own: signed here; library: by the vendor's library of lighter-sdk, which must be installed",
            default=SIGNERS[0],
        ),
        Setting(
            name="rest_url",
            env="LIGHTER_HTTP_BASE_URL",
            kind=SettingKind.TEXT,
            help="other address for requests",
        ),
        Setting(
            name="ws_url",
            env="LIGHTER_WS_URL",
            kind=SettingKind.TEXT,
            help="other address for streams",
        ),
    ),
    fees=FeeSchedule(
        maker_bps=0.0, taker_bps=0.0, source="docs, standard account, 2026-07-19; orders wait 200 to 300 ms"
    ),
    notes="An API key can sign withdrawals too; nothing here does. Keep little on the account.",
)
