"""Carries out what a signer may ask: orders, cancels, modifies, leverage and the dead man's switch.

Refusals are the venue's own sentences where one is on record; the documentation of the twin names those
that are not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Final

import msgspec

from paraphina_core.domain import (
    CONTEXT,
    NS_PER_MS,
    InstrumentId,
    Side,
    TimeInForce,
    plain,
)
from paraphina_core.twin import Account, Exchange, NewOrder, Order, RejectCode, Rejection

from . import wire
from .budget import DEAD_MAN_USD, INITIAL_OPEN_ORDERS, Budget
from .history import History, Record
from .spelling import Json, text
from .universe import Universe

#: A price may be so far from the reference price; seen on the venue in 2026 (80 % before).
MAX_PRICE_DISTANCE: Final = Decimal("0.95")
#: Docs "Exchange endpoint" (read 2026-08-22): how far ahead, and how often between two midnights.
MIN_DEAD_MAN_MS: Final = 5_000
MAX_DEAD_MAN_TRIGGERS: Final = 10
_DAY_MS: Final = 86_400_000

#: Ids of orders that never were; the exchange counts those that are.
_REFUSED_IDS: Final = 10**12

GONE: Final = "Order was never placed, already canceled, or filled."
MODIFY_GONE: Final = "Cannot modify canceled or filled order"
_TICK: Final = "Price must be divisible by tick size."
_CROSSED: Final = "Post only order would have immediately matched, bbo was {}@{}."

#: Sentence and order status of each refusal of the exchange.
_REFUSALS: Final = {
    RejectCode.INSTRUMENT_STATUS: ("Trading is halted.", "delistedCanceled"),
    RejectCode.PRICE_OFF_GRID: (_TICK, "tickRejected"),
    RejectCode.SIZE_OFF_GRID: ("Order has invalid size.", "rejected"),
    RejectCode.SIZE_BELOW_MINIMUM: ("Order has invalid size.", "rejected"),
    RejectCode.NOTIONAL_BELOW_MINIMUM: ("Order must have minimum value of $10.", "minTradeNtlRejected"),
    RejectCode.REDUCE_ONLY_WOULD_INCREASE: (
        "Reduce only order would increase position.",
        "reduceOnlyRejected",
    ),
    RejectCode.INSUFFICIENT_MARGIN: ("Insufficient margin to place order.", "perpMarginRejected"),
    RejectCode.OPEN_ORDERS_LIMIT: ("Too many open orders.", "tooManyOpenOrdersRejected"),
    RejectCode.DUPLICATE_CLIENT_ORDER_ID: ("Duplicate cloid.", "rejected"),
    RejectCode.POST_ONLY_WOULD_CROSS: (_CROSSED, "badAloPxRejected"),
}
_TIFS: Final = {
    "Alo": (TimeInForce.GTC, True),
    "Gtc": (TimeInForce.GTC, False),
    "Ioc": (TimeInForce.IOC, False),
    "FrontendMarket": (TimeInForce.IOC, False),
}


class DeadMan(msgspec.Struct):
    """An account's scheduled cancel: when it is due (venue, milliseconds) and how often it struck today."""

    due_ms: int | None = None
    day: int = 0
    triggers: int = 0


def ok(kind: str, statuses: Sequence[Json]) -> dict[str, Json]:
    """Spell the answer to an action with a status for each of its parts."""
    return {"status": "ok", "response": {"type": kind, "data": {"statuses": list(statuses)}}}


def err(sentence: str) -> dict[str, Json]:
    """Spell the refusal of a whole request."""
    return {"status": "err", "response": sentence}


DEFAULT: Final = {"status": "ok", "response": {"type": "default"}}


