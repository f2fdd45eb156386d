"""The read side of the venue: queries become requests, and their answers become events.

Books come by stream alone: what a request answers cannot be joined to the numbered frames of a stream.
Balance and positions stand in two places, so the question for the account is asked in two parts.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Final
from urllib.parse import urlsplit

import msgspec

from paraphina_core.connector import Answer, Failure, HttpRequest, Request, WriteContext, decode_json
from paraphina_core.domain import (
    NS_PER_MS,
    AskNext,
    BalanceReport,
    ClientOrderId,
    Event,
    Fill,
    FillsListed,
    InstrumentId,
    LocalError,
    OpenOrdersListed,
    OrderNotFound,
    OrderState,
    PositionsListed,
    Query,
    QueryAccount,
    QueryFills,
    QueryFunding,
    QueryInstruments,
    QueryOpenOrders,
    QueryOrder,
    QueryVenue,
    RemoteProtocolError,
)

from . import account_messages as own
from .account import AccountReader
from .changes import Changes, Standing
from .fees import Fees
from .instruments import Listings
from .limits import REQUESTS
from .membership import Membership
from .refusals import Code, refusal_of
from .statuses import STATES
from .words import clean

DEADLINE_MS: Final = 5_000
#: Docs "Get trades" (read 2026-11): what one answer lists at most.
MAX_TRADES: Final = 10_000

#: Questions that only this venue has a word for.
FEES: Final = QueryVenue(topic="fees", private=True)
ACCOUNT: Final = QueryVenue(topic="account", private=True)
POSITIONS: Final = QueryVenue(topic="positions", private=True)
FUNDING: Final = QueryVenue(topic="funding", private=True)

#: The venue tells of funding when it is asked alone: what was paid is known so much later at most.
FUNDING_EVERY_MS: Final = 30_000
#: Funding payments remembered: one an hour of each market.
MAX_REMEMBERED_PAYMENTS: Final = 5_000
#: Payments are asked for from so much before the last one, because clocks differ.
_MARGIN_NS: Final = 60_000 * NS_PER_MS

#: Collateral of every market (docs "Get balance", read 2026-11).
COLLATERAL: Final = "USD"

_READABLE: Final = 200
_NOT_FOUND: Final = 404
_QUERY: Final[msgspec.json.Decoder[Query]] = msgspec.json.Decoder(Query)


class ErrorDetail(msgspec.Struct, frozen=True):
    """Why the venue refused."""

    code: int
    message: str = ""


class Envelope(msgspec.Struct, frozen=True):
    """What every answer has; HTTP's status and this one must both be fine."""

    status: str
    error: ErrorDetail | None = None


ENVELOPE: Final[msgspec.json.Decoder[Envelope]] = msgspec.json.Decoder(Envelope)


class Own(msgspec.Struct, frozen=True):
    """What is known of the account that is traded; there is none where nothing is sent."""

    reader: AccountReader
    changes: Changes
    fees: Fees
    membership: Membership


