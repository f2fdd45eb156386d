"""Connectors that are wrong on purpose, each in one way that one card of the suite must notice."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, ClassVar

import msgspec

from paraphina_core.conformance import Subject
from paraphina_core.connector import (
    Capability,
    ConnectorContext,
    ConnectorSpec,
    Endpoint,
    LocalSource,
    Network,
    Plan,
    WebSocketSource,
    WriteContext,
    mock,
)
from paraphina_core.domain import (
    BookDelta,
    BookGap,
    BookSnapshot,
    Event,
    Instrument,
    InstrumentDefined,
    MarkPrice,
    RemoteProtocolError,
    Side,
    SubscriptionLive,
    Trade,
)

Changes = Mapping[str, Any]


class _Sound(mock.MockConnector):
    """The built-in connector, with the pieces that the wrong ones change."""

    def changed(self, stream: str, frame: bytes, at_ns: int, change: Callable[[Event], Event]) -> list[Event]:
        """Read a frame as it should be, and change each event."""
        return [change(event) for event in super().read(stream, frame, at_ns)]


class Stateless(_Sound):
    """Keeps its sequence in the class, so that two connectors disturb each other."""

    shared: ClassVar[list[int | None]] = [None]

    def read(self, stream: str, frame: bytes, at_ns: int) -> Sequence[Event]:
        self._sequence = self.shared[0]
        events = super().read(stream, frame, at_ns)
        self.shared[0] = self._sequence
        return events


class ReadsTheClock(_Sound):
    def read(self, stream: str, frame: bytes, at_ns: int) -> Sequence[Event]:
        time.monotonic()
        return super().read(stream, frame, at_ns)


class ReadsAFile(_Sound):
    def read(self, stream: str, frame: bytes, at_ns: int) -> Sequence[Event]:
        with open(__file__, "rb"):  # noqa: PTH123  # the plainest way to do what must not be done
            return super().read(stream, frame, at_ns)


class Counts(_Sound):
    """Marks trades with a number that no argument gave."""

    made: ClassVar[list[object]] = []

    def __init__(self, context: ConnectorContext) -> None:
        super().__init__(context)
        self.made.append(self)
        self._number = len(self.made)

    def read(self, stream: str, frame: bytes, at_ns: int) -> Sequence[Event]:
        def change(event: Event) -> Event:
            if isinstance(event, Trade):
                return msgspec.structs.replace(event, trade_id=f"{self._number}-{event.trade_id}")
            return event

        return self.changed(stream, frame, at_ns, change)


class TellsLists(_Sound):
    def read(self, stream: str, frame: bytes, at_ns: int) -> Sequence[Event]:
        def change(event: Event) -> Event:
            if isinstance(event, BookSnapshot):
                return msgspec.structs.replace(event, bids=list(event.bids))
            return event

        return self.changed(stream, frame, at_ns, change)


class TellsNan(_Sound):
    def read(self, stream: str, frame: bytes, at_ns: int) -> Sequence[Event]:
        def change(event: Event) -> Event:
            if isinstance(event, MarkPrice):
                return msgspec.structs.replace(event, index_price=float("nan"))
            return event

        return self.changed(stream, frame, at_ns, change)


class TrustsTheForm(_Sound):
    """Takes it for granted that a message is an object."""

    def read(self, stream: str, frame: bytes, at_ns: int) -> Sequence[Event]:
        if frame[:1] == b"[":
            raise TypeError("list indices must be integers")
        return super().read(stream, frame, at_ns)


class ReadsAnyLength(_Sound):
    def read(self, stream: str, frame: bytes, at_ns: int) -> Sequence[Event]:
        return () if frame.isspace() else super().read(stream, frame, at_ns)


class TrustsTheText(_Sound):
    """Decodes text before anything else, and lets that error out."""

    def read(self, stream: str, frame: bytes, at_ns: int) -> Sequence[Event]:
        return super().read(stream, frame.decode().encode(), at_ns)


class TrustsTheValues(_Sound):
    """Takes values for what they usually are."""

    def read(self, stream: str, frame: bytes, at_ns: int) -> Sequence[Event]:
        events = super().read(stream, frame, at_ns)
        for event in events:
            if isinstance(event, BookSnapshot):
                self.best = event.bids[0]
        return events


class ReadsLooseNumbers(_Sound):
    """Strips and converts numbers as Python does, exponents and all."""

    def read(self, stream: str, frame: bytes, at_ns: int) -> Sequence[Event]:
        try:
            value = json.loads(frame)
            if value["type"] == "mark":
                value["mark"] = f"{float(value['mark']):f}"
                frame = json.dumps(value).encode()
        except (ValueError, KeyError, TypeError, RecursionError):
            pass
        return super().read(stream, frame, at_ns)


class ForgetsBeforeReading(_Sound):
    """Gives its sequence up before it knows whether a frame can be read."""

    def read(self, stream: str, frame: bytes, at_ns: int) -> Sequence[Event]:
        before, self._sequence = self._sequence, None
        if frame[:1] == b"{" and frame[-1:] == b"}":
            self._sequence = before
        return super().read(stream, frame, at_ns)


class RefusesMarks(_Sound):
    def read(self, stream: str, frame: bytes, at_ns: int) -> Sequence[Event]:
        if b'"mark"' in frame:
            raise RemoteProtocolError("unknown message", found=frame[:20])
        return super().read(stream, frame, at_ns)


class DefinesNothing(_Sound):
    def read(self, stream: str, frame: bytes, at_ns: int) -> Sequence[Event]:
        events = super().read(stream, frame, at_ns)
        return [event for event in events if not isinstance(event, InstrumentDefined)]


class LeavesTheGrid(_Sound):
    def read(self, stream: str, frame: bytes, at_ns: int) -> Sequence[Event]:
        def change(event: Event) -> Event:
            if isinstance(event, Trade):
                return msgspec.structs.replace(event, price=event.price * 1.0000001)
            return event

        return self.changed(stream, frame, at_ns, change)


class SwapsTheSides(_Sound):
    """Tells every book with bids and asks in each other's place."""

    def read(self, stream: str, frame: bytes, at_ns: int) -> Sequence[Event]:
        def change(event: Event) -> Event:
            if isinstance(event, BookSnapshot):
                bids, asks = tuple(reversed(event.asks)), tuple(reversed(event.bids))
                return msgspec.structs.replace(event, bids=bids, asks=asks)
            return event

        return self.changed(stream, frame, at_ns, change)


