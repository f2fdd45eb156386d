"""Where cards are tried: fresh connectors, the world's part of the contract, walked recordings."""

from __future__ import annotations

import heapq
import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from random import Random
from typing import Final, NamedTuple

from paraphina_core.connector import (
    Connector,
    ConnectorContext,
    LocalSource,
    NonceRule,
    SigningKey,
    StreamPlan,
    WriteContext,
)
from paraphina_core.domain import (
    NS_PER_MS,
    NS_PER_S,
    Event,
    Instrument,
    InstrumentDefined,
    LocalError,
    RemoteError,
    written,
)

from .card import Broken, Evidence
from .subject import Arrival, Opening, Recording, Reply, Step, Subject

#: Session time at which everything begins that has no time of its own.
START_NS: Final = 1_800_000_000 * NS_PER_S
#: What is taken of a stream that is here already and may have no end.
LOCAL_NS: Final = 60 * NS_PER_S
LOCAL_FRAMES: Final = 1_500
#: Seed of connectors and of everything chosen at random, so that a result can be repeated.
SEED: Final = 1


class Told(NamedTuple):
    """What a connector said to one step of a recording."""

    step: Step
    events: tuple[Event, ...]


class Bench:
    """Makes and drives connectors of one subject.

    Args:
        subject: the connector and its evidence.

    Attributes:
        faults: what happened at each twin that was used, by name of the fault.
    """

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.spec = subject.spec
        self.faults: list[Counter[str]] = []
        self._nonces = itertools.count(1)

    # --- what there is --------------------------------------------------------------------------

    @cached_property
    def recordings(self) -> tuple[Recording, ...]:
        """Recordings of the subject, or what the streams of the plan hold that are here already."""
        if self.subject.recordings is not None:
            return tuple(self.subject.recordings())
        steps = _local_steps(self.connector().plan().streams)
        return (Recording(name="the streams of the plan", steps=steps),) if steps else ()

    @cached_property
    def walks(self) -> tuple[tuple[Told, ...], ...]:
        """What a fresh connector says to each recording; cards that change nothing share it."""
        return tuple(tuple(self.walk(recording.steps)) for recording in self.recordings)

    @cached_property
    def instruments(self) -> tuple[Instrument, ...]:
        """Every instrument that the recordings define, as defined last."""
        events = (event for walk in self.walks for told in walk for event in told.events)
        defined = {e.instrument.id: e.instrument for e in events if isinstance(e, InstrumentDefined)}
        return tuple(defined.values())

    @cached_property
    def evidence(self) -> frozenset[Evidence]:
        """What the subject brings."""
        steps = [step for recording in self.recordings for step in recording.steps]
        found = {
            Evidence.FRAMES: any(isinstance(step, Arrival) for step in steps),
            Evidence.ANSWERS: any(isinstance(step, Reply) for step in steps),
            Evidence.TWIN: self.spec.twin is not None and self.subject.twin is not None,
        }
        return frozenset(evidence for evidence, is_there in found.items() if is_there)

    # --- connectors -----------------------------------------------------------------------------

    def connector(self) -> Connector:
        """Build a connector as a session does."""
        factory = self.spec.factory
        if factory is None:
            raise LocalError(f"connector {self.spec.name} is not built yet", wanted="one with a factory")
        return factory(
            ConnectorContext(
                mode=self.subject.mode,
                network=self.subject.mode.network,
                settings=self.subject.settings,
                seed=SEED,
            )
        )

    @cached_property
    def key(self) -> SigningKey | None:
        """The signing key of the subject's secrets; None where there are none."""
        signer = self.spec.signer
        return None if signer is None or not self.subject.secrets else signer(self.subject.secrets)

    def context(self, at_ns: int, nonce: int | None = None) -> WriteContext:
        """Return what one request may use of the world; its nonce is new unless it is given."""
        if nonce is None:
            nonce = self.nonce(at_ns)
        key = self.key
        sign = _no_key if key is None else key.sign
        return WriteContext(nonce=nonce, at_ns=at_ns, sign=sign, identity={} if key is None else key.identity)

    def nonce(self, at_ns: int) -> int:
        """Return a nonce that was never returned before and that the spec's rule allows."""
        number = next(self._nonces)
        match self.spec.nonce:
            case NonceRule.MILLISECONDS:
                return at_ns // NS_PER_MS + number
            case NonceRule.MICROSECONDS:
                return at_ns // 1_000 + number
            case _:
                return number

    def random(self, card_id: str) -> Random:
        """Return the random numbers of a card, the same in every run."""
        return Random(f"{SEED}:{card_id}")

    # --- walking --------------------------------------------------------------------------------

    def walk(self, steps: Iterable[Step], connector: Connector | None = None) -> Iterator[Told]:
        """Hand the steps of a recording to a connector, a fresh one unless one is given.

        Raises:
            Broken: the connector raises, which no recorded bytes may make it do.
        """
        connector = connector or self.connector()
        for number, step in enumerate(steps):
            try:
                yield Told(step, tuple(self.take(connector, step)))
            except Exception as e:
                raise Broken(
                    f"step {number} of a recording raises {type(e).__name__}: {e}", found=_bytes_of(step)
                ) from e

    def take(self, connector: Connector, step: Step) -> Sequence[Event]:
        """Hand one step to a connector; what it raises is raised."""
        match step:
            case Opening():
                connector.opened(step.stream, self.context(step.at_ns))
                return ()
            case Arrival():
                return self.read(connector, step.stream, step.frame, step.at_ns)
            case Reply():
                request = connector.ask(step.query, self.context(step.at_ns))
                return connector.read_answer(request, step.answer, step.at_ns)

    def read(self, connector: Connector, stream: str, frame: bytes, at_ns: int) -> Sequence[Event]:
        """Let a connector read a frame to its last level; what it raises is raised."""
        return [written(event) for event in connector.read(stream, frame, at_ns)]

    def read_hostile(self, read: Callable[[], Sequence[Event]], what: bytes) -> Sequence[Event] | None:
        """Read bytes that no venue sends; None where they are refused as they should be.

        Raises:
            Broken: something else than `RemoteError` is raised.
        """
        try:
            return read()
        except RemoteError:
            return None
        except Exception as e:
            raise Broken(
                f"bytes of a venue raise {type(e).__name__}: {e}", found=what, wanted="RemoteError, or events"
            ) from e


def _no_key(_payload: bytes) -> bytes:
    raise LocalError("nothing can be signed", wanted="a signer in the spec, and secrets of the subject")


def _bytes_of(step: Step) -> object:
    match step:
        case Arrival():
            return step.frame
        case Reply():
            return step.answer.body
        case Opening():
            return step.stream


def _local_steps(streams: Sequence[StreamPlan]) -> tuple[Step, ...]:
    local = [(plan.name, plan.source) for plan in streams if isinstance(plan.source, LocalSource)]
    frames = heapq.merge(*(_frames(name, source) for name, source in local), key=lambda step: step.at_ns)
    openings = [Opening(stream=name, at_ns=START_NS) for name, _ in local]
    return (*openings, *itertools.islice(frames, LOCAL_FRAMES))


def _frames(stream: str, source: LocalSource) -> Iterator[Arrival]:
    for due_ns, frame in source.frames(START_NS):
        if due_ns > START_NS + LOCAL_NS:
            return
        yield Arrival(stream=stream, frame=frame, at_ns=due_ns)
