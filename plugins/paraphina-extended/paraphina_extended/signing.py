"""From an order to the signed body that the venue accepts, without ever seeing a key.

What is signed are whole units of both assets and a fee, hashed as the venue's own kind of typed data (SNIP-12
with Poseidon; SDK 2.6.0 and the venue's contract, read 2026-11). All of it is exact: amounts of buys are
rounded up, those of sells down, and the fee always up.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from functools import cache
from typing import Final

import msgspec

from paraphina_core.connector import (
    STARK_HASH_BYTES,
    STARK_PRIME,
    STARK_SIGNATURE_BYTES,
    Network,
    keccak,
    poseidon_many,
)
from paraphina_core.domain import CONTEXT, LocalError, Side, plain

#: The contract takes a settlement so long after the order itself has ended.
SETTLEMENT_DAYS: Final = 14
_DAY_MS: Final = 86_400_000
_S_MS: Final = 1_000

#: Docs "Create order" (read 2026-11): 1 to 2^31. One that comes again with equal fields is a duplicate.
MAX_SALT: Final = 2**31
_MAX_INT64: Final = 2**63 - 1

_NAME: Final = "Perpetuals"
_DOMAIN_VERSION: Final = "v0"
_REVISION: Final = 1
#: Binds a signature to a network.
CHAIN_IDS: Final[Mapping[Network, str]] = {Network.MAINNET: "SN_MAIN", Network.TESTNET: "SN_SEPOLIA"}

_ORDER_TYPE: Final = (
    '"Order"("position_id":"felt","base_asset_id":"AssetId","base_amount":"i64","quote_asset_id":"AssetId",'
    '"quote_amount":"i64","fee_asset_id":"AssetId","fee_amount":"u64","expiration":"Timestamp","salt":"felt")'
    '"PositionId"("value":"u32")"AssetId"("value":"felt")"Timestamp"("seconds":"u64")'
)
_DOMAIN_TYPE: Final = (
    '"StarknetDomain"("name":"shortstring","version":"shortstring","chainId":"shortstring",'
    '"revision":"shortstring")'
)


class Assets(msgspec.Struct, frozen=True, kw_only=True):
    """What sizes and values of a market are in the contract (`l2Config`): asset ids, units of one whole."""

    synthetic_id: int
    collateral_id: int
    synthetic_resolution: int
    collateral_resolution: int


class Amounts(msgspec.Struct, frozen=True, kw_only=True):
    """What an order moves, in units of the contract: what it takes in is above zero, what it gives below."""

    base: int
    quote: int
    fee: int


class Settlement(msgspec.Struct, frozen=True, kw_only=True):
    """All that is hashed of an order.

    Args:
        position_id: number of the account's position (`l2Vault`).
        expiration_s: when the contract takes it no more, in seconds since 1970.
        salt: tells it from others with equal fields; never used twice.
    """

    assets: Assets
    amounts: Amounts
    position_id: int
    expiration_s: int
    salt: int


def amounts(assets: Assets, side: Side, price: Decimal, size: Decimal, fee_rate: Decimal) -> Amounts:
    """Return what an order moves at most.

    Args:
        assets: of its market.
        side: buys take size in and give value.
        price: limit.
        size: in base units.
        fee_rate: highest rate that is accepted, a fraction of the value, a builder's included.

    Raises:
        LocalError: one does not fit into the contract's numbers, or is nothing at all.
    """
    rounding = ROUND_CEILING if side is Side.BUY else ROUND_FLOOR
    value = CONTEXT.multiply(CONTEXT.multiply(size, price), Decimal(assets.collateral_resolution))
    base = _whole(CONTEXT.multiply(size, Decimal(assets.synthetic_resolution)), rounding)
    quote = _whole(value, rounding)
    fee = _whole(CONTEXT.multiply(value, fee_rate), ROUND_CEILING)
    if not (0 < base <= _MAX_INT64 and 0 < quote <= _MAX_INT64 and 0 <= fee <= _MAX_INT64):
        raise LocalError(
            "order cannot be signed", found=f"{size} at {price}, fee {fee_rate}", wanted="amounts of 63 bits"
        )
    return Amounts(base=side.sign * base, quote=-side.sign * quote, fee=fee)


def expiration_s(expires_ms: int) -> int:
    """Return until when the contract takes what an order with this end has traded, in whole seconds, up."""
    return -(-(expires_ms + SETTLEMENT_DAYS * _DAY_MS) // _S_MS)


def order_hash(settlement: Settlement, public_key: int, network: Network) -> int:
    """Return the hash that is signed for an order, and that is the order's id where it has no other."""
    rust = _rust()
    if rust is None:
        return order_hash_in_python(settlement, public_key, network)
    assets, moved = settlement.assets, settlement.amounts
    return rust(
        position_id=settlement.position_id,
        base_asset_id=assets.synthetic_id,
        base_amount=moved.base,
        quote_asset_id=assets.collateral_id,
        quote_amount=moved.quote,
        fee_asset_id=assets.collateral_id,
        fee_amount=moved.fee,
        expiration=settlement.expiration_s,
        salt=settlement.salt,
        user_public_key=public_key,
        domain_name=_NAME,
        domain_version=_DOMAIN_VERSION,
        domain_chain_id=CHAIN_IDS[network],
        domain_revision=str(_REVISION),
    )


