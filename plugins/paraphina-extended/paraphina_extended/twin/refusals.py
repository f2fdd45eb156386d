"""The twin's refusals: the venue's numbers, with the HTTP status that goes with each kind."""

from __future__ import annotations

import msgspec

from paraphina_core.connector import Answer

#: What every answer of the twin comes with.
JSON_TYPE = {"content-type": "application/json"}


class Refused(Exception):  # noqa: N818  # the venue's answer, and no error of ours
    """A request that the venue refuses."""

    def __init__(self, code: int, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


def refusal(why: Refused) -> Answer:
    """Spell a refusal."""
    body = {"status": "ERROR", "error": {"code": why.code, "message": why.message}}
    return Answer(status=why.status, body=msgspec.json.encode(body), headers=JSON_TYPE)


def fine(data: object = msgspec.UNSET, **more: object) -> Answer:
    """Spell an answer that refuses nothing."""
    body = {"status": "OK"} | ({} if data is msgspec.UNSET else {"data": data}) | more
    return Answer(status=200, body=msgspec.json.encode(body), headers=JSON_TYPE)
