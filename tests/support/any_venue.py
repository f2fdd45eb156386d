"""A venue that may do anything with an order that a venue can, and a desk whose limits must hold.

The model venue may take an order, reject it, lose it, lose the answer, fill it in parts at any time,
cancel it unasked. Its messages arrive in any order, twice or not at all, so a fill may come before the
acceptance and after the cancel. What it may not do is fill more than was ordered, or lie about how much of
an order it has filled in the end.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from order_world import Orders, limits, order_context, quote, session_context
from paraphina_core.domain import ClientOrderId, PlaceOrder, Purpose, Side, TradingState
from paraphina_core.gates import OrderContext, check

PRICE = 100.0
VENUE_CAP_USD, TOTAL_CAP_USD = 1_000.0, 1_500.0
ROUNDING_USD = 1e-6

Step = tuple[int, int, int]


@dataclass
class Order:
    """One order, as the venue has it and as the desk knows it."""

    market: int
    side: Side
    size: Decimal
    at_venue: str = "on its way"  # then live, then gone
    filled: Decimal = Decimal(0)
    known_filled: Decimal = Decimal(0)
    final_filled: Decimal | None = None  # what the venue said at the end, once it has arrived
    unknown: bool = False
    seen: set[int] = field(default_factory=set)

    @property
    def counts(self) -> bool:
        return self.final_filled is None or self.known_filled < self.final_filled

    @property
    def may_fill(self) -> Decimal:
        return Decimal(0) if self.at_venue == "gone" else self.size - self.filled


class World:
    """A desk with three markets on two venues, the venues, and the messages under way.

    `forgets` breaks the desk on purpose, to show that the test would notice.
    """

    def __init__(self, forgets: str = "") -> None:
        self.forgets = forgets
        self.session = session_context(
            limits(
                max_order_notional_usd=10_000.0,
                max_open_orders=1_000,
                message_rate_per_s=1e9,
                message_burst=10**9,
                max_position_notional_usd_per_venue=VENUE_CAP_USD,
                max_position_notional_usd_total=TOTAL_CAP_USD,
            ),
            used=set(),
        )
        one, two = (order_context(self.session, venue) for venue in ("one", "two"))
        third = OrderContext(instrument=one.instrument, book=one.book, venue=one.venue, session=self.session)
        third.fair_value = third.exposure.reference_price = PRICE
        self.markets = [one, two, third]
        self.orders: list[Order] = []
        self.messages: list[tuple[str, Order, Decimal, int]] = []
        self.position = [Decimal(0)] * 3  # as the desk has booked it
        self.true_position = [Decimal(0)] * 3
        self.fills = 0
        self.accepted = 0
        self.refused: set[str] = set()

    # --- the desk --------------------------------------------------------------------------------

    def send(self, a: int, b: int) -> None:
        """Ask for an order, and send it if every gate lets it through."""
        market = a % 3
        side = (Side.BUY, Side.SELL)[a // 3 % 2]
        is_exit = a // 6 % 3 == 0
        order = quote(
            side,
            "99.5" if side is Side.BUY else "100.5",
            str(Decimal(b % 80 + 3) / 10),
            client_order_id=ClientOrderId(len(self.orders)),
            purpose=Purpose.EXIT if is_exit else Purpose.QUOTE,
            reduce_only=is_exit,
        )
        context = self.markets[market]
        before = context.exposure.worst_base
        refusal = check(order, context)
        if refusal is not None:
            self.refused.add(refusal.code)
            return
        self.accepted += 1
        self.orders.append(Order(market, side, order.size))
        self.sent(order)
        self.count(market)
        if self.session.state is TradingState.REDUCING or is_exit:
            assert context.exposure.worst_base <= before + 1e-9

    def sent(self, order: PlaceOrder) -> None:
        """Note that an order is about to leave."""

    def count(self, market: int) -> None:
        """Tell the gates what may still fill on a market."""
        open_base = {
            side: sum(
                (
                    order.size - order.known_filled
                    for order in self.orders
                    if order.market == market
                    and order.side is side
                    and order.counts
                    and not self._forgotten(order)
                ),
                Decimal(0),
            )
            for side in Side
        }
        orders = Orders(buy_base=open_base[Side.BUY], sell_base=open_base[Side.SELL])
        self.markets[market].update(self.position[market], orders)

    def _forgotten(self, order: Order) -> bool:
        if self.forgets == "unknown orders":
            return order.unknown
        return self.forgets == "late fills" and order.final_filled is not None

    def read(self, index: int, *, again: bool) -> None:
        """Take one message, out of order, perhaps leaving it to arrive once more."""
        if not self.messages:
            return
        index %= len(self.messages)
        kind, order, size, number = self.messages[index] if again else self.messages.pop(index)
        if kind == "fill" and number not in order.seen:
            order.seen.add(number)
            order.known_filled += size
            self.position[order.market] += order.side.sign * size
        elif kind == "end":
            order.final_filled = size
        elif kind == "no answer":
            order.unknown = True
        self.count(order.market)

    # --- the venue -------------------------------------------------------------------------------

    def arrive(self, index: int, answer: int) -> None:
        """Let an order reach the venue, or not; and let the answer reach the desk, or not."""
        waiting = [order for order in self.orders if order.at_venue == "on its way"]
        if not waiting:
            return
        order = waiting[index % len(waiting)]
        outcome = ("accepted", "rejected", "lost", "accepted without answer")[answer % 4]
        order.at_venue = "live" if outcome.startswith("accepted") else "gone"
        if outcome == "rejected":
            self.messages.append(("end", order, Decimal(0), -1))
        elif outcome != "accepted":
            self.messages.append(("no answer", order, Decimal(0), -1))

    def fill(self, index: int, tenths: int) -> None:
        """Fill a part of a live order, or all of it."""
        live = [order for order in self.orders if order.at_venue == "live"]
        if not live:
            return
        order = live[index % len(live)]
        size = min(order.may_fill, Decimal(tenths % 50 + 1) / 10)
        order.filled += size
        self.true_position[order.market] += order.side.sign * size
        self.fills += 1
        self.messages.append(("fill", order, size, self.fills))
        if order.filled == order.size:
            self._end(order)

    def cancel(self, index: int) -> None:
        """End a live order, asked or unasked."""
        live = [order for order in self.orders if order.at_venue == "live"]
        if live:
            self._end(live[index % len(live)])

    def answer_query(self, index: int) -> None:
        """Say again what became of an order that is gone, as when the desk asks for an unknown one."""
        gone = [order for order in self.orders if order.at_venue == "gone"]
        if gone:
            order = gone[index % len(gone)]
            self.messages.append(("end", order, order.filled, -1))

    def _end(self, order: Order) -> None:
        order.at_venue = "gone"
        self.messages.append(("end", order, order.filled, -1))

    # --- running it ------------------------------------------------------------------------------

    def step(self, kind: int, a: int, b: int) -> None:
        match kind % 12:
            case 0 | 1 | 2 | 3:
                self.send(a, b)
            case 4 | 5:
                self.arrive(a, b)
            case 6 | 7:
                self.fill(a, b)
            case 8:
                self.cancel(a)
            case 9:
                self.answer_query(a)
            case 10:
                self.read(a, again=b % 4 == 0)
            case _:
                states = (
                    TradingState.ACTIVE,
                    TradingState.ACTIVE,
                    TradingState.REDUCING,
                    TradingState.HALTED,
                )
                self.session.state = states[a % 4]
        self.read(b, again=False)
        self.check_caps()

    def check_caps(self) -> None:
        """Hold both limits to what the venue really has, with every order that may still fill filled."""
        worst = []
        for market in range(3):
            open_base = {
                side: sum(o.may_fill for o in self.orders if o.market == market and o.side is side)
                for side in Side
            }
            position = self.true_position[market]
            worst.append(float(max(position + open_base[Side.BUY], open_base[Side.SELL] - position)) * PRICE)
        assert worst[0] + worst[2] <= VENUE_CAP_USD + ROUNDING_USD
        assert worst[1] <= VENUE_CAP_USD + ROUNDING_USD
        assert sum(worst) <= TOTAL_CAP_USD + ROUNDING_USD
        believed = [context.exposure.worst_notional_usd for context in self.markets]
        assert believed[0] + believed[2] <= VENUE_CAP_USD + ROUNDING_USD
        assert sum(believed) <= TOTAL_CAP_USD + ROUNDING_USD
