"""Levels of a side that are read when somebody looks at them are the levels that were sent."""

from __future__ import annotations

import json
from collections import Counter

import msgspec
import pytest

from paraphina_core.domain import (
    BestBidOffer,
    BookDelta,
    BookSnapshot,
    InstrumentId,
    Level,
    PackedLevels,
    RemoteProtocolError,
    read_levels,
    written,
)

PAIRS = [(99.0, 1.0), (98.5, 2.0), (97.0, 0.5)]
LEVELS = tuple(Level(price, size) for price, size in PAIRS)
BTC = InstrumentId("test:BTC")


class VenueLevel(Level, frozen=True, array_like=False, rename={"price": "p", "size": "q"}):
    """A level with a venue's own names."""

    price: float
    size: float


def packed(unpacked: Counter[bytes] | None = None) -> PackedLevels:
    """Return the levels packed; what is unpacked is counted."""

    def unpack(side: bytes) -> tuple[Level, ...]:
        if unpacked is not None:
            unpacked[side] += 1
        return msgspec.json.decode(side, type=tuple[Level, ...])

    return PackedLevels(LEVELS[0], json.dumps(PAIRS).encode(), unpack)


def broken() -> PackedLevels:
    """Return levels of which only the best one is fine."""

    def unpack(_side: bytes) -> tuple[Level, ...]:
        raise RemoteProtocolError("levels cannot be read")

    return PackedLevels(LEVELS[0], b"[...", unpack)


def test_only_the_best_level_is_read_until_another_is_asked_for() -> None:
    """Then all are, once."""
    unpacked: Counter[bytes] = Counter()
    levels = packed(unpacked)
    assert levels
    assert levels[0] == LEVELS[0]
    assert not unpacked
    assert (levels[1], levels[-1], levels[:2], len(levels)) == (LEVELS[1], LEVELS[-1], LEVELS[:2], 3)
    assert tuple(levels) == read_levels(levels) == LEVELS
    assert unpacked.total() == 1


def test_packed_levels_equal_the_same_levels_however_they_are_held() -> None:
    """In a tuple, in a list, or packed again."""
    assert packed() == LEVELS
    assert packed() == list(LEVELS)
    assert packed() == packed()
    assert hash(packed()) == hash(LEVELS)
    assert packed() != LEVELS[:2]
    assert packed() != 5


@pytest.mark.parametrize(
    "look", [len, tuple, hash, read_levels, lambda levels: levels[1], lambda levels: levels == ()]
)
def test_what_was_not_sent_as_documented_is_found_when_it_is_looked_at(look: object) -> None:
    """The best level can be read, everything else raises what the venue did wrong."""
    levels = broken()
    assert levels[0] == LEVELS[0]
    assert callable(look)
    with pytest.raises(RemoteProtocolError):
        look(levels)


def test_an_event_is_written_down_without_the_names_of_a_venue() -> None:
    """Packed levels and those of a venue's own kind become plain ones; what cannot be read is refused."""
    venue = VenueLevel(99.0, 1.0)
    assert venue == Level(99.0, 1.0)
    assert msgspec.json.encode(venue) == b'{"p":99.0,"q":1.0}'
    for event in (
        BookSnapshot(instrument=BTC, bids=packed(), asks=(venue,)),
        BookDelta(instrument=BTC, bids=(venue,), asks=()),
        BestBidOffer(instrument=BTC, bid=venue, ask=None),
    ):
        again = written(event)
        assert again == event
        assert b'"p"' not in msgspec.json.encode(again)
    with pytest.raises(RemoteProtocolError):
        written(BookSnapshot(instrument=BTC, bids=broken(), asks=()))
