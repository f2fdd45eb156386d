"""The connector `hyperliquid_fixture`: real recorded frames of the venue, replayed without a network.

Frames come with the pauses they were recorded with, counted from the start of the session; nothing
in them is changed and nothing is added, so what was not recorded does not happen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from paraphina_core.connector import (
    ConnectorContext,
    ConnectorSpec,
    LocalSource,
    MarketDataOnly,
    Plan,
    StreamPlan,
    WriteContext,
)
from paraphina_core.domain import (
    NS_PER_S,
    ConfigError,
    Event,
    InstrumentDefined,
    OpenOrdersListed,
    PositionsListed,
    RemoteProtocolError,
)

from . import spec as specs
from .account import READERS
from .feed import PublicFeed
from .instruments import perpetual
from .recording import PACKAGED, RecordedAnswer, Recording, load

MARKET: Final = "market"
INFO: Final = "info:"

#: The default book comes every half second in the recordings of January 2025 and every five seconds
#: since July 2026 (captures, read 2026-11).
MAX_SILENCE_MS: Final = 30_000
#: A recording that is shorter than this would start over without end in no time.
MIN_REPEATED_NS: Final = NS_PER_S


class FixtureConnector(MarketDataOnly):
    """Replays the recording that the settings name.

    Raises:
        ConfigError: there is no such recording, or it cannot be used.
    """

    def __init__(self, context: ConnectorContext) -> None:
        settings = context.settings
        folder = settings.get("fixture_dir")
        coin = str(settings.get("coin", specs.DEFAULT_COIN))
        self._recording = load(PACKAGED if folder is None else Path(str(folder)), coin)
        self._repeat = bool(settings.get("repeat", False))
        if self._repeat and self._recording.length_ns < MIN_REPEATED_NS:
            raise ConfigError(
                f"recording of {coin} is too short to repeat",
                found=f"{self._recording.length_ns} ns",
                wanted=f"at least {MIN_REPEATED_NS} ns",
            )
        self._instrument = perpetual(specs.FIXTURE.name, coin, self._recording.size_decimals)
        self._feed = PublicFeed({coin: self._instrument.id})
        self._is_defined = False

    @property
    def spec(self) -> ConnectorSpec:
        """The description this connector was registered with."""
        return specs.FIXTURE

    def plan(self) -> Plan:
        """Open one stream for the market and one for each recorded answer about the account.

        There are no topics: not every acknowledgement was recorded, and none is made up.
        """
        market = StreamPlan(
            name=MARKET,
            source=LocalSource(frames=_market_frames(self._recording), repeat=self._repeat),
            max_silence_ms=MAX_SILENCE_MS,
        )
        account = [
            StreamPlan(
                name=f"{INFO}{answer.type}",
                source=LocalSource(frames=_one_frame(answer)),
                max_silence_ms=MAX_SILENCE_MS,
                private=True,
            )
            for answer in self._recording.answers
        ]
        return Plan(streams=(market, *account))

    def opened(self, stream: str, context: WriteContext) -> Sequence[bytes]:
        """Begin the market anew when its stream does, as when a recording starts over."""
        if stream == MARKET:
            self._feed = PublicFeed({self._recording.coin: self._instrument.id})
        return ()

    def read(self, stream: str, frame: bytes, at_ns: int) -> Sequence[Event]:
        """Turn a recorded frame or answer into events; the first one also defines the instrument."""
        events = self._read(stream, frame)
        if self._is_defined:
            return events
        self._is_defined = True
        return (InstrumentDefined(instrument=self._instrument), *events)

    def _read(self, stream: str, frame: bytes) -> Sequence[Event]:
        if stream == MARKET:
            return self._feed.read(frame)
        reader = READERS.get(stream.removeprefix(INFO))
        if reader is None:
            raise RemoteProtocolError("frame of a stream that was not planned", found=stream)
        return tuple(_one_by_one(reader(specs.FIXTURE.name, frame)))


def _market_frames(recording: Recording) -> Callable[[int], Iterator[tuple[int, bytes]]]:
    def frames(start_ns: int) -> Iterator[tuple[int, bytes]]:
        for recorded in recording.frames:
            yield start_ns + recorded.after_ns, recorded.frame

    return frames


def _one_by_one(events: Sequence[Event]) -> Iterator[Event]:
    """Take lists apart: what was recorded once must not be taken for the account's state of now."""
    for event in events:
        match event:
            case PositionsListed(positions=positions):
                yield from positions
            case OpenOrdersListed(orders=orders):
                yield from orders
            case _:
                yield event


def _one_frame(answer: RecordedAnswer) -> Callable[[int], Iterator[tuple[int, bytes]]]:
    def frames(start_ns: int) -> Iterator[tuple[int, bytes]]:
        yield start_ns, answer.body

    return frames
