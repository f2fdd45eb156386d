"""Books that say whether they may be believed, and the health of the venues they come from."""

from __future__ import annotations

from .book import MAX_WAITING_TOUCHES, Book, BookState
from .health import HealthLimits, HealthState, VenueHealth

__all__ = ["MAX_WAITING_TOUCHES", "Book", "BookState", "HealthLimits", "HealthState", "VenueHealth"]
