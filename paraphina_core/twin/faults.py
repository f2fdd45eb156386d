"""The fault menu: everything a twin can be told to do wrong, each with its parameters and its effect.

A fault is a value. A `PassingFault` meets what passes by, frames, messages or requests, as often and as
long as it says; a `Deed` is done to the venue once, at its time. Chance comes from the twin's seed.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Final, TypeAlias, get_args

import msgspec

from paraphina_core.domain import ConfigError, LocalError, Side, TradingStatus, did_you_mean, is_positive

#: The longest delay, freeze, ban or step that a fault may ask for: a week.
MAX_MS: Final = 7 * 86_400_000

_Ms: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=MAX_MS)]
_Step: TypeAlias = Annotated[int, msgspec.Meta(ge=-MAX_MS, le=MAX_MS)]
_Count: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
_Chance: TypeAlias = Annotated[float, msgspec.Meta(gt=0.0, le=1.0)]
_Status: TypeAlias = Annotated[int, msgspec.Meta(ge=200, le=599)]


class PassingFault(msgspec.Struct, frozen=True, kw_only=True, tag_field="fault", forbid_unknown_fields=True):
    """What a fault of passing things may say of when it happens.

    Args:
        match: a part of the frame, message or request (`METHOD target body`) it meets; empty meets all.
        after_ms: begins so long after it was armed.
        count: how often it happens; None is once, or with `for_ms` as often as it can.
        for_ms: ends so long after it began; None lets it wait until it is used up.
        probability: of each thing that it meets.
    """

    match: str = ""
    after_ms: _Ms = 0
    count: _Count | None = None
    for_ms: _Ms | None = None
    probability: _Chance = 1.0


class FrameFault(PassingFault, frozen=True, kw_only=True):
    """Meets messages to clients on WebSockets."""


class MessageFault(PassingFault, frozen=True, kw_only=True):
    """Meets messages from clients on WebSockets."""


class RequestFault(PassingFault, frozen=True, kw_only=True):
    """Meets HTTP requests."""


class Deed(msgspec.Struct, frozen=True, kw_only=True, tag_field="fault", forbid_unknown_fields=True):
    """Is done once, so long after it was armed."""

    after_ms: _Ms = 0


class AccountDeed(Deed, frozen=True, kw_only=True):
    """Is done to an account; an empty name is every client's."""

    account: str = ""


class OrderFault(Deed, frozen=True, kw_only=True):
    """Happens to an order of an account, as soon as there is one; an empty account is any client's.

    `fraction` is of what is left of the order, rounded up to whole lots.
    """

    account: str = ""
    fraction: Decimal = Decimal("0.5")

    def __post_init__(self) -> None:
        _check_fraction(self.fraction)


# --- frames -----------------------------------------------------------------------------------


class Drop(FrameFault, frozen=True, kw_only=True, tag="drop"):
    """The frame is never sent."""


class Delay(FrameFault, frozen=True, kw_only=True, tag="delay"):
    """The frame is sent `ms` late, and everything behind it on its connection waits."""

    ms: _Ms = 1_000


class Duplicate(FrameFault, frozen=True, kw_only=True, tag="duplicate"):
    """The frame is sent twice."""


class Reorder(FrameFault, frozen=True, kw_only=True, tag="reorder"):
    """The frame is sent behind the next one of its connection, or after `ms` if none comes."""

    ms: _Ms = 1_000


class Split(FrameFault, frozen=True, kw_only=True, tag="split"):
    """The frame is sent as `parts` WebSocket fragments."""

    parts: Annotated[int, msgspec.Meta(ge=2, le=10_000)] = 16


class Gap(FrameFault, frozen=True, kw_only=True, tag="gap"):
    """The frame and the next ones of its connection that match are left out, `frames` in all."""

    frames: _Count = 3


class Garbled(StrEnum):
    """What becomes of a frame that is garbled."""

    TRUNCATED = "truncated"
    NONSENSE = "nonsense"
    NAN = "nan"
    DEEP = "deep"


class Garble(FrameFault, frozen=True, kw_only=True, tag="garble"):
    """The frame is cut in half, replaced by nonsense or a deep nest, or its first number is no number."""

    how: Garbled = Garbled.TRUNCATED


# --- messages and requests --------------------------------------------------------------------


class Ignore(MessageFault, frozen=True, kw_only=True, tag="ignore"):
    """The message is never read."""


class LoseRequest(RequestFault, frozen=True, kw_only=True, tag="lose_request"):
    """The request is not executed, and its connection ends without an answer, or hangs."""

    hangs: bool = False


