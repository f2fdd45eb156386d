"""What came back for a request, inside a record: readable where it is text, exact whatever it is."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Final

import msgspec

from paraphina_core.connector import Answer, Failure
from paraphina_core.domain import LocalError
from paraphina_core.journal import MAX_DATA_BYTES

from .record import encode

#: The longest answer that one record surely holds, whatever is in it.
MAX_BODY_BYTES: Final = MAX_DATA_BYTES // 4

#: Bytes of a record for each byte of a body that is kept as text.
_MOST_PER_BYTE: Final = 2


class _Data(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    connector: str
    correlation: str
    status: int | None = None
    body: str | Mapping[str, str] = ""
    headers: Mapping[str, str] = {}
    failure: Failure | None = None


_DATA: Final = msgspec.json.Decoder(_Data)


def encode_answer(connector: str, correlation: str, result: Answer | Failure) -> bytes:
    """Spell an answer or a failure as a record's data."""
    if isinstance(result, Failure):
        return encode(_Data(connector=connector, correlation=correlation, failure=result))
    return encode(
        _Data(
            connector=connector,
            correlation=correlation,
            status=result.status,
            body=_spell(result.body),
            headers=result.headers,
        )
    )


def decode_answer(data: bytes) -> tuple[str, str, Answer | Failure]:
    """Read connector, correlation and what came back, byte for byte.

    Raises:
        LocalError: the data is no answer.
    """
    try:
        read = _DATA.decode(data)
        if read.failure is not None:
            return read.connector, read.correlation, read.failure
        body = read.body
        plain = body.encode() if isinstance(body, str) else base64.b64decode(body["base64"], validate=True)
    except (msgspec.MsgspecError, KeyError, binascii.Error) as e:
        raise LocalError(f"a record holds no answer: {e}") from e
    if read.status is None:
        raise LocalError("a record holds no answer", found="neither status nor failure")
    return read.connector, read.correlation, Answer(status=read.status, body=plain, headers=read.headers)


def _spell(body: bytes) -> str | dict[str, str]:
    try:
        text = body.decode()
    except UnicodeDecodeError:
        pass
    else:
        if len(msgspec.json.encode(text)) <= _MOST_PER_BYTE * len(body) + 2:
            return text
    return {"base64": base64.b64encode(body).decode()}
