"""The paths of the venue's API: those that anybody may ask, and those that need a signature."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from paraphina_core.domain import NS_PER_MS, InstrumentId, TradingStatus, plain
from paraphina_core.twin import Account, Exchange, Order

from . import spelling
from .authority import Parameters
from .listen_keys import ListenKeys
from .members import Member
from .refusals import Refused
from .spelling import FIRST_ID, Json, milliseconds
from .streams import Streams
from .trading import Trading
from .universe import Universe

#: Docs "Order book" (read 2026-10-08), with what each weighs.
DEPTH_WEIGHTS: Final = {5: 2, 10: 2, 20: 2, 50: 2, 100: 5, 500: 10, 1000: 20}
_DEFAULT_DEPTH: Final = 500
#: Docs "Account trade list" and others (same).
_MAX_LISTED: Final = 1_000
_DEFAULT_LISTED: Final = 500
_MAX_DIGITS: Final = 15
_BPS: Final = Decimal("0.0001")
_DONE: Final = {"code": 200, "msg": "success"}


class Api:
    """Answers requests.

    Args:
        exchange: what there is.
        universe: how it is named.
        trading: carries out what is asked.
        streams: knows the books as they are told.
        listen_keys: opens the accounts' streams.
    """

    def __init__(
        self,
        exchange: Exchange,
        universe: Universe,
        trading: Trading,
        streams: Streams,
        listen_keys: ListenKeys,
    ) -> None:
        self._exchange = exchange
        self._universe = universe
        self._trading = trading
        self._streams = streams
        self._listen_keys = listen_keys
        self._rates: list[dict[str, Json]] = []

    def paid(self, instrument: InstrumentId, rate: float, at_ns: int) -> None:
        """Take note of the rate of a payment of funding."""
        entry = {
            "symbol": self._universe.symbol(instrument),
            "fundingRate": f"{rate:.8f}",
            "fundingTime": milliseconds(at_ns),
        }
        self._rates.append(entry)
        del self._rates[:-_MAX_LISTED]

    # --- public -----------------------------------------------------------------------------------

    def public(self, path: str, given: Parameters, at_ns: int) -> Json:
        """Answer a question that anybody may ask; None if there is no such one.

        Raises:
            Refused: it is about something that there is not.
        """
        venue_ms = milliseconds(self._exchange.clock.venue_ns(at_ns))
        match path:
            case "ping":
                return {}
            case "time":
                return {"serverTime": venue_ms}
            case "exchangeInfo":
                markets = [
                    one for one in self._exchange.markets.values() if _is_listed(one.instrument.status)
                ]
                return self._universe.exchange_info(markets, venue_ms)
            case "fundingInfo":
                return self._universe.funding_info()
            case "depth":
                limit = depth_of(given)
                if limit not in DEPTH_WEIGHTS:
                    raise Refused(-1130)
                return self._streams.snapshot(self._trading.instrument(given), limit, at_ns)
            case "premiumIndex" | "ticker/bookTicker" | "ticker/price":
                return self._of_symbols(path, given, at_ns)
            case "fundingRate":
                rates = [rate for rate in self._rates if given.get("symbol") in {None, rate["symbol"]}]
                return _page(rates, "fundingTime", given)
            case _:
                return None

    def _of_symbols(self, path: str, given: Parameters, at_ns: int) -> Json:
        if "symbol" in given:
            return self._of_symbol(path, self._trading.instrument(given), at_ns)
        return [self._of_symbol(path, instrument, at_ns) for instrument in self._exchange.markets]

    def _of_symbol(self, path: str, instrument: InstrumentId, at_ns: int) -> Json:
        market = self._exchange.markets[instrument]
        told = self._streams.mark(market, at_ns)
        if path == "premiumIndex":
            return {
                "symbol": told["s"],
                "markPrice": told["p"],
                "indexPrice": told["i"],
                "estimatedSettlePrice": told["P"],
                "lastFundingRate": told["r"],
                "nextFundingTime": told["T"],
                "interestRate": "0.00010000",
                "time": told["E"],
            }
        if path == "ticker/price":
            return {"symbol": told["s"], "price": plain(market.last_price), "time": told["E"]}
        touch = self._streams.touch(instrument)
        return {
            "symbol": told["s"],
            "bidPrice": touch["b"],
            "bidQty": touch["B"],
            "askPrice": touch["a"],
            "askQty": touch["A"],
            "time": told["E"],
        }

    # --- private ----------------------------------------------------------------------------------

    def private(self, method: str, path: str, member: Member, given: Parameters, at_ns: int) -> Json:
        """Answer a request of a member; None if there is no such one.

        Raises:
            Refused: the venue does not do it.
        """
        trading = self._trading
        match method, path:
            case _, "order" if method in self._order_acts:
                return self._order_acts[method](trading, member, given, at_ns)
            case (("POST" | "PUT" | "DELETE"), "batchOrders"):
                return trading.batch(member, method, given, at_ns)
            case "DELETE", "allOpenOrders":
                trading.cancel_all(member, given, at_ns)
                return {"code": "200", "msg": "The operation of cancel all open order is done."}
            case "POST", "countdownCancelAll":
                return trading.arm(member, given, at_ns)
            case "POST", "positionSide/dual":
                raise Refused(-4059)  # one-way mode is all that this twin has
            case "POST", ("leverage" | "marginType"):
                is_leverage = path == "leverage"
                return trading.set_leverage(member, given) if is_leverage else self._margin(member, given)
            case _, "listenKey":
                return self._listen_key(method, member, at_ns)
            case _:
                return self._ask(path, member, given) if method == "GET" else None

    _order_acts: Final = {"POST": Trading.place, "PUT": Trading.change, "DELETE": Trading.cancel}

    def _listen_key(self, method: str, member: Member, at_ns: int) -> Json:
        if method == "POST":
            return {"listenKey": self._listen_keys.create(member.name, at_ns)}
        if method == "PUT":
            self._listen_keys.keep(member.name, at_ns)
        elif method == "DELETE":
            self._listen_keys.delete(member.name)
        return {}

    def _margin(self, member: Member, given: Parameters) -> Json:
        account, instrument = self._exchange.account(member.name), self._trading.instrument(given)
        is_isolated = given.get("marginType") == "ISOLATED"
        if is_isolated == (instrument in account.isolated):
            raise Refused(-4046)
        (account.isolated.add if is_isolated else account.isolated.discard)(instrument)
        return _DONE

    def _ask(self, path: str, member: Member, given: Parameters) -> Json:
        account = self._exchange.account(member.name)
        match path:
            case "order":
                return self._trading.spelled(self._trading.find(account, given, -2013))
            case "openOrders":
                return self._orders(list(account.orders.values()), given)
            case "allOrders":
                return self._orders([*account.finals.values(), *account.orders.values()], given)
            case "userTrades":
                return self._trades(account, given)
            case "income":
                return self._income(account, given)
            case "commissionRate":
                return self._commission(given)
            case _:
                return self._of_account(path, account, given)

    def _of_account(self, path: str, account: Account, given: Parameters) -> Json:
        instruments = self._universe.instruments
        match path:
            case "balance":
                return [spelling.balance(self._exchange, account)]
            case "account" | "accountWithJoinMargin":
                return spelling.account(self._exchange, account, instruments)
            case "positionRisk":
                symbol = given.get("symbol")
                return [
                    spelling.position(self._exchange, account, instrument, name)
                    for name, instrument in instruments.items()
                    if symbol in {None, name}
                ]
            case "positionSide/dual":
                return {"dualSidePosition": False}
            case "leverageBracket" | "leverageBrackets":
                return self._universe.brackets()
            case _:
                return None

    def _orders(self, orders: Sequence[Order], given: Parameters) -> Json:
        spelled = [self._trading.spelled(order) for order in orders]
        wanted = given.get("symbol")
        return [order for order in spelled if wanted in {None, order["symbol"]}]

    def _trades(self, account: Account, given: Parameters) -> Json:
        instrument = self._trading.instrument(given)
        trades = [
            spelling.trade(told, given["symbol"])
            for told in account.fills
            if told.fill.instrument == instrument
            and given.get("orderId") in {None, str(FIRST_ID + told.order_id)}
        ]
        return _page(trades, "time", given)

    def _income(self, account: Account, given: Parameters) -> Json:
        booked = [
            _booked(
                self._universe.symbol(payment.instrument), "FUNDING_FEE", payment.amount, payment.exchange_ns
            )
            for payment in account.payments
        ]
        booked += [
            _booked(
                self._universe.symbol(told.fill.instrument),
                "COMMISSION",
                told.fill.fee.copy_negate(),
                told.fill.exchange_ns or 0,
            )
            for told in account.fills
        ]
        kind, symbol = given.get("incomeType"), given.get("symbol")
        wanted = [
            one for one in booked if kind in {None, one["incomeType"]} and symbol in {None, one["symbol"]}
        ]
        return _page(sorted(wanted, key=lambda one: int(one["time"])), "time", given)

    def _commission(self, given: Parameters) -> Json:
        self._trading.instrument(given)
        fees = self._exchange.rules.fees
        return {
            "symbol": given["symbol"],
            "makerCommissionRate": plain(Decimal(str(fees.maker_bps)) * _BPS),
            "takerCommissionRate": plain(Decimal(str(fees.taker_bps)) * _BPS),
        }


def depth_of(given: Parameters) -> int:
    """Return how many levels of a book are asked for; -1 where it cannot be read."""
    limit = _number(given.get("limit", str(_DEFAULT_DEPTH)))
    return -1 if limit is None else limit


def _is_listed(status: TradingStatus) -> bool:
    return status is not TradingStatus.DELISTED


def _booked(symbol: str, kind: str, amount: Decimal, at_ns: int) -> dict[str, Json]:
    return {
        "symbol": symbol,
        "incomeType": kind,
        "income": spelling.money(amount),
        "asset": "USDT",
        "info": kind,
        "time": at_ns // NS_PER_MS,
        "tranId": str(at_ns),
        "tradeId": "",
    }


def _page(rows: list[dict[str, Json]], time: str, given: Parameters) -> list[dict[str, Json]]:
    """Return the oldest rows of a span of time, as many as are asked for; without a beginning the newest."""
    start, end = (_number(given.get(name, "")) for name in ("startTime", "endTime"))
    limit = min(_number(given.get("limit", "")) or _DEFAULT_LISTED, _MAX_LISTED)
    inside = [row for row in rows if (start or 0) <= row[time] and (end is None or row[time] <= end)]
    return inside[:limit] if start is not None else inside[-limit:]


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _MAX_DIGITS else None
