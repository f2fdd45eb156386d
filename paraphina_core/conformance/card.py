"""A card: one numbered promise of the contract in words, and the function that tries it."""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple, NoReturn

import msgspec

from paraphina_core.connector import Capability
from paraphina_core.domain import LocalError

if TYPE_CHECKING:
    from .bench import Bench

#: Characters of a found value that stand in a result; books and frames are long.
MAX_FOUND: Final = 300

_ID = re.compile(r"([A-Z]{2})-([0-9]{3})")


class Family(StrEnum):
    """What a card is about; the value begins its id. The order is that of the suite."""

    CONTRACT = "CO"
    HOSTILE_BYTES = "HO"
    MARKET_DATA = "MD"
    RECONNECT = "RC"
    PRECISION = "PR"
    ORDER_LIFE = "OL"
    UNKNOWN_OUTCOMES = "UN"
    DUPLICATES = "DU"
    CANCEL_RACES = "CR"
    NONCES = "NO"
    LIMITS = "LI"
    CANCEL_ALL = "CA"
    DEAD_MAN = "DM"
    SECRETS = "SE"

    @property
    def words(self) -> str:
        """The family's name in words."""
        return self.name.replace("_", " ").capitalize()


class Evidence(StrEnum):
    """What a card is tried against, beside the connector itself."""

    FRAMES = "recorded frames"
    ANSWERS = "recorded answers"
    INSTRUMENTS = "an instrument"
    TWIN = "a twin"

    @property
    def noun(self) -> str:
        """The value without its article."""
        return self.value.removeprefix("an ").removeprefix("a ")


class Broken(AssertionError):  # noqa: N818  # a verdict on a connector, no fault of this program
    """The connector does not keep the promise of a card.

    Args:
        what: what is wrong, in one sentence without a full stop.
        found: the value that was met.
        wanted: what would have been accepted.
    """

    def __init__(self, what: str, *, found: object = None, wanted: str = "") -> None:
        self.what = what
        self.found = "" if found is None else _short(found)
        self.wanted = wanted
        parts = [
            what,
            *([f"found {self.found}"] if self.found else []),
            *([f"wanted {wanted}"] if wanted else []),
        ]
        super().__init__("; ".join(parts))


class NotApplicable(Exception):  # noqa: N818  # no error: the card's own words under "skip when"
    """The evidence holds no case of what the card is about; the message says what is missing."""


def check(holds: object, what: str, *, found: object = None, wanted: str = "") -> None:
    """Say that something is broken unless it holds.

    Raises:
        Broken: it does not hold.
    """
    if not holds:
        raise Broken(what, found=found, wanted=wanted)


def skip(reason: str) -> NoReturn:
    """End a card that has no case to look at.

    Raises:
        NotApplicable: always.
    """
    raise NotApplicable(reason)


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """One promise.

    Args:
        id: family and a number with room for later ones between, for example `MD-010`; never reused.
        title: the promise.
        needs: evidence without which the card is skipped.
        capabilities: what a connector must declare, or the card is skipped.
        prerequisite: what must be there before.
        action: what is done.
        events: events that may be seen, in words.
        passes: what decides.
        skip_when: reason of its own for being skipped, beside needs and capabilities; empty for none.
        faults: kinds of faults that the action brings about, as marks that must be hit.
    """

    id: str
    title: str
    action: str
    events: str
    passes: str
    prerequisite: str = "a connector as a session builds it"
    needs: tuple[Evidence, ...] = ()
    capabilities: tuple[Capability, ...] = ()
    skip_when: str = ""
    faults: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        match = _ID.fullmatch(self.id)
        if match is None or match[1] not in set(Family):
            raise LocalError("id of a card is not usable", found=self.id, wanted="a family and three digits")

    @property
    def family(self) -> Family:
        """The family that the id begins with."""
        return Family(self.id[:2])

    @property
    def all_skip_reasons(self) -> tuple[str, ...]:
        """Everything that lets the card be skipped, in words."""
        declared = [f"capability `{capability.value}` is not declared" for capability in self.capabilities]
        absent = [f"the subject brings no {need.noun}" for need in self.needs]
        return (*declared, *absent, *([self.skip_when] if self.skip_when else []))


class Trial(NamedTuple):
    """A card and the function that tries it."""

    card: Card
    run: Callable[[Bench], None]


class Deck:
    """Collects the trials of one module, in the order of the file."""

    def __init__(self) -> None:
        self.trials: list[Trial] = []

    def add(self, card: Card) -> Callable[[Callable[[Bench], None]], Callable[[Bench], None]]:
        """Make the decorated function the one that tries a card."""

        def keep(run: Callable[[Bench], None]) -> Callable[[Bench], None]:
            self.trials.append(Trial(card, run))
            return run

        return keep


def _short(value: object) -> str:
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= MAX_FOUND else f"{text[: MAX_FOUND - 3]}..."
