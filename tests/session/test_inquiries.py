"""A connector's questions are asked in order, again until they are answered, and never beyond the end."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paraphina_core.connector import (
    Answer,
    Failure,
    FailureKind,
    HttpRequest,
    Plan,
    Renewal,
    Request,
    WriteContext,
)
from paraphina_core.domain import (
    NS_PER_MS,
    AskNext,
    Event,
    InstrumentId,
    LocalError,
    Query,
    QueryAccount,
    QueryBook,
    QueryFills,
    QueryInstruments,
    QueryOpenOrders,
    QueryTime,
    RemoteProtocolError,
)
from paraphina_core.execution import Signatory
from paraphina_core.session.answers import decode_answer, encode_answer
from paraphina_core.session.inquiries import Inquiries
from scripted import ScriptedConnector, plugin

_OK = Answer(status=200, body=b"ok")
_DOWN = Failure(kind=FailureKind.NOT_SENT, detail="ConnectError: nobody is there")
_BOOK = QueryBook(instrument=InstrumentId("alpha:BTC"))


class _Asker(ScriptedConnector):
    """Spells a question as its own name."""

    def ask(self, query: Query, context: WriteContext) -> Request:
        return HttpRequest(
            method="GET",
            url="https://api.reef.example/info",
            body=b"",
            correlation=type(query).__name__,
            deadline_ms=1000,
        )

    def read_answer(self, request: Request, answer: Answer | Failure, at_ns: int) -> list[Event]:
        if isinstance(answer, Answer) and answer.status != 200:
            raise RemoteProtocolError("answer cannot be read", found=answer.status)
        return []


class _InTwoParts(_Asker):
    """Answers for the account in two parts."""

    def read_answer(self, request: Request, answer: Answer | Failure, at_ns: int) -> list[Event]:
        super().read_answer(request, answer, at_ns)
        is_first = request.correlation == "QueryAccount" and isinstance(answer, Answer)
        return [AskNext(query=QueryOpenOrders())] if is_first else []


class _Line:
    """Keeps what was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def send(self, connector: str, request: Request, cancel: bool) -> None:
        raise AssertionError("a question is no command")

    def ask(self, connector: str, request: Request) -> None:
        self.asked.append(request.correlation)


def _inquiries(
    line: _Line,
    poll_ms: int | None = None,
    renewals: tuple[Renewal, ...] = (),
    kind: type[_Asker] = _Asker,
) -> Inquiries:
    specs = {}
    plugin({"alpha": []}).paraphina_register_connectors(lambda spec: specs.setdefault(spec.name, spec))
    bootstrap = (QueryInstruments(), QueryAccount())
    plan = Plan(streams=(), bootstrap=bootstrap, poll_ms=poll_ms, renewals=renewals)
    return Inquiries(
        kind(specs["alpha"], [], repeat=False),
        plan,
        line,
        seed=1,
        signatory=Signatory.nobody(specs["alpha"]),
    )


def test_the_bootstrap_is_asked_in_order_and_the_streams_wait_for_all_of_it() -> None:
    """The second question follows the first answer, and only the last answer completes it."""
    line = _Line()
    inquiries = _inquiries(line)
    inquiries.begin(0)
    assert line.asked == ["QueryInstruments"]
    inquiries.answered("QueryInstruments", _OK, 1)
    assert line.asked == ["QueryInstruments", "QueryAccount"]
    assert not inquiries.is_bootstrapped
    inquiries.answered("QueryAccount", _OK, 2)
    assert inquiries.is_bootstrapped
    assert inquiries.next_due_ns() is None


@pytest.mark.parametrize("vain", [_DOWN, Answer(status=502, body=b"<html>")])
def test_a_question_that_is_asked_in_vain_is_asked_for_ever_with_growing_pauses(
    vain: Answer | Failure,
) -> None:
    """A failure and an unreadable answer alike: what is wrong is shown with the time of the next attempt."""
    line = _Line()
    inquiries = _inquiries(line)
    inquiries.begin(0)
    at_ns, pauses = 0, []
    for _ in range(12):
        try:
            inquiries.answered("QueryInstruments", vain, at_ns)
        except RemoteProtocolError:
            assert isinstance(vain, Answer)
        (fault,) = inquiries.unanswered
        assert (fault.what, fault.where) == ("instruments", "api.reef.example")
        assert fault.again_ns == inquiries.next_due_ns()
        pauses.append(fault.again_ns - at_ns)
        at_ns = fault.again_ns
        inquiries.advance(at_ns - 1)
        assert not inquiries.expects("QueryInstruments")
        inquiries.advance(at_ns)
    assert max(pauses[:2]) < min(pauses[-4:]) <= 30_000 * NS_PER_MS
    assert not inquiries.is_bootstrapped
    inquiries.answered("QueryInstruments", _OK, at_ns)
    assert inquiries.unanswered == ()


