"""What a connector tells the core: market, order and account events, and protocol wishes.

Events are frozen values. `exchange_ns` is the venue's own time in nanoseconds since 1970, or
None where the venue gives none; arrival times are kept by the core, never by an event.
Books and rates are floats (they decide), money and orders are decimals (they are booked).
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias

import msgspec

from .errors import LocalError
from .ids import ClientOrderId, InstrumentId
from .instruments import Instrument, Side
from .levels import Level, read_levels
from .numbers import is_bounded
from .orders import OrderState
from .queries import Query


class Liquidity(StrEnum):
    """Which fee a fill pays."""

    MAKER = "maker"
    TAKER = "taker"


# --- market -----------------------------------------------------------------------------------


class InstrumentDefined(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="instrument"):
    """The venue's definition of an instrument, at start and each time it changes."""

    instrument: Instrument


class BookSnapshot(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="book_snapshot"):
    """The whole visible book: bids descending, asks ascending; a side may be `PackedLevels`."""

    instrument: InstrumentId
    bids: Sequence[Level]
    asks: Sequence[Level]
    exchange_ns: int | None = None
    sequence: int | None = None


class BookDelta(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="book_delta"):
    """Changed levels with their new total size; size zero deletes."""

    instrument: InstrumentId
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    exchange_ns: int | None = None
    sequence: int | None = None


class BookGap(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="book_gap"):
    """The connector found the book's sequence broken: invalid until the next snapshot."""

    instrument: InstrumentId
    reason: str


class BestBidOffer(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="best_bid_offer"):
    """The touch alone; a side that is empty has None."""

    instrument: InstrumentId
    bid: Level | None
    ask: Level | None
    exchange_ns: int | None = None


class Trade(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="trade"):
    """A public trade. `aggressor` took liquidity; `trade_id` is unique within the instrument.

    `is_replay` marks trades that happened before the subscription and are sent again with it.
    """

    instrument: InstrumentId
    price: float
    size: float
    aggressor: Side
    trade_id: str
    exchange_ns: int | None = None
    is_replay: bool = False


class FundingRate(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="funding_rate"):
    """The rate in force for one interval; positive means longs pay shorts."""

    instrument: InstrumentId
    rate: float
    interval_s: int
    next_funding_ns: int | None = None
    exchange_ns: int | None = None


class MarkPrice(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="mark_price"):
    """Mark price (margin is computed with it) and index or oracle price where given."""

    instrument: InstrumentId
    mark_price: float
    index_price: float | None = None
    exchange_ns: int | None = None


# --- orders -----------------------------------------------------------------------------------


class OrderAccepted(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="order_accepted"):
    """The venue holds the order."""

    instrument: InstrumentId
    client_order_id: ClientOrderId | None
    venue_order_id: str | None
    exchange_ns: int | None = None


class OrderRejected(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="order_rejected"):
    """Positive evidence that the order was never live. `code` is the connector's stable code."""

    instrument: InstrumentId
    client_order_id: ClientOrderId | None
    code: str
    reason: str
    exchange_ns: int | None = None


class OrderCancelled(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="order_cancelled"):
    """The order is gone; fills already made remain, later ones are still booked.

    `filled_size` is what of it had filled by then, None where the venue does not say: then fills that
    are still on their way must be expected.
    """

    instrument: InstrumentId
    client_order_id: ClientOrderId | None
    venue_order_id: str | None
    reason: str = ""
    filled_size: Decimal | None = None
    exchange_ns: int | None = None

    def __post_init__(self) -> None:
        if self.filled_size is not None:
            _check_booked("filled size", self.filled_size)


class OrderExpired(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="order_expired"):
    """The order reached its own end of life; `filled_size` as in `OrderCancelled`."""

    instrument: InstrumentId
    client_order_id: ClientOrderId | None
    venue_order_id: str | None
    filled_size: Decimal | None = None
    exchange_ns: int | None = None

    def __post_init__(self) -> None:
        if self.filled_size is not None:
            _check_booked("filled size", self.filled_size)


class CancelRejected(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="cancel_rejected"):
    """The venue refused a cancel; it says nothing about the order, which must be asked for."""

    instrument: InstrumentId
    client_order_id: ClientOrderId | None
    venue_order_id: str | None
    code: str
    reason: str


