"""The way out of a session: a request is handed over here, and its answer comes back as an input."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from paraphina_core.connector import Answer, Failure, LocalSource, Request, WebSocketSource


class Wire(Protocol):
    """Takes requests that are ready to send.

    Neither call blocks, and neither answers within itself. Later the session is told exactly once what
    came of the request, with an answer or with the failure that took its place; unless the answer came as
    a frame of a stream, which the session then has seen already.
    """

    def send(self, connector: str, request: Request, cancel: bool) -> None:  # noqa: FBT001  # two sides agreed on it
        """Send a command now, or not at all: one that would have to wait fails as `not_sent`.

        Commands that only cancel may use what is reserved for cancels.
        """

    def ask(self, connector: str, request: Request) -> None:
        """Send a query, as soon as the venue's limits leave room for it."""


class Inputs(Protocol):
    """A session, as far as connections feed it."""

    def stream_opened(self, connector: str, stream: str, at_ns: int) -> Iterable[bytes]:
        """Take note of an opening; return what to send."""

    def stream_ended(self, connector: str, stream: str, reason: str, at_ns: int) -> None:
        """Take note of an end."""

    def frame(self, connector: str, stream: str, frame: bytes, at_ns: int) -> None:
        """Take a frame."""

    def answered(self, connector: str, correlation: str, result: Answer | Failure, at_ns: int) -> None:
        """Take what came back for a request."""

    def expects(self, connector: str, correlation: str) -> bool:
        """Tell whether a request is without an answer."""

    def source(self, connector: str, stream: str) -> WebSocketSource | LocalSource | None:
        """Return what a stream is to be opened from now, None for what its plan says."""


class NoWire:
    """Sends nothing and brings no answer: where all requests were made and answered before, in a replay."""

    def send(self, connector: str, request: Request, cancel: bool) -> None:  # noqa: FBT001  # see `Wire`
        """Drop the command."""

    def ask(self, connector: str, request: Request) -> None:
        """Drop the query."""
