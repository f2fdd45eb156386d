"""Damage to what a venue sends: bytes turned, JSON with anything in any place, numbers that are none."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any, Final, TypeAlias

import msgspec

from paraphina_core.connector import MAX_FRAME_BYTES

#: Where something stands in a JSON value: keys of objects and indices of arrays.
Path: TypeAlias = tuple[str | int, ...]

#: Bytes that no venue sends, each with a trouble of its own.
GARBAGE: Final = (
    b"",
    b" ",
    b"\x00",
    b"null",
    b"true",
    b"0",
    b'""',
    b"[]",
    b"{}",
    b"[{}]",
    b'{"":{}}',
    b"\xff\xfe\xfd",
    b'"\xed\xa0\x80"',
    b"NaN",
    b"Infinity",
    b"-",
    b"1e999999",
    b"9" * 5_000,
    b"[" * 100_000,
    b'{"a":' * 50_000,
    b"<html><body>503 Service Unavailable</body></html>",
    b"<?xml version='1.0'?>",
    b"pong",
    b"\x1f\x8b\x08\x00",
    b"PK\x03\x04",
    b" " * (MAX_FRAME_BYTES + 1),
)

#: What is put in the place of any value.
WRONG_VALUES: Final[tuple[object, ...]] = (
    *(None, True, False, 0, -1, 2**63, 1.5, "", "x", "\u0000", [], {}, [[]], {"": None}),
    *(msgspec.Raw(text) for text in (b"1000000000000000000000000000000", b"1e400", b"NaN", b"-0.0")),
)

#: What stands for no number in plain ASCII decimal notation, made of one that does.
NOT_PLAIN: Final = (
    "{}e0",
    "+{}",
    " {}",
    "{} ",
    "{}_0",
    "0x{}",
    "{},0",
    "\u0661{}",
    "NaN",
    "Infinity",
    "-Infinity",
)

_PLAIN = re.compile(r"-?[0-9]+(?:\.[0-9]+)?", re.ASCII)


def damaged(frame: bytes, chance: Random, count: int) -> Iterator[bytes]:
    """Yield damaged copies: cut short, bytes turned, bytes inserted, a part doubled."""
    for _ in range(count):
        at = chance.randrange(len(frame) + 1)
        end = min(len(frame), at + chance.randrange(1, 9))
        match chance.randrange(4):
            case 0:
                yield frame[:at]
            case 1:
                yield frame[:at] + chance.randbytes(end - at) + frame[end:]
            case 2:
                yield frame[:at] + chance.randbytes(chance.randrange(1, 4)) + frame[at:]
            case _:
                yield frame[:end] + frame[at:]


def misplaced(frame: bytes, chance: Random, count: int) -> Iterator[bytes]:
    """Yield copies of a JSON message in which one value is of a wrong kind, missing, or there twice.

    Everything is tried at every place that differs in kind, the first element standing for its array, and
    then `count` times something anywhere.
    """
    value = decoded(frame)
    places = [place for place, _ in leaves(value, inner=True)]
    if not places:
        return
    for place in places:
        if any(isinstance(key, int) and key > 0 for key in place):
            continue
        for wrong in WRONG_VALUES:
            yield encoded(replaced(value, place, wrong))
        if isinstance(place[-1], str):
            yield encoded(without(value, place))
            yield _doubled(value, place)
    for _ in range(count):
        yield encoded(replaced(value, chance.choice(places), chance.choice(WRONG_VALUES)))


def decoded(frame: bytes) -> Any:  # noqa: ANN401  # any JSON value
    """Decode a message as JSON; None where it is something else."""
    try:
        return msgspec.json.decode(frame)
    except (msgspec.DecodeError, RecursionError):
        return None


def encoded(value: object) -> bytes:
    """Encode a JSON value."""
    return msgspec.json.encode(value)


def leaves(value: Any, *, inner: bool = False, at: Path = ()) -> Iterator[tuple[Path, Any]]:  # noqa: ANN401  # any JSON value
    """Yield what stands where in a JSON value, objects and arrays too if `inner`."""
    children: Sequence[tuple[str | int, Any]] = ()
    if isinstance(value, dict):
        children = list(value.items())
    elif isinstance(value, list):
        children = list(enumerate(value))
    if at and (inner or not isinstance(value, dict | list)):
        yield at, value
    for key, child in children:
        yield from leaves(child, inner=inner, at=(*at, key))


def is_plain_number(value: object) -> bool:
    """Tell whether a JSON value is text that spells a number as venues do."""
    return isinstance(value, str) and _PLAIN.fullmatch(value) is not None


def replaced(value: Any, place: Path, new: object) -> Any:  # noqa: ANN401  # any JSON value
    """Return a copy of a JSON value with something else in one place."""
    if not place:
        return new
    copy = value.copy()
    copy[place[0]] = replaced(value[place[0]], place[1:], new)
    return copy


def without(value: Any, place: Path) -> Any:  # noqa: ANN401  # any JSON value
    """Return a copy of a JSON value that lacks one place."""
    copy = value.copy()
    if len(place) == 1:
        del copy[place[0]]
    else:
        copy[place[0]] = without(value[place[0]], place[1:])
    return copy


def _doubled(value: Any, place: Path) -> bytes:  # noqa: ANN401  # any JSON value
    """Encode a JSON value with the key of one place there a second time, with another value."""
    mark = "\u0001twice"
    parent = value
    for key in place[:-1]:
        parent = parent[key]
    text = encoded(replaced(value, place[:-1], {**parent, mark: None}))
    return text.replace(encoded(mark) + b":null", encoded(place[-1]) + b":7")
