"""Commands leave as signed transactions, and an answer refuses them, leaves a doubt, or says nothing yet."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lighter_market import ETH, details
from paraphina_core.connector import Answer, Failure, FailureKind, HttpRequest, StreamRequest, WriteContext
from paraphina_core.domain import (
    Answered,
    ArmDeadMan,
    Batch,
    CancelAll,
    CancelOrder,
    CancelRejected,
    ClientOrderId,
    Command,
    DeadManReport,
    Event,
    LocalError,
    ModifyOrder,
    ModifyRejected,
    NonceReport,
    OrderRejected,
    OutcomeUnknown,
    PlaceOrder,
    Side,
    VenueNotice,
)
from paraphina_lighter.instruments import Listings
from paraphina_lighter.order_entry import Authority, OrderEntry
from paraphina_lighter.signer import SIGNATURE_BYTES, Numbers
from paraphina_lighter.transactions import Spelling

AT_NS = 1_795_000_000_000_000_000
TERMS: dict[str, Any] = {
    "instrument": ETH,
    "client_order_id": ClientOrderId(77),
    "side": Side.BUY,
    "price": Decimal("2500.10"),
    "size": Decimal("0.0050"),
}
PLACE = PlaceOrder(**TERMS)
MODIFY = ModifyOrder(**TERMS, venue_order_id="281476929510110")
CANCEL = CancelOrder(instrument=ETH, client_order_id=ClientOrderId(77))
ARM = ArmDeadMan(window_ms=300_000)


@pytest.fixture
def entry() -> OrderEntry:
    """Return the order entry of one account."""
    return fresh()


def fresh() -> OrderEntry:
    """Return the order entry of one account."""
    listings = Listings("lighter", ["ETH"])
    listings.read(json.dumps({"order_book_details": [details("ETH", 3)]}).encode())
    authority = Authority(chain_id=304, account_index=12_345, api_key_index=4)
    return OrderEntry("http://127.0.0.1:1/", authority, Spelling(listings))


def at(nonce: int, shown: list[bytes] | None = None) -> WriteContext:
    """Return what one request may use."""

    def sign(payload: bytes) -> bytes:
        if shown is not None:
            shown.append(payload)
        return (1_795_000_599_000).to_bytes(8, "little") + bytes(SIGNATURE_BYTES - 8)

    return WriteContext(nonce=nonce, at_ns=AT_NS, sign=sign)


def answer(**fields: Any) -> Answer:
    """Return an answer over HTTP."""
    return Answer(status=200 if fields.get("code") == 200 else 400, body=json.dumps(fields).encode())


def kinds(events: Any) -> list[str]:
    """Name events."""
    return [type(event).__name__ for event in events]


def test_an_order_leaves_on_the_stream_or_as_a_form(entry: OrderEntry) -> None:
    """The same signed transaction: an object on the stream, text in the form."""
    shown: list[bytes] = []
    request = entry.write(PLACE, at(7, shown), "account")
    assert isinstance(request, StreamRequest)
    message = json.loads(request.payload)
    assert message["type"] == "jsonapi/sendtx"
    assert (message["data"]["id"], message["data"]["tx_type"]) == ("7", 14)
    info = message["data"]["tx_info"]
    assert (info["Nonce"], info["BaseAmount"], info["Price"], info["MarketIndex"]) == (7, 50, 250_010, 3)
    assert info["ExpiredAt"] == 1_795_000_599_000
    assert Numbers(shown[0][2:]).numbers[:6] == (304, 14, 7, 1_795_000_599_000, 12_345, 4)
    form = entry.write(PLACE, at(8))
    assert isinstance(form, HttpRequest)
    assert form.url == "http://127.0.0.1:1/api/v1/sendTx"
    fields = parse_qs(form.body.decode())
    assert fields["tx_type"] == ["14"]
    assert json.loads(fields["tx_info"][0]) == info | {"Nonce": 8}


def test_what_cannot_be_sent_uses_nothing_up(entry: OrderEntry) -> None:
    """Batches, and a nonce that waits for its answer."""
    with pytest.raises(LocalError, match="one by one"):
        entry.write(Batch(commands=(PLACE,)), at(1))
    entry.write(PLACE, at(1))
    with pytest.raises(LocalError, match="cannot be made"):
        entry.write(PLACE, at(1))
    with pytest.raises(LocalError, match="does not wait"):
        entry.read_answer("2", answer(code=200))


@pytest.mark.parametrize("command", [PLACE, MODIFY, CANCEL, CancelAll()])
def test_a_yes_says_nothing_yet(entry: OrderEntry, command: Command) -> None:
    """The venue answers before it executes: the account's stream tells what becomes of an order."""
    entry.write(command, at(7))
    assert entry.read_answer("7", answer(code=200, tx_hash="ab", predicted_execution_time_ms=1)) == ()


