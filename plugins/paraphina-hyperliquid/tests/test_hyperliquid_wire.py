"""Commands are spelled as the venue's docs want them, or refused before they are signed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paraphina_core.connector import Answer, Failure, FailureKind, HttpRequest, Network, Request, WriteContext
from paraphina_core.domain import (
    ArmDeadMan,
    Batch,
    CancelAll,
    CancelOrder,
    ClientOrderId,
    GridError,
    LocalError,
    ModifyOrder,
    OrderAccepted,
    OutcomeUnknown,
    PlaceOrder,
    SetLeverage,
    Side,
    TimeInForce,
    instrument_id,
    to_hex128,
)
from paraphina_hyperliquid.actions import Action, Sent, Spelling, wire_number
from paraphina_hyperliquid.limits import MAX_BATCH, weight_of
from paraphina_hyperliquid.order_entry import DEADLINE_MS, EXPIRES_AFTER_MS, MAX_WAITING, OrderEntry
from paraphina_hyperliquid.signing import Authority

VECTORS = Path(__file__).parent / "vectors"
BTC = instrument_id("hyperliquid", "BTC")
ETH = instrument_id("hyperliquid", "ETH")
ASSETS = {BTC: 0, ETH: 110_000}
NOW_NS = 1_763_800_000_000_999_999
NOW_MS = 1_763_800_000_000
SPELLING = Spelling(ASSETS, "t")


def cloid(client_order_id: int) -> str:
    """Return the id as the venue carries it."""
    return to_hex128(client_order_id, "t")


def place(client_order_id: int = 1, **changes: Any) -> PlaceOrder:
    """Return a post-only buy."""
    values: dict[str, Any] = {
        "instrument": BTC,
        "client_order_id": ClientOrderId(client_order_id),
        "side": Side.BUY,
        "price": Decimal("96500.0"),
        "size": Decimal("0.00100"),
        "post_only": True,
    }
    return PlaceOrder(**values | changes)


def modify(client_order_id: int = 1, **changes: Any) -> ModifyOrder:
    """Return a change of a post-only sell."""
    values: dict[str, Any] = {
        "instrument": BTC,
        "client_order_id": ClientOrderId(client_order_id),
        "venue_order_id": "323550506865",
        "side": Side.SELL,
        "price": Decimal(96450),
        "size": Decimal("0.002"),
        "post_only": True,
    }
    return ModifyOrder(**values | changes)


def cancel(client_order_id: int = 1, venue_order_id: str | None = None) -> CancelOrder:
    """Return a cancel."""
    return CancelOrder(
        instrument=ETH, client_order_id=ClientOrderId(client_order_id), venue_order_id=venue_order_id
    )


def spelled(command: Sent) -> str:
    """Return the action of a command as JSON, keys in order."""
    return json.dumps(json.loads(msgspec.json.encode(SPELLING.action(command, NOW_NS))))


def wire_cases() -> list[Any]:
    """Return the vectors for numbers."""
    found = json.loads((VECTORS / "wire_format.json").read_text(encoding="utf-8"))["cases"]
    return [pytest.param(case["input"], case["expected"], id=case["input"]) for case in found]


#: Where exactness differs from the SDK, which rounds a float to eight decimals when it is near enough.
EXACT = {"-0.0": "0", "0.30000000000000004": None}


@pytest.mark.parametrize(("text", "expected"), wire_cases())
def test_a_number_is_spelled_as_by_the_official_sdk(text: str, expected: dict[str, str]) -> None:
    """No exponent, no trailing zeros, at most eight decimals; two inputs differ because ours are exact."""
    wanted = EXACT.get(text, expected.get("wire"))
    if wanted is None:
        with pytest.raises(GridError):
            wire_number(Decimal(text), "price")
    else:
        assert wire_number(Decimal(text), "price") == wanted


@given(st.decimals(min_value=0, max_value=10**19, places=8, allow_nan=False))
def test_a_spelled_number_is_the_number(number: Decimal) -> None:
    """Nothing is lost, and what the venue reads and spells again is the same text."""
    text = wire_number(number, "size")
    assert Decimal(text) == number
    assert wire_number(Decimal(text), "size") == text
    assert "e" not in text.lower()


@given(st.decimals(allow_nan=True, allow_infinity=True))
def test_f027_any_decimal_is_spelled_exactly_or_refused(number: Decimal) -> None:
    """Also NaN, infinity and numbers of a million digits."""
    try:
        text = wire_number(number, "price")
    except GridError:
        return
    assert Decimal(text) == number
    assert len(text) <= 1 + 20 + 1 + 8


@pytest.mark.parametrize("text", ["NaN", "sNaN", "Infinity", "1E+20", "1E+400000000", "1E-400000000", "1E-9"])
def test_f027_a_number_that_cannot_be_sent_is_refused(text: str) -> None:
    """The limits of magnitude and of decimals."""
    with pytest.raises(GridError):
        wire_number(Decimal(text), "price")


@pytest.mark.parametrize(
    ("order", "tif"),
    [
        (place(), "Alo"),
        (place(post_only=False), "Gtc"),
        (place(post_only=False, time_in_force=TimeInForce.IOC), "Ioc"),
    ],
)
def test_an_order_has_the_documented_keys_in_the_documented_order(order: PlaceOrder, tif: str) -> None:
    """Asset, is-buy, price, size, reduce-only, type, client order id."""
    assert spelled(order) == (
        '{"type": "order", "orders": [{"a": 0, "b": true, "p": "96500", "s": "0.001", "r": false, '
        f'"t": {{"limit": {{"tif": "{tif}"}}}}, "c": "{cloid(1)}"}}], "grouping": "na"}}'
    )


def test_side_reduce_only_and_asset_are_the_commands() -> None:
    """Each is told apart."""
    (order,) = json.loads(spelled(place(instrument=ETH, side=Side.SELL, reduce_only=True)))["orders"]
    assert (order["a"], order["b"], order["r"]) == (110_000, False, True)


def test_a_modify_names_the_order_by_the_venues_id_or_by_ours() -> None:
    """The new order keeps the client order id; the flag that could double an order is never sent."""
    assert spelled(modify()) == (
        '{"type": "batchModify", "modifies": [{"oid": 323550506865, "order": {"a": 0, "b": false, '
        '"p": "96450", "s": "0.002", "r": false, "t": {"limit": {"tif": "Alo"}}, '
        f'"c": "{cloid(1)}"}}}}]}}'
    )
    by_ours = json.loads(spelled(modify(venue_order_id=None, post_only=False)))["modifies"][0]
    assert by_ours["oid"] == by_ours["order"]["c"] == cloid(1)
    assert by_ours["order"]["t"] == {"limit": {"tif": "Gtc"}}


def test_a_cancel_names_the_order_by_the_venues_id_or_by_ours() -> None:
    """Both carry the fast flag, which the docs want for all but trigger orders."""
    assert spelled(cancel(1, "323550506865")) == (
        '{"type": "cancel", "cancels": [{"a": 110000, "o": 323550506865}], "f": true}'
    )
    assert spelled(cancel(7)) == (
        f'{{"type": "cancelByCloid", "cancels": [{{"asset": 110000, "cloid": "{cloid(7)}"}}], "f": true}}'
    )


def test_cancels_of_which_one_has_no_venue_id_all_use_ours() -> None:
    """One request names orders in one way only, and ours always works."""
    action = json.loads(spelled(Batch(commands=(cancel(1, "5"), cancel(2)))))
    assert action["type"] == "cancelByCloid"
    assert [entry["cloid"] for entry in action["cancels"]] == [cloid(1), cloid(2)]


def test_a_batch_keeps_its_order() -> None:
    """Answers come in the order of the commands."""
    action = json.loads(spelled(Batch(commands=tuple(place(n) for n in range(16)))))
    assert [order["c"] for order in action["orders"]] == [cloid(n) for n in range(16)]


@pytest.mark.parametrize(
    "commands",
    [
        (),
        (place(), cancel()),
        (cancel(), place()),
        (cancel(1, "5"), modify()),
        (modify(), place()),
        tuple(place(n) for n in range(MAX_BATCH + 1)),
    ],
)
def test_f044_a_batch_that_is_empty_mixed_or_endless_is_refused(commands: tuple[Any, ...]) -> None:
    """One action holds commands of one kind, and not too many."""
    with pytest.raises(LocalError, match="batch cannot be sent"):
        SPELLING.action(Batch(commands=commands), NOW_NS)


def test_the_longest_batch_is_spelled() -> None:
    """At the limit, not one before."""
    batch = Batch(commands=tuple(place(n) for n in range(MAX_BATCH)))
    assert len(json.loads(spelled(batch))["orders"]) == MAX_BATCH


def test_a_dead_man_switch_is_set_from_now_on_and_cleared_without_a_time() -> None:
    """The time is absolute, in milliseconds; no key clears it."""
    assert spelled(ArmDeadMan(window_ms=60_000, instruments=(BTC,))) == (
        f'{{"type": "scheduleCancel", "time": {NOW_MS + 60_000}}}'
    )
    assert spelled(ArmDeadMan(window_ms=0)) == '{"type": "scheduleCancel"}'
    assert json.loads(spelled(ArmDeadMan(window_ms=5_000)))["time"] == NOW_MS + 5_000


@pytest.mark.parametrize("window_ms", [-1, 1, 4_999])
def test_a_dead_man_window_that_the_venue_refuses_is_refused_here(window_ms: int) -> None:
    """It takes at least five seconds."""
    with pytest.raises(LocalError, match="dead-man"):
        SPELLING.action(ArmDeadMan(window_ms=window_ms), NOW_NS)


def test_leverage_is_spelled_with_its_kind() -> None:
    """Cross or isolated."""
    assert spelled(SetLeverage(instrument=BTC, leverage=5)) == (
        '{"type": "updateLeverage", "asset": 0, "isCross": true, "leverage": 5}'
    )
    isolated = json.loads(spelled(SetLeverage(instrument=BTC, leverage=100, cross_margin=False)))
    assert (isolated["isCross"], isolated["leverage"]) == (False, 100)


@pytest.mark.parametrize("leverage", [-1, 0, 101])
def test_leverage_that_cannot_be_is_refused(leverage: int) -> None:
    """From one to a hundred."""
    with pytest.raises(LocalError, match="leverage"):
        SPELLING.action(SetLeverage(instrument=BTC, leverage=leverage), NOW_NS)


UNLISTED = instrument_id("hyperliquid", "NEW")


@pytest.mark.parametrize(
    "command",
    [
        place(instrument=UNLISTED),
        modify(instrument=UNLISTED),
        CancelOrder(instrument=UNLISTED, client_order_id=ClientOrderId(1)),
        CancelOrder(instrument=UNLISTED, client_order_id=ClientOrderId(1), venue_order_id="5"),
        SetLeverage(instrument=UNLISTED, leverage=1),
    ],
)
def test_an_instrument_without_a_number_is_refused(command: Sent) -> None:
    """Nothing is sent for asset zero by accident: that is BTC."""
    with pytest.raises(LocalError, match="no such instrument"):
        SPELLING.action(command, NOW_NS)


@pytest.mark.parametrize("text", ["", "-1", "1.0", "0x1", "01", " 1", "1\n", "1_0", "١", "1" * 20, "a"])
def test_an_order_id_that_is_not_the_venues_is_refused(text: str) -> None:
    """It came from outside once; only a plain whole number goes back."""
    with pytest.raises(LocalError, match="order id"):
        SPELLING.action(cancel(1, text), NOW_NS)
    with pytest.raises(LocalError, match="order id"):
        SPELLING.action(modify(venue_order_id=text), NOW_NS)


def test_a_price_with_nine_decimals_is_refused_with_the_order() -> None:
    """Never rounded on the way."""
    fine, coarse = Decimal("0.000000001"), Decimal(1)
    for price, size in ((fine, coarse), (coarse, fine)):
        for command in (place(price=price, size=size), modify(price=price, size=size)):
            with pytest.raises(GridError):
                SPELLING.action(command, NOW_NS)


def entry() -> OrderEntry:
    """Return order entry for the test network."""
    return OrderEntry("https://venue.test/", Authority(network=Network.TESTNET), SPELLING)


def context(nonce: int = NOW_MS) -> WriteContext:
    """Return what a command may use, with a signature that is none."""
    return WriteContext(nonce=nonce, at_ns=NOW_NS, sign=lambda _: bytes(64) + b"\x1b")


def posted(request: Request) -> dict[str, Any]:
    """Return the body of a request."""
    assert isinstance(request, HttpRequest)
    found: dict[str, Any] = json.loads(request.body)
    return found


@pytest.mark.parametrize("client_order_id", [-1, 2**48])
def test_a_client_order_id_beyond_its_48_bits_is_refused(client_order_id: int) -> None:
    """One more digit would make another id of it; the last one fits."""
    with pytest.raises(LocalError, match="client order id"):
        SPELLING.action(place(client_order_id), NOW_NS)
    assert cloid(2**48 - 1) in spelled(place(2**48 - 1))


def test_a_request_is_ready_to_send() -> None:
    """Address, headers, nonce, deadline, and no account where the signer trades its own."""
    request = entry().write(place(), context())
    assert isinstance(request, HttpRequest)
    assert (request.method, request.url) == ("POST", "https://venue.test/exchange")
    assert request.headers == {"Content-Type": "application/json"}
    assert request.deadline_ms == DEADLINE_MS
    body = posted(request)
    assert list(body) == ["action", "nonce", "signature", "vaultAddress", "expiresAfter"]
    assert (body["nonce"], body["vaultAddress"]) == (NOW_MS, None)


@pytest.mark.parametrize("command", [place(), modify(), Batch(commands=(place(1), place(2)))])
def test_what_adds_risk_expires(command: Sent) -> None:
    """An order that is lost on the way cannot come alive later, and the deadline is not before that."""
    assert posted(entry().write(command, context()))["expiresAfter"] == NOW_MS + EXPIRES_AFTER_MS
    assert DEADLINE_MS > EXPIRES_AFTER_MS


@pytest.mark.parametrize(
    "command",
    [
        cancel(),
        cancel(1, "5"),
        Batch(commands=(cancel(),)),
        ArmDeadMan(window_ms=0),
        SetLeverage(instrument=BTC, leverage=2),
    ],
)
def test_what_removes_risk_does_not_expire(command: Sent) -> None:
    """A late cancel is better than none."""
    assert posted(entry().write(command, context()))["expiresAfter"] is None


WEIGHTS = json.loads((VECTORS / "exchange_weight.json").read_text(encoding="utf-8"))["cases"]


@pytest.mark.parametrize("case", WEIGHTS, ids=lambda case: case["id"])
def test_a_request_costs_one_unit_and_one_more_for_every_forty_commands(case: dict[str, Any]) -> None:
    """As the docs have it, also for batches that are longer than any that is sent here."""
    count, weight = case["batch_length"], case["expected"]["ip_weight"]
    assert weight_of(count) == weight
    if count <= MAX_BATCH:
        batch = Batch(commands=tuple(place(n) for n in range(count)))
        assert entry().write(batch, context()).cost == (("ip_weight", weight),)


def test_cancelling_everything_is_for_the_caller_to_spell_out() -> None:
    """The venue has no such action."""
    with pytest.raises(LocalError, match="cancel each open order"):
        entry().write(CancelAll(), context())


def test_f042_a_nonce_that_waits_for_its_answer_is_not_used_again() -> None:
    """The second request would be refused by the venue, and its answer taken for the first one's."""
    orders = entry()
    orders.write(place(1), context())
    with pytest.raises(LocalError, match="request cannot be made"):
        orders.write(place(2), context())
    orders.write(place(2), context(NOW_MS + 1))