def test_each_question_has_pauses_of_its_own() -> None:
    """After a short outage every question comes back soon, however many there were to fail."""
    line = _Line()
    inquiries = _inquiries(line)
    inquiries.begin(0)
    for correlation in ("QueryInstruments", "QueryAccount"):
        inquiries.answered(correlation, _OK, 0)
    wanted = (_BOOK, QueryFills(since_ns=0), QueryOpenOrders(), QueryTime())
    for query in wanted:
        inquiries.want(query, 0)
        inquiries.answered(type(query).__name__, _DOWN, 0)
    assert {fault.what for fault in inquiries.unanswered} == {"book", "fills", "open orders", "time"}
    assert max(fault.again_ns for fault in inquiries.unanswered) <= 500 * NS_PER_MS


def test_the_bootstrap_is_asked_again_after_the_poll_interval() -> None:
    """Each question comes round again, and one that fails then closes no stream."""
    line = _Line()
    inquiries = _inquiries(line, poll_ms=1000)
    inquiries.begin(0)
    inquiries.answered("QueryInstruments", _OK, 0)
    inquiries.answered("QueryAccount", _OK, 0)
    assert inquiries.next_due_ns() == 1000 * NS_PER_MS
    inquiries.advance(1000 * NS_PER_MS)
    assert line.asked[2:] == ["QueryInstruments", "QueryAccount"]
    inquiries.answered("QueryInstruments", _DOWN, 1001 * NS_PER_MS)
    assert inquiries.is_bootstrapped


def test_a_missing_book_is_asked_for_once_however_often_it_is_wished() -> None:
    """A second wish while the first is under way asks nothing."""
    line = _Line()
    inquiries = _inquiries(line)
    for at_ns in range(3):
        inquiries.want(_BOOK, at_ns)
    assert line.asked == ["QueryBook"]
    inquiries.answered("QueryBook", _DOWN, 3)
    inquiries.want(_BOOK, 4)
    assert line.asked == ["QueryBook"]
    inquiries.answered_on_stream("QueryBook", 5)


def _bootstrapped(line: _Line, poll_ms: int, *renewals: Renewal) -> Inquiries:
    inquiries = _inquiries(line, poll_ms, renewals)
    inquiries.begin(0)
    inquiries.answered("QueryInstruments", _OK, 0)
    inquiries.answered("QueryAccount", _OK, 0)
    line.asked.clear()
    return inquiries


def test_what_was_lent_is_renewed_at_its_own_pace() -> None:
    """A question with a renewal comes round sooner than the poll, again and again; the others do not."""
    line = _Line()
    inquiries = _bootstrapped(line, 1000, Renewal(query=QueryAccount(), every_ms=300))
    for at_ms in (300, 600, 900):
        assert inquiries.next_due_ns() == at_ms * NS_PER_MS
        inquiries.advance(at_ms * NS_PER_MS)
        inquiries.answered("QueryAccount", _OK, at_ms * NS_PER_MS)
    assert line.asked == ["QueryAccount"] * 3
    assert inquiries.next_due_ns() == 1000 * NS_PER_MS


def test_f051_what_was_lent_and_is_not_renewed_is_said_to_end_soon() -> None:
    """From the middle between the renewal that failed and the end, until an answer comes."""
    line = _Line()
    inquiries = _bootstrapped(line, 1000, Renewal(query=QueryAccount(), every_ms=300, lasts_ms=500))
    inquiries.advance(300 * NS_PER_MS)
    inquiries.answered("QueryAccount", Failure(kind=FailureKind.TIMED_OUT), 350 * NS_PER_MS)
    assert inquiries.expiring(400 * NS_PER_MS) == ()
    assert inquiries.expiring(401 * NS_PER_MS) == ("account",)
    due_ns = inquiries.next_due_ns()
    assert due_ns is not None
    inquiries.advance(due_ns)
    inquiries.answered("QueryAccount", _OK, due_ns)
    assert inquiries.expiring(due_ns + 400 * NS_PER_MS) == ()
    assert inquiries.expiring(due_ns + 401 * NS_PER_MS) == ("account",)


