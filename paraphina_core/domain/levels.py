"""Levels of books: made by a venue's decoder in C, and read when somebody looks at them.

A book of twenty levels a side is eighty numbers, of which most decisions need four. A connector may
therefore hand over a side as it came, with its best level read: `PackedLevels`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias, overload

import msgspec


class Level(msgspec.Struct, frozen=True, gc=False, array_like=True, eq=False):
    """One book level: price in quote units, size in base units; spelled `[price, size]` in files.

    A connector that subclasses it with the venue's own names for the two lets its decoder make
    levels in C. Such a level equals any other with the same price and size.
    """

    price: float
    size: float

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Level):
            return NotImplemented
        return (self.price, self.size) == (other.price, other.size)

    def __hash__(self) -> int:
        return hash((self.price, self.size))


#: Reads the levels of a side, best first; raises `RemoteError` where they are not what the venue documents.
Unpack: TypeAlias = Callable[[bytes], tuple[Level, ...]]


class PackedLevels(Sequence[Level]):
    """One side of a book that is not empty, read as far as its best level until more is asked for.

    Everything but `levels[0]` may raise `RemoteError`: only then is it known whether the venue sent
    what it documents.

    Args:
        best: the first level.
        packed: the bytes of all levels.
        unpack: reads them, once.
    """

    __slots__ = ("_best", "_levels", "_packed", "_unpack")

    def __init__(self, best: Level, packed: bytes, unpack: Unpack) -> None:
        self._best = best
        self._packed = packed
        self._unpack = unpack
        self._levels: tuple[Level, ...] | None = None

    def read(self) -> tuple[Level, ...]:
        """Return all levels.

        Raises:
            RemoteError: they are not what the venue documents.
        """
        levels = self._levels
        if levels is None:
            levels = self._levels = self._unpack(self._packed)
        return levels

    @overload
    def __getitem__(self, index: int) -> Level: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Level, ...]: ...
    def __getitem__(self, index: int | slice) -> Level | tuple[Level, ...]:
        return self._best if index == 0 else self.read()[index]

    def __bool__(self) -> bool:
        return True

    def __len__(self) -> int:
        return len(self.read())

    def __iter__(self) -> Iterator[Level]:
        return iter(self.read())

    def __eq__(self, other: object) -> bool:
        return self.read() == tuple(other) if isinstance(other, Sequence) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.read())

    def __repr__(self) -> str:
        return f"PackedLevels({self._best!r}, {len(self._packed)} bytes)"


def read_levels(levels: Sequence[Level]) -> tuple[Level, ...]:
    """Return levels as a tuple, unpacked if they are packed.

    Raises:
        RemoteError: packed levels are not what the venue documents.
    """
    if isinstance(levels, PackedLevels):
        return levels.read()
    return tuple(levels)
