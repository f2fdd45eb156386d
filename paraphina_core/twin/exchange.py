"""The exchange behind a twin's wire: accounts, orders that meet each other, margin, funding, liquidation.

It knows no venue: a twin translates its wire into these calls and what the exchange tells into its own
messages. Everything random comes from the seed, so the same calls at the same times give the same
exchange, to the last digit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final

import msgspec

from paraphina_core.domain import (
    CONTEXT,
    InstrumentId,
    LocalError,
    Side,
    TimeInForce,
    TradingStatus,
    ceil_to,
    plain,
)
from paraphina_core.execution import RejectCode, Rejection, funding_payment, refuse

from .account import Account, NewOrder, Order
from .clock import VenueClock
from .engine import Engine
from .events import ExchangeEvent, FundingPaid, Liquidated, Marked
from .flow import Flow
from .listing import HouseRules, Listing, SelfTrade
from .margin import initial_margin, leverage_of, maintenance_margin
from .market import AccountMarket, TwinMarket

#: Accounts that clients may open.
MAX_ACCOUNTS: Final = 1_000

#: The exchange's own accounts: background makers and takers, and whom a fault trades with.
MAKERS: Final = "house:makers"
TAKERS: Final = "house:takers"

#: A liquidation sells down to this part of the mark price, or buys up to as far above it.
_LIQUIDATION_REACH: Final = Decimal("0.1")

#: Seeds of one exchange's instruments; the seed of the next exchange begins after them.
_SEEDS: Final = 1_000

_BPS: Final = Decimal("0.0001")
_ZERO: Final = Decimal(0)
_ONE: Final = Decimal(1)


class Exchange:
    """One venue's matching, books and accounts.

    Times handed in are the world's and never run backwards; times in events and orders are the venue's.

    Args:
        rules: how it behaves towards everyone.
        listings: what can be traded.
        clock: the venue's clock.
        seed: of the background flow; each instrument has its own.
        start_ns: the world's time at which the markets open.
    """

    def __init__(
        self, rules: HouseRules, listings: Iterable[Listing], *, clock: VenueClock, seed: int, start_ns: int
    ) -> None:
        self.rules = rules
        self.clock = clock
        self._engine = Engine(rules, listings)
        self._frozen_until_ns: int | None = None
        self._flows: list[Flow] = []
        for name in (MAKERS, TAKERS):
            self._engine.accounts[name] = Account(name, _ZERO, is_house=True)
        makers, takers = self._engine.accounts[MAKERS], self._engine.accounts[TAKERS]
        for number, market in enumerate(self._engine.markets.values()):
            market.schedule_funding(clock.venue_ns(start_ns))
            if market.listing.has_flow:
                self._flows.append(
                    Flow(self._engine, market, makers, takers, seed * _SEEDS + number, start_ns)
                )

    # --- what there is --------------------------------------------------------------------------

    @property
    def markets(self) -> Mapping[InstrumentId, TwinMarket]:
        """Every market by instrument, in the order of the listings."""
        return self._engine.markets

    @property
    def accounts(self) -> Mapping[str, Account]:
        """Every account of a client by name, in the order of opening."""
        return {name: account for name, account in self._engine.accounts.items() if not account.is_house}

    @property
    def house(self) -> tuple[Account, ...]:
        """The exchange's own accounts: the other side of every trade of a client with nobody."""
        return tuple(account for account in self._engine.accounts.values() if account.is_house)

    @property
    def is_frozen(self) -> bool:
        """True while nothing is matched."""
        return self._engine.is_frozen

    def subscribe(self, listener: Callable[[ExchangeEvent], None]) -> None:
        """Tell everything that happens to a listener, at once and in order; it may not change anything."""
        self._engine.listeners.append(listener)

    def account(self, name: str) -> Account:
        """Return an account.

        Raises:
            LocalError: nobody has opened it.
        """
        account = self._engine.accounts.get(name)
        if account is None:
            raise LocalError("the exchange has no such account", found=name, wanted="one that was opened")
        return account

    def open_account(self, name: str, balance_usd: Decimal) -> Account:
        """Open an account with collateral.

        Raises:
            LocalError: it is open already, or there are too many.
        """
        if name in self._engine.accounts or len(self._engine.accounts) >= MAX_ACCOUNTS:
            raise LocalError(
                "account cannot be opened", found=name, wanted=f"one of {MAX_ACCOUNTS} new names"
            )
        self._engine.accounts[name] = Account(name, balance_usd)
        return self._engine.accounts[name]

    def margin_used(self, account: Account) -> Decimal:
        """Return the initial margin of positions and open orders, quote units."""
        return initial_margin(account, self._engine.markets, self.rules)

    def maintenance_margin(self, account: Account) -> Decimal:
        """Return the equity below which the account is liquidated, quote units."""
        return maintenance_margin(account, self._engine.markets)

    def leverage(self, account: Account, instrument: InstrumentId) -> int:
        """Return the leverage in force."""
        return leverage_of(account, self._engine.markets[instrument], self.rules)

    # --- what clients ask for -------------------------------------------------------------------

    def place(self, account: Account, terms: NewOrder, at_ns: int) -> Order | Rejection:
        """Place a limit order and match it; return it as it then is, or why it is refused."""
        rejection = self._judge(account, terms)
        if rejection is not None:
            return rejection
        venue_ns = self.clock.venue_ns(at_ns)
        market = self._engine.markets[terms.instrument]
        order = self._engine.enter(account, terms, venue_ns)
        self._engine.publish(market, venue_ns)
        return order

    def cancel(
        self, account: Account, order_id: int, at_ns: int, reason: str = "cancelled on request"
    ) -> Order | Rejection:
        """Cancel an open order; return it as it then is, or that there is none."""
        order = account.orders.get(order_id)
        if order is None:
            return Rejection(RejectCode.ORDER_NOT_FOUND, f"no order {order_id} is open")
        venue_ns = self.clock.venue_ns(at_ns)
        self._engine.take_out(order, reason, venue_ns)
        self._engine.publish(self._engine.markets[order.instrument], venue_ns)
        return order

    def cancel_all(
        self,
        account: Account,
        at_ns: int,
        *,
        instrument: InstrumentId | None = None,
        reason: str = "cancelled with all",
    ) -> Sequence[Order]:
        """Cancel every open order of an account, on one instrument or on all; return them."""
        found = [order for order in account.orders.values() if instrument in {None, order.instrument}]
        for order in found:
            self.cancel(account, order.id, at_ns, reason)
        return found

    def replace(
        self, account: Account, order_id: int, terms: NewOrder, at_ns: int, *, keep_id: bool
    ) -> Order | Rejection:
        """Change an open order; if the new terms are refused it stays as it is.

        Args:
            account: whose order it is.
            order_id: the order.
            terms: what it shall be; the size is the total one where the id is kept, and that of a new
                order where it is not.
            at_ns: now.
            keep_id: the order stays the same one, and in its place while only its size shrinks; else
                it is cancelled and a new one enters.
        """
        old = account.orders.get(order_id)
        if old is None or old.instrument != terms.instrument:
            return Rejection(RejectCode.ORDER_NOT_FOUND, f"no order {order_id} is open")
        rejection = self._judge(account, terms, replaced=old, keep_id=keep_id)
        if rejection is not None:
            return rejection
        venue_ns = self.clock.venue_ns(at_ns)
        market = self._engine.markets[terms.instrument]
        if keep_id:
            self._engine.amend(old, terms, venue_ns)
            order = old
        else:
            self._engine.take_out(old, "replaced", venue_ns)
            order = self._engine.enter(account, terms, venue_ns)
        self._engine.publish(market, venue_ns)
        return order

    def set_leverage(
        self, account: Account, instrument: InstrumentId, leverage: int, *, cross: bool = True
    ) -> Rejection | None:
        """Set an account's leverage on an instrument; refused where positions and orders need more margin."""
        market = self._engine.markets.get(instrument)
        if market is None:
            return Rejection(RejectCode.UNKNOWN_INSTRUMENT, instrument)
        if not 1 <= leverage <= market.listing.max_leverage:
            return Rejection(
                RejectCode.INSUFFICIENT_MARGIN, f"leverage {leverage}, maximum {market.listing.max_leverage}"
            )
        before = account.leverage.get(instrument)
        account.leverage[instrument] = leverage
        needed = self.margin_used(account)
        if needed > account.ledger.equity:
            if before is None:
                del account.leverage[instrument]
            else:
                account.leverage[instrument] = before
            return Rejection(RejectCode.INSUFFICIENT_MARGIN, f"margin needed {plain(needed)}")
        (account.isolated.discard if cross else account.isolated.add)(instrument)
        return None

    # --- what happens by itself -----------------------------------------------------------------

    def advance(self, at_ns: int) -> None:
        """Let happen what is due by `at_ns`: background flow, marks, funding, the end of a freeze."""
        while (due_ns := self.next_due_ns()) is not None and due_ns <= at_ns:
            self._advance_once(due_ns)

    def next_due_ns(self) -> int | None:
        """Return when something is due next; None for an exchange where nothing ever happens by itself."""
        due = [flow.due_ns for flow in self._flows]
        due += [self.clock.world_ns(market.next_funding_ns) for market in self._engine.markets.values()]
        if self._frozen_until_ns is not None:
            due.append(self._frozen_until_ns)
        return min(due, default=None)

    def set_mark(
        self,
        instrument: InstrumentId,
        mark_price: Decimal,
        at_ns: int,
        *,
        index_price: Decimal | None = None,
        funding_rate_1h: float | None = None,
    ) -> None:
        """Set the mark price: value positions anew and liquidate whoever is below maintenance margin."""
        market = self._engine.markets[instrument]
        market.true_mark = mark_price
        market.mark_price = mark_price = CONTEXT.multiply(mark_price, market.mark_shift)
        market.index_price = index_price or market.true_mark
        if funding_rate_1h is not None:
            market.funding_rate_1h = funding_rate_1h
        venue_ns = self.clock.venue_ns(at_ns)
        self._engine.tell(
            Marked(
                instrument=instrument,
                mark_price=mark_price,
                index_price=market.index_price,
                funding_rate=market.funding_rate,
                next_funding_ns=market.next_funding_ns,
                at_ns=venue_ns,
            )
        )
        for account in self._engine.accounts.values():
            if account.ledger.size(instrument):
                account.ledger.mark(instrument, mark_price, venue_ns)
                if not account.is_house and account.ledger.equity < self.maintenance_margin(account):
                    self.liquidate(account, at_ns)

    def pay_funding(self, instrument: InstrumentId, at_ns: int) -> None:
        """Let every position on an instrument pay or receive one interval's funding now."""
        market = self._engine.markets[instrument]
        venue_ns = self.clock.venue_ns(at_ns)
        for account in self._engine.accounts.values():
            size = account.ledger.size(instrument)
            if size:
                payment = funding_payment(instrument, size, market.mark_price, market.funding_rate, venue_ns)
                account.ledger.apply(payment)
                account.payments.append(payment)
                if not account.is_house:
                    self._engine.tell(FundingPaid(account=account.name, payment=payment, at_ns=venue_ns))

    # --- what faults do -------------------------------------------------------------------------

    def freeze(self, until_ns: int) -> None:
        """Match nothing until then: orders are taken and rest, cancels work, the market stands still."""
        self._engine.is_frozen = True
        self._frozen_until_ns = max(until_ns, self._frozen_until_ns or until_ns)

    def liquidate(self, account: Account, at_ns: int) -> None:
        """Cancel an account's orders and close its positions at the market, as far as the book goes."""
        self._engine.tell(Liquidated(account=account.name, at_ns=self.clock.venue_ns(at_ns)))
        self.cancel_all(account, at_ns, reason="liquidated")
        venue_ns = self.clock.venue_ns(at_ns)
        for instrument, position in tuple(account.ledger.positions.items()):
            if not position.size:
                continue
            market = self._engine.markets[instrument]
            side = Side.SELL if position.size > 0 else Side.BUY
            reach = CONTEXT.add(_ONE, CONTEXT.multiply(_LIQUIDATION_REACH, Decimal(side.sign)))
            terms = NewOrder(
                instrument=instrument,
                side=side,
                price=CONTEXT.multiply(market.mark_price, reach),
                size=position.size.copy_abs(),
                time_in_force=TimeInForce.IOC,
                reduce_only=True,
            )
            self._engine.enter(account, terms, venue_ns, is_liquidation=True)
            self._engine.publish(market, venue_ns)

    def deleverage(self, account: Account, fraction: Decimal, at_ns: int) -> None:
        """Close a part of each position at the mark price, with the house and past every book (ADL)."""
        venue_ns = self.clock.venue_ns(at_ns)
        for instrument, position in tuple(account.ledger.positions.items()):
            if position.size:
                market = self._engine.markets[instrument]
                part = CONTEXT.multiply(position.size.copy_abs(), fraction)
                side = Side.SELL if position.size > 0 else Side.BUY
                terms = NewOrder(
                    instrument=instrument,
                    side=side,
                    price=market.instrument.passive_price(market.mark_price, side),
                    size=ceil_to(part, market.instrument.lot_size),
                    time_in_force=TimeInForce.IOC,
                    reduce_only=True,
                )
                self._engine.close_with(self._engine.accounts[TAKERS], account, terms, venue_ns)
                self._engine.publish(market, venue_ns)

    def shift_mark(self, bps: int, at_ns: int) -> None:
        """Let every mark price be so far off from now on, and be marked so at once."""
        for market in self._engine.markets.values():
            market.mark_shift = CONTEXT.add(_ONE, CONTEXT.multiply(Decimal(bps), _BPS))
            self.set_mark(market.id, market.true_mark, at_ns, index_price=market.index_price)

    def set_status(self, instrument: InstrumentId, status: TradingStatus) -> None:
        """Let an instrument allow only what the status says; resting orders stay."""
        market = self._engine.markets[instrument]
        market.instrument = msgspec.structs.replace(market.instrument, status=status)

    def fill_with_house(self, order: Order, size: Decimal, at_ns: int) -> None:
        """Let the house trade with an order at its own price, whatever stands before it in the queue.

        The size may be more than is left of it, and the order may be gone already: that is what an
        overfill and a late fill are.

        Raises:
            LocalError: the size is no number of lots above zero.
        """
        market = self._engine.markets[order.instrument]
        if not market.instrument.size_on_grid(size):
            raise LocalError("fill is not usable", found=size, wanted="a whole number of lots")
        venue_ns = self.clock.venue_ns(at_ns)
        self._engine.force(self._engine.accounts[TAKERS], order, size, venue_ns)
        self._engine.publish(market, venue_ns)

    # --- judging --------------------------------------------------------------------------------

    def _judge(
        self, account: Account, terms: NewOrder, replaced: Order | None = None, *, keep_id: bool = False
    ) -> Rejection | None:
        market = self._engine.markets.get(terms.instrument)
        if market is None:
            return Rejection(RejectCode.UNKNOWN_INSTRUMENT, terms.instrument)
        if account.is_house:
            return None
        if terms.client_id is not None:
            known = account.by_client_id(terms.client_id)
            if known is not None and known.is_open and known is not replaced:
                return Rejection(RejectCode.DUPLICATE_CLIENT_ORDER_ID, f"{terms.client_id} is open")
        if replaced is None and len(account.orders) >= self.rules.max_open_orders:
            return Rejection(RejectCode.OPEN_ORDERS_LIMIT, f"{len(account.orders)} orders are open")
        seen = AccountMarket(market, account, refuse_self_trade=self.rules.self_trade is SelfTrade.REFUSE)
        rejection = refuse(terms, seen)
        if rejection is None and replaced is not None and keep_id:  # what has filled is a position already
            left = max(_ZERO, CONTEXT.subtract(terms.size, replaced.filled_size))
            terms = msgspec.structs.replace(terms, size=left)
        return rejection or self._judge_margin(account, terms, replaced)

    def _judge_margin(self, account: Account, terms: NewOrder, replaced: Order | None) -> Rejection | None:
        if terms.reduce_only:
            return None
        before = initial_margin(account, self._engine.markets, self.rules, replaced=replaced)
        needed = initial_margin(account, self._engine.markets, self.rules, order=terms, replaced=replaced)
        if needed <= before or needed <= account.ledger.equity:
            return None
        return Rejection(
            RejectCode.INSUFFICIENT_MARGIN,
            f"margin needed {plain(needed)}, equity {plain(account.ledger.equity)}",
        )

    def _advance_once(self, at_ns: int) -> None:
        if self._frozen_until_ns is not None and self._frozen_until_ns <= at_ns:
            self._frozen_until_ns = None
            venue_ns = self.clock.venue_ns(at_ns)
            self._engine.thaw(venue_ns)
            for market in self._engine.markets.values():
                self._engine.publish(market, venue_ns)
        for market in self._engine.markets.values():
            if self.clock.world_ns(market.next_funding_ns) <= at_ns:
                self.pay_funding(market.id, at_ns)
                market.schedule_funding(max(market.next_funding_ns, self.clock.venue_ns(at_ns)))
        for flow in self._flows:
            while flow.due_ns <= at_ns:
                mark = flow.advance(self.clock.venue_ns(at_ns))
                if mark is not None:
                    self.set_mark(
                        flow.market.id,
                        mark.mark_price,
                        at_ns,
                        index_price=mark.index_price,
                        funding_rate_1h=mark.funding_rate_1h,
                    )
