"""Commands leave signed as the SDK signs them, and an answer refuses, leaves a doubt, or says nothing."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paradex_desk import BTC
from paraphina_core.connector import Answer, Failure, FailureKind, HttpRequest, Network, WriteContext
from paraphina_core.domain import (
    AskAgain,
    CancelAll,
    CancelOrder,
    CancelRejected,
    ClientOrderId,
    Command,
    Event,
    LocalError,
    ModifyOrder,
    ModifyRejected,
    OrderRejected,
    OutcomeUnknown,
    PlaceOrder,
    Side,
    TimeInForce,
    VenueNotice,
)
from paraphina_paradex.login import LOGIN, Login
from paraphina_paradex.order_entry import OrderEntry
from paraphina_paradex.refusals import Code
from paraphina_paradex.typed_data import Account

VECTORS = Path(__file__).parent / "vectors"
AT_MS = 1_795_000_000_123
TERMS: dict[str, Any] = {
    "instrument": BTC,
    "client_order_id": ClientOrderId(77),
    "side": Side.BUY,
    "price": Decimal("43445.5"),
    "size": Decimal("0.001"),
}
PLACE = PlaceOrder(**TERMS)
MODIFY = ModifyOrder(**TERMS, venue_order_id="1681462770114950")
CANCEL = CancelOrder(instrument=BTC, client_order_id=ClientOrderId(77))
TAKEN = json.dumps(
    {
        "id": "1681462770114950",
        "market": "BTC-USD-PERP",
        "side": "BUY",
        "size": "0.001",
        "remaining_size": "0.001",
        "price": "43445.5",
        "status": "NEW",
    }
).encode()


def entry(
    network: Network = Network.MAINNET, address: str = "0x1", market: str = "BTC-USD-PERP"
) -> OrderEntry:
    """Return the order entry of an account that has logged in."""
    account = Account(network, address)
    login = Login("http://127.0.0.1:1/v1", account)
    login.read(b'{"jwt_token":"token"}')
    return OrderEntry("http://127.0.0.1:1/v1", account, login, lambda _: market, "p")


def at(at_ms: int, shown: list[bytes] | None = None) -> WriteContext:
    """Return what one request may use; what is signed is noted."""

    def sign(payload: bytes) -> bytes:
        if shown is not None:
            shown.append(payload)
        return bytes(63) + b"\x01"

    return WriteContext(nonce=7, at_ns=at_ms * 1_000_000, sign=sign)


def cases(name: str) -> list[Any]:
    """Return the vectors of one file that are limit orders."""
    found = json.loads((VECTORS / name).read_text(encoding="utf-8"))["cases"]
    return [pytest.param(case, id=case["id"]) for case in found if case["inputs"].get("type") == "LIMIT"]


def answered(command: Command, answer: Answer | Failure) -> list[Event]:
    """Send a command and return what its answer says."""
    desk = entry()
    request = desk.write(command, at(AT_MS))
    return list(desk.read_answer(request.correlation, answer))


def refused(word: str, status: int = 400) -> Answer:
    """Spell a refusal."""
    return Answer(status=status, body=json.dumps({"error": word, "message": "why"}).encode())


# --- what leaves --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", cases("order_vectors.json"))
def test_an_order_is_signed_for_what_it_says(case: dict[str, Any]) -> None:
    """The hash is the SDK's, and what stands beside it is what was hashed."""
    inputs, shown = case["inputs"], list[bytes]()
    network = Network(inputs["account"]["network"])
    desk = entry(network, inputs["account"]["account_address"], inputs["market"])
    terms = {"side": Side(inputs["side"].lower())} | {k: Decimal(inputs[k]) for k in ("size", "price")}
    order = PlaceOrder(**TERMS | terms)
    request = desk.write(order, at(inputs["signature_timestamp_ms"], shown))
    assert [f"0x{int.from_bytes(digest):x}" for digest in shown] == [case["expected"]["message_hash"]]
    assert isinstance(request, HttpRequest)
    body = json.loads(request.body)
    assert body["signature_timestamp"] == inputs["signature_timestamp_ms"]
    assert (body["market"], body["side"], body["type"]) == (inputs["market"], inputs["side"], "LIMIT")
    assert (Decimal(body["size"]), Decimal(body["price"])) == (order.size, order.price)
    assert body["signature"] == '["0","1"]'


@pytest.mark.parametrize(
    ("terms", "instruction", "flags"),
    [
        ({}, "GTC", None),
        ({"post_only": True}, "POST_ONLY", None),
        ({"time_in_force": TimeInForce.IOC, "reduce_only": True}, "IOC", ["REDUCE_ONLY"]),
    ],
)
def test_instructions_are_the_venues(
    terms: dict[str, Any], instruction: str, flags: list[str] | None
) -> None:
    """None of them is implied by another."""
    request = entry().write(PlaceOrder(**TERMS | terms), at(AT_MS))
    assert isinstance(request, HttpRequest)
    body = json.loads(request.body)
    assert body["instruction"] == instruction
    assert body.get("flags") == flags


