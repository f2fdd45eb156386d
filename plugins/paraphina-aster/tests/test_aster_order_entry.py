"""Commands become the requests that the venue documents, and only its own word settles one."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aster_desk import ASTER, BTC, ETH, Desk
from paraphina_aster.limits import IP_WEIGHT, MAX_BATCH, ORDERS, ORDERS_BURST
from paraphina_core.connector import Answer, Failure, FailureKind, HttpRequest
from paraphina_core.domain import (
    ArmDeadMan,
    Batch,
    CancelAll,
    CancelOrder,
    CancelRejected,
    Command,
    DeadManReport,
    LocalError,
    ModifyOrder,
    ModifyRejected,
    OrderAccepted,
    OrderCancelled,
    OrderExpired,
    OrderModified,
    OrderRejected,
    OutcomeUnknown,
    PlaceOrder,
    SetLeverage,
    Side,
    TimeInForce,
    VenueNotice,
    to_text,
)


def cancel(order: PlaceOrder, venue_order_id: str | None = None) -> CancelOrder:
    """Return the cancel of an order."""
    return CancelOrder(
        instrument=order.instrument,
        client_order_id=order.client_order_id,
        venue_order_id=venue_order_id,
    )


def change(order: PlaceOrder, price: str, venue_order_id: str | None = None) -> ModifyOrder:
    """Return a change of an order's price."""
    return ModifyOrder(
        instrument=order.instrument,
        client_order_id=order.client_order_id,
        venue_order_id=venue_order_id,
        side=order.side,
        price=Decimal(price),
        size=order.size,
    )


def refusal(code: int, status: int = 400) -> Answer:
    """Return a refusal of the venue."""
    return Answer(status=status, body=msgspec.json.encode({"code": code, "msg": "because"}))


def spelled(desk: Desk, command: Command) -> tuple[str, str, dict[str, str]]:
    """Return method, path and the endpoint's own parameters of a command."""
    request = desk.connector.write(command, desk.context())
    assert isinstance(request, HttpRequest)
    assert request.private
    given_ = dict(parse_qsl(request.body.decode()))
    own = {"nonce", "signer", "signature", "timestamp", "recvWindow"}
    path = request.url.partition("/fapi/")[2]
    return request.method, path, {name: text for name, text in given_.items() if name not in own}


# --- spelling ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({}, {"timeInForce": "GTC"}),
        ({"post_only": True}, {"timeInForce": "GTX"}),
        ({"time_in_force": TimeInForce.IOC}, {"timeInForce": "IOC", "newOrderRespType": "RESULT"}),
        (
            {"side": Side.SELL, "reduce_only": True},
            {"side": "SELL", "timeInForce": "GTC", "reduceOnly": "true"},
        ),
    ],
)
def test_an_order_is_spelled_as_the_documentation_says(changes: Any, wanted: dict[str, str]) -> None:
    """Docs "New order": a limit order with its time in force, numbers without an exponent, our id."""
    desk = Desk().start()
    order = desk.order(**changes)
    method, path, parameters = spelled(desk, order)
    assert (method, path) == ("POST", "v3/order")
    assert (
        parameters
        == {
            "symbol": "BTCUSDT",
            "side": "BUY",
            "type": "LIMIT",
            "quantity": "0.01",
            "price": "83000",
            "newClientOrderId": to_text(order.client_order_id, "t"),
        }
        | wanted
    )


def test_the_other_commands_are_spelled_as_the_documentation_says() -> None:
    """Both ids for cancels and changes, both price and quantity for a change, a symbol for all else."""
    desk = Desk().start()
    order = desk.order()
    text = to_text(order.client_order_id, "t")
    at_83100 = {"symbol": "BTCUSDT", "side": "BUY", "quantity": "0.01", "price": "83100"}
    for command, wanted in (
        (cancel(order), ("DELETE", "v3/order", {"symbol": "BTCUSDT", "origClientOrderId": text})),
        (cancel(order, "8"), ("DELETE", "v3/order", {"symbol": "BTCUSDT", "orderId": "8"})),
        (change(order, "83100"), ("PUT", "v3/order", at_83100 | {"origClientOrderId": text})),
        (change(order, "83100", "8"), ("PUT", "v3/order", at_83100 | {"orderId": "8"})),
        (CancelAll(instrument=BTC), ("DELETE", "v3/allOpenOrders", {"symbol": "BTCUSDT"})),
        (
            ArmDeadMan(window_ms=120_000, instruments=(BTC,)),
            ("POST", "v3/countdownCancelAll", {"symbol": "BTCUSDT", "countdownTime": "120000"}),
        ),
        (
            SetLeverage(instrument=BTC, leverage=21),
            ("POST", "v3/leverage", {"symbol": "BTCUSDT", "leverage": "21"}),
        ),
    ):
        assert spelled(desk, command) == wanted


