"""Trading at a rig: orders around the mark, a stranger to trade with, and the truth."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from paraphina_core.connector import Failure, FailureKind, StreamRequest
from paraphina_core.domain import (
    CONTEXT,
    CancelOrder,
    ClientOrderId,
    Event,
    Instrument,
    InstrumentId,
    LocalError,
    ModifyOrder,
    OrderAccepted,
    OrderReport,
    OrderState,
    PlaceOrder,
    QueryOrder,
    Side,
    TimeInForce,
    ceil_to,
    from_hex128,
    from_text,
    is_positive,
)
from paraphina_core.twin import Fault, NewOrder, OrderTruth, Rejection, read_fault

from .bench import Bench
from .card import check, skip
from .rig import TO_SETTLE_MS, Rig

#: Worth of an order, as a multiple of the smallest that the instrument allows.
_SIZE: Final = 8
#: Worth of an order where the instrument has no smallest one, quote units.
_NOTIONAL: Final = Decimal(100)
_BPS: Final = Decimal("0.0001")
#: Why cards on HTTP are skipped.
NO_HTTP: Final = "no command ever leaves over HTTP"
#: Prerequisite of the cards that use a desk.
AT_TWIN: Final = "a connector that is live at its twin, in a market that nobody else trades"


class Desk:
    """One account's trading on one instrument of a rig.

    Args:
        rig: started already.
        instrument: what is traded; the first that was defined unless it is given.
    """

    def __init__(self, rig: Rig, instrument: InstrumentId | None = None) -> None:
        self.rig = rig
        check(rig.instruments, "the bootstrap defines no instrument")
        chosen = next(iter(rig.instruments)) if instrument is None else instrument
        self.instrument: Instrument = rig.instruments[chosen]
        self.id = chosen
        self.mark: Decimal = rig.host.exchange.markets[chosen].mark_price
        self._ids = rig.ids

    # --- prices and sizes -----------------------------------------------------------------------

    def price(self, side: Side, bps: float) -> Decimal:
        """Return a price so many basis points above the mark, or below, on the grid, passive for the side."""
        factor = CONTEXT.add(Decimal(1), CONTEXT.multiply(Decimal(str(bps)), _BPS))
        return self.instrument.passive_price(CONTEXT.multiply(self.mark, factor), side)

    def size(self, lots: int = 1) -> Decimal:
        """Return a size that any price near the mark makes large enough, times `lots`."""
        least = max(self.instrument.min_notional * _SIZE, _NOTIONAL)
        size = ceil_to(CONTEXT.divide(least, self.mark), self.instrument.lot_size)
        return max(size, self.instrument.min_size * _SIZE) * lots

    # --- commands -------------------------------------------------------------------------------

    def order(
        self,
        side: Side,
        bps: float,
        size: Decimal | None = None,
        *,
        ioc: bool = False,
        post_only: bool = False,
        reduce_only: bool = False,
    ) -> PlaceOrder:
        """Make an order."""
        return PlaceOrder(
            instrument=self.id,
            client_order_id=self._ids.take(),
            side=side,
            price=self.price(side, bps),
            size=self.size() if size is None else size,
            time_in_force=TimeInForce.IOC if ioc else TimeInForce.GTC,
            post_only=post_only,
            reduce_only=reduce_only,
        )

    def place(
        self, side: Side = Side.BUY, bps: float = -100, size: Decimal | None = None, **terms: bool
    ) -> PlaceOrder:
        """Send an order and wait for what comes of it."""
        order = self.order(side, bps, size, **terms)
        self.rig.send(order)
        self.wait()
        return order

    def rest(self, side: Side = Side.BUY, bps: float = -100, size: Decimal | None = None) -> PlaceOrder:
        """Send an order that must rest.

        Raises:
            Broken: it does not.
        """
        order = self.place(side, bps, size)
        truth = self.truth_of(order.client_order_id)
        check(truth is not None and truth.state is OrderState.LIVE, "an order does not rest", found=truth)
        return order

    def cancel(self, order: PlaceOrder, *, by_venue_id: bool = False) -> None:
        """Send a cancel and wait for what comes of it."""
        self.rig.send(self.cancel_of(order, by_venue_id=by_venue_id))
        self.wait()

    def cancel_of(self, order: PlaceOrder, *, by_venue_id: bool = False) -> CancelOrder:
        """Make the cancel of an order."""
        venue_id = self.venue_id(order.client_order_id) if by_venue_id else None
        return CancelOrder(instrument=self.id, client_order_id=order.client_order_id, venue_order_id=venue_id)

    def modify_of(self, order: PlaceOrder, *, bps: float, size: Decimal | None = None) -> ModifyOrder:
        """Make the change of an order to another price, and size."""
        return ModifyOrder(
            instrument=self.id,
            client_order_id=order.client_order_id,
            venue_order_id=self.venue_id(order.client_order_id),
            side=order.side,
            price=self.price(order.side, bps),
            size=order.size if size is None else size,
            post_only=order.post_only,
            reduce_only=order.reduce_only,
        )

    def sends_on_a_stream(self) -> bool:
        """Tell whether orders leave on a stream now, and not over HTTP."""
        connector = self.rig.connector
        request = connector.write(self.order(Side.BUY, -100), self.rig.context())
        connector.read_answer(request, Failure(kind=FailureKind.NOT_SENT), self.rig.now_ns)
        return isinstance(request, StreamRequest)

    def wait(self, ms: int = TO_SETTLE_MS) -> None:
        """Let what was sent arrive, be answered and told."""
        self.rig.run(ms)

    def query_of(self, order: PlaceOrder) -> QueryOrder:
        """Make the question for an order."""
        return QueryOrder(instrument=self.id, client_order_id=order.client_order_id)

    def report(self, order: PlaceOrder) -> Event:
        """Ask what became of an order, and return the answer.

        Raises:
            Broken: the answer is not about it.
        """
        query = self.query_of(order)
        told = [
            e for e in self.rig.asked(query) if getattr(e, "client_order_id", None) == order.client_order_id
        ]
        check(told, "the answer to a question for an order does not name it")
        return told[-1]

    # --- the other side -------------------------------------------------------------------------

    def stranger(self, side: Side, price: Decimal, size: Decimal | None = None, *, ioc: bool = False) -> None:
        """Let somebody else place an order at the venue.

        Raises:
            LocalError: the venue refuses it.
        """
        rig = self.rig
        account = rig.host.exchange.account(rig.login.stranger)
        terms = NewOrder(
            instrument=self.id,
            side=side,
            price=price,
            size=self.size() if size is None else size,
            time_in_force=TimeInForce.IOC if ioc else TimeInForce.GTC,
        )
        placed = rig.host.exchange.place(account, terms, rig.now_ns)
        if isinstance(placed, Rejection):
            raise LocalError("the stranger's order is refused", found=placed)

    def hit(self, order: PlaceOrder, size: Decimal | None = None) -> None:
        """Let somebody else trade with a resting order, all of it unless a size is given."""
        self.stranger(order.side.opposite, order.price, order.size if size is None else size, ioc=True)
        self.wait()

    # --- the truth ------------------------------------------------------------------------------

    def truth_of(self, client_order_id: ClientOrderId) -> OrderTruth | None:
        """Return an order as the venue has it, the one that is open if there are several; None if none is."""
        account = self.rig.truth
        found = [
            o for o in (*account.final_orders, *account.open_orders) if our_id(o.client_id) == client_order_id
        ]
        return found[-1] if found else None

    def resting(self) -> list[OrderTruth]:
        """Return the account's orders that are open at the venue."""
        return list(self.rig.truth.open_orders)

    def venue_id(self, client_order_id: ClientOrderId) -> str | None:
        """Return the id that the venue has told for an order, the last one."""
        told = self.rig.told_of(client_order_id)
        ids = [e.venue_order_id for e in told if isinstance(e, OrderAccepted | OrderReport)]
        return ids[-1] if ids else None

    def true_position(self) -> Decimal:
        """Return the account's position as it really is."""
        sizes = [p.size for p in self.rig.truth.positions if p.instrument == self.id]
        return sizes[0] if sizes else Decimal(0)

    def check_position(self) -> None:
        """Check that the fills that were told make the position that is.

        Raises:
            Broken: they do not.
        """
        found, wanted = self.rig.position(self.id), self.true_position()
        check(found == wanted, "the fills do not make the position", found=found, wanted=str(wanted))


