"""How the suite runs: order, reasons for skipping, and that no skip and no breaking off is a pass."""

from __future__ import annotations

import os
import random
import socket
import threading
import time
from collections import Counter
from pathlib import Path

import msgspec
import pytest

from broken_feeds import spec, subject
from paraphina_core.conformance import (
    TRIALS,
    Arrival,
    Card,
    ConformanceSuite,
    Evidence,
    Family,
    Opening,
    Outcome,
    Recording,
    Runner,
    Subject,
    SuiteResult,
    Trial,
    subject_of,
    summary,
)
from paraphina_core.conformance.bench import Bench
from paraphina_core.conformance.guard import guard
from paraphina_core.connector import Capability
from paraphina_core.domain import LocalError

ELSEWHERE = subject()


def card(**changes: object) -> Card:
    """Return a card, changed."""
    words = {"id": "CO-001", "title": "t", "action": "a", "events": "e", "passes": "p"}
    return msgspec.convert({**words, **changes}, Card)


def run(tried: Card, of: Subject = ELSEWHERE) -> tuple[Outcome, str]:
    """Run one card that does nothing."""
    (result,) = Runner(of, [Trial(tried, lambda _bench: None)]).run()
    return result.outcome, result.reason


def test_ids_are_unique_and_cards_stand_in_the_order_of_families() -> None:
    """A number means one card for ever."""
    ids = [trial.card.id for trial in TRIALS]
    assert len(set(ids)) == len(ids)
    order = list(Family)
    assert ids == sorted(ids, key=lambda one: (order.index(Family(one[:2])), one))


@pytest.mark.parametrize("wrong", ["MD-10", "XX-010", "MD-0100", "md-010"])
def test_an_id_is_a_family_and_a_number(wrong: str) -> None:
    """Nothing else can be looked up."""
    with pytest.raises(LocalError, match="id of a card"):
        card(id=wrong)


def test_a_card_runs_only_where_capability_and_evidence_are_there_and_says_why_not() -> None:
    """What is not declared and what is not there are reasons in words."""
    assert run(card()) == (Outcome.PASSED, "")
    assert run(card(capabilities=[Capability.DEAD_MAN])) == (
        Outcome.SKIPPED,
        "capability dead_man is not declared",
    )
    assert run(card(needs=[Evidence.TWIN])) == (Outcome.SKIPPED, "the subject brings no twin")


def test_a_subject_may_decline_a_card_with_a_reason() -> None:
    """The reason stands in the result."""
    declining = Subject(spec=spec(), skips={"CO-001": "the venue has no such thing"})
    assert run(card(), declining) == (
        Outcome.SKIPPED,
        "declared by the subject: the venue has no such thing",
    )


def test_a_connector_that_is_not_built_yet_is_no_subject() -> None:
    """What is only described cannot be tried."""
    planned = msgspec.structs.replace(spec(), factory=None, trade_modes=frozenset())
    with pytest.raises(LocalError, match="is not built yet"):
        Subject(spec=planned)


def test_whatever_a_card_raises_is_not_a_pass() -> None:
    """An error of the connector or of the suite is told, and the next card runs."""

    def fails(_bench: Bench) -> None:
        raise ZeroDivisionError("x")

    broken = Trial(card(), fails)
    results = list(Runner(ELSEWHERE, [broken, Trial(card(id="CO-002"), lambda _bench: None)]).run())
    assert [result.outcome for result in results] == [Outcome.ERROR, Outcome.PASSED]
    assert results[0].reason == "ZeroDivisionError: x"
    assert not summary(Runner(ELSEWHERE), None, results, started_ns=1, ended_ns=2).conforms


def test_skipped_cards_alone_are_no_pass() -> None:
    """A connector that brings nothing does not conform."""
    skipped = list(Runner(ELSEWHERE, [Trial(card(needs=[Evidence.TWIN]), lambda _bench: None)]).run())
    assert not summary(Runner(ELSEWHERE), None, skipped, started_ns=1, ended_ns=2).conforms


