"""Nothing that a client can send breaks the twin: it answers, refuses or hangs up, and goes on."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperliquid_desk import Desk, cancel, modify, order, place
from paraphina_core.connector import Network
from paraphina_core.twin import Refusal

DESK = Desk(flow="no")  # one for all: it has to live through all of it

ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=20),
    st.sampled_from(["0x", "0x" + "0" * 40, "BTC", "Alo", "1e5", "-1", "9" * 40, "na"]),
)
JSON = st.recursive(
    ODD, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
)
QUESTIONS = sorted(DESK.twin.questions)


def damaged(draw: st.DrawFn, value: Any) -> Any:
    """Put something odd in one place of a message."""
    if isinstance(value, dict) and value and draw(st.integers(0, 3)):
        key = draw(st.sampled_from(sorted(value)))
        if not draw(st.integers(0, 5)):
            return {name: inner for name, inner in value.items() if name != key}
        return value | {key: damaged(draw, value[key])}
    if isinstance(value, list) and value and draw(st.integers(0, 3)):
        index = draw(st.integers(0, len(value) - 1))
        return [*value[:index], damaged(draw, value[index]), *value[index + 1 :]]
    return draw(JSON)


@st.composite
def damaged_actions(draw: st.DrawFn) -> Any:
    """Return an action that was right before something odd was put into it."""
    whole = draw(
        st.sampled_from(
            [
                place(order("2", "10", cloid="0x" + "ab" * 16)),
                modify(1, order("2", "10")),
                cancel(1),
                {"type": "cancelByCloid", "cancels": [{"asset": 2, "cloid": "0x" + "ab" * 16}]},
                {"type": "scheduleCancel", "time": 1},
                {"type": "updateLeverage", "asset": 2, "isCross": True, "leverage": 3},
            ]
        )
    )
    return damaged(draw, whole)


@given(st.binary(max_size=200))
def test_f007_any_bytes_are_answered(raw: bytes) -> None:
    """Over HTTP with a status, over a socket with an error or an end."""
    for path in ("/info", "/exchange"):
        assert DESK.post(path, raw, peer="bytes")[0] in {200, 400, 422, 429}
    DESK.connect(1, peer=raw.hex())
    DESK.tell(raw)
    DESK.twin.disconnected(1, DESK.now_ns)


@given(JSON)
def test_any_json_is_answered(value: Any) -> None:
    """As a body, as a message, as a subscription and as a request over the socket."""
    for path in ("/info", "/exchange"):
        assert DESK.post(path, value, peer="json")[0] in {200, 400, 422, 429}
    for message in (
        value,
        {"method": "subscribe", "subscription": value},
        {"method": "post", "id": 1, "request": value},
        {"method": "post", "id": 1, "request": {"type": "action", "payload": value}},
    ):
        DESK.connect(2, peer=repr(value))
        DESK.tell(message, 2)
        DESK.twin.disconnected(2, DESK.now_ns)


@given(kind=st.sampled_from(QUESTIONS), more=st.dictionaries(st.text(max_size=10), ODD), data=st.data())
def test_every_question_is_answered_whatever_else_it_says(
    kind: str, more: dict[str, Any], data: st.DataObject
) -> None:
    """With the fields it knows holding anything."""
    known = {
        name: data.draw(ODD | st.just(DESK.maker.address) | st.just("ATOM"))
        for name in ("user", "coin", "oid", "startTime", "endTime", "nSigFigs", "mantissa", "req", "dex")
        if data.draw(st.booleans())
    }
    status, _ = DESK.post("/info", {"type": kind, **more, **known}, peer=kind)
    assert status in {200, 400, 422, 429}


@settings(max_examples=200)
@given(damaged_actions())
def test_f018_a_damaged_action_is_refused_or_done_and_never_breaks_anything(action: Any) -> None:
    """Signed by a known key as it stands, so that it gets as far as it can."""
    try:
        body = DESK.signed(action)
    except (OverflowError, ValueError, TypeError):
        return  # not even a client could have packed that
    status, said = DESK.post("/exchange", body, peer=repr(action))
    assert status in {200, 400, 422}
    if status == 200:
        assert said["status"] in {"ok", "err"}


def test_f027_what_is_too_deep_or_too_long_is_refused() -> None:
    """Before it costs anything."""
    desk = Desk(flow="no")
    desk.connect()
    deep = b"[" * 100_000
    long = json.dumps(place(*[order("2", "10")] * 3_000)).encode()
    for raw in (deep, b'{"type":' + deep, long):
        assert desk.post("/info", raw)[0] in {400, 422}
        assert desk.post("/exchange", raw)[0] in {400, 422}
        (said,) = desk.tell(raw)
        assert said["channel"] == "error"
        assert len(said["data"]) < 3_000
    signed = desk.signed(place(*[order("2", "10")] * 1_001))
    assert desk.post("/exchange", signed)[0] == 422


def test_every_question_has_an_answer_when_it_is_asked_as_it_should_be() -> None:
    """For an account, a stranger and an agent, on both networks."""
    for network in Network:
        desk = Desk(network, flow="no")
        for user in (desk.maker.address, desk.maker.agent, "0x" + "99" * 20):
            for number, kind in enumerate(QUESTIONS):
                more = {"user": user, "coin": "BTC", "oid": 1, "startTime": 0, "type": kind}
                more["req"] = {"coin": "BTC", "interval": "1m", "startTime": 0}
                assert desk.post("/info", more, peer=f"{user}{number}")[0] == 200, kind


@pytest.mark.parametrize(
    ("why", "status"),
    [(Refusal.RATE_LIMITED, 429), (Refusal.BANNED, 403), (Refusal.UNAVAILABLE, 502)],
)
def test_the_twin_can_refuse_unseen(why: Refusal, status: int) -> None:
    """For the faults of a host: the venue has a status for each."""
    assert DESK.twin.refuse(why, 10).status == status
