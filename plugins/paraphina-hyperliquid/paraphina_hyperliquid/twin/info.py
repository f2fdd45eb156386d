"""Answers `/info`: one question in, one answer out, nothing changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Final, TypeAlias

import msgspec

from paraphina_core.domain import CONTEXT, InstrumentId, RemoteProtocolError
from paraphina_core.twin import Account

from . import spelling
from .budget import Budget
from .candles import INTERVALS_MS
from .members import Members
from .spelling import Json, milliseconds
from .state import Views
from .wire import Address, Cloid, Unsigned, decode

#: Docs "Rate limits and user limits" (read 2026-08-22): units of weight of a question; 20 if not named.
WEIGHTS: Final = {
    "l2Book": 2,
    "allMids": 2,
    "clearinghouseState": 2,
    "orderStatus": 2,
    "spotClearinghouseState": 2,
    "exchangeStatus": 2,
    "userRole": 60,
}
USUAL_WEIGHT: Final = 20
#: Items of an answer that cost one more unit, by question.
ITEMS_PER_UNIT: Final = {
    "historicalOrders": 20,
    "userFills": 20,
    "userFillsByTime": 20,
    "userFunding": 20,
    "fundingHistory": 20,
    "candleSnapshot": 60,
}

#: Docs "Info endpoint" (read 2026-08-22): what one answer holds at most.
MAX_FILLS: Final = 2_000
MAX_RANGE: Final = 500

#: The token in which everything is counted, under the venue's own id.
_USDC: Final = {
    "name": "USDC",
    "szDecimals": 8,
    "weiDecimals": 8,
    "index": 0,
    "tokenId": "0x6d1e7cde53ba9467b783cb7c530ce054",
    "isCanonical": True,
    "evmContract": None,
    "fullName": None,
}
_SPOT_META: Final = {"universe": [], "tokens": [_USDC]}


class CandleRequest(msgspec.Struct, frozen=True, rename="camel"):
    """Which candles."""

    coin: str
    interval: str
    start_time: Unsigned
    end_time: Unsigned | None = None


class Ask(msgspec.Struct, frozen=True, rename="camel"):
    """A question; each kind needs some of it."""

    type: str
    user: Address | None = None
    coin: str | None = None
    dex: str = ""
    oid: Unsigned | Cloid | None = None
    start_time: Unsigned | None = None
    end_time: Unsigned | None = None
    n_sig_figs: int | None = msgspec.field(name="nSigFigs", default=None)
    mantissa: int | None = None
    req: CandleRequest | None = None


class _Lacking(Exception):  # noqa: N818  # no error of ours: the question lacks something
    """A question without what it needs."""


_ASK: Final = msgspec.json.Decoder(Ask)
_Answerer: TypeAlias = Callable[[Ask, int], Json]


def read_ask(body: bytes | msgspec.Raw) -> Ask:
    """Read a question.

    Raises:
        RemoteProtocolError: it is none.
    """
    return decode(_ASK, body)


def check_grouping(figures: int | None, mantissa: int | None) -> bool:
    """Tell whether a book may be asked for like this: a mantissa only with five significant figures."""
    if figures is not None and not 2 <= figures <= 5:  # noqa: PLR2004  # the venue's numbers
        return False
    return mantissa is None or (figures == 5 and mantissa in {1, 2, 5})  # noqa: PLR2004  # same


class Info:
    """Answers questions about the venue.

    Args:
        views: markets and accounts.
        members: who is who.
        budgets: by account.
        opened_ms: since when accounts have their money.
    """

    def __init__(self, views: Views, members: Members, budgets: dict[str, Budget], opened_ms: int) -> None:
        self._views = views
        self._members = members
        self._budgets = budgets
        self._opened_ms = opened_ms
        self._answerers: dict[str, _Answerer] = {
            "meta": lambda ask, _: self._views.meta() if not ask.dex else None,
            "metaAndAssetCtxs": lambda _, __: [self._views.meta(), self._views.contexts()],
            "allPerpMetas": lambda _, __: [self._views.meta()],
            "perpDexs": lambda _, __: [None],
            "spotMeta": lambda _, __: _SPOT_META,
            "spotMetaAndAssetCtxs": lambda _, __: [_SPOT_META, []],
            "perpsAtOpenInterestCap": lambda _, __: [],
            "allMids": lambda ask, _: self._views.mids() if not ask.dex else {},
            "l2Book": self._book,
            "candleSnapshot": self._candles,
            "fundingHistory": self._funding_history,
            "exchangeStatus": lambda _, ns: {"specialStatuses": None, "time": milliseconds(ns)},
            "clearinghouseState": self._clearinghouse,
            "spotClearinghouseState": lambda ask, _: {"balances": []} if _user(ask) else None,
            "activeAssetData": self._active_asset,
            "openOrders": lambda ask, _: self.open_orders(_user(ask), in_full=False),
            "frontendOpenOrders": lambda ask, _: self.open_orders(_user(ask), in_full=True),
            "orderStatus": self._order_status,
            "historicalOrders": self._historical_orders,
            "userFills": lambda ask, _: self.fills(_user(ask)),
            "userFillsByTime": self._fills_by_time,
            "userFunding": self._user_funding,
            "userNonFundingLedgerUpdates": self._ledger,
            "userRateLimit": self._rate_limit,
            "userFees": self._fees,
            "userRole": self._role,
            "userAbstraction": lambda ask, _: "default" if _user(ask) else None,
            "maxBuilderFee": lambda ask, _: 0 if _user(ask) else None,
            "subAccounts": self._subaccounts,
            "extraAgents": self._extra_agents,
        }

    @property
    def questions(self) -> frozenset[str]:
        """The kinds of question there are."""
        return frozenset(self._answerers)

    def answer(self, ask: Ask, venue_ns: int) -> Json:
        """Answer a question.

        Raises:
            RemoteProtocolError: this twin does not know the question, or it lacks something.
        """
        answerer = self._answerers.get(ask.type)
        if answerer is None:
            raise RemoteProtocolError("nobody knows the question", found=ask.type[:64])
        try:
            return answerer(ask, venue_ns)
        except _Lacking as e:
            raise RemoteProtocolError("the question lacks something", found=ask.type, wanted=str(e)) from e

    def account(self, user: str) -> Account | None:
        """Return the account of an address; None for an agent as for a stranger, and nobody says so."""
        return self._views.exchange.accounts.get(user)

    def open_orders(self, user: str, *, in_full: bool) -> list[dict[str, Json]]:
        """Return the open orders of an address, newest first."""
        account = self.account(user)
        if account is None:
            return []
        spell = spelling.full_order if in_full else spelling.short_order
        return [
            spell(self._views.universe.coin(order.instrument).name, order)
            for order in reversed(account.orders.values())
        ]

    def fills(self, user: str) -> list[dict[str, Json]]:
        """Return the newest fills of an address, newest first."""
        account = self.account(user)
        if account is None:
            return []
        return [
            self._fill(account, number) for number in range(-1, -1 - min(len(account.fills), MAX_FILLS), -1)
        ]

    def fundings(self, user: str) -> Sequence[dict[str, Json]]:
        """Return the funding payments of an address, oldest first."""
        return self._views.history.account(user).fundings

    def _fill(self, account: Account, number: int) -> dict[str, Json]:
        told = account.fills[number]
        market = self._views.exchange.markets[told.fill.instrument]
        return spelling.fill(self._views.universe.coin(market.id).name, told, market.mark_price)

    def _book(self, ask: Ask, venue_ns: int) -> Json:
        if not check_grouping(ask.n_sig_figs, ask.mantissa):
            raise _Lacking("a mantissa of 1, 2 or 5 with five significant figures")
        instrument = self._views.universe.instrument(_coin(ask))
        if instrument is None:
            return None
        return self._views.book(instrument, venue_ns, ask.n_sig_figs, ask.mantissa)

    def _candles(self, ask: Ask, venue_ns: int) -> Json:
        if ask.req is None or ask.req.interval not in INTERVALS_MS:
            raise _Lacking("a coin, an interval and a start")
        instrument = self._views.universe.instrument(ask.req.coin)
        if instrument is None:
            return []
        end_ms = milliseconds(venue_ns) if ask.req.end_time is None else ask.req.end_time
        candles = self._views.history.markets[instrument].candles
        return candles.between(ask.req.interval, ask.req.start_time, end_ms)

    def _funding_history(self, ask: Ask, venue_ns: int) -> Json:
        instrument = self._views.universe.instrument(_coin(ask))
        if instrument is None:
            return None
        return [
            {
                "coin": ask.coin,
                "fundingRate": spelling.rate(hour.rate),
                "premium": spelling.rate(hour.premium),
                "time": hour.at_ms,
            }
            for hour in self._views.history.markets[instrument].fundings
            if _within(ask, hour.at_ms)
        ][:MAX_RANGE]

    def _clearinghouse(self, ask: Ask, venue_ns: int) -> Json:
        return self._views.clearinghouse(self.account(_user(ask)), venue_ns)

    def _active_asset(self, ask: Ask, venue_ns: int) -> Json:
        user, instrument = _user(ask), self._instrument(ask)
        return self._views.active_asset(self.account(user), user, instrument)

    def _order_status(self, ask: Ask, venue_ns: int) -> Json:
        if ask.oid is None:
            raise _Lacking("an oid")
        name = ask.oid.lower() if isinstance(ask.oid, str) else ask.oid
        record = self._views.history.account(_user(ask)).last(name)
        if record is None:
            return {"status": "unknownOid"}
        return {"status": "order", "order": record.spelled()}

    def _historical_orders(self, ask: Ask, venue_ns: int) -> Json:
        log = self._views.history.account(_user(ask)).log
        return [record.spelled() for record in reversed(log)]

    def _fills_by_time(self, ask: Ask, venue_ns: int) -> Json:
        if ask.start_time is None:
            raise _Lacking("a start")
        fills = reversed(self.fills(_user(ask)))
        return [fill for fill in fills if _within(ask, fill["time"])][:MAX_FILLS]

    def _user_funding(self, ask: Ask, venue_ns: int) -> Json:
        found = []
        for paid in self.fundings(_user(ask)):
            if _within(ask, paid["time"]):
                delta = {"type": "funding"} | {key: value for key, value in paid.items() if key != "time"}
                hash_ = spelling.hash_of(f"funding {paid['time']} {paid['coin']}")
                found.append({"time": paid["time"], "hash": hash_, "delta": delta})
        return found[:MAX_RANGE]

    def _ledger(self, ask: Ask, venue_ns: int) -> Json:
        account = self.account(_user(ask))
        if account is None or not _within(ask, self._opened_ms):
            return []
        delta = {"type": "deposit", "usdc": spelling.money(account.ledger.starting_balance)}
        hash_ = spelling.hash_of(f"deposit {account.name}")
        return [{"time": self._opened_ms, "hash": hash_, "delta": delta}]

    def _rate_limit(self, ask: Ask, venue_ns: int) -> Json:
        budget = self._budgets.get(_user(ask)) or Budget(Decimal(0), 0)
        return {
            "cumVlm": spelling.money(budget.traded_usd),
            "nRequestsUsed": budget.used,
            "nRequestsCap": budget.limit,
            "nRequestsSurplus": 0,
        }

    def _fees(self, ask: Ask, venue_ns: int) -> Json:
        _user(ask)
        fees = self._views.exchange.rules.fees
        cross, add = (
            spelling.rate(CONTEXT.divide(Decimal(repr(bps)), Decimal(10_000)))
            for bps in (fees.taker_bps, fees.maker_bps)
        )
        return {
            "dailyUserVlm": [],
            "feeSchedule": {
                "cross": cross,
                "add": add,
                "spotCross": cross,
                "spotAdd": add,
                "tiers": {"vip": [], "mm": []},
                "referralDiscount": "0.0",
                "stakingDiscountTiers": [],
            },
            "userCrossRate": cross,
            "userAddRate": add,
            "userSpotCrossRate": cross,
            "userSpotAddRate": add,
            "activeReferralDiscount": "0.0",
            "trial": None,
            "feeTrialEscrow": "0.0",
            "nextTrialAvailableTimestamp": None,
            "stakingLink": None,
            "activeStakingDiscount": {"bpsOfMaxSupply": "0.0", "discount": "0.0"},
        }

    def _role(self, ask: Ask, venue_ns: int) -> Json:
        user = _user(ask)
        if user in self._members.masters:
            return {"role": "user"}
        if user in self._members.subaccounts:
            return {"role": "subAccount", "data": {"master": self._members.subaccounts[user]}}
        master = self._members.master_of_agent(user)
        return {"role": "missing"} if master is None else {"role": "agent", "data": {"user": master}}

    def _subaccounts(self, ask: Ask, venue_ns: int) -> Json:
        user = _user(ask)
        found = [address for address, master in self._members.subaccounts.items() if master == user]
        return [
            {
                "name": f"sub{number}",
                "subAccountUser": address,
                "master": user,
                "clearinghouseState": self._views.clearinghouse(self.account(address), venue_ns),
                "spotState": {"balances": []},
            }
            for number, address in enumerate(found)
        ] or None

    def _extra_agents(self, ask: Ask, venue_ns: int) -> Json:
        return [
            {"name": agent.name, "address": agent.address, "validUntil": agent.valid_until_ms}
            for agent in self._members.named_agents(_user(ask))
        ]

    def _instrument(self, ask: Ask) -> InstrumentId:
        instrument = self._views.universe.instrument(_coin(ask))
        if instrument is None:
            raise _Lacking("a coin of this network")
        return instrument


def weight(ask: Ask, answer: Json) -> int:
    """Return what a question costs, its answer counted in."""
    per_unit = ITEMS_PER_UNIT.get(ask.type)
    extra = len(answer) // per_unit if per_unit is not None and isinstance(answer, list) else 0
    return WEIGHTS.get(ask.type, USUAL_WEIGHT) + extra


def _user(ask: Ask) -> str:
    if ask.user is None:
        raise _Lacking("a user")
    return ask.user.lower()


def _coin(ask: Ask) -> str:
    if ask.coin is None:
        raise _Lacking("a coin")
    return ask.coin


def _within(ask: Ask, at_ms: int) -> bool:
    return (ask.start_time or 0) <= at_ms and (ask.end_time is None or at_ms <= ask.end_time)
