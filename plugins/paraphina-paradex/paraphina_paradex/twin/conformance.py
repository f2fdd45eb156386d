"""What the conformance suite tries the connector on: frames of the venue, see `evidence/README.md`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

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
from paraphina_core.domain import LocalError, QueryInstruments
from paraphina_core.twin import VenueTwin
from paraphina_paradex.connector import MARKET
from paraphina_paradex.spec import VENUE

from .venue import ParadexTwin

EVIDENCE: Final = Path(__file__).parent / "evidence"
#: The market that was recorded.
RECORDED: Final = "BTC-USD-PERP"
#: When the first frame of the book arrived; here the others follow so far apart.
_START_NS: Final = 1_791_421_535_000_000_000
_APART_NS: Final = 20_000_000


def listings() -> bytes:
    """Return an answer that lists the recorded market."""
    return (EVIDENCE / "markets.json").read_bytes()


def captured(channel: str) -> list[bytes]:
    """Return what one connection brought: the acknowledgement, and the frames."""
    told: dict[str, Any] = json.loads((EVIDENCE / f"{channel}_btc.json").read_bytes())["frame"]
    return [json.dumps(told["ack"]).encode(), *(bytes.fromhex(frame["hex"]) for frame in told["frames"])]


def _recording(channel: str) -> Recording:
    steps: list[Step] = [
        Reply(query=QueryInstruments(), answer=Answer(status=200, body=listings()), at_ns=_START_NS),
        Opening(stream=MARKET, at_ns=_START_NS),
    ]
    steps += [
        Arrival(stream=MARKET, frame=frame, at_ns=_START_NS + number * _APART_NS)
        for number, frame in enumerate(captured(channel), 1)
    ]
    return Recording(name=f"{channel} of mainnet", steps=tuple(steps))


def _recordings() -> Sequence[Recording]:
    return [_recording("order_book_deltas"), _recording("bbo")]


def _log_in(twin: VenueTwin) -> Login:
    """Use the first account; the second one is the stranger."""
    if not isinstance(twin, ParadexTwin):
        raise LocalError("this is another venue's twin", found=type(twin).__name__)
    mine, other = twin.members
    login = twin.logins[0]
    return Login(account=mine.name, stranger=other.name, settings=login.settings, secrets=login.secrets)


SUBJECT: Final = Subject(
    spec=VENUE,
    mode=TradeMode.TESTNET,
    settings={"market": RECORDED, "account_address": "0x1234"},
    secrets={"subkey_private_key": "0x" + "01" * 31},  # nobody's, never funded
    recordings=_recordings,
    twin=TwinSide(
        log_in=_log_in,
        quiet=Scene(connector={"market": RECORDED}, twin={"flow": "no"}),
        lively=Scene(connector={"market": RECORDED}),
        far_bps=400,
    ),
)