class Questions:
    """Asks the venue about its instruments and, where there is one, an account.

    Args:
        rest_url: address of the venue's API, with its version.
        listings: learns from the answers which instruments there are.
        markets: names of those that are traded here.
        account: what is known of the account.
    """

    def __init__(
        self, rest_url: str, listings: Listings, markets: Sequence[str] = (), account: Own | None = None
    ) -> None:
        self._url = rest_url.rstrip("/")
        self._listings = listings
        self._markets = markets
        self._own = account
        self._stark_key = ""
        self._begun_ns: int | None = None
        self._paid: OrderedDict[tuple[InstrumentId, int], None] = OrderedDict()

    def ask(self, query: Query, context: WriteContext) -> HttpRequest:
        """Turn a query into a request.

        Raises:
            LocalError: the venue has no such query, or it is about an account and there is none.
        """
        if self._begun_ns is None:
            self._begun_ns = context.at_ns
        path = "/info/markets" if isinstance(query, QueryInstruments) else self._private_path(query)
        self._stark_key = context.identity.get("stark_key", self._stark_key)
        return HttpRequest(
            method="GET",
            url=f"{self._url}{path}",
            body=b"",
            correlation=f"{context.nonce} {msgspec.json.encode(query).decode()}",
            deadline_ms=DEADLINE_MS,
            cost=((REQUESTS, 1),),
            private=not isinstance(query, QueryInstruments),
        )

    def _private_path(self, query: Query) -> str:
        if self._own is None:
            raise LocalError("connector has no such query without an account", found=type(query).__name__)
        path: str | None
        match query:
            case QueryAccount():
                path = "/user/balance"
            case QueryOpenOrders():
                path = "/user/orders"
            case QueryOrder():
                path = f"/user/orders/external/{self._own.changes.to_ask(query.client_order_id)}"
            case QueryFills():
                path = f"/user/trades?limit={MAX_TRADES}"
            case QueryFunding(since_ns=since_ns):
                path = _funding_path(since_ns)
            case QueryVenue():
                path = self._venue_path(query)
            case _:
                path = None
        if path is None:
            raise LocalError("connector has no such query", found=type(query).__name__)
        return path

    def _venue_path(self, query: QueryVenue) -> str | None:
        if query == FUNDING:
            last_ns = next((paid_ns for _, paid_ns in reversed(self._paid)), 0)
            return _funding_path(max(self._begun_ns or 0, last_ns) - _MARGIN_NS)
        markets = "&".join(f"market={market}" for market in self._markets)
        return {
            FEES: f"/user/fees?{markets}",
            ACCOUNT: "/user/account/info",
            POSITIONS: "/user/positions",
        }.get(query)

    @staticmethod
    def made(request: Request) -> bool:
        """Tell whether a request asks a query."""
        return isinstance(request, HttpRequest) and request.method == "GET"

    # --- answers ----------------------------------------------------------------------------------

    def read(self, request: Request, answer: Answer | Failure) -> Sequence[Event]:
        """Turn the answer to a query into events; a failure says nothing.

        Raises:
            RemoteError: the answer is not what the venue documents.
        """
        if isinstance(answer, Failure):
            return ()
        query = _QUERY.decode(request.correlation.partition(" ")[2])
        if isinstance(query, QueryInstruments):
            return self._listings.read(_fine(answer))
        if self._own is None:  # no such question was asked
            raise RemoteProtocolError("answer about an account, and there is none")
        match query:
            case QueryAccount():
                return (self._balance(self._own.reader, answer), AskNext(query=POSITIONS))
            case QueryOpenOrders():
                return self._open_orders(self._own, _fine(answer))
            case QueryOrder():
                assert isinstance(request, HttpRequest)  # noqa: S101  # this class makes no other
                return self._order(self._own, query, urlsplit(request.url).path.rpartition("/")[2], answer)
            case QueryFills(since_ns=since_ns):
                return self._fills(self._own, since_ns, _fine(answer))
            case QueryFunding():
                found = decode_json(own.FUNDING, _fine(answer), "Extended funding")
                return self._own.reader.funding(found.data)
            case QueryVenue():
                return self._venue[query](self, self._own, _fine(answer))
            case _:
                raise RemoteProtocolError("answer to what is never asked", found=type(query).__name__)

    @staticmethod
    def _balance(reader: AccountReader, answer: Answer) -> BalanceReport:
        # Docs "Get balance" (read 2026-11): "404 when the balance is zero"; in the venue's own words, for a
        # page of something in between is no balance.
        if answer.status == _NOT_FOUND and refused(answer) is not None:
            return BalanceReport(asset=COLLATERAL, equity=Decimal(0), available=Decimal(0))
        return reader.balance(decode_json(own.BALANCE, _fine(answer), "Extended balance").data)

    @staticmethod
    def _open_orders(account: Own, body: bytes) -> Sequence[Event]:
        reports = []
        for order in decode_json(own.ORDERS, body, "Extended orders").data:
            report = account.reader.order(order)
            if report.state.is_final:
                continue
            if report.client_order_id is not None:
                _learn(account.changes, report.client_order_id, order)
            reports.append(report)
        return (OpenOrdersListed(orders=tuple(reports)),)

    @staticmethod
    def _order(account: Own, query: QueryOrder, text: str, answer: Answer) -> Sequence[Event]:
        changes, client_order_id = account.changes, query.client_order_id
        found = _listed(answer, text)
        is_in_doubt = changes.place_of(client_order_id, text) is Standing.SUCCESSOR
        if is_in_doubt and (found is None or found.status == "REJECTED"):
            # A change that never came about: what became of the order is asked under its old text.
            changes.failed(client_order_id, text)
            return (AskNext(query=query),)
        if found is None:
            not_found = OrderNotFound(
                instrument=query.instrument,
                client_order_id=client_order_id,
                venue_order_id=query.venue_order_id,
            )
            return (not_found,)
        report = account.reader.order(found)
        if (report.client_order_id, report.instrument) != (client_order_id, query.instrument):
            raise RemoteProtocolError("answer is about another order", found=found.external_id[:64])
        _learn(changes, client_order_id, found)
        if report.state is OrderState.REJECTED:
            report = msgspec.structs.replace(report, filled_size=Decimal(0))
        return (report,)

    @staticmethod
    def _fills(account: Own, since_ns: int, body: bytes) -> Sequence[Event]:
        found = decode_json(own.TRADES, body, "Extended trades").data
        fills = [
            account.reader.fill(
                trade, client_order_id=account.changes.of_venue_id(str(trade.order_id)), is_replay=True
            )
            for trade in found
        ]
        listed = sorted((fill for fill in fills if _when(fill) >= since_ns), key=_when)
        for fill in listed:
            account.changes.filled(fill)
        is_whole = len(found) < MAX_TRADES or any(_when(fill) < since_ns for fill in fills)
        return (FillsListed(since_ns=since_ns, fills=tuple(listed), is_complete=is_whole),)

    def _read_fees(self, account: Own, body: bytes) -> Sequence[Event]:
        account.fees.read(decode_json(own.FEES, body, "Extended fees").data)
        return ()

    def _read_account(self, account: Own, body: bytes) -> Sequence[Event]:
        found = decode_json(own.ACCOUNT, body, "Extended account")
        return account.membership.read(found.data, self._stark_key)

    def _read_funding(self, account: Own, body: bytes) -> Sequence[Event]:
        """Tell what was paid since the first question, each payment once."""
        found = account.reader.funding(decode_json(own.FUNDING, body, "Extended funding").data)
        new = [
            payment
            for payment in sorted(found, key=lambda payment: payment.exchange_ns)
            if payment.exchange_ns >= (self._begun_ns or 0)
            and (payment.instrument, payment.exchange_ns) not in self._paid
        ]
        self._paid.update(((payment.instrument, payment.exchange_ns), None) for payment in new)
        while len(self._paid) > MAX_REMEMBERED_PAYMENTS:
            self._paid.popitem(last=False)
        return new

    def _read_positions(self, account: Own, body: bytes) -> Sequence[Event]:
        found = decode_json(own.POSITIONS, body, "Extended positions").data
        return (PositionsListed(positions=tuple(account.reader.position(position) for position in found)),)

    _venue: Final[Mapping[QueryVenue, Callable[[Questions, Own, bytes], Sequence[Event]]]] = {
        FEES: _read_fees,
        ACCOUNT: _read_account,
        POSITIONS: _read_positions,
        FUNDING: _read_funding,
    }


