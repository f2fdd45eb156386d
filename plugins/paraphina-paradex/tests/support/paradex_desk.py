"""Connectors in the state that a test wants, and frames as the venue spells them."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from paraphina_core.connector import (
    Answer,
    ConnectorContext,
    TradeMode,
    WriteContext,
)
from paraphina_core.domain import (
    Event,
    Query,
    QueryInstruments,
    instrument_id,
)
from paraphina_paradex.connector import MARKET, ParadexConnector
from paraphina_paradex.sbe import LAYOUTS, Frame, RawLevel, Template
from paraphina_paradex.twin.conformance import RECORDED, listings
from paraphina_paradex.twin.sbe_encoder import encode

NOW = WriteContext(nonce=7, at_ns=0, sign=lambda _: b"")
BTC = instrument_id("paradex", RECORDED)
LISTED: dict[str, Any] = json.loads(listings())["results"][0]
T_US = 1_791_421_535_000_000


def connector(mode: TradeMode = TradeMode.PAPER, /, **settings: str) -> ParadexConnector:
    """Return a connector for some markets."""
    return ParadexConnector(ConnectorContext(mode=mode, network=mode.network, settings=settings, seed=1))


def listed(**changes: Any) -> bytes:
    """Return an answer that lists one market."""
    return json.dumps({"results": [LISTED | changes]}).encode()


def told(client: ParadexConnector, query: Query, body: bytes, status: int = 200) -> list[Event]:
    """Ask something and return what the answer says."""
    return list(client.read_answer(client.ask(query, NOW), Answer(status=status, body=body), 0))


def ready(**settings: str) -> ParadexConnector:
    """Return a connector that has read its listings and opened its stream."""
    client = connector(**settings)
    told(client, QueryInstruments(), listings())
    client.opened(MARKET, NOW)
    return client


def frame(template: Template, market: str = RECORDED, /, **numbers: int | None) -> bytes:
    """Spell a frame; what is not named is null, or zero where nothing is null."""
    layout = LAYOUTS[template]
    values: dict[str, int | str | None] = {
        name: None if code == "q" else 0 for name, code in zip(layout.names, layout.codes, strict=True)
    }
    return encode(Frame(template, values | {"ts": T_US, **numbers}, [], [], {"market": market}))


def book_frame(
    sequence: int, bids: list[RawLevel], asks: list[RawLevel], *, whole: bool = False, market: str = RECORDED
) -> bytes:
    """Spell a frame of a book; levels are in units of 10^-8."""
    values: dict[str, int | str | None] = dict.fromkeys(LAYOUTS[Template.BOOK].names)
    values |= {"ts": T_US + sequence, "seq": sequence, "pkgType": 0 if whole else 1}
    return encode(Frame(Template.BOOK, values, bids, asks, {"market": market}))


def units(text: str) -> int:
    """Return a number as it stands on the wire."""
    return int(Decimal(text).scaleb(8))
