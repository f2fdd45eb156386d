"""The numbers that signed requests carry: each above every one that the same signer ever used.

What was used is remembered across restarts in blocks: a block is written down before its first number is
taken, so that no order waits for a disk. A number that was written down and not used is lost, which no
venue minds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from paraphina_core.connector import NonceRule
from paraphina_core.domain import NS_PER_MS, NS_PER_S, LocalError

#: Time that one block covers. It is also how far ahead of the clock a restart may begin, and venues take
#: numbers from few seconds of the future (Aster 10 s, read 2026-11).
BLOCK_NS: Final = 4 * NS_PER_S

#: How far a refused number is skipped, in time.
SKIP_NS: Final = 1 * NS_PER_S

#: Nanoseconds that one step of the number stands for.
_STEP_NS: Final = {NonceRule.MILLISECONDS: NS_PER_MS, NonceRule.MICROSECONDS: 1_000}


class NonceSource:
    """Gives out the numbers of one signer.

    A number depends on the session time of the request, the numbers before it and `floor` alone: the
    start record holds the floor, so a replay takes the same ones.

    Args:
        rule: what the venue's numbers count.
        floor: no number up to this one is given out; the end of the last block that was written down.
        reserve: writes down that numbers up to this one may have been used, before it returns.
    """

    def __init__(
        self, rule: NonceRule, *, floor: int = 0, reserve: Callable[[int], None] = lambda _: None
    ) -> None:
        self._rule = rule
        self._last: int | None = None if rule is NonceRule.SEQUENCE else floor
        self._reserved = floor
        self._reserve = reserve

    @property
    def is_sequence(self) -> bool:
        """True where a number that is not used leaves a gap that the venue minds."""
        return self._rule is NonceRule.SEQUENCE

    @property
    def is_known(self) -> bool:
        """False while the venue must tell the next number of a sequence."""
        return self._last is not None

    def take(self, at_ns: int, count: int = 1) -> int:
        """Give out the next number.

        Args:
            at_ns: session time.
            count: of a sequence, how many are given out; they begin with the one that is returned.

        Raises:
            LocalError: the venue tells the numbers of this signer and has not said which is next, or the
                block cannot be written down.
        """
        if self._last is None:
            raise LocalError("the next nonce is not known", remedy="it is used once the venue has told it")
        number = self._last + 1
        if self._rule in _STEP_NS:
            number = max(number, at_ns // _STEP_NS[self._rule])
            self._write_down(number)
        self._last = number + count - 1 if self.is_sequence else number
        return number

    def renew(self, at_ns: int) -> None:
        """Write the next block down when half of this one is used; called while nobody waits."""
        if self._rule in _STEP_NS and self._last is not None:
            half_block = BLOCK_NS // _STEP_NS[self._rule] // 2
            self._write_down(max(self._last, at_ns // _STEP_NS[self._rule]) + half_block)

    def told(self, next_nonce: int | None) -> None:
        """Take the venue's word on the numbers, or that it refused one (None): go on above it.

        A time goes upward only. Of a sequence the venue's word is the truth; after a refusal without one
        it must be told.
        """
        if self._rule is NonceRule.SEQUENCE:
            self._last = None if next_nonce is None else next_nonce - 1
        elif self._rule in _STEP_NS and self._last is not None:
            skipped = self._last + SKIP_NS // _STEP_NS[self._rule]
            self._last = skipped if next_nonce is None else max(self._last, next_nonce - 1)

    def _write_down(self, number: int) -> None:
        if number > self._reserved:
            reserved = number + BLOCK_NS // _STEP_NS[self._rule]
            self._reserve(reserved)
            self._reserved = reserved
