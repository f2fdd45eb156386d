"""What the conformance suite tries the connector on: single messages of the venue, as others noted them.

No session of the venue may be passed on; `evidence/README.md` says what these prove.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

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
from paraphina_lighter.connector import MARKET
from paraphina_lighter.spec import VENUE
from paraphina_lighter.transactions import MIN_DEAD_MAN_MS

from .venue import LighterTwin

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


def _log_in(twin: VenueTwin) -> Login:
    """Use the first account; the second one is the stranger."""
    if not isinstance(twin, LighterTwin):
        raise LocalError("this is another venue's twin", found=type(twin).__name__)
    mine, other = twin.members
    login = twin.logins[0]
    return Login(account=mine.name, stranger=other.name, settings=login.settings, secrets=login.secrets)


SUBJECT: Final = Subject(
    spec=VENUE,
    mode=TradeMode.TESTNET,
    settings={"market": "ETH", "account_index": "91240", "api_key_index": "4"},
    secrets={"api_private_key": "01" * 39 + "00"},  # nobody's, never funded
    recordings=_recordings,
    twin=TwinSide(
        log_in=_log_in,
        quiet=Scene(connector={"market": "ETH"}, twin={"flow": "no", "metered": "no"}),
        dead_man_ms=MIN_DEAD_MAN_MS,
        lively=Scene(connector={"market": "ETH"}, twin={"metered": "no"}),
    ),
)
