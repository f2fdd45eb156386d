"""What the conformance suite tries the connector on: its twin, and genuine frames of its wire format.

The frames are of Binance USD-M futures; `evidence/README.md` says why, and what they prove.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from paraphina_aster.connector import MARKET
from paraphina_aster.spec import VENUE
from paraphina_core.conformance import (
    Arrival,
    Login,
    Opening,
    Recording,
    Reply,
    Scene,
    Step,
    Subject,
    TwinSide,
)
from paraphina_core.connector import Answer, TradeMode
from paraphina_core.domain import LocalError, QueryBook, QueryInstruments, instrument_id
from paraphina_core.twin import VenueTwin

from .venue import AsterTwin

_EVIDENCE: Final = Path(__file__).parent / "evidence"
EXCHANGE_INFO: Final = "binance_usdm_exchange_info.json"
SYMBOLS: Final = ("SUSHIUSDT", "AKROUSDT", "KEEPUSDT", "CTKUSDT")
#: Without the fourth, whose tick had been made coarser before: old orders lie off it.
_ON_GRID: Final = SYMBOLS[:3]

_FRAME: Final = "frame"
_START_NS: Final = 1_800_000_000_000_000_000
#: The order of arrival was recorded to the microsecond; here they are this far apart.
_APART_NS: Final = 20_000_000


def exchange_info() -> bytes:
    """Return the recorded listings."""
    return (_EVIDENCE / EXCHANGE_INFO).read_bytes()


def captured() -> Iterator[tuple[str, str, bytes]]:
    """Yield `(what, symbol, body)` in the order of arrival: `frame` or `snapshot`."""
    with gzip.open(_EVIDENCE / "binance_usdm_20210722.txt.gz", "rb") as file:
        for line in file:
            head, _, body = line.rstrip(b"\n").partition(b" ")
            what = head.decode("ascii")
            if what == _FRAME:
                yield _FRAME, json.loads(body)["data"]["s"], body
            else:
                yield "snapshot", what, body


def _recordings() -> Sequence[Recording]:
    listings = Answer(status=200, body=exchange_info())
    steps: list[Step] = [
        Reply(query=QueryInstruments(), answer=listings, at_ns=_START_NS),
        Opening(stream=MARKET, at_ns=_START_NS),
    ]
    for number, (what, symbol, body) in enumerate(captured(), 1):
        if symbol not in _ON_GRID:
            continue
        at_ns = _START_NS + number * _APART_NS
        if what == _FRAME:
            steps.append(Arrival(stream=MARKET, frame=body, at_ns=at_ns))
        else:
            query = QueryBook(instrument=instrument_id(VENUE.name, symbol))
            steps.append(Reply(query=query, answer=Answer(status=200, body=body), at_ns=at_ns))
    return [Recording(name="Binance USD-M futures, the same wire format", steps=tuple(steps))]


def _log_in(twin: VenueTwin) -> Login:
    """Use the first account; the second one is the stranger."""
    if not isinstance(twin, AsterTwin):
        raise LocalError("this is another venue's twin", found=type(twin).__name__)
    mine, other = twin.members
    login = twin.logins[0]
    return Login(account=mine.name, stranger=other.name, settings=login.settings, secrets=login.secrets)


SUBJECT: Final = Subject(
    spec=VENUE,
    mode=TradeMode.TESTNET,
    settings={"market": ",".join(_ON_GRID)},
    secrets={"agent_private_key": "0x" + "01" * 32},  # nobody's, never funded
    recordings=_recordings,
    twin=TwinSide(
        log_in=_log_in,
        quiet=Scene(connector={"market": "BTCUSDT"}, twin={"flow": "no"}),
        lively=Scene(connector={"market": "BTCUSDT"}),
    ),
)
