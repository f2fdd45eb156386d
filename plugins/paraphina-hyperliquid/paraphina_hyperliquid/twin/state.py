"""What the venue shows of its markets and accounts: answers to questions, without any state of its own."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Final

from paraphina_core.domain import CONTEXT, InstrumentId, Side, TradingStatus
from paraphina_core.twin import Account, BookLevel, Exchange, TwinMarket

from .history import History, premium
from .spelling import Json, levels, milliseconds, money, rate, text
from .universe import Universe

#: Levels of a book: docs "Info endpoint" and, for the fast feed, as measured on 2026-09-24.
BOOK_DEPTH: Final = 20
FAST_DEPTH: Final = 5

#: Docs "Funding" (read 2026-08-22): impact prices are those of an order of so many USD.
IMPACT_USD: Final = Decimal(20_000)

_ZERO: Final = Decimal(0)


class Views:
    """Reads an exchange for those who ask.

    Args:
        exchange: what there is.
        universe: how it is named.
        history: what was.
    """

    def __init__(self, exchange: Exchange, universe: Universe, history: History) -> None:
        self.exchange = exchange
        self.universe = universe
        self.history = history

    # --- markets --------------------------------------------------------------------------------

    def meta(self) -> dict[str, Json]:
        """Return the list of perpetuals; a coin's place in it is its number."""
        leverages = sorted({coin.max_leverage for coin in self.universe.coins})
        universe = []
        for coin, market in zip(self.universe.coins, self.exchange.markets.values(), strict=True):
            entry: dict[str, Json] = {
                "szDecimals": -market.instrument.lot_size.adjusted(),
                "name": coin.name,
                "maxLeverage": coin.max_leverage,
                "marginTableId": coin.max_leverage,
            }
            universe.append(entry | ({"isDelisted": True} if _is_delisted(market) else {}))
        tables = [
            [
                leverage,
                {"description": "", "marginTiers": [{"lowerBound": "0.0", "maxLeverage": leverage}]},
            ]
            for leverage in leverages
        ]
        return {"universe": universe, "marginTables": tables, "collateralToken": 0}

    def contexts(self) -> list[dict[str, Json]]:
        """Return the state of every market, in the order of `meta`."""
        return [self.context(instrument) for instrument in self.universe.instruments]

    def context(self, instrument: InstrumentId) -> dict[str, Json]:
        """Return prices, funding and volume of a market; what would need a book is null without one."""
        market, past = self.exchange.markets[instrument], self.history.markets[instrument]
        bid, ask = market.best_price(Side.BUY), market.best_price(Side.SELL)
        has_both = bid is not None and ask is not None
        return {
            "funding": rate(Decimal(repr(market.funding_rate_1h))),
            "openInterest": text(past.open_interest),
            "prevDayPx": text(market.listing.price),
            "dayNtlVlm": money(past.volume_usd),
            "premium": rate(premium(self.exchange, instrument)) if has_both else None,
            "oraclePx": text(_figures(market.index_price)),
            "markPx": text(_figures(market.mark_price)),
            "midPx": self._mid(market),
            "impactPxs": [text(_impact(market, Side.BUY)), text(_impact(market, Side.SELL))]
            if has_both
            else None,
            "dayBaseVlm": text(market.volume_base),
        }

    def mids(self) -> dict[str, str]:
        """Return the middle of every book, the last price where a side is empty; no delisted coins."""
        return {
            coin.name: self._mid(market) or text(market.last_price)
            for coin, market in zip(self.universe.coins, self.exchange.markets.values(), strict=True)
            if not _is_delisted(market)
        }

    def book(
        self,
        instrument: InstrumentId,
        venue_ns: int,
        figures: int | None = None,
        mantissa: int | None = None,
        depth: int = BOOK_DEPTH,
    ) -> dict[str, Json]:
        """Return a book, its prices rounded away from the middle to so many significant figures."""
        market = self.exchange.markets[instrument]
        sides = [
            levels(_grouped(market.levels(side), side, figures, mantissa)[:depth])
            if figures is not None
            else levels(market.levels(side, depth))
            for side in Side
        ]
        return {
            "coin": self.universe.coin(instrument).name,
            "time": milliseconds(venue_ns),
            "levels": sides,
        }

    def bbo(self, instrument: InstrumentId, venue_ns: int) -> dict[str, Json]:
        """Return the best level of each side, null where there is none."""
        market = self.exchange.markets[instrument]
        best = [levels(market.levels(side, 1)) for side in Side]
        return {
            "coin": self.universe.coin(instrument).name,
            "time": milliseconds(venue_ns),
            "bbo": [side[0] if side else None for side in best],
        }

    # --- accounts -------------------------------------------------------------------------------

    def clearinghouse(self, account: Account | None, venue_ns: int) -> dict[str, Json]:
        """Return positions and margin; empty for an account that there is not."""
        positions: list[dict[str, Json]] = []
        value = used = notional = maintenance = withdrawable = _ZERO
        if account is not None:
            value = account.ledger.equity
            maintenance = self.exchange.maintenance_margin(account)
            withdrawable = max(_ZERO, CONTEXT.subtract(value, self.exchange.margin_used(account)))
            for instrument in account.ledger.positions:
                if account.ledger.size(instrument):
                    spelled, worth, margin = self._position(account, instrument, value, maintenance)
                    positions.append({"type": "oneWay", "position": spelled})
                    notional, used = CONTEXT.add(notional, worth), CONTEXT.add(used, margin)
        raw = _ZERO if account is None else account.ledger.cash
        summary = {
            "accountValue": money(value),
            "totalNtlPos": money(notional),
            "totalRawUsd": money(raw),
            "totalMarginUsed": money(used),
        }
        return {
            "marginSummary": summary,
            "crossMarginSummary": summary,
            "crossMaintenanceMarginUsed": money(maintenance),
            "withdrawable": money(withdrawable),
            "assetPositions": positions,
            "time": milliseconds(venue_ns),
        }

    def active_asset(self, account: Account | None, user: str, instrument: InstrumentId) -> dict[str, Json]:
        """Return an account's leverage on a coin and what it could still trade of it."""
        market = self.exchange.markets[instrument]
        leverage, free = self.universe.coin(instrument).max_leverage, _ZERO
        if account is not None:
            leverage = self.exchange.leverage(account, instrument)
            free = max(_ZERO, account.ledger.equity - self.exchange.margin_used(account))
        most = CONTEXT.divide(CONTEXT.multiply(free, Decimal(leverage)), market.mark_price)
        largest = text(market.instrument.round_size(most))
        kind = "isolated" if account is not None and instrument in account.isolated else "cross"
        return {
            "user": user,
            "coin": self.universe.coin(instrument).name,
            "leverage": {"type": kind, "value": leverage},
            "maxTradeSzs": [largest, largest],
            "availableToTrade": [money(free), money(free)],
            "markPx": text(_figures(market.mark_price)),
        }

    def _position(
        self, account: Account, instrument: InstrumentId, equity: Decimal, maintenance: Decimal
    ) -> tuple[dict[str, Json], Decimal, Decimal]:
        position, coin = account.position(instrument), self.universe.coin(instrument)
        market = self.exchange.markets[instrument]
        leverage = self.exchange.leverage(account, instrument)
        worth = CONTEXT.multiply(position.size, market.mark_price).copy_abs()
        margin = CONTEXT.divide(worth, Decimal(leverage))
        entry = position.entry_price or _ZERO
        opened = CONTEXT.multiply(position.size, entry).copy_abs()
        earned = CONTEXT.divide(CONTEXT.multiply(position.unrealised_pnl, Decimal(leverage)), opened)
        liquidation = _liquidation_price(
            market.mark_price, position.size, CONTEXT.subtract(equity, maintenance), coin.max_leverage
        )
        paid = position.funding.copy_negate()
        opened_ns, changed_ns = _since(account, instrument)
        spelled = {
            "coin": coin.name,
            "szi": text(position.size),
            "leverage": {
                "type": "isolated" if instrument in account.isolated else "cross",
                "value": leverage,
            },
            "entryPx": text(_figures(entry, 7)),
            "positionValue": money(worth),
            "unrealizedPnl": money(position.unrealised_pnl),
            "returnOnEquity": rate(earned),
            "liquidationPx": None if liquidation is None else text(_figures(liquidation)),
            "marginUsed": money(margin),
            "maxLeverage": coin.max_leverage,
            "cumFunding": {
                "allTime": money(paid),
                "sinceOpen": money(_paid_since(account, instrument, opened_ns)),
                "sinceChange": money(_paid_since(account, instrument, changed_ns)),
            },
        }
        return spelled, worth, margin

    def _mid(self, market: TwinMarket) -> str | None:
        bid, ask = market.best_price(Side.BUY), market.best_price(Side.SELL)
        return None if bid is None or ask is None else text(CONTEXT.divide(CONTEXT.add(bid, ask), Decimal(2)))


