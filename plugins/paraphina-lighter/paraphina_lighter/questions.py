"""The read side of the venue: queries become requests, and their answers become events.

A request keeps its query in its correlation, so that nothing has to be remembered until the answer comes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from urllib.parse import urlencode

import msgspec

from paraphina_core.connector import Answer, Failure, HttpRequest, Request, WriteContext
from paraphina_core.domain import (
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
    QueryVenue,
    RemoteProtocolError,
)

from .account import AccountReader
from .instruments import Listings
from .limits import REQUESTS
from .tokens import Tokens

DEADLINE_MS: Final = 5_000
_READABLE: Final = 200

#: Entries of a page of trades or funding, the most there are (docs, read 2026-07-19).
PAGE: Final = 100
#: Asked of the venue beside what every venue is asked: the number that the next transaction must have.
NEXT_NONCE: Final = QueryVenue(topic="next nonce", private=True)

#: Funding comes on no stream: the latest payments are asked for so often, whatever has changed.
FUNDING: Final = QueryFunding(since_ns=0)
FUNDING_EVERY_MS: Final = 60_000
#: Before the question about an order that is not open.
_ENDED: Final = "ended "

_QUERY: Final[msgspec.json.Decoder[Query]] = msgspec.json.Decoder(Query)


class Asker(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks about an account.

    Args:
        account_index: the account.
        api_key_index: the key whose nonces are asked for.
        tokens: prove that one may ask.
        reader: reads the answers.
    """

    account_index: int
    api_key_index: int
    tokens: Tokens
    reader: AccountReader


class Questions:
    """Asks the venue about its markets and one account.

    Args:
        rest_url: address of the venue's API, without a path.
        listings: learns from the answers which instruments there are.
        asker: who asks about an account; None where there is none.
    """

    def __init__(self, rest_url: str, listings: Listings, asker: Asker | None = None) -> None:
        self._url = f"{rest_url.rstrip('/')}/api/v1/"
        self._listings = listings
        self._asker = asker

    def ask(self, query: Query, context: WriteContext) -> HttpRequest:
        """Turn a query into a request.

        Books are not asked for: what the venue answers has no count, so that no change could be joined to it.

        Raises:
            LocalError: nothing here is asked that way.
        """
        if isinstance(query, QueryInstruments):
            return self._get("orderBookDetails", query, context.nonce, {"filter": "perp"})
        asker = self._asker
        if asker is None:
            raise LocalError("connector answers no such query", found=type(query).__name__)
        mine = {"account_index": str(asker.account_index)}
        page = {"limit": str(PAGE)}
        match query:
            case QueryAccount():
                # Anybody may ask; a token would spend time of the session's thread.
                return self._get(
                    "account", query, context.nonce, {"by": "index", "value": str(asker.account_index)}
                )
            case QueryVenue() if query == NEXT_NONCE:
                key = {"api_key_index": str(asker.api_key_index)}
                return self._get("nextNonce", query, context.nonce, mine | key)
            case QueryOpenOrders():
                return self._get("accountActiveOrders", query, context.nonce, mine, self._proof(context))
            case QueryOrder():
                # Open orders are one list and those that have ended another: the second is asked if need be.
                return self._get("accountActiveOrders", query, context.nonce, mine, self._proof(context))
            case QueryVenue(topic=topic) if topic.startswith(_ENDED):
                return self._get(
                    "accountInactiveOrders", query, context.nonce, mine | page, self._proof(context)
                )
            case QueryFills():
                return self._get(
                    "trades",
                    query,
                    context.nonce,
                    mine | page | {"sort_by": "timestamp"},
                    self._proof(context),
                )
            case QueryFunding():
                return self._get("positionFunding", query, context.nonce, mine | page, self._proof(context))
            case _:
                raise LocalError("connector answers no such query", found=type(query).__name__)

    def made(self, request: Request) -> bool:
        """Tell whether a request is a query."""
        return isinstance(request, HttpRequest) and request.method == "GET"

    def read(self, request: Request, answer: Answer | Failure) -> Sequence[Event]:
        """Turn the answer to a query into events; a failure says nothing.

        Raises:
            RemoteError: the answer is not what the venue documents.
        """
        if isinstance(answer, Failure):
            return ()
        if answer.status != _READABLE:
            raise RemoteProtocolError("a query was not answered", found=f"HTTP status {answer.status}")
        query = _QUERY.decode(request.correlation.partition(" ")[2])
        if isinstance(query, QueryInstruments):
            return self._listings.read(answer.body)
        if self._asker is None:
            raise LocalError("answer to a query that was not asked", found=type(query).__name__)
        reader = self._asker.reader
        match query:
            case QueryAccount():
                return reader.account(answer.body)
            case QueryOpenOrders():
                return reader.open_orders(answer.body)
            case QueryOrder():
                found = self._among(query, reader.reports(answer.body))
                return (AskNext(query=_ended(query)),) if found is None else (found,)
            case QueryVenue(topic=topic) if topic.startswith(_ENDED):
                wanted = _QUERY.decode(topic.removeprefix(_ENDED))
                if not isinstance(wanted, QueryOrder):
                    raise LocalError("answer to a query that was not asked", found=topic[:64])
                gone = self._among(wanted, reader.reports(answer.body))
                return (_not_found(wanted) if gone is None else gone,)
            case QueryFills(since_ns=since_ns):
                return reader.fills(answer.body, since_ns)
            case QueryFunding(since_ns=since_ns):
                payments = reader.fundings(answer.body)
                return [payment for payment in payments if payment.exchange_ns >= since_ns]
            case _:
                return reader.nonce(answer.body)

    def _among(self, query: QueryOrder, listed: Sequence[OrderReport]) -> OrderReport | None:
        """Find an order in a list."""
        for report in listed:
            if report.instrument != query.instrument:
                continue
            if report.client_order_id == query.client_order_id:
                return report
            if query.venue_order_id is not None and report.venue_order_id == query.venue_order_id:
                return report
        return None

    def _proof(self, context: WriteContext) -> dict[str, str]:
        """Return the header that proves who asks (lighter-sdk 1.1.8)."""
        if self._asker is None:
            raise LocalError("nobody is there to be asked about")
        return {"Authorization": self._asker.tokens.text(context.at_ns, context.sign)}

    def _get(
        self,
        path: str,
        query: Query,
        nonce: int,
        parameters: dict[str, str],
        headers: dict[str, str] | None = None,
    ) -> HttpRequest:
        return HttpRequest(
            method="GET",
            url=f"{self._url}{path}?{urlencode(parameters)}",
            body=b"",
            correlation=f"{nonce} {msgspec.json.encode(query).decode()}",
            deadline_ms=DEADLINE_MS,
            headers=headers or {},
            cost=((REQUESTS, 1),),
            private=headers is not None,
        )


def _ended(query: QueryOrder) -> QueryVenue:
    """Return the question whether an order is among those that have ended."""
    return QueryVenue(topic=_ENDED + msgspec.json.encode(query).decode(), private=True)


def _not_found(query: QueryOrder) -> OrderNotFound:
    return OrderNotFound(
        instrument=query.instrument,
        client_order_id=query.client_order_id,
        venue_order_id=query.venue_order_id,
    )
