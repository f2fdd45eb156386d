"""What can be read over HTTP: listings by anybody, an account's own by whoever has a token of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from paraphina_core.connector import Answer
from paraphina_core.domain import NS_PER_S
from paraphina_core.twin import Exchange

from . import spelling
from .members import Member
from .records import Records
from .refusals import INVALID_PARAM, Json, fine
from .trading import Trading
from .universe import Universe

Fields = dict[str, list[str]]

MAX_PAGE: Final = 100
_PERCENT: Final = 100.0


class Api:
    """Answers questions.

    Args:
        exchange: what there is.
        universe: how it is named.
        records: every order.
        trading: what is scheduled, and which nonce comes next.

    Attributes:
        public: what anybody may ask, by its path.
        private: what takes a token.
    """

    def __init__(self, exchange: Exchange, universe: Universe, records: Records, trading: Trading) -> None:
        self._exchange = exchange
        self._universe = universe
        self._records = records
        self._trading = trading
        self.public: Mapping[str, Callable[[Fields], Answer]] = {"orderBookDetails": self._details}
        self.private: Mapping[str, Callable[[Member, Fields], Answer]] = {
            "accountActiveOrders": self._active,
            "accountInactiveOrders": self._inactive,
            "trades": self._trades,
            "positionFunding": self._funding,
        }

    def account(self, member: Member) -> Answer:
        """Show an account to anybody."""
        account = self._exchange.account(member.name)
        worth = spelling.worth(self._exchange, account)
        positions = [
            spelling.position(self._exchange, account, self._universe, one)
            for one in self._exchange.markets
            if account.ledger.size(one)
        ]
        shown: dict[str, Json] = {
            "code": 0,
            "account_type": 0,
            "index": member.index,
            "account_index": member.index,
            "cancel_all_time": self._trading.cancel_all_ms(member),
            "total_order_count": len(account.orders),
            "available_balance": worth["available"],
            "collateral": worth["cash"],
            "total_asset_value": worth["equity"],
            "cross_asset_value": worth["equity"],
            "cross_initial_margin_requirement": worth["used"],
            "status": 1,
            "positions": positions,
        }
        return fine(total=1, accounts=[shown])

    def trades(self, member: Member) -> list[Json]:
        """Return an account's fills, the latest first."""
        account = self._exchange.account(member.name)
        spelled = []
        for told in reversed(account.fills):
            order = account.find(told.order_id)
            if order is None:
                continue
            market = self._universe.of(told.fill.instrument).number
            record = self._records.for_order(account, order, market, told.fill.exchange_ns or 0)
            spelled.append(spelling.trade(told, record, member.index))
        return spelled

    def _details(self, _: Fields) -> Answer:
        markets = [self._universe.entry(market) for market in self._exchange.markets.values()]
        return fine(order_book_details=markets, spot_order_book_details=[])

    def _active(self, member: Member, _: Fields) -> Answer:
        found = [one for one in self._records.of(member.name) if one.is_open]
        return fine(orders=[spelling.order(one, member.index) for one in found])

    def _inactive(self, member: Member, fields: Fields) -> Answer:
        found = [one for one in self._records.of(member.name) if not one.is_open]
        found.sort(key=lambda one: one.changed_ns, reverse=True)
        limit = _limit(fields)
        more = {"next_cursor": "more"} if len(found) > limit else {}
        return fine(orders=[spelling.order(one, member.index) for one in found[:limit]], **more)

    def _trades(self, member: Member, fields: Fields) -> Answer:
        found, limit = self.trades(member), _limit(fields)
        more = {"next_cursor": "more"} if len(found) > limit else {}
        return fine(trades=found[:limit], **more)

    def _funding(self, member: Member, fields: Fields) -> Answer:
        account = self._exchange.account(member.name)
        found: list[Json] = [
            {
                "timestamp": paid.exchange_ns // NS_PER_S,
                "market_id": self._universe.of(paid.instrument).number,
                "funding_id": number,
                "change": spelling.money(paid.amount),
                "rate": f"{(paid.rate or 0.0) * _PERCENT:.10f}",
                "position_size": "0",
                "position_side": "long",
            }
            for number, paid in enumerate(account.payments)
        ]
        return fine(position_fundings=found[::-1][: _limit(fields)])


def _limit(fields: Fields) -> int:
    text = fields.get("limit", [""])[0]
    if not (text.isdecimal() and 1 <= int(text) <= MAX_PAGE):
        raise INVALID_PARAM
    return int(text)
