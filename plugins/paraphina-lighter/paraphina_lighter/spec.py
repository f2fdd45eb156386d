"""What the plugin's connector says of itself; orders are not wired yet, and it says so."""

from __future__ import annotations

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
    TradeMode,
)

from .limits import REQUESTS, REQUESTS_PER_MINUTE, WS_MESSAGES, WS_MESSAGES_PER_MINUTE

DEFAULT_MARKET: Final = "BTC"


def _connector(context: ConnectorContext) -> Connector:
    from .connector import LighterConnector  # noqa: PLC0415  # protocol code is imported by the run that uses it

    return LighterConnector(context)


VENUE: Final = ConnectorSpec(
    name="lighter",
    venue="Lighter",
    feature_flag="live_lighter",
    capabilities={Capability.MARKET: "public WS"},
    trade_modes=frozenset({TradeMode.SHADOW, TradeMode.PAPER}),
    factory=_connector,
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
            help="read-only token for account streams, where the key shall not make one",
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
    notes="Market data only: the market is read, orders stay on paper.",
)
