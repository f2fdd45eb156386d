"""A secret that cannot be shown by accident: not printed, formatted, compared, copied, pickled or encoded."""

from __future__ import annotations

import resource
from collections.abc import Callable
from typing import Final, NoReturn

from paraphina_core.domain import LocalError

#: What stands in place of any secret, whatever its length.
MASK: Final = "********"


def keep_out_of_core_dumps() -> None:
    """Let this process and its children leave no core dump: one would hold every secret in clear.

    Handlers of core dumps that ignore the limit of a process are the operator's to turn off.
    """
    _, most = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, most))


class Secret:
    """A value that `reveal` alone gives out, to the one place that uses it.

    Args:
        value: the secret, or None when it is not set.
        is_set: given when only its presence is known, as in a configuration read back for a replay.
        unseal: opens the box that the secret lies in, when it is needed for the first time.
        seal: tells one sealed secret from every other without opening it; empty when it lies open.
    """

    __slots__ = ("_unseal", "_value", "is_set", "seal")

    def __init__(
        self,
        value: str | None,
        *,
        is_set: bool | None = None,
        unseal: Callable[[], str] | None = None,
        seal: str = "",
    ) -> None:
        if value is not None or unseal is not None:
            keep_out_of_core_dumps()
        self._value = value
        self._unseal = unseal
        self.seal = seal
        self.is_set = (value is not None or unseal is not None) if is_set is None else is_set

    def reveal(self) -> str:
        """Return the secret in clear.

        Raises:
            LocalError: it is not set, only its presence is known here, or its box cannot be opened.
        """
        if self._value is None and self._unseal is not None:
            self._value = self._unseal()
        if self._value is None:
            raise LocalError("secret is not available", wanted="a run whose environment holds it")
        return self._value

    def __repr__(self) -> str:
        return MASK

    def __reduce__(self) -> NoReturn:
        raise LocalError("a secret is neither copied nor pickled", wanted="reveal() where it is used")
