"""Connector of the venue Aster for Paraphina."""

from __future__ import annotations

from paraphina_core.connector import RegisterConnector, hookimpl

from .spec import VENUE

__version__ = "0.1.0"


@hookimpl
def paraphina_register_connectors(register: RegisterConnector) -> None:
    """Register the venue's connector."""
    register(VENUE)
