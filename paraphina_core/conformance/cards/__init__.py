"""The cards, one module for families that look at the same thing."""

from __future__ import annotations

from typing import Final

from . import (
    connections,
    contract,
    defences,
    doubt,
    feed,
    hostile,
    orders,
    precision,
    purity,
    races,
    requests,
    secrets,
    unasked,
)

#: The decks of all modules.
DECKS: Final = (
    connections.DECK,
    contract.DECK,
    defences.DECK,
    doubt.DECK,
    feed.DECK,
    hostile.DECK,
    orders.DECK,
    precision.DECK,
    purity.DECK,
    races.DECK,
    requests.DECK,
    secrets.DECK,
    unasked.DECK,
)
