"""The write side of the venue: commands become signed transactions, and answers are matched to them.

The venue answers before it executes. An answer therefore refuses or says nothing: what becomes of an order is
told by the account's stream, and asked for where that stays silent. Nonces have no gaps, so a refused one is
the next again, unless a later one is on its way already.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from urllib.parse import urlencode

import msgspec

from paraphina_core.connector import (
    Answer,
    Failure,
    FailureKind,
    HttpRequest,
    Request,
    StreamRequest,
    WriteContext,
    decode_json,
)
from paraphina_core.domain import (
    NS_PER_MS,
    Answered,
    ArmDeadMan,
    Batch,
    CancelOrder,
    CancelRejected,
    Command,
    DeadManReport,
    Event,
    LocalError,
    ModifyOrder,
    ModifyRejected,
    NonceReport,
    OrderRejected,
    OutcomeUnknown,
    PlaceOrder,
    RemoteError,
    SetLeverage,
    VenueNotice,
)

from .changes import Changes
from .limits import REQUESTS
from .refusals import ALARMING, NO_EVIDENCE, Code, code_of
from .signer import SignedBy
from .transactions import EXPIRES_AFTER_MS, Sent, Spelling, Transaction, dead_man_ms
from .words import clean

#: How long to wait for an answer; the venue's server holds orders of a standard account back for 300 ms.
DEADLINE_MS: Final = 4_000
#: Requests without an answer. The core answers each, so only an error of ours comes near it.
MAX_WAITING: Final = 10_000
ACCEPTED: Final = 200

LATE_ANSWER: Final = "late_answer"
OUTCOME_UNKNOWN: Final = "outcome_unknown"

_HEADERS: Final = {"Content-Type": "application/x-www-form-urlencoded"}


class Refusal(msgspec.Struct, frozen=True, gc=False):
    """Why the venue did not take a transaction."""

    code: int
    message: str = ""


class SendAnswer(msgspec.Struct, frozen=True, gc=False):
    """Answer to a transaction: over HTTP without an id, on the stream with the id that it was sent with."""

    code: int | None = None
    message: str | None = None
    id: str | None = None
    error: Refusal | None = None


class SendMessage(SendAnswer, frozen=True, gc=False):
    """The same on the stream, where the answer may stand in an envelope (docs) or not (ccxt 4.5.90)."""

    data: SendAnswer | None = None


_ANSWER: Final[msgspec.json.Decoder[SendAnswer]] = msgspec.json.Decoder(SendAnswer, strict=False)
_MESSAGE: Final[msgspec.json.Decoder[SendMessage]] = msgspec.json.Decoder(SendMessage, strict=False)


class Authority(msgspec.Struct, frozen=True, kw_only=True):
    """For whom transactions are signed, and by whose code."""

    chain_id: int
    account_index: int
    api_key_index: int
    signed_by: SignedBy = SignedBy.OURS


class _Waiting(msgspec.Struct, frozen=True):
    command: Sent
    nonce: int
    sent_ns: int


class OrderEntry:
    """Order entry with one API key.

    Args:
        rest_url: address of the venue's API, without a path.
        authority: account and key that transactions are signed for.
        spelling: the venue's numbers of the markets.
        changes: takes note of each change of an order.
    """

    def __init__(
        self, rest_url: str, authority: Authority, spelling: Spelling, changes: Changes | None = None
    ) -> None:
        self._changes = Changes() if changes is None else changes
        self._url = f"{rest_url.rstrip('/')}/api/v1/sendTx"
        self._authority = authority
        self._spelling = spelling
        self._waiting: dict[str, _Waiting] = {}
        self._last_nonce = -1

    def write(self, command: Command, context: WriteContext, stream: str | None = None) -> Request:
        """Turn a command into a request, bytes ready to send.

        Args:
            command: what is asked.
            context: nonce, time and signature.
            stream: open stream to send on; None for HTTP.

        Raises:
            LocalError: it cannot be expressed on the venue's wire, or its nonce still waits for an answer.
        """
        if isinstance(command, Batch):
            raise LocalError("transactions are sent one by one", found=f"{len(command.commands)} commands")
        correlation = str(context.nonce)
        if correlation in self._waiting or len(self._waiting) >= MAX_WAITING:
            raise LocalError(
                "request cannot be made",
                found=f"nonce {correlation}, {len(self._waiting)} requests without an answer",
                wanted=f"a new nonce, fewer than {MAX_WAITING} requests",
            )
        kind, info = self._signed(command, context)
        self._waiting[correlation] = _Waiting(command, context.nonce, context.at_ns)
        self._last_nonce = context.nonce
        if isinstance(command, ModifyOrder):
            self._changes.sent(command)
        cost = ((REQUESTS, 1),)
        if stream is None:
            form = urlencode({"tx_type": kind, "tx_info": info.decode("ascii")})
            return HttpRequest(
                method="POST",
                url=self._url,
                body=form.encode("ascii"),
                correlation=correlation,
                deadline_ms=DEADLINE_MS,
                headers=_HEADERS,
                cost=cost,
            )
        data = b'{"id":"%b","tx_type":%d,"tx_info":%b}' % (correlation.encode("ascii"), kind, info)
        return StreamRequest(
            stream=stream,
            payload=b'{"type":"jsonapi/sendtx","data":%b}' % data,
            correlation=correlation,
            deadline_ms=DEADLINE_MS,
            cost=cost,
        )

    def read_answer(self, correlation: str, answer: Answer | Failure) -> Sequence[Event]:
        """Turn what came back for a request, or that nothing did, into events.

        Raises:
            LocalError: no such request waits for an answer.
        """
        if isinstance(answer, Failure):
            detail = clean(f"{answer.kind.value} {answer.detail}".strip())
            is_unsent = answer.kind is FailureKind.NOT_SENT
            return self._settle(correlation, Code.NOT_SENT if is_unsent else None, detail)
        try:
            told = decode_json(_ANSWER, answer.body, "answer")
        except RemoteError as e:
            return self._settle(correlation, None, clean(f"HTTP status {answer.status}: {e}"))
        return self._told(correlation, told)

    def read_message(self, frame: bytes) -> Sequence[Event]:
        """Turn an answer on the stream into events, the first of which says what is answered.

        Raises:
            RemoteError: it is no answer.
        """
        message = decode_json(_MESSAGE, frame, "answer")
        told: SendAnswer = message if message.data is None else message.data
        correlation = told.id or message.id
        if correlation is None or correlation not in self._waiting:
            text = f"answer to request {correlation}, given up before"
            return (VenueNotice(code=LATE_ANSWER, text=clean(text)),)
        return (Answered(correlation=correlation), *self._told(correlation, told))

    def _signed(self, command: Sent, context: WriteContext) -> tuple[int, bytes]:
        body, attributes = self._spelling.body(command, context.at_ns)
        transaction = Transaction(
            chain_id=self._authority.chain_id,
            account_index=self._authority.account_index,
            api_key_index=self._authority.api_key_index,
            nonce=context.nonce,
            expired_at_ms=context.at_ns // NS_PER_MS + EXPIRES_AFTER_MS,
            body=body,
            attributes=attributes,
        )
        signature = context.sign(transaction.payload(self._authority.signed_by))
        return int(body.kind), transaction.info(signature)

    def _told(self, correlation: str, told: SendAnswer) -> Sequence[Event]:
        refusal = told.error
        if refusal is None and told.code is not None and told.code != ACCEPTED:
            refusal = Refusal(told.code, told.message or "")
        if refusal is not None:
            return self._settle(
                correlation, code_of(refusal.code), clean(f"{refusal.code} {refusal.message}".strip())
            )
        if told.code != ACCEPTED:
            return self._settle(correlation, None, "the answer says neither yes nor no")
        return _accepted(self._take(correlation))

    def _settle(self, correlation: str, code: Code | None, text: str) -> Sequence[Event]:
        """Say of a request that it was refused, or that nobody can tell (no code)."""
        waiting = self._take(correlation)
        command = waiting.command
        is_evidence = code is not None and code not in NO_EVIDENCE
        # That an order is gone refuses what was asked of it, and says nothing of a new one.
        is_refused = is_evidence or (code is Code.ORDER_GONE and not isinstance(command, PlaceOrder))
        event = _refused(command, code, text) if code and is_refused else _doubt(command, text)
        if isinstance(command, ModifyOrder) and is_refused:
            self._changes.refused(command.client_order_id)
        events: list[Event] = [event]
        if code is not None and code in ALARMING:
            events.append(VenueNotice(code=code.value, text=text))
        # A transaction that the venue's server refused has not used its nonce; of a doubtful one only the
        # venue can tell, and of one that others follow they have to be waited for.
        is_free = is_refused and waiting.nonce == self._last_nonce
        events.append(NonceReport(next_nonce=waiting.nonce if is_free else None))
        return events

    def _take(self, correlation: str) -> _Waiting:
        waiting = self._waiting.pop(correlation, None)
        if waiting is None:
            raise LocalError("answer to a request that does not wait for one", found=correlation)
        return waiting


def _accepted(waiting: _Waiting) -> Sequence[Event]:
    """Say what an accepted transaction means: of an order nothing yet."""
    match waiting.command:
        case ArmDeadMan(window_ms=0):
            return (DeadManReport(armed_until_ns=None),)
        case ArmDeadMan() as armed:
            return (DeadManReport(armed_until_ns=dead_man_ms(armed, waiting.sent_ns) * NS_PER_MS),)
        case SetLeverage() as command:
            text = f"leverage of {command.instrument} is asked to be {command.leverage}"
            return (VenueNotice(code="leverage_sent", text=text),)
        case _:
            return ()


def _refused(command: Sent, code: Code, text: str) -> Event:
    match command:
        case PlaceOrder():
            return OrderRejected(
                instrument=command.instrument,
                client_order_id=command.client_order_id,
                code=code.value,
                reason=text,
            )
        case ModifyOrder():
            return ModifyRejected(
                instrument=command.instrument,
                client_order_id=command.client_order_id,
                venue_order_id=command.venue_order_id,
                code=code.value,
                reason=text,
            )
        case CancelOrder():
            return CancelRejected(
                instrument=command.instrument,
                client_order_id=command.client_order_id,
                venue_order_id=command.venue_order_id,
                code=code.value,
                reason=text,
            )
        case ArmDeadMan():
            return DeadManReport(armed_until_ns=None, reason=f"{code.value}: {text}")
        case _:
            return VenueNotice(code=code.value, text=text)


def _doubt(command: Sent, text: str) -> Event:
    if isinstance(command, PlaceOrder | ModifyOrder | CancelOrder):
        return OutcomeUnknown(
            instrument=command.instrument, client_order_id=command.client_order_id, reason=text
        )
    return VenueNotice(code=OUTCOME_UNKNOWN, text=text)
