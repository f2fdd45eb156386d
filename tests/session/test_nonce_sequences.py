"""Where nonces have no gaps, what was lost is found out before anything else is sent."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paraphina_core.connector import (
    Connector,
    ConnectorContext,
    ConnectorSpec,
    HttpRequest,
    NonceRule,
    Request,
    StreamRequest,
    WriteContext,
)
from paraphina_core.domain import (
    Batch,
    CancelOrder,
    Command,
    Event,
    NonceReport,
    OrderRejected,
    PlaceOrder,
    QueryAccount,
    Side,
)
from port import (
    ACCOUNT,
    FINE,
    LATE,
    LOST_ANSWER,
    LOST_REQUEST,
    NOT_SENT,
    UNAVAILABLE,
    Desk,
    Fault,
    PortConnector,
    Venue,
    port_spec,
)

BUY, SELL = Side.BUY, Side.SELL
FIRST = 40


class LaneConnector(PortConnector):
    """States the nonce beside the command."""

    def write(self, command: Command, context: WriteContext) -> Request:
        """Spell a command with its number."""
        request = super().write(command, context)
        if isinstance(request, StreamRequest):
            return StreamRequest(
                stream=request.stream,
                payload=_numbered(request.payload, context.nonce),
                correlation=request.correlation,
                deadline_ms=request.deadline_ms,
            )
        assert isinstance(request, HttpRequest)
        return HttpRequest(
            method=request.method,
            url=request.url,
            body=_numbered(request.body, context.nonce),
            correlation=request.correlation,
            deadline_ms=request.deadline_ms,
        )


def _numbered(body: bytes, nonce: int) -> bytes:
    return body[:-1] + b',"nonce":%d}' % nonce


class LaneVenue(Venue):
    """Takes each number once, in turn, and as many for a batch as it has commands."""

    next_nonce = FIRST
    refused = 0

    def handle(self, body: bytes, at_ns: int) -> list[Event]:
        """Refuse what is out of turn."""
        message = json.loads(body)
        if "nonce" not in message:
            events = super().handle(body, at_ns)
            is_account = message["type"] == "query_account"
            return [*events, NonceReport(next_nonce=self.next_nonce)] if is_account else events
        commands = message.get("commands", [message])
        if message["nonce"] != self.next_nonce:
            self.refused += 1
            refusals = [_refusal(one) for one in commands if one["type"] == "place_order"]
            return [*refusals, NonceReport(next_nonce=None)]
        self.next_nonce += len(commands)
        return super().handle(body, at_ns)


def _refusal(order: dict[str, Any]) -> Event:
    return OrderRejected(
        instrument=order["instrument"],
        client_order_id=order["client_order_id"],
        code="NONCE",
        reason="out of turn",
    )


def desk(**changes: Any) -> tuple[Desk, LaneVenue]:
    """Return a session at a venue whose nonces are a sequence."""
    on_stream = changes.pop("on_stream", True)

    def build(_: ConnectorContext) -> Connector:
        return LaneConnector(made, on_stream=on_stream)

    made: ConnectorSpec = port_spec(nonce=NonceRule.SEQUENCE, factory=build, **changes)
    opened = Desk(spec=made)
    opened.venue = venue = LaneVenue(opened._tell)  # noqa: SLF001  # the desk's own venue is another one
    return opened, venue


def ended(opened: Desk) -> None:
    """End the session, and hold it to what every session must leave."""
    assert opened.stop(), (opened.orders, opened.session.unconfirmed)
    assert opened.venue.open == []
    assert opened.position == opened.venue.position
    difference = opened.replayed().difference
    assert difference is None, difference


def each(command: object) -> Sequence[object]:
    """Return commands one by one."""
    return command.commands if isinstance(command, Batch) else (command,)


def asked(opened: Desk) -> int:
    """Return how often the account was asked for."""
    return sum(isinstance(command, QueryAccount) for command in opened.venue.commands)


@pytest.mark.parametrize("on_stream", [False, True])
def test_each_command_of_a_batch_has_a_number_of_its_own(on_stream: bool) -> None:
    """Two quotes use two, and the next one is the third."""
    opened, venue = desk(on_stream=on_stream)
    opened.begin().want(BUY, SELL)
    opened.advance(500)
    assert opened.orders == [("buy", "live"), ("sell", "live")]
    assert venue.next_nonce == FIRST + 2
    opened.want(BUY, SELL, price=9_990.0)
    opened.advance(1_000)
    sent = [one for command in opened.venue.commands for one in each(command)]
    counted = sum(isinstance(one, PlaceOrder | CancelOrder) for one in sent)
    assert venue.next_nonce == FIRST + counted > FIRST + 3
    assert not venue.refused
    ended(opened)


def test_what_cannot_be_spelled_uses_no_number_up() -> None:
    """The venue would wait for it for ever."""
    opened, venue = desk()
    opened.begin()
    opened.connector.raises.add("local")
    opened.want(BUY)
    opened.advance(500)
    opened.connector.raises.clear()
    opened.advance(3_000)
    assert opened.orders == [("buy", "live")]
    assert not venue.refused
    assert opened.stop()


@pytest.mark.parametrize("fault", [LOST_REQUEST, LOST_ANSWER])
def test_f043_after_a_send_whose_fate_is_unknown_the_number_is_asked_for(fault: Fault) -> None:
    """And only then anything is sent: no gap, and nothing out of turn."""
    opened, venue = desk(on_stream=False)
    opened.begin()
    opened.faults[PlaceOrder] = [fault]
    before = asked(opened)
    opened.want(BUY)
    opened.advance(2_600)
    assert asked(opened) > before
    opened.want(SELL)
    opened.advance(3_000)
    assert ("sell", "live") in opened.orders
    assert not venue.refused
    ended(opened)


def test_f043_a_cancel_waits_for_the_number_and_is_not_given_up() -> None:
    """It leaves as soon as the venue has told it."""
    opened, venue = desk(on_stream=False)
    opened.begin().want(BUY)
    opened.advance(500)
    opened.faults[PlaceOrder] = [LOST_REQUEST]
    opened.want(BUY, SELL)
    opened.advance(200)
    opened.want()
    opened.advance(100)
    assert not any(isinstance(command, CancelOrder) for command in venue.commands)
    opened.advance(3_000)
    assert opened.venue.open == []
    assert not venue.refused
    ended(opened)


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.sampled_from([FINE, LOST_REQUEST, LOST_ANSWER, LATE, UNAVAILABLE, NOT_SENT]), max_size=6),
    st.lists(st.sampled_from([FINE, LOST_REQUEST, LOST_ANSWER, UNAVAILABLE, NOT_SENT]), max_size=4),
    st.booleans(),
)
def test_f042_a_hundred_changes_of_quotes_leave_no_gap_whatever_is_lost(
    placing: Sequence[Fault], cancelling: Sequence[Fault], on_stream: bool
) -> None:
    """Whatever fails, quotes come back, and the session ends with nothing left and a replay that agrees."""
    opened, venue = desk(on_stream=on_stream)
    opened.begin()
    opened.faults = {PlaceOrder: list(placing), CancelOrder: list(cancelling)}
    for number in range(100):
        opened.want(BUY, price=9_990.0 + number % 5)
        opened.advance(100)
    opened.advance(40_000)
    assert opened.orders == [("buy", "live")]
    assert venue.next_nonce > FIRST
    ended(opened)


def test_f043_a_closed_stream_leaves_the_number_to_be_asked_for() -> None:
    """What was on its way may have arrived."""
    opened, venue = desk()
    opened.begin()
    opened.faults[PlaceOrder] = [LOST_REQUEST]
    opened.want(BUY)
    opened.advance(50)
    opened.close(ACCOUNT)
    opened.advance(500)
    opened.open(ACCOUNT)
    opened.advance(25_000)
    assert opened.orders == [("buy", "live")]
    assert not venue.refused
    ended(opened)
