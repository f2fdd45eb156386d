"""Cards on what a connector spells: requests and refusals of our own, before anything is sent."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

import msgspec

from paraphina_core.conformance.bench import Bench
from paraphina_core.conformance.card import Broken, Card, Deck, Evidence, check
from paraphina_core.conformance.cards.contract import check_address
from paraphina_core.conformance.desk import AT_TWIN, Desk, desk_of, ways
from paraphina_core.conformance.guard import guard
from paraphina_core.connector import Capability, HttpRequest, Request, TradeMode, WriteContext
from paraphina_core.domain import (
    CONTEXT,
    ArmDeadMan,
    Batch,
    CancelAll,
    Command,
    LocalError,
    OrderState,
    PlaceOrder,
    Query,
    QueryAccount,
    QueryFills,
    QueryFunding,
    QueryInstruments,
    QueryOpenOrders,
    QueryOrder,
    SetLeverage,
    Side,
)

DECK: Final = Deck()

_NEEDS: Final = (Evidence.TWIN,)
_ORDERS: Final = (Capability.EXECUTION,)
#: No command is worth waiting for longer; some time later an order that the venue does not know never came.
_LONGEST_DEADLINE_MS: Final = 10_000


def _commands(desk: Desk, resting: PlaceOrder) -> Iterator[tuple[Command, Capability | None]]:
    """Yield a command of each kind, with the capability that makes it a must; None where it is a may."""
    place, cancel = Capability.EXECUTION, Capability.EXECUTION
    yield desk.order(Side.BUY, -50), place
    yield desk.order(Side.SELL, 50), place
    yield desk.order(Side.BUY, -50, post_only=True), place
    yield desk.order(Side.BUY, -50, ioc=True), place
    yield desk.order(Side.SELL, 50, reduce_only=True), place
    yield desk.cancel_of(resting), cancel
    yield desk.cancel_of(resting, by_venue_id=True), cancel
    yield desk.modify_of(resting, bps=-60), Capability.MODIFY
    is_one = desk.rig.connector.spec.cancel_all_command
    is_account_wide = is_one and Capability.CANCEL_ALL not in desk.rig.connector.spec.per_instrument
    yield CancelAll(), Capability.CANCEL_ALL if is_account_wide else None
    yield CancelAll(instrument=desk.id), Capability.CANCEL_ALL if is_one else None
    yield ArmDeadMan(window_ms=desk.rig.dead_man_ms, instruments=(desk.id,)), Capability.DEAD_MAN
    yield ArmDeadMan(window_ms=0, instruments=(desk.id,)), Capability.DEAD_MAN
    yield SetLeverage(instrument=desk.id, leverage=2), None
    yield Batch(commands=(desk.order(Side.BUY, -50), desk.order(Side.SELL, 50))), Capability.BATCH
    yield Batch(commands=(desk.cancel_of(resting),)), Capability.BATCH


def _queries(desk: Desk) -> Iterator[Query]:
    order = desk.order(Side.BUY, -50)
    yield QueryInstruments()
    yield QueryAccount()
    yield QueryOpenOrders()
    yield QueryOrder(instrument=desk.id, client_order_id=order.client_order_id)
    yield QueryFills(since_ns=desk.rig.now_ns - 10**9)
    yield QueryFunding(since_ns=desk.rig.now_ns - 10**9)


def _requests(desk: Desk, resting: PlaceOrder, *, is_signed: bool = True) -> Iterator[Request]:
    """Make every request that can be made, and send none.

    Unsigned they carry what only looks like a signature: some schemes sign the same bytes with another random
    number each time, which is the signer's business.
    """
    connector = desk.rig.connector

    def context() -> WriteContext:
        made, blank = desk.rig.context(), connector.spec.blank_signature
        return made if is_signed else msgspec.structs.replace(made, sign=lambda _: blank)

    for command, _ in tuple(_commands(desk, resting)):
        try:
            yield connector.write(command, context())
        except LocalError:
            continue
    for query in _queries(desk):
        try:
            yield connector.ask(query, context())
        except LocalError:
            continue


def _unsigned(request: Request) -> Request:
    """Return a request without the values of its headers: a token in them was signed when a stream opened."""
    if not isinstance(request, HttpRequest):
        return request
    return msgspec.structs.replace(request, headers=dict.fromkeys(request.headers, ""))


@DECK.add(
    Card(
        id="OL-010",
        title="every command is a request or a refusal of our own",
        needs=_NEEDS,
        capabilities=_ORDERS,
        prerequisite=AT_TWIN,
        action="spell a command of each kind, and one of each kind of query",
        events="none",
        passes="what is declared makes a request; anything else a request or `LocalError`, nothing else",
    )
)
def _commands_are_requests(bench: Bench) -> None:
    desk = desk_of(bench)
    for command, must in tuple(_commands(desk, desk.rest())):
        try:
            desk.rig.connector.write(command, desk.rig.context())
        except LocalError as e:
            is_may = must is None or must not in bench.spec.capabilities
            check(is_may, f"a {type(command).__name__} is refused: {e}", found=command, wanted="a request")
        except Exception as e:
            raise Broken(f"a {type(command).__name__} raises {type(e).__name__}: {e}", found=command) from e
    for query in _queries(desk):
        try:
            desk.rig.connector.ask(query, desk.rig.context())
        except LocalError:
            continue


@DECK.add(
    Card(
        id="OL-020",
        title="requests leave for the spec's addresses, with a deadline, a cost and a name of their own",
        needs=_NEEDS,
        capabilities=_ORDERS,
        prerequisite=AT_TWIN,
        action="make every request that can be made",
        events="none",
        passes=(
            "each address is one of the spec's for the network, each stream one of the plan; the deadline is "
            f"above zero and at most {_LONGEST_DEADLINE_MS} ms; the cost names scopes of the spec; no two "
            "correlations are equal"
        ),
    )
)
def _requests_are_usable(bench: Bench) -> None:
    seen: set[str] = set()
    scopes = {limit.scope for limit in bench.spec.rate_limits}
    for desk in ways(bench):
        seen.clear()
        for request in _requests(desk, desk.rest()):
            if isinstance(request, HttpRequest):
                check_address(bench, request.url, TradeMode.TESTNET.network, desk.rig.login.settings)
            else:
                check(request.stream in desk.rig.streams, "a request is for no stream", found=request.stream)
            fine = 0 < request.deadline_ms <= _LONGEST_DEADLINE_MS
            check(fine, "a deadline is not usable", found=request.deadline_ms)
            check(request.correlation not in seen, "a correlation is used twice", found=request.correlation)
            seen.add(request.correlation)
            for scope, units in request.cost:
                check(scope in scopes and units > 0, "a cost is not usable", found=(scope, units))
            check(request.cost or not scopes, "a request costs nothing of a limited venue", found=request)


@DECK.add(
    Card(
        id="OL-030",
        title="the same command makes the same bytes",
        needs=_NEEDS,
        capabilities=_ORDERS,
        prerequisite=AT_TWIN,
        action="make every request twice, with two fresh connectors, the same nonces, times and signatures",
        events="none",
        passes="they are equal to the byte; of headers, which may hold tokens, the names",
    )
)
def _requests_are_repeatable(bench: Bench) -> None:
    desks = [desk_of(bench) for _ in range(2)]
    first, second = (tuple(_requests(desk, desk.rest(), is_signed=False)) for desk in desks)
    for one, other in zip(first, second, strict=True):
        check(
            _unsigned(one) == _unsigned(other),
            "one command makes different bytes",
            found=other,
            wanted=repr(one)[:300],
        )


@DECK.add(
    Card(
        id="CO-150",
        title="writing touches nothing of the world",
        needs=_NEEDS,
        capabilities=_ORDERS,
        prerequisite="protocol code that is imported already",
        action="make every request while files, sockets, threads, clocks and random numbers are watched",
        events="none",
        passes="nothing of these is used",
    )
)
def _writing_is_pure(bench: Bench) -> None:
    desk = desk_of(bench)
    resting = desk.rest()
    tuple(_requests(desk, resting, is_signed=False))
    with guard() as seen:
        tuple(_requests(desk, resting, is_signed=False))
    check(not seen, "writing uses the world", found=seen, wanted="nonce, time and signature as arguments")


@DECK.add(
    Card(
        id="PR-120",
        title="a value off the grid never leaves",
        needs=_NEEDS,
        capabilities=_ORDERS,
        prerequisite=AT_TWIN,
        action="spell orders with prices and sizes between the steps of the grid, and beyond all digits",
        events="none",
        passes="`LocalError`, or a request that the venue refuses by its own words and that nothing comes of",
    )
)
def _off_grid_never_rests(bench: Bench) -> None:
    desk = desk_of(bench)
    good = desk.order(Side.BUY, -100)
    third = Decimal("0.3")
    tick = desk.instrument.price_rule.tick_at(good.price)
    for changes in (
        {"price": CONTEXT.add(good.price, tick * third)},
        {"size": CONTEXT.add(good.size, desk.instrument.lot_size * third)},
        {"price": CONTEXT.add(good.price, Decimal(1).scaleb(-30))},
        {"size": Decimal(10) ** 21},
    ):
        order: PlaceOrder = msgspec.structs.replace(good, client_order_id=desk.rig.ids.take(), **changes)
        desk.rig.send(order)
        desk.wait()
        record = desk.rig.orders.get(order.client_order_id)
        refused = record is not None and record.state is OrderState.REJECTED
        check(refused and not desk.resting(), "a value off the grid leaves and is taken", found=order)


@DECK.add(
    Card(
        id="LI-110",
        title="a batch larger than the venue takes never leaves",
        needs=_NEEDS,
        capabilities=(Capability.EXECUTION, Capability.BATCH),
        prerequisite=AT_TWIN,
        action="spell a batch of the spec's largest size, and one with one more",
        events="none",
        passes="the first makes a request, the second `LocalError`; the first costs no less than one order",
    )
)
def _batches_are_limited(bench: Bench) -> None:
    desk = desk_of(bench)
    connector, most = desk.rig.connector, bench.spec.max_batch
    orders = tuple(desk.order(Side.BUY, -100) for _ in range(most + 1))
    one = connector.write(orders[0], desk.rig.context())
    largest = connector.write(Batch(commands=orders[:most]), desk.rig.context())
    check(sum(u for _, u in largest.cost) >= sum(u for _, u in one.cost), "a batch costs less than an order")
    try:
        connector.write(Batch(commands=orders), desk.rig.context())
    except LocalError:
        return
    check(False, "a batch is larger than the spec says", found=most + 1, wanted="LocalError")  # noqa: FBT003  # it was made
