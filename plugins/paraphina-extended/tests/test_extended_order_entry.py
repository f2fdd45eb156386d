"""Commands become the venue's requests to the byte, and answers say no more than they say."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from extended_account import BTC, FRAMES, NOW_MS, NS_PER_MS, VECTORS, Desk, body, error
from paraphina_core.connector import Failure, FailureKind
from paraphina_core.domain import (
    ArmDeadMan,
    AskAgain,
    Batch,
    CancelAll,
    CancelOrder,
    CancelRejected,
    ClientOrderId,
    Command,
    DeadManReport,
    LocalError,
    ModifyOrder,
    OrderRejected,
    OutcomeUnknown,
    PlaceOrder,
    SetLeverage,
    Side,
    TimeInForce,
    VenueNotice,
)
from paraphina_extended.order_entry import IOC_LIFE_MS, ORDER_LIFE_MS, MassCancel
from paraphina_extended.questions import FEES
from paraphina_extended.refusals import REFUSALS, Code, Needed
from paraphina_extended.signing import MAX_SALT

SHAPES: dict[str, dict[str, Any]] = {
    case["id"]: case["expected"]
    for case in json.loads((VECTORS / "request_shapes.json").read_bytes())["cases"]
}
ID = ClientOrderId(7)
PLACE = PlaceOrder(
    instrument=BTC, client_order_id=ID, side=Side.BUY, price=Decimal(60_000), size=Decimal("0.002")
)
CANCEL = CancelOrder(instrument=BTC, client_order_id=ID, venue_order_id="1791389621914243072")
CHANGE = ModifyOrder(
    instrument=BTC,
    client_order_id=ID,
    venue_order_id=None,
    side=Side.BUY,
    price=Decimal(59_000),
    size=Decimal("0.003"),
)
ARM = ArmDeadMan(window_ms=20_000)


def sent(command: Command, desk: Desk | None = None) -> dict[str, Any]:
    """Return the body of a command's request."""
    body: dict[str, Any] = msgspec.json.decode((desk or Desk()).write(command).body)
    return body


# --- requests ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "command"),
    [
        ("XR01_cancel", CANCEL),
        ("XR05_mass_markets", CancelAll(instrument=BTC)),
        ("XR06_mass_all", CancelAll()),
    ],
)
def test_requests_are_those_of_the_venues_sdk(shape: str, command: Command) -> None:
    """Method, path and body are equal; the key is not in them, and is put on by the core."""
    request, wanted = Desk().write(command), SHAPES[shape]
    path = urlsplit(request.url)
    assert request.method == wanted["method"]
    assert path.path + (f"?{path.query}" if path.query else "") == wanted["path"]
    assert (msgspec.json.decode(request.body) if request.body else None) == wanted["body"]
    assert request.private
    assert "X-Api-Key" not in request.headers


def test_an_order_is_cancelled_by_our_id_where_the_venues_is_not_known() -> None:
    """The text is in the query, as the SDK has it."""
    request = Desk().write(msgspec.structs.replace(CANCEL, venue_order_id=None))
    wanted = SHAPES["XR02_cancel_ext"]["path"].replace("mm-2026-000001", "pa-t-000000000007")
    assert request.method == "DELETE"
    assert request.url.endswith(wanted)


def test_orders_by_number_are_spelled_as_the_sdk_spells_them() -> None:
    """Lists that are not asked for are left out, the flag is not."""
    assert json.loads(msgspec.json.encode(MassCancel(order_ids=(1, 2)))) == SHAPES["XR03_mass_ids"]["body"]


def test_a_resting_order_signs_the_makers_rate_only_where_it_can_take_nothing() -> None:
    """Post-only orders name the maker's rate, everything else the taker's: a lower one would be refused."""
    desk = Desk(maker="0.0001")
    post_only = msgspec.structs.replace(PLACE, post_only=True)
    assert sent(post_only, desk)["fee"] == "0.0001"
    assert sent(msgspec.structs.replace(PLACE, client_order_id=ClientOrderId(8)), desk)["fee"] == "0.00025"
    assert sent(post_only, Desk(maker="-0.00002"))["fee"] == "0"


