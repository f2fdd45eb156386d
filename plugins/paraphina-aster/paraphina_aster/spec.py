"""What the plugin's connector says of itself. Nothing is wired yet, and it says so."""

from __future__ import annotations

from typing import Final

from paraphina_core.connector import (
    SENDING_MODES,
    ConnectorSpec,
    Endpoint,
    Network,
    RateLimit,
    Setting,
    SettingKind,
)

VENUE: Final = ConnectorSpec(
    name="aster",
    venue="Aster",
    feature_flag="live_aster",
    capabilities={},
    trade_modes=frozenset(),
    factory=None,
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
        RateLimit(scope="ip_weight", limit=2_400, window_ms=60_000, cancel_reserve=240),
        RateLimit(scope="orders", limit=1_200, window_ms=60_000),
        RateLimit(scope="orders_burst", limit=300, window_ms=10_000),
    ),
    settings=(
        Setting(
            name="market",
            env="ASTER_MARKET",
            kind=SettingKind.TEXT,
            help="the venue's symbol of the perpetual, for example BTCUSDT",
            default="BTCUSDT",
        ),
        Setting(
            name="user_address",
            env="ASTER_USER_ADDRESS",
            kind=SettingKind.TEXT,
            help="address of the main wallet, which has deposited once",
            required_in=SENDING_MODES,
        ),
        Setting(
            name="agent_private_key",
            env="ASTER_AGENT_PRIVATE_KEY",
            kind=SettingKind.SECRET,
            help="key of an agent wallet without the right to withdraw",
            required_in=SENDING_MODES,
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
    # No source states the base tier; the venue tells each account its own rates.
    fees=None,
    notes="Stub: named and described, nothing is wired yet; no data, no orders.",
)
