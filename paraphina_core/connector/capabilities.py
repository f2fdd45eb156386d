"""The words for what a connector can do, where its data comes from and how it may be used."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Capability(StrEnum):
    """One thing a connector can do. Code asks for these and never for a venue's name."""

    MARKET = "market"
    ACCOUNT = "account"
    EXECUTION = "execution"
    CANCEL_ALL = "cancel_all"
    BATCH = "batch"
    MODIFY = "modify"
    DEAD_MAN = "dead_man"
    WS_ORDERS = "ws_orders"
    PRIVATE_STREAM = "private_stream"


class TradeMode(StrEnum):
    """What happens to an order: recorded, matched on paper, sent to a test or a real network."""

    SHADOW = "shadow"
    PAPER = "paper"
    TESTNET = "testnet"
    LIVE = "live"

    @property
    def reaches_venue(self) -> bool:
        """True for the modes in which orders leave for a venue's order entry."""
        return self in {TradeMode.TESTNET, TradeMode.LIVE}

    @property
    def network(self) -> Network:
        """The network that belongs to the mode; testnet mode never meets production."""
        return Network.TESTNET if self is TradeMode.TESTNET else Network.MAINNET


#: The modes in which orders leave for a venue's order entry.
SENDING_MODES: Final = frozenset(mode for mode in TradeMode if mode.reaches_venue)


class Network(StrEnum):
    """A venue's production network or its test network."""

    MAINNET = "mainnet"
    TESTNET = "testnet"


class DataSource(StrEnum):
    """Where a connector's market data is from."""

    VENUE = "venue"
    RECORDED = "recorded"
    SYNTHETIC = "synthetic"