class OrderModified(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="order_modified"):
    """The order stands at the venue with these terms from now on; `size` is the total, filled part included.

    `venue_order_id` may be a new one: some venues replace the order under our id.
    """

    instrument: InstrumentId
    client_order_id: ClientOrderId
    venue_order_id: str | None
    price: Decimal
    size: Decimal
    exchange_ns: int | None = None

    def __post_init__(self) -> None:
        _check_booked("modified order", self.price, self.size)


class ModifyRejected(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="modify_rejected"):
    """The venue refused new terms. The old order may be gone with it, so it must be asked for."""

    instrument: InstrumentId
    client_order_id: ClientOrderId | None
    venue_order_id: str | None
    code: str
    reason: str


class OutcomeUnknown(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="outcome_unknown"):
    """A command left and its answer is lost or unreadable: counted live until evidence."""

    instrument: InstrumentId
    client_order_id: ClientOrderId | None
    reason: str


class Fill(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="fill"):
    """One execution of an own order. `fee` is what it cost in quote units, negative for a rebate.

    `is_replay` marks a fill that a venue tells again with a subscription or in a list: it may be of a
    time before this session.
    """

    instrument: InstrumentId
    client_order_id: ClientOrderId | None
    venue_order_id: str | None
    trade_id: str
    side: Side
    price: Decimal
    size: Decimal
    fee: Decimal
    liquidity: Liquidity
    exchange_ns: int | None = None
    is_replay: bool = False

    def __post_init__(self) -> None:
        _check_booked("fill", self.price, self.size, self.fee)


class OrderReport(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="order_report"):
    """The venue's own statement of one order, from a query or a snapshot of open orders."""

    instrument: InstrumentId
    client_order_id: ClientOrderId | None
    venue_order_id: str
    side: Side
    price: Decimal
    size: Decimal
    filled_size: Decimal
    state: OrderState
    reduce_only: bool = False
    exchange_ns: int | None = None

    def __post_init__(self) -> None:
        _check_booked("order report", self.price, self.size, self.filled_size)


class OrderNotFound(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="order_not_found"):
    """The venue says that it knows no such order: it never arrived, or it is gone and forgotten."""

    instrument: InstrumentId
    client_order_id: ClientOrderId | None
    venue_order_id: str | None


class OpenOrdersListed(msgspec.Struct, frozen=True, kw_only=True, tag="open_orders_listed"):
    """Every open order of the account; one that is not named here was not open at that moment."""

    orders: tuple[OrderReport, ...]
    exchange_ns: int | None = None


class FillsListed(msgspec.Struct, frozen=True, kw_only=True, tag="fills_listed"):
    """The account's fills from `since_ns` on; a list that is cut off goes to the time of its last fill."""

    since_ns: int
    fills: tuple[Fill, ...]
    is_complete: bool


# --- account ----------------------------------------------------------------------------------


class PositionReport(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="position"):
    """A position as the venue states it; `size` is signed, positive is long."""

    instrument: InstrumentId
    size: Decimal
    entry_price: Decimal | None
    unrealised_pnl: Decimal | None = None
    liquidation_price: Decimal | None = None
    margin_used: Decimal | None = None
    leverage: Decimal | None = None
    exchange_ns: int | None = None

    def __post_init__(self) -> None:
        stated = (self.size, self.entry_price, self.unrealised_pnl)
        _check_booked("position", *(amount for amount in stated if amount is not None))


class PositionsListed(msgspec.Struct, frozen=True, kw_only=True, tag="positions_listed"):
    """Every position of the account; an instrument that is not named here is flat."""

    positions: tuple[PositionReport, ...]
    exchange_ns: int | None = None


class BalanceReport(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="balance"):
    """The account's collateral as the venue states it, in units of `asset`."""

    asset: str
    equity: Decimal
    available: Decimal
    margin_used: Decimal | None = None
    exchange_ns: int | None = None

    def __post_init__(self) -> None:
        _check_booked("balance", self.equity, self.available)


class FundingPayment(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="funding_payment"):
    """Funding booked on the account; negative `amount` was paid, positive received."""

    instrument: InstrumentId
    amount: Decimal
    rate: float
    exchange_ns: int

    def __post_init__(self) -> None:
        _check_booked("funding payment", self.amount)