@pytest.mark.parametrize(
    "message",
    [
        {"type": "jsonapi/sendtx", "data": {"code": 200, "id": "7", "tx_hash": "9959"}},
        {"type": "jsonapi/sendtx", "code": 200, "id": "7", "tx_hash": "9959"},
    ],
)
def test_an_answer_on_the_stream_is_known_by_its_id(entry: OrderEntry, message: dict[str, Any]) -> None:
    """In an envelope or without; one that nobody waits for any more is a notice."""
    entry.write(PLACE, at(7), "account")
    assert entry.read_message(json.dumps(message).encode()) == (Answered(correlation="7"),)
    assert kinds(entry.read_message(json.dumps(message).encode())) == ["VenueNotice"]


@pytest.mark.parametrize(
    ("command", "kind"), [(PLACE, OrderRejected), (MODIFY, ModifyRejected), (CANCEL, CancelRejected)]
)
def test_a_no_frees_the_nonce_where_no_later_one_is_under_way(command: Command, kind: type[Event]) -> None:
    """A transaction that the venue's server refused has not used it; those behind it would have a gap."""
    alone = fresh()
    alone.write(command, at(7))
    event, nonce = alone.read_answer("7", answer(code=21702, message="invalid price"))
    assert isinstance(event, kind)
    assert getattr(event, "code", "") == "bad_price"
    assert nonce == NonceReport(next_nonce=7)
    followed = fresh()
    followed.write(command, at(7))
    followed.write(PLACE, at(8))
    assert followed.read_answer("7", answer(code=21702))[-1] == NonceReport(next_nonce=None)


@pytest.mark.parametrize("code", [21104, 21728, 23000, 29500, 41001])
def test_f029_a_no_that_proves_nothing_leaves_a_doubt(entry: OrderEntry, code: int) -> None:
    """A used nonce or id may be the same order's; limits count what has left. The nonce is asked for."""
    entry.write(PLACE, at(7))
    events = entry.read_answer("7", answer(code=code, message="x"))
    assert isinstance(events[0], OutcomeUnknown)
    assert events[-1] == NonceReport(next_nonce=None)


def test_an_order_that_is_gone_refuses_its_cancel_and_its_change(entry: OrderEntry) -> None:
    """It says nothing of a new order."""
    for nonce, command, kind in (
        (1, CANCEL, CancelRejected),
        (2, MODIFY, ModifyRejected),
        (3, PLACE, OutcomeUnknown),
    ):
        entry.write(command, at(nonce))
        assert isinstance(entry.read_answer(str(nonce), answer(code=21600))[0], kind)


@pytest.mark.parametrize("kind", [FailureKind.TIMED_OUT, FailureKind.DISCONNECTED])
def test_f029_silence_leaves_a_doubt_about_order_and_nonce(entry: OrderEntry, kind: FailureKind) -> None:
    """Nothing is sent again."""
    entry.write(PLACE, at(7))
    assert kinds(entry.read_answer("7", Failure(kind=kind))) == ["OutcomeUnknown", "NonceReport"]


def test_what_never_left_is_refused_and_its_nonce_is_the_next(entry: OrderEntry) -> None:
    """The venue saw nothing."""
    entry.write(PLACE, at(7))
    event, nonce = entry.read_answer("7", Failure(kind=FailureKind.NOT_SENT))
    assert isinstance(event, OrderRejected)
    assert nonce == NonceReport(next_nonce=7)


def test_refusals_that_stay_are_told_to_people(entry: OrderEntry) -> None:
    """A library that the venue takes no more is noticed overnight or not at all."""
    entry.write(PLACE, at(7))
    events = entry.read_answer("7", answer(code=21136, message="update the sdk"))
    assert [event.code for event in events if isinstance(event, VenueNotice)] == ["signer_outdated"]


def test_the_dead_man_switch_is_armed_from_when_it_was_asked(entry: OrderEntry) -> None:
    """Disarmed by zero; a refusal says why it is not armed, and silence says nothing."""
    entry.write(ARM, at(1))
    (armed,) = entry.read_answer("1", answer(code=200))
    assert armed == DeadManReport(armed_until_ns=AT_NS + 300_000_000_000)
    entry.write(ArmDeadMan(window_ms=0), at(2))
    assert entry.read_answer("2", answer(code=200)) == (DeadManReport(armed_until_ns=None),)
    entry.write(ARM, at(3))
    refused = entry.read_answer("3", answer(code=21714, message="invalid cancel all time"))[0]
    assert isinstance(refused, DeadManReport)
    assert "bad_request" in refused.reason
    entry.write(ARM, at(4))
    assert kinds(entry.read_answer("4", Failure(kind=FailureKind.TIMED_OUT))) == [
        "VenueNotice",
        "NonceReport",
    ]


@given(st.binary(max_size=200), st.sampled_from([200, 400, 500, 502]))
def test_f012_no_bytes_do_more_than_leave_a_doubt(body: bytes, status: int) -> None:
    """A page for people is no answer."""
    entry = fresh()
    entry.write(PLACE, at(7))
    assert kinds(entry.read_answer("7", Answer(status=status, body=body))) == [
        "OutcomeUnknown",
        "NonceReport",
    ]