def _is_delisted(market: TwinMarket) -> bool:
    return market.instrument.status is TradingStatus.DELISTED


def _grouped(
    found: Sequence[BookLevel], side: Side, figures: int, mantissa: int | None
) -> Sequence[BookLevel]:
    grouped: list[BookLevel] = []
    for level in found:
        step = Decimal(mantissa or 1).scaleb(level.price.adjusted() - figures + 1)
        rounding = ROUND_FLOOR if side is Side.BUY else ROUND_CEILING
        steps = CONTEXT.divide(level.price, step).to_integral_value(rounding)
        price = CONTEXT.multiply(steps, step)
        if grouped and grouped[-1].price == price:
            last = grouped.pop()
            level = BookLevel(price, CONTEXT.add(last.size, level.size), last.orders + level.orders)  # noqa: PLW2901  # joined with the one before
        grouped.append(BookLevel(price, level.size, level.orders))
    return grouped


def _impact(market: TwinMarket, side: Side) -> Decimal:
    """Return the average price of an order that takes so much of a side, or all there is."""
    left, cost, size = IMPACT_USD, _ZERO, _ZERO
    for level in market.levels(side, BOOK_DEPTH):
        taken = min(level.size, CONTEXT.divide(left, level.price))
        cost, size = CONTEXT.add(cost, CONTEXT.multiply(taken, level.price)), CONTEXT.add(size, taken)
        left = CONTEXT.subtract(left, CONTEXT.multiply(taken, level.price))
        if not left > 0:
            break
    return _figures(CONTEXT.divide(cost, size)) if size else market.mark_price


