"""What the venue remembers: the fate of every order, the last trades, and the funding of each hour."""

from __future__ import annotations

from collections import OrderedDict, deque
from decimal import Decimal
from typing import Final

import msgspec

from paraphina_core.domain import CONTEXT, InstrumentId, OrderState
from paraphina_core.twin import Exchange, FundingPaid, Order, OrderChanged, Traded

from . import spelling
from .candles import Candles
from .spelling import Json
from .universe import Universe

#: Docs "Info endpoint" (read 2026-08-22): answers hold the 2,000 newest orders.
MAX_HISTORY: Final = 2_000
#: Orders of an account whose last state can be asked for.
MAX_ORDERS: Final = 20_000
#: Trades that a new subscriber is sent (seen on 2026-09-24).
RECENT_TRADES: Final = 30
MAX_FUNDINGS: Final = 5_000

#: What the exchange says of an order that it has ended, in the venue's words; whatever the twin itself
#: ends, it ends with the venue's word as its reason.
_ENDINGS: Final = {
    "cancelled on request": "canceled",
    "cancelled with all": "canceled",
    "cancelled by the venue": "canceled",
    "replaced": "canceled",
    "immediate or cancel": "canceled",
    "self-trade": "selfTradeCanceled",
    "reduce-only and the position is gone": "reduceOnlyCanceled",
    "liquidated": "liquidatedCanceled",
}
#: Of an order that was to match at once and did not.
NEVER_OPEN: Final = "iocCancelRejected"

_STATUS: Final = {
    OrderState.LIVE: "open",
    OrderState.PARTIALLY_FILLED: "open",
    OrderState.FILLED: "filled",
}


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """An order as it was at a time; the order in full, in the venue's spelling."""

    account: str
    order: dict[str, Json]
    status: str
    at_ms: int

    def spelled(self) -> dict[str, Json]:
        """Return it as `orderStatus` and `historicalOrders` show it."""
        return {"order": self.order, "status": self.status, "statusTimestamp": self.at_ms}


class Hour(msgspec.Struct, frozen=True, kw_only=True):
    """The funding rate of an hour and the premium at its end."""

    rate: Decimal
    premium: Decimal
    at_ms: int


class AccountHistory:
    """Orders of one account.

    Attributes:
        log: every change of every order, oldest first.
        fundings: payments in the venue's spelling, oldest first.
    """

    def __init__(self) -> None:
        self.log: deque[Record] = deque(maxlen=MAX_HISTORY)
        self.fundings: deque[dict[str, Json]] = deque(maxlen=MAX_FUNDINGS)
        self._last: OrderedDict[int, Record] = OrderedDict()
        self._by_cloid: dict[str, int] = {}

    def add(self, record: Record) -> None:
        """Remember what became of an order."""
        oid, cloid = record.order["oid"], record.order["cloid"]
        self._last[oid] = record
        self._last.move_to_end(oid)
        if cloid is not None:
            self._by_cloid[cloid] = oid
        if record.status == NEVER_OPEN and self.log and self.log[-1].order["oid"] == oid:
            self.log.pop()  # the exchange had taken it in first; the venue tells of the refusal alone
        self.log.append(record)
        if len(self._last) > MAX_ORDERS:
            oldest, forgotten = self._last.popitem(last=False)
            if self._by_cloid.get(forgotten.order["cloid"]) == oldest:
                del self._by_cloid[forgotten.order["cloid"]]

    def last(self, name: int | str) -> Record | None:
        """Return the last state of an order by the venue's id or the client's, None if it is unknown."""
        oid = self._by_cloid.get(name) if isinstance(name, str) else name
        return None if oid is None else self._last.get(oid)