def test_an_order_has_every_field_of_the_sdks_and_nothing_of_a_builder() -> None:
    """What only informs the venue's support is left out."""
    wanted = SHAPES["XR15_place"]["body"].keys() - {"debuggingAmounts"}
    assert sent(msgspec.structs.replace(PLACE, post_only=True)).keys() == wanted


def test_how_long_an_order_lives_is_said_with_it() -> None:
    """What rests ends after a week, what must trade at once within a minute, so that a late one is none."""
    assert sent(PLACE)["expiryEpochMillis"] == NOW_MS + ORDER_LIFE_MS
    at_once = sent(msgspec.structs.replace(PLACE, time_in_force=TimeInForce.IOC))
    assert at_once["expiryEpochMillis"] == NOW_MS + IOC_LIFE_MS
    assert (at_once["type"], at_once["timeInForce"], at_once["price"]) == ("LIMIT", "IOC", "60000")


def test_f043_no_salt_comes_again() -> None:
    """Each order has the nonce that it was given, in the range of the venue; a used one is refused here."""
    desk = Desk()
    orders = [msgspec.structs.replace(PLACE, client_order_id=ClientOrderId(n)) for n in range(5)]
    salts = [int(sent(order, desk)["nonce"]) for order in orders]
    assert len(set(salts)) == len(salts)
    assert all(1 <= salt <= MAX_SALT for salt in salts)
    context = desk.context()
    desk.connector.write(PLACE, context)
    for nonce in (context.nonce, context.nonce - 1):
        with pytest.raises(LocalError, match="nonce"):
            desk.connector.write(CHANGE, msgspec.structs.replace(context, nonce=nonce))


@pytest.mark.parametrize("level", ["account", "client", "disabled"])
def test_whom_an_order_may_not_trade_with_is_the_operators_choice(level: str) -> None:
    """The level of the taker decides, so every order names it."""
    assert sent(PLACE, Desk(self_trade=level))["selfTradeProtectionLevel"] == level.upper()


@pytest.mark.parametrize(("window_ms", "seconds"), [(0, 0), (999, 1), (1_000, 1), (20_000, 20), (20_999, 20)])
def test_the_dead_man_switch_counts_in_seconds_and_never_longer_than_asked(
    window_ms: int, seconds: int
) -> None:
    """Milliseconds would be a thousand times as long."""
    request = Desk().write(ArmDeadMan(window_ms=window_ms))
    assert (request.method, request.body) == ("POST", b"")
    assert request.url.endswith(f"/user/deadmanswitch?countdownTime={seconds}")


def test_leverage_is_set_for_a_market_and_cross_alone() -> None:
    """As text, by PATCH."""
    request = Desk().write(SetLeverage(instrument=BTC, leverage=10))
    assert (request.method, request.url.rpartition("/")[2]) == ("PATCH", "leverage")
    assert msgspec.json.decode(request.body) == FRAMES["leverage"]["data"][0] | {"market": "BTC-USD"}


@pytest.mark.parametrize(
    "command",
    [
        Batch(commands=(PLACE,)),
        SetLeverage(instrument=BTC, leverage=0),
        SetLeverage(instrument=BTC, leverage=2, cross_margin=False),
        ArmDeadMan(window_ms=-1),
        msgspec.structs.replace(CANCEL, venue_order_id="1/../2"),
        msgspec.structs.replace(PLACE, price=Decimal("60000.05")),
        msgspec.structs.replace(PLACE, size=Decimal("0.000001")),
        msgspec.structs.replace(PLACE, instrument="extended:NO-USD"),
    ],
)
def test_what_the_venue_does_not_have_is_refused_here(command: Command) -> None:
    """Nothing is sent that would be something else at the venue."""
    with pytest.raises(LocalError):
        Desk().write(command)


# --- answers ----------------------------------------------------------------------------------------


