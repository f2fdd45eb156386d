"""The cards, one module for families that look at the same thing."""

from __future__ import annotations

from typing import Final

from . import contract, feed, hostile, purity

#: The decks of all modules.
DECKS: Final = (contract.DECK, purity.DECK, hostile.DECK, feed.DECK)
