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
    name="extended",
    venue="Extended",
    feature_flag="live_extended",
    capabilities={},
    trade_modes=frozenset(),
    factory=None,
    endpoints={
        Network.MAINNET: (
            Endpoint(purpose="rest", url="https://api.starknet.extended.exchange/api/v1", setting="rest_url"),
            Endpoint(
                purpose="ws",
                url="wss://api.starknet.extended.exchange/stream.extended.exchange/v1",
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
                url="wss://api.starknet.sepolia.extended.exchange/stream.extended.exchange/v1",
                setting="ws_url",
            ),
        ),
    },
    # Docs, read 2026-11: per IP address over all endpoints; registered market makers have more.
    rate_limits=(RateLimit(scope="requests", limit=1_000, window_ms=60_000, cancel_reserve=100),),
    settings=(
        Setting(
            name="market",
            env="EXTENDED_MARKET",
            kind=SettingKind.TEXT,
            help="the venue's name of the perpetual, for example BTC-USD",
            default="BTC-USD",
        ),
        Setting(
            name="api_key",
            env="EXTENDED_API_KEY",
            kind=SettingKind.SECRET,
            help="API key, sent with every private request",
            required_in=SENDING_MODES,
        ),
        Setting(
            name="stark_private_key",
            env="EXTENDED_STARK_PRIVATE_KEY",
            kind=SettingKind.SECRET,
            help="key that signs orders; it can also sign withdrawals, so keep little on the account",
            required_in=SENDING_MODES,
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
            help="other address for streams",
        ),
    ),
    fees=FeeSchedule(maker_bps=0.0, taker_bps=2.5, source="docs, default, 2026-11"),
    notes="Stub: named and described, nothing is wired yet; no data, no orders.",
)