def test_a_question_in_two_parts_is_answered_with_the_second() -> None:
    """The second is asked at once and counts as asked with the first; one in vain repeats the whole."""
    line = _Line()
    inquiries = _inquiries(line, kind=_InTwoParts)
    inquiries.want(QueryAccount(), 7)
    assert inquiries.answered("QueryAccount", _OK, 8)
    assert line.asked == ["QueryAccount", "QueryOpenOrders"]
    assert inquiries.asked_ns("QueryOpenOrders") == 7
    inquiries.answered("QueryOpenOrders", _DOWN, 9)
    again_ns = inquiries.next_due_ns()
    assert again_ns is not None
    inquiries.advance(again_ns)
    assert line.asked[2:] == ["QueryAccount"]
    inquiries.answered("QueryAccount", _OK, again_ns)
    inquiries.answered("QueryOpenOrders", _OK, again_ns)
    assert inquiries.next_due_ns() is None
    assert inquiries.unanswered == ()


def test_what_has_expired_is_asked_for_at_once_and_once() -> None:
    """A wish comes before the question is due; while it is being asked, another wish adds nothing."""
    line = _Line()
    inquiries = _bootstrapped(line, 1000)
    for at_ns in (5, 6):
        inquiries.hasten(QueryAccount(), at_ns)
    assert line.asked == ["QueryAccount"]
    inquiries.answered("QueryAccount", _OK, 7)
    inquiries.advance(1000 * NS_PER_MS)
    inquiries.advance(1000 * NS_PER_MS + 7)
    assert line.asked == ["QueryAccount", "QueryInstruments", "QueryAccount"]


def test_a_wish_shortens_no_pause_of_a_question_that_goes_unanswered() -> None:
    """Who is asked in vain is not asked more often because the connector wishes it."""
    line = _Line()
    inquiries = _bootstrapped(line, 1000)
    inquiries.hasten(QueryAccount(), 5)
    inquiries.answered("QueryAccount", _DOWN, 6)
    (fault,) = inquiries.unanswered
    inquiries.hasten(QueryAccount(), 7)
    assert line.asked == ["QueryAccount"]
    assert inquiries.next_due_ns() == fault.again_ns


def test_only_what_was_planned_is_asked_again() -> None:
    """A connector cannot make the core ask whatever it likes by an event."""
    line = _Line()
    inquiries = _bootstrapped(line, 1000)
    with pytest.raises(LocalError, match="not of the plan"):
        inquiries.hasten(QueryTime(), 5)
    assert line.asked == []


def test_nothing_is_asked_after_the_end() -> None:
    """Whatever is still answered after the stop leads to no further question."""
    line = _Line()
    inquiries = _inquiries(line, poll_ms=1000)
    inquiries.begin(0)
    inquiries.stop()
    inquiries.answered("QueryInstruments", _OK, 1)
    inquiries.want(_BOOK, 2)
    assert line.asked == ["QueryInstruments"]
    assert inquiries.next_due_ns() is None


@given(
    status=st.integers(min_value=0, max_value=599),
    body=st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace")),
    headers=st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3),
)
def test_an_answer_is_recorded_exactly(status: int, body: bytes, headers: dict[str, str]) -> None:
    """Status, headers and every byte of the body come back from the record."""
    answer = Answer(status=status, body=body, headers=headers)
    data = encode_answer("alpha", "7", answer)
    assert decode_answer(data) == ("alpha", "7", answer)
    assert msgspec.json.decode(data)["connector"] == "alpha"


@given(kind=st.sampled_from(FailureKind), detail=st.text(max_size=50))
def test_a_failure_is_recorded_exactly(kind: FailureKind, detail: str) -> None:
    """A failure comes back as the same failure."""
    failure = Failure(kind=kind, detail=detail)
    assert decode_answer(encode_answer("alpha", "7", failure)) == ("alpha", "7", failure)
