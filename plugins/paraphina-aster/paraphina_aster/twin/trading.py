"""Order entry of the twin: parameters as clients send them, judged in the venue's own words."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Final

import msgspec

from paraphina_aster.limits import MAX_BATCH
from paraphina_core.domain import (
    NS_PER_MS,
    InstrumentId,
    RemoteError,
    Side,
    TimeInForce,
    TradingStatus,
    parse_decimal,
)
from paraphina_core.twin import Account, Exchange, NewOrder, Order, RejectCode, Rejection

from . import spelling
from .authority import Parameters
from .members import Member
from .refusals import Refused
from .spelling import FIRST_ID, Json
from .universe import MAX_OPEN_ORDERS, Universe

#: Docs "New order" (read 2026-10-08).
_TEXT: Final = re.compile(r"[\.A-Z\:/a-z0-9_-]{1,36}", re.ASCII)
_SIDES: Final[Mapping[str, Side]] = {"BUY": Side.BUY, "SELL": Side.SELL}
_TIMES: Final[Mapping[str, TimeInForce]] = {
    "GTC": TimeInForce.GTC,
    "GTX": TimeInForce.GTC,
    "IOC": TimeInForce.IOC,
}
#: Refusals of the exchange in the venue's numbers.
_CODES: Final[Mapping[RejectCode, int]] = {
    RejectCode.DUPLICATE_CLIENT_ORDER_ID: -4116,
    RejectCode.INSTRUMENT_STATUS: -4022,
    RejectCode.INSUFFICIENT_MARGIN: -2019,
    RejectCode.REDUCE_ONLY_WOULD_INCREASE: -2022,
    RejectCode.POST_ONLY_WOULD_CROSS: -5022,
    RejectCode.OPEN_ORDERS_LIMIT: -2025,
    RejectCode.ORDER_NOT_FOUND: -2011,
    RejectCode.NOTIONAL_BELOW_MINIMUM: -4164,
    RejectCode.PRICE_OFF_GRID: -4014,
    RejectCode.SIZE_OFF_GRID: -4023,
    RejectCode.SIZE_BELOW_MINIMUM: -4004,
    RejectCode.SIZE_ABOVE_MAXIMUM: -4005,
}
_OPEN: Final = frozenset({TradingStatus.TRADING, TradingStatus.REDUCE_ONLY})
#: Docs "Cancel multiple orders" (same).
_MAX_CANCELS: Final = 10
_MAX_DIGITS: Final = 15
_ZERO: Final = Decimal(0)
_MOST_VALUES: Final = 100_000

_LIST: Final[msgspec.json.Decoder[list[dict[str, str]]]] = msgspec.json.Decoder(
    list[dict[str, str]], strict=False
)
_IDS: Final[msgspec.json.Decoder[list[int | str]]] = msgspec.json.Decoder(list[int | str])


class Trading:
    """Acts on an exchange for one member at a time.

    Args:
        exchange: where it acts.
        universe: what can be traded.
    """

    def __init__(self, exchange: Exchange, universe: Universe) -> None:
        self._exchange = exchange
        self._universe = universe
        self._values: dict[int, Decimal] = {}
        self._dead_men: dict[tuple[str, InstrumentId], int] = {}

    # --- time -------------------------------------------------------------------------------------

    def next_due_ns(self) -> int | None:
        """Return when the next dead-man switch fires."""
        return min(self._dead_men.values(), default=None)

    def advance(self, at_ns: int) -> None:
        """Let the dead-man switches fire that are due."""
        for (name, instrument), due_ns in tuple(self._dead_men.items()):
            if due_ns <= at_ns:
                del self._dead_men[name, instrument]
                self._exchange.cancel_all(self._exchange.account(name), at_ns, instrument=instrument)

    # --- what is asked ----------------------------------------------------------------------------

    def spelled(self, order: Order) -> dict[str, Json]:
        """Spell an order."""
        value = self._values.get(order.id, _ZERO)
        return spelling.order(order, self._universe.symbol(order.instrument), value)

    def filled(self, order_id: int, value: Decimal) -> None:
        """Count what an order has filled, quote units."""
        self._values[order_id] = self._values.pop(order_id, _ZERO) + value
        if len(self._values) > _MOST_VALUES:
            del self._values[next(iter(self._values))]

    def instrument(self, given: Parameters) -> InstrumentId:
        """Return the instrument that is named.

        Raises:
            Refused: there is none such, or none is named.
        """
        symbol = given.get("symbol")
        if symbol is None:
            raise Refused(-1102)
        instrument = self._universe.instruments.get(symbol)
        if instrument is None:
            raise Refused(-1121)
        return instrument

    def find(self, account: Account, given: Parameters, missing: int) -> Order:
        """Return the order that is named by either id.

        Raises:
            Refused: with `missing`, there is none such in that symbol.
        """
        instrument = self.instrument(given)
        order: Order | None = None
        if "orderId" in given:
            number = given["orderId"]
            order = account.find(int(number) - FIRST_ID) if _is_number(number) else None
        elif "origClientOrderId" in given:
            order = account.by_client_id(given["origClientOrderId"])
        else:
            raise Refused(-1102)
        if order is None or order.instrument != instrument:
            raise Refused(missing)
        return order

    # --- orders -----------------------------------------------------------------------------------

    def place(self, member: Member, given: Parameters, at_ns: int) -> dict[str, Json]:
        """Place an order; spell it as it then is.

        Raises:
            Refused: it is not taken.
        """
        instrument = self.instrument(given)
        terms = self._terms(instrument, given)
        account = self._exchange.account(member.name)
        mine = sum(order.instrument == instrument for order in account.orders.values())
        if mine >= MAX_OPEN_ORDERS:
            raise Refused(-2025)
        self._judge(instrument, terms)
        return self.spelled(_taken(self._exchange.place(account, terms, at_ns)))

    def change(self, member: Member, given: Parameters, at_ns: int) -> dict[str, Json]:
        """Change price and quantity of an order, which must both be there.

        Raises:
            Refused: the new terms are not taken; then the old ones stand.
        """
        account = self._exchange.account(member.name)
        old = self.find(account, given, -2013)
        price, size = _amount(given, "price"), _amount(given, "quantity")
        if given.get("side", spelling.side(old.side)) != spelling.side(old.side):
            raise Refused(-1117)
        terms = NewOrder(
            instrument=old.instrument,
            side=old.side,
            price=price,
            size=size,
            time_in_force=old.time_in_force,
            post_only=old.post_only,
            reduce_only=old.reduce_only,
            client_id=old.client_id,
        )
        self._judge(old.instrument, terms)
        return self.spelled(_taken(self._exchange.replace(account, old.id, terms, at_ns, keep_id=True)))

    def cancel(self, member: Member, given: Parameters, at_ns: int) -> dict[str, Json]:
        """Cancel an order by either id.

        Raises:
            Refused: none such is open.
        """
        account = self._exchange.account(member.name)
        order = self.find(account, given, -2011)
        return self.spelled(_taken(self._exchange.cancel(account, order.id, at_ns)))

    def batch(self, member: Member, method: str, given: Parameters, at_ns: int) -> list[Json]:
        """Place, change or cancel several orders, each with an outcome of its own.

        Raises:
            Refused: the batch itself cannot be read.
        """
        if method == "DELETE":
            asked = _cancels(given)
            return [_tried(self.cancel, member, one, at_ns) for one in asked]
        act = self.place if method == "POST" else self.change
        try:
            orders = _LIST.decode(given["batchOrders"])
        except (KeyError, msgspec.DecodeError) as e:
            raise Refused(-1102) from e
        if not 0 < len(orders) <= MAX_BATCH:
            raise Refused(-1130)
        return [_tried(act, member, one, at_ns) for one in orders]

    def cancel_all(self, member: Member, given: Parameters, at_ns: int) -> None:
        """Cancel every order in one symbol.

        Raises:
            Refused: there is no such symbol.
        """
        instrument = self.instrument(given)
        self._exchange.cancel_all(self._exchange.account(member.name), at_ns, instrument=instrument)

    def arm(self, member: Member, given: Parameters, at_ns: int) -> dict[str, Json]:
        """Set the dead-man switch of one symbol; zero removes it.

        Raises:
            Refused: there is no such symbol, or no time.
        """
        instrument, countdown = self.instrument(given), given.get("countdownTime", "")
        if not _is_number(countdown):
            raise Refused(-1102)
        self._dead_men.pop((member.name, instrument), None)
        if int(countdown):
            self._dead_men[member.name, instrument] = at_ns + int(countdown) * NS_PER_MS
        return {"symbol": given["symbol"], "countdownTime": countdown}

    def set_leverage(self, member: Member, given: Parameters) -> dict[str, Json]:
        """Set the leverage of a symbol.

        Raises:
            Refused: it is not possible.
        """
        instrument, leverage = self.instrument(given), given.get("leverage", "")
        if not _is_number(leverage):
            raise Refused(-1102)
        account = self._exchange.account(member.name)
        most = self._exchange.markets[instrument].listing.max_leverage
        if not 1 <= int(leverage) <= most:
            raise Refused(-4028)
        if self._exchange.set_leverage(account, instrument, int(leverage)) is not None:
            raise Refused(-2019)
        return {"leverage": int(leverage), "maxNotionalValue": "10000000", "symbol": given["symbol"]}

    # --- judging ----------------------------------------------------------------------------------

    def _terms(self, instrument: InstrumentId, given: Parameters) -> NewOrder:
        if given.get("type") != "LIMIT":
            raise Refused(-1116)  # others are no part of this twin
        side, tif = _SIDES.get(given.get("side", "")), _TIMES.get(given.get("timeInForce", ""))
        if side is None:
            raise Refused(-1117)
        if tif is None:
            raise Refused(-1115)
        if given.get("positionSide", "BOTH") != "BOTH":
            raise Refused(-4061)
        text = given.get("newClientOrderId")
        if text is not None and _TEXT.fullmatch(text) is None:
            raise Refused(-4015)
        return NewOrder(
            instrument=instrument,
            side=side,
            price=_amount(given, "price"),
            size=_amount(given, "quantity"),
            time_in_force=tif,
            post_only=given["timeInForce"] == "GTX",
            reduce_only=given.get("reduceOnly", "false").lower() == "true",
            client_id=text,
        )

    def _judge(self, instrument: InstrumentId, terms: NewOrder) -> None:
        market = self._exchange.markets[instrument]
        if market.instrument.status not in _OPEN:
            raise Refused(-4022)
        for code in self._universe.filters[instrument].violations(terms, market.mark_price):
            raise Refused(code)


def _tried(
    act: Callable[[Member, Parameters, int], dict[str, Json]], member: Member, given: Parameters, at_ns: int
) -> Json:
    try:
        return act(member, given, at_ns)
    except Refused as why:
        return why.spelled


def _cancels(given: Parameters) -> list[Parameters]:
    """Return what several cancels ask for; one client spells the lists in lower case."""
    for names, one in (
        (("orderIdList", "orderidlist"), "orderId"),
        (("origClientOrderIdList", "origclientorderidlist"), "origClientOrderId"),
    ):
        found = next((given[name] for name in names if name in given), None)
        if found is None:
            continue
        try:
            ids = _IDS.decode(found)
        except msgspec.DecodeError as e:
            raise Refused(-1130) from e
        if not 0 < len(ids) <= _MAX_CANCELS:
            raise Refused(-1130)
        return [{"symbol": given.get("symbol", ""), one: str(number)} for number in ids]
    raise Refused(-1102)


def _taken(outcome: Order | Rejection) -> Order:
    if isinstance(outcome, Rejection):
        raise Refused(_CODES.get(outcome.code, -1130))
    return outcome


def _amount(given: Parameters, name: str) -> Decimal:
    text = given.get(name)
    if text is None:
        raise Refused(-1102)
    try:
        amount = parse_decimal(text, name)
    except RemoteError as e:
        raise Refused(-1130) from e
    if not amount > 0:
        raise Refused(-4001 if name == "price" else -4003)
    return amount


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= _MAX_DIGITS
