"""Seeds for everything that must look random: one for each use, the same on every machine."""

from __future__ import annotations

import hashlib


def seed_of(seed: int, name: str) -> int:
    """Return the seed of one use, made of the run's seed and a name for the use."""
    return int.from_bytes(hashlib.sha256(f"{seed}:{name}".encode()).digest()[:8])