class MarketHistory:
    """Trades and funding of one market.

    Attributes:
        candles: what traded, by the minute.
        trades: the last ones in the venue's spelling, oldest first.
        fundings: hourly, oldest first.
        volume_usd: traded since the start.
        open_interest: what all longs hold, base units.
    """

    def __init__(self, coin: str) -> None:
        self.candles = Candles(coin)
        self.trades: deque[dict[str, Json]] = deque(maxlen=RECENT_TRADES)
        self.fundings: deque[Hour] = deque(maxlen=MAX_FUNDINGS)
        self.volume_usd = Decimal(0)
        self.open_interest = Decimal(0)
        self._positions: dict[str, Decimal] = {}

    def trade(self, traded: Traded, spelled: dict[str, Json]) -> None:
        """Count a trade."""
        self.trades.append(spelled)
        self.candles.trade(traded.price, traded.size, spelling.milliseconds(traded.at_ns))
        notional = CONTEXT.multiply(traded.price, traded.size)
        self.volume_usd = CONTEXT.add(self.volume_usd, notional)
        for account, change in ((traded.buyer, traded.size), (traded.seller, -traded.size)):
            before = self._positions.get(account, Decimal(0))
            after = self._positions[account] = CONTEXT.add(before, change)
            self.open_interest += max(after, Decimal(0)) - max(before, Decimal(0))


class History:
    """What happened to orders and on markets.

    Args:
        exchange: is listened to by whoever owns this, which hands on what it hears.
        universe: names of its coins.
    """

    def __init__(self, exchange: Exchange, universe: Universe) -> None:
        self.markets = {
            instrument: MarketHistory(universe.coin(instrument).name) for instrument in universe.instruments
        }
        self._exchange = exchange
        self._universe = universe
        self._accounts: dict[str, AccountHistory] = {}
        self._next_funding_ns = {
            instrument: market.next_funding_ns for instrument, market in exchange.markets.items()
        }

    def account(self, name: str) -> AccountHistory:
        """Return an account's history, an empty one for whoever has done nothing yet."""
        return self._accounts.get(name) or AccountHistory()

    def changed(self, event: OrderChanged) -> Record:
        """Remember an order as it is now."""
        order = event.order
        status = _STATUS.get(order.state) or _ENDINGS.get(order.reason, order.reason)
        if order.reason == "immediate or cancel" and not order.filled_size:
            status = NEVER_OPEN
        return self._remember(order, status, event.at_ns)

    def refused(self, order: Order, status: str, venue_ns: int) -> Record:
        """Remember an order that never was."""
        return self._remember(order, status, venue_ns)

    def traded(self, event: Traded) -> dict[str, Json]:
        """Remember a trade and return it as the venue spells it."""
        spelled = spelling.trade(self._universe.coin(event.instrument).name, event)
        self.markets[event.instrument].trade(event, spelled)
        return spelled

    def paid(self, event: FundingPaid) -> dict[str, Json]:
        """Remember a funding payment and return it as the venue spells it."""
        instrument = event.payment.instrument
        size = self._exchange.account(event.account).ledger.size(instrument)
        spelled = spelling.funding(self._universe.coin(instrument).name, event.payment, size)
        self._own(event.account).fundings.append(spelled)
        return spelled

    def note_fundings(self) -> None:
        """Remember the hours that have ended since the last call."""
        for instrument, market in self._exchange.markets.items():
            ended_ns = self._next_funding_ns[instrument]
            if market.next_funding_ns == ended_ns:
                continue
            self._next_funding_ns[instrument] = market.next_funding_ns
            self.markets[instrument].fundings.append(
                Hour(
                    rate=Decimal(repr(market.funding_rate)),
                    premium=premium(self._exchange, instrument),
                    at_ms=spelling.milliseconds(ended_ns),
                )
            )

    def _remember(self, order: Order, status: str, venue_ns: int) -> Record:
        record = Record(
            account=order.account,
            order=spelling.full_order(self._universe.coin(order.instrument).name, order),
            status=status,
            at_ms=spelling.milliseconds(venue_ns),
        )
        self._own(order.account).add(record)
        return record

    def _own(self, name: str) -> AccountHistory:
        return self._accounts.setdefault(name, AccountHistory())


def premium(exchange: Exchange, instrument: InstrumentId) -> Decimal:
    """Return how far the mark price is above the index, as a part of it."""
    market = exchange.markets[instrument]
    return CONTEXT.divide(CONTEXT.subtract(market.mark_price, market.index_price), market.index_price)
