"""Answers to commands refuse by the venue's own words only; everything else leaves the outcome unknown."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal

import pytest

from paraphina_core.connector import Answer, Failure, FailureKind
from paraphina_core.domain import (
    ArmDeadMan,
    Batch,
    CancelOrder,
    CancelRejected,
    ClientOrderId,
    DeadManReport,
    Event,
    ModifyOrder,
    ModifyRejected,
    NonceReport,
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
    to_hex128,
)
from paraphina_hyperliquid.actions import Sent
from paraphina_hyperliquid.answers import outcomes
from paraphina_hyperliquid.refusals import ALARMING, BEGINNINGS, NO_EVIDENCE, Code
from paraphina_hyperliquid.words import MAX_LETTERS

ETH = instrument_id("hyperliquid", "ETH")
SENT_NS = 1_763_800_000_000_999_999
GONE = "Order was never placed, already canceled, or filled. asset=0"
CROSSED = "Post only order would have immediately matched, bbo was 1891.4@1891.5. asset=1"
BAD_TICK = "Price must be divisible by tick size."
NO_WALLET = "L1 error: User or API Wallet 0x0123456789012345678901234567890123456789 does not exist."


def place(client_order_id: int = 1, time_in_force: TimeInForce = TimeInForce.GTC) -> PlaceOrder:
    """Return a buy of one."""
    return PlaceOrder(
        instrument=ETH,
        client_order_id=ClientOrderId(client_order_id),
        side=Side.BUY,
        price=Decimal(100),
        size=Decimal(1),
        time_in_force=time_in_force,
    )


def modify(client_order_id: int = 1) -> ModifyOrder:
    """Return a change of that order."""
    return ModifyOrder(
        instrument=ETH,
        client_order_id=ClientOrderId(client_order_id),
        venue_order_id="5",
        side=Side.BUY,
        price=Decimal(101),
        size=Decimal(1),
    )


def cancel(client_order_id: int = 1) -> CancelOrder:
    """Return a cancel of that order."""
    return CancelOrder(instrument=ETH, client_order_id=ClientOrderId(client_order_id), venue_order_id="5")


IOC = place(time_in_force=TimeInForce.IOC)
DEAD_MAN = ArmDeadMan(window_ms=60_000)
THREE = Batch(commands=(place(1), place(2), place(3)))
TWO_CANCELS = Batch(commands=(cancel(1), cancel(2)))


def said(reply: object, status: int = 200) -> Answer:
    """Return an answer with a JSON body."""
    return Answer(status=status, body=json.dumps(reply).encode())


def stated(*statuses: object, kind: str = "order") -> Answer:
    """Return an answer with one status for each order."""
    return said({"status": "ok", "response": {"type": kind, "data": {"statuses": statuses}}})


def refused(sentence: str) -> Answer:
    """Return the refusal of a whole request."""
    return said({"status": "err", "response": sentence})


def told(command: Sent, answer: Answer | Failure) -> Sequence[Event]:
    """Return what an answer to a command means."""
    return outcomes(command, answer, SENT_NS)


def without_notices(events: Sequence[Event]) -> list[Event]:
    """Return what is said of orders."""
    return [event for event in events if not isinstance(event, VenueNotice | NonceReport)]


def one(command: Sent, answer: Answer | Failure) -> Event:
    """Return the only event about an order."""
    (event,) = without_notices(told(command, answer))
    return event


def code(event: Event) -> str:
    """Return the code of a refusal."""
    assert isinstance(event, OrderRejected | CancelRejected)
    return event.code


# --- orders -----------------------------------------------------------------------------------


def test_a_resting_order_is_accepted_under_the_venues_id() -> None:
    """With or without the echo of our id."""
    accepted = OrderAccepted(instrument=ETH, client_order_id=ClientOrderId(1), venue_order_id="77738308")
    assert one(place(), stated({"resting": {"oid": 77738308}})) == accepted
    echo = {"resting": {"oid": 77738308, "cloid": to_hex128(1, "t"), "novelty": [1]}}
    assert one(place(), stated(echo)) == accepted
    assert one(place(), stated({"resting": {"oid": 77738308, "cloid": None}})) == accepted


@pytest.mark.parametrize("cloid", [to_hex128(2, "t"), "0x1234567890abcdef1234567890abcdef", ""])
def test_an_answer_that_names_another_order_settles_nothing(cloid: str) -> None:
    """It was matched to the wrong request, here or at the venue."""
    for status in (
        {"resting": {"oid": 9, "cloid": cloid}},
        {"filled": {"oid": 9, "cloid": cloid, "totalSz": "1"}},
    ):
        assert isinstance(one(place(), stated(status)), OutcomeUnknown)


@pytest.mark.parametrize("total", ["1.0", "0.4"])
def test_f031_a_filled_status_accepts_the_order_and_books_no_fill(total: str) -> None:
    """It has no trade id: the account's stream books the fill; what is left of a GTC order rests."""
    status = {"filled": {"totalSz": total, "avgPx": "100.5", "oid": 77747315}}
    assert one(place(), stated(status)) == OrderAccepted(
        instrument=ETH, client_order_id=ClientOrderId(1), venue_order_id="77747315"
    )


