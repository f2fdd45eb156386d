"""The venue on this machine: what its clients see of it, and what lies behind.

`docs/venues/paradex-twin.md` says what it models and what it does not.
"""

from __future__ import annotations

from .venue import ParadexTwin

__all__ = ["ParadexTwin"]
