"""Cards on sans-I/O: a connector is a pure function of what it has read, and holds nothing of the world."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from paraphina_core.conformance.bench import Bench, Told
from paraphina_core.conformance.card import Card, Deck, Evidence, check
from paraphina_core.conformance.guard import guard
from paraphina_core.conformance.validity import check_events
from paraphina_core.domain import Event

DECK: Final = Deck()

#: How far one connector is behind the other when both read the same recording.
_BEHIND: Final = 7


@DECK.add(
    Card(
        id="CO-110",
        title="reading touches nothing of the world",
        needs=(Evidence.FRAMES,),
        prerequisite="protocol code that is imported already: the recordings were read before",
        action=(
            "plan, open and read every recording while files, sockets, processes, threads, clocks and "
            "random numbers are watched"
        ),
        events="any",
        passes="nothing of these is used",
    )
)
def _reading_is_pure(bench: Bench) -> None:
    for recording in bench.recordings:
        connector = bench.connector()
        context = bench.context(recording.steps[0].at_ns)
        with guard() as seen:
            connector.plan()
            connector.opened(connector.plan().streams[0].name, context)
        check(not seen, "planning or opening uses the world", found=seen)
        connector = bench.connector()
        for step in recording.steps:
            with guard() as seen:
                bench.take(connector, step)
            check(
                not seen,
                "reading uses the world",
                found=seen,
                wanted="time and bytes as arguments, nothing else",
            )


@DECK.add(
    Card(
        id="CO-120",
        title="the same frames give the same events",
        needs=(Evidence.FRAMES,),
        action="let a second fresh connector read every recording",
        events="any",
        passes="it says the same to every step",
    )
)
def _reading_is_deterministic(bench: Bench) -> None:
    for recording, first in zip(bench.recordings, bench.walks, strict=True):
        _check_equal(first, tuple(bench.walk(recording.steps)))


@DECK.add(
    Card(
        id="CO-130",
        title="two connectors share nothing",
        needs=(Evidence.FRAMES,),
        action="let two connectors read one recording in turns, one of them some steps behind",
        events="any",
        passes="each says what it says alone",
    )
)
def _connectors_share_nothing(bench: Bench) -> None:
    for recording, alone in zip(bench.recordings, bench.walks, strict=True):
        ahead, behind = bench.connector(), bench.connector()
        said_ahead: list[Told] = []
        said_behind: list[Told] = []
        for number, step in enumerate(recording.steps):
            said_ahead += bench.walk((step,), ahead)
            if number >= _BEHIND:
                said_behind += bench.walk((recording.steps[number - _BEHIND],), behind)
        _check_equal(alone, said_ahead)
        _check_equal(alone[: len(said_behind)], said_behind)


@DECK.add(
    Card(
        id="CO-140",
        title="every event is one of the contract, with finite numbers of exact types",
        needs=(Evidence.FRAMES,),
        action="read every recording",
        events="any",
        passes=(
            "each event is of a known kind, equals itself after being written down and read back, and its "
            "values mean what its kind says"
        ),
    )
)
def _events_are_valid(bench: Bench) -> None:
    said: list[Event] = [event for walk in bench.walks for told in walk for event in told.events]
    check(said, "the recordings say nothing at all")
    check_events(said)


def _check_equal(first: Sequence[Told], second: Sequence[Told]) -> None:
    for one, other in zip(first, second, strict=True):
        check(
            one.events == other.events,
            f"events differ for one step of {type(one.step).__name__}",
            found=other.events,
            wanted=repr(one.events)[:300],
        )
