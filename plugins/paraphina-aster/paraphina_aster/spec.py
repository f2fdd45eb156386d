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

from .limits import (
    IP_WEIGHT,
    IP_WEIGHT_PER_MINUTE,
    ORDERS,
    ORDERS_BURST,
    ORDERS_PER_MINUTE,
    ORDERS_PER_TEN_SECONDS,
)

DEFAULT_MARKET: Final = "BTCUSDT"


def _connector(context: ConnectorContext) -> Connector:
    from .connector import AsterConnector  # noqa: PLC0415  # protocol code is imported by the run that uses it

    return AsterConnector(context)


VENUE: Final = ConnectorSpec(
    name="aster",
    venue="Aster",
    feature_flag="live_aster",
    capabilities={Capability.MARKET: "public WS, snapshots by REST"},
    trade_modes=frozenset({TradeMode.SHADOW, TradeMode.PAPER}),
    factory=_connector,
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
        RateLimit(scope=IP_WEIGHT, limit=IP_WEIGHT_PER_MINUTE, window_ms=60_000, cancel_reserve=240),
        RateLimit(scope=ORDERS, limit=ORDERS_PER_MINUTE, window_ms=60_000),
        RateLimit(scope=ORDERS_BURST, limit=ORDERS_PER_TEN_SECONDS, window_ms=10_000),
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
            help="network whose market is watched, mainnet or testnet",
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
    # No document of the venue states the base tier; it tells each account its own rates.
    fees=FeeSchedule(maker_bps=1.0, taker_bps=3.5, source="ccxt 4.5.90 (2026-11), base tier of perpetuals"),
    notes="Market data only: the market is read, orders stay on paper.",
)
