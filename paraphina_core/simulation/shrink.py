"""Few faults in place of many: which of a run's faults it takes to break what the run broke.

Delta debugging (Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", IEEE TSE 28(2),
2002): leave out ever smaller parts for as long as the rest still fails.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence


def shrink(
    faults: Sequence[int], fails: Callable[[tuple[int, ...]], bool], *, max_runs: int
) -> tuple[int, ...]:
    """Return faults that still fail, from which no single one can be left out if there were runs enough.

    Args:
        faults: that fail together.
        fails: runs some of them, in their order, and tells whether it failed again.
        max_runs: how often `fails` may be called.
    """
    kept = tuple(faults)
    runs, parts = 0, 2
    while len(kept) > 1:
        size = -(-len(kept) // parts)
        for start in range(0, len(kept), size):
            if runs >= max_runs:
                return kept
            rest = kept[:start] + kept[start + size :]
            runs += 1
            if rest and fails(rest):
                kept, parts = rest, max(parts - 1, 2)
                break
        else:
            if size == 1:
                return kept
            parts = min(2 * parts, len(kept))
    return kept
