"""Built-in strategies, registered through the same hook as everybody else's, and their estimators."""

from __future__ import annotations

from paraphina_core.connector import RegisterStrategy, hookimpl

from .two_sided import SPEC, TwoSided
from .volatility import EwmaVolatility

__all__ = ["EwmaVolatility", "TwoSided", "paraphina_register_strategies"]


@hookimpl
def paraphina_register_strategies(register: RegisterStrategy) -> None:
    """Register the strategies that come with the core."""
    register(SPEC)