class Trading:
    """Acts on an exchange for one account at a time.

    Args:
        exchange: where it acts.
        universe: what the coins' numbers mean.
        history: remembers the orders that are refused.
        budgets: requests and volume by account; every account that acts has one.
        on_refused: is told of every order that is refused.
    """

    def __init__(
        self,
        exchange: Exchange,
        universe: Universe,
        history: History,
        budgets: dict[str, Budget],
        on_refused: Callable[[Record], None],
    ) -> None:
        self.dead_men: dict[str, DeadMan] = {}
        self._exchange = exchange
        self._universe = universe
        self._history = history
        self._budgets = budgets
        self._on_refused = on_refused
        self._refused = 0

    def act(self, account: Account, action: wire.L1Action, at_ns: int) -> dict[str, Json]:
        """Do what an action asks and return the venue's answer."""
        match action:
            case wire.PlaceAction():
                return self._place_all(account, action, at_ns)
            case wire.ModifyAction():
                modify = wire.Modify(oid=action.oid, order=action.order)
                return self._modify_all(account, [modify], at_ns, always=action.a is True)
            case wire.BatchModifyAction():
                return self._modify_all(account, action.modifies, at_ns, always=action.a is True)
            case wire.CancelAction():
                return ok("cancel", [self._cancel(account, c.a, c.o, at_ns) for c in action.cancels])
            case wire.CancelByCloidAction():
                found = [(c.asset, account.by_client_id(c.cloid)) for c in action.cancels]
                return ok(
                    "cancel",
                    [
                        self._cancel(account, asset, 0 if order is None else order.id, at_ns)
                        for asset, order in found
                    ],
                )
            case wire.ScheduleCancelAction():
                return self._schedule(account, action, at_ns)
            case wire.UpdateLeverageAction():
                return self._set_leverage(account, action)
            case wire.NoopAction():
                return DEFAULT

    def strike(self, at_ns: int) -> None:
        """Cancel the orders of every account whose scheduled time has come."""
        venue_ms = self._exchange.clock.venue_ns(at_ns) // NS_PER_MS
        for name, dead_man in self.dead_men.items():
            if dead_man.due_ms is not None and dead_man.due_ms <= venue_ms:
                dead_man.due_ms = None
                dead_man.day, today = venue_ms // _DAY_MS, dead_man.day
                dead_man.triggers = dead_man.triggers + 1 if dead_man.day == today else 1
                self._exchange.cancel_all(self._exchange.account(name), at_ns, reason="scheduledCancel")

    def next_strike_ns(self) -> int | None:
        """Return the world's time of the next scheduled cancel, None if there is none."""
        due = [man.due_ms for man in self.dead_men.values() if man.due_ms is not None]
        return self._exchange.clock.world_ns(min(due) * NS_PER_MS) if due else None

    # --- placing --------------------------------------------------------------------------------

    def _place_all(self, account: Account, action: wire.PlaceAction, at_ns: int) -> dict[str, Json]:
        if action.builder is not msgspec.UNSET:
            return err("Builder fee has not been approved.")
        if not action.orders:
            return err("Order batch is empty.")
        unlike = action.grouping != "na" or any(
            order.t.trigger is not msgspec.UNSET for order in action.orders
        )
        if unlike:
            return err("Trigger orders, groupings and priority fees are not part of this twin.")
        # Docs "Error responses" (read 2026-08-22): what is refused before any order is looked at is
        # answered with one error, however many orders there are.
        for order in action.orders:
            sentence = self._prevalidate(order)
            if sentence is not None:
                return ok("order", [{"error": sentence}])
        return ok("order", [self._place(account, order, at_ns) for order in action.orders])

    def _prevalidate(self, order: wire.Order) -> str | None:
        instrument = self._instrument(order.a)
        if instrument is None:
            return None
        market, price = self._exchange.markets[instrument], Decimal(order.p)
        if not market.instrument.price_on_grid(price):
            return _TICK
        distance = CONTEXT.subtract(price, market.index_price).copy_abs()
        if distance > CONTEXT.multiply(market.index_price, MAX_PRICE_DISTANCE):
            percent = plain(MAX_PRICE_DISTANCE * 100)
            return f"Order price cannot be more than {percent}% away from the reference price"
        return None

    def _place(self, account: Account, order: wire.Order, at_ns: int) -> dict[str, Json]:
        instrument = self._instrument(order.a)
        if instrument is None:
            return {"error": f"Invalid asset. asset={order.a}"}
        terms = _terms(instrument, order, *_TIFS[_tif(order)])
        placed = self._enter(account, terms, at_ns)
        return {"error": placed} if isinstance(placed, str) else self._status(account, placed)

    def _enter(self, account: Account, terms: NewOrder, at_ns: int) -> Order | str:
        """Place an order; return it, or the sentence with which it is refused."""
        number = self._universe.number(terms.instrument)
        if not terms.size:
            return f"Order has zero size. asset={number}"
        code = self._over_limit(account, terms)
        refused: Rejection | None = None if code is None else Rejection(code, "")
        if refused is None:
            placed = self._exchange.place(account, terms, at_ns)
            if isinstance(placed, Order):
                self._trim_reduce_only(account, placed, at_ns)
                if placed.reason == "immediate or cancel" and not placed.filled_size:
                    return f"Order could not immediately match against any resting orders. asset={number}"
                return placed
            refused = placed
        return self._refused_sentence(account, terms, refused, at_ns)

    def _over_limit(self, account: Account, terms: NewOrder) -> RejectCode | None:
        """Judge what the venue counts by volume; with many orders open, none that only reduces."""
        count = len(account.orders)
        over = count >= self._budgets[account.name].open_orders
        crowded = count >= INITIAL_OPEN_ORDERS and terms.reduce_only
        return RejectCode.OPEN_ORDERS_LIMIT if over or crowded else None

    def _refused_sentence(self, account: Account, terms: NewOrder, refused: Rejection, at_ns: int) -> str:
        market = self._exchange.markets[terms.instrument]
        number = self._universe.number(terms.instrument)
        if refused.code is RejectCode.NOTIONAL_ABOVE_MAXIMUM:
            most = plain(market.instrument.max_notional or Decimal(0))
            sentence, status = f"Order value too large. Max is ${most}.", "rejected"
        else:
            sentence, status = _REFUSALS.get(refused.code, ("Order is not allowed.", "rejected"))
            best = [market.best_price(side) for side in Side]
            sentence = sentence.format(*("None" if price is None else plain(price) for price in best))
        self._refused += 1
        venue_ns = self._exchange.clock.venue_ns(at_ns)
        never = Order(_REFUSED_IDS + self._refused, account.name, terms, venue_ns)
        self._on_refused(self._history.refused(never, status, venue_ns))
        return f"{sentence} asset={number}"

    def _trim_reduce_only(self, account: Account, placed: Order, at_ns: int) -> None:
        """Cancel the oldest reduce-only orders that, with a new one, would close more than there is."""
        if not (placed.reduce_only and placed.is_open):
            return
        position = account.ledger.size(placed.instrument).copy_abs()
        resting = [
            order
            for order in account.orders.values()
            if order.reduce_only and order.instrument == placed.instrument and order.side is placed.side
        ]
        total = sum((order.remaining for order in resting), Decimal(0))
        for order in resting:
            if total <= position or order is placed:
                return
            total -= order.remaining
            self._exchange.cancel(account, order.id, at_ns, "reduceOnlyCanceled")

    def _status(self, account: Account, order: Order) -> dict[str, Json]:
        named: dict[str, Json] = {"oid": order.id}
        if order.client_id is not None:
            named["cloid"] = order.client_id
        if not order.filled_size:
            return {"resting": named}
        cost = Decimal(0)
        for told in reversed(account.fills):
            if told.order_id != order.id:
                break
            cost = CONTEXT.add(cost, CONTEXT.multiply(told.fill.price, told.fill.size))
        average = CONTEXT.divide(cost, order.filled_size)
        figures = average.quantize(Decimal(1).scaleb(min(0, average.adjusted() - 6)))
        return {"filled": {"totalSz": text(order.filled_size), "avgPx": text(figures)} | named}

    # --- changing -------------------------------------------------------------------------------

    def _modify_all(
        self, account: Account, modifies: Sequence[wire.Modify], at_ns: int, *, always: bool
    ) -> dict[str, Json]:
        # Docs "Exchange endpoint" (2026-06-11): without the flag the new order only ever rests.
        for modify in modifies:
            kind = modify.order.t.limit
            if kind is msgspec.UNSET or (not always and kind.tif not in {"Alo", "Gtc"}):
                return err("Attempted to modify to invalid new order")
        if len(modifies) == 1 and not always and self._find(account, modifies[0].oid) is None:
            return err(MODIFY_GONE)
        return ok("order", [self._modify(account, modify, at_ns, always=always) for modify in modifies])

    def _modify(self, account: Account, modify: wire.Modify, at_ns: int, *, always: bool) -> dict[str, Json]:
        """Cancel the old order and place the new one; if that is refused, the old one is gone anyway."""
        instrument = self._instrument(modify.order.a)
        old = self._find(account, modify.oid)
        if old is None and not always:
            return {"error": MODIFY_GONE}
        if instrument is None or (old is not None and old.instrument != instrument):
            return {"error": "Attempted to modify to invalid new order"}
        time_in_force, post_only = _TIFS[_tif(modify.order)] if always else _TIFS["Alo"]
        terms = _terms(instrument, modify.order, time_in_force, post_only)
        if old is not None:
            if terms.client_id is None:
                terms = msgspec.structs.replace(terms, client_id=old.client_id)
            self._exchange.cancel(account, old.id, at_ns, "canceled")
        placed = self._enter(account, terms, at_ns)
        if isinstance(placed, str):
            return {"error": f"Error placing new order during modify: {placed}"}
        return self._status(account, placed)

    def _find(self, account: Account, name: int | str) -> Order | None:
        order = account.orders.get(name) if isinstance(name, int) else account.by_client_id(name)
        return order if order is not None and order.is_open else None

    def _cancel(self, account: Account, asset: int, order_id: int, at_ns: int) -> Json:
        order = account.orders.get(order_id)
        if order is None or order.instrument != self._instrument(asset):
            return {"error": f"{GONE} asset={asset}"}
        self._exchange.cancel(account, order_id, at_ns, "canceled")
        return "success"

    # --- settings -------------------------------------------------------------------------------

    def _schedule(self, account: Account, action: wire.ScheduleCancelAction, at_ns: int) -> dict[str, Json]:
        traded = self._budgets[account.name].traded_usd
        if traded < DEAD_MAN_USD:
            return err(
                "Cannot set scheduled cancel time until enough volume traded. "
                f"Required: ${plain(DEAD_MAN_USD)}. Traded: ${plain(traded.quantize(Decimal('0.01')))}."
            )
        dead_man = self.dead_men.setdefault(account.name, DeadMan())
        venue_ms = self._exchange.clock.venue_ns(at_ns) // NS_PER_MS
        if not isinstance(action.time, int):
            dead_man.due_ms = None
            return DEFAULT
        if action.time < venue_ms + MIN_DEAD_MAN_MS:
            return err("Scheduled cancel time too early, must be at least 5 seconds from now.")
        if dead_man.day == venue_ms // _DAY_MS and dead_man.triggers >= MAX_DEAD_MAN_TRIGGERS:
            return err(f"Cannot set scheduled cancel time: it fired {MAX_DEAD_MAN_TRIGGERS} times today.")
        dead_man.due_ms = action.time
        return DEFAULT

    def _set_leverage(self, account: Account, action: wire.UpdateLeverageAction) -> dict[str, Json]:
        instrument = self._instrument(action.asset)
        if instrument is None:
            return err(f"Invalid asset. asset={action.asset}")
        if not 1 <= action.leverage <= self._universe.coin(instrument).max_leverage:
            return err(f"Invalid leverage value. asset={action.asset}")
        switches = (instrument not in account.isolated) != action.isCross
        if switches and account.ledger.size(instrument):
            return err("Cannot switch leverage type with open position.")
        refused = self._exchange.set_leverage(account, instrument, action.leverage, cross=action.isCross)
        return DEFAULT if refused is None else err("Insufficient margin to change leverage.")

    def _instrument(self, asset: int) -> InstrumentId | None:
        known = self._universe.instruments
        return known[asset] if asset < len(known) else None


def _tif(order: wire.Order) -> str:
    limit = order.t.limit
    return limit.tif if isinstance(limit, wire.Limit) else "Gtc"


def _terms(
    instrument: InstrumentId,
    order: wire.Order,
    time_in_force: TimeInForce,
    post_only: bool,  # noqa: FBT001  # unpacked from the table above
) -> NewOrder:
    return NewOrder(
        instrument=instrument,
        side=Side.BUY if order.b else Side.SELL,
        price=Decimal(order.p),
        size=Decimal(order.s),
        time_in_force=time_in_force,
        post_only=post_only,
        reduce_only=order.r,
        client_id=order.c if isinstance(order.c, str) else None,
    )
