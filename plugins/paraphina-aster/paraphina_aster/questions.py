"""What anybody may ask, and the way to what only the account's key may: queries become requests and events.

A request keeps its query in its correlation, so that nothing has to be remembered until the answer comes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final
from urllib.parse import urlencode

import msgspec

from paraphina_core.connector import Answer, Failure, HttpRequest, Request, WriteContext, decode_json
from paraphina_core.domain import (
    NS_PER_MS,
    Event,
    InstrumentId,
    LocalError,
    Query,
    QueryBook,
    QueryInstruments,
    QueryTime,
    QueryVenue,
    RemoteProtocolError,
    VenueTime,
)

from .account_questions import AccountQuestions
from .instruments import Listings
from .limits import IP_WEIGHT
from .messages import SERVER_TIME
from .refused import fine
from .signing import Parameters

DEADLINE_MS: Final = 5_000
#: Asked of the venue beside what every venue is asked: how often funding is paid.
FUNDING_TERMS: Final = QueryVenue(topic="funding terms")

#: Levels a side of a snapshot, the most there are, and what it weighs (docs "Order book", read 2026-10-08).
DEPTH: Final = 1_000
_DEPTH_WEIGHT: Final = 20

_QUERY: Final[msgspec.json.Decoder[Query]] = msgspec.json.Decoder(Query)

#: Reads the answer to a question for the book of an instrument: symbol, body and time.
ReadBook = Callable[[str, bytes, int], Sequence[Event]]


class Questions:
    """Asks the venue what anybody may ask.

    Args:
        rest_url: address of the venue's API, without a path.
        listings: learns from the answers which instruments there are.
        read_book: reads books.
        account: asks what is about an account; None where there is none.
    """

    def __init__(
        self,
        rest_url: str,
        listings: Listings,
        read_book: ReadBook,
        account: AccountQuestions | None = None,
    ) -> None:
        self._url = f"{rest_url.rstrip('/')}/fapi/v3/"
        self._listings = listings
        self._read_book = read_book
        self._account = account

    @staticmethod
    def made(request: Request) -> bool:
        """Tell whether a request asks a query."""
        return " " in request.correlation

    def ask(self, query: Query, context: WriteContext) -> HttpRequest:
        """Turn a query into a request.

        Raises:
            LocalError: it is about an account, and there is none, or about an instrument not known here.
        """
        match query:
            case QueryInstruments():
                return self._get("exchangeInfo", query, context.nonce)
            case QueryTime():
                return self._get("time", query, context.nonce)
            case QueryBook(instrument=instrument):
                parameters = (("symbol", self._symbol(instrument)), ("limit", str(DEPTH)))
                return self._get("depth", query, context.nonce, parameters, _DEPTH_WEIGHT)
            case QueryVenue() if query == FUNDING_TERMS:
                return self._get("fundingInfo", query, context.nonce)
            case _ if self._account is not None:
                return self._account.ask(query, context, _correlation(query, context.nonce))
            case _:
                raise LocalError("connector answers no query about an account", found=type(query).__name__)

    def read(self, request: Request, answer: Answer | Failure, at_ns: int) -> Sequence[Event]:
        """Turn the answer to a query into events; a failure says nothing.

        Raises:
            RemoteError: the answer is not what the venue documents.
        """
        if isinstance(answer, Failure):
            return ()
        query = _QUERY.decode(request.correlation.partition(" ")[2])
        match query:
            case QueryInstruments():
                return self._listings.read(fine(answer))
            case QueryBook(instrument=instrument):
                return self._read_book(self._symbol(instrument), fine(answer), at_ns)
            case QueryTime():
                time = decode_json(SERVER_TIME, fine(answer), "time")
                return (VenueTime(exchange_ns=time.serverTime * NS_PER_MS),)
            case QueryVenue() if query == FUNDING_TERMS:
                self._listings.read_funding(fine(answer))
                return ()
            case _ if self._account is not None:
                return self._account.read(query, answer)
            case _:
                raise RemoteProtocolError("answer about an account, and there is none")

    def _get(
        self, path: str, query: Query, nonce: int, parameters: Parameters = (), weight: int = 1
    ) -> HttpRequest:
        text = f"?{urlencode(parameters)}" if parameters else ""
        return HttpRequest(
            method="GET",
            url=f"{self._url}{path}{text}",
            body=b"",
            correlation=_correlation(query, nonce),
            deadline_ms=DEADLINE_MS,
            cost=((IP_WEIGHT, weight),),
        )

    def _symbol(self, instrument: InstrumentId) -> str:
        return self._listings.symbol(instrument)


def _correlation(query: Query, nonce: int) -> str:
    return f"{nonce} {msgspec.json.encode(query).decode()}"
