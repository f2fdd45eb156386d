"""The paper exchange: orders meet the live book after a delay, wait in its queues, pay fees and funding.

Time on the way is the same in both directions and first in, first out, as on one connection. The
rules, with their reasons and what is not modelled, are in docs/paper-exchange.md.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final

import msgspec

from paraphina_core.config import QueueModel
from paraphina_core.connector import FeeSchedule
from paraphina_core.domain import (
    CONTEXT,
    NS_PER_MS,
    BestBidOffer,
    BookDelta,
    BookGap,
    BookSnapshot,
    CancelOrder,
    CancelRejected,
    ClientOrderId,
    Event,
    InstrumentDefined,
    InstrumentId,
    InvariantError,
    LocalError,
    MarketEvent,
    MarkPrice,
    ModifyOrder,
    ModifyRejected,
    OrderAccepted,
    OrderCancelled,
    OrderModified,
    OrderRejected,
    PlaceOrder,
    TimeInForce,
    Trade,
)
from paraphina_core.market import Book

from .account import PaperAccount
from .entry import MAX_RESTING_ORDERS, RejectCode, Rejection, refuse
from .ledger import Ledger
from .matching import Execution, PaperMarket, RestingOrder
from .route import RouteCommand

#: Commands that may be on their way at once; no session's message budget comes near.
MAX_COMMANDS_UNDER_WAY: Final = 10_000


#: Beyond this a leverage limits nothing.
MAX_LEVERAGE: Final = 1_000.0


class PaperSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How the paper exchange behaves.

    Args:
        latency_ms: time a command takes to the exchange, and an answer back, each.
        latency_jitter_ms: most that chance adds to each way.
        balance_usd: collateral at the start.
        queue_model: who leaves the queue ahead of an order when its level shrinks.
        max_leverage: largest worst-case notional in multiples of the equity.
    """

    latency_ms: int = 50
    latency_jitter_ms: int = 20
    balance_usd: Decimal = Decimal(10_000)
    queue_model: QueueModel = QueueModel.CONSERVATIVE
    max_leverage: float = 10.0

    def __post_init__(self) -> None:
        usable = self.latency_ms >= 0 and self.latency_jitter_ms >= 0
        if not (usable and self.balance_usd >= 0 and 0.0 < self.max_leverage <= MAX_LEVERAGE):
            raise LocalError(
                "paper settings are not usable",
                found=self,
                wanted=f"times and balance not below zero, leverage above 0 and at most {MAX_LEVERAGE:g}",
            )


