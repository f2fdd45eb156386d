"""What the conformance suite tries the connector on: single messages of the venue, as others noted them.

No session of the venue may be passed on; `evidence/README.md` says what these prove.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from paraphina_core.conformance import Arrival, Opening, Recording, Reply, Step, Subject
from paraphina_core.connector import Answer
from paraphina_core.domain import QueryInstruments
from paraphina_lighter.connector import MARKET
from paraphina_lighter.spec import VENUE

_EVIDENCE: Final = Path(__file__).parent / "evidence"
#: Session time of the messages, whose own times are of November 2025.
_START_NS: Final = 1_800_000_000_000_000_000
_APART_NS: Final = 20_000_000


def listings() -> bytes:
    """Return the documented answer that lists markets."""
    return (_EVIDENCE / "orderBookDetails.json").read_bytes()


def noted() -> Sequence[bytes]:
    """Return the messages."""
    return (_EVIDENCE / "frames.jsonl").read_bytes().splitlines()


def _recordings() -> Sequence[Recording]:
    steps: list[Step] = [
        Reply(query=QueryInstruments(), answer=Answer(status=200, body=listings()), at_ns=_START_NS),
        Opening(stream=MARKET, at_ns=_START_NS),
    ]
    steps += [
        Arrival(stream=MARKET, frame=frame, at_ns=_START_NS + number * _APART_NS)
        for number, frame in enumerate(noted(), 1)
    ]
    return [Recording(name="messages of mainnet, each by itself", steps=tuple(steps))]


SUBJECT: Final = Subject(spec=VENUE, settings={"market": "ETH"}, recordings=_recordings)