def test_an_answer_reaches_its_command_in_any_order() -> None:
    """Requests are told apart by their correlation; an answer counts once."""
    orders = entry()
    first, second = (orders.write(place(n), context(NOW_MS + n)) for n in (1, 2))
    body = b'{"status":"ok","response":{"type":"order","data":{"statuses":[{"resting":{"oid":9}}]}}}'
    (accepted,) = orders.read_answer(second.correlation, Answer(status=200, body=body))
    assert isinstance(accepted, OrderAccepted)
    assert (accepted.client_order_id, accepted.venue_order_id) == (2, "9")
    (lost,) = orders.read_answer(first.correlation, Failure(kind=FailureKind.TIMED_OUT))
    assert isinstance(lost, OutcomeUnknown)
    with pytest.raises(LocalError, match="does not wait"):
        orders.read_answer(first.correlation, Answer(status=200, body=body))


def test_a_refused_command_waits_for_nothing() -> None:
    """What could not be spelled or signed leaves no trace, and its nonce may be used."""
    orders = entry()
    with pytest.raises(LocalError):
        orders.write(place(instrument=UNLISTED), context())
    with pytest.raises(LocalError):
        orders.write(place(), WriteContext(nonce=NOW_MS, at_ns=NOW_NS, sign=lambda _: b""))
    orders.write(place(), context())


def test_requests_without_an_answer_are_bounded() -> None:
    """One more than the limit is refused."""
    orders = entry()
    for nonce in range(MAX_WAITING):
        orders.write(cancel(), context(nonce))
    with pytest.raises(LocalError, match="request cannot be made"):
        orders.write(cancel(), context(MAX_WAITING))


def test_every_action_has_its_type_first() -> None:
    """The venue hashes keys in their order; the type always leads."""
    commands: Sequence[Sent] = (
        place(),
        modify(),
        cancel(),
        cancel(1, "5"),
        ArmDeadMan(window_ms=0),
        SetLeverage(instrument=BTC, leverage=1),
    )
    actions: list[Action] = [SPELLING.action(command, NOW_NS) for command in commands]
    assert len({type(action) for action in actions}) == len(commands)
    assert {next(iter(json.loads(msgspec.json.encode(action)))) for action in actions} == {"type"}