def test_that_an_order_was_taken_in_says_nothing_of_it_yet() -> None:
    """Its fate comes on the account's stream; the same for an edit and a cancel."""
    desk = Desk()
    for command, name in (
        (PLACE, "placed"),
        (CHANGE, "edited"),
        (CANCEL, "cancelled"),
        (CancelAll(), "all_cancelled"),
    ):
        assert desk.send(command, msgspec.json.encode(FRAMES[name])) == ()


@pytest.mark.parametrize("number", sorted(REFUSALS))
def test_every_number_refuses_or_leaves_a_doubt(number: int) -> None:
    """What asks to look first proves nothing; a fee that is too low is read again at once."""
    events = Desk().send(PLACE, error(number), 400)
    known = REFUSALS[number]
    is_doubt = known.needed is Needed.RECONCILE or known.code is Code.RATE_LIMIT
    assert isinstance(events[0], OutcomeUnknown if is_doubt else OrderRejected)
    if isinstance(events[0], OrderRejected):
        assert events[0].code == known.code.value
    assert [e.query for e in events if isinstance(e, AskAgain)] == (
        [FEES] if known.needed is Needed.FEES else []
    )


def test_the_documented_refusal_is_read() -> None:
    """Code and message are told."""
    (rejected,) = Desk().send(PLACE, msgspec.json.encode(FRAMES["refused"]), 400)
    assert isinstance(rejected, OrderRejected)
    assert rejected.code == "insufficient_margin"
    assert rejected.reason == "1140 New order cost exceeds available balance"


@pytest.mark.parametrize("status", [429, 500, 502, 503])
@pytest.mark.parametrize("command", [PLACE, CANCEL, CHANGE])
def test_f031_what_the_venue_may_have_done_is_unknown(command: Command, status: int) -> None:
    """Whatever such an answer says."""
    (event,) = Desk().send(command, error(1140), status)
    assert isinstance(event, OutcomeUnknown)


def test_a_cancel_that_finds_nothing_is_refused_and_says_nothing_of_the_order() -> None:
    """The order is asked for then."""
    (refused,) = Desk().send(CANCEL, error(404, "Order not found"), 404)
    assert isinstance(refused, CancelRejected)
    assert refused.code == "not_found"


def test_the_dead_man_switch_is_armed_from_when_it_was_asked_for() -> None:
    """In whole seconds; a refusal says that it is off, a doubt says nothing of it."""
    desk = Desk()
    fine = body(None)
    assert desk.send(ARM, fine) == (DeadManReport(armed_until_ns=(NOW_MS + 20_000) * NS_PER_MS),)
    assert desk.send(ArmDeadMan(window_ms=0), fine) == (DeadManReport(armed_until_ns=None),)
    (refused,) = desk.send(ARM, error(1140), 400)
    assert isinstance(refused, DeadManReport)
    assert refused.armed_until_ns is None
    for answer in (Failure(kind=FailureKind.NOT_SENT), Failure(kind=FailureKind.TIMED_OUT)):
        (notice,) = desk.answer(desk.write(ARM), answer)
        assert isinstance(notice, VenueNotice)


def test_an_answer_is_taken_once() -> None:
    """A second one for the same request is an error of ours."""
    desk = Desk()
    request = desk.write(PLACE)
    desk.answer(request, error(1140), 400)
    with pytest.raises(LocalError, match="does not wait"):
        desk.answer(request, error(1140), 400)


_ANSWERS = st.binary(max_size=60) | st.sampled_from(
    [
        b"null",
        b"{}",
        b'{"status":"OK"}',
        b'{"status":"OK","data":[]}',
        b'{"status":"ERROR"}',
        b'{"error":{"code":"1140"}}',
    ]
)
DESK = Desk()


@given(_ANSWERS, st.sampled_from((200, 204, 400, 404, 500)))
def test_f033_no_bytes_whatever_reject_or_accept_an_order(answer: bytes, status: int) -> None:
    """What is not the venue's own word of one of its numbers leaves a doubt, and nothing raises."""
    request = DESK.write(PLACE)
    (event,) = DESK.answer(request, answer, status)
    assert isinstance(event, OutcomeUnknown)
