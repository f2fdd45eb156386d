"""What the conformance suite tries the connector on: what the venue sent, and the way into the twin."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

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
from paraphina_core.domain import (
    LocalError,
    Query,
    QueryAccount,
    QueryInstruments,
    QueryOpenOrders,
)
from paraphina_core.twin import VenueTwin
from paraphina_hyperliquid import recording
from paraphina_hyperliquid.connector import MARKET
from paraphina_hyperliquid.spec import VENUE

from .venue import HyperliquidTwin

_EVIDENCE: Final = Path(__file__).parent / "evidence"
#: Whose answers were recorded; any address would do, for nothing in the answers names it.
_ACCOUNT: Final = "0x5e9ee1089755c3435139848e47e6635505d5a13a"
#: Session time of recorded frames, whose own times are of January 2025.
_START_NS: Final = 1_800_000_000_000_000_000
_RECORDED: Final = ("BTC", "HYPE")
_COIN: Final = "BTC"


class _Evidence(msgspec.Struct):
    response: msgspec.Raw


def _recordings() -> Sequence[Recording]:
    """Return the recorded market of each coin, with the answers that a session begins with."""
    return [_recorded_market(coin) for coin in _RECORDED]


def _recorded_market(coin: str) -> Recording:
    recorded = recording.load(recording.PACKAGED, coin)
    answers = {answer.type: answer.body for answer in recorded.answers}
    frames = [
        Arrival(stream=MARKET, frame=frame.frame, at_ns=_START_NS + frame.after_ns)
        for frame in recorded.frames
    ]
    replies: list[Step] = [
        _reply(QueryInstruments(), _meta(recorded)),
        _reply(QueryAccount(), answers["clearinghouseState"]),
        _reply(QueryOpenOrders(), _answer("frontendOpenOrders")),
    ]
    steps: tuple[Step, ...] = (*replies, Opening(stream=MARKET, at_ns=_START_NS), *frames)
    return Recording(name=f"mainnet, {coin}", steps=steps)


def _meta(recorded: recording.Recording) -> bytes:
    """Return the recorded listings, or for a coin that is newer than they are those of this coin alone."""
    listings = _answer("meta")
    if f'"{recorded.coin}"'.encode() in listings:
        return listings
    listing = {"name": recorded.coin, "szDecimals": recorded.size_decimals}
    return msgspec.json.encode({"universe": [listing]})


def _answer(kind: str) -> bytes:
    return bytes(msgspec.json.decode((_EVIDENCE / f"{kind}.json").read_bytes(), type=_Evidence).response)


def _reply(query: Query, body: bytes) -> Reply:
    return Reply(query=query, answer=Answer(status=200, body=body), at_ns=_START_NS)


def _log_in(twin: VenueTwin) -> Login:
    """Use the first account through its agent, as an operator would; the second one is the stranger."""
    if not isinstance(twin, HyperliquidTwin):
        raise LocalError("this is another venue's twin", found=type(twin).__name__)
    mine, other = twin.accounts[:2]
    return Login(
        account=mine.address,
        stranger=other.address,
        settings={"account_address": mine.address, "vault_address": mine.address},
        secrets={"private_key": mine.agent_key},
    )


SUBJECT: Final = Subject(
    spec=VENUE,
    mode=TradeMode.TESTNET,
    settings={"coin": ",".join(_RECORDED), "account_address": _ACCOUNT, "vault_address": _ACCOUNT},
    secrets={"private_key": "0x" + "01" * 32},  # nobody's, and never to be funded
    recordings=_recordings,
    twin=TwinSide(
        log_in=_log_in,
        quiet=Scene(connector={"coin": _COIN}, twin={"flow": "no"}),
        lively=Scene(connector={"coin": _COIN}),
        answer='"channel":"post"',
    ),
)