def test_an_old_key_has_the_paths_of_its_generation() -> None:
    """The same parameters under `/fapi/v1`, with the key in a header that only the core adds."""
    desk = Desk(old_key=True).start()
    method, path, parameters = spelled(desk, desk.order())
    assert (method, path) == ("POST", "v1/order")
    assert parameters["type"] == "LIMIT"
    paths = {request.url.partition("/fapi/")[2].partition("?")[0] for request, _ in desk.requests}
    assert "v1/listenKey" in paths
    assert all("x-mbx-apikey" not in map(str.lower, request.headers) for request, _ in desk.requests)


def test_several_of_a_kind_go_in_one_request() -> None:
    """Orders and changes as JSON with double quotes, cancels as a list of one kind of ids."""
    desk = Desk().start()
    one, two = desk.order(), desk.order(price="82000")
    method, path, parameters = spelled(desk, Batch(commands=(one, two)))
    assert (method, path) == ("POST", "v3/batchOrders")
    placed = msgspec.json.decode(parameters["batchOrders"])
    assert [order["price"] for order in placed] == ["83000", "82000"]
    method, path, parameters = spelled(desk, Batch(commands=(change(one, "83100"), change(two, "82100"))))
    assert (method, path) == ("PUT", "v3/batchOrders")
    texts = [to_text(order.client_order_id, "t") for order in (one, two)]
    changed = msgspec.json.decode(parameters["batchOrders"])
    assert [order["origClientOrderId"] for order in changed] == texts
    method, path, parameters = spelled(desk, Batch(commands=(cancel(one), cancel(two))))
    assert (method, path) == ("DELETE", "v3/batchOrders")
    assert msgspec.json.decode(parameters["origClientOrderIdList"]) == texts
    *_, parameters = spelled(desk, Batch(commands=(cancel(one, "8"), cancel(two, "9"))))
    assert msgspec.json.decode(parameters["orderIdList"]) == [8, 9]


def test_each_request_costs_what_the_venue_counts() -> None:
    """Each order of a batch counts as one; cancels count as none."""
    desk = Desk().start()
    orders = tuple(desk.order() for _ in range(MAX_BATCH))

    def cost(command: Command) -> dict[str, int]:
        return dict(desk.connector.write(command, desk.context()).cost)

    assert cost(orders[0]) == {IP_WEIGHT: 1, ORDERS: 1, ORDERS_BURST: 1}
    assert cost(Batch(commands=orders)) == {IP_WEIGHT: 5, ORDERS: 5, ORDERS_BURST: 5}
    assert cost(cancel(orders[0])) == {IP_WEIGHT: 1}
    assert cost(ArmDeadMan(window_ms=9, instruments=(BTC,))) == {IP_WEIGHT: 10}


def test_what_the_venue_has_no_words_for_never_leaves() -> None:
    """Off the grid, unknown, too many, of two kinds or symbols, of all symbols, isolated."""
    desk = Desk("BTCUSDT,ETHUSDT").start()
    order, other = desk.order(), desk.order(instrument=ETH, price="2700")
    for command in (
        desk.order(price="83000.05"),
        desk.order(size="0.0105"),
        desk.order(instrument=ASTER),
        Batch(commands=tuple(desk.order() for _ in range(MAX_BATCH + 1))),
        Batch(commands=(order, cancel(order))),
        Batch(commands=(cancel(order), cancel(other))),
        Batch(commands=(cancel(order), cancel(order, "8"))),
        cancel(order, "no number"),
        CancelAll(),
        ArmDeadMan(window_ms=5_000, instruments=(BTC, ETH)),
        ArmDeadMan(window_ms=-1, instruments=(BTC,)),
        SetLeverage(instrument=BTC, leverage=0),
        SetLeverage(instrument=BTC, leverage=2, cross_margin=False),
    ):
        with pytest.raises(LocalError):
            desk.connector.write(command, desk.context())


# --- at the twin ------------------------------------------------------------------------------------


def test_an_order_lives_and_is_changed_and_cancelled_at_the_twin() -> None:
    """The change keeps the venue's id, and the account's stream tells the same."""
    desk = Desk().start()
    order = desk.order()
    (accepted,) = desk.command(order)
    assert isinstance(accepted, OrderAccepted)
    (modified,) = desk.command(change(order, "83100", accepted.venue_order_id))
    assert isinstance(modified, OrderModified)
    assert (modified.venue_order_id, modified.price) == (accepted.venue_order_id, Decimal(83100))
    (cancelled,) = desk.command(cancel(order))
    assert isinstance(cancelled, OrderCancelled)
    assert cancelled.filled_size == 0
    kinds = [type(event) for event in desk.told_events]
    assert kinds == [OrderAccepted, OrderModified, OrderCancelled]
    (again,) = desk.command(cancel(order))
    assert isinstance(again, CancelRejected)
    (gone,) = desk.command(change(order, "83200"))
    assert isinstance(gone, ModifyRejected)