def test_what_an_immediate_order_did_not_fill_is_gone_and_what_it_filled_is_still_to_be_booked() -> None:
    """The size that filled is told with the end, so that the order counts until its fills are there."""
    accepted, gone = told(IOC, stated({"filled": {"totalSz": "0.4", "avgPx": "100.5", "oid": 9}}))
    assert isinstance(accepted, OrderAccepted)
    assert isinstance(gone, OrderCancelled)
    assert (gone.filled_size, gone.venue_order_id) == (Decimal("0.4"), "9")
    whole = {"filled": {"totalSz": "1", "avgPx": "100.5", "oid": 9}}
    assert isinstance(one(IOC, stated(whole)), OrderAccepted)


@pytest.mark.parametrize("total", ["NaN", "Infinity", "1e0", "", "x", "1" * 100, "0.0", "-1"])
def test_f027_an_immediate_order_that_filled_nobody_knows_what_is_asked_for(total: str) -> None:
    """Accepted, and unknown from there on; also when it claims to rest."""
    accepted, doubt = told(IOC, stated({"filled": {"totalSz": total, "oid": 9}}))
    assert isinstance(accepted, OrderAccepted)
    assert isinstance(doubt, OutcomeUnknown)
    assert isinstance(one(IOC, stated({"resting": {"oid": 9}})), OutcomeUnknown)


def test_f044_each_order_of_a_batch_has_its_own_outcome() -> None:
    """In the order of the commands."""
    answer = stated(
        {"resting": {"oid": 1}}, {"error": CROSSED}, {"filled": {"totalSz": "1", "avgPx": "1891.4", "oid": 2}}
    )
    first, second, third = told(THREE, answer)
    assert isinstance(first, OrderAccepted)
    assert second == OrderRejected(
        instrument=ETH, client_order_id=ClientOrderId(2), code="post_only_crossed", reason=CROSSED
    )
    assert isinstance(third, OrderAccepted)
    assert (first.client_order_id, third.client_order_id, third.venue_order_id) == (1, 3, "2")


@pytest.mark.parametrize(
    "answer",
    [
        stated({"error": BAD_TICK}),
        said({"status": "ok", "response": {"type": "order", "data": {"status": {"error": BAD_TICK}}}}),
        refused(BAD_TICK),
    ],
)
def test_f044_one_error_for_a_whole_batch_refuses_every_order(answer: Answer) -> None:
    """What is refused before any order is looked at is answered once, in one of three shapes."""
    events = told(THREE, answer)
    assert [code(event) for event in events] == ["bad_price"] * 3
    assert [event.client_order_id for event in events if isinstance(event, OrderRejected)] == [1, 2, 3]


@pytest.mark.parametrize(
    "statuses",
    [
        [],
        [{"resting": {"oid": 1}}],
        [{"error": "a sentence that nobody knows"}],
        [{"error": BAD_TICK}, {"error": BAD_TICK}],
        [{"resting": {"oid": 1}}] * 4,
        [{"resting": {"oid": 1}}] * 101,
    ],
)
def test_f044_statuses_that_do_not_count_up_leave_all_orders_unknown(statuses: list[object]) -> None:
    """Nobody can tell which status is whose."""
    assert [type(event) for event in told(THREE, stated(*statuses))] == [OutcomeUnknown] * 3


