"""Questions about the account: signed requests whose answers become events.

Fills are listed by symbol, and what funding came to stands in another place than its rate, so these questions
are asked in parts: each answer is kept until the last one is there.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from paraphina_core.connector import Answer, HttpRequest, WriteContext, decode_json
from paraphina_core.domain import (
    NS_PER_MS,
    AskNext,
    Event,
    Fill,
    FillsListed,
    FundingPayment,
    InstrumentId,
    LocalError,
    OpenOrdersListed,
    OrderNotFound,
    PositionsListed,
    Query,
    QueryAccount,
    QueryFills,
    QueryFunding,
    QueryOpenOrders,
    QueryOrder,
    QueryVenue,
    RemoteProtocolError,
    Resubscribe,
    VenueNotice,
    parse_decimal,
    parse_float,
    to_text,
)

from . import account_answers as own
from .account_feed import FUNDING, LISTEN_KEY
from .instruments import Listings
from .limits import IP_WEIGHT
from .refusals import Code, code_of
from .refused import fine, refusal
from .requests import Signed
from .signing import Parameters

DEADLINE_MS: Final = 5_000

POSITIONS: Final = QueryVenue(topic="positions", private=True)
POSITION_MODE: Final = QueryVenue(topic="position mode", private=True)
#: Beginnings of topics that go on with a symbol, and with the time from which on is asked.
_COMMISSION: Final = "commission"
_FILLS: Final = "fills"
_RATES: Final = "funding rates"
_INCOME: Final = "income"

#: Funding is asked for when the stream tells of it, and so often should it have missed that.
FUNDING_EVERY_MS: Final = 300_000
#: Docs "Start user data stream" (read 2026-10-08): a key lives for an hour, and is made to live on by asking.
LISTEN_KEY_EVERY_MS: Final = 1_800_000
#: Docs "Account trade list" and "Income history" (same): the most that one answer lists.
MAX_LISTED: Final = 1_000
#: Funding payments remembered: at most one an hour of each symbol.
MAX_REMEMBERED_PAYMENTS: Final = 5_000
#: Payments are asked for from so much before the last one, because clocks differ.
_MARGIN_NS: Final = 60_000 * NS_PER_MS
#: A payment is booked at the time of its rate, or a little later.
_BOOKED_WITHIN_MS: Final = 600_000

#: What a question weighs (docs "Account/Trades", read 2026-10-08); every other one 1.
_WEIGHTS: Final[Mapping[str, int]] = {
    "account": 5,
    "positionRisk": 5,
    "openOrders": 40,
    "userTrades": 5,
    "income": 30,
    "positionSide/dual": 30,
    "commissionRate": 20,
}

HEDGE_MODE: Final = "hedge_mode"


def commission_of(symbol: str) -> QueryVenue:
    """Return the question for the account's fee rates of a symbol."""
    return QueryVenue(topic=f"{_COMMISSION} {symbol}", private=True)