class LoseAnswer(RequestFault, frozen=True, kw_only=True, tag="lose_answer"):
    """The request is executed, and its connection ends without an answer, or hangs."""

    hangs: bool = False


class SlowAnswer(RequestFault, frozen=True, kw_only=True, tag="slow_answer"):
    """The request is executed, and answered `ms` late."""

    ms: _Ms = 1_000


class RateLimit(RequestFault, frozen=True, kw_only=True, tag="rate_limit"):
    """The request is not executed, and answered with the venue's words for too many."""

    retry_after_s: Annotated[int, msgspec.Meta(ge=0, le=MAX_MS // 1000)] = 1


class ServerError(RequestFault, frozen=True, kw_only=True, tag="server_error"):
    """The request is answered with `status` and no sense, executed or not."""

    status: _Status = 503
    executed: bool = False


class Html(RequestFault, frozen=True, kw_only=True, tag="html"):
    """The request is answered with a web page, executed or not."""

    status: _Status = 200
    executed: bool = False


# --- the venue --------------------------------------------------------------------------------


class Ban(Deed, frozen=True, kw_only=True, tag="ban"):
    """Every request and new connection is refused for `ms`, with the venue's words for a ban."""

    ms: _Ms = 120_000


class Maintenance(Deed, frozen=True, kw_only=True, tag="maintenance"):
    """WebSockets are closed, and requests and connections refused for `ms`, in the venue's words."""

    ms: _Ms = 60_000


class Kill(Deed, frozen=True, kw_only=True, tag="kill"):
    """Every WebSocket whose target matches is cut without a word."""

    match: str = ""


class HalfOpen(Deed, frozen=True, kw_only=True, tag="half_open"):
    """Every WebSocket whose target matches stays open, but nothing is sent, read or ponged any more."""

    match: str = ""


class Freeze(Deed, frozen=True, kw_only=True, tag="freeze"):
    """Nothing is matched for `ms`; orders are taken and rest, the market stands still."""

    ms: _Ms = 10_000


class ClockStep(Deed, frozen=True, kw_only=True, tag="clock_step"):
    """The venue's clock is set forward by `ms`, or back; stamps never run backwards, they stand still."""

    ms: _Step = 60_000


class ExpireCredentials(AccountDeed, frozen=True, kw_only=True, tag="expire_credentials"):
    """The account's credentials are refused for `ms`; 0 is for good."""

    ms: _Ms = 0


class PartialFill(OrderFault, frozen=True, kw_only=True, tag="partial_fill"):
    """A resting order fills by a part, whatever its place in the queue."""


class Overfill(OrderFault, frozen=True, kw_only=True, tag="overfill"):
    """A resting order fills whole, and by a part more than it was for."""


class LateFill(OrderFault, frozen=True, kw_only=True, tag="late_fill"):
    """The next order that is cancelled fills by a part, `ms` after its cancel was told."""

    ms: _Ms = 500


class ExternalOrder(AccountDeed, frozen=True, kw_only=True, tag="external_order"):
    """An order that no client sent rests for the account, `away_bps` from the mark price."""

    side: Side = Side.BUY
    away_bps: Annotated[int, msgspec.Meta(ge=1, lt=10_000)] = 100
    notional_usd: Decimal = Decimal(100)

    def __post_init__(self) -> None:
        if not is_positive(self.notional_usd):
            raise LocalError("notional is not usable", found=self.notional_usd, wanted="above 0")


class VenueCancel(AccountDeed, frozen=True, kw_only=True, tag="venue_cancel"):
    """Every order of the account is cancelled by the venue."""


class Liquidation(AccountDeed, frozen=True, kw_only=True, tag="liquidation"):
    """The account is liquidated, whatever its margin."""


class Deleverage(AccountDeed, frozen=True, kw_only=True, tag="deleverage"):
    """A part of every position of the account is closed at the mark price by the venue (ADL)."""

    fraction: Decimal = Decimal("0.5")

    def __post_init__(self) -> None:
        _check_fraction(self.fraction)


class Withdrawal(AccountDeed, frozen=True, kw_only=True, tag="withdrawal"):
    """Collateral of the account goes, and nothing tells why."""

    amount_usd: Decimal = Decimal(100)

    def __post_init__(self) -> None:
        if not is_positive(self.amount_usd):
            raise LocalError("amount is not usable", found=self.amount_usd, wanted="above 0")


class LeverageChange(AccountDeed, frozen=True, kw_only=True, tag="leverage_change"):
    """The account's leverage is another one on every instrument, as if set on the venue's own page."""

    leverage: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 1


class MarkShift(Deed, frozen=True, kw_only=True, tag="mark_shift"):
    """Mark prices are off by `bps` for `ms`; 0 is for good."""

    bps: Annotated[int, msgspec.Meta(gt=-10_000, le=100_000)] = 500
    ms: _Ms = 10_000


class Status(Deed, frozen=True, kw_only=True, tag="status"):
    """Every instrument whose id matches allows only what `status` says, for `ms`; 0 is for good."""

    match: str = ""
    status: TradingStatus = TradingStatus.HALTED
    ms: _Ms = 10_000


class Funding(Deed, frozen=True, kw_only=True, tag="funding"):
    """Funding is paid now on every instrument; `rate_1h` is put in force before, unless it is None."""

    rate_1h: Annotated[float, msgspec.Meta(ge=-1.0, le=1.0)] | None = None


#: What can be armed.
Fault: TypeAlias = PassingFault | Deed

_Menu: TypeAlias = (
    Drop
    | Delay
    | Duplicate
    | Reorder
    | Split
    | Gap
    | Garble
    | Ignore
    | LoseRequest
    | LoseAnswer
    | SlowAnswer
    | RateLimit
    | ServerError
    | Html
    | Ban
    | Maintenance
    | Kill
    | HalfOpen
    | Freeze
    | ClockStep
    | ExpireCredentials
    | PartialFill
    | Overfill
    | LateFill
    | ExternalOrder
    | VenueCancel
    | Liquidation
    | Deleverage
    | Withdrawal
    | LeverageChange
    | MarkShift
    | Status
    | Funding
)

#: Every fault by its name, in the order of the menu.
MENU: Final[Mapping[str, type[Fault]]] = {str(kind.__struct_config__.tag): kind for kind in get_args(_Menu)}

_WHEN: Final = (*PassingFault.__struct_fields__,)


class MenuLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the menu for people: a fault's name, what it meets, its effect, its own parameters."""

    name: str
    meets: str
    effect: str
    parameters: str


def menu() -> tuple[MenuLine, ...]:
    """Return the menu as it is shown and documented."""
    return tuple(_line(name, kind) for name, kind in MENU.items())


def name_of(fault: Fault) -> str:
    """Return a fault's name in the menu."""
    return str(fault.__struct_config__.tag)


def parse_fault(text: str) -> Fault:
    """Read a fault as it is typed: `drop`, or `drop:count=3,match=trades`.

    Raises:
        ConfigError: there is no such fault or parameter, or a value is not usable.
    """
    name, _, given = text.strip().partition(":")
    values: dict[str, str] = {}
    for part in filter(None, given.split(",")):
        key, equals, value = part.partition("=")
        if not equals or key.strip() in values:
            raise ConfigError(f"fault {text!r} is not usable", found=part, wanted="name=value, each once")
        values[key.strip()] = value.strip()
    return read_fault({"fault": name.strip(), **values})


def read_fault(values: object) -> Fault:
    """Read a fault from a mapping with its name under `fault`, such as an object of JSON.

    Raises:
        ConfigError: as `parse_fault`.
    """
    name = values.get("fault") if isinstance(values, Mapping) else None
    if not isinstance(name, str) or name not in MENU:
        raise ConfigError("no fault is called so", found=name, remedy=did_you_mean(str(name), MENU))
    try:
        return msgspec.convert(values, MENU[name], strict=False)
    except (msgspec.ValidationError, LocalError) as e:
        raise ConfigError(
            f"fault {name} is not usable: {e}", wanted=", ".join(MENU[name].__struct_fields__)
        ) from e


def _check_fraction(fraction: Decimal) -> None:
    if not (is_positive(fraction) and fraction <= 1):
        raise LocalError("fraction is not usable", found=fraction, wanted="above 0, at most 1")


def _line(name: str, kind: type[Fault]) -> MenuLine:
    bases: Mapping[type, str] = {
        FrameFault: "frames to clients",
        MessageFault: "messages from clients",
        RequestFault: "requests",
        Deed: "the venue",
    }
    meets = next(text for base, text in bases.items() if issubclass(kind, base))
    own = [
        f"{field.name}={_spelled(field.default)}"
        for field in msgspec.structs.fields(kind)
        if field.name not in _WHEN or (field.name == "match" and issubclass(kind, Deed))
    ]
    return MenuLine(name=name, meets=meets, effect=(kind.__doc__ or "").strip(), parameters=", ".join(own))


def _spelled(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