def test_an_order_refused_for_a_reason_that_nobody_knows_is_refused() -> None:
    """The venue speaks of this one order; its code says that the reason is new."""
    event = one(place(), stated({"error": "Order rejected by the moon"}))
    assert code(event) == "other"


def test_an_order_refused_because_of_its_client_id_is_not_taken_for_dead() -> None:
    """The order in its way may be the same one, sent before."""
    assert isinstance(one(place(), stated({"error": "Duplicate Cloid"})), OutcomeUnknown)


def test_children_of_trigger_orders_are_accepted_without_an_id() -> None:
    """They are not placed here; the venue would hold them."""
    for waiting in ("waitingForFill", "waitingForTrigger"):
        event = one(place(), stated(waiting))
        assert isinstance(event, OrderAccepted)
        assert event.venue_order_id is None


# --- cancels and changes ----------------------------------------------------------------------


def test_f035_a_cancelled_order_is_gone_and_a_missing_one_must_be_asked_for() -> None:
    """Not found says nothing about the order: it may have filled."""
    first, second = told(TWO_CANCELS, stated("success", {"error": GONE}, kind="cancel"))
    assert first == OrderCancelled(instrument=ETH, client_order_id=ClientOrderId(1), venue_order_id="5")
    assert second == CancelRejected(
        instrument=ETH, client_order_id=ClientOrderId(2), venue_order_id="5", code="order_gone", reason=GONE
    )


def test_a_change_that_succeeded_gives_the_order_a_new_id() -> None:
    """The client order id stays, and the terms are the ones that were asked for."""
    modified = OrderModified(
        instrument=ETH,
        client_order_id=ClientOrderId(1),
        venue_order_id="91490999",
        price=Decimal(101),
        size=Decimal(1),
    )
    assert one(modify(), stated({"resting": {"oid": 91490999, "cloid": to_hex128(1, "t")}})) == modified
    assert one(modify(), stated({"filled": {"oid": 91490999, "totalSz": "0.1"}})) == modified
    other = {"resting": {"oid": 1, "cloid": to_hex128(2, "t")}}
    assert isinstance(one(modify(), stated(other)), OutcomeUnknown)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (refused("Cannot modify canceled or filled order"), "order_gone"),
        (refused(BAD_TICK), "bad_price"),
        (stated({"error": "Cannot modify canceled or filled order"}), "order_gone"),
        (stated({"error": f"Error placing new order during modify: {BAD_TICK}"}), "modify_lost_order"),
        (stated({"error": "Attempted to modify to invalid new order"}), "bad_request"),
        (stated({"error": "a sentence that nobody knows"}), "other"),
        (Failure(kind=FailureKind.NOT_SENT), "not_sent"),
    ],
)
def test_f036_a_change_that_the_venue_refused_says_nothing_of_the_old_order(
    answer: Answer | Failure, expected: str
) -> None:
    """Cancel and place may each fail alone, so the order must be asked for."""
    event = one(modify(), answer)
    assert isinstance(event, ModifyRejected)
    assert (event.client_order_id, event.venue_order_id, event.code) == (1, "5", expected)


@pytest.mark.parametrize(
    "answer",
    [
        stated("success"),
        refused("a sentence that nobody knows"),
        refused("Invalid nonce: duplicate nonce"),
        Failure(kind=FailureKind.TIMED_OUT),
        Failure(kind=FailureKind.DISCONNECTED),
        Answer(status=502, body=b""),
    ],
)
def test_f036_a_change_without_a_clear_answer_leaves_the_order_unknown(answer: Answer | Failure) -> None:
    """Nobody can tell which of the two orders stands."""
    event = one(modify(), answer)
    assert isinstance(event, OutcomeUnknown)
    assert event.reason


# --- settings ---------------------------------------------------------------------------------

DONE = said({"status": "ok", "response": {"type": "default"}})
REQUIRED = "Cannot set scheduled cancel time until enough volume traded. Required: $1000000."


