"""Whatever bytes come as an answer, every order has an outcome and only the venue's words refuse."""

from __future__ import annotations

import json
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from paraphina_core.connector import Answer, Failure, FailureKind
from paraphina_core.domain import (
    ArmDeadMan,
    Batch,
    CancelOrder,
    CancelRejected,
    ClientOrderId,
    DeadManReport,
    ModifyOrder,
    ModifyRejected,
    OrderAccepted,
    OrderCancelled,
    OrderModified,
    OrderRejected,
    OutcomeUnknown,
    PlaceOrder,
    SetLeverage,
    Side,
    TimeInForce,
    VenueNotice,
    instrument_id,
)
from paraphina_hyperliquid.actions import Sent
from paraphina_hyperliquid.answers import outcomes
from paraphina_hyperliquid.refusals import BEGINNINGS, code_of

ETH = instrument_id("hyperliquid", "ETH")
BUY, ONE = Side.BUY, Decimal(1)
IDS = [ClientOrderId(n) for n in (1, 2, 3)]
PLACES = tuple(
    PlaceOrder(instrument=ETH, client_order_id=n, side=BUY, price=ONE, size=ONE, time_in_force=tif)
    for n, tif in zip(IDS, (TimeInForce.GTC, TimeInForce.IOC, TimeInForce.GTC), strict=True)
)
MODIFIES = tuple(
    ModifyOrder(instrument=ETH, client_order_id=n, venue_order_id="5", side=BUY, price=ONE, size=ONE)
    for n in IDS
)
CANCELS = tuple(CancelOrder(instrument=ETH, client_order_id=n, venue_order_id="5") for n in IDS)
COMMANDS: list[Sent] = [
    *PLACES[:2],
    MODIFIES[0],
    CANCELS[0],
    *(Batch(commands=commands) for commands in (PLACES, MODIFIES[:2], CANCELS[:2])),
    ArmDeadMan(window_ms=60_000),
    ArmDeadMan(window_ms=0),
    SetLeverage(instrument=ETH, leverage=5),
]

WORDS = st.sampled_from(
    ["ok", "err", "order", "cancel", "default", "success", "Action already expired", "0x12", "0.5"]
)
KEYS = st.sampled_from(
    [
        *("status", "response", "type", "data", "statuses", "error", "resting", "filled"),
        *("oid", "cloid", "totalSz", "avgPx"),
    ]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)
SENTENCE = st.sampled_from([sentence for sentence, _ in BEGINNINGS]) | st.text(max_size=8)
HELD = st.fixed_dictionaries(
    {"oid": st.integers(-1, 2**64)}, optional={"cloid": JSON, "totalSz": WORDS | JSON}
)
STATUS = (
    st.fixed_dictionaries({"error": SENTENCE})
    | st.fixed_dictionaries({}, optional={"resting": HELD, "filled": HELD, "error": SENTENCE | JSON})
    | st.just("success")
    | JSON
)
DATA = st.fixed_dictionaries({}, optional={"statuses": st.lists(STATUS, max_size=3), "status": STATUS})
DONE_OR_NOT = st.fixed_dictionaries(
    {"type": st.sampled_from(["order", "cancel", "default"]) | JSON}, optional={"data": DATA | JSON}
)
REPLY = (
    st.fixed_dictionaries({"status": st.just("ok"), "response": DONE_OR_NOT})
    | st.fixed_dictionaries({"status": st.just("err"), "response": SENTENCE})
    | st.fixed_dictionaries({"status": WORDS, "response": SENTENCE | DONE_OR_NOT | JSON})
)
REAL = [
    b'{"status":"ok","response":{"type":"order","data":{"statuses":[{"resting":{"oid":77738308}}]}}}',
    b'{"status":"ok","response":{"type":"order","data":{"statuses":[{"filled":{"totalSz":"1.0","oid":9}}]}}}',
    b'{"status":"ok","response":{"type":"order","data":{"statuses":[{"error":"Order has zero size."}]}}}',
    b'{"status":"ok","response":{"type":"cancel","data":{"statuses":["success",{"error":"gone"}]}}}',
    b'{"status":"err","response":"Action already expired"}',
    b'{"status":"ok","response":{"type":"default"}}',
]


def refusing_words(body: bytes) -> list[object]:
    """Return the sentences of an answer that stand where the venue refuses."""
    reply = json.loads(body)
    if reply["status"] == "err":
        return [reply["response"]] if code_of(reply["response"]) else []
    data = reply["response"]["data"]
    statuses = [data.get("status"), *(data.get("statuses") or [])]
    return [status["error"] for status in statuses if isinstance(status, dict) and "error" in status]


OUTCOMES = (
    *(OrderAccepted, OrderRejected, OrderCancelled, CancelRejected, OutcomeUnknown),
    *(OrderModified, ModifyRejected),
)
REFUSALS = (OrderRejected, CancelRejected, ModifyRejected)


def check(command: Sent, body: bytes, status: int = 200) -> None:
    """Classify a body; every order has an outcome, and what is refused is refused by the venue's words."""
    events = outcomes(command, Answer(status=status, body=body), 0)
    if isinstance(command, ArmDeadMan | SetLeverage):
        assert all(isinstance(event, VenueNotice | DeadManReport) for event in events)
        assert events
        return
    settled = [event for event in events if isinstance(event, OUTCOMES)]
    assert all(isinstance(event, (*OUTCOMES, VenueNotice)) for event in events)
    orders = command.commands if isinstance(command, Batch) else (command,)
    ids = dict.fromkeys(event.client_order_id for event in settled)
    assert list(ids) == [order.client_order_id for order in orders]
    refusals = [event for event in settled if isinstance(event, REFUSALS)]
    if refusals:
        assert status == 200
        assert {code_of(word) or "other" for word in refusing_words(body) if isinstance(word, str)} >= {
            e.code for e in refusals
        }


@given(st.sampled_from(COMMANDS), st.binary(max_size=300), st.sampled_from([200, 500]))
def test_f007_any_bytes_are_classified(command: Sent, body: bytes, status: int) -> None:
    """Garbage never raises and never refuses."""
    check(command, body, status)


@given(st.sampled_from(COMMANDS), REPLY, st.sampled_from([200, 200, 200, 429]))
def test_f012_any_reply_is_classified_and_refuses_only_by_the_venues_words(
    command: Sent, reply: object, status: int
) -> None:
    """Well-formed replies with anything in any place."""
    check(command, json.dumps(reply).encode(), status)


@given(
    st.sampled_from(COMMANDS),
    st.sampled_from(REAL),
    st.integers(0, 300),
    st.binary(max_size=4),
    st.integers(0, 4),
)
def test_f007_any_damage_to_a_real_answer_is_classified(
    command: Sent, body: bytes, position: int, inserted: bytes, removed: int
) -> None:
    """Bytes changed, lost or added in an answer never raise."""
    at = position % len(body)
    events = outcomes(command, Answer(status=200, body=body[:at] + inserted + body[at + removed :]), 0)
    assert events


@given(st.sampled_from(COMMANDS), st.sampled_from(FailureKind), st.text(max_size=50))
def test_any_failure_is_classified(command: Sent, kind: FailureKind, detail: str) -> None:
    """Whatever the network says of it; only what was never sent refuses."""
    events = outcomes(command, Failure(kind=kind, detail=detail), 0)
    assert events
    if kind is not FailureKind.NOT_SENT:
        assert not any(isinstance(event, REFUSALS) for event in events)
