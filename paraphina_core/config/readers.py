"""How a value is read, strictly: as text (environment, command line) or as a value that TOML gave a type.

A reader never guesses. A number is plain ASCII decimal notation within plausible bounds, a switch is
one of eight words, a choice is one of its names; anything else is an error that says what was wanted.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Final, Generic, TypeVar

import msgspec

from paraphina_core.domain import ConfigError, canonical_name, exact, nearest_name

T = TypeVar("T")

_INTEGER: Final = re.compile(r"-?[0-9]{1,19}", re.ASCII)
_NUMBER: Final = re.compile(r"-?[0-9]{1,20}(?:\.[0-9]{1,20})?", re.ASCII)
_DURATION: Final = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,6})?)([smh]?)", re.ASCII)
_SECONDS: Final = {"": 1, "s": 1, "m": 60, "h": 3600}
_NAME: Final = re.compile(r"[a-z0-9_]{1,60}", re.ASCII)
_LABEL: Final = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_LOOPBACK_ORIGIN: Final = re.compile(
    r"http://(?:127\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}|localhost|\[::1\]):[0-9]{1,5}", re.ASCII
)
_IPV6: Final = 6
_MOST_PORT: Final = 65_535
_HOST: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL}){{0,20}}", re.ASCII)
_FLAG: Final = dict.fromkeys(("1", "true", "yes", "on"), True) | dict.fromkeys(
    ("0", "false", "no", "off"), False
)


class _UnusableError(Exception):
    """A value was refused; `hint` may say what was probably meant. Never leaves this module."""

    def __init__(self, hint: str = "") -> None:
        self.hint = hint
        super().__init__(hint)


class Reader(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """Two ways into one type: `parse` takes text, `check` a value that already has a type."""

    wanted: str
    parse: Callable[[str], T]
    check: Callable[[object], T]

    def read(self, value: object, *, name: str, origin: str, is_text: bool = False) -> T:
        """Return the value in its own type.

        Args:
            value: what the operator wrote.
            name: the key or variable, for the error.
            origin: where it was written, for the error.
            is_text: the place knows nothing but text (environment, command line).

        Raises:
            ConfigError: it cannot be used; says what was found, what is wanted and where it stands.
        """
        try:
            return self.parse(value) if is_text and isinstance(value, str) else self.check(value)
        except _UnusableError as e:
            raise ConfigError(
                f"{name} is not usable",
                found=value[:200] if isinstance(value, str) else value,
                wanted=self.wanted,
                remedy="; ".join(filter(None, (e.hint, f"it is set by {origin}"))),
            ) from e


def integer(low: int, high: int, *, or_zero: bool = False) -> Reader[int]:
    """Read a whole number from `low` to `high`; `or_zero` admits 0 below them, where it means none."""

    def check(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise _UnusableError
        return _within(value, low, high, or_zero=or_zero)

    return Reader(
        wanted=_range("a whole number", low, high, or_zero=or_zero),
        parse=lambda text: check(int(_matching(_INTEGER, text))),
        check=check,
    )


def number(low: float, high: float, *, or_zero: bool = False) -> Reader[float]:
    """Read a finite number from `low` to `high`; `or_zero` as for `integer`."""

    def check(value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise _UnusableError
        return float(_within(value, low, high, or_zero=or_zero))

    return Reader(
        wanted=_range("a number", low, high, or_zero=or_zero),
        parse=lambda text: check(float(_matching(_NUMBER, text))),
        check=check,
    )


def money(low: int, high: int) -> Reader[Decimal]:
    """Read an exact amount from `low` to `high`."""

    def check(value: object) -> Decimal:
        if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
            raise _UnusableError
        if isinstance(value, Decimal) and not value.is_finite():  # a decimal NaN cannot even be compared
            raise _UnusableError
        return exact(_within(value, low, high))

    return Reader(
        wanted=_range("an amount", low, high),
        parse=lambda text: check(Decimal(_matching(_NUMBER, text))),
        check=check,
    )


def duration(high: float) -> Reader[float]:
    """Read a time above zero in seconds; text may carry the unit: 90, 90s, 15m, 12h."""

    def check(value: object) -> float:
        if isinstance(value, str):
            return parse(value)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= high:
            raise _UnusableError
        return float(value)

    def parse(text: str) -> float:
        match = _DURATION.fullmatch(text.strip())
        if match is None:
            raise _UnusableError
        return check(float(match[1]) * _SECONDS[match[2]])

    return Reader(
        wanted=f"seconds above 0 up to {high:,}, or with a unit: 90s, 15m, 12h", parse=parse, check=check
    )


def flag() -> Reader[bool]:
    """Read a switch: one of eight words in any case; in TOML true or false."""

    def parse(text: str) -> bool:
        try:
            return _FLAG[text.strip().lower()]
        except KeyError as e:
            raise _UnusableError from e

    def check(value: object) -> bool:
        if not isinstance(value, bool):
            raise _UnusableError
        return value

    return Reader(wanted="true or false (as text also 1, yes, on, 0, no, off)", parse=parse, check=check)


def choice(values: Mapping[str, T], aliases: Mapping[str, str] | None = None) -> Reader[T]:
    """Read one of a few values by its name or by an alias of it."""
    other_names = aliases or {}

    def parse(text: str) -> T:
        name = canonical_name(text)
        try:
            return values[other_names.get(name, name)]
        except KeyError as e:
            meant = nearest_name(text, [*values, *other_names])
            raise _UnusableError(f"did you mean {meant}?" if meant else "") from e

    return Reader(wanted=f"one of {', '.join([*values, *other_names])}", parse=parse, check=_only_text(parse))


def text() -> Reader[str]:
    """Read text as it stands: not empty, nothing unprintable in it."""
    return Reader(wanted="printable text", parse=_printable, check=_only_text(_printable))


def name() -> Reader[str]:
    """Read a name in its canonical form; whether it is known is for others to say."""
    return Reader(wanted="a name of letters, digits, - and _", parse=_name, check=_only_text(_name))


def names(*, or_none: bool = False) -> Reader[tuple[str, ...]]:
    """Read names without repetition, in order; `or_none` admits an empty list."""
    return _several("names", _name, or_none=or_none)


def hosts() -> Reader[tuple[str, ...]]:
    """Read host names, without scheme, port or path."""
    return _several(
        "host names such as api.example.com",
        lambda host: _matching(_HOST, host.lower()),
        or_none=True,
    )


def loopback_origins() -> Reader[tuple[str, ...]]:
    """Read addresses of servers on this machine: scheme, loopback host and port, and nothing more."""
    return _several("addresses such as http://127.0.0.1:8000", _loopback_origin, or_none=True)


def listen_address() -> Reader[str]:
    """Read where to listen: an IP address and a port, 0 for any that is free."""
    return Reader(
        wanted="an IP address and a port, such as 127.0.0.1:9898 or [::1]:9898",
        parse=_listen_address,
        check=_only_text(_listen_address),
    )


def path() -> Reader[Path]:
    """Read a path, possibly relative to where it was written; it need not exist."""
    return Reader(wanted="a path", parse=_path, check=_only_text(_path))


def profile_name() -> Reader[str | Path]:
    """Read the name of a profile of this package, or the path of an own one."""

    def parse(text: str) -> str | Path:
        return _path(text) if "/" in text or text.endswith(".toml") else _name(text)

    return Reader(
        wanted="a built-in profile's name, or a path that contains / or ends in .toml",
        parse=parse,
        check=_only_text(parse),
    )


def _within(value: T, low: float, high: float, *, or_zero: bool = False) -> T:
    if not (low <= value <= high or (or_zero and value == 0)):  # type: ignore[operator]  # T is a number
        raise _UnusableError
    return value


def _range(kind: str, low: float, high: float, *, or_zero: bool = False) -> str:
    return f"{'0 (none allowed) or ' if or_zero else ''}{kind} from {low:,} to {high:,}"


def _matching(pattern: re.Pattern[str], text: str) -> str:
    if pattern.fullmatch(text.strip()) is None:
        raise _UnusableError
    return text.strip()


def _only_text(parse: Callable[[str], T]) -> Callable[[object], T]:
    def check(value: object) -> T:
        if not isinstance(value, str):
            raise _UnusableError
        return parse(value)

    return check


def _several(what: str, parse_one: Callable[[str], str], *, or_none: bool) -> Reader[tuple[str, ...]]:
    def check(value: object) -> tuple[str, ...]:
        if not isinstance(value, list | tuple) or not (value or or_none):
            raise _UnusableError
        return tuple(dict.fromkeys(map(_only_text(parse_one), value)))

    return Reader(
        wanted=f"{what} separated by commas (in TOML an array of texts)",
        parse=lambda text: check(text.split(",") if text.strip() else []),
        check=check,
    )


def _loopback_origin(text: str) -> str:
    return _matching(_LOOPBACK_ORIGIN, text.strip().rstrip("/"))


def _listen_address(text: str) -> str:
    host, _, port = text.strip().rpartition(":")
    try:
        address = ipaddress.ip_address(host.removeprefix("[").removesuffix("]"))
    except ValueError as e:
        raise _UnusableError from e
    shown = f"[{address}]" if address.version == _IPV6 else str(address)
    if host != shown or not (port.isascii() and port.isdigit() and int(port) <= _MOST_PORT):
        raise _UnusableError
    return f"{shown}:{int(port)}"


def _printable(text: str) -> str:
    if not text or not text.isprintable():
        raise _UnusableError
    return text


def _name(text: str) -> str:
    return _matching(_NAME, canonical_name(text))


def _path(text: str) -> Path:
    return Path(_printable(text))
