"""Two kinds of blame: what we did wrong (`LocalError`) and what a venue sent wrong (`RemoteError`).

Neither is ever raised in place of the other: a local error stops the one command or start that
caused it, a remote error stops at the seam where bytes are read and never reaches a decision.
"""

from __future__ import annotations


class ParaphinaError(Exception):
    """Base of every error this project raises on purpose.

    Args:
        what: what happened, in one sentence without a full stop.
        found: the value that was met, when there is one.
        wanted: what would have been accepted.
        remedy: the one thing to do about it.
    """

    def __init__(
        self,
        what: str,
        *,
        found: object = None,
        wanted: str | None = None,
        remedy: str | None = None,
    ) -> None:
        self.what = what
        self.found = found
        self.wanted = wanted
        self.remedy = remedy
        parts = [what]
        if found is not None:
            parts.append(f"found {found!r}")
        if wanted is not None:
            parts.append(f"wanted {wanted}")
        if remedy is not None:
            parts.append(remedy)
        super().__init__("; ".join(parts))


class LocalError(ParaphinaError):
    """We are to blame: a value, a file or a call of ours is wrong."""


class ConfigError(LocalError):
    """The operator's configuration cannot be used as it stands."""


class GridError(LocalError):
    """A price or size is not representable on the instrument's grid."""


class InvariantError(LocalError):
    """A promise of this program is broken; trading stops, cancelling does not."""


class RemoteError(ParaphinaError):
    """The venue is to blame: bytes that its own rules do not allow, or that no rule explains."""


class RemoteNumberError(RemoteError):
    """A number from a venue is not plain ASCII decimal, not finite or out of bounds."""


class RemoteProtocolError(RemoteError):
    """A message from a venue has a shape or a sequence that its protocol does not have."""