class MessageBudgetReport(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="message_budget"):
    """How many messages the account has used of those that it may send, as the venue counts them."""

    used: int
    limit: int
    exchange_ns: int | None = None


class DeadManReport(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="dead_man"):
    """The venue's word on its dead-man switch.

    `armed_until_ns` is when it fires unless it is armed again, None while it is not armed; then `reason`
    says why, and is empty after an orderly disarming.
    """

    armed_until_ns: int | None
    reason: str = ""


# --- protocol ---------------------------------------------------------------------------------


class SubscriptionLive(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="subscription_live"):
    """The venue acknowledged a topic; it counts as live once its first data is there too."""

    topic: str


class Resubscribe(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="resubscribe"):
    """The connector asks the core to open a stream anew."""

    stream: str
    reason: str


class FetchSnapshot(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="fetch_snapshot"):
    """The connector asks the core for a book snapshot request of its plan."""

    instrument: InstrumentId
    reason: str


class AskAgain(msgspec.Struct, frozen=True, kw_only=True, tag="ask_again"):
    """The connector asks the core to ask a question of its plan again, now and not when it is due.

    What the last answer gave is worth nothing any more: a login or a key has expired.
    """

    query: Query
    reason: str


class AskNext(msgspec.Struct, frozen=True, kw_only=True, tag="ask_next"):
    """The answer is a part: what was asked is answered once this, which is asked at once, is answered too.

    For venues that state in two places what is one question here.
    """

    query: Query


class Answered(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="answered"):
    """The answer to a request that was sent on a stream has come; what it says are the events after this."""

    correlation: str


class NonceReport(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="nonce_report"):
    """The venue's word on the signer's nonces: the next it takes, None when it refused one without saying.

    Where they are a sequence it must come with the answer to `QueryAccount`.
    """

    next_nonce: int | None = None


class VenueTime(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="venue_time"):
    """What the venue's clock showed when it made this message."""

    exchange_ns: int


class VenueNotice(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="notice"):
    """Something the venue says that an operator should read (maintenance, limits, errors)."""

    code: str
    text: str


MarketEvent: TypeAlias = (
    InstrumentDefined | BookSnapshot | BookDelta | BookGap | BestBidOffer | Trade | FundingRate | MarkPrice
)
OrderEvent: TypeAlias = (
    OrderAccepted
    | OrderRejected
    | OrderCancelled
    | OrderExpired
    | OrderModified
    | CancelRejected
    | ModifyRejected
    | OutcomeUnknown
    | Fill
    | OrderReport
    | OrderNotFound
    | OpenOrdersListed
    | FillsListed
)
AccountEvent: TypeAlias = (
    PositionReport | PositionsListed | BalanceReport | FundingPayment | MessageBudgetReport | DeadManReport
)
ProtocolEvent: TypeAlias = (
    SubscriptionLive
    | Resubscribe
    | FetchSnapshot
    | AskAgain
    | AskNext
    | Answered
    | NonceReport
    | VenueTime
    | VenueNotice
)
Event: TypeAlias = MarketEvent | OrderEvent | AccountEvent | ProtocolEvent


def _check_booked(what: str, *amounts: Decimal) -> None:
    """Refuse what would poison the books for good: every later sum with a NaN is one."""
    if not all(is_bounded(amount) for amount in amounts):
        raise LocalError(f"{what} is not usable", found=amounts, wanted="finite amounts")


def written(event: Event) -> Event:
    """Return the event as it is written down: every level read, and none with a venue's own names.

    Raises:
        RemoteError: levels that were packed are not what the venue documents.
    """
    if isinstance(event, BookSnapshot | BookDelta):
        return msgspec.structs.replace(event, bids=_plain(event.bids), asks=_plain(event.asks))
    if isinstance(event, BestBidOffer):
        bid, ask = (_plain(() if level is None else (level,)) for level in (event.bid, event.ask))
        return msgspec.structs.replace(event, bid=bid[0] if bid else None, ask=ask[0] if ask else None)
    return event


def _plain(levels: Sequence[Level]) -> Sequence[Level]:
    plain = [Level(level.price, level.size) for level in read_levels(levels)]
    return plain if isinstance(levels, list) else tuple(plain)  # what could be changed is not made better
