"""The paths of the venue's API: public ones, and those that an API key opens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeGuard, TypeVar
from urllib.parse import parse_qs

import msgspec

from paraphina_core.connector import Answer
from paraphina_core.domain import NS_PER_MS, OrderState
from paraphina_core.twin import Account, Exchange, TwinRequest

from . import spelling, wire
from .members import Member
from .records import Record, Records
from .refusals import Refused, fine
from .spelling import FIRST_ID, Json
from .trading import Trading
from .universe import Universe, stats

API: Final = "/api/v1"
#: Docs "Get trades" (read 2026-11).
MAX_LISTED: Final = 10_000

_Body = TypeVar("_Body")


class Api:
    """Answers requests.

    Args:
        exchange: what there is.
        universe: how it is named.
        records: every order.
        trading: carries out what is asked.
    """

    def __init__(self, exchange: Exchange, universe: Universe, records: Records, trading: Trading) -> None:
        self._exchange = exchange
        self._universe = universe
        self._records = records
        self._trading = trading

    # --- public -----------------------------------------------------------------------------------

    def public(self, parts: Sequence[str], query: dict[str, list[str]]) -> Answer:
        """Answer a question that anybody may ask.

        Raises:
            Refused: there is no such question, or it is about a market that there is not.
        """
        match parts:
            case ["info", "markets"]:
                wanted = query.get("market")
                markets = [
                    self._universe.entry(market)
                    for market in self._exchange.markets.values()
                    if wanted is None or self._universe.name(market.id) in wanted
                ]
                if wanted and len(markets) < len(set(wanted)):
                    raise Refused(1001, "Market not found")
                return fine(markets)
            case ["info", "markets", name, "stats"] if name in self._universe.instruments:
                return fine(stats(self._exchange.markets[self._universe.instruments[name]]))
            case ["info", "markets", name, "orderbook"] if name in self._universe.instruments:
                market = self._exchange.markets[self._universe.instruments[name]]
                return fine({"market": name} | spelling.book(market, None))
            case ["info", "markets", _, _]:
                raise Refused(1001, "Market not found")
            case _:
                raise Refused(404, "Not found", 404)

    # --- private ----------------------------------------------------------------------------------

    def private(self, request: TwinRequest, parts: Sequence[str], member: Member, at_ns: int) -> Answer:
        """Answer a request of a member.

        Raises:
            Refused: there is no such request, or the venue does not do it.
        """
        query = parse_qs(request.query, keep_blank_values=True)
        account = self._exchange.account(member.name)
        match request.method, parts:
            case "GET", ["user", *rest]:
                return self._ask(rest, query, member, account, at_ns)
            case "POST", ["user", "order"]:
                record = self._trading.place(member, _read(wire.ORDER, request.body), at_ns)
                return fine({"id": str(record.number), "externalId": record.text})
            case "DELETE", ["user", "order", number]:
                found = self._records.by_number(member.name, int(number)) if number.isdecimal() else None
                self._trading.cancel(member, found, at_ns)
                return fine()
            case "DELETE", ["user", "order"]:
                text = query.get("externalId", [""])[0]
                self._trading.cancel(member, self._records.by_text(member.name, text), at_ns)
                return fine()
            case "POST", ["user", "order", "massCancel"]:
                self._trading.mass_cancel(member, _read(wire.MASS_CANCEL, request.body), at_ns)
                return fine({})
            case "POST", ["user", "deadmanswitch"]:
                text = query.get("countdownTime", [""])[0]
                if not text.isdecimal() or len(text) > 9:  # noqa: PLR2004  # thirty years
                    raise Refused(400, "countdownTime must be a non-negative number of seconds")
                self._trading.arm(member, int(text), at_ns)
                return fine()
            case "PATCH", ["user", "leverage"]:
                asked = _read(wire.LEVERAGE, request.body)
                leverage = self._trading.set_leverage(member, asked)
                return fine({"market": asked.market, "leverage": str(leverage)})
            case _:
                raise Refused(404, "Not found", 404)

    def _ask(
        self, parts: Sequence[str], query: dict[str, list[str]], member: Member, account: Account, at_ns: int
    ) -> Answer:
        match parts:
            case ["account", "info"]:
                return fine(_info(member))
            case ["balance"]:
                if not (account.ledger.equity or account.orders):
                    raise Refused(404, "Balance not found", 404)
                venue_ns = self._exchange.clock.venue_ns(at_ns)
                return fine(spelling.balance(self._exchange, account, venue_ns))
            case ["positions"]:
                return fine(self.positions(member, account, query.get("market")))
            case ["orders", *rest]:
                return self._ask_orders(rest, query, member)
            case ["trades"]:
                return _page(self._fills(member, account, query.get("market")), query)
            case ["funding", "history"]:
                return _page(self._fundings(member, account, query), query)
            case ["fees"]:
                return fine(self._fees(query.get("market")))
            case ["leverage"]:
                return fine(self._leverages(account, query.get("market")))
            case _:
                raise Refused(404, "Not found", 404)

    def _ask_orders(self, parts: Sequence[str], query: dict[str, list[str]], member: Member) -> Answer:
        match parts:
            case []:
                return fine([spelling.order(one) for one in self.open_orders(member, query.get("market"))])
            case ["history"]:
                final = [one for one in self._records.of(member.name) if one.state.is_final]
                return _page([spelling.order(one) for one in reversed(final)], query)
            case ["external", text]:
                found = self._records.by_text(member.name, text)
                return fine([spelling.order(one) for one in (found,) if _is_known(one)])
            case [number] if number.isdecimal():
                known = self._records.by_number(member.name, int(number))
                if not _is_known(known):
                    raise Refused(404, "Order not found", 404)
                return fine(spelling.order(known))
            case _:
                raise Refused(404, "Not found", 404)

    # --- lists ------------------------------------------------------------------------------------

    def open_orders(self, member: Member, markets: Sequence[str] | None = None) -> list[Record]:
        """Return an account's open orders."""
        return [
            one
            for one in self._records.of(member.name)
            if not one.state.is_final and (markets is None or one.market in markets)
        ]

    def positions(
        self, member: Member, account: Account, markets: Sequence[str] | None = None
    ) -> list[dict[str, Json]]:
        """Return an account's open positions."""
        return [
            spelling.position(self._exchange, account, instrument, name, member.account_id)
            for name, instrument in self._universe.instruments.items()
            if account.ledger.size(instrument) and (markets is None or name in markets)
        ]

    def _fills(
        self, member: Member, account: Account, markets: Sequence[str] | None
    ) -> list[dict[str, Json]]:
        found = []
        for told in reversed(account.fills):
            name = self._universe.name(told.fill.instrument)
            order = account.find(told.order_id)
            if order is None or (markets is not None and name not in markets):
                continue
            record = self._records.for_order(account, order, member.account_id, name, order.placed_ns)
            found.append(spelling.trade(told, record, member.account_id, name) | {"externalId": record.text})
        return found

    def _fees(self, markets: Sequence[str] | None) -> list[dict[str, Json]]:
        fees = self._trading.fees
        rates = {
            "makerFeeRate": str(fees.maker),
            "takerFeeRate": str(fees.taker),
            "builderFeeRate": "0",
        }
        return [{"market": name} | rates for name in self._named(markets)]

    def _leverages(self, account: Account, markets: Sequence[str] | None) -> list[dict[str, Json]]:
        instruments = self._universe.instruments
        return [
            {"market": name, "leverage": str(self._exchange.leverage(account, instruments[name]))}
            for name in self._named(markets)
        ]

    def _named(self, markets: Sequence[str] | None) -> list[str]:
        return [name for name in self._universe.instruments if markets is None or name in markets]

    def _fundings(
        self, member: Member, account: Account, query: dict[str, list[str]]
    ) -> list[dict[str, Json]]:
        text = query.get("fromTime", [""])[0]
        if not text.isdecimal():
            raise Refused(400, "fromTime is required")
        return [
            {
                "id": FIRST_ID + number,
                "accountId": member.account_id,
                "market": self._universe.name(payment.instrument),
                "positionId": FIRST_ID + member.account_id,
                # Who pays while the rate is above zero is long.
                "side": "LONG" if (payment.amount < 0) == (payment.rate > 0) else "SHORT",
                "size": "0",
                "value": "0",
                "markPrice": "0",
                "fundingFee": spelling.fine_money(payment.amount),
                "fundingRate": f"{payment.rate:.12f}",
                "paidTime": payment.exchange_ns // NS_PER_MS,
            }
            for number, payment in reversed(list(enumerate(account.payments)))
            if payment.exchange_ns // NS_PER_MS >= int(text)
        ]


def _info(member: Member) -> dict[str, Json]:
    return {
        "accountId": member.account_id,
        "description": member.name,
        "accountIndex": 0,
        "status": "ACTIVE",
        "l2Key": member.public_key,
        "l2Vault": str(member.vault),
    }


def _is_known(record: Record | None) -> TypeGuard[Record]:
    """Tell whether the matching engine has seen an order."""
    return record is not None and record.state is not OrderState.PENDING


def _page(rows: list[dict[str, Json]], query: dict[str, list[str]]) -> Answer:
    text = query.get("limit", [str(MAX_LISTED)])[0]
    limit = min(int(text), MAX_LISTED) if text.isdecimal() and len(text) < 7 else MAX_LISTED  # noqa: PLR2004  # digits
    rows = rows[:limit]
    cursor = rows[-1]["id"] if rows else None
    return fine(rows, pagination={"cursor": cursor, "count": len(rows)})


def _read(decoder: msgspec.json.Decoder[_Body], body: bytes) -> _Body:
    if len(body) > wire.MAX_BODY_BYTES:
        raise Refused(400, "Request is too long")
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as e:
        raise Refused(400, "Invalid request body") from e
