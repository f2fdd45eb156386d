"""Client order ids repeat over no restart, fit every venue, and foreign ones are told apart."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from paraphina_core.domain import (
    MAX_COUNTER,
    MAX_RUN,
    MAX_VERSION,
    RUN_EPOCH_S,
    RUN_SLOT_S,
    ClientOrderIds,
    LocalError,
    RemoteProtocolError,
    RunNumber,
    from_hex128,
    from_int48,
    from_text,
    next_run_number,
    run_of,
    to_hex128,
    to_text,
)

IDS = st.integers(0, 2**48 - 1)
MODES = st.sampled_from("spltx")


class Restarts(RuleBasedStateMachine):
    """A machine whose program restarts, whose clock steps and whose file gets lost, one at a time.

    The clock covers for a lost file and the file for a bad clock; a run that finds neither, file
    lost within the slot it was written in or behind a clock that stepped back, has nothing to go by.
    """

    def __init__(self) -> None:
        super().__init__()
        self.now_s = RUN_EPOCH_S + 1_000_000
        self.last: RunNumber | None = None
        self.taken: list[int] = []

    def _allocate(self) -> RunNumber:
        self.last = next_run_number(self.now_s, self.last)
        return self.last

    @rule(orders=st.integers(1, 5), runs=st.integers(1, 3))
    def restart(self, orders: int, runs: int) -> None:
        """Start the program some times without a pause, and hand out ids."""
        for _ in range(runs):
            ids = ClientOrderIds(self._allocate)
            self.taken += [ids.take() for _ in range(orders)]

    @rule(seconds=st.integers(0, 100_000))
    def wait(self, seconds: int) -> None:
        """Let time pass."""
        self.now_s += seconds

    @precondition(lambda self: self.last is not None)
    @rule(seconds=st.integers(1, 900_000))
    def step_back(self, seconds: int) -> None:
        """Set the clock back; the file is still there."""
        self.now_s = max(RUN_EPOCH_S, self.now_s - seconds)

    @precondition(lambda self: self.last is not None)
    @rule()
    def lose_the_file(self) -> None:
        """Lose the file after its clock has passed every number in it, as after any usual pause."""
        assert self.last is not None
        self.now_s = max(self.now_s, RUN_EPOCH_S + (self.last + 1) * RUN_SLOT_S)
        self.last = None

    @invariant()
    def every_id_is_above_all_earlier_ones(self) -> None:
        """Never repeated, and in the order of their making."""
        assert all(earlier < later for earlier, later in zip(self.taken, self.taken[1:], strict=False))


TestRestarts = Restarts.TestCase


def test_an_exhausted_counter_continues_in_a_new_run() -> None:
    """The ids of one run end after 2^22; the next one is stored before it is used."""
    runs = iter([RunNumber(7), RunNumber(8)])
    ids = ClientOrderIds(lambda: next(runs))
    ids._counter = MAX_COUNTER  # noqa: SLF001  # four million calls would take long
    last, first = ids.take(), ids.take()
    assert (run_of(last), run_of(first), ids.run) == (7, 8, 8)
    assert (last & MAX_COUNTER, first & MAX_COUNTER) == (MAX_COUNTER, 0)


def test_a_run_number_that_could_not_be_stored_hands_out_nothing() -> None:
    """Without a number that is surely new there is no id, now and at the next try."""
    answers: list[RunNumber | None] = [RunNumber(7), None, None, RunNumber(9)]

    def allocate() -> RunNumber:
        answer = answers.pop(0)
        if answer is None:
            raise LocalError("disk is full")
        return answer

    ids = ClientOrderIds(allocate)
    ids._counter = MAX_COUNTER + 1  # noqa: SLF001  # same
    for _ in range(2):
        with pytest.raises(LocalError):
            ids.take()
    assert run_of(ids.take()) == 9


@given(st.integers(RUN_EPOCH_S, RUN_EPOCH_S + 30 * 365 * 86_400), st.none() | st.integers(0, MAX_RUN - 1))
def test_a_run_number_is_above_the_last_one_and_not_behind_the_clock(now_s: int, last: int | None) -> None:
    """Each of the two sources can only raise it."""
    number = next_run_number(now_s, last)
    assert number >= (now_s - RUN_EPOCH_S) // RUN_SLOT_S
    assert last is None or number > last
    assert number <= MAX_RUN


@pytest.mark.parametrize(
    ("now_s", "last"),
    [
        (0, None),
        (RUN_EPOCH_S - 1, None),
        (RUN_EPOCH_S + (MAX_RUN + 1) * RUN_SLOT_S, None),
        (RUN_EPOCH_S, MAX_RUN),
    ],
)
def test_a_run_number_outside_its_26_bits_is_refused(now_s: int, last: int | None) -> None:
    """A clock before 2026 or numbers that are used up stop the start; they never wrap around."""
    with pytest.raises(LocalError):
        next_run_number(now_s, last)


@given(IDS, MODES)
def test_every_spelling_reads_back_and_fits_every_venue(value: int, mode: str) -> None:
    """At most 36 characters, and the integer comes back from each of the three."""
    hexadecimal, text = to_hex128(value, mode), to_text(value, mode)
    assert re.fullmatch(r"0x[0-9a-f]{32}", hexadecimal)
    assert re.fullmatch(r"[a-z0-9-]{17}", text)
    assert max(len(hexadecimal), len(text)) <= 36
    assert (from_hex128(hexadecimal), from_text(text), from_int48(value)) == (value, value, value)


@given(IDS, IDS, MODES, MODES)
def test_different_ids_and_modes_are_spelt_differently(one: int, other: int, mode: str, second: str) -> None:
    """A paper id can never pass for a live one."""
    same = (one, mode) == (other, second)
    assert (to_hex128(one, mode) == to_hex128(other, second)) is same
    assert (to_text(one, mode) == to_text(other, second)) is same


@given(IDS, MODES, st.lists(st.integers(0, MAX_VERSION), min_size=1, unique=True))
def test_versions_of_an_order_differ_and_read_back_as_one_id(
    value: int, mode: str, versions: list[int]
) -> None:
    """Each change can have an id that was never used, and none is the id of another order."""
    texts = [to_text(value, mode), *(to_text(value, mode, version) for version in versions)]
    assert len(set(texts)) == len(texts)
    assert all(re.fullmatch(r"[a-z0-9-]{17,36}", text) for text in texts)
    assert {from_text(text) for text in texts} == {value}
    for version in (-1, MAX_VERSION + 1):
        with pytest.raises(LocalError, match="version"):
            to_text(value, mode, version)


FOREIGN = [
    "",
    "0x",
    "0x" + "0" * 32,
    "0x00030050c6301a2b00000100000000d2",
    "x-abc",
    "web_1",
    "pa-l-",
    "pa-l-zzz",
]


@pytest.mark.parametrize("text", FOREIGN)
def test_a_foreign_id_is_none_of_ours(text: str) -> None:
    """An order that somebody else placed is not taken for one of this program."""
    assert from_hex128(text) is None
    assert from_text(text) is None


@given(IDS, MODES, st.integers(0, 40), st.sampled_from(["", "A", " ", "\n", "１"]))
def test_a_damaged_id_is_foreign(value: int, mode: str, at: int, put: str) -> None:
    """With a character lost, or a capital, blank or foreign digit in it, an id is not ours."""
    for text, decode in ((to_hex128(value, mode), from_hex128), (to_text(value, mode), from_text)):
        damaged = text[:at] + put + text[at + 1 :]
        assert damaged == text or decode(damaged) is None


@given(st.text(max_size=40))
def test_any_text_decodes_or_is_foreign(text: str) -> None:
    """No text of a venue raises."""
    assert from_hex128(text) is None or text.startswith("0x")
    assert from_text(text) is None or text.startswith("pa-")


@pytest.mark.parametrize("value", [-1, 2**48])
def test_an_id_outside_48_bits_is_refused(value: int) -> None:
    """Ours is our error, a venue's is the venue's."""
    for encode in (to_hex128, to_text):
        with pytest.raises(LocalError):
            encode(value, "l")
    with pytest.raises(RemoteProtocolError):
        from_int48(value)


@pytest.mark.parametrize("mode", ["", "live", "L", "1", "ж", "l\n"])
def test_a_mode_is_one_small_letter(mode: str) -> None:
    """Anything else would not read back."""
    for encode in (to_hex128, to_text):
        with pytest.raises(LocalError):
            encode(1, mode)