@pytest.mark.parametrize(
    ("command", "method", "path"),
    [
        (PLACE, "POST", "orders"),
        (MODIFY, "PUT", "orders/1681462770114950"),
        (
            CancelOrder(instrument=BTC, client_order_id=ClientOrderId(77), venue_order_id="12/3"),
            "DELETE",
            "orders/12%2F3",
        ),
        (CancelAll(), "DELETE", "orders"),
        (CancelAll(instrument=BTC), "DELETE", "orders?market=BTC-USD-PERP"),
    ],
)
def test_each_command_has_its_path(command: Command, method: str, path: str) -> None:
    """And carries the login."""
    request = entry().write(command, at(AT_MS))
    assert isinstance(request, HttpRequest)
    assert (request.method, request.url) == (method, f"http://127.0.0.1:1/v1/{path}")
    assert request.headers["Authorization"] == "Bearer token"


def test_a_cancel_by_client_id_names_the_market() -> None:
    """Client ids are unique in a market alone."""
    request = entry().write(CANCEL, at(AT_MS))
    assert isinstance(request, HttpRequest)
    assert "/orders/by_client_id/" in request.url
    assert request.url.endswith("?market=BTC-USD-PERP")


def test_nothing_leaves_that_has_no_login_or_no_id() -> None:
    """Both are mistakes of ours, told before anything is signed for."""
    account = Account(Network.TESTNET, "0x1")
    desk = OrderEntry("http://127.0.0.1:1/v1", account, Login("", account), lambda _: "BTC-USD-PERP", "p")
    with pytest.raises(LocalError, match="not logged in"):
        desk.write(CANCEL, at(AT_MS))
    with pytest.raises(LocalError, match="changed"):
        entry().write(ModifyOrder(**TERMS, venue_order_id=None), at(AT_MS))


# --- what comes back ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        (PLACE, Answer(status=201, body=TAKEN)),
        (MODIFY, Answer(status=200, body=TAKEN)),
        (CANCEL, Answer(status=204, body=b"")),
        (CancelAll(), Answer(status=200, body=b'{"results":[]}')),
    ],
)
def test_what_is_taken_says_nothing_yet(command: Command, answer: Answer) -> None:
    """An order is judged and a cancel is carried out later, which the account's stream tells."""
    assert answered(command, answer) == []


@pytest.mark.parametrize(
    ("word", "code"),
    [
        ("INVALID_ORDER_SIZE", Code.BAD_SIZE),
        ("INVALID_ORDER_PRICE", Code.BAD_PRICE),
        ("NOT_ENOUGH_MARGIN", Code.INSUFFICIENT_MARGIN),
        ("MAX_OPEN_ORDERS_EXCEEDED", Code.TOO_MANY_OPEN_ORDERS),
        ("SYSTEM_STATUS_CANCEL_ONLY", Code.MARKET_CLOSED),
        ("VALIDATION_ERROR", Code.BAD_REQUEST),
        ("A_WORD_OF_NEXT_YEAR", Code.OTHER),
    ],
)
def test_a_refusal_that_proves_something_refuses(word: str, code: Code) -> None:
    """Under a code that never changes, with the venue's word beside it."""
    assert answered(PLACE, refused(word)) == [
        OrderRejected(
            instrument=BTC, client_order_id=ClientOrderId(77), code=code.value, reason=f"{word} why"
        )
    ]


@pytest.mark.parametrize(
    "answer",
    [
        refused("DUPLICATED_CLIENT_ID"),
        refused("CLIENT_ORDER_ID_NOT_FOUND"),
        refused("RATE_LIMIT_EXCEEDED", 429),
        refused("A_WORD_OF_NEXT_YEAR", 429),
        refused("SERVICE_UNAVAILABLE", 503),
        refused("A_WORD_OF_NEXT_YEAR", 500),
        refused("A_WORD_OF_NEXT_YEAR", 408),
        refused("", 400),
        Answer(status=502, body=b"<html>"),
        Answer(status=201, body=b"<html>"),
        Failure(kind=FailureKind.TIMED_OUT),
        Failure(kind=FailureKind.DISCONNECTED),
    ],
)
def test_what_proves_nothing_leaves_a_doubt(answer: Answer | Failure) -> None:
    """The order may be live."""
    assert [type(event) for event in answered(PLACE, answer) if not isinstance(event, VenueNotice)] == [
        OutcomeUnknown
    ]


def test_what_never_left_is_refused() -> None:
    """It cannot be live."""
    (event,) = answered(PLACE, Failure(kind=FailureKind.NOT_SENT))
    assert isinstance(event, OrderRejected)
    assert event.code == Code.NOT_SENT


@pytest.mark.parametrize(("command", "kind"), [(CANCEL, CancelRejected), (MODIFY, ModifyRejected)])
def test_an_order_that_is_gone_refuses_what_was_asked_of_it(command: Command, kind: type[Event]) -> None:
    """And says nothing of how it went."""
    (event,) = answered(command, refused("ORDER_IS_CLOSED", 404))
    assert isinstance(event, kind)


def test_f051_an_order_that_is_refused_for_want_of_a_login_asks_for_one() -> None:
    """At once, and not when the next renewal is due."""
    event, again = answered(PLACE, refused("INVALID_TOKEN", 401))
    assert isinstance(event, OrderRejected)
    assert again == AskAgain(query=LOGIN, reason="the token has expired")


@given(st.integers(200, 599), st.binary(max_size=60), st.sampled_from([PLACE, MODIFY, CANCEL, CancelAll()]))
def test_no_answer_is_an_error_of_ours(status: int, body: bytes, command: Command) -> None:
    """Nonsense is a doubt."""
    for event in answered(command, Answer(status=status, body=body)):
        assert isinstance(event, OutcomeUnknown | VenueNotice)