def _funding_path(since_ns: int) -> str:
    return f"/user/funding/history?fromTime={max(0, since_ns // NS_PER_MS)}"


def refused(answer: Answer) -> ErrorDetail | None:
    """Return the venue's own words of a refusal; None where the answer has none.

    Raises:
        RemoteError: it is no answer of the venue.
    """
    envelope = decode_json(ENVELOPE, answer.body, "Extended answer")
    if envelope.status == "OK" and envelope.error is None:
        return None
    return envelope.error or ErrorDetail(code=0, message=envelope.status)


def _fine(answer: Answer) -> bytes:
    """Return the body of an answer that refuses nothing.

    Raises:
        RemoteError: the venue refused, or something in between answered.
    """
    error = refused(answer) if answer.body.startswith(b"{") else None
    if error is not None:
        raise RemoteProtocolError("a query was refused", found=clean(f"{error.code} {error.message}"))
    if answer.status != _READABLE:
        raise RemoteProtocolError("a query was not answered", found=f"HTTP status {answer.status}")
    return answer.body


def _listed(answer: Answer, text: str) -> own.WireOrder | None:
    """Return the order of a text, None where the venue itself says that it knows none.

    Raises:
        RemoteError: the answer says neither.
    """
    if answer.status == _NOT_FOUND:
        error = refused(answer)
        known = None if error is None else refusal_of(error.code)
        if known is not None and known.code is Code.NOT_FOUND:
            return None
    orders = decode_json(own.ORDERS, _fine(answer), "Extended orders").data
    found = [order for order in orders if order.external_id == text]
    if len(found) < len(orders):
        raise RemoteProtocolError("answer is about another order", found=orders[0].external_id[:64])
    return found[-1] if found else None


def _learn(changes: Changes, client_order_id: ClientOrderId, order: own.WireOrder) -> None:
    """Take note of which order stands for one of ours, and of its number."""
    changes.numbered(client_order_id, str(order.id))
    if changes.place_of(client_order_id, order.external_id) is Standing.SUCCESSOR:
        changes.succeeded(client_order_id, order.external_id)
    elif not STATES[order.status].is_final:
        changes.found(client_order_id, order.external_id)


def _when(fill: Fill) -> int:
    return fill.exchange_ns or 0