def test_a_fault_that_no_card_could_bring_about_is_missed_and_no_pass() -> None:
    """A menu of faults that is never served proves nothing; what a connector cannot do is not asked for."""
    calm = Trial(card(faults=["kill"]), lambda _bench: None)
    result = sum_up(calm)
    assert (result.faults_missed, result.conforms) == (("kill",), False)
    assert result.cards[0].reason == "the twin did not bring these faults about"
    beyond = Trial(card(faults=["kill"], capabilities=[Capability.DEAD_MAN]), lambda _bench: None)
    assert sum_up(beyond, Trial(card(id="CO-002"), lambda _bench: None)).conforms
    met = Trial(card(faults=["kill"]), lambda bench: bench.faults.append(Counter(kill=1)))
    result = sum_up(met)
    assert (result.faults_met, result.faults_missed, result.conforms) == (("kill",), (), True)


def sum_up(*trials: Trial) -> SuiteResult:
    """Run trials and sum them up."""
    runner = Runner(ELSEWHERE, trials)
    return summary(runner, None, list(runner.run()), started_ns=1, ended_ns=2)


def test_the_base_class_skips_and_fails_as_the_runner_does() -> None:
    """In a session of pytest an outcome is what it is outside of one."""
    suite = type("Suite", (ConformanceSuite,), {"subject": subject(max_batch=5)})()
    trials = {trial.card.id: trial for trial in TRIALS}
    with pytest.raises(
        AssertionError, match=r"CO-010 .*\n  failed: batch and max_batch disagree\n  found: 5"
    ):
        suite.test_conforms(trials["CO-010"])
    suite.test_conforms(trials["MD-010"])


# --- subjects ----------------------------------------------------------------------------------


def test_a_recording_opens_a_stream_before_its_frames_and_never_runs_backwards() -> None:
    """What could not have happened is no evidence."""
    frame = Arrival(stream="a", frame=b"", at_ns=5)
    with pytest.raises(LocalError, match="was not opened"):
        Recording(name="r", steps=(frame,))
    with pytest.raises(LocalError, match="runs backwards"):
        Recording(name="r", steps=(Opening(stream="a", at_ns=6), frame))


def test_a_connector_names_its_subject_and_one_that_is_none_is_refused() -> None:
    """The command line finds what the plugin's tests use, and nothing else passes for it."""
    here = f"{__name__}:ELSEWHERE"
    assert subject_of(spec()).spec == spec()
    for where, complaint in (
        ("no.such.module:X", "cannot be imported"),
        ("broken_feeds:NO_SUCH", "cannot be imported"),
        ("broken_feeds:BROKEN", "is none"),
    ):
        with pytest.raises(LocalError, match=complaint):
            subject_of(spec(conformance=where))
    with pytest.raises(LocalError, match="module:attribute"):
        spec(conformance=here.replace(":", "/"))


# --- the guard ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "act"),
    [
        ("open", lambda: Path(__file__).read_bytes()),
        ("os.scandir", lambda: os.scandir(Path(__file__).parent).close()),
        ("socket.", lambda: socket.socket().close()),
        ("time.time()", lambda: time.time() or None),
        ("time.monotonic_ns()", lambda: time.monotonic_ns() or None),
        ("random.random()", lambda: random.random() or None),
        ("os.urandom()", lambda: os.urandom(1)),
        ("os.getenv()", lambda: os.getenv("HOME")),
    ],
)
def test_the_guard_sees_each_way_into_the_world(name: str, act: object) -> None:
    """Whatever a translator must not touch is noticed, and only while the guard is up."""
    assert callable(act)
    with guard() as seen:
        act()
    assert any(what.startswith(name) for what in seen), seen
    before = list(seen)
    act()
    assert seen == before


def test_the_guard_leaves_other_threads_and_seeded_numbers_alone() -> None:
    """A progress bar that looks at the clock in its own thread is not the connector's doing."""
    with guard() as seen:
        random.Random(1).random()
        thread = threading.Thread(target=time.time)
        thread.start()
        thread.join()
    assert [what for what in seen if "time" in what or "random" in what] == []