class PaperExchange:
    """One connector's account and orders on paper; an `OrderRoute`.

    It learns instruments, books and rates from `on_market` alone.

    Args:
        settings: how it behaves.
        fees: what it charges.
        seed: decides every delay; same seed and inputs, same events.
    """

    def __init__(self, settings: PaperSettings, fees: FeeSchedule, seed: int) -> None:
        self._settings = settings
        self._account = PaperAccount(settings.balance_usd, settings.max_leverage, fees)
        self._random = random.Random(seed)  # noqa: S311  # repeatable delays, no secret
        self._markets: dict[InstrumentId, PaperMarket] = {}
        self._orders: dict[ClientOrderId, RestingOrder] = {}
        self._commands: deque[tuple[int, RouteCommand]] = deque()
        self._answers: deque[tuple[int, Event]] = deque()  # each follows from a command or a match
        self._ids = 0

    @property
    def ledger(self) -> Ledger:
        """The exchange's own books, to compare a session's with."""
        return self._account.ledger

    # --- OrderRoute -----------------------------------------------------------------------------

    def submit(self, command: RouteCommand, at_ns: int) -> None:
        """Take a command that left at `at_ns`; it takes effect when the delay is over.

        Raises:
            InvariantError: more commands are on their way than any session may send.
        """
        if len(self._commands) >= MAX_COMMANDS_UNDER_WAY:
            raise InvariantError("too many commands on their way", found=len(self._commands))
        self._commands.append((self._arrival_ns(at_ns, self._commands), command))

    def flush(self, at_ns: int) -> None:
        """Every command has left by itself."""

    def on_market(self, event: MarketEvent, book: Book, at_ns: int) -> Sequence[Event]:
        """Match the own orders with a market event that `book` already contains."""
        self._pass_time(at_ns)
        if isinstance(event, InstrumentDefined):
            self._define(event, book)
            return self._due(at_ns)
        market = self._markets.get(event.instrument)
        if market is None:
            return self._due(at_ns)
        if isinstance(event, BookSnapshot | BookDelta | BestBidOffer | BookGap):
            self._settle(market, market.on_book(), at_ns)
        elif isinstance(event, Trade):
            self._settle(market, market.on_trade(event), at_ns)
        elif isinstance(event, MarkPrice):
            market.mark_price = event.mark_price
        else:
            self._account.on_rate(event, at_ns)
        return self._due(at_ns)

    def advance(self, at_ns: int) -> Sequence[Event]:
        """Let commands and funding that are due take effect, and return the answers due by `at_ns`."""
        self._pass_time(at_ns)
        return self._due(at_ns)

    def next_due_ns(self) -> int | None:
        """Return when the next command, answer or funding is due, None while nothing is."""
        due = [queue[0][0] for queue in (self._commands, self._answers) if queue]
        funding_ns = self._account.next_funding_ns()
        if funding_ns is not None:
            due.append(funding_ns)
        return min(due, default=None)

    # --- time -----------------------------------------------------------------------------------

    def _pass_time(self, at_ns: int) -> None:
        for market in self._markets.values():
            market.look()
        while self._commands and self._commands[0][0] <= at_ns:
            due_ns, command = self._commands.popleft()
            self._pay_funding(due_ns)
            self._execute(command, due_ns)
        self._pay_funding(at_ns)

    def _pay_funding(self, at_ns: int) -> None:
        for market in self._markets.values():
            for due_ns, event in self._account.pay_funding(market, at_ns):
                self._answer(event, due_ns)

    def _due(self, at_ns: int) -> Sequence[Event]:
        answers = self._answers
        if not answers or answers[0][0] > at_ns:
            return ()
        events: list[Event] = []
        while answers and answers[0][0] <= at_ns:
            events.append(answers.popleft()[1])
        return events

    def _arrival_ns(self, at_ns: int, ahead: Sequence[tuple[int, object]]) -> int:
        """Return when something sent now arrives: never before what was sent earlier."""
        settings = self._settings
        delay_ms = settings.latency_ms + self._random.random() * settings.latency_jitter_ms
        arrival_ns = at_ns + int(delay_ms * NS_PER_MS)
        return max(arrival_ns, ahead[-1][0]) if ahead else arrival_ns

    def _answer(self, event: Event, at_ns: int) -> None:
        self._answers.append((self._arrival_ns(at_ns, self._answers), event))

    # --- commands -------------------------------------------------------------------------------

    def _execute(self, command: RouteCommand, at_ns: int) -> None:
        if isinstance(command, PlaceOrder):
            self._place(command, at_ns)
        elif isinstance(command, CancelOrder):
            self._cancel(command, at_ns)
        elif isinstance(command, ModifyOrder):
            self._modify(command, at_ns)
        else:
            self._cancel_all(command.instrument, at_ns)

    def _place(self, order: PlaceOrder, at_ns: int) -> None:
        market = self._markets.get(order.instrument)
        rejection = self._rejection(order, market, at_ns)
        if rejection is not None or market is None:
            code, reason = rejection or Rejection(RejectCode.UNKNOWN_INSTRUMENT, order.instrument)
            self._answer(
                OrderRejected(
                    instrument=order.instrument,
                    client_order_id=order.client_order_id,
                    code=code.value,
                    reason=reason,
                    exchange_ns=at_ns,
                ),
                at_ns,
            )
            return
        incoming = RestingOrder(order, self._next_id())
        self._answer(
            OrderAccepted(
                instrument=order.instrument,
                client_order_id=order.client_order_id,
                venue_order_id=incoming.venue_order_id,
                exchange_ns=at_ns,
            ),
            at_ns,
        )
        self._enter(incoming, market, at_ns)

    def _enter(self, incoming: RestingOrder, market: PaperMarket, at_ns: int) -> None:
        """Match an order that was taken, and let the rest of it rest or end."""
        order = incoming.order
        self._orders[order.client_order_id] = incoming
        executions = market.take(incoming)
        if incoming.remaining and order.time_in_force is TimeInForce.GTC:
            market.rest(incoming)
        self._settle(market, executions, at_ns)
        if incoming.remaining and order.time_in_force is TimeInForce.IOC:
            self._gone(incoming, "immediate or cancel", at_ns)

    def _rejection(self, order: PlaceOrder, market: PaperMarket | None, at_ns: int) -> Rejection | None:
        if market is None:
            return None
        if order.client_order_id in self._orders:
            return Rejection(RejectCode.DUPLICATE_CLIENT_ORDER_ID, f"{order.client_order_id} is live")
        if len(self._orders) >= MAX_RESTING_ORDERS:
            return Rejection(RejectCode.OPEN_ORDERS_LIMIT, f"{len(self._orders)} orders rest")
        return refuse(order, market) or self._account.margin_rejection(
            order, market, self._markets.values(), at_ns
        )

    def _modify(self, command: ModifyOrder, at_ns: int) -> None:
        """Give an order other terms in place: it goes to the back of the queue, or stays as it was."""
        resting = self._resting(command)
        if resting is None:
            self._refuse_change(
                command, Rejection(RejectCode.ORDER_NOT_FOUND, "no such order is live"), at_ns
            )
            return
        market, filled = (
            self._markets[command.instrument],
            CONTEXT.subtract(resting.order.size, resting.remaining),
        )
        if command.size <= filled:
            self._take_out((resting,), "changed to what has filled already", at_ns)
            return
        left = CONTEXT.subtract(command.size, filled)
        changed = msgspec.structs.replace(resting.order, price=command.price, size=command.size)
        market.remove(resting)
        wanted = msgspec.structs.replace(changed, size=left)
        rejection = refuse(wanted, market) or self._account.margin_rejection(
            wanted, market, self._markets.values(), at_ns
        )
        if rejection is not None:
            market.put_back(resting)
            self._refuse_change(command, rejection, at_ns)
            return
        self._answer(
            OrderModified(
                instrument=command.instrument,
                client_order_id=command.client_order_id,
                venue_order_id=resting.venue_order_id,
                price=command.price,
                size=command.size,
                exchange_ns=at_ns,
            ),
            at_ns,
        )
        self._enter(RestingOrder(changed, resting.venue_order_id, left), market, at_ns)

    def _refuse_change(self, command: ModifyOrder, rejection: Rejection, at_ns: int) -> None:
        self._answer(
            ModifyRejected(
                instrument=command.instrument,
                client_order_id=command.client_order_id,
                venue_order_id=command.venue_order_id,
                code=rejection.code.value,
                reason=rejection.reason,
            ),
            at_ns,
        )

    def _resting(self, command: ModifyOrder | CancelOrder) -> RestingOrder | None:
        resting = self._orders.get(command.client_order_id)
        return resting if resting is not None and resting.order.instrument == command.instrument else None

    def _cancel(self, command: CancelOrder, at_ns: int) -> None:
        resting = self._resting(command)
        if resting is not None:
            self._take_out((resting,), "cancelled on request", at_ns)
            return
        self._answer(
            CancelRejected(
                instrument=command.instrument,
                client_order_id=command.client_order_id,
                venue_order_id=command.venue_order_id,
                code=RejectCode.ORDER_NOT_FOUND.value,
                reason="no such order is live",
            ),
            at_ns,
        )

    def _cancel_all(self, instrument: InstrumentId | None, at_ns: int) -> None:
        orders = [
            resting
            for resting in self._orders.values()
            if instrument is None or resting.order.instrument == instrument
        ]
        self._take_out(orders, "cancelled with all", at_ns)

    # --- what follows ---------------------------------------------------------------------------

    def _define(self, event: InstrumentDefined, book: Book) -> None:
        market = self._markets.get(event.instrument.id)
        if market is None:
            self._markets[event.instrument.id] = PaperMarket(
                event.instrument, book, self._settings.queue_model
            )
        else:
            market.instrument = event.instrument

    def _settle(self, market: PaperMarket, executions: Sequence[Execution], at_ns: int) -> None:
        if not executions:
            return
        for execution in executions:
            self._answer(self._account.fill(execution, self._next_id(), at_ns), at_ns)
            if not execution.order.remaining:
                self._orders.pop(execution.order.order.client_order_id, None)
        self._take_out(market.useless_reduce_only(), "reduce-only and the position is gone", at_ns)

    def _take_out(self, orders: Iterable[RestingOrder], reason: str, at_ns: int) -> None:
        for resting in orders:
            self._markets[resting.order.instrument].remove(resting)
            self._gone(resting, reason, at_ns)

    def _gone(self, order: RestingOrder, reason: str, at_ns: int) -> None:
        del self._orders[order.order.client_order_id]
        self._answer(
            OrderCancelled(
                instrument=order.order.instrument,
                client_order_id=order.order.client_order_id,
                venue_order_id=order.venue_order_id,
                reason=reason,
                filled_size=CONTEXT.subtract(order.order.size, order.remaining),
                exchange_ns=at_ns,
            ),
            at_ns,
        )

    def _next_id(self) -> str:
        self._ids += 1
        return f"paper-{self._ids}"
