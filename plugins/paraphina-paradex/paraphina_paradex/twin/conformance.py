"""What the conformance suite tries the connector on: frames of the venue, see `evidence/README.md`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from paraphina_core.conformance import Arrival, Opening, Recording, Reply, Step, Subject
from paraphina_core.connector import Answer
from paraphina_core.domain import QueryInstruments
from paraphina_paradex.connector import MARKET
from paraphina_paradex.spec import VENUE

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


SUBJECT: Final = Subject(spec=VENUE, settings={"market": RECORDED}, recordings=_recordings)
