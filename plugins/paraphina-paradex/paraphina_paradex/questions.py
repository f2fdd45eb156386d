"""The read side of the venue: queries become requests, and their answers become events.

A request keeps its query in its correlation, so that nothing has to be remembered until the answer comes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple
from urllib.parse import quote

import msgspec

from paraphina_core.connector import Answer, Failure, HttpRequest, Request, WriteContext, decode_json
from paraphina_core.domain import (
    NS_PER_MS,
    AskAgain,
    AskNext,
    Event,
    LocalError,
    OrderNotFound,
    OrderReport,
    Query,
    QueryAccount,
    QueryFills,
    QueryFunding,
    QueryInstruments,
    QueryOpenOrders,
    QueryOrder,
    QueryTime,
    QueryVenue,
    RemoteProtocolError,
    VenueTime,
    to_text,
)

from .account import AccountReader
from .instruments import Listings
from .limits import IP_REQUESTS, PRIVATE_READS
from .login import LOGIN, Login
from .messages import SERVER_TIME

DEADLINE_MS: Final = 5_000
_READABLE: Final = range(200, 300)
_UNAUTHORIZED: Final = 401
_NO_SUCH_ORDER: Final = frozenset({400, 404})
#: Entries of a page, the most there are (docs, read 2026-08-20).
PAGE: Final = 5_000

#: Asked of the venue beside what every venue is asked: whether it takes orders, and which.
SYSTEM_STATE: Final = QueryVenue(topic="system state")
POSITIONS: Final = QueryVenue(topic="positions", private=True)
#: Before the question about an order that is not open.
_HISTORY: Final = "history "

_QUERY: Final[msgspec.json.Decoder[Query]] = msgspec.json.Decoder(Query)


class Own(NamedTuple):
    """Whose account is asked about: its login, the reader of its answers, and the letter in its order ids."""

    login: Login
    reader: AccountReader
    mode: str


class Questions:
    """Asks the venue about its markets and one account.

    Args:
        rest_url: address of the venue's API with its version.
        markets: those that are traded here.
        listings: learns from the answers which instruments there are.
        own: whose account is asked about; None where there is none.
    """

    def __init__(
        self, rest_url: str, markets: Sequence[str], listings: Listings, own: Own | None = None
    ) -> None:
        self._own = own
        self._url = rest_url.rstrip("/")
        # Hundreds of options are listed too: one market is asked for by name, several by asking for all.
        self._listing = f"markets?market={quote(markets[0])}" if len(markets) == 1 else "markets"
        self._listings = listings

    def ask(self, query: Query, context: WriteContext) -> HttpRequest:
        """Turn a query into a request.

        Books are not asked for: an answer has at most a hundred levels, and no change could be joined to it.

        Raises:
            LocalError: nothing here is asked that way.
        """
        match query:
            case QueryInstruments():
                return self._get(self._listing, query, context.nonce)
            case QueryTime():
                return self._get("system/time", query, context.nonce)
            case QueryVenue() if query == SYSTEM_STATE:
                return self._get("system/state", query, context.nonce)
        own = self._own
        if own is None:
            raise LocalError("connector answers no such query", found=type(query).__name__)
        if query == LOGIN:
            return own.login.ask(context, _correlation(query, context.nonce))
        return self._get(_path(query, own.mode), query, context.nonce, own.login.header)

    def read(self, request: Request, answer: Answer | Failure) -> Sequence[Event]:
        """Turn the answer to a query into events; a failure says nothing.

        Raises:
            RemoteError: the answer is not what the venue documents.
        """
        if isinstance(answer, Failure):
            return ()
        query = _QUERY.decode(request.correlation.partition(" ")[2])
        if isinstance(query, QueryOrder) and answer.status in _NO_SUCH_ORDER:
            return (AskNext(query=_history(query)),)  # only open orders are found under their own id
        if answer.status == _UNAUTHORIZED and query != LOGIN and self._own is not None:
            return (AskAgain(query=LOGIN, reason="the token has expired"),)
        if answer.status not in _READABLE:
            raise RemoteProtocolError("a query was not answered", found=f"HTTP status {answer.status}")
        match query:
            case QueryInstruments():
                return self._listings.read(answer.body)
            case QueryTime():
                time = decode_json(SERVER_TIME, answer.body, "time")
                return (VenueTime(exchange_ns=time.server_time * NS_PER_MS),)
            case QueryVenue() if query == SYSTEM_STATE:
                return self._listings.read_state(answer.body)
        if self._own is None:
            raise LocalError("answer to a query that was not asked", found=type(query).__name__)
        if query == LOGIN:
            self._own.login.read(answer.body)
            return ()
        return _read(query, self._own.reader, answer.body)

    def made(self, request: Request) -> bool:
        """Tell whether a request is a query."""
        return " " in request.correlation

    def _get(
        self, path: str, query: Query, nonce: int, headers: Mapping[str, str] | None = None
    ) -> HttpRequest:
        cost = ((IP_REQUESTS, 1),) if headers is None else ((PRIVATE_READS, 1), (IP_REQUESTS, 1))
        return HttpRequest(
            method="GET",
            url=f"{self._url}/{path}",
            body=b"",
            correlation=_correlation(query, nonce),
            deadline_ms=DEADLINE_MS,
            headers=headers or {},
            cost=cost,
        )


def _correlation(query: Query, nonce: int) -> str:
    return f"{nonce} {msgspec.json.encode(query).decode()}"


def _path(query: Query, mode: str) -> str:
    """Return where a question about the account is asked.

    Raises:
        LocalError: nothing here is asked that way.
    """
    match query:
        case QueryAccount():
            return "account"
        case QueryVenue() if query == POSITIONS:
            return "positions"
        case QueryOpenOrders():
            return "orders"
        case QueryOrder(client_order_id=int(number)):
            return f"orders/by_client_id/{to_text(number, mode)}"
        case QueryOrder(venue_order_id=str(number)):
            return f"orders/{quote(number, safe='')}"
        case QueryVenue(topic=topic) if topic.startswith(_HISTORY):
            wanted = _QUERY.decode(topic.removeprefix(_HISTORY))
            if isinstance(wanted, QueryOrder) and wanted.client_order_id is not None:
                return f"orders-history?client_id={to_text(wanted.client_order_id, mode)}"
            return f"orders-history?page_size={PAGE}"
        case QueryFills(since_ns=since_ns):
            return f"fills?page_size={PAGE}&start_at={max(0, since_ns // NS_PER_MS)}"
        case QueryFunding(since_ns=since_ns):
            return f"funding/payments?page_size={PAGE}&start_at={max(0, since_ns // NS_PER_MS)}"
        case _:
            raise LocalError("connector answers no such query", found=type(query).__name__)


def _read(query: Query, reader: AccountReader, body: bytes) -> Sequence[Event]:
    match query:
        case QueryAccount():
            # Two answers make one: what the account is worth, and then its positions.
            return (reader.balance(body), AskNext(query=POSITIONS))
        case QueryVenue() if query == POSITIONS:
            return (reader.positions(body),)
        case QueryOpenOrders():
            return (reader.open_orders(body),)
        case QueryOrder():
            return (reader.order(body),)
        case QueryVenue(topic=topic) if topic.startswith(_HISTORY):
            return (_past(_QUERY.decode(topic.removeprefix(_HISTORY)), reader.past_orders(body)),)
        case QueryFills(since_ns=since_ns):
            return (reader.fills(body, since_ns),)
        case QueryFunding():
            return reader.payments(body)
        case _:
            raise LocalError("answer to a query that was not asked", found=type(query).__name__)


def _history(query: QueryOrder) -> QueryVenue:
    """Return the question whether an order is among those that have ended."""
    return QueryVenue(topic=_HISTORY + msgspec.json.encode(query).decode(), private=True)


def _past(query: Query, listed: Sequence[OrderReport]) -> OrderReport | OrderNotFound:
    """Find an order among those that have ended; one that is not there either never was."""
    if not isinstance(query, QueryOrder):
        raise LocalError("answer to a query that was not asked", found=type(query).__name__)
    for report in listed:
        ours = report.client_order_id is not None and report.client_order_id == query.client_order_id
        if ours or report.venue_order_id == query.venue_order_id:
            return report
    return OrderNotFound(
        instrument=query.instrument,
        client_order_id=query.client_order_id,
        venue_order_id=query.venue_order_id,
    )
