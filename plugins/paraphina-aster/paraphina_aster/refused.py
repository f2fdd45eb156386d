"""The venue's own words of a refusal: a number and a sentence, found in an answer or not."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from paraphina_core.connector import Answer, decode_json
from paraphina_core.domain import RemoteError, RemoteProtocolError

#: Longest part of the venue's sentences that is kept.
_SHOWN: Final = 200
_READABLE: Final = 200


class Refusal(msgspec.Struct, frozen=True):
    """A refusal; its numbers are below zero, and 200 stands for success."""

    code: Annotated[int, msgspec.Meta(lt=0)]
    msg: str = ""

    @property
    def text(self) -> str:
        """Number and sentence on their way to people: short, and unable to steer whatever shows them."""
        words = "".join(letter if letter.isprintable() else " " for letter in self.msg[:_SHOWN])
        return f"{self.code} {words}"


_REFUSAL: Final = msgspec.json.Decoder(Refusal)


def refusal(answer: Answer) -> Refusal | None:
    """Return the refusal that an answer is, None if it is something else."""
    try:
        return decode_json(_REFUSAL, answer.body, "refusal")
    except RemoteError:
        return None


def fine(answer: Answer) -> bytes:
    """Return the body of an answer that refuses nothing.

    Raises:
        RemoteError: the venue refused, or something in between answered.
    """
    said = refusal(answer)
    if said is not None:
        raise RemoteProtocolError("a query was refused", found=said.text)
    if answer.status != _READABLE:
        # Sometimes a page for people; what is in it is not for us (reported of the venue, 2026).
        raise RemoteProtocolError("a query was not answered", found=f"HTTP status {answer.status}")
    return answer.body
