"""The twin's refusals: the venue's numbers and words, over HTTP and on a stream."""

from __future__ import annotations

from typing import Any, Final, TypeAlias

import msgspec

from paraphina_core.connector import Answer

Json: TypeAlias = Any

#: What every answer of the twin comes with.
JSON_TYPE: Final = {"content-type": "application/json"}
OK: Final = 200


class Refused(Exception):  # noqa: N818  # the venue's answer, and no error of ours
    """A request that the venue refuses."""

    def __init__(self, code: int, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status

    @property
    def spelled(self) -> dict[str, Json]:
        """Code and words."""
        return {"code": self.code, "message": self.message}


INVALID_PARAM: Final = Refused(20001, "invalid param")
INVALID_AUTH: Final = Refused(20013, "invalid auth", 401)
TOO_MANY: Final = Refused(23000, "Too Many Requests!", 429)
INVALID_CHANNEL: Final = Refused(30005, "Invalid Channel")


def refusal(why: Refused) -> Answer:
    """Spell a refusal."""
    return Answer(status=why.status, body=msgspec.json.encode(why.spelled), headers=JSON_TYPE)


def fine(**fields: Json) -> Answer:
    """Spell an answer that refuses nothing."""
    return Answer(status=OK, body=msgspec.json.encode({"code": OK} | fields), headers=JSON_TYPE)
