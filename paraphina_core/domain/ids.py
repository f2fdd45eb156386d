"""Client order ids that never repeat over restarts and that every venue can carry.

An id is a 48-bit integer: 26 bits of run number, 22 bits of counter. 48 bits is the smallest
space among the venues (Lighter's client order index, `2**48 - 1`, read 2026-11); the other
spellings are encodings of the same integer: 128-bit hex and short text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, NewType

from .errors import LocalError, RemoteProtocolError

#: Names one tradable contract: venue, native id and, where it is not one, the multiplier.
InstrumentId = NewType("InstrumentId", str)

#: A client order id as this program keeps it: 48 bits, run number high, counter low.
ClientOrderId = NewType("ClientOrderId", int)

#: Number of one run of the program, unique over restarts.
RunNumber = NewType("RunNumber", int)

#: Versions of one order; they count or are times.
MAX_VERSION: Final = 10**16 - 1

RUN_BITS: Final = 26
COUNTER_BITS: Final = 22
MAX_RUN: Final = 2**RUN_BITS - 1
MAX_COUNTER: Final = 2**COUNTER_BITS - 1

#: Run numbers count slots of this length since RUN_EPOCH_S, which lasts until the year 2060.
RUN_SLOT_S: Final = 16
RUN_EPOCH_S: Final = 1_767_225_600  # 2026-01-01T00:00:00Z

_HEX_TAG: Final = int.from_bytes(b"paraphna")  # fills the upper 64 bits
_MODE = re.compile(r"[a-z]", re.ASCII)
_TEXT = re.compile(r"pa-[a-z]-([0-9a-f]{12})(?:-[0-9]{1,16})?", re.ASCII)
_HEX = re.compile(r"0x([0-9a-f]{16})([0-9a-f]{4})([0-9a-f]{12})", re.ASCII)


def instrument_id(venue: str, native_id: str, multiplier: str = "1") -> InstrumentId:
    """Name an instrument, so that 1000PEPE and PEPE, or two venues' BTC, never collide."""
    suffix = "" if multiplier == "1" else f"*{multiplier}"
    return InstrumentId(f"{venue}:{native_id}{suffix}")


def next_run_number(now_s: int, last: int | None) -> RunNumber:
    """Choose a run number above every earlier one.

    The clock keeps numbers unique when the file that remembers `last` is lost; the file keeps
    them unique when restarts are quick or the clock steps back.

    Args:
        now_s: wall clock, seconds since 1970.
        last: the highest number ever given out on this machine, if known.

    Raises:
        LocalError: the numbers are used up (year 2060) or the clock is before 2026.
    """
    slot = (now_s - RUN_EPOCH_S) // RUN_SLOT_S
    number = slot if last is None else max(slot, last + 1)
    if not 0 <= number <= MAX_RUN:
        raise LocalError(
            "no run number left", found=number, wanted=f"0 to {MAX_RUN}", remedy="check the clock"
        )
    return RunNumber(number)


class ClientOrderIds:
    """Hands out the client order ids of one run, and of the runs it is renewed with.

    Args:
        allocate: gives a run number never given before and has stored it before it returns;
            called once at the start and again each time the counter is used up.
    """

    def __init__(self, allocate: Callable[[], RunNumber]) -> None:
        self._allocate = allocate
        self._counter = 0
        self._run = allocate()

    @property
    def run(self) -> RunNumber:
        """The run number that ids handed out now begin with."""
        return self._run

    def take(self) -> ClientOrderId:
        """Hand out the next id."""
        if self._counter > MAX_COUNTER:
            self._run = self._allocate()
            self._counter = 0
        value = (self._run << COUNTER_BITS) | self._counter
        self._counter += 1
        return ClientOrderId(value)


def run_of(client_order_id: int) -> RunNumber:
    """Return the run number inside a client order id."""
    return RunNumber(client_order_id >> COUNTER_BITS)


def to_hex128(client_order_id: int, mode: str) -> str:
    """Encode as `0x` and 32 lower-case hex digits, for venues with 128-bit ids.

    Args:
        client_order_id: the 48-bit id.
        mode: first letter of the trade mode, so that a paper id can never pass for a live one.
    """
    _check(client_order_id, mode)
    return f"0x{_HEX_TAG:016x}{ord(mode):04x}{client_order_id:012x}"


def from_hex128(text: str) -> ClientOrderId | None:
    """Decode `to_hex128`; None for an id that this program did not make."""
    match = _HEX.fullmatch(text)
    if match is None or int(match[1], 16) != _HEX_TAG:
        return None
    return ClientOrderId(int(match[3], 16))


def to_text(client_order_id: int, mode: str, version: int | None = None) -> str:
    """Encode as at most 34 characters of `[a-z0-9-]`, for venues with text ids of at most 36.

    Args:
        client_order_id: the 48-bit id.
        mode: as for `to_hex128`.
        version: at most 16 digits, for venues where an order that was changed is another one, which needs
            another id; both decode to the same id of ours.
    """
    _check(client_order_id, mode)
    if version is None:
        return f"pa-{mode}-{client_order_id:012x}"
    if not 0 <= version <= MAX_VERSION:
        raise LocalError("version cannot stand in a client order id", found=version, wanted="16 digits")
    return f"pa-{mode}-{client_order_id:012x}-{version}"


def from_text(text: str) -> ClientOrderId | None:
    """Decode `to_text` of any version; None for an id that this program did not make."""
    match = _TEXT.fullmatch(text)
    return None if match is None else ClientOrderId(int(match[1], 16))


def from_int48(value: int) -> ClientOrderId:
    """Check an integer id from a venue.

    Raises:
        RemoteProtocolError: it does not fit into 48 bits.
    """
    if not 0 <= value < 2 ** (RUN_BITS + COUNTER_BITS):
        raise RemoteProtocolError("client order id is out of range", found=value, wanted="48 bits")
    return ClientOrderId(value)


def _check(client_order_id: int, mode: str) -> None:
    if _MODE.fullmatch(mode) is None:
        raise LocalError("mode cannot stand in a client order id", found=mode, wanted="one letter a to z")
    if not 0 <= client_order_id < 2 ** (RUN_BITS + COUNTER_BITS):
        raise LocalError("client order id is out of range", found=client_order_id, wanted="48 bits")
