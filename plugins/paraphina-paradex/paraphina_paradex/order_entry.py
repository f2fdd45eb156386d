"""The write side of the venue: commands become signed requests, and answers are matched to them.

What a request is answered is provisional: an order is judged for risk after it was taken, a cancel is queued.
An answer therefore refuses or says nothing; what becomes of an order is told by the account's stream, and
asked for where that stays silent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

import msgspec

from paraphina_core.connector import (
    STARK_HASH_BYTES,
    Answer,
    Failure,
    FailureKind,
    HttpRequest,
    Request,
    WriteContext,
    decode_json,
)
from paraphina_core.domain import (
    NS_PER_MS,
    AskAgain,
    CancelAll,
    CancelOrder,
    CancelRejected,
    Command,
    Event,
    InstrumentId,
    LocalError,
    ModifyOrder,
    ModifyRejected,
    OrderRejected,
    OutcomeUnknown,
    PlaceOrder,
    RemoteError,
    SetLeverage,
    Side,
    TimeInForce,
    VenueNotice,
    plain,
    to_text,
)

from .account_messages import ORDER, REFUSAL
from .limits import IP_REQUESTS, ORDERS, ORDERS_BURST
from .login import LOGIN, Login
from .refusals import ALARMING, NO_EVIDENCE, Code, clean, code_of
from .signer import wire_signature
from .typed_data import Account

DEADLINE_MS: Final = 5_000
#: Requests without an answer. The core answers each, so only an error of ours comes near it.
MAX_WAITING: Final = 10_000
OUTCOME_UNKNOWN: Final = "outcome_unknown"

_SIDES: Final = {Side.BUY: "BUY", Side.SELL: "SELL"}
_JSON: Final = {"Content-Type": "application/json"}
_OBJECT: Final[msgspec.json.Decoder[dict[str, Any]]] = msgspec.json.Decoder(dict[str, Any])
_NO_CONTENT: Final = 204
_FINE: Final = range(200, 300)
_COST: Final = ((ORDERS, 1), (ORDERS_BURST, 1), (IP_REQUESTS, 1))

_Sent = PlaceOrder | ModifyOrder | CancelOrder | CancelAll | SetLeverage


class OrderEntry:
    """Order entry of one account, over HTTP.

    Args:
        rest_url: address of the venue's API with its version.
        account: hashes what is signed.
        login: lends the token.
        market_of: the venue's name of an instrument.
        mode: one letter that stands in client order ids.
    """

    def __init__(
        self,
        rest_url: str,
        account: Account,
        login: Login,
        market_of: Callable[[InstrumentId], str],
        mode: str,
    ) -> None:
        self._url = rest_url.rstrip("/")
        self._account = account
        self._login = login
        self._market_of = market_of
        self._mode = mode
        self._waiting: dict[str, _Sent] = {}

    def write(self, command: Command, context: WriteContext) -> Request:
        """Turn a command into a request, bytes ready to send.

        Raises:
            LocalError: there is no such command, it cannot be spelled, or nobody has logged in yet.
        """
        match command:
            case PlaceOrder():
                return self._request(command, context, "POST", "orders", self._placed(command, context))
            case ModifyOrder():
                if command.venue_order_id is None:
                    raise LocalError("order cannot be changed", found="an order whose venue id is not known")
                path = f"orders/{quote(command.venue_order_id, safe='')}"
                return self._request(command, context, "PUT", path, self._changed(command, context))
            case CancelOrder():
                return self._request(command, context, "DELETE", self._path(command))
            case CancelAll(instrument=None):
                return self._request(command, context, "DELETE", "orders")
            case CancelAll(instrument=str(instrument)):
                market = quote(self._market_of(instrument), safe="")
                return self._request(command, context, "DELETE", f"orders?market={market}")
            case SetLeverage():
                market = quote(self._market_of(command.instrument), safe="")
                margin = "CROSS" if command.cross_margin else "ISOLATED"
                body = {"leverage": command.leverage, "margin_type": margin}
                return self._request(command, context, "POST", f"account/margin/{market}", body)
            case _:
                raise LocalError("venue has no such command", found=type(command).__name__)

    def read_answer(self, correlation: str, answer: Answer | Failure) -> Sequence[Event]:
        """Turn what came back for a request, or that nothing did, into events.

        Raises:
            LocalError: no such request waits for an answer.
        """
        command = self._waiting.pop(correlation, None)
        if command is None:
            raise LocalError("answer to a request that does not wait for one", found=correlation)
        if isinstance(answer, Failure):
            text = clean(f"{answer.kind.value} {answer.detail}".strip())
            if answer.kind is FailureKind.NOT_SENT:
                return (_refused(command, Code.NOT_SENT, text),)
            return (_doubt(command, text),)
        if answer.status in _FINE:
            return () if _makes_sense(command, answer) else (_doubt(command, "an answer without sense"),)
        try:
            told = decode_json(REFUSAL, answer.body, "refusal")
        except RemoteError:
            return (_doubt(command, f"HTTP status {answer.status}"),)
        return self._settle(
            command, code_of(told.error, answer.status), clean(f"{told.error} {told.message}")
        )

    def _settle(self, command: _Sent, code: Code | None, text: str) -> Sequence[Event]:
        is_evidence = code is not None and code not in NO_EVIDENCE
        # That an order is gone refuses what was asked of it, and says nothing of a new one.
        is_refused = is_evidence or (code is Code.ORDER_GONE and not isinstance(command, PlaceOrder))
        events: list[Event] = [
            _refused(command, code, text) if code and is_refused else _doubt(command, text)
        ]
        if code in ALARMING:
            events.append(VenueNotice(code=code.value, text=text))
        if code is Code.NOT_LOGGED_IN:
            events.append(AskAgain(query=LOGIN, reason="the token has expired"))
        return events

    # --- spelling -------------------------------------------------------------------------------

    def _placed(self, order: PlaceOrder, context: WriteContext) -> Mapping[str, Any]:
        market = self._market_of(order.instrument)
        digest = self._account.order(market, order.side, order.size, order.price, at_ms=_at_ms(context))
        instruction = "POST_ONLY" if order.post_only else "GTC"
        if order.time_in_force is TimeInForce.IOC:
            instruction = "IOC"
        body: dict[str, Any] = {
            "market": market,
            "side": _SIDES[order.side],
            "type": "LIMIT",
            "size": plain(order.size),
            "price": plain(order.price),
            "instruction": instruction,
            "client_id": to_text(order.client_order_id, self._mode),
            "signature": _signed(digest, context),
            "signature_timestamp": _at_ms(context),
        }
        if order.reduce_only:
            body["flags"] = ["REDUCE_ONLY"]
        return body

    def _changed(self, order: ModifyOrder, context: WriteContext) -> Mapping[str, Any]:
        market, venue_order_id = self._market_of(order.instrument), order.venue_order_id or ""
        digest = self._account.modify(
            market,
            order.side,
            order.size,
            order.price,
            at_ms=_at_ms(context),
            venue_order_id=venue_order_id,
        )
        return {
            "id": venue_order_id,
            "market": market,
            "side": _SIDES[order.side],
            "type": "LIMIT",
            "size": plain(order.size),
            "price": plain(order.price),
            "signature": _signed(digest, context),
            "signature_timestamp": _at_ms(context),
        }

    def _path(self, command: CancelOrder) -> str:
        if command.venue_order_id is not None:
            return f"orders/{quote(command.venue_order_id, safe='')}"
        market = quote(self._market_of(command.instrument), safe="")
        return f"orders/by_client_id/{to_text(command.client_order_id, self._mode)}?market={market}"

    def _request(
        self,
        command: _Sent,
        context: WriteContext,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
    ) -> HttpRequest:
        correlation = str(context.nonce)
        if correlation in self._waiting or len(self._waiting) >= MAX_WAITING:
            raise LocalError(
                "request cannot be made",
                found=f"nonce {correlation}, {len(self._waiting)} requests without an answer",
                wanted=f"a new nonce, fewer than {MAX_WAITING} requests",
            )
        request = HttpRequest(
            method=method,
            url=f"{self._url}/{path}",
            body=b"" if body is None else msgspec.json.encode(body),
            correlation=correlation,
            deadline_ms=DEADLINE_MS,
            headers=self._login.header | ({} if body is None else _JSON),
            cost=_COST,
        )
        self._waiting[correlation] = command
        return request


def _makes_sense(command: _Sent, answer: Answer) -> bool:
    """Tell whether an answer that refuses nothing is one: an order, nothing at all, or some object."""
    if isinstance(command, CancelOrder):
        return answer.status == _NO_CONTENT and not answer.body
    try:
        if isinstance(command, PlaceOrder | ModifyOrder):
            ORDER.decode(answer.body)
        else:
            _OBJECT.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True


def _at_ms(context: WriteContext) -> int:
    """Return the time that is signed with an order, and sent beside the signature."""
    return context.at_ns // NS_PER_MS


def _signed(digest: int, context: WriteContext) -> str:
    return wire_signature(context.sign(digest.to_bytes(STARK_HASH_BYTES)))


def _refused(command: _Sent, code: Code, text: str) -> Event:
    match command:
        case PlaceOrder():
            return OrderRejected(
                instrument=command.instrument,
                client_order_id=command.client_order_id,
                code=code.value,
                reason=text,
            )
        case ModifyOrder() | CancelOrder():
            refused = ModifyRejected if isinstance(command, ModifyOrder) else CancelRejected
            return refused(
                instrument=command.instrument,
                client_order_id=command.client_order_id,
                venue_order_id=command.venue_order_id,
                code=code.value,
                reason=text,
            )
        case _:
            return VenueNotice(code=code.value, text=text)


def _doubt(command: _Sent, text: str) -> Event:
    if isinstance(command, PlaceOrder | ModifyOrder | CancelOrder):
        return OutcomeUnknown(
            instrument=command.instrument, client_order_id=command.client_order_id, reason=text
        )
    return VenueNotice(code=OUTCOME_UNKNOWN, text=text)
