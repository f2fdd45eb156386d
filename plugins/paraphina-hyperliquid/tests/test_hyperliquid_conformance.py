"""The plugin's connectors keep the contract, card by card."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from paraphina_core.conformance import Arrival, ConformanceSuite, Opening, Recording, Reply, Subject
from paraphina_core.connector import Answer, TradeMode
from paraphina_core.domain import QueryInstruments
from paraphina_hyperliquid.connector import MARKET
from paraphina_hyperliquid.spec import FIXTURE, VENUE

#: Nobody's, and never to be funded.
SECRETS = {"private_key": "0x" + "01" * 32}
COINS = {"coin": "BTC,HYPE"}
RECORDED = Path(__file__).resolve().parents[3] / "tests" / "fixtures" / "hyperliquid"


def recordings() -> Sequence[Recording]:
    """Return what the venue sent of each recorded coin; the listings are as long as it needs them to be."""
    precision = json.loads((RECORDED / "instruments.json").read_text(encoding="utf-8"))
    universe = [
        {"name": coin, "szDecimals": said["szDecimals"]}
        for coin, said in precision.items()
        if isinstance(said, dict) and "szDecimals" in said
    ]
    meta = Answer(status=200, body=json.dumps({"universe": universe}).encode())
    return [recording(coin, meta) for coin in ("BTC", "HYPE")]


def recording(coin: str, meta: Answer) -> Recording:
    """Return the frames of one coin, on a market that has just opened."""
    lines = [line.split(b" ", 1) for line in (RECORDED / f"{coin}.frames").read_bytes().splitlines()]
    first_ns = int(lines[0][0])
    begin = (
        Reply(query=QueryInstruments(), answer=meta, at_ns=first_ns),
        Opening(stream=MARKET, at_ns=first_ns),
    )
    frames = [Arrival(stream=MARKET, frame=frame, at_ns=int(arrived)) for arrived, frame in lines]
    return Recording(name=coin, steps=(*begin, *frames))


class TestFixture(ConformanceSuite):
    """The replay of the recordings."""

    subject = Subject(spec=FIXTURE)


class TestMarket(ConformanceSuite):
    """The venue's connector where nothing is sent."""

    subject = Subject(spec=VENUE, settings=COINS, secrets=SECRETS, recordings=recordings)


class TestOrders(ConformanceSuite):
    """The venue's connector where orders are sent."""

    subject = Subject(
        spec=VENUE,
        mode=TradeMode.TESTNET,
        settings=COINS | {"vault_address": "0x" + "ab" * 20, "network": "testnet"},
        secrets=SECRETS,
        recordings=recordings,
    )
