"""What is asked of the venue, as it wants it spelled: commands become transactions.

A transaction is hashed as numbers in the order of its fields and sent as JSON in the same order. These kinds
are all there are: nothing here can withdraw, transfer or change a key, and the signer knows no others either.
"""

from __future__ import annotations

import re
import struct
from base64 import b64encode
from decimal import Decimal
from enum import IntEnum
from typing import ClassVar, Final, TypeAlias

import msgspec

from paraphina_core.connector import Network
from paraphina_core.domain import (
    CONTEXT,
    NS_PER_MS,
    ArmDeadMan,
    CancelAll,
    CancelOrder,
    GridError,
    LocalError,
    ModifyOrder,
    PlaceOrder,
    SetLeverage,
    Side,
    TimeInForce,
)

from .instruments import MAX_LOTS, Listings
from .signer import SIGNATURE_BYTES, TIME_BYTES, SignedBy, transaction_payload

#: Enters every hash and no message: a signature for one network is worthless on the other.
CHAIN_ID: Final = {Network.MAINNET: 304, Network.TESTNET: 300}

#: A transaction that has not been executed by then is refused. The vendor's library takes 599 seconds, which
#: cannot be changed there; a lost one is dead earlier, because the next one uses up its nonce.
EXPIRES_AFTER_MS: Final = 599_000
#: Resting orders end after this; the venue takes 5 minutes to 30 days (docs, read 2026-07-19).
ORDER_LIFE_MS: Final = 28 * 86_400_000
#: The dead-man switch: a cancel of everything that is scheduled so far ahead (lighter-sdk 1.1.8).
MIN_DEAD_MAN_MS: Final = 300_000
MAX_DEAD_MAN_MS: Final = 15 * 86_400_000

MAX_PRICE: Final = 2**32 - 1
MAX_INDEX: Final = 2**48 - 1
MAX_LEVERAGE: Final = 100
#: Margin fractions are stated in ten thousandths.
_WHOLE_MARGIN: Final = 10_000

_ORDER_INDEX: Final = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)
_JSON: Final = msgspec.json.Encoder()


class Kind(IntEnum):
    """Kinds of transactions that are made here."""

    CREATE_ORDER = 14
    CANCEL_ORDER = 15
    CANCEL_ALL = 16
    MODIFY_ORDER = 17
    UPDATE_LEVERAGE = 20


class OrderLife(IntEnum):
    """How long an order may rest."""

    IMMEDIATE_OR_CANCEL = 0
    GOOD_TILL_TIME = 1
    POST_ONLY = 2


class CancelTime(IntEnum):
    """When everything is cancelled: now, at a time, or not at the time that was set."""

    NOW = 0
    SCHEDULED = 1
    ABORT = 2


class Attribute(IntEnum):
    """What a transaction may carry beside its fields."""

    CANCEL_ALL_MARKET = 5


class CreateOrder(msgspec.Struct, frozen=True, rename="pascal", gc=False):
    """Place one order; amounts are whole numbers of the market's smallest steps."""

    kind: ClassVar[Kind] = Kind.CREATE_ORDER
    market_index: int
    client_order_index: int
    base_amount: int
    price: int
    is_ask: int
    type: int
    time_in_force: int
    reduce_only: int
    trigger_price: int
    order_expiry: int


class CancelOneOrder(msgspec.Struct, frozen=True, rename="pascal", gc=False):
    """Cancel one order, by the venue's index or by ours."""

    kind: ClassVar[Kind] = Kind.CANCEL_ORDER
    market_index: int
    index: int


class CancelAllOrders(msgspec.Struct, frozen=True, rename="pascal", gc=False):
    """Cancel every order of the account, now or at a time."""

    kind: ClassVar[Kind] = Kind.CANCEL_ALL
    time_in_force: int
    time: int


class ModifyOneOrder(msgspec.Struct, frozen=True, rename="pascal", gc=False):
    """Change size and price of one order; it keeps its index."""

    kind: ClassVar[Kind] = Kind.MODIFY_ORDER
    market_index: int
    index: int
    base_amount: int
    price: int
    trigger_price: int