def order_hash_in_python(settlement: Settlement, public_key: int, network: Network) -> int:
    """Return the same hash without the library."""
    assets, moved = settlement.assets, settlement.amounts
    message = poseidon_many(
        [
            _selector(_ORDER_TYPE),
            settlement.position_id,
            assets.synthetic_id,
            moved.base % STARK_PRIME,
            assets.collateral_id,
            moved.quote % STARK_PRIME,
            assets.collateral_id,
            moved.fee,
            settlement.expiration_s,
            settlement.salt,
        ]
    )
    return poseidon_many([_short("StarkNet Message"), domain_hash(network), public_key, message])


@cache
def domain_hash(network: Network) -> int:
    """Return the hash of the domain of a network."""
    texts = [_short(text) for text in (_NAME, _DOMAIN_VERSION, CHAIN_IDS[network])]
    return poseidon_many([_selector(_DOMAIN_TYPE), *texts, _REVISION])


class WireSignature(msgspec.Struct, frozen=True, gc=False):
    """Both halves of a signature in hex."""

    r: str
    s: str


class WireSettlement(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """The signature, whose it is, and which position it moves."""

    signature: WireSignature
    stark_key: str
    collateral_position: str


class OrderBody(msgspec.Struct, frozen=True, gc=False, rename="camel", omit_defaults=True, kw_only=True):
    """Body of a request that places an order, or replaces the one whose external id is `cancelId`."""

    id: str
    market: str
    type: str
    side: str
    qty: str
    price: str
    reduce_only: bool
    post_only: bool
    time_in_force: str
    expiry_epoch_millis: int
    fee: str
    nonce: str
    self_trade_protection_level: str
    cancel_id: str | None = None
    settlement: WireSettlement


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of the venue with an order.

    Args:
        external_id: our name of it; the hash in decimal digits where it is None.
        fee_rate: the maker rate for post-only orders, the taker rate for all others, as the venue says.
        time_in_force: GTT, IOC, or TOB (top of book, post-only alone).
        replaces: external id of the order that this one takes the place of.
    """

    market: str
    side: Side
    price: Decimal
    size: Decimal
    fee_rate: Decimal
    expires_ms: int
    salt: int
    post_only: bool = False
    reduce_only: bool = False
    order_type: str = "LIMIT"
    time_in_force: str = "GTT"
    self_trade_protection: str = "ACCOUNT"
    external_id: str | None = None
    replaces: str | None = None

    def __post_init__(self) -> None:
        is_market = self.order_type == "MARKET"
        if (
            (is_market and (self.time_in_force != "IOC" or self.post_only))
            or (self.time_in_force == "TOB" and not self.post_only)
            or (self.time_in_force == "IOC" and self.post_only)
        ):
            raise LocalError(
                "order is not usable",
                found=f"{self.order_type} {self.time_in_force}, post-only {self.post_only}",
                wanted="MARKET with IOC, TOB with post-only, IOC without it",
            )
        if not 0 < self.salt <= MAX_SALT:
            raise LocalError("salt is not usable", found=self.salt, wanted=f"1 to {MAX_SALT}")


class Authority(msgspec.Struct, frozen=True, kw_only=True):
    """For which network and position orders are signed, and with the key of which public key."""

    network: Network
    position_id: int
    public_key: str

    def signed(self, terms: Terms, assets: Assets, sign: Callable[[bytes], bytes]) -> bytes:
        """Return the body of a request, ready to send.

        Args:
            terms: of the order.
            assets: of its market.
            sign: signs a hash of 32 bytes.

        Raises:
            LocalError: the amounts or the signature are not usable.
        """
        moved = amounts(assets, terms.side, terms.price, terms.size, terms.fee_rate)
        settlement = Settlement(
            assets=assets,
            amounts=moved,
            position_id=self.position_id,
            expiration_s=expiration_s(terms.expires_ms),
            salt=terms.salt,
        )
        digest = order_hash(settlement, int(self.public_key, 16), self.network)
        signature = sign(digest.to_bytes(STARK_HASH_BYTES))
        if len(signature) != STARK_SIGNATURE_BYTES:
            raise LocalError("signature is not usable", found=f"{len(signature)} bytes", wanted="64 bytes")
        r, s = signature[:STARK_HASH_BYTES], signature[STARK_HASH_BYTES:]
        return msgspec.json.encode(
            OrderBody(
                id=str(digest) if terms.external_id is None else terms.external_id,
                market=terms.market,
                type=terms.order_type,
                side=terms.side.value.upper(),
                qty=plain(terms.size),
                price=plain(terms.price),
                reduce_only=terms.reduce_only,
                post_only=terms.post_only,
                time_in_force=terms.time_in_force,
                expiry_epoch_millis=terms.expires_ms,
                fee=plain(terms.fee_rate),
                nonce=str(terms.salt),
                self_trade_protection_level=terms.self_trade_protection,
                cancel_id=terms.replaces,
                settlement=WireSettlement(
                    signature=WireSignature(
                        r=f"0x{int.from_bytes(r):x}",
                        s=f"0x{int.from_bytes(s):x}",
                    ),
                    stark_key=self.public_key,
                    collateral_position=str(self.position_id),
                ),
            )
        )


def _whole(number: Decimal, rounding: str) -> int:
    return int(number.to_integral_value(rounding=rounding, context=CONTEXT))


def _short(text: str) -> int:
    return int.from_bytes(text.encode("ascii"))


@cache
def _selector(text: str) -> int:
    return int.from_bytes(keccak(text.encode("ascii"))) % 2**250


@cache
def _rust() -> Callable[..., int] | None:
    try:
        rust = importlib.import_module("fast_stark_crypto")
    except ImportError:
        return None
    found: Callable[..., int] = rust.get_order_msg_hash
    return found