class TellsMilliseconds(_Sound):
    def read(self, stream: str, frame: bytes, at_ns: int) -> Sequence[Event]:
        def change(event: Event) -> Event:
            if isinstance(event, Trade) and event.exchange_ns is not None:
                return msgspec.structs.replace(event, exchange_ns=event.exchange_ns // 1_000_000)
            return event

        return self.changed(stream, frame, at_ns, change)


class OtherTopics(_Sound):
    def read(self, stream: str, frame: bytes, at_ns: int) -> Sequence[Event]:
        def change(event: Event) -> Event:
            if isinstance(event, SubscriptionLive):
                return SubscriptionLive(topic=event.topic.upper())
            return event

        return self.changed(stream, frame, at_ns, change)


class TellsOldTradesAsNew(_Sound):
    """Tells a trade of an hour before the book with the first trades, as if it were new."""

    def read(self, stream: str, frame: bytes, at_ns: int) -> Sequence[Event]:
        events = list(super().read(stream, frame, at_ns))
        old = [
            msgspec.structs.replace(
                e, trade_id=f"old-{e.trade_id}", exchange_ns=e.exchange_ns - 3_600 * 10**9
            )
            for e in events
            if isinstance(e, Trade) and e.exchange_ns is not None
        ]
        return [*old, *events]


class GuessesOverGaps(_Sound):
    """Takes every change for the next one."""

    def read(self, stream: str, frame: bytes, at_ns: int) -> Sequence[Event]:
        try:
            sequence = json.loads(frame).get("sequence")
        except (ValueError, AttributeError, RecursionError):
            sequence = None
        if isinstance(sequence, int) and self._sequence is not None and sequence > self._sequence:
            self._sequence = sequence - 1
        return super().read(stream, frame, at_ns)


class AppliesAnything(_Sound):
    """Takes changes in any order, old ones too."""

    def read(self, stream: str, frame: bytes, at_ns: int) -> Sequence[Event]:
        try:
            value = json.loads(frame)
            if value["type"] == "change" and self._sequence is not None:
                self._sequence = value["sequence"] - 1
        except (ValueError, KeyError, TypeError, RecursionError):
            pass
        return super().read(stream, frame, at_ns)


class TakesRepetitionForAGap(_Sound):
    def read(self, stream: str, frame: bytes, at_ns: int) -> Sequence[Event]:
        before = self._sequence
        events = super().read(stream, frame, at_ns)
        if b'"change"' in frame and not events and before is not None and not self._gapped:
            self._gapped = True
            return (BookGap(instrument=self._instrument, reason="repeated"),)
        return events


class RemembersOverConnections(_Sound):
    def opened(self, stream: str, context: WriteContext) -> Sequence[bytes]:
        return ()


class RefusesASecondConnection(_Sound):
    """Holds the sequence of a second connection against that of the first."""

    _highest = 0

    def read(self, stream: str, frame: bytes, at_ns: int) -> Sequence[Event]:
        events = super().read(stream, frame, at_ns)
        kept: list[Event] = []
        for event in events:
            if isinstance(event, BookSnapshot | BookDelta) and event.sequence is not None:
                if event.sequence < self._highest - 1:
                    continue
                self._highest = max(self._highest, event.sequence)
            kept.append(event)
        return kept


class _Generous(Instrument):
    """Rounds towards the market."""

    def passive_price(self, price: Decimal, side: Side) -> Decimal:
        return super().passive_price(price, side.opposite)


class RoundsTowardsTheMarket(_Sound):
    def read(self, stream: str, frame: bytes, at_ns: int) -> Sequence[Event]:
        def change(event: Event) -> Event:
            if isinstance(event, InstrumentDefined):
                return InstrumentDefined(instrument=_Generous(**msgspec.structs.asdict(event.instrument)))
            return event

        return self.changed(stream, frame, at_ns, change)


class PlansTwice(_Sound):
    def plan(self) -> Plan:
        plan = super().plan()
        return Plan(streams=(*plan.streams, *plan.streams))


class ConnectsElsewhere(_Sound):
    def plan(self) -> Plan:
        (stream,) = super().plan().streams
        return Plan(
            streams=(
                stream,
                msgspec.structs.replace(
                    stream, name="other", source=WebSocketSource(url="wss://elsewhere.test")
                ),
            )
        )


class HasNoFrames(_Sound):
    def plan(self) -> Plan:
        (stream,) = super().plan().streams
        source = LocalSource(frames=_nothing)
        return Plan(streams=(msgspec.structs.replace(stream, source=source),))


def _nothing(_start_ns: int) -> Iterator[tuple[int, bytes]]:
    return iter(())


def subject(kind: type[mock.MockConnector] = mock.MockConnector, **changes: Any) -> Subject:
    """Return a subject of the built-in connector, or of a wrong one, with a changed spec."""
    return Subject(spec=spec(kind, **changes))


def spec(kind: type[mock.MockConnector] = mock.MockConnector, **changes: Any) -> ConnectorSpec:
    """Return the spec of the built-in connector with another factory and other changes."""
    return msgspec.structs.replace(mock.SPEC, factory=kind, **changes)


def _endpoints(mainnet: str, testnet: str) -> dict[Network, tuple[Endpoint, ...]]:
    return {
        Network.MAINNET: (Endpoint(purpose="ws", url=mainnet),),
        Network.TESTNET: (Endpoint(purpose="ws", url=testnet),),
    }


#: Card, what is wrong, and a subject that is wrong in that way.
BROKEN: tuple[tuple[str, str, Subject], ...] = (
    ("CO-010", "a batch size without batches", subject(max_batch=5)),
    (
        "CO-010",
        "order entry is needed and not declared",
        subject(capabilities={Capability.MARKET: "all of it", Capability.MODIFY: "in place"}),
    ),
    ("CO-010", "a capability that does not say how", subject(capabilities={Capability.MARKET: " "})),
    (
        "CO-020",
        "an address that is not encrypted",
        subject(endpoints=_endpoints("ws://a.test", "wss://b.test")),
    ),
    (
        "CO-020",
        "one host for both networks",
        subject(endpoints=_endpoints("wss://a.test/1", "wss://a.test/2")),
    ),
    ("CO-030", "two streams of one name", subject(PlansTwice)),
    (
        "CO-040",
        "a stream to an address that the spec does not name",
        subject(ConnectsElsewhere, endpoints=_endpoints("wss://a.test", "wss://b.test")),
    ),
    ("CO-050", "no frames behind market data", subject(HasNoFrames)),
    ("CO-110", "the clock is read", subject(ReadsTheClock)),
    ("CO-110", "a file is opened", subject(ReadsAFile)),
    ("CO-120", "a number that no argument gave", subject(Counts)),
    ("CO-130", "state in the class", subject(Stateless)),
    ("CO-140", "lists where tuples belong", subject(TellsLists)),
    ("CO-140", "a number that is none", subject(TellsNan)),
    ("HO-010", "an array raises TypeError", subject(TrustsTheForm)),
    ("HO-010", "a frame of any length is read", subject(ReadsAnyLength)),
    ("HO-020", "broken text raises UnicodeDecodeError", subject(TrustsTheText)),
    ("HO-030", "an empty side raises IndexError", subject(TrustsTheValues)),
    ("HO-040", "numbers with exponents are read", subject(ReadsLooseNumbers)),
    ("HO-050", "a refused frame loses the sequence", subject(ForgetsBeforeReading)),
    ("MD-010", "recorded frames are refused", subject(RefusesMarks)),
    ("MD-020", "nothing is defined", subject(DefinesNothing)),
    ("MD-030", "trades off the grid", subject(LeavesTheGrid)),
    ("MD-040", "bids for asks", subject(SwapsTheSides)),
    ("MD-050", "milliseconds", subject(TellsMilliseconds)),
    ("MD-060", "topics that were not planned", subject(OtherTopics)),
    ("MD-070", "old trades as new", subject(TellsOldTradesAsNew)),
    ("MD-110", "a lost change is passed over", subject(GuessesOverGaps)),
    ("MD-120", "a repeated frame is taken for a gap", subject(TakesRepetitionForAGap)),
    ("MD-130", "changes in any order", subject(AppliesAnything)),
    ("PR-010", "prices towards the market", subject(RoundsTowardsTheMarket)),
    ("RC-010", "a sequence outlives its connection", subject(RemembersOverConnections)),
    ("RC-020", "a second connection is refused", subject(RefusesASecondConnection)),
)