class UpdateLeverage(msgspec.Struct, frozen=True, rename="pascal", gc=False):
    """Set the margin that positions of a market need."""

    kind: ClassVar[Kind] = Kind.UPDATE_LEVERAGE
    market_index: int
    initial_margin_fraction: int
    margin_mode: int


Body: TypeAlias = CreateOrder | CancelOneOrder | CancelAllOrders | ModifyOneOrder | UpdateLeverage
Sent: TypeAlias = PlaceOrder | ModifyOrder | CancelOrder | CancelAll | ArmDeadMan | SetLeverage


class Transaction(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One transaction that can be signed.

    Args:
        chain_id: of the network.
        account_index: who trades.
        api_key_index: whose key signs.
        nonce: exactly one more than the last of that key.
        expired_at_ms: when it is refused; a signer may choose another time, and then says which.
        body: what is asked.
        attributes: attributes with their values, by rising number.
    """

    chain_id: int
    account_index: int
    api_key_index: int
    nonce: int
    expired_at_ms: int
    body: Body
    attributes: tuple[tuple[Attribute, int], ...] = ()

    def payload(self, signed_by: SignedBy) -> bytes:
        """Return what a signer must be shown.

        Raises:
            LocalError: a number cannot be hashed.
        """
        numbers = (
            self.chain_id,
            int(self.body.kind),
            self.nonce,
            self.expired_at_ms,
            self.account_index,
            self.api_key_index,
            *msgspec.structs.astuple(self.body),
        )
        pairs = tuple(number for pair in self.attributes for number in pair)
        try:
            return transaction_payload(signed_by, numbers, pairs)
        except struct.error as e:
            raise LocalError(
                "transaction cannot be signed", found=numbers, wanted="numbers of 64 bits"
            ) from e

    def info(self, signature: bytes) -> bytes:
        """Spell the signed transaction.

        Args:
            signature: what the signer returned: when it expires, and 80 bytes.

        Raises:
            LocalError: it is none.
        """
        if len(signature) != SIGNATURE_BYTES:
            raise LocalError(
                "signature is not usable",
                found=f"{len(signature)} bytes",  # never the bytes: who knows what a broken signer returns
                wanted=f"{SIGNATURE_BYTES} bytes",
            )
        attributes = _JSON.encode({str(int(each)): value for each, value in self.attributes} or None)
        return (
            b'{"AccountIndex":%d,"ApiKeyIndex":%d,%b,"ExpiredAt":%d,"Nonce":%d,"Sig":"%b","L2TxAttributes":%b}'
            % (
                self.account_index,
                self.api_key_index,
                _JSON.encode(self.body)[1:-1],
                int.from_bytes(signature[:TIME_BYTES], "little"),
                self.nonce,
                b64encode(signature[TIME_BYTES:]),
                attributes,
            )
        )


class Spelling:
    """Turns commands into bodies of transactions.

    Args:
        listings: markets with their numbers and decimals.
    """

    def __init__(self, listings: Listings) -> None:
        self._listings = listings

    def body(self, command: Sent, at_ns: int) -> tuple[Body, tuple[tuple[Attribute, int], ...]]:
        """Return the body and the attributes of the transaction that a command is.

        Raises:
            LocalError: it cannot be expressed on the venue's wire.
        """
        match command:
            case PlaceOrder():
                return self._place(command, at_ns), ()
            case ModifyOrder():
                return self._modify(command), ()
            case CancelOrder():
                market = self._listings.market(command.instrument)
                return CancelOneOrder(market_index=market.market_id, index=_index(command)), ()
            case CancelAll(instrument=str(instrument)):
                number = self._listings.market(instrument).market_id
                now = CancelAllOrders(time_in_force=CancelTime.NOW, time=0)
                return now, ((Attribute.CANCEL_ALL_MARKET, number),)
            case CancelAll():
                return CancelAllOrders(time_in_force=CancelTime.NOW, time=0), ()
            case ArmDeadMan():
                return _dead_man(command, at_ns), ()
            case SetLeverage():
                return self._leverage(command), ()

    def _place(self, order: PlaceOrder, at_ns: int) -> CreateOrder:
        market = self._listings.market(order.instrument)
        life = OrderLife.POST_ONLY if order.post_only else OrderLife.GOOD_TILL_TIME
        if order.time_in_force is TimeInForce.IOC:
            life = OrderLife.IMMEDIATE_OR_CANCEL
        return CreateOrder(
            market_index=market.market_id,
            client_order_index=_own_index(order.client_order_id),
            base_amount=steps(order.size, market.size_decimals, MAX_LOTS, "size"),
            price=steps(order.price, market.price_decimals, MAX_PRICE, "price"),
            is_ask=int(order.side is Side.SELL),
            type=0,  # limit: the core knows no others
            time_in_force=life,
            reduce_only=int(order.reduce_only),
            trigger_price=0,
            order_expiry=0 if life is OrderLife.IMMEDIATE_OR_CANCEL else at_ns // NS_PER_MS + ORDER_LIFE_MS,
        )

    def _modify(self, order: ModifyOrder) -> ModifyOneOrder:
        market = self._listings.market(order.instrument)
        return ModifyOneOrder(
            market_index=market.market_id,
            index=_index(order),
            base_amount=steps(order.size, market.size_decimals, MAX_LOTS, "size"),
            price=steps(order.price, market.price_decimals, MAX_PRICE, "price"),
            trigger_price=0,
        )

    def _leverage(self, command: SetLeverage) -> UpdateLeverage:
        if not 1 <= command.leverage <= MAX_LEVERAGE:
            raise LocalError("leverage cannot be set", found=command.leverage, wanted=f"1 to {MAX_LEVERAGE}")
        return UpdateLeverage(
            market_index=self._listings.market(command.instrument).market_id,
            # Rounded up: a smaller margin would be a higher leverage than was asked for.
            initial_margin_fraction=-(-_WHOLE_MARGIN // command.leverage),
            margin_mode=int(not command.cross_margin),
        )


def steps(amount: Decimal, decimals: int, limit: int, what: str) -> int:
    """Return an amount as the whole number of a market's smallest steps.

    Raises:
        GridError: it is none, or not within 1 and the limit.
    """
    scaled = CONTEXT.scaleb(amount, decimals)
    if not (scaled.is_finite() and scaled == scaled.to_integral_value() and 1 <= scaled <= limit):
        raise GridError(
            f"{what} cannot be sent",
            found=amount,
            wanted=f"a multiple of 1e-{decimals}, up to {limit} of them",
        )
    return int(scaled)


def _own_index(client_order_id: int) -> int:
    """Return the id as the venue's client order index, of which zero means none."""
    if not 1 <= client_order_id <= MAX_INDEX:
        raise LocalError("client order id cannot be sent", found=client_order_id, wanted="1 to 48 bits")
    return client_order_id


def _index(order: CancelOrder | ModifyOrder) -> int:
    """Return the venue's index of an order, or ours: the venue tells them apart by their size."""
    if order.venue_order_id is None:
        return _own_index(order.client_order_id)
    if _ORDER_INDEX.fullmatch(order.venue_order_id) is None:
        raise LocalError(
            "order id is not the venue's", found=order.venue_order_id[:64], wanted="a whole number"
        )
    return int(order.venue_order_id)


def _dead_man(command: ArmDeadMan, at_ns: int) -> CancelAllOrders:
    if command.window_ms == 0:
        return CancelAllOrders(time_in_force=CancelTime.ABORT, time=0)
    return CancelAllOrders(time_in_force=CancelTime.SCHEDULED, time=dead_man_ms(command, at_ns))


def dead_man_ms(command: ArmDeadMan, at_ns: int) -> int:
    """Return when the switch will fire, milliseconds since 1970: no earlier than the venue can.

    Raises:
        LocalError: it is later than the venue lets it be.
    """
    if command.window_ms > MAX_DEAD_MAN_MS:
        raise LocalError(
            "dead-man switch cannot be armed",
            found=f"{command.window_ms} ms",
            wanted=f"at most {MAX_DEAD_MAN_MS} ms, or 0 to disarm it",
        )
    return at_ns // NS_PER_MS + max(command.window_ms, MIN_DEAD_MAN_MS)
