"""What the plugin's connectors say of themselves: the venue's own, and the replay of its recordings."""

from __future__ import annotations

from collections.abc import Mapping
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
    NonceRule,
    RateLimit,
    Setting,
    SettingKind,
    SigningKey,
    TradeMode,
)

from .limits import (
    DEAD_MAN_FIRINGS_A_DAY,
    DEAD_MAN_VOLUME_USD,
    IP_WEIGHT,
    IP_WEIGHT_PER_MINUTE,
    MAX_BATCH,
    WS_MESSAGES,
    WS_MESSAGES_PER_MINUTE,
)

FEATURE_FLAG: Final = "live_hyperliquid"
DEFAULT_COIN: Final = "BTC"
#: Books that the venue streams, the better one first.
BOOKS: Final = ("fast", "plain")

#: Base tier, without volume or staking discounts.
_FEES: Final = FeeSchedule(
    maker_bps=1.5, taker_bps=4.5, source="docs, Fees, perpetuals base tier, 2026-08-22"
)


def _connector(context: ConnectorContext) -> Connector:
    from .connector import HyperliquidConnector  # noqa: PLC0415  # protocol code is imported by the run that uses it

    return HyperliquidConnector(context)


def _signer(secrets: Mapping[str, str]) -> SigningKey:
    from .signer import Signer  # noqa: PLC0415  # same, and with it the library for signatures

    return Signer(secrets.get("private_key", ""))


def _fixture(context: ConnectorContext) -> Connector:
    from .fixture import FixtureConnector  # noqa: PLC0415  # same

    return FixtureConnector(context)


VENUE: Final = ConnectorSpec(
    name="hyperliquid",
    venue="Hyperliquid",
    feature_flag=FEATURE_FLAG,
    aliases=("hl",),
    capabilities={
        Capability.MARKET: "public WS",
        Capability.ACCOUNT: "requests + private WS",
        Capability.EXECUTION: "WS post, REST as fallback",
        Capability.CANCEL_ALL: "batches of the open orders",
        Capability.BATCH: f"up to {MAX_BATCH}",
        Capability.MODIFY: "cancel and place: new venue id, last in the queue",
        Capability.DEAD_MAN: (
            f"scheduleCancel: from {DEAD_MAN_VOLUME_USD:,} USD traded on, "
            f"fires {DEAD_MAN_FIRINGS_A_DAY} times a day"
        ),
        Capability.WS_ORDERS: "posts on the account's stream",
        Capability.PRIVATE_STREAM: "orderUpdates, userFills, userEvents, userFundings",
    },
    trade_modes=frozenset(TradeMode),
    factory=_connector,
    twin="paraphina_hyperliquid.twin:HyperliquidTwin",
    conformance="paraphina_hyperliquid.twin.conformance:SUBJECT",
    signer=_signer,
    blank_signature=bytes(64) + b"\x1b",  # r, s and v, which is 27 or 28
    nonce=NonceRule.MILLISECONDS,
    max_batch=MAX_BATCH,
    cancel_all_command=False,
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
    # The budget per account grows with its volume and is no fixed number; it is asked for.
    rate_limits=(
        RateLimit(scope=IP_WEIGHT, limit=IP_WEIGHT_PER_MINUTE, window_ms=60_000, cancel_reserve=120),
        RateLimit(scope=WS_MESSAGES, limit=WS_MESSAGES_PER_MINUTE, window_ms=60_000, cancel_reserve=200),
    ),
    settings=(
        Setting(
            name="coin",
            env="HL_COIN",
            kind=SettingKind.TEXT,
            help="the venue's name of the perpetual, for example BTC; several are divided by commas",
            default=DEFAULT_COIN,
        ),
        Setting(
            name="network",
            env="HL_NETWORK",
            kind=SettingKind.TEXT,
            help="network that account and key belong to, mainnet or testnet; must be the trade mode's",
        ),
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
            name="account_address",
            env="HL_ACCOUNT_ADDRESS",
            kind=SettingKind.TEXT,
            help="address of the owner's own account, the same as HL_VAULT_ADDRESS if that account is traded",
        ),
        Setting(
            name="book",
            env="HL_BOOK",
            kind=SettingKind.TEXT,
            help="fast: 5 levels twice a second; plain: 20 levels every 5 seconds",
            default=BOOKS[0],
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
    notes="Dead-man switch only from 1,000,000 USD of traded volume on; perpetuals of HIP-3 are not traded.",
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
        Setting(
            name="coin",
            env="HL_COIN",
            kind=SettingKind.TEXT,
            help="the venue's name of the perpetual, for example BTC",
            default=DEFAULT_COIN,
        ),
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
