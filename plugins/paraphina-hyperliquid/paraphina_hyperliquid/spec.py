"""What the plugin's connectors say of themselves: the venue's own, and the replay of its recordings."""

from __future__ import annotations

from typing import Final

from paraphina_core.connector import (
    SENDING_MODES,
    Capability,
    Connector,
    ConnectorContext,
    ConnectorSpec,
    DataSource,
    Endpoint,
    FeeSchedule,
    Network,
    RateLimit,
    Setting,
    SettingKind,
    TradeMode,
)

FEATURE_FLAG: Final = "live_hyperliquid"
DEFAULT_COIN: Final = "BTC"

_COIN: Final = Setting(
    name="coin",
    env="HL_COIN",
    kind=SettingKind.TEXT,
    help="the venue's name of the perpetual, for example BTC",
    default=DEFAULT_COIN,
)

#: Base tier, without volume or staking discounts.
_FEES: Final = FeeSchedule(
    maker_bps=1.5, taker_bps=4.5, source="docs, Fees, perpetuals base tier, 2026-08-22"
)


def _fixture(context: ConnectorContext) -> Connector:
    from .fixture import FixtureConnector  # noqa: PLC0415  # protocol code is imported by the run that uses it

    return FixtureConnector(context)


VENUE: Final = ConnectorSpec(
    name="hyperliquid",
    venue="Hyperliquid",
    feature_flag=FEATURE_FLAG,
    aliases=("hl",),
    capabilities={},
    trade_modes=frozenset(),
    factory=None,
    endpoints={
        Network.MAINNET: (
            Endpoint(purpose="rest", url="https://api.hyperliquid.xyz", setting="rest_url"),
            Endpoint(purpose="ws", url="wss://api.hyperliquid.xyz/ws", setting="ws_url"),
        ),
        Network.TESTNET: (
            Endpoint(purpose="rest", url="https://api.hyperliquid-testnet.xyz", setting="rest_url"),
            Endpoint(purpose="ws", url="wss://api.hyperliquid-testnet.xyz/ws", setting="ws_url"),
        ),
    },
    # Docs "Rate limits and user limits", read 2026-08-22; both are per IP address. The budget per
    # account grows with its volume and is no fixed number.
    rate_limits=(
        RateLimit(scope="ip_weight", limit=1_200, window_ms=60_000, cancel_reserve=120),
        RateLimit(scope="ws_messages", limit=2_000, window_ms=60_000, cancel_reserve=200),
    ),
    settings=(
        _COIN,
        Setting(
            name="private_key",
            env="HL_PRIVATE_KEY",
            kind=SettingKind.SECRET,
            help="key of an agent (API wallet), which can trade and cannot withdraw",
            required_in=SENDING_MODES,
        ),
        Setting(
            name="vault_address",
            env="HL_VAULT_ADDRESS",
            kind=SettingKind.TEXT,
            help="address of the account, subaccount or vault that is traded; never the agent's own",
            required_in=SENDING_MODES,
        ),
        Setting(
            name="rest_url",
            env="HL_REST_URL",
            kind=SettingKind.TEXT,
            help="other address for requests",
        ),
        Setting(
            name="ws_url",
            env="HL_WS_URL",
            kind=SettingKind.TEXT,
            help="other address for streams",
        ),
    ),
    fees=_FEES,
    notes="Stub: named and described, nothing is wired yet; no data, no orders. See hyperliquid_fixture.",
)

FIXTURE: Final = ConnectorSpec(
    name="hyperliquid_fixture",
    venue="Hyperliquid (fixture)",
    feature_flag=FEATURE_FLAG,
    aliases=("hl_fixture", "fixture"),
    capabilities={Capability.MARKET: "recorded feed", Capability.ACCOUNT: "recorded answers"},
    trade_modes=frozenset({TradeMode.SHADOW, TradeMode.PAPER}),
    factory=_fixture,
    data_source=DataSource.RECORDED,
    settings=(
        _COIN,
        Setting(
            name="fixture_dir",
            env="HL_FIXTURE_DIR",
            kind=SettingKind.PATH,
            help="folder with a recording; without it the one that comes with the plugin",
        ),
        Setting(
            name="repeat",
            env="HL_FIXTURE_REPEAT",
            kind=SettingKind.FLAG,
            help="start over at the end of the recording, as after a lost connection",
            default="false",
        ),
    ),
    fees=_FEES,
    notes="Offline replay of real mainnet frames (BTC 25 s, HYPE 3 frames); HL_FIXTURE_DIR names another.",
)
