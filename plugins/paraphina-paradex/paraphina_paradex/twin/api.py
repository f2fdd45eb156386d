"""What the API answers: markets and the venue's state to anybody, an account's own to who is logged in."""

from __future__ import annotations

from typing import Final

import msgspec

from paraphina_core.connector import Answer
from paraphina_core.domain import NS_PER_MS
from paraphina_core.twin import Exchange, TwinRequest

from . import spelling, wire
from .members import Member
from .records import Record, Records
from .refusals import Json, Refused, fine, page
from .trading import Trading
from .universe import Universe

API: Final = "/v1"
MAX_PAGE: Final = 5_000
_DEFAULT_PAGE: Final = 100
_NOT_FOUND: Final = Refused("NOT_FOUND", "no such path", 404)

Fields = dict[str, list[str]]


class Api:
    """Answers requests.

    Args:
        exchange: what there is.
        universe: how it is named.
        records: every order.
        trading: takes commands.
    """

    def __init__(self, exchange: Exchange, universe: Universe, records: Records, trading: Trading) -> None:
        self._exchange = exchange
        self._universe = universe
        self._records = records
        self._trading = trading

    def public(self, parts: list[str], fields: Fields, at_ns: int) -> Answer:
        """Answer what anybody may ask.

        Raises:
            Refused: there is no such path.
        """
        match parts:
            case ["markets"]:
                wanted = fields.get("market", [""])[0]
                listed = [self._universe.entry(market) for market in self._exchange.markets.values()]
                return fine({"results": [one for one in listed if wanted in {"", one["symbol"]}]})
            case ["system", "state"]:
                return fine({"status": "ok"})
            case ["system", "time"]:
                return fine({"server_time": str(self._exchange.clock.venue_ns(at_ns) // NS_PER_MS)})
            case _:
                raise _NOT_FOUND

    def private(self, request: TwinRequest, parts: list[str], member: Member, at_ns: int) -> Answer:
        """Answer what only the account itself may ask.

        Raises:
            Refused: by the venue's rules.
        """
        fields: Fields = {}
        for part in request.query.split("&"):
            name, _, value = part.partition("=")
            fields.setdefault(name, []).append(value)
        if request.method == "GET":
            return self._read(parts, fields, member, at_ns)
        try:
            return self._write(request, parts, fields, member, at_ns)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise Refused("BINDING_ERROR", "body is not usable") from None

    # --- questions --------------------------------------------------------------------------------

    def _read(self, parts: list[str], fields: Fields, member: Member, at_ns: int) -> Answer:
        account = self._exchange.account(member.name)
        match parts:
            case ["account"]:
                return fine(spelling.account(self._exchange, account, self._exchange.clock.venue_ns(at_ns)))
            case ["positions"]:
                held = [one for one in self._exchange.markets if account.ledger.size(one)]
                spelled = [
                    spelling.position(self._exchange, account, one, self._universe.symbol(one))
                    for one in held
                ]
                return fine({"results": spelled})
            case ["orders"]:
                found = [one for one in self._records.of(member.name) if one.is_open]
                return page([spelling.order(one) for one in found], MAX_PAGE)
            case ["orders", "by_client_id", text]:
                return fine(spelling.order(self._open(self._records.by_text(member.name, text))))
            case ["orders", number]:
                known = self._records.by_number(member.name, number)
                if known is None:
                    raise Refused("ORDER_ID_NOT_FOUND", "no such order", 404)
                return fine(spelling.order(known))
            case ["orders-history"]:
                wanted = fields.get("client_id", [""])[0]
                past = [one for one in self._records.of(member.name) if not one.is_open]
                past = [one for one in past if wanted in {"", one.text}]
                return page([spelling.order(one) for one in reversed(past)], _size(fields))
            case ["fills"]:
                return page(self._fills(member, _since_ms(fields)), _size(fields))
            case ["funding", "payments"]:
                return page(self._payments(member, _since_ms(fields)), _size(fields))
            case _:
                raise _NOT_FOUND

    @staticmethod
    def _open(record: Record | None) -> Record:
        if record is None or record.status != "OPEN":
            raise Refused("CLIENT_ORDER_ID_NOT_FOUND", "no such open order", 404)
        return record

    def _fills(self, member: Member, since_ms: int) -> list[Json]:
        account = self._exchange.account(member.name)
        spelled = []
        for told in reversed(account.fills):
            order = account.find(told.order_id)
            at_ns = told.fill.exchange_ns or 0
            if order is None or at_ns // NS_PER_MS < since_ms:
                continue
            symbol = self._universe.symbol(told.fill.instrument)
            spelled.append(spelling.fill(told, self._records.for_order(account, order, symbol, at_ns)))
        return spelled

    def _payments(self, member: Member, since_ms: int) -> list[Json]:
        account = self._exchange.account(member.name)
        return [
            spelling.payment(number, paid, self._universe.symbol(paid.instrument))
            for number, paid in enumerate(account.payments, 1)
            if paid.exchange_ns // NS_PER_MS >= since_ms
        ][::-1]

    # --- commands ---------------------------------------------------------------------------------

    def _write(
        self, request: TwinRequest, parts: list[str], fields: Fields, member: Member, at_ns: int
    ) -> Answer:
        match request.method, parts:
            case "POST", ["orders"]:
                record = self._trading.place(member, wire.ORDER.decode(request.body), at_ns)
                return fine(spelling.order(record), 201)
            case "PUT", ["orders", number]:
                record = self._trading.change(member, number, wire.ORDER.decode(request.body), at_ns)
                return fine(spelling.order(record))
            case "DELETE", ["orders"]:
                market = fields.get("market", [""])[0]
                instrument = self._universe.instruments.get(market)
                if market and instrument is None:
                    raise Refused("MARKET_NOT_FOUND", "no such market")
                self._trading.cancel_all(member, instrument, at_ns)
                return fine({})
            case "DELETE", ["orders", "by_client_id", text]:
                found = self._records.by_text(member.name, text)
                if found is None:
                    raise Refused("CLIENT_ORDER_ID_NOT_FOUND", "no such order", 404)
                self._trading.cancel(self._trading.open(found), at_ns)
                return Answer(status=204, body=b"")
            case "DELETE", ["orders", number]:
                found = self._records.by_number(member.name, number)
                self._trading.cancel(self._trading.open(found), at_ns)
                return Answer(status=204, body=b"")
            case "POST", ["account", "margin", market]:
                asked = wire.MARGIN.decode(request.body)
                self._trading.set_leverage(member, market, asked)
                return fine({"account": member.name, "leverage": asked.leverage, "market": market})
            case _:
                raise _NOT_FOUND


def _size(fields: Fields) -> int:
    text = fields.get("page_size", [""])[0]
    return min(MAX_PAGE, int(text)) if text.isdecimal() and int(text) else _DEFAULT_PAGE


def _since_ms(fields: Fields) -> int:
    text = fields.get("start_at", [""])[0]
    return int(text) if text.isdecimal() else 0
