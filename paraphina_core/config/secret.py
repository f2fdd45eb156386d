"""A secret that cannot be shown by accident: not printed, formatted, compared, copied, pickled or encoded."""

from __future__ import annotations

from typing import Final, NoReturn

from paraphina_core.domain import LocalError

#: What stands in place of any secret, whatever its length.
MASK: Final = "********"


class Secret:
    """A value that `reveal` alone gives out, to the one place that uses it.

    Args:
        value: the secret, or None when it is not set.
        is_set: given when only its presence is known, as in a configuration read back for a replay.
    """

    __slots__ = ("_value", "is_set")

    def __init__(self, value: str | None, *, is_set: bool | None = None) -> None:
        self._value = value
        self.is_set = value is not None if is_set is None else is_set

    def reveal(self) -> str:
        """Return the secret in clear.

        Raises:
            LocalError: it is not set, or only its presence is known here.
        """
        if self._value is None:
            raise LocalError("secret is not available", wanted="a run whose environment holds it")
        return self._value

    def __repr__(self) -> str:
        return MASK

    def __reduce__(self) -> NoReturn:
        raise LocalError("a secret is neither copied nor pickled", wanted="reveal() where it is used")