def desk_of(bench: Bench, *, private: bool = True) -> Desk:
    """Start a rig in the quiet market and return a desk at it."""
    return Desk(Rig(bench, private=private).start())


def ways(bench: Bench) -> Iterator[Desk]:
    """Yield a desk for each way that commands leave: as usual, and over HTTP while their stream is down."""
    usual = desk_of(bench)
    yield usual
    if usual.sends_on_a_stream():
        other = desk_of(bench, private=False)
        if not other.sends_on_a_stream():
            yield other


def http_desk(bench: Bench) -> Desk:
    """Return a desk whose commands leave over HTTP.

    Raises:
        NotApplicable: none ever does.
    """
    found = [desk for desk in ways(bench) if not desk.sends_on_a_stream()]
    if not found:
        skip(NO_HTTP)
    return found[0]


def stream_desk(bench: Bench) -> Desk:
    """Return a desk whose commands leave on a stream.

    Raises:
        Broken: none does.
    """
    desk = desk_of(bench)
    check(desk.sends_on_a_stream(), "commands leave on no stream", wanted="as the capability says")
    return desk


def fault(name: str, **parameters: object) -> Fault:
    """Make a fault of the menu.

    Raises:
        ConfigError: there is no such fault or parameter.
    """
    return read_fault({"fault": name, **parameters})


def our_id(text: str | None) -> ClientOrderId | None:
    """Read a client order id as one of the three encodings of the contract spells it."""
    if text is None:
        return None
    known = from_hex128(text) or from_text(text)
    if known is not None:
        return known
    return ClientOrderId(int(text)) if text.isdecimal() and is_positive(Decimal(text)) else None
