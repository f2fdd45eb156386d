"""Commands and events are frozen values that survive their file, and none carries what is no number."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, get_args, get_type_hints

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paraphina_core import domain
from paraphina_core.domain import (
    AccountEvent,
    Batch,
    CancelOrder,
    Command,
    Event,
    Fill,
    FillsListed,
    FixedTick,
    FundingPayment,
    Instrument,
    Level,
    Liquidity,
    LocalError,
    MarketEvent,
    ModifyOrder,
    OpenOrdersListed,
    OrderCommand,
    OrderEvent,
    OrderReport,
    OrderState,
    PlaceOrder,
    PositionReport,
    PositionsListed,
    ProtocolEvent,
    Query,
    Side,
    SignificantFigures,
    TimeInForce,
)

AMOUNTS = st.decimals(min_value="-1e12", max_value="1e12", places=8, allow_nan=False)
POSITIVE = st.decimals(min_value="0.00000001", max_value="1e12", places=8)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
INTEGERS = st.integers(-(2**63), 2**63 - 1)
IDS = st.integers(0, 2**48 - 1)
LEVEL = st.builds(Level, FLOATS, FLOATS)
LEVELS = st.lists(LEVEL, max_size=3).map(tuple)

INSTRUMENTS = st.builds(
    Instrument,
    venue=st.text(max_size=9),
    native_id=st.text(max_size=9),
    base=st.text(max_size=9),
    quote=st.text(max_size=9),
    price_rule=st.builds(FixedTick, tick=POSITIVE)
    | st.builds(SignificantFigures, figures=st.integers(1, 9), max_decimals=st.integers(0, 9)),
    lot_size=POSITIVE,
    min_size=POSITIVE,
    min_notional=POSITIVE,
    multiplier=POSITIVE,
    max_size=st.none() | POSITIVE,
    max_notional=st.none() | POSITIVE,
)

#: How to make a value of each type that hypothesis would make without the bounds of a file.
BY_TYPE: dict[str, st.SearchStrategy[Any]] = {
    "ClientOrderId": IDS,
    "ClientOrderId | None": st.none() | IDS,
    "Decimal": AMOUNTS,
    "Decimal | None": st.none() | AMOUNTS,
    "Instrument": INSTRUMENTS,
    "float": FLOATS,
    "float | None": st.none() | FLOATS,
    "int": INTEGERS,
    "int | None": st.none() | INTEGERS,
    "Level | None": st.none() | LEVEL,
    "Sequence[Level]": st.lists(LEVEL, max_size=3),
    "tuple[Level, ...]": LEVELS,
}
NEEDED: dict[type[Any], dict[str, st.SearchStrategy[Any]]] = {
    PlaceOrder: {"price": POSITIVE, "size": POSITIVE},
    ModifyOrder: {"price": POSITIVE, "size": POSITIVE},
}
#: What the values that hold a list hold.
LISTED: dict[type[Any], dict[str, type[Any]]] = {
    OpenOrdersListed: {"orders": OrderReport},
    FillsListed: {"fills": Fill},
    PositionsListed: {"positions": PositionReport},
}


def values_of(kind: type[Any]) -> st.SearchStrategy[Any]:
    """Make any value of a command or event, with every field varied."""
    if kind is Batch:
        orders = st.one_of(values_of(PlaceOrder), values_of(ModifyOrder), values_of(CancelOrder))
        return st.builds(Batch, commands=st.lists(orders, max_size=3).map(tuple))
    listed = LISTED.get(kind, {})
    fields = {
        name: BY_TYPE.get(kind.__annotations__[name], st.from_type(hint))
        for name, hint in get_type_hints(kind).items()
        if name in kind.__struct_fields__ and name not in listed
    } | NEEDED.get(kind, {})
    for name, item in listed.items():
        fields[name] = st.lists(values_of(item), max_size=2).map(tuple)
    if kind is PlaceOrder:  # post-only and immediate contradict each other
        resting = st.builds(kind, **(fields | {"time_in_force": st.just(TimeInForce.GTC)}))
        return resting | st.builds(kind, **(fields | {"post_only": st.just(value=False)}))
    return st.builds(kind, **fields)


def members(union: Any) -> list[type[Any]]:
    """Return the classes of a union of unions."""
    return [kind for part in get_args(union) for kind in (members(part) or [part])]


COMMANDS = members(Command)
EVENTS = members(Event)
QUERIES = members(Query)
UNIONS: dict[type[Any], Any] = {kind: union for union in (Command, Event, Query) for kind in members(union)}


@pytest.mark.parametrize("kind", UNIONS, ids=lambda kind: kind.__name__)
@given(data=st.data())
def test_every_value_survives_its_file(kind: type[Any], data: st.DataObject) -> None:
    """Written as JSON and read back by its tag, it is equal, and so are its bytes."""
    value = data.draw(values_of(kind))
    union = UNIONS[kind]
    written = msgspec.json.encode(value, order="deterministic")
    read = msgspec.json.decode(written, type=union)
    assert type(read) is kind
    assert read == value
    assert msgspec.json.encode(read, order="deterministic") == written


def test_no_two_kinds_share_a_tag() -> None:
    """The tag alone says what a line of a file is."""
    for kinds in (COMMANDS, EVENTS, QUERIES):
        tags = [kind.__struct_config__.tag for kind in kinds]
        assert None not in tags
        assert len(set(tags)) == len(tags)


def test_the_unions_hold_every_command_and_every_event() -> None:
    """A new kind that is missing in a union would be unreadable."""
    tagged = {
        value
        for value in vars(domain).values()
        if isinstance(value, type) and issubclass(value, msgspec.Struct) and value.__struct_config__.tag
    }
    rules = {FixedTick, SignificantFigures}
    assert UNIONS.keys() == tagged - rules
    assert set(EVENTS) == {
        *members(MarketEvent),
        *members(OrderEvent),
        *members(AccountEvent),
        *members(ProtocolEvent),
    }
    assert set(members(OrderCommand)) < set(COMMANDS)


@pytest.mark.parametrize("kind", [*UNIONS, Instrument], ids=lambda kind: kind.__name__)
def test_a_value_is_frozen_and_takes_its_fields_by_name(kind: type[Any]) -> None:
    """Nobody can change what somebody else has checked, nor mix up two numbers."""
    assert kind.__struct_config__.frozen
    with pytest.raises(TypeError):
        kind("by position")


def place(**changes: Any) -> PlaceOrder:
    """Make an order, with changes."""
    values: dict[str, Any] = {
        "instrument": "venue:BTC",
        "client_order_id": 1,
        "side": Side.BUY,
        "price": Decimal(100),
        "size": Decimal(1),
    }
    return PlaceOrder(**(values | changes))


def modify(**changes: Any) -> ModifyOrder:
    """Make a change of an order, with changes."""
    values: dict[str, Any] = {
        "instrument": "venue:BTC",
        "client_order_id": 1,
        "venue_order_id": None,
        "side": Side.BUY,
        "price": Decimal(100),
        "size": Decimal(1),
    }
    return ModifyOrder(**(values | changes))


def fill(**changes: Any) -> Fill:
    """Make a fill, with changes."""
    values: dict[str, Any] = {
        "instrument": "venue:BTC",
        "client_order_id": 1,
        "venue_order_id": None,
        "trade_id": "1",
        "side": Side.BUY,
        "price": Decimal(100),
        "size": Decimal(1),
        "fee": Decimal("0.01"),
        "liquidity": Liquidity.MAKER,
    }
    return Fill(**(values | changes))


def funding(**changes: Any) -> FundingPayment:
    """Make a funding payment, with changes."""
    values: dict[str, Any] = {"instrument": "v:BTC", "amount": Decimal(1), "rate": 0.0, "exchange_ns": 1}
    return FundingPayment(**(values | changes))


NUMBERS: list[tuple[Callable[..., Any], str]] = [
    *((make, field) for make in (place, modify) for field in ("price", "size")),
    *((fill, field) for field in ("price", "size", "fee")),
    (funding, "amount"),
]


@pytest.mark.parametrize("text", ["NaN", "sNaN", "Infinity", "-Infinity"])
@pytest.mark.parametrize(("make", "field"), NUMBERS)
def test_f018_a_value_with_what_is_no_number_cannot_be_made(
    make: Callable[..., Any], field: str, text: str
) -> None:
    """Neither by a program nor from a file; the error is ours and no arithmetic exception."""
    with pytest.raises(LocalError):
        make(**{field: Decimal(text)})
    written = msgspec.json.encode(make(**{field: Decimal("123.5")}))
    assert b'"123.5"' in written
    with pytest.raises(LocalError):
        msgspec.json.decode(written.replace(b'"123.5"', f'"{text}"'.encode()), type=type(make()))


@pytest.mark.parametrize("text", ["0", "-0", "-1", "-0.1"])
@pytest.mark.parametrize("make", [place, modify])
@pytest.mark.parametrize("field", ["price", "size"])
def test_an_order_has_a_price_and_a_size_above_zero(make: Callable[..., Any], field: str, text: str) -> None:
    """Zero and negative are refused before any gate is asked."""
    with pytest.raises(LocalError):
        make(**{field: Decimal(text)})


def test_an_order_is_not_post_only_and_immediate() -> None:
    """The two contradict each other."""
    with pytest.raises(LocalError):
        place(post_only=True, time_in_force=TimeInForce.IOC)


def test_only_four_states_are_final_and_unknown_is_none_of_them() -> None:
    """An order whose answer was lost counts as live."""
    assert {state for state in OrderState if state.is_final} == {
        OrderState.FILLED,
        OrderState.CANCELLED,
        OrderState.REJECTED,
        OrderState.EXPIRED,
    }


def test_sides_are_opposite_and_signed() -> None:
    """Buy is plus one."""
    assert [(side.sign, side.opposite) for side in (Side.BUY, Side.SELL)] == [(1, Side.SELL), (-1, Side.BUY)]