def test_leverage_counts_as_set_only_when_the_venue_says_so() -> None:
    """Silence, a refusal and an answer to something else each have another code."""

    def noticed(answer: Answer | Failure) -> str:
        (event,) = told(SetLeverage(instrument=ETH, leverage=5), answer)
        assert isinstance(event, VenueNotice)
        return event.code

    assert noticed(DONE) == "leverage_set"
    assert noticed(Failure(kind=FailureKind.TIMED_OUT)) == "outcome_unknown"
    assert noticed(stated("success")) == "outcome_unknown"
    assert noticed(stated({"error": "no"}, kind="default")) == "outcome_unknown"
    assert noticed(refused("a sentence that nobody knows")) == "outcome_unknown"
    assert noticed(refused("Cannot switch leverage type with open position.")) == "bad_configuration"


def test_a_dead_man_switch_is_armed_until_the_very_time_that_was_sent() -> None:
    """Counted from when it was written, in the venue's milliseconds; a window of zero disarms it."""
    armed_until_ns = (1_763_800_000_000 + 60_000) * 1_000_000
    assert told(DEAD_MAN, DONE) == [DeadManReport(armed_until_ns=armed_until_ns)]
    assert told(ArmDeadMan(window_ms=0), DONE) == [DeadManReport(armed_until_ns=None)]


def test_a_dead_man_switch_that_the_venue_refuses_is_not_armed_and_an_operator_reads_why() -> None:
    """An account that has not traded enough has none, and must not believe that it has."""
    report, notice = told(DEAD_MAN, refused(REQUIRED))
    assert isinstance(report, DeadManReport)
    assert (report.armed_until_ns, REQUIRED in report.reason) == (None, True)
    assert notice == VenueNotice(code="dead_man_unavailable", text=REQUIRED)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Failure(kind=FailureKind.NOT_SENT, detail="no connection"), "not_sent"),
        (refused("Invalid nonce: duplicate nonce"), "invalid_nonce"),
        (refused("Action already expired"), "action_expired"),
    ],
)
def test_a_dead_man_switch_that_another_try_may_arm_is_as_it_was(
    answer: Answer | Failure, expected: str
) -> None:
    """What went wrong was the request, of which an operator reads once."""
    (event,) = [event for event in told(DEAD_MAN, answer) if not isinstance(event, NonceReport)]
    assert isinstance(event, VenueNotice)
    assert event.code == expected


@pytest.mark.parametrize(
    "answer",
    [Failure(kind=FailureKind.TIMED_OUT), stated("success"), refused("a sentence that nobody knows")],
)
def test_a_dead_man_switch_without_a_clear_answer_is_neither_armed_nor_disarmed(
    answer: Answer | Failure,
) -> None:
    """What was known before stands until the venue says otherwise."""
    (event,) = told(DEAD_MAN, answer)
    assert isinstance(event, VenueNotice)
    assert event.code == "outcome_unknown"


# --- sentences --------------------------------------------------------------------------------


@pytest.mark.parametrize(("sentence", "expected"), BEGINNINGS)
def test_a_known_sentence_refuses_a_place_exactly_when_it_proves_something(
    sentence: str, expected: Code
) -> None:
    """For the whole request or for one order; what needs an operator is noticed as well."""
    for answer in (refused(sentence), stated({"error": sentence})):
        event = one(place(), answer)
        if expected in NO_EVIDENCE:
            assert isinstance(event, OutcomeUnknown)
            assert event.reason.startswith(f"{expected.value}: ")
        else:
            assert code(event) == expected.value
        notices = [e.code for e in told(place(), answer) if isinstance(e, VenueNotice)]
        assert notices == ([expected.value] if expected in ALARMING else [])


def test_an_alarm_is_raised_once_for_a_batch() -> None:
    """Not once for every order."""
    events = told(THREE, refused(NO_WALLET))
    assert [code(event) for event in without_notices(events)] == ["signer_refused"] * 3
    assert len(events) == 4


def test_an_expired_action_was_not_executed() -> None:
    """Its time passed before the venue looked at it; it may be sent anew."""
    assert code(one(place(), refused("Action already expired"))) == "action_expired"


def test_f042_a_used_nonce_is_no_evidence_for_any_command() -> None:
    """The same request may have come twice, and the first one may have been executed."""
    used = "Invalid nonce: duplicate nonce"
    for command in (place(), modify(), cancel()):
        assert isinstance(one(command, refused(used)), OutcomeUnknown)
        assert NonceReport(next_nonce=None) in told(command, refused(used)), "the next one must be higher"


