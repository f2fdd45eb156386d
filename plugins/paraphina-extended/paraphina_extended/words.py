"""The venue's own words on their way to people: short, and unable to steer whatever shows them."""

from __future__ import annotations

from typing import Final

#: Longest part of the venue's own words that is kept.
MAX_LETTERS: Final = 200


def clean(text: str) -> str:
    """Return the beginning of a text without anything that is not printable."""
    return "".join(letter if letter.isprintable() else " " for letter in text[:MAX_LETTERS])
