"""What the plugin's connector says of itself. Nothing is wired yet, and it says so."""

from __future__ import annotations

from typing import Final

from paraphina_core.connector import (
    SENDING_MODES,
    ConnectorSpec,
    Endpoint,
    FeeSchedule,
    Network,
    RateLimit,
    Setting,
    SettingKind,
)

VENUE: Final = ConnectorSpec(
    name="paradex",
    venue="Paradex",
    feature_flag="live_paradex",
    capabilities={},
    trade_modes=frozenset(),
    factory=None,
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
    # Docs "Rate limits", read 2026-08-20: orders and private reads per account, the rest per IP address.
    rate_limits=(
        RateLimit(scope="orders", limit=17_250, window_ms=60_000, cancel_reserve=1_725),
        RateLimit(scope="orders_burst", limit=800, window_ms=1_000, cancel_reserve=80),
        RateLimit(scope="private_reads", limit=600, window_ms=60_000),
        RateLimit(scope="ip_requests", limit=1_500, window_ms=60_000, cancel_reserve=150),
    ),
    settings=(
        Setting(
            name="market",
            env="PARADEX_MARKET",
            kind=SettingKind.TEXT,
            help="the venue's name of the perpetual, for example BTC-USD-PERP",
            default="BTC-USD-PERP",
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
    notes="Stub: named and described, nothing is wired yet; no data, no orders.",
)
