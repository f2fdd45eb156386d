"""The write side of the venue: commands become signed requests, and answers are matched to them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from paraphina_core.connector import Answer, Failure, HttpRequest, WriteContext
from paraphina_core.domain import (
    NS_PER_MS,
    Batch,
    CancelAll,
    Command,
    Event,
    LocalError,
    ModifyOrder,
    PlaceOrder,
)

from .actions import Sent, Spelling
from .answers import outcomes
from .signing import Authority

#: An order that reaches the venue later than this is refused by it, so that a lost one cannot come alive
#: after it was written off. Docs "Exchange endpoint" (read 2026-08-22) recommend it for orders.
EXPIRES_AFTER_MS: Final = 3_000
#: How long to wait for an answer: a second longer than the order can still come alive, for clocks differ.
DEADLINE_MS: Final = EXPIRES_AFTER_MS + 1_000
#: Requests without an answer. The core answers each, so only an error of ours comes near it.
MAX_WAITING: Final = 10_000

#: Docs "Rate limits and user limits" (read 2026-08-22): one unit, and one more for every 40 commands.
COMMANDS_PER_WEIGHT: Final = 40
_SCOPE: Final = "ip_weight"
_HEADERS: Final = {"Content-Type": "application/json"}


class OrderEntry:
    """Order entry of one account over HTTP.

    Args:
        rest_url: address of the venue's API, without a path.
        authority: network and account that requests are signed for.
        spelling: the venue's numbers of the instruments.
    """

    def __init__(self, rest_url: str, authority: Authority, spelling: Spelling) -> None:
        self._url = f"{rest_url.rstrip('/')}/exchange"
        self._authority = authority
        self._spelling = spelling
        self._waiting: dict[str, Sent] = {}

    def write(self, command: Command, context: WriteContext) -> HttpRequest:
        """Turn a command into a request, bytes ready to send.

        Orders and changes of orders carry an expiry; cancels do not: a late cancel is better than none.

        Raises:
            LocalError: the venue has no such command, it cannot be expressed on its wire, or its nonce
                is still waiting for an answer.
        """
        if isinstance(command, CancelAll):
            raise LocalError(
                "the venue cannot cancel all orders in one command",
                remedy="cancel each open order, in batches",
            )
        correlation = str(context.nonce)
        if correlation in self._waiting or len(self._waiting) >= MAX_WAITING:
            raise LocalError(
                "request cannot be made",
                found=f"nonce {correlation}, {len(self._waiting)} requests without an answer",
                wanted=f"a new nonce, fewer than {MAX_WAITING} requests",
            )
        action = self._spelling.action(command, context.at_ns)
        body = self._authority.signed(action, context.nonce, context.sign, _expiry(command, context))
        self._waiting[correlation] = command
        count = len(command.commands) if isinstance(command, Batch) else 1
        return HttpRequest(
            method="POST",
            url=self._url,
            body=body,
            correlation=correlation,
            deadline_ms=DEADLINE_MS,
            headers=_HEADERS,
            cost=((_SCOPE, 1 + count // COMMANDS_PER_WEIGHT),),
        )

    def read_answer(self, correlation: str, answer: Answer | Failure) -> Sequence[Event]:
        """Turn what came back for a request, or that nothing did, into events.

        Raises:
            LocalError: no such request waits for an answer.
        """
        command = self._waiting.pop(correlation, None)
        if command is None:
            raise LocalError("answer to a request that does not wait for one", found=correlation)
        return outcomes(command, answer)


def _expiry(command: Sent, context: WriteContext) -> int | None:
    first = command.commands[0] if isinstance(command, Batch) else command
    if not isinstance(first, PlaceOrder | ModifyOrder):
        return None
    return context.at_ns // NS_PER_MS + EXPIRES_AFTER_MS
