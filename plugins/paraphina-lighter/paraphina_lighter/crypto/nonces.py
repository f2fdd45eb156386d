"""Keeps nonces of signatures ready: made while the session waits, each used once, none survives a fork.

Two thirds of a signature do not depend on what is signed. A thread of its own does that part in slices of a
tenth of a millisecond and sleeps between them, so that the session's thread never waits longer for it.
Nothing is ever stored, and the numbers come from the operating system.
"""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections import deque
from typing import Final, NoReturn

from paraphina_core.domain import LocalError

from .schnorr import PreparedNonce

CAPACITY: Final = 64

_SLICE_PLACES: Final = 6
_PAUSE_S: Final = 0.000_2


class NoncePool:
    """Nonces that are ready.

    Args:
        capacity: how many are kept; more signatures than that in one burst make their nonces themselves.
    """

    __slots__ = ("__weakref__", "_capacity", "_ready", "_thread", "_wanted")

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._ready: deque[PreparedNonce] = deque()
        self._wanted = threading.Event()
        self._thread: threading.Thread | None = None
        _POOLS.add(self)

    def __len__(self) -> int:
        return len(self._ready)

    def take(self) -> PreparedNonce:
        """Return a nonce that nobody else gets: a prepared one where there is one."""
        try:
            nonce = self._ready.popleft()
        except IndexError:
            nonce = PreparedNonce()
        self._refill()
        return nonce

    def fill(self) -> None:
        """Prepare all nonces now, in the calling thread."""
        while len(self._ready) < self._capacity:
            nonce = PreparedNonce()
            while nonce.advance(_SLICE_PLACES):
                pass
            self._ready.append(nonce)

    def _refill(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(
                target=_keep_filled,
                args=(weakref.ref(self), self._wanted),
                name="lighter-nonces",
                daemon=True,
            )
            self._thread.start()
        self._wanted.set()

    def _forget(self) -> None:
        """Begin with nothing: a child that shared nonces with its parent would sign with the same ones."""
        self._ready, self._wanted, self._thread = deque(), threading.Event(), None

    def _offer(self, nonce: PreparedNonce) -> bool:
        """Keep a nonce; tell whether another one is wanted."""
        self._ready.append(nonce)
        return len(self._ready) < self._capacity

    def __reduce__(self) -> NoReturn:
        raise LocalError("nonces are not copied or stored", remedy="make another pool")


_POOLS: Final[weakref.WeakSet[NoncePool]] = weakref.WeakSet()


def _forget_all() -> None:
    for pool in _POOLS:
        pool._forget()  # noqa: SLF001  # the module's own


os.register_at_fork(after_in_child=_forget_all)


def _keep_filled(pool_of: weakref.ref[NoncePool], wanted: threading.Event) -> None:
    """Prepare nonces whenever some were taken, for as long as the pool is there."""
    while pool_of() is not None:
        if not wanted.wait(timeout=1.0):
            continue
        wanted.clear()
        more = True
        while more:
            nonce = PreparedNonce()
            while nonce.advance(_SLICE_PLACES):
                time.sleep(_PAUSE_S)
            time.sleep(_PAUSE_S)
            pool = pool_of()
            more = pool is not None and pool._offer(nonce)  # noqa: SLF001  # the module's own
            del pool
