"""The write side of the venue: commands become signed requests, and answers are matched to them.

The same signed body leaves as a post on the account's stream while that is open, and over HTTP otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from paraphina_core.connector import Answer, Failure, HttpRequest, Request, StreamRequest, WriteContext
from paraphina_core.domain import (
    NS_PER_MS,
    Answered,
    Batch,
    CancelAll,
    Command,
    Event,
    LocalError,
    ModifyOrder,
    ModifyRejected,
    OrderModified,
    PlaceOrder,
    VenueNotice,
)

from .account_messages import WirePost
from .actions import Sent, Spelling
from .answers import outcomes
from .changes import Changes
from .limits import IP_WEIGHT, MAX_POSTS, WS_MESSAGES, weight_of
from .refusals import Code
from .signing import Authority

#: An order that reaches the venue later than this is refused by it, so that a lost one cannot come alive
#: after it was written off. Docs "Exchange endpoint" (read 2026-08-22) recommend it for orders.
EXPIRES_AFTER_MS: Final = 3_000
#: How long to wait for an answer: a second longer than the order can still come alive, for clocks differ.
DEADLINE_MS: Final = EXPIRES_AFTER_MS + 1_000
#: Requests without an answer. The core answers each, so only an error of ours comes near it.
MAX_WAITING: Final = 10_000

LATE_ANSWER: Final = "late_answer"

_HEADERS: Final = {"Content-Type": "application/json"}
_READABLE: Final = 200
#: Digits of a status that an answer on the stream begins with when the venue could not make a request of it.
_STATUS_DIGITS: Final = 3


class _Waiting(msgspec.Struct, frozen=True):
    """A command without an answer, when it was written, and whether it left as a post."""

    command: Sent
    sent_ns: int
    is_post: bool


class OrderEntry:
    """Order entry of one account.

    Args:
        rest_url: address of the venue's API, without a path.
        authority: network and account that requests are signed for.
        spelling: the venue's numbers of the instruments.
        changes: what is known of own orders; shared with whoever reads the account's stream.
    """

    def __init__(
        self, rest_url: str, authority: Authority, spelling: Spelling, changes: Changes | None = None
    ) -> None:
        self._url = f"{rest_url.rstrip('/')}/exchange"
        self._authority = authority
        self._spelling = spelling
        self._changes = Changes() if changes is None else changes
        self._waiting: dict[str, _Waiting] = {}
        self._posts = 0

    def write(self, command: Command, context: WriteContext, stream: str | None = None) -> Request:
        """Turn a command into a request, bytes ready to send.

        Orders and changes of orders carry an expiry; cancels do not: a late cancel is better than none.

        Args:
            command: what is asked.
            context: nonce, time and signature.
            stream: open stream to post on; None, or too many posts on it, for HTTP.

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
        action = self._spelling.action(self._to_send(command), context.at_ns)
        body = self._authority.signed(action, context.nonce, context.sign, _expiry(command, context))
        is_post = stream is not None and self._posts < MAX_POSTS
        self._waiting[correlation] = _Waiting(command, context.at_ns, is_post)
        for change in _changes_in(command):
            self._changes.sent(change)
        count = len(command.commands) if isinstance(command, Batch) else 1
        weight = (IP_WEIGHT, weight_of(count))
        if stream is not None and is_post:
            self._posts += 1
            return StreamRequest(
                stream=stream,
                payload=_post(context.nonce, body),
                correlation=correlation,
                deadline_ms=DEADLINE_MS,
                cost=(weight, (WS_MESSAGES, 1)),
            )
        return HttpRequest(
            method="POST",
            url=self._url,
            body=body,
            correlation=correlation,
            deadline_ms=DEADLINE_MS,
            headers=_HEADERS,
            cost=(weight,),
        )

    def read_answer(self, correlation: str, answer: Answer | Failure) -> Sequence[Event]:
        """Turn what came back for a request, or that nothing did, into events.

        Raises:
            LocalError: no such request waits for an answer.
        """
        waiting = self._waiting.pop(correlation, None)
        if waiting is None:
            raise LocalError("answer to a request that does not wait for one", found=correlation)
        self._posts -= waiting.is_post
        events = outcomes(waiting.command, answer, waiting.sent_ns)
        for change in _changes_in(waiting.command):
            self._changes.answered(change, _standing(change, events))
        return events

    def read_post(self, post: WirePost) -> Sequence[Event]:
        """Turn the answer to a post into events, the first of which says that it is answered.

        An answer that nobody waits for any more has been written off: the venue has been asked since.
        """
        correlation = str(post.id)
        waiting = self._waiting.get(correlation)
        if waiting is None or not waiting.is_post:
            return (VenueNotice(code=LATE_ANSWER, text=f"answer to request {correlation}, given up before"),)
        return (Answered(correlation=correlation), *self.read_answer(correlation, _answer(post)))

    def _to_send(self, command: Sent) -> Sent:
        match command:
            case ModifyOrder():
                return self._changes.to_send(command)
            case Batch(commands=commands):
                return Batch(
                    commands=tuple(
                        self._changes.to_send(each) if isinstance(each, ModifyOrder) else each
                        for each in commands
                    )
                )
            case _:
                return command


def _changes_in(command: Sent) -> Sequence[ModifyOrder]:
    commands = command.commands if isinstance(command, Batch) else (command,)
    return [each for each in commands if isinstance(each, ModifyOrder)]


def _standing(change: ModifyOrder, events: Sequence[Event]) -> str | None:
    """Return the venue's id of the order after a change, None where that is not known."""
    for event in events:
        match event:
            case OrderModified(client_order_id=changed) if changed == change.client_order_id:
                return event.venue_order_id
            case ModifyRejected(client_order_id=kept, code=Code.NOT_SENT) if kept == change.client_order_id:
                return change.venue_order_id
    return None


def _post(nonce: int, body: bytes) -> bytes:
    return b'{"method":"post","id":%d,"request":{"type":"action","payload":%b}}' % (nonce, body)


def _answer(post: WirePost) -> Answer:
    """Return the answer in a post as if it had come over HTTP."""
    payload = bytes(post.response.payload)
    if post.response.type == "action":
        return Answer(status=_READABLE, body=payload)
    digits = payload[1 : 1 + _STATUS_DIGITS]
    return Answer(status=int(digits) if digits.isdigit() else 0, body=payload)


def _expiry(command: Sent, context: WriteContext) -> int | None:
    first = command.commands[0] if isinstance(command, Batch) and command.commands else command
    if not isinstance(first, PlaceOrder | ModifyOrder):
        return None
    return context.at_ns // NS_PER_MS + EXPIRES_AFTER_MS
