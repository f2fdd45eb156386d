"""Order entry of the twin: the API judges at once and answers, the matching engine acts a moment later.

What the API lets through the engine may still refuse. Then only the account's stream tells; and where it
refuses an edit, the order that was to be replaced is gone as well.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from decimal import Decimal
from typing import Final

import msgspec

from paraphina_core.connector import Network, verify_stark
from paraphina_core.domain import (
    CONTEXT,
    NS_PER_MS,
    InstrumentId,
    LocalError,
    Side,
    TimeInForce,
    TradingStatus,
    plain,
)
from paraphina_core.twin import Account, Exchange, NewOrder, Order, RejectCode, Rejection
from paraphina_extended.signing import MAX_SALT, Settlement, amounts, expiration_s, order_hash

from . import wire
from .members import Member
from .records import EXPIRED, Record, Records
from .refusals import Refused
from .universe import MAX_OPEN_ORDERS, PRICE_CAP, Universe

#: What lies between the API and the matching engine.
ENGINE_NS: Final = 3 * NS_PER_MS
#: Docs "Create order" (read 2026-11): how far ahead an order may end.
MAX_LIFE_MS: Final = {Network.MAINNET: 90 * 86_400_000, Network.TESTNET: 28 * 86_400_000}
#: Hashes that are remembered, so that none is used twice.
MAX_HASHES: Final = 100_000

_SIDES: Final = {"BUY": Side.BUY, "SELL": Side.SELL}
_BPS: Final = Decimal("0.0001")
_ONE: Final = Decimal(1)
#: The matching engine's words for a refusal of the exchange.
_REASONS: Final = {
    RejectCode.POST_ONLY_WOULD_CROSS: "POST_ONLY_FAILED",
    RejectCode.REDUCE_ONLY_WOULD_INCREASE: "REDUCE_ONLY_FAILED",
    RejectCode.INSUFFICIENT_MARGIN: "NOT_ENOUGH_FUNDS",
    RejectCode.INSTRUMENT_STATUS: "DISABLED_MARKET",
    RejectCode.PRICE_OFF_GRID: "INVALID_PRICE",
    RejectCode.SIZE_OFF_GRID: "INVALID_QTY",
    RejectCode.SIZE_BELOW_MINIMUM: "INVALID_QTY",
    RejectCode.ORDER_NOT_FOUND: "PREV_ORDER_NOT_FOUND",
}


class Fees(msgspec.Struct, frozen=True):
    """Rates of every account, fractions of the value."""

    maker: Decimal
    taker: Decimal


class Trading:
    """Acts on an exchange for one member at a time.

    Args:
        exchange: where it acts.
        universe: what can be traded.
        records: every order.
        network: whose signatures count.
        on_rejected: is told of every order that the engine refuses.
    """

    def __init__(
        self,
        exchange: Exchange,
        universe: Universe,
        records: Records,
        network: Network,
        on_rejected: Callable[[Record], None],
    ) -> None:
        fees = exchange.rules.fees
        self.fees = Fees(
            CONTEXT.multiply(Decimal(str(fees.maker_bps)), _BPS),
            CONTEXT.multiply(Decimal(str(fees.taker_bps)), _BPS),
        )
        self._exchange = exchange
        self._universe = universe
        self._records = records
        self._network = network
        self._on_rejected = on_rejected
        self._hashes: dict[int, None] = {}
        self._queue: deque[tuple[int, Callable[[int], None]]] = deque()
        self._dead_men: dict[str, int] = {}
        self._ends: dict[int, Record] = {}

    # --- time -------------------------------------------------------------------------------------

    def next_due_ns(self) -> int | None:
        """Return when the engine, an order's end or a dead-man switch is due."""
        due = [self._queue[0][0]] if self._queue else []
        due += self._dead_men.values()
        due += [
            self._exchange.clock.world_ns(record.expires_ms * NS_PER_MS) for record in self._ends.values()
        ]
        return min(due, default=None)

    def advance(self, at_ns: int) -> None:
        """Let happen what is due."""
        while self._queue and self._queue[0][0] <= at_ns:
            self._queue.popleft()[1](at_ns)
        for name in [name for name, due_ns in self._dead_men.items() if due_ns <= at_ns]:
            del self._dead_men[name]
            self._exchange.cancel_all(self._exchange.account(name), at_ns, reason="dead-man switch")
        venue_ms = self._exchange.clock.venue_ns(at_ns) // NS_PER_MS
        for number, record in [item for item in self._ends.items() if item[1].expires_ms <= venue_ms]:
            del self._ends[number]
            self._end(record, EXPIRED, at_ns)

    # --- placing and editing ----------------------------------------------------------------------

    def place(self, member: Member, order: wire.Order, at_ns: int) -> Record:
        """Judge an order, or an edit, as the API does, and hand it to the engine.

        Raises:
            Refused: by the API; nothing has changed.
        """
        account = self._exchange.account(member.name)
        instrument = self._universe.instruments.get(order.market)
        if instrument is None:
            raise Refused(1001, "Market not found")
        replaced = self._replaced(member, order)
        self._judge_terms(order, instrument)
        self._judge_account(account, order, instrument, replaced)
        self._judge_signature(member, order, at_ns)
        if self._records.by_text(member.name, order.id) is not None:
            raise Refused(1134, "Duplicate order")
        venue_ns = self._exchange.clock.venue_ns(at_ns)
        record = Record(
            number=self._records.number(),
            text=order.id,
            account=member.name,
            account_id=member.account_id,
            market=order.market,
            instrument=instrument,
            side=_SIDES[order.side],
            price=Decimal(order.price),
            size=Decimal(order.qty),
            remaining=Decimal(order.qty),
            placed_ns=venue_ns,
            changed_ns=venue_ns,
            order_type=order.type,
            time_in_force=order.time_in_force,
            expires_ms=order.expiry_epoch_millis,
            post_only=order.post_only,
            reduce_only=order.reduce_only,
        )
        self._records.add(record)
        self._queue.append((at_ns + ENGINE_NS, lambda now_ns: self._enter(record, replaced, now_ns)))
        return record

    def _replaced(self, member: Member, order: wire.Order) -> Record | None:
        if order.cancel_id is None:
            return None
        replaced = self._records.by_text(member.name, order.cancel_id)
        if replaced is None or replaced.state.is_final or replaced.market != order.market:
            raise Refused(1142, "Edit order not found")
        return replaced

    def _judge_terms(self, order: wire.Order, instrument: InstrumentId) -> None:
        if order.type == "MARKET" and order.time_in_force != "IOC":
            raise Refused(1139, "Market order must be IOC")
        if order.type not in {"LIMIT", "MARKET"}:
            raise Refused(1132, "Order type is not part of this twin")
        if order.time_in_force not in {"GTT", "IOC", "TOB"} or (
            order.time_in_force == "IOC" and order.post_only
        ):
            raise Refused(1133, "Invalid order parameters")
        market = self._exchange.markets[instrument]
        price, size, rules = Decimal(order.price), Decimal(order.qty), market.instrument
        if rules.status in {TradingStatus.HALTED, TradingStatus.DELISTED, TradingStatus.CANCEL_ONLY}:
            raise Refused(1002, "Market is disabled")
        if rules.status is TradingStatus.REDUCE_ONLY and not order.reduce_only:
            raise Refused(1014, "Market is in reduce only mode")
        if size < rules.min_size:
            raise Refused(1120, "Order quantity less than min trade size")
        if not rules.size_on_grid(size):
            raise Refused(1121, "Invalid quantity due to the wrong size increment")
        if not (price > 0 and rules.price_on_grid(price)):
            raise Refused(1124, "Invalid price due to wrong price movement")
        if rules.max_notional is not None and CONTEXT.multiply(price, size) > rules.max_notional:
            raise Refused(1122, "Order value exceeds max order value")
        sign = Decimal(_SIDES[order.side].sign)
        worst = CONTEXT.multiply(market.mark_price, CONTEXT.add(_ONE, CONTEXT.multiply(PRICE_CAP, sign)))
        if CONTEXT.multiply(CONTEXT.subtract(price, worst), sign) > 0:
            raise Refused(1141, f"Invalid price, mark price = {plain(market.mark_price)}")

    def _judge_account(
        self, account: Account, order: wire.Order, instrument: InstrumentId, replaced: Record | None
    ) -> None:
        mine = [one for one in account.orders.values() if one.instrument == instrument]
        if replaced is None and len(mine) >= MAX_OPEN_ORDERS:
            raise Refused(1126, "Max open orders number exceeded")
        needed = self.fees.maker if order.post_only else self.fees.taker
        if Decimal(order.fee) < needed:
            raise Refused(1128, f"Invalid trading fees, at least {plain(needed)}")
        if order.reduce_only:
            held = account.ledger.size(instrument)
            if not held:
                raise Refused(1137, "Position is missing for reduce-only order")
            if (held > 0) == (order.side == "BUY"):
                raise Refused(1138, "Position is same side as reduce-only order")

    def _judge_signature(self, member: Member, order: wire.Order, at_ns: int) -> None:
        venue_ms = self._exchange.clock.venue_ns(at_ns) // NS_PER_MS
        if not venue_ms < order.expiry_epoch_millis <= venue_ms + MAX_LIFE_MS[self._network]:
            raise Refused(1135, "Invalid order expiration")
        signed = order.settlement
        if int(signed.stark_key, 16) != int(member.public_key, 16):
            raise Refused(1100, "Invalid StarkEx public key")
        if int(signed.collateral_position) != member.vault:
            raise Refused(1102, "Invalid StarkEx vault")
        if not 0 <= int(order.nonce) <= max(MAX_SALT, 2**32):
            raise Refused(1133, "Invalid nonce")
        assets = self._universe.assets(order.market)
        try:
            moved = amounts(
                assets, _SIDES[order.side], Decimal(order.price), Decimal(order.qty), Decimal(order.fee)
            )
        except LocalError as e:
            raise Refused(1133, "Invalid order parameters") from e
        digest = order_hash(
            Settlement(
                assets=assets,
                amounts=moved,
                position_id=member.vault,
                expiration_s=expiration_s(order.expiry_epoch_millis),
                salt=int(order.nonce),
            ),
            int(member.public_key, 16),
            self._network,
        )
        r, s = int(signed.signature.r, 16), int(signed.signature.s, 16)
        if not verify_stark(int(member.public_key, 16), digest, r, s):
            raise Refused(1101, "Invalid StarkEx signature")
        if digest in self._hashes:
            raise Refused(1134, "Duplicate order")
        self._hashes[digest] = None
        if len(self._hashes) > MAX_HASHES:
            del self._hashes[next(iter(self._hashes))]

    def _enter(self, record: Record, replaced: Record | None, at_ns: int) -> None:
        """Do what the matching engine does with an order that was let through."""
        account = self._exchange.account(record.account)
        is_ioc = record.time_in_force == "IOC"
        terms = NewOrder(
            instrument=record.instrument,
            side=record.side,
            price=record.price,
            size=record.size,
            time_in_force=TimeInForce.IOC if is_ioc else TimeInForce.GTC,
            post_only=record.post_only,
            reduce_only=record.reduce_only,
            client_id=record.text,
        )
        placed: Order | Rejection
        if replaced is None:
            placed = self._exchange.place(account, terms, at_ns)
        elif replaced.exchange_id is None:
            placed = Rejection(RejectCode.ORDER_NOT_FOUND, "the order to replace never was")
        else:
            placed = self._exchange.replace(account, replaced.exchange_id, terms, at_ns, keep_id=False)
        if isinstance(placed, Rejection):
            record.reject(_REASONS.get(placed.code, "UNKNOWN"), self._exchange.clock.venue_ns(at_ns))
            self._on_rejected(record)
            if replaced is not None:
                self._end(replaced, "the edit was refused", at_ns)
        elif placed.is_open:
            self._ends[record.number] = record

    # --- cancelling -------------------------------------------------------------------------------

    def cancel(self, member: Member, record: Record | None, at_ns: int) -> None:
        """Take in the cancel of an order.

        Raises:
            Refused: no such order is open.
        """
        if record is None or record.account != member.name or record.state.is_final:
            raise Refused(404, "Order not found", 404)
        self._queue.append(
            (at_ns + ENGINE_NS, lambda now_ns: self._end(record, "cancelled on request", now_ns))
        )

    def mass_cancel(self, member: Member, which: wire.MassCancel, at_ns: int) -> None:
        """Take in the cancel of many orders; those that are not open are passed over.

        Raises:
            Refused: none is named.
        """
        if not (which.order_ids or which.external_order_ids or which.markets or which.cancel_all):
            raise Refused(400, "At least one parameter must be specified")
        self._queue.append((at_ns + ENGINE_NS, lambda now_ns: self._end_many(member, which, now_ns)))

    def _end_many(self, member: Member, which: wire.MassCancel, at_ns: int) -> None:
        for record in tuple(self._records.of(member.name)):
            if not record.state.is_final and (
                which.cancel_all
                or record.number in which.order_ids
                or record.text in which.external_order_ids
                or record.market in which.markets
            ):
                self._end(record, "cancelled on request", at_ns)

    def _end(self, record: Record, reason: str, at_ns: int) -> None:
        self._ends.pop(record.number, None)
        if record.exchange_id is not None and not record.state.is_final:
            account = self._exchange.account(record.account)
            self._exchange.cancel(account, record.exchange_id, at_ns, reason)

    # --- the rest ---------------------------------------------------------------------------------

    def arm(self, member: Member, countdown_s: int, at_ns: int) -> None:
        """Set an account's dead-man switch; zero removes it."""
        self._dead_men.pop(member.name, None)
        if countdown_s:
            self._dead_men[member.name] = at_ns + countdown_s * 1_000 * NS_PER_MS

    def set_leverage(self, member: Member, asked: wire.Leverage) -> int:
        """Set the leverage of a market.

        Raises:
            Refused: there is no such market, or the leverage is not possible.
        """
        instrument = self._universe.instruments.get(asked.market)
        if instrument is None:
            raise Refused(1001, "Market not found")
        try:
            leverage = Decimal(str(asked.leverage))
        except ArithmeticError as e:
            raise Refused(1053, "Invalid leverage precision") from e
        if leverage != leverage.to_integral_value():
            raise Refused(1053, "Invalid leverage precision")
        market = self._exchange.markets[instrument]
        if leverage < 1:
            raise Refused(1049, "Leverage is below min leverage")
        if leverage > market.listing.max_leverage:
            raise Refused(1050, "Leverage exceeds max leverage")
        account = self._exchange.account(member.name)
        if self._exchange.set_leverage(account, instrument, int(leverage)) is not None:
            raise Refused(1052, "Insufficient margin")
        return int(leverage)

    def changed(self, order: Order, member: Member, at_ns: int) -> Record:
        """Take over what has become of an order at the exchange."""
        account = self._exchange.account(member.name)
        market = self._universe.name(order.instrument)
        record = self._records.for_order(account, order, member.account_id, market, at_ns)
        record.take(order, at_ns)
        if record.state.is_final:
            self._ends.pop(record.number, None)
        elif record.expires_ms:
            self._ends[record.number] = record
        return record
