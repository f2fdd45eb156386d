"""The twin's answers: the venue's words for a refusal with their HTTP status, and what refuses nothing."""

from __future__ import annotations

from typing import Any, Final, TypeAlias

import msgspec

from paraphina_core.connector import Answer

Json: TypeAlias = Any

#: What every answer of the twin comes with.
JSON_TYPE: Final = {"content-type": "application/json"}


class Refused(Exception):  # noqa: N818  # the venue's answer, and no error of ours
    """A request that the venue refuses."""

    def __init__(self, error: str, message: str = "", status: int = 400) -> None:
        super().__init__(error)
        self.error = error
        self.message = message
        self.status = status


def refusal(why: Refused) -> Answer:
    """Spell a refusal."""
    body = {"error": why.error, "message": why.message}
    return Answer(status=why.status, body=msgspec.json.encode(body), headers=JSON_TYPE)


def fine(body: Json, status: int = 200) -> Answer:
    """Spell an answer that refuses nothing."""
    return Answer(status=status, body=msgspec.json.encode(body), headers=JSON_TYPE)


def page(results: list[Json], size: int) -> Answer:
    """Spell the first page of a list."""
    more = "more" if len(results) > size else None
    return fine({"next": more, "prev": None, "results": results[:size]})
