"""The read side of the venue: queries become requests, and their answers become events.

Books come by stream alone: what a request answers cannot be joined to the numbered frames of a stream.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from paraphina_core.connector import Answer, Failure, HttpRequest, Request, WriteContext, decode_json
from paraphina_core.domain import Event, LocalError, Query, QueryInstruments, RemoteProtocolError

from .instruments import Listings
from .limits import REQUESTS
from .words import clean

DEADLINE_MS: Final = 5_000
_READABLE: Final = 200


class ErrorDetail(msgspec.Struct, frozen=True):
    """Why the venue refused."""

    code: int
    message: str = ""


class Envelope(msgspec.Struct, frozen=True):
    """What every answer has; HTTP's status and this one must both be fine."""

    status: str
    error: ErrorDetail | None = None


ENVELOPE: Final[msgspec.json.Decoder[Envelope]] = msgspec.json.Decoder(Envelope)


class Questions:
    """Asks the venue what anybody may ask.

    Args:
        rest_url: address of the venue's API, with its version.
        listings: learns from the answers which instruments there are.
    """

    def __init__(self, rest_url: str, listings: Listings) -> None:
        self._url = rest_url.rstrip("/")
        self._listings = listings

    def ask(self, query: Query, context: WriteContext) -> HttpRequest:
        """Turn a query into a request.

        Raises:
            LocalError: the venue has no such query for a stranger.
        """
        if not isinstance(query, QueryInstruments):
            raise LocalError("connector has no such query", found=type(query).__name__)
        return HttpRequest(
            method="GET",
            url=f"{self._url}/info/markets",
            body=b"",
            correlation=str(context.nonce),
            deadline_ms=DEADLINE_MS,
            cost=((REQUESTS, 1),),
        )

    def read(self, request: Request, answer: Answer | Failure) -> Sequence[Event]:
        """Turn the answer to a query into events; a failure says nothing.

        Raises:
            RemoteError: the answer is not what the venue documents.
        """
        if isinstance(answer, Failure):
            return ()
        if answer.status != _READABLE:
            raise RemoteProtocolError("a query was not answered", found=f"HTTP status {answer.status}")
        envelope = decode_json(ENVELOPE, answer.body, "Extended answer")
        if envelope.status != "OK" or envelope.error is not None:
            error = envelope.error or ErrorDetail(code=0, message=envelope.status)
            raise RemoteProtocolError("a query was refused", found=clean(f"{error.code} {error.message}"))
        return self._listings.read(answer.body)
