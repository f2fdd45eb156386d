"""What the conformance suite tries the connector on: frames made in the venue's documented shapes.

`evidence/README.md` says why none was recorded, and what these prove.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
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
from paraphina_core.domain import NS_PER_MS, LocalError, QueryInstruments
from paraphina_core.twin import VenueTwin
from paraphina_extended.connector import MARKET
from paraphina_extended.spec import VENUE
from paraphina_extended.topics import Topic

from .venue import ExtendedTwin

_EVIDENCE: Final = Path(__file__).parent / "evidence"
MARKET_NAME: Final = "BTC-USD"
_START_MS: Final = 1_800_000_000_000
_START_NS: Final = _START_MS * NS_PER_MS
#: A book comes ten times a second, and whole every minute; here so many changes lie between two whole ones.
_FRAMES: Final = 400
_WHOLE_EVERY: Final = 120
_APART_MS: Final = 100
_TICKS: Final = 20
_MID: Final = 642_500  # in ticks of 0.1

Level = Mapping[str, str]


def markets() -> bytes:
    """Return the listings."""
    return (_EVIDENCE / "markets.json").read_bytes()


class _Maker:
    """A market that moves at random, spelled as the venue spells it: one price in more than one way."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)  # a market, and no secret
        self._sides = {
            "b": {_MID - n: self._size() for n in range(1, _TICKS)},
            "a": {_MID + n: self._size() for n in range(1, _TICKS)},
        }

    def whole(self) -> dict[str, object]:
        """Return the whole book."""
        sides = {
            name: [{"p": self._price(tick), "q": _units(size)} for tick, size in _best_first(name, side)]
            for name, side in self._sides.items()
        }
        return {"t": "SNAPSHOT", "m": MARKET_NAME, **sides, "d": "f"}

    def touch(self) -> dict[str, object]:
        """Return the best level of each side."""
        book = self.whole()
        return {**book, "b": book["b"][:1], "a": book["a"][:1], "d": "1"}  # type: ignore[index]  # lists

    def change(self) -> dict[str, object]:
        """Change some levels, and say by how much and to what."""
        sides: dict[str, list[Level]] = {}
        for name, side in self._sides.items():
            changed = self._random.sample(sorted(side), 3)
            sides[name] = []
            for tick in changed:
                new = self._random.choice((0, self._size(), self._size())) if len(side) > _TICKS // 2 else 1
                by = new - side[tick]
                sides[name].append({"q": _units(by), "p": self._price(tick), "c": _units(new)})
                side[tick] = new
            sides[name].append(self._deeper(name, side))
            for tick in [tick for tick, size in side.items() if not size]:
                del side[tick]
        return {"t": "DELTA", "m": MARKET_NAME, **sides, "d": "f"}

    def _deeper(self, name: str, side: dict[int, int]) -> Level:
        size = self._size()
        tick = min(side) - 1 if name == "b" else max(side) + 1
        side[tick] = size
        return {"q": _units(size), "p": self._price(tick), "c": _units(size)}

    def _size(self) -> int:
        return self._random.randrange(1, 500_000)

    def _price(self, tick: int) -> str:
        return self._random.choice((f"{tick / 10:.1f}", f"{tick / 10:.6f}"))


def _units(size: int) -> str:
    return f"{size / 100_000:.5f}"


def _best_first(name: str, side: Mapping[int, int]) -> list[tuple[int, int]]:
    return sorted(side.items(), reverse=name == "b")


def _trade(number: int, at_ms: int) -> dict[str, object]:
    return {
        "i": 2_103_821_900_000_000_000 + number,
        "m": MARKET_NAME,
        "S": "SELL" if number % 2 else "BUY",
        "tT": "TRADE",
        "T": at_ms,
        "p": "64250.0",
        "q": "0.00237",
    }


def _messages(seed: int) -> Iterator[tuple[str, Topic, object, int]]:
    """Yield type, topic, data and time of each message of a connection."""
    maker = _Maker(seed)
    old = [_trade(n, _START_MS - 60_000 + n) for n in range(50)]
    yield "FUNDING_RATES", Topic.FUNDING, {"m": MARKET_NAME, "f": "0.000013", "T": _START_MS}, _START_MS
    yield "ORDERBOOKS.SNAPSHOT", Topic.BOOK, maker.whole(), _START_MS
    yield "TRADES", Topic.TRADES, old, _START_MS
    for number in range(1, _FRAMES):
        at_ms = _START_MS + number * _APART_MS
        if number % _WHOLE_EVERY == 0:
            yield "ORDERBOOKS.SNAPSHOT", Topic.BOOK, maker.whole(), at_ms
        else:
            yield "ORDERBOOKS.DELTA", Topic.BOOK, maker.change(), at_ms
        if number % 3 == 0:
            yield "ORDERBOOKS.SNAPSHOT", Topic.TOUCH, maker.touch(), at_ms
        if number % 10 == 0:
            price = {"m": MARKET_NAME, "p": "64250.473541750005", "ts": 0}
            yield "PRICES.MP", Topic.MARK, price, at_ms
            yield "PRICES.IP", Topic.INDEX, price, at_ms
            yield "TRADES", Topic.TRADES, [_trade(1_000 + number, at_ms)], at_ms


def frames(seed: int = 1) -> Iterator[tuple[int, bytes]]:
    """Yield time in milliseconds and bytes of each frame of one connection of the second version."""
    for number, topic in enumerate(Topic, 1):
        result = {"method": "subscribe", "status": "OK", "subscription": topic.of(MARKET_NAME)}
        yield _START_MS, msgspec.json.encode({"id": str(number), "result": result, "jsonrpc": "2.0"})
    for seq, (kind, topic, data, at_ms) in enumerate(_messages(seed)):
        subscription = topic.of(MARKET_NAME)
        message = {"type": kind, "data": data, "ts": at_ms, "seq": seq, "subscription": subscription}
        yield at_ms, msgspec.json.encode(message)


def _recordings() -> Sequence[Recording]:
    listings = Answer(status=200, body=markets())
    steps: list[Step] = [
        Reply(query=QueryInstruments(), answer=listings, at_ns=_START_NS),
        Opening(stream=MARKET, at_ns=_START_NS),
    ]
    steps += [Arrival(stream=MARKET, frame=f, at_ns=at_ms * NS_PER_MS) for at_ms, f in frames()]
    return [Recording(name="made in the venue's shapes, v2", steps=tuple(steps))]


def _log_in(twin: VenueTwin) -> Login:
    """Use the first account; the second one is the stranger."""
    if not isinstance(twin, ExtendedTwin):
        raise LocalError("this is another venue's twin", found=type(twin).__name__)
    mine, other = twin.members
    login = twin.logins[0]
    return Login(account=mine.name, stranger=other.name, settings=login.settings, secrets=login.secrets)


SUBJECT: Final = Subject(
    spec=VENUE,
    mode=TradeMode.TESTNET,
    settings={"market": MARKET_NAME, "vault": "10002"},
    secrets={"api_key": "0123456789abcdef", "stark_private_key": "0x" + "01" * 31},  # nobody's, never funded
    recordings=_recordings,
    twin=TwinSide(
        log_in=_log_in,
        quiet=Scene(connector={"market": MARKET_NAME}, twin={"flow": "no"}),
        lively=Scene(connector={"market": MARKET_NAME}),
    ),
)