class AccountQuestions:
    """Asks about one account, and keeps what only it knows.

    Args:
        stream: name of the account's stream.
        listings: what is traded.
        symbols: the venue's names of it.
        signed: makes the requests.
        mode: first letter of the trade mode, which stands in every id.

    Attributes:
        listen_key: what opens the account's stream; empty while there is none.
    """

    def __init__(
        self,
        stream: str,
        listings: Listings,
        symbols: Sequence[str],
        signed: Signed,
        mode: str,
    ) -> None:
        self.listen_key = ""
        self._stream = stream
        self._listings = listings
        self._symbols = symbols
        self._signed = signed
        self._mode = mode
        self._fault = "the venue has not said yet that the account is in one-way mode"
        self._begun_ns: int | None = None
        self._paid: OrderedDict[tuple[InstrumentId, int], None] = OrderedDict()
        self._fills: list[Fill] = []
        self._is_whole = True
        self._rates: dict[str, tuple[own.WireFundingRate, ...]] = {}

    def check(self) -> None:
        """Refuse unless the venue has said that there is one position in each symbol.

        Raises:
            LocalError: it has not, or has said otherwise.
        """
        if self._fault:
            raise LocalError("the account cannot be traded", found=self._fault)

    # --- asking -----------------------------------------------------------------------------------

    def ask(self, query: Query, context: WriteContext, correlation: str) -> HttpRequest:
        """Turn a query into a request.

        Raises:
            LocalError: there is no such query, or it cannot be signed.
        """
        if self._begun_ns is None:
            self._begun_ns = context.at_ns
        method, path, parameters = self._spelled(query)
        return self._signed.request(
            method,
            path,
            parameters,
            context,
            correlation=correlation,
            deadline_ms=DEADLINE_MS,
            cost=((IP_WEIGHT, _WEIGHTS.get(path, 1)),),
        )

    def _spelled(self, query: Query) -> tuple[str, str, Parameters]:
        match query:
            case QueryAccount():
                return "GET", "account", ()
            case QueryOpenOrders():
                return "GET", "openOrders", ()
            case QueryOrder():
                symbol = self._listings.symbol(query.instrument)
                text = to_text(query.client_order_id, self._mode)
                return "GET", "order", (("symbol", symbol), ("origClientOrderId", text))
            case QueryFills(since_ns=since_ns):
                self._fills, self._is_whole = [], True
                return self._trades(self._symbols[0], since_ns)
            case QueryFunding(since_ns=since_ns):
                return self._funding_rates(self._symbols[0], since_ns)
            case QueryVenue():
                return self._venue(query)
            case _:
                raise LocalError("connector has no such query", found=type(query).__name__)

    def _venue(self, query: QueryVenue) -> tuple[str, str, Parameters]:
        if query == LISTEN_KEY:
            return "POST", "listenKey", ()  # while there is one, this makes it live on (docs, same)
        if query == POSITIONS:
            return "GET", "positionRisk", ()
        if query == POSITION_MODE:
            return "GET", "positionSide/dual", ()
        if query == FUNDING:
            return self._funding_rates(self._symbols[0], self._funding_since_ns())
        kind, symbol, since_ns = _part(query)
        match kind:
            case "commission":
                return "GET", "commissionRate", (("symbol", symbol),)
            case "fills":
                return self._trades(symbol, since_ns)
            case "funding rates":
                return self._funding_rates(symbol, since_ns)
            case "income":
                since = ("startTime", str(since_ns // NS_PER_MS))
                kinds = ("incomeType", "FUNDING_FEE")
                return "GET", "income", (kinds, since, ("limit", str(MAX_LISTED)))
            case _:
                raise LocalError("connector has no such query", found=query.topic)

    @staticmethod
    def _trades(symbol: str, since_ns: int) -> tuple[str, str, Parameters]:
        since = ("startTime", str(max(0, since_ns) // NS_PER_MS))
        return "GET", "userTrades", (("symbol", symbol), since, ("limit", str(MAX_LISTED)))

    @staticmethod
    def _funding_rates(symbol: str, since_ns: int) -> tuple[str, str, Parameters]:
        since = ("startTime", str(max(0, since_ns - _MARGIN_NS) // NS_PER_MS))
        return "GET", "fundingRate", (("symbol", symbol), since, ("limit", str(MAX_LISTED)))

    def _funding_since_ns(self) -> int:
        last_ns = next((paid_ns for _, paid_ns in reversed(self._paid)), 0)
        return max(self._begun_ns or 0, last_ns) - _MARGIN_NS

    # --- answers ----------------------------------------------------------------------------------

    def read(self, query: Query, answer: Answer) -> Sequence[Event]:
        """Turn an answer into events.

        Raises:
            RemoteError: the answer is not what the venue documents.
        """
        match query:
            case QueryAccount():
                balance = own.balance_report(decode_json(own.ACCOUNT, fine(answer), "account"))
                return (balance, AskNext(query=POSITIONS))
            case QueryOpenOrders():
                orders = decode_json(own.ORDERS, fine(answer), "open orders")
                reports = (own.order_report(self._listings.name, order) for order in orders)
                return (OpenOrdersListed(orders=tuple(one for one in reports if not one.state.is_final)),)
            case QueryOrder():
                return (self._order(query, answer),)
            case QueryFills(since_ns=since_ns):
                return self._read_fills(self._symbols[0], since_ns, fine(answer))
            case QueryFunding(since_ns=since_ns):
                return self._read_rates(self._symbols[0], since_ns, fine(answer))
            case QueryVenue():
                return self._read_venue(query, fine(answer))
            case _:
                raise RemoteProtocolError("answer to what is never asked", found=type(query).__name__)

    def _order(self, query: QueryOrder, answer: Answer) -> Event:
        said = refusal(answer)
        if said is not None and code_of(said.code) is Code.ORDER_GONE:
            return OrderNotFound(
                instrument=query.instrument,
                client_order_id=query.client_order_id,
                venue_order_id=query.venue_order_id,
            )
        report = own.order_report(self._listings.name, decode_json(own.ORDER, fine(answer), "order"))
        if (report.client_order_id, report.instrument) != (query.client_order_id, query.instrument):
            raise RemoteProtocolError("answer is about another order", found=report.venue_order_id)
        return report

    def _read_venue(self, query: QueryVenue, body: bytes) -> Sequence[Event]:
        if query == LISTEN_KEY:
            return self._read_listen_key(body)
        if query == POSITION_MODE:
            return self._read_mode(body)
        if query == POSITIONS:
            return self._read_positions(body)
        if query == FUNDING:
            return self._read_rates(self._symbols[0], self._funding_since_ns(), body)
        kind, symbol, since_ns = _part(query)
        return self._parts[kind](self, symbol, since_ns, body)

    def _read_listen_key(self, body: bytes) -> Sequence[Event]:
        before = self.listen_key
        self.listen_key = decode_json(own.LISTEN_KEY_ANSWER, body, "listen key").listen_key
        if before in {"", self.listen_key}:
            return ()
        return (Resubscribe(stream=self._stream, reason="the stream has another key"),)

    def _read_mode(self, body: bytes) -> Sequence[Event]:
        if not decode_json(own.POSITION_MODE, body, "position mode").dual_side_position:
            self._fault = ""
            return ()
        self._fault = "it is in hedge mode; set one-way mode, while no position and no order is open"
        return (VenueNotice(code=HEDGE_MODE, text=f"the account cannot be traded: {self._fault}"),)

    def _read_positions(self, body: bytes) -> Sequence[Event]:
        found = decode_json(own.POSITIONS, body, "positions")
        reports = [own.position_report(self._listings.name, position) for position in found]
        notices = [
            VenueNotice(code="isolated_margin", text=f"{one.symbol[:32]} has margin of its own")
            for one in found
            if one.symbol in self._symbols and one.margin_type.lower() == "isolated"
        ]
        return (PositionsListed(positions=tuple(one for one in reports if one.size)), *notices)

    def _read_commission(self, symbol: str, _since_ns: int, body: bytes) -> Sequence[Event]:
        rates = decode_json(own.COMMISSION, body, "commission rate")
        maker = parse_decimal(rates.maker_commission_rate, "makerCommissionRate")
        taker = parse_decimal(rates.taker_commission_rate, "takerCommissionRate")
        text = f"{symbol}: maker {maker * 10_000:f}, taker {taker * 10_000:f} basis points"
        return (VenueNotice(code="commission", text=text),)

    def _read_fills(self, symbol: str, since_ns: int, body: bytes) -> Sequence[Event]:
        found = decode_json(own.TRADES, body, "trades")
        quote = self._listings.quote_asset(symbol)
        self._fills += [own.fill(self._listings.name, trade, quote) for trade in found]
        self._is_whole = self._is_whole and len(found) < MAX_LISTED
        following = self._next_symbol(symbol)
        if following is not None:
            return (_next(_FILLS, following, since_ns),)
        fills = sorted((one for one in self._fills if _when(one) >= since_ns), key=_when)
        return (FillsListed(since_ns=since_ns, fills=tuple(fills), is_complete=self._is_whole),)

    def _read_rates(self, symbol: str, since_ns: int, body: bytes) -> Sequence[Event]:
        self._rates[symbol] = decode_json(own.FUNDING_RATES, body, "funding rates")
        following = self._next_symbol(symbol)
        if following is not None:
            return (_next(_RATES, following, since_ns),)
        return (_next(_INCOME, self._symbols[0], since_ns),)

    def _read_income(self, _symbol: str, since_ns: int, body: bytes) -> Sequence[Event]:
        """Tell each payment since then once; one that came before this run is told when it is asked for."""
        found = decode_json(own.INCOME, body, "income")
        payments = [self._payment(income) for income in found if income.income_type == "FUNDING_FEE"]
        new = [
            payment
            for payment in sorted(payments, key=lambda payment: payment.exchange_ns)
            if payment.exchange_ns >= since_ns and (payment.instrument, payment.exchange_ns) not in self._paid
        ]
        self._paid.update(((payment.instrument, payment.exchange_ns), None) for payment in new)
        while len(self._paid) > MAX_REMEMBERED_PAYMENTS:
            self._paid.popitem(last=False)
        return new

    def _payment(self, income: own.WireIncome) -> FundingPayment:
        # Where the venue names no rate that could be this one's, none is known: the amount is what is booked.
        rate = 0.0
        for one in self._rates.get(income.symbol, ()):
            if 0 <= income.time - one.funding_time <= _BOOKED_WITHIN_MS:
                rate = parse_float(one.funding_rate, "fundingRate")
        return FundingPayment(
            instrument=self._listings.name(income.symbol),
            amount=parse_decimal(income.income, "income"),
            rate=rate,
            exchange_ns=income.time * NS_PER_MS,
        )

    def _next_symbol(self, symbol: str) -> str | None:
        following = self._symbols.index(symbol) + 1
        return self._symbols[following] if following < len(self._symbols) else None

    _parts: Final[Mapping[str, Callable[[AccountQuestions, str, int, bytes], Sequence[Event]]]] = {
        _COMMISSION: _read_commission,
        _FILLS: _read_fills,
        _RATES: _read_rates,
        _INCOME: _read_income,
    }


def _next(kind: str, symbol: str, since_ns: int) -> AskNext:
    return AskNext(query=QueryVenue(topic=f"{kind} {symbol} {since_ns}", private=True))


def _part(query: QueryVenue) -> tuple[str, str, int]:
    """Return kind, symbol and beginning of a question that is one of several.

    Raises:
        LocalError: there is no such question.
    """
    for kind in (_COMMISSION, _FILLS, _RATES, _INCOME):
        if query.topic.startswith(f"{kind} "):
            symbol, _, since_ns = query.topic.removeprefix(f"{kind} ").partition(" ")
            return kind, symbol, int(since_ns or 0)
    raise LocalError("connector has no such query", found=query.topic)


def _when(fill: Fill) -> int:
    return fill.exchange_ns or 0
