"""A text that a venue must get and that nobody may read: it is sent as it is and printed as asterisks."""

from __future__ import annotations

_SHOWN = "********"


class Hidden(str):
    """An API key or a token in a header.

    Whoever prints what holds it (a request, a plan, an error, a log line) prints asterisks. Formatted by
    itself, or encoded, it is the text: that is how it gets onto a wire.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return _SHOWN