def test_a_new_sentence_about_a_whole_request_is_no_evidence() -> None:
    """The request may have failed half-way; neither an order nor a cancel is called refused."""
    for command in (place(), modify(), cancel()):
        assert isinstance(one(command, refused("Internal error")), OutcomeUnknown)


# --- no answer, no sense ----------------------------------------------------------------------

HTML = b"<!DOCTYPE html><html><body>Please log in to the network</body></html>"
SENSELESS: dict[str, Answer | Failure] = {
    "timed out": Failure(kind=FailureKind.TIMED_OUT),
    "disconnected": Failure(kind=FailureKind.DISCONNECTED, detail="reset by peer"),
    **{
        f"HTTP {status}": Answer(status=status, body=b"null")
        for status in (0, 201, 302, 400, 422, 429, 500, 503)
    },
    "refusal with HTTP 500": said({"status": "err", "response": BAD_TICK}, status=500),
    "refusal with HTTP 429": said({"status": "err", "response": BAD_TICK}, status=429),
    "nothing": Answer(status=200, body=b""),
    "portal": Answer(status=200, body=HTML),
    "cut short": Answer(status=200, body=b'{"status":"err","response":"Price must'),
    "deep": Answer(status=200, body=b"[" * 100_000),
    "long": Answer(status=200, body=refused(BAD_TICK).body + b" " * (4 * 1024 * 1024)),
    "half a character": Answer(status=200, body=b'{"status":"err","response":"\xc3"}'),
    "null": said(None),
    "list": said([]),
    "no status": said({"response": BAD_TICK}),
    "other status": said({"status": "unknown", "response": BAD_TICK}),
    "ok with a sentence": said({"status": "ok", "response": BAD_TICK}),
    "err with a response": said({"status": "err", "response": {"type": "order"}}),
    "other type": stated({"error": BAD_TICK}, kind="twapOrder"),
    "no data": DONE,
    "no statuses": said({"status": "ok", "response": {"type": "order", "data": {}}}),
    "both at once": stated({"resting": {"oid": 1}, "error": BAD_TICK}),
    "neither": stated({}),
    "unknown word": stated("mystery"),
    "negative id": stated({"resting": {"oid": -1}}),
    "id as text": stated({"resting": {"oid": "1"}}),
    "endless id": stated({"resting": {"oid": 10**30}}),
    "number as error": stated({"error": 5}),
}


@pytest.mark.parametrize("answer", SENSELESS.values(), ids=SENSELESS.keys())
def test_f029_f030_f048_without_a_readable_answer_the_outcome_is_unknown(answer: Answer | Failure) -> None:
    """Time-outs, other HTTP statuses, portals and nonsense refuse nothing, whatever else they say."""
    for command in (place(), cancel()):
        assert isinstance(one(command, answer), OutcomeUnknown)


def test_f048_too_many_requests_are_told_to_whoever_sends() -> None:
    """One notice beside the unknown outcomes."""
    events = told(THREE, Answer(status=429, body=b""))
    assert [event.code for event in events if isinstance(event, VenueNotice)] == ["ip_rate_limit"]
    assert [type(event) for event in without_notices(events)] == [OutcomeUnknown] * 3


def test_a_request_that_was_never_sent_was_never_executed() -> None:
    """The one failure that proves something: no order is live, no cancel was made."""
    never = Failure(kind=FailureKind.NOT_SENT, detail="no connection")
    assert [code(event) for event in told(THREE, never)] == ["not_sent"] * 3
    assert code(one(cancel(), never)) == "not_sent"


def test_the_venues_words_are_kept_short_and_harmless() -> None:
    """No escape sequence and no endless text reaches a log or a terminal."""
    for answer in (stated({"error": "\x1b[31m\u202e" + "x" * 10_000}), refused("\x1b]0;\x07" + "y" * 10_000)):
        event = one(place(), answer)
        assert isinstance(event, OrderRejected | OutcomeUnknown)
        assert event.reason.isprintable()
        assert len(event.reason) <= MAX_LETTERS
