"""The last link of an order's way: whatever takes commands and answers with events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeAlias

from paraphina_core.domain import CancelAll, CancelOrder, Event, MarketEvent, ModifyOrder, PlaceOrder
from paraphina_core.market import Book

#: What a session sends while it runs.
RouteCommand: TypeAlias = PlaceOrder | ModifyOrder | CancelOrder | CancelAll


class OrderRoute(Protocol):
    """Where orders go; the trade mode chooses which one, everything before it is the same.

    Times handed in never run backwards. A command's answers come back as events from `advance` or
    `on_market`, never from `submit`.

    What is submitted in one step leaves at the latest with the `flush` that ends it.

    For each market event the session first calls `advance(at_ns)`, then applies the event to its
    book, then calls `on_market`: so commands that were due meet the book as it was before.
    """

    def submit(self, command: RouteCommand, at_ns: int) -> None:
        """Take a command that left at `at_ns`."""

    def flush(self, at_ns: int) -> None:
        """Take note that the step is over: what waited for the others of its step leaves now."""

    def on_market(self, event: MarketEvent, book: Book, at_ns: int) -> Sequence[Event]:
        """See a market event that `book` already contains, and return the answers due by `at_ns`.

        `book` is the instrument's one book, the same object at every call.
        """

    def advance(self, at_ns: int) -> Sequence[Event]:
        """Let time pass up to `at_ns` and return the answers due by then, oldest first."""

    def next_due_ns(self) -> int | None:
        """Return when `advance` next has something to do, None while nothing is under way."""