def _figures(price: Decimal, figures: int = 6) -> Decimal:
    """Round a computed price, by default to one figure more than an order's may have."""
    return price.quantize(Decimal(1).scaleb(min(0, price.adjusted() - figures + 1))) if price else price


def _liquidation_price(mark: Decimal, size: Decimal, spare: Decimal, max_leverage: int) -> Decimal | None:
    """Return the mark price at which a cross position falls below maintenance margin, all else equal.

    Docs "Liquidations" (read 2026-08-22): maintenance margin is half the initial margin at the highest
    leverage, so that 1 - side / (2 * max_leverage) of each unit's price counts.
    """
    side = -1 if size.is_signed() else 1
    per_unit = CONTEXT.multiply(size.copy_abs(), 1 - Decimal(side) / (2 * max_leverage))
    price = CONTEXT.subtract(mark, CONTEXT.multiply(Decimal(side), CONTEXT.divide(spare, per_unit)))
    return price if price > 0 else None


def _since(account: Account, instrument: InstrumentId) -> tuple[int, int]:
    """Return when the position was opened and when it last changed."""
    opened_ns = changed_ns = 0
    for told in reversed(account.fills):
        if told.fill.instrument != instrument:
            continue
        opened_ns = told.fill.exchange_ns or 0
        changed_ns = changed_ns or opened_ns
        signed = told.fill.size if told.fill.side is Side.BUY else told.fill.size.copy_negate()
        after = CONTEXT.add(told.position_before, signed)
        if not told.position_before or told.position_before.is_signed() != after.is_signed():
            break
    return opened_ns, changed_ns


def _paid_since(account: Account, instrument: InstrumentId, since_ns: int) -> Decimal:
    total = _ZERO
    for payment in reversed(account.payments):
        if (payment.exchange_ns or 0) < since_ns:
            break
        if payment.instrument == instrument:
            total = CONTEXT.subtract(total, payment.amount)
    return total
