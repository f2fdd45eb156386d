"""The read side of the venue: queries become requests, and their answers become events.

A request keeps its query in its correlation, so that nothing has to be remembered until the answer comes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from urllib.parse import urlencode

import msgspec

from paraphina_core.connector import Answer, Failure, HttpRequest, Request, WriteContext
from paraphina_core.domain import Event, LocalError, Query, QueryInstruments, RemoteProtocolError

from .instruments import Listings
from .limits import REQUESTS

DEADLINE_MS: Final = 5_000
_READABLE: Final = 200

_QUERY: Final[msgspec.json.Decoder[Query]] = msgspec.json.Decoder(Query)


class Questions:
    """Asks the venue what anybody may ask.

    Args:
        rest_url: address of the venue's API, without a path.
        listings: learns from the answers which instruments there are.
    """

    def __init__(self, rest_url: str, listings: Listings) -> None:
        self._url = f"{rest_url.rstrip('/')}/api/v1/"
        self._listings = listings

    def ask(self, query: Query, context: WriteContext) -> HttpRequest:
        """Turn a query into a request.

        Books are not asked for: what the venue answers has no count, so that no change could be joined to it.

        Raises:
            LocalError: nothing here is asked that way.
        """
        match query:
            case QueryInstruments():
                return self._get("orderBookDetails", query, context.nonce, {"filter": "perp"})
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
            case other:
                raise LocalError("answer to a query that was not asked", found=type(other).__name__)

    def _get(self, path: str, query: Query, nonce: int, parameters: dict[str, str]) -> HttpRequest:
        return HttpRequest(
            method="GET",
            url=f"{self._url}{path}?{urlencode(parameters)}",
            body=b"",
            correlation=f"{nonce} {msgspec.json.encode(query).decode()}",
            deadline_ms=DEADLINE_MS,
            cost=((REQUESTS, 1),),
        )