def test_what_does_not_trade_at_once_is_told_to_be_gone_in_the_answer() -> None:
    """An immediate-or-cancel order that met nobody has expired with nothing filled."""
    desk = Desk().start()
    accepted, expired = desk.command(desk.order(time_in_force=TimeInForce.IOC))
    assert isinstance(accepted, OrderAccepted)
    assert isinstance(expired, OrderExpired)
    assert expired.filled_size == 0


def test_each_of_a_batch_has_its_own_outcome() -> None:
    """In the order in which they were sent."""
    desk = Desk().start()
    good, bad = desk.order(), desk.order(price="90000")
    events = desk.command(Batch(commands=(bad, good)))
    assert [type(event) for event in events] == [OrderRejected, OrderAccepted]
    first, second = desk.command(Batch(commands=(cancel(good), cancel(bad))))
    assert (type(first), type(second)) == (OrderCancelled, CancelRejected)


def test_a_post_only_order_that_would_trade_is_rejected_either_way() -> None:
    """Whether the venue refuses it or takes it and lets it expire, nobody knows before the first try."""
    desk = Desk().start()
    order = desk.order(post_only=True)
    (refused,) = desk.command(order, refusal(-5022))
    assert isinstance(refused, OrderRejected)
    accepted = desk.order(post_only=True)
    desk.command(accepted)
    body = desk.requests[-1][1].body.replace(b'"status":"NEW"', b'"status":"EXPIRED"')
    again = msgspec.structs.replace(accepted, client_order_id=accepted.client_order_id)
    (expired,) = desk.command(again, Answer(status=200, body=body))
    assert isinstance(expired, OrderRejected)
    assert refused.code == expired.code == "post_only_crossed"


# --- doubt ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        Failure(kind=FailureKind.TIMED_OUT),
        Failure(kind=FailureKind.DISCONNECTED),
        Answer(status=503, body=b"<html>"),
        refusal(-1007, 503),
        refusal(-1000),
        refusal(-1006),
        refusal(-4225),
        refusal(-1003, 429),
        refusal(-1003, 418),
        refusal(-4014, 500),
        refusal(-999_999),
        Answer(status=200, body=b"{}"),
        Answer(status=200, body=b""),
        Answer(status=403, body=b"firewall"),
    ],
    ids=str,
)
def test_f010_what_does_not_prove_a_refusal_leaves_a_doubt(answer: Answer | Failure) -> None:
    """Timeouts, 503, limits, nonces, unknown numbers and pages: the order may be alive."""
    desk = Desk().start()
    order = desk.order()
    for command in (order, cancel(order), change(order, "83100")):
        doubt, *notices = desk.command(command, answer)
        assert isinstance(doubt, OutcomeUnknown)
        assert doubt.client_order_id == order.client_order_id
        assert all(isinstance(notice, VenueNotice) for notice in notices)
    both = desk.command(Batch(commands=(order, desk.order())), answer)
    assert sum(isinstance(event, OutcomeUnknown) for event in both) == 2


def test_what_never_left_is_refused() -> None:
    """Only that proves that the venue saw nothing."""
    desk = Desk().start()
    (event,) = desk.command(desk.order(), Failure(kind=FailureKind.NOT_SENT))
    assert isinstance(event, OrderRejected)


def test_an_answer_about_another_order_settles_nothing() -> None:
    """A client id or a symbol that was not asked about."""
    desk = Desk().start()
    desk.command(desk.order())
    body = desk.requests[-1][1].body
    (doubt,) = desk.command(desk.order(), Answer(status=200, body=body))
    assert isinstance(doubt, OutcomeUnknown)
    assert "another order" in doubt.reason


def test_refusals_that_stay_are_told_to_an_operator_with_what_can_be_done() -> None:
    """A wallet that has never deposited, an agent that may not trade, a clock that is off."""
    desk = Desk().start()
    for code, word in ((-5050, "deposited"), (-2015, "agent"), (-4225, "clock")):
        events = desk.command(desk.order(), refusal(code))
        (notice,) = (event for event in events if isinstance(event, VenueNotice))
        assert word in notice.text


def test_a_switch_that_is_refused_is_told_to_be_off() -> None:
    """One that nobody knows of is told neither way."""
    desk = Desk().start()
    arm = ArmDeadMan(window_ms=5_000, instruments=(BTC,))
    (off,) = desk.command(arm, refusal(-1102))
    assert isinstance(off, DeadManReport)
    assert (off.armed_until_ns, off.reason[:11]) == (None, "bad_request")
    (doubt,) = desk.command(arm, Failure(kind=FailureKind.TIMED_OUT))
    assert isinstance(doubt, VenueNotice)
    (on,) = desk.command(arm)
    assert isinstance(on, DeadManReport)
    assert on.armed_until_ns == desk.at_ns + 5_000_000_000


@given(st.integers(100, 599), st.binary(max_size=200))
def test_no_bytes_break_what_reads_answers(status: int, body: bytes) -> None:
    """Whatever comes back, each order has one outcome that is no success."""
    desk = Desk()
    desk.start()
    order = desk.order()
    events = desk.command(order, Answer(status=status, body=body))
    assert isinstance(events[0], OutcomeUnknown)
