"""The read side of the venue: queries become requests, and their answers become events.

A request keeps its query in its correlation, so that nothing has to be remembered until the answer comes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from urllib.parse import quote

import msgspec

from paraphina_core.connector import Answer, Failure, HttpRequest, Request, WriteContext, decode_json
from paraphina_core.domain import (
    NS_PER_MS,
    Event,
    LocalError,
    Query,
    QueryInstruments,
    QueryTime,
    QueryVenue,
    RemoteProtocolError,
    VenueTime,
)

from .instruments import Listings
from .limits import IP_REQUESTS
from .messages import SERVER_TIME

DEADLINE_MS: Final = 5_000
_READABLE: Final = 200

#: Asked of the venue beside what every venue is asked: whether it takes orders, and which.
SYSTEM_STATE: Final = QueryVenue(topic="system state")

_QUERY: Final[msgspec.json.Decoder[Query]] = msgspec.json.Decoder(Query)


class Questions:
    """Asks the venue what anybody may ask.

    Args:
        rest_url: address of the venue's API with its version.
        markets: those that are traded here.
        listings: learns from the answers which instruments there are.
    """

    def __init__(self, rest_url: str, markets: Sequence[str], listings: Listings) -> None:
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
            case _:
                raise LocalError("connector answers no such query", found=type(query).__name__)

    def read(self, request: Request, answer: Answer | Failure) -> Sequence[Event]:
        """Turn the answer to a query into events; a failure says nothing.

        Raises:
            RemoteError: the answer is not what the venue documents.
        """
        if isinstance(answer, Failure):
            return ()
        if answer.status != _READABLE:
            raise RemoteProtocolError("a query was not answered", found=f"HTTP status {answer.status}")
        match _QUERY.decode(request.correlation.partition(" ")[2]):
            case QueryInstruments():
                return self._listings.read(answer.body)
            case QueryTime():
                time = decode_json(SERVER_TIME, answer.body, "time")
                return (VenueTime(exchange_ns=time.server_time * NS_PER_MS),)
            case _:
                return self._listings.read_state(answer.body)

    def _get(self, path: str, query: Query, nonce: int) -> HttpRequest:
        return HttpRequest(
            method="GET",
            url=f"{self._url}/{path}",
            body=b"",
            correlation=f"{nonce} {msgspec.json.encode(query).decode()}",
            deadline_ms=DEADLINE_MS,
            cost=((IP_REQUESTS, 1),),
        )
