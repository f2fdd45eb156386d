"""Cards on lost and senseless answers: what is not known is said to be unknown, and asking settles it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from paraphina_core.conformance import damage
from paraphina_core.conformance.bench import Bench
from paraphina_core.conformance.card import Broken, Card, Deck, Evidence, check, skip
from paraphina_core.conformance.desk import (
    AT_TWIN,
    NO_HTTP,
    Desk,
    desk_of,
    fault,
    http_desk,
    stream_desk,
    ways,
)
from paraphina_core.conformance.validity import check_events
from paraphina_core.connector import (
    Answer,
    Capability,
    Failure,
    FailureKind,
    HttpRequest,
    Request,
)
from paraphina_core.domain import (
    Batch,
    CancelOrder,
    CancelRejected,
    Command,
    Event,
    LocalError,
    ModifyOrder,
    ModifyRejected,
    OpenOrdersListed,
    OrderAccepted,
    OrderCancelled,
    OrderModified,
    OrderNotFound,
    OrderRejected,
    OrderReport,
    OrderState,
    OutcomeUnknown,
    PlaceOrder,
    PositionsListed,
    Query,
    QueryAccount,
    QueryFills,
    QueryOpenOrders,
    RemoteError,
    Side,
)
from paraphina_core.twin import Fault

DECK: Final = Deck()

_NEEDS: Final = (Evidence.TWIN,)
_ORDERS: Final = (Capability.EXECUTION,)
_ON_STREAM: Final = (Capability.EXECUTION, Capability.WS_ORDERS)
_REFUSALS: Final = (OrderRejected, CancelRejected, ModifyRejected)
_SUCCESSES: Final = (OrderAccepted, OrderCancelled, OrderModified)
#: Bodies that say nothing, whatever the status.
_NONSENSE: Final = tuple(one for one in damage.GARBAGE if len(one) <= 100_000)  # noqa: PLR2004  # all but the huge one
_STATUSES: Final = (200, 400, 403, 404, 418, 429, 500, 502, 503, 504)


def _commands(desk: Desk, resting: PlaceOrder) -> Iterator[Command]:
    """Yield commands about orders, new ones at each call."""
    capabilities = desk.rig.connector.spec.capabilities
    yield desk.order(Side.BUY, -100)
    yield desk.cancel_of(resting)
    if Capability.MODIFY in capabilities:
        yield desk.modify_of(resting, bps=-60)
    if Capability.BATCH in capabilities:
        yield Batch(commands=(desk.order(Side.BUY, -100), desk.order(Side.SELL, 100)))


def _parts(command: Command) -> Sequence[PlaceOrder | CancelOrder | ModifyOrder]:
    match command:
        case Batch():
            return command.commands
        case PlaceOrder() | CancelOrder() | ModifyOrder():
            return (command,)
        case _:
            return ()


def _answer(desk: Desk, request: Request, answer: Answer | Failure) -> Sequence[Event]:
    """Hand in an answer to a command; whatever it is, nothing may be raised.

    Raises:
        Broken: something is.
    """
    try:
        events = desk.rig.connector.read_answer(request, answer, desk.rig.now_ns)
    except Exception as e:
        raise Broken(
            f"the answer of a command raises {type(e).__name__}: {e}", found=answer, wanted="OutcomeUnknown"
        ) from e
    check_events(events)
    return events


def _said_of(part: PlaceOrder | CancelOrder | ModifyOrder, events: Sequence[Event]) -> list[Event]:
    kinds = (*_REFUSALS, *_SUCCESSES, OutcomeUnknown)
    mine = part.client_order_id
    return [e for e in events if isinstance(e, kinds) and e.client_order_id == mine]


@DECK.add(
    Card(
        id="UN-010",
        title="without an answer the outcome is unknown, unless nothing was sent",
        needs=_NEEDS,
        capabilities=_ORDERS,
        prerequisite=AT_TWIN,
        action="hand in each kind of failure in place of the answer to each kind of command",
        events="`OutcomeUnknown`; `OrderRejected` and its like for what was never sent",
        passes="one outcome for each order; only a failure of kind `not_sent` refuses, and it refuses orders",
    )
)
def _failures_are_doubts(bench: Bench) -> None:
    for desk in ways(bench):
        resting = desk.rest()
        for kind in FailureKind:
            for command in _commands(desk, resting):
                request = desk.rig.connector.write(command, desk.rig.context())
                events = _answer(desk, request, Failure(kind=kind, detail="tried"))
                for part in _parts(command):
                    said = _said_of(part, events)
                    name = type(part).__name__
                    check(said, f"nothing is said of a {name} ({kind.value})", found=events)
                    check(not any(isinstance(e, _SUCCESSES) for e in said), "a failure accepts", found=said)
                    refuses = any(isinstance(e, _REFUSALS) for e in said)
                    unsent = kind is FailureKind.NOT_SENT
                    check(unsent or not refuses, f"a doubt refuses ({kind.value})", found=said)
                    must = unsent and isinstance(part, PlaceOrder)
                    check(refuses or not must, "an order that was never sent is left in doubt", found=said)


@DECK.add(
    Card(
        id="UN-020",
        title="an answer that makes no sense leaves the outcome unknown",
        needs=_NEEDS,
        capabilities=_ORDERS,
        prerequisite=AT_TWIN,
        action="answer commands with empty bodies, web pages, broken JSON and more, of each usual status",
        events="`OutcomeUnknown`",
        passes="one for each order; nothing is refused, accepted or raised",
        skip_when=NO_HTTP,
    )
)
def _nonsense_is_doubt(bench: Bench) -> None:
    desk = http_desk(bench)
    resting = desk.rest()
    for status in _STATUSES:
        for body in _NONSENSE:
            for command in _commands(desk, resting):
                events = _answer(desk, _http(desk, command), Answer(status=status, body=body))
                for part in _parts(command):
                    said = _said_of(part, events)
                    fine = bool(said) and all(isinstance(e, OutcomeUnknown) for e in said)
                    name = type(part).__name__
                    check(fine, f"a {name} is not left in doubt (status {status})", found=(body, said))


def _http(desk: Desk, command: Command) -> HttpRequest:
    request = desk.rig.connector.write(command, desk.rig.context())
    if not isinstance(request, HttpRequest):
        skip(NO_HTTP)
    return request


@DECK.add(
    Card(
        id="UN-030",
        title="a damaged answer of a command is never an error of ours",
        needs=_NEEDS,
        capabilities=_ORDERS,
        prerequisite=AT_TWIN,
        action="take real answers, cut them short, turn bytes, put wrong values in any place",
        events="`OutcomeUnknown`, or what the answer then says",
        passes="nothing is raised, every event is valid",
        skip_when=NO_HTTP,
    )
)
def _damaged_answers_are_read(bench: Bench) -> None:
    desk = http_desk(bench)
    chance = bench.random("UN-030")
    resting = desk.rest()
    for position, command in enumerate(tuple(_commands(desk, resting))):
        body = _real_answer(desk, command)
        copies = [*damage.damaged(body, chance, 100), *damage.misplaced(body, chance, 100)]
        for copy in copies:
            again = tuple(_commands(desk, resting))[position]
            _answer(desk, _http(desk, again), Answer(status=200, body=copy))


def _real_answer(desk: Desk, command: Command) -> bytes:
    """Let the twin answer a command, and return the body."""
    request = _http(desk, command)
    bodies: list[bytes] = []

    def done(answer: Answer | Failure, _at_ns: int) -> None:
        if isinstance(answer, Answer):
            bodies.append(answer.body)
        _answer(desk, request, answer)

    desk.rig.link.fetch(request, done)
    desk.wait()
    check(bodies, "the twin does not answer a command", found=command)
    return bodies[0]


@DECK.add(
    Card(
        id="UN-040",
        title="a question without a readable answer tells nothing, least of all an empty list",
        needs=_NEEDS,
        capabilities=(Capability.EXECUTION, Capability.ACCOUNT),
        prerequisite=AT_TWIN,
        action="answer questions with nonsense of each usual status, and with failures",
        events="none",
        passes="`RemoteError`, or events that state nothing about orders or positions",
    )
)
def _unreadable_answers_tell_nothing(bench: Bench) -> None:
    desk = desk_of(bench)
    order = desk.order(Side.BUY, -100)
    stating = (OpenOrdersListed, PositionsListed, OrderNotFound, OrderReport)
    answers: list[Answer | Failure] = [Failure(kind=kind) for kind in FailureKind]
    answers += [Answer(status=status, body=body) for status in _STATUSES for body in _NONSENSE]
    answers += [
        Answer(status=500, body=b"[]"),
        Answer(status=429, body=b"[]"),
        Answer(status=503, body=b"{}"),
    ]
    for query in _queries(desk, order):
        for answer in answers:
            if isinstance(answer, Answer) and answer.status == 200 and answer.body in {b"[]", b"{}"}:  # noqa: PLR2004  # a real answer
                continue
            request = desk.rig.connector.ask(query, desk.rig.context())
            try:
                events = desk.rig.connector.read_answer(request, answer, desk.rig.now_ns)
            except RemoteError:
                continue
            except Exception as e:
                raise Broken(f"the answer of a question raises {type(e).__name__}: {e}", found=answer) from e
            told = [e for e in events if isinstance(e, stating)]
            check(not told, "a list is made of an answer that cannot be read", found=(answer, told))


def _queries(desk: Desk, order: PlaceOrder) -> Iterator[Query]:
    for query in (
        QueryAccount(),
        QueryOpenOrders(),
        desk.query_of(order),
        QueryFills(since_ns=desk.rig.now_ns),
    ):
        try:
            desk.rig.connector.ask(query, desk.rig.context())
        except LocalError:
            continue
        yield query


# --- under faults -------------------------------------------------------------------------------


def _send(desk: Desk, trouble: Fault) -> PlaceOrder:
    """Send an order into a fault of its way, and wait until its deadline is well over."""
    order = desk.order(Side.BUY, -100)
    desk.rig.know_the_nonce()  # or the trouble would befall the question for it
    desk.rig.arm(trouble)
    request = desk.rig.send(order)
    check(request is not None, "an order does not leave", found=order)
    desk.wait(0 if request is None else request.deadline_ms + 2_000)
    return order


def _check_doubted(desk: Desk, order: PlaceOrder, *, may_know: bool = False) -> None:
    said = desk.rig.told_of(order.client_order_id)
    check(not any(isinstance(e, OrderRejected) for e in said), "a lost answer rejects an order", found=said)
    doubted = any(isinstance(e, OutcomeUnknown) for e in said)
    known = may_know and any(isinstance(e, OrderAccepted) for e in said)
    check(doubted or known, "nobody says that an outcome is unknown", found=said)


@DECK.add(
    Card(
        id="UN-110",
        title="an order that never arrived is unknown until the venue says that it knows none",
        needs=_NEEDS,
        capabilities=_ORDERS,
        prerequisite=AT_TWIN,
        action="let the request of an order be lost, its connection cut or hanging; ask for the order",
        events="`OutcomeUnknown`; `OrderNotFound`",
        passes="it is neither rejected nor accepted; asked, the venue does not know it",
        skip_when=NO_HTTP,
        faults=("lose_request",),
    )
)
def _lost_requests(bench: Bench) -> None:
    desk = http_desk(bench)
    for hangs in (False, True):
        _check_never_came(desk, _send(desk, fault("lose_request", hangs=hangs)))


@DECK.add(
    Card(
        id="UN-115",
        title="an order that was never read on its stream is unknown until the venue says that it knows none",
        needs=_NEEDS,
        capabilities=_ON_STREAM,
        prerequisite=AT_TWIN,
        action="let the message of an order never be read; ask for the order",
        events="`OutcomeUnknown`; `OrderNotFound`",
        passes="it is neither rejected nor accepted; asked, the venue does not know it",
        faults=("ignore",),
    )
)
def _unread_messages(bench: Bench) -> None:
    desk = stream_desk(bench)
    _check_never_came(desk, _send(desk, fault("ignore")))


def _check_never_came(desk: Desk, order: PlaceOrder) -> None:
    _check_doubted(desk, order)
    check(isinstance(desk.report(order), OrderNotFound), "an order is known that never arrived")
    check(not desk.resting(), "the twin knows it", found=desk.resting())


@DECK.add(
    Card(
        id="UN-120",
        title="an order whose answer is lost is unknown until the venue says what became of it",
        needs=_NEEDS,
        capabilities=_ORDERS,
        prerequisite=AT_TWIN,
        action="let the answer to an order be lost after it was executed; ask for the order",
        events="`OutcomeUnknown`, or `OrderAccepted` from the account's stream; `OrderReport`",
        passes="it is never rejected; asked, it rests, and can be cancelled",
        skip_when=NO_HTTP,
        faults=("lose_answer",),
    )
)
def _lost_answers(bench: Bench) -> None:
    desk = http_desk(bench)
    for hangs in (False, True):
        order = _send(desk, fault("lose_answer", hangs=hangs))
        _check_doubted(desk, order, may_know=True)
        _check_rests(desk, order)


@DECK.add(
    Card(
        id="UN-125",
        title="an order whose answer is lost on its stream is unknown until the venue says what became of it",
        needs=_NEEDS,
        capabilities=_ON_STREAM,
        prerequisite=AT_TWIN,
        action="let the frame that answers an order be lost; ask for the order",
        events="`OutcomeUnknown`, or `OrderAccepted` from the account's stream; `OrderReport`",
        passes="it is never rejected; asked, it rests, and can be cancelled",
        faults=("drop",),
    )
)
def _dropped_answers(bench: Bench) -> None:
    desk = stream_desk(bench)
    order = _send(desk, fault("drop", match=desk.rig.answer))
    _check_doubted(desk, order, may_know=True)
    _check_rests(desk, order)


def _check_rests(desk: Desk, order: PlaceOrder) -> None:
    report = desk.report(order)
    found = report.state if isinstance(report, OrderReport) else report
    check(found is OrderState.LIVE, "an order that rests is not found", found=found)
    record = desk.rig.orders.get(order.client_order_id)
    check(record is not None and record.is_open, "an order that rests is written off", found=record)
    desk.cancel(order)
    check(not desk.resting(), "an order that was in doubt cannot be cancelled", found=desk.resting())


@DECK.add(
    Card(
        id="UN-130",
        title="an answer of something in between says nothing of the order",
        needs=_NEEDS,
        capabilities=_ORDERS,
        prerequisite=AT_TWIN,
        action="let a proxy answer in the venue's place: errors and web pages, the order executed or not",
        events="`OutcomeUnknown`; `OrderReport` or `OrderNotFound`",
        passes="each order is unknown until asked for, and then what it is",
        skip_when=NO_HTTP,
        faults=("server_error", "html"),
    )
)
def _proxies_say_nothing(bench: Bench) -> None:
    desk = http_desk(bench)
    between = (("server_error", 503), ("server_error", 500), ("html", 200), ("html", 502))
    for executed in (False, True):
        for name, status in between:
            proxy = fault(name, status=status, executed=executed)
            order = _send(desk, proxy)
            _check_doubted(desk, order)
            if executed:
                _check_rests(desk, order)
            else:
                found = desk.report(order)
                check(isinstance(found, OrderNotFound), "an order is known that never arrived", found=found)


@DECK.add(
    Card(
        id="UN-140",
        title="orders in flight when the connection ends are unknown",
        needs=_NEEDS,
        capabilities=_ORDERS,
        prerequisite=AT_TWIN,
        action="end every connection at several moments after an order was sent, then ask for the order",
        events="`OutcomeUnknown`, or `OrderAccepted`",
        passes="no order is rejected; asked, each is what it is at the venue",
        faults=("kill",),
    )
)
def _disconnects_are_doubts(bench: Bench) -> None:
    desk = desk_of(bench)
    for after_ms in (0, 10, 25, 40, 60):
        order = desk.order(Side.BUY, -100)
        desk.rig.send(order)
        desk.wait(after_ms)
        desk.rig.arm(fault("kill"))
        desk.rig.link.outage(200)
        desk.wait(10_000)
        desk.rig.wait_until_live()
        said = desk.rig.told_of(order.client_order_id)
        check(not any(isinstance(e, OrderRejected) for e in said), "a cut rejects an order", found=said)
        check(said or not desk.sends_on_a_stream(), "nothing is said of an order whose connection ended")
        truth = desk.truth_of(order.client_order_id)
        if truth is None:
            check(isinstance(desk.report(order), OrderNotFound), "an order is known that never arrived")
        else:
            _check_rests(desk, order)


@DECK.add(
    Card(
        id="LI-210",
        title="too many requests leave a command in doubt, and a question unanswered",
        needs=_NEEDS,
        capabilities=_ORDERS,
        prerequisite=AT_TWIN,
        action="let the venue answer a command and a question with its words for too many",
        events="`OutcomeUnknown`",
        passes="the command is unknown, the question tells nothing; the next ones are answered",
        skip_when=NO_HTTP,
        faults=("rate_limit",),
    )
)
def _rate_limits_are_doubts(bench: Bench) -> None:
    desk = http_desk(bench)
    order = _send(desk, fault("rate_limit"))
    _check_doubted(desk, order)
    before = len(desk.rig.refused)
    desk.rig.arm(fault("rate_limit"))
    told = desk.rig.asked(QueryOpenOrders())
    check(not any(isinstance(e, OpenOrdersListed) for e in told), "a list is made of a refusal", found=told)
    check(len(desk.rig.refused) > before or told, "a refused question is passed over in silence")
    check(isinstance(desk.report(order), OrderNotFound), "an order is known that never arrived")
    desk.rest()


@DECK.add(
    Card(
        id="OL-310",
        title="a slow answer is an answer",
        needs=_NEEDS,
        capabilities=_ORDERS,
        prerequisite=AT_TWIN,
        action="let the answer to an order come late, but within its deadline",
        events="`OrderAccepted`",
        passes="the order is accepted and never in doubt",
        skip_when=NO_HTTP,
        faults=("slow_answer",),
    )
)
def _slow_answers_are_answers(bench: Bench) -> None:
    desk = http_desk(bench)
    order = _send(desk, fault("slow_answer", ms=800))
    said = desk.rig.told_of(order.client_order_id)
    known = any(isinstance(e, OrderAccepted) for e in said) or isinstance(desk.report(order), OrderReport)
    check(known, "an order with a slow answer is lost", found=said)
    check(not any(isinstance(e, OutcomeUnknown) for e in said), "a slow answer is a doubt", found=said)
