"""Names that people type: when two are the same, and which one somebody may have meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

#: A longer text is no typing error of a name; comparing it would only cost time.
_MAX_TYPED = 80


def canonical_name(typed: str) -> str:
    """Return the form in which names are compared: `HL-Fixture` and `hl_fixture` are the same."""
    return typed.strip().lower().replace("-", "_")


def nearest_name(typed: str, known: Iterable[str]) -> str | None:
    """Return the known name that was probably meant, None when none resembles what was typed."""
    by_form = {canonical_name(name): name for name in known}
    nearest = get_close_matches(canonical_name(typed[:_MAX_TYPED]), by_form, n=1)
    return by_form[nearest[0]] if nearest else None


def did_you_mean(typed: str, known: Iterable[str]) -> str:
    """Return the remedy for a name that nobody knows: the nearest known one, else all of them."""
    names = sorted(known)
    nearest = nearest_name(typed, names)
    if nearest is not None:
        return f"did you mean {nearest}?"
    return f"known are {', '.join(names)}" if names else "none is known here"
