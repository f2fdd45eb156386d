"""What a session writes down: inputs before they are acted upon, outputs before they are sent.

A replay feeds the same inputs to the same code through a recorder of its own that compares.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Protocol

import msgspec

#: Kinds of records that drive a session; everything else in a journal is what it decided.
INPUT_KINDS: Final = frozenset(
    {"start", "opened", "ended", "frame", "answer", "blocked", "tick", "wake", "stop", "finish"}
)


class Recorder(Protocol):
    """Takes records in order; the journal's writer and a replay's comparison are such."""

    def append(self, kind: str, at_ns: int, data: bytes) -> int:
        """Take one record whose data is ready JSON; return its sequence number.

        Raises:
            LocalError: it cannot be kept; nothing may be sent then.
        """

    def record_frame(self, at_ns: int, connector: str, stream: str, frame: bytes) -> int:
        """Take one market frame as it arrived."""


_ENCODER: Final = msgspec.json.Encoder()


def encode(value: msgspec.Struct | Mapping[str, Any]) -> bytes:
    """Spell a value the way the journal keeps it: always the same bytes for the same value."""
    return _ENCODER.encode(value)


class WithoutFrames:
    """A recorder that leaves the frames out: smaller, and not replayable."""

    def __init__(self, recorder: Recorder) -> None:
        self.append = recorder.append

    def record_frame(self, at_ns: int, connector: str, stream: str, frame: bytes) -> int:
        """Drop the frame."""
        return -1
