"""Shows a running session to people and to monitoring, from a process that the session can do without."""

from __future__ import annotations

from .channel import TOKEN_FILE, Channel
from .messages import Introduction

__all__ = ["TOKEN_FILE", "Channel", "Introduction"]
