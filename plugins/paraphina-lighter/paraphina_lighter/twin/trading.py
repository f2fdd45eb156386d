"""Transactions: the API judges each at once and counts its nonce, the sequencer executes it a moment later.

What the API refuses has not used its nonce. What it lets through may still be refused by the sequencer; then
only the account's stream tells.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from decimal import Decimal
from hashlib import sha256
from typing import Final

from paraphina_core.connector import Network
from paraphina_core.domain import CONTEXT, NS_PER_MS, InstrumentId, Side, TimeInForce, TradingStatus
from paraphina_core.twin import Exchange, NewOrder, Order, RejectCode, Rejection
from paraphina_lighter.crypto import verify
from paraphina_lighter.signer import Numbers, SignedBy
from paraphina_lighter.transactions import (
    CHAIN_ID,
    MAX_DEAD_MAN_MS,
    MAX_INDEX,
    MIN_DEAD_MAN_MS,
    Attribute,
    Body,
    CancelAllOrders,
    CancelOneOrder,
    CancelTime,
    CreateOrder,
    ModifyOneOrder,
    OrderLife,
    Transaction,
    UpdateLeverage,
)

from . import wire
from .members import Member
from .records import EXPIRED, Record, Records
from .refusals import INVALID_PARAM, Refused
from .universe import MAX_OPEN_ORDERS, Universe

#: What lies between the API and the sequencer; a standard account waits longer on purpose.
SEQUENCER_NS: Final = 5 * NS_PER_MS
#: Docs "Create order" (read 2026-07-19): how far ahead an order must and may end.
MIN_LIFE_MS: Final = 300_000
MAX_LIFE_MS: Final = 30 * 86_400_000
_WHOLE_MARGIN: Final = 10_000
_PAYLOAD_HEADER: Final = 2

#: The sequencer's words for a refusal of the exchange.
_WORDS: Final = {
    RejectCode.POST_ONLY_WOULD_CROSS: "canceled-post-only",
    RejectCode.REDUCE_ONLY_WOULD_INCREASE: "canceled-reduce-only",
    RejectCode.INSUFFICIENT_MARGIN: "canceled-margin-not-allowed",
    RejectCode.SELF_TRADE: "canceled-self-trade",
}


class Trading:
    """Acts on an exchange for one member at a time.

    Args:
        exchange: where it acts.
        universe: what can be traded.
        records: every order.
        network: whose signatures count.
        on_changed: is told of every order that the sequencer refuses.
    """

    def __init__(
        self,
        exchange: Exchange,
        universe: Universe,
        records: Records,
        network: Network,
        on_changed: Callable[[Record], None],
    ) -> None:
        self._exchange = exchange
        self._universe = universe
        self._records = records
        self._chain_id = CHAIN_ID[network]
        self._on_changed = on_changed
        self._nonces: dict[str, int] = {}
        self._queue: deque[tuple[int, Callable[[int], None]]] = deque()
        self._dead_men: dict[str, int] = {}
        self._ends: dict[int, Record] = {}

    def next_nonce(self, member: Member) -> int:
        """Return the number that the next transaction of a member's key must have."""
        return self._nonces.get(member.name, 0)

    def cancel_all_ms(self, member: Member) -> int:
        """Return for when a cancel of everything is scheduled, zero where none is."""
        due_ns = self._dead_men.get(member.name)
        return 0 if due_ns is None else self._exchange.clock.venue_ns(due_ns) // NS_PER_MS

    # --- time -------------------------------------------------------------------------------------

    def next_due_ns(self) -> int | None:
        """Return when the sequencer, an order's end or a scheduled cancel is due."""
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
            self._exchange.cancel_all(self._exchange.account(name), at_ns, reason="scheduled cancel")
        venue_ms = self._exchange.clock.venue_ns(at_ns) // NS_PER_MS
        for index, record in [item for item in self._ends.items() if item[1].expires_ms <= venue_ms]:
            del self._ends[index]
            self._end(record, EXPIRED, at_ns)

    # --- the API ----------------------------------------------------------------------------------

    def send(self, members: tuple[Member, ...], kind: int, info: bytes, at_ns: int) -> str:
        """Judge a transaction as the API does, count its nonce and hand it on; return its hash.

        Raises:
            Refused: nothing has changed, and its nonce is still the next one.
        """
        read = wire.transaction(kind, info)
        if read is None:
            raise Refused(21501, "invalid tx info")
        sent, body = read
        member = next(
            (
                one
                for one in members
                if (one.index, one.api_key_index) == (sent.account_index, sent.api_key_index)
            ),
            None,
        )
        if member is None or self._exchange.account(member.name).expired:
            raise Refused(21109, "api key not found")
        if not sent.expired_at > self._exchange.clock.venue_ns(at_ns) // NS_PER_MS:
            raise Refused(21102, "transaction is expired")
        self._judge_signature(member, sent, body)
        if sent.nonce != self.next_nonce(member):
            raise Refused(21104, "invalid nonce")
        execute = self._judge(member, sent, body, at_ns)
        self._nonces[member.name] = sent.nonce + 1
        self._queue.append((at_ns + SEQUENCER_NS, execute))
        return sha256(f"{member.index} {sent.nonce}".encode()).hexdigest()

    def _judge_signature(self, member: Member, sent: wire.Sent, body: Body) -> None:
        try:
            attributes = tuple(
                (Attribute(int(key)), value) for key, value in (sent.l2_tx_attributes or {}).items()
            )
        except ValueError:
            raise Refused(21744, "attribute is not part of this twin") from None
        transaction = Transaction(
            chain_id=self._chain_id,
            account_index=sent.account_index,
            api_key_index=sent.api_key_index,
            nonce=sent.nonce,
            expired_at_ms=sent.expired_at,
            body=body,
            attributes=attributes,
        )
        digest = Numbers(transaction.payload(SignedBy.OURS)[_PAYLOAD_HEADER:]).digest
        if not verify(member.public_key, digest, sent.signature):
            raise Refused(21120, "invalid signature")

    def _judge(self, member: Member, sent: wire.Sent, body: Body, at_ns: int) -> Callable[[int], None]:
        match body:
            case CreateOrder():
                record, terms = self._new(member, body, at_ns)
                return lambda now_ns: self._enter(record, terms, now_ns)
            case ModifyOneOrder():
                changed = self._open(member, body.market_index, body.index)
                price, size = self._amounts(body.market_index, body.price, body.base_amount)
                return lambda now_ns: self._change(changed, price, size, now_ns)
            case CancelOneOrder():
                gone = self._open(member, body.market_index, body.index)
                return lambda now_ns: self._end(gone, "cancelled on request", now_ns)
            case CancelAllOrders():
                return self._cancel_all(member, sent, body, at_ns)
            case UpdateLeverage():
                instrument = self._instrument(body.market_index)
                if not 0 < body.initial_margin_fraction <= _WHOLE_MARGIN:
                    raise INVALID_PARAM
                leverage = _WHOLE_MARGIN // body.initial_margin_fraction
                account, is_cross = self._exchange.account(member.name), body.margin_mode == 0
                return lambda _: _ignore(
                    self._exchange.set_leverage(account, instrument, leverage, cross=is_cross)
                )

    # --- orders -----------------------------------------------------------------------------------

    def _new(self, member: Member, body: CreateOrder, at_ns: int) -> tuple[Record, NewOrder]:
        instrument = self._instrument(body.market_index)
        price, size = self._amounts(body.market_index, body.price, body.base_amount)
        venue_ms = self._exchange.clock.venue_ns(at_ns) // NS_PER_MS
        is_ioc = body.time_in_force == OrderLife.IMMEDIATE_OR_CANCEL
        if body.type != 0 or body.time_in_force not in set(OrderLife) or body.trigger_price:
            raise Refused(21708, "order type is not part of this twin")
        if is_ioc != (body.order_expiry == 0):
            raise Refused(21711, "invalid order expiry")
        if not is_ioc and not MIN_LIFE_MS <= body.order_expiry - venue_ms <= MAX_LIFE_MS:
            raise Refused(21711, "invalid order expiry")
        if not 0 <= body.client_order_index <= MAX_INDEX:
            raise Refused(21727, "invalid client order index")
        known = self._records.find(member.name, body.client_order_index) if body.client_order_index else None
        if known is not None and known.is_open:
            raise Refused(21728, "client order index already exists")
        account = self._exchange.account(member.name)
        if len(account.orders) >= MAX_OPEN_ORDERS:
            raise Refused(21717, "maximum active limit order count reached")
        self._judge_market(instrument, price, size, reduce_only=bool(body.reduce_only))
        record = Record(
            index=self._records.index(),
            client_index=body.client_order_index,
            account=member.name,
            market=body.market_index,
            instrument=instrument,
            side=Side.SELL if body.is_ask else Side.BUY,
            price=price,
            size=size,
            changed_ns=self._exchange.clock.venue_ns(at_ns),
            reduce_only=bool(body.reduce_only),
            expires_ms=body.order_expiry,
        )
        self._records.add(record)
        terms = NewOrder(
            instrument=instrument,
            side=record.side,
            price=price,
            size=size,
            time_in_force=TimeInForce.IOC if is_ioc else TimeInForce.GTC,
            post_only=body.time_in_force == OrderLife.POST_ONLY,
            reduce_only=record.reduce_only,
            client_id=str(body.client_order_index) if body.client_order_index else None,
        )
        return record, terms

    def _judge_market(
        self, instrument: InstrumentId, price: Decimal, size: Decimal, *, reduce_only: bool
    ) -> None:
        rules = self._exchange.markets[instrument].instrument
        if rules.status not in {TradingStatus.TRADING, TradingStatus.REDUCE_ONLY}:
            raise Refused(21605, "market is not active")
        if rules.status is TradingStatus.REDUCE_ONLY and not reduce_only:
            raise Refused(21740, "market is in reduce only mode")
        if size < rules.min_size or CONTEXT.multiply(price, size) < rules.min_notional:
            raise Refused(21706, "invalid order base or quote amount")

    def _enter(self, record: Record, terms: NewOrder, at_ns: int) -> None:
        account = self._exchange.account(record.account)
        placed: Order | Rejection = self._exchange.place(account, terms, at_ns)
        if isinstance(placed, Rejection):
            record.refuse(_WORDS.get(placed.code, "canceled"), self._exchange.clock.venue_ns(at_ns))
            self._on_changed(record)
        elif placed.is_open and record.expires_ms:
            self._ends[record.index] = record

    def _change(self, record: Record, price: Decimal, size: Decimal, at_ns: int) -> None:
        """Give an order other terms; where they are refused it stays as it was, and its stream says so."""
        account = self._exchange.account(record.account)
        order = None if record.exchange_id is None else account.orders.get(record.exchange_id)
        if order is None:
            return
        terms = NewOrder(
            instrument=record.instrument,
            side=record.side,
            price=price,
            size=size,
            post_only=order.post_only,
            reduce_only=order.reduce_only,
            client_id=order.client_id,
        )
        changed = self._exchange.replace(account, order.id, terms, at_ns, keep_id=True)
        if isinstance(changed, Rejection):
            self._on_changed(record)

    def _end(self, record: Record, reason: str, at_ns: int) -> None:
        self._ends.pop(record.index, None)
        if record.exchange_id is not None and record.is_open:
            account = self._exchange.account(record.account)
            self._exchange.cancel(account, record.exchange_id, at_ns, reason)

    def _cancel_all(
        self, member: Member, sent: wire.Sent, body: CancelAllOrders, at_ns: int
    ) -> Callable[[int], None]:
        account = self._exchange.account(member.name)
        market = (sent.l2_tx_attributes or {}).get(str(int(Attribute.CANCEL_ALL_MARKET)))
        instrument = None if market is None else self._instrument(market)
        if body.time_in_force == CancelTime.NOW and body.time == 0:
            return lambda now_ns: _ignore(self._exchange.cancel_all(account, now_ns, instrument=instrument))
        if instrument is not None:
            raise INVALID_PARAM
        if body.time_in_force == CancelTime.ABORT and body.time == 0:
            return lambda _: _ignore(self._dead_men.pop(member.name, None))
        due_ns = self._exchange.clock.world_ns(body.time * NS_PER_MS)
        if body.time_in_force != CancelTime.SCHEDULED or not (
            MIN_DEAD_MAN_MS - 1_000 <= (due_ns - at_ns) // NS_PER_MS <= MAX_DEAD_MAN_MS
        ):
            raise Refused(21711, "invalid cancel all time")
        return lambda _: self._dead_men.update({member.name: due_ns})

    # --- terms ------------------------------------------------------------------------------------

    def _instrument(self, market: int) -> InstrumentId:
        instrument = self._universe.instruments.get(market)
        if instrument is None:
            raise Refused(21602, "invalid market index")
        return instrument

    def _amounts(self, market: int, price: int, size: int) -> tuple[Decimal, Decimal]:
        listed = self._universe.of(self._instrument(market))
        if not price > 0:
            raise Refused(21702, "invalid price")
        if not size > 0:
            raise Refused(21701, "invalid base amount")
        return Decimal(price).scaleb(-listed.price_decimals), Decimal(size).scaleb(-listed.size_decimals)

    def _open(self, member: Member, market: int, index: int) -> Record:
        record = self._records.find(member.name, index)
        if record is None or record.market != market or not record.is_open:
            raise Refused(21600, "order is not an active limit order")
        return record


def _ignore(_: object) -> None:
    """Drop what a step returns: the streams tell what came of it."""
