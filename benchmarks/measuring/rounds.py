"""Measuring by turns: every contestant gets the same work in every round, and medians are compared.

A machine's mood changes within seconds; in turns it changes for all alike. The order turns too, so that
no one always comes first after the pause.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import TypeAlias

#: Does a piece of work and returns nothing.
Work: TypeAlias = Callable[[], object]


def take_turns(contestants: Mapping[str, Callable[[int], Work]], rounds: int) -> dict[str, list[int]]:
    """Return nanoseconds of processor time of each contestant in each round.

    Processor time, not that of the clock: what else the machine does meanwhile is not the contestant's.

    Args:
        contestants: make the work of a round, which is not measured; doing it is.
        rounds: how often each has its turn.
    """
    times: dict[str, list[int]] = {name: [] for name in contestants}
    names = list(contestants)
    gc.collect()
    gc.freeze()  # what the libraries loaded shall not be looked through in every turn
    for number in range(rounds):
        for name in names:
            work = contestants[name](number)
            gc.collect()
            began = time.thread_time_ns()
            work()
            times[name].append(time.thread_time_ns() - began)
        names.append(names.pop(0))
    return times


def percentile(values: Sequence[float], percent: float) -> float:
    """Return a percentile, the nearest value that was measured."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def middle(values: Sequence[float]) -> float:
    """Return the median."""
    return float(median(values))
