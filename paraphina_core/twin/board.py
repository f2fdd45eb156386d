"""Which faults are armed, and whether one meets what passes now; chance comes from the seed."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Final, TypeVar

from paraphina_core.domain import NS_PER_MS, LocalError

from .faults import Deed, Fault, PassingFault, name_of

#: Faults that may wait at once.
MAX_ARMED: Final = 1_000

_Passing = TypeVar("_Passing", bound=PassingFault)


class _Armed:
    """One fault of passing things, with when it may happen and how often it still may."""

    __slots__ = ("begins_ns", "ends_ns", "fault", "left", "random")

    def __init__(self, fault: PassingFault, at_ns: int, seed: str) -> None:
        self.fault = fault
        self.begins_ns = at_ns + fault.after_ms * NS_PER_MS
        self.ends_ns = None if fault.for_ms is None else self.begins_ns + fault.for_ms * NS_PER_MS
        self.left = 1 if fault.count is None and fault.for_ms is None else fault.count
        self.random = Random(seed)

    def is_over(self, at_ns: int) -> bool:
        return self.left == 0 or (self.ends_ns is not None and self.ends_ns <= at_ns)

    def meets(self, text: bytes, at_ns: int) -> bool:
        """Tell whether it happens to this, and count it."""
        if at_ns < self.begins_ns or self.is_over(at_ns) or self.fault.match.encode() not in text:
            return False
        if self.fault.probability < 1.0 and not self.random.random() < self.fault.probability:
            return False
        if self.left is not None:
            self.left -= 1
        return True


class FaultBoard:
    """All faults of one twin.

    Args:
        seed: of every fault's chance; each has its own.

    Attributes:
        happened: how often each fault has happened, by name.
    """

    def __init__(self, seed: int) -> None:
        self.happened: Counter[str] = Counter()
        self._seed = seed
        self._number = 0
        self._passing: list[_Armed] = []
        self._deeds: list[tuple[int, int, Deed]] = []

    def arm(self, fault: Fault, at_ns: int) -> None:
        """Let a fault happen from now on, or from when it says.

        Raises:
            LocalError: too many are armed.
        """
        self._passing = [armed for armed in self._passing if not armed.is_over(at_ns)]
        if len(self._passing) + len(self._deeds) >= MAX_ARMED:
            raise LocalError("fault cannot be armed", found=f"{MAX_ARMED} armed ones", wanted="fewer")
        self._number += 1
        if isinstance(fault, PassingFault):
            self._passing.append(_Armed(fault, at_ns, f"{self._seed}:{self._number}"))
        else:
            self._deeds.append((at_ns + fault.after_ms * NS_PER_MS, self._number, fault))
            self._deeds.sort(key=lambda deed: deed[:2])

    def armed(self, at_ns: int) -> list[Fault]:
        """Return the faults that may still happen."""
        passing = [armed.fault for armed in self._passing if not armed.is_over(at_ns)]
        return [*passing, *(deed for _, _, deed in self._deeds)]

    def clear(self) -> None:
        """Disarm everything; what has been done stays done."""
        self._passing.clear()
        self._deeds.clear()

    def meeting(self, kind: type[_Passing], text: bytes, at_ns: int) -> list[_Passing]:
        """Return the faults of a kind that happen to what passes, in the order of arming."""
        met = []
        for armed in self._passing:
            if isinstance(armed.fault, kind) and armed.meets(text, at_ns):
                self.happened[name_of(armed.fault)] += 1
                met.append(armed.fault)
        return met

    def due(self, at_ns: int) -> list[Deed]:
        """Take the deeds that are due."""
        due = [deed for due_ns, _, deed in self._deeds if due_ns <= at_ns]
        del self._deeds[: len(due)]
        return due

    def next_due_ns(self) -> int | None:
        """Return when the next deed is due."""
        return self._deeds[0][0] if self._deeds else None
