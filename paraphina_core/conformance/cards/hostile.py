"""Cards on bytes that no venue should send: refused as the venue's fault, and without a trace."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from random import Random
from typing import Final

from paraphina_core.conformance import damage
from paraphina_core.conformance.bench import Bench
from paraphina_core.conformance.card import Card, Deck, Evidence, check, skip
from paraphina_core.conformance.subject import Arrival
from paraphina_core.conformance.validity import check_events
from paraphina_core.connector import MAX_FRAME_BYTES, Connector
from paraphina_core.domain import Event

DECK: Final = Deck()

#: Frames of each kind in each recording that are damaged, and damaged copies of each.
_FRAMES: Final = 4
_COPIES: Final = 60
#: Garbage that is short enough to be read again and again.
_SHORT: Final = 100
#: Numbers in the text of a frame that are tried one by one.
_NUMBERS: Final = 5


@DECK.add(
    Card(
        id="HO-010",
        title="garbage is the venue's fault and nothing else",
        needs=(Evidence.FRAMES,),
        action=(
            "read bytes that are no message, between good frames: empty, binary, broken text, deep nesting, "
            f"endless digits, HTML, more than {MAX_FRAME_BYTES} bytes"
        ),
        events="none, or valid ones",
        passes="`RemoteError` or valid events; the frame that is too long is refused",
    )
)
def _garbage_is_refused(bench: Bench) -> None:
    for connector, good in _at_some_frames(bench, 1):
        for garbage in damage.GARBAGE:
            events = _read(bench, connector, good, garbage)
            is_too_long = len(garbage) > MAX_FRAME_BYTES
            check(not is_too_long or events is None, "a frame that is too long is read", found=len(garbage))
            check_events(events or (), of_damage=True)


@DECK.add(
    Card(
        id="HO-020",
        title="damaged frames are refused, or read as what they then say",
        needs=(Evidence.FRAMES,),
        action="cut recorded frames short, turn bytes, insert some, repeat a part",
        events="none, or valid ones",
        passes="`RemoteError` or valid events",
    )
)
def _damage_is_refused(bench: Bench) -> None:
    chance = bench.random("HO-020")
    for connector, good in _at_some_frames(bench, _FRAMES):
        for frame in damage.damaged(good.frame, chance, _COPIES):
            check_events(_read(bench, connector, good, frame) or (), of_damage=True)


@DECK.add(
    Card(
        id="HO-030",
        title="a message of the right form with wrong values is refused, or read as what it then says",
        needs=(Evidence.FRAMES,),
        action=(
            "put null, flags, other kinds, huge and negative numbers in the place of one value of a recorded "
            "frame; leave a key out; repeat one with another value"
        ),
        events="none, or valid ones",
        passes="`RemoteError` or valid events",
        skip_when="no recorded frame is JSON",
    )
)
def _wrong_values_are_refused(bench: Bench) -> None:
    chance = bench.random("HO-030")
    tried = 0
    for connector, good in _at_some_frames(bench, _FRAMES):
        for frame in damage.misplaced(good.frame, chance, _COPIES):
            tried += 1
            check_events(_read(bench, connector, good, frame) or (), of_damage=True)
    if not tried:
        skip("no recorded frame is JSON")


@DECK.add(
    Card(
        id="HO-040",
        title="a number that is not plain decimal text is refused",
        needs=(Evidence.FRAMES,),
        action=(
            "find numbers in the text of recorded frames that the events depend on, and spell them with an "
            "exponent, a sign, blanks, underscores, foreign digits, in hex, as NaN and infinity"
        ),
        events="none",
        passes="`RemoteError`",
        skip_when="no event depends on a number that is spelled as text",
    )
)
def _only_plain_numbers_are_read(bench: Bench) -> None:
    chance = bench.random("HO-040")
    tried = 0
    for number, step in _some_frames(bench, _FRAMES):
        value = damage.decoded(step.frame)
        places = [place for place, leaf in damage.leaves(value) if damage.is_plain_number(leaf)]
        for place in chance.sample(places, min(len(places), _NUMBERS)):
            leaf = dict(damage.leaves(value))[place]
            if not _decides(bench, number, step, place, leaf):
                continue
            connector = _connector_at(bench, number)
            for pattern in damage.NOT_PLAIN:
                tried += 1
                text = pattern.format(leaf)
                frame = damage.encoded(damage.replaced(value, place, text))
                events = _read(bench, connector, step, frame)
                where = ".".join(map(str, place))
                check(
                    events is None,
                    f"a number at {where} is read that is none",
                    found=text,
                    wanted="RemoteError",
                )
    if not tried:
        skip("no event depends on a number that is spelled as text")


@DECK.add(
    Card(
        id="HO-050",
        title="what was refused leaves no trace",
        needs=(Evidence.FRAMES,),
        action="read every recording with garbage and damaged frames between its steps",
        events="those of the recording",
        passes="every good step says what it says without the bad ones",
    )
)
def _refusals_leave_no_trace(bench: Bench) -> None:
    chance = bench.random("HO-050")
    garbage = [one for one in damage.GARBAGE if len(one) <= _SHORT]
    for recording, clean in zip(bench.recordings, bench.walks, strict=True):
        connector = bench.connector()
        for told in clean:
            if isinstance(told.step, Arrival):
                _offend(bench, connector, told.step, chance, garbage)
            (again,) = bench.walk((told.step,), connector)
            check(
                again.events == told.events,
                f"a refused frame changes what follows in {recording.name}",
                found=again.events,
                wanted=repr(told.events)[:300],
            )


def _offend(bench: Bench, connector: Connector, step: Arrival, chance: Random, garbage: list[bytes]) -> None:
    """Hand a connector frames that a fresh one refuses, so that none is believed."""
    half = step.frame[: chance.randrange(len(step.frame))]
    for frame in (chance.choice(garbage), half):
        probe = bench.connector()
        probe.opened(step.stream, bench.context(step.at_ns))
        if _read(bench, probe, step, frame) is None:
            _read(bench, connector, step, frame)


def _decides(bench: Bench, number: tuple[int, int], step: Arrival, place: damage.Path, leaf: str) -> bool:
    """Tell whether the events of a frame depend on a number in it: another one makes others, or none."""
    other = f"{leaf}1" if "." in leaf else f"{leaf}.1"
    value = damage.replaced(damage.decoded(step.frame), place, other)
    as_it_is = _read(bench, _connector_at(bench, number), step, step.frame)
    changed = _read(bench, _connector_at(bench, number), step, damage.encoded(value))
    return as_it_is != changed


def _read(bench: Bench, connector: Connector, step: Arrival, frame: bytes) -> tuple[Event, ...] | None:
    events = bench.read_hostile(lambda: bench.read(connector, step.stream, frame, step.at_ns), frame)
    return None if events is None else tuple(events)


def _some_frames(bench: Bench, count: int) -> Iterator[tuple[tuple[int, int], Arrival]]:
    """Yield frames with the numbers of their recording and step: the first few of each kind of events."""
    for index, walk in enumerate(bench.walks):
        met: Counter[tuple[str, ...]] = Counter()
        for number, told in enumerate(walk):
            kind = tuple(sorted({type(event).__name__ for event in told.events}))
            if isinstance(told.step, Arrival) and met[kind] < count:
                met[kind] += 1
                yield (index, number), told.step


def _at_some_frames(bench: Bench, count: int) -> Iterator[tuple[Connector, Arrival]]:
    """Yield connectors that have read a recording up to a frame, with that frame."""
    for number, step in _some_frames(bench, count):
        yield _connector_at(bench, number), step


def _connector_at(bench: Bench, number: tuple[int, int]) -> Connector:
    """Return a connector that has read a recording up to a step."""
    index, end = number
    connector = bench.connector()
    deque(bench.walk(bench.recordings[index].steps[:end], connector), maxlen=0)
    return connector
