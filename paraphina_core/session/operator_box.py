"""What an operator asks of a running session, and its answer: two small files beside the session's own.

A session takes a request at its next tick and answers from another thread, so no disk holds it up. Whoever
asks waits for the answer with the request's own token; an answer to somebody else's is none.
"""

from __future__ import annotations

import contextlib
import secrets
import threading
from pathlib import Path
from typing import Final

import msgspec

from paraphina_core.connector import read_private, write_private
from paraphina_core.domain import LocalError, RunNumber, TradingState

from .running import SESSIONS_FOLDER
from .session import Session
from .states import Standing

#: Longest reason that is kept.
_MAX_REASON: Final = 1_000


class StateRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked: to set a state, or with None only to say which there are.

    `connector` is whose state, empty for the session's; `token` tells the answer from others.
    """

    state: TradingState | None = None
    connector: str = ""
    reason: str = ""
    token: str = msgspec.field(default_factory=lambda: secrets.token_hex(8))


class StateAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The states after the request, and why it was refused; empty if it was not."""

    token: str
    session: Standing
    venues: dict[str, Standing]
    refused: str = ""


class OperatorBox:
    """The two files of one session.

    Args:
        home: state folder of the installation.
        run: the session's.
    """

    def __init__(self, home: Path, run: RunNumber) -> None:
        self._request = home / SESSIONS_FOLDER / f"{run}.request"
        self._answer = home / SESSIONS_FOLDER / f"{run}.answer"
        self._answering: threading.Thread | None = None

    # --- the operator's side --------------------------------------------------------------------

    def ask(self, request: StateRequest) -> None:
        """Leave a request.

        Raises:
            LocalError: the disk refuses.
        """
        request = msgspec.structs.replace(request, reason=request.reason[:_MAX_REASON])
        write_private(self._request, msgspec.json.encode(request))

    def answer(self, token: str) -> StateAnswer | None:
        """Return the answer to a request, None while there is none.

        Raises:
            LocalError: the file is not private.
        """
        content = read_private(self._answer)
        if content is None:
            return None
        with contextlib.suppress(msgspec.DecodeError):
            answer = msgspec.json.decode(content, type=StateAnswer)
            if answer.token == token:
                return answer
        return None

    # --- the session's side ---------------------------------------------------------------------

    def look(self, session: Session, at_ns: int) -> None:
        """Do what is asked, and answer; called at each tick."""
        request = self._take()
        if request is None:
            return
        refused = ""
        if request.state is not None:
            try:
                session.set_state(request.state, request.reason, request.connector, at_ns)
            except LocalError as e:
                refused = str(e)
        states = session.safety.states
        answer = StateAnswer(
            token=request.token,
            session=states.session,
            venues={name: states.venue(name) for name in states.connectors},
            refused=refused,
        )
        self._answering = threading.Thread(target=self._keep, args=(answer,), daemon=True)
        self._answering.start()

    def close(self) -> None:
        """Remove both files; the session has ended."""
        for path in (self._request, self._answer):
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)

    def _take(self) -> StateRequest | None:
        """Return the request that waits, once; one that cannot be read is removed like any other."""
        try:
            self._request.lstat()  # cheap: sessions look at every tick
        except OSError:
            return None
        request = None
        with contextlib.suppress(LocalError, msgspec.DecodeError):
            content = read_private(self._request)
            request = None if content is None else msgspec.json.decode(content, type=StateRequest)
        try:
            self._request.unlink()
        except OSError:
            return None  # what stays would be done again and again
        return request

    def _keep(self, answer: StateAnswer) -> None:
        with contextlib.suppress(LocalError):  # the operator then hears of no answer
            write_private(self._answer, msgspec.json.encode(answer))
