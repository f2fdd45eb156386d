"""Recorded frames and answers of the venue on disk: found, checked and loaded, never made up.

A folder holds `<coin>.frames` with one `<arrival in ns since 1970> <frame>` a line, `info/*.json` with
recorded answers of one account, and `instruments.json` with the precision of the coins. What is wrong
with it is said with file and line.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final, TypeVar

import msgspec

from paraphina_core.connector import MAX_FRAME_BYTES
from paraphina_core.domain import ConfigError, did_you_mean

from .account import READERS
from .messages import Envelope

#: The recording that comes with this package.
PACKAGED: Final = Path(__file__).parent / "recordings"

MAX_FILE_BYTES: Final = 256 * 1024 * 1024

_LINE = re.compile(rb"([0-9]{1,19}) (\{.*\})", re.ASCII)
_FRAMES_SUFFIX: Final = ".frames"

_T = TypeVar("_T")


class RecordedFrame(msgspec.Struct, frozen=True):
    """A frame and how long after the first one it arrived."""

    after_ns: int
    frame: bytes


class RecordedAnswer(msgspec.Struct, frozen=True):
    """The answer to one account request: its type, and the body as the venue sent it."""

    type: str
    body: bytes


class Recording(msgspec.Struct, frozen=True):
    """Everything recorded for one coin."""

    coin: str
    size_decimals: int
    frames: tuple[RecordedFrame, ...]
    answers: tuple[RecordedAnswer, ...]

    @property
    def length_ns(self) -> int:
        """Time from the first frame to the last."""
        return self.frames[-1].after_ns


class _Precision(msgspec.Struct):
    size_decimals: Annotated[int, msgspec.Meta(ge=0, le=6)] = msgspec.field(name="szDecimals")


class _Body(msgspec.Struct):
    type: str
    user: str


class _Request(msgspec.Struct):
    body: _Body


class _Answer(msgspec.Struct):
    request: _Request
    recorded_at: str
    response: msgspec.Raw


def load(folder: Path, coin: str) -> Recording:
    """Load the recording of one coin.

    Raises:
        ConfigError: the folder or a file in it cannot be used, or the coin was not recorded.
    """
    recorded = _recorded_coins(folder)
    if coin not in recorded:
        raise ConfigError(
            f"no recording of this coin in {folder}",
            found=coin,
            remedy=did_you_mean(coin, recorded),
        )
    precision = _decode(folder / "instruments.json", dict[str, _Precision])
    if coin not in precision:
        raise ConfigError(
            f"{folder / 'instruments.json'} lacks a coin that was recorded",
            found=sorted(precision),
            wanted=f'"{coin}": {{"szDecimals": ...}} as in the venue\'s meta answer',
        )
    return Recording(
        coin=coin,
        size_decimals=precision[coin].size_decimals,
        frames=_frames(folder / f"{coin}{_FRAMES_SUFFIX}"),
        answers=_answers(folder / "info"),
    )


def _recorded_coins(folder: Path) -> Sequence[str]:
    if not folder.is_dir():
        raise ConfigError("recording is not a folder", found=str(folder), wanted="a folder with *.frames")
    try:
        coins = sorted(path.name.removesuffix(_FRAMES_SUFFIX) for path in folder.glob(f"*{_FRAMES_SUFFIX}"))
    except OSError as e:
        raise ConfigError(f"recording cannot be read: {e.strerror}", found=str(folder)) from e
    if not coins:
        raise ConfigError("recording is empty", found=str(folder), wanted="a folder with *.frames")
    return coins


def _frames(path: Path) -> tuple[RecordedFrame, ...]:
    lines = _read(path).split(b"\n")
    if lines[-1] == b"":
        del lines[-1]
    if not lines:
        raise ConfigError(f"{path} is empty", wanted="one arrival time and frame a line")
    frames: list[RecordedFrame] = []
    first_ns = last_ns = 0
    for number, line in enumerate(lines, start=1):
        arrival_ns, frame = _frame(f"{path}:{number}", line)
        if not frames:
            first_ns = last_ns = arrival_ns
        if arrival_ns < last_ns:
            raise ConfigError(
                f"{path}:{number}: arrival runs backwards", found=arrival_ns, wanted=f"at least {last_ns}"
            )
        last_ns = arrival_ns
        frames.append(RecordedFrame(arrival_ns - first_ns, frame))
    return tuple(frames)


def _frame(place: str, line: bytes) -> tuple[int, bytes]:
    match = _LINE.fullmatch(line)
    if match is None or len(line) > MAX_FRAME_BYTES:
        raise ConfigError(
            f"{place}: no recorded frame",
            found=line[:80],
            wanted=f"an arrival time in ns, a blank and a JSON object, at most {MAX_FRAME_BYTES} bytes",
        )
    try:
        msgspec.json.decode(match[2], type=Envelope)
    except (msgspec.DecodeError, RecursionError) as e:
        raise ConfigError(f"{place}: no message of the venue: {e}", found=line[:80]) from e
    return int(match[1]), match[2]


def _answers(folder: Path) -> tuple[RecordedAnswer, ...]:
    """Load the account's answers, if there are any; all must be about one and the same account."""
    answers: list[RecordedAnswer] = []
    users: dict[str, Path] = {}
    for path in sorted(folder.glob("*.json")):
        recorded = _decode(path, _Answer)
        request = recorded.request.body
        if request.type not in READERS:
            raise ConfigError(
                f"{path} answers a request that is not read", found=request.type, wanted=", ".join(READERS)
            )
        users[request.user.lower()] = path
        if len(users) > 1:
            raise ConfigError(
                "recorded answers belong to different accounts",
                found={user: path.name for user, path in users.items()},
                wanted="answers of one account",
            )
        answers.append(RecordedAnswer(request.type, bytes(recorded.response)))
    return tuple(answers)


def _decode(path: Path, kind: type[_T]) -> _T:
    try:
        return msgspec.json.decode(_read(path), type=kind)
    except (msgspec.DecodeError, RecursionError) as e:
        raise ConfigError(f"{path} cannot be used: {e}") from e


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as e:
        raise ConfigError(f"{path} cannot be read: {e.strerror}") from e
    if len(data) > MAX_FILE_BYTES:
        raise ConfigError(f"{path} is too long", wanted=f"at most {MAX_FILE_BYTES} bytes")
    return data
