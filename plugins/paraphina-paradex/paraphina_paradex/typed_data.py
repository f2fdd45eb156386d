"""What the venue has signed: orders, changes of orders and logins, hashed as Starknet typed data.

Legacy SNIP-12 (revision 0): a chain of Pedersen hashes over field elements. Everything that is the same for
every message of an account is hashed once. Only what is hashed here is vouched for by a signature:
instruction, reduce-only, client order id and self-trade mode are not.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from paraphina_core.connector import STARK_PRIME, Network, keccak, pedersen
from paraphina_core.domain import CONTEXT, GridError, LocalError, Side, is_bounded

#: Prices and sizes are signed as whole numbers of this (docs "Order signing", read 2026-08-20).
QUANTUM: Final = Decimal("1e-8")

#: Most characters of a text that is one field element.
_SHORT: Final = 31
_MASK_250: Final = 2**250 - 1

_CHAIN_IDS: Final = {
    Network.MAINNET: "PRIVATE_SN_PARACLEAR_MAINNET",
    Network.TESTNET: "PRIVATE_SN_POTC_SEPOLIA",
}


def felt(text: str) -> int:
    """Return the field element of a short text: its ASCII bytes as a number.

    Raises:
        LocalError: it has more than 31 characters, or others than ASCII.
    """
    if not text.isascii() or len(text) > _SHORT:
        raise LocalError(
            "text is no field element", found=text[:64], wanted=f"at most {_SHORT} ASCII letters"
        )
    return int.from_bytes(text.encode("ascii"))


def quanta(amount: Decimal, what: str) -> int:
    """Return a price or size as the whole number that is signed.

    Raises:
        GridError: it has more than eight decimals; the venue's SDK cuts them off silently, which signs
            something else than what is sent.
    """
    if not is_bounded(amount):
        raise GridError(f"{what} cannot be signed", found=amount, wanted="a finite amount")
    scaled = CONTEXT.divide(amount, QUANTUM)
    if scaled != scaled.to_integral_value() or scaled < 0:
        raise GridError(f"{what} cannot be signed", found=amount, wanted="zero or above, at most 8 decimals")
    return int(scaled)


def selector(type_string: str) -> int:
    """Return the hash that names a type."""
    return int.from_bytes(keccak(type_string.encode())) & _MASK_250


_ORDER: Final = pedersen(
    0,
    selector("Order(timestamp:felt,market:felt,side:felt,orderType:felt,size:felt,price:felt)"),
)
_MODIFY: Final = pedersen(
    0,
    selector("ModifyOrder(timestamp:felt,market:felt,side:felt,orderType:felt,size:felt,price:felt,id:felt)"),
)
_REQUEST: Final = pedersen(
    0, selector("Request(method:felt,path:felt,body:felt,timestamp:felt,expiration:felt)")
)
_ONBOARDING: Final = pedersen(0, selector("Constant(action:felt)"))
_LIMIT: Final = felt("LIMIT")
_LOGIN: Final = (felt("POST"), felt("/v1/auth"), 0)
_SIDES: Final = {Side.BUY: 1, Side.SELL: 2}


class Account:
    """Hashes messages for one account of one network.

    Args:
        network: whose chain id goes into every hash.
        address: the main account's address, `0x` and hex; also where a subkey signs.

    Raises:
        LocalError: the address is no field element above zero.
    """

    def __init__(self, network: Network, address: str) -> None:
        number = _hex(address)
        if not 0 < number < STARK_PRIME:
            raise LocalError("account address is not usable", found=address[:80], wanted="0x and hex digits")
        self.address = f"0x{number:x}"
        domain = _closed(
            pedersen(0, selector("StarkNetDomain(name:felt,chainId:felt,version:felt)")),
            (felt("Paradex"), felt(_CHAIN_IDS[network]), 1),
        )
        head = pedersen(pedersen(0, felt("StarkNet Message")), domain)
        self._head = pedersen(head, number)

    def order(
        self, market: str, side: Side, size: Decimal, price: Decimal, *, at_ms: int, order_type: str = "LIMIT"
    ) -> int:
        """Return the hash of an order; a market order's price is zero."""
        return self._message(_closed(_ORDER, _terms(market, side, size, price, at_ms, order_type)))

    def modify(
        self, market: str, side: Side, size: Decimal, price: Decimal, *, at_ms: int, venue_order_id: str
    ) -> int:
        """Return the hash of a change of an order, which the venue's number names."""
        terms = _terms(market, side, size, price, at_ms, "LIMIT")
        return self._message(_closed(_MODIFY, (*terms, _number(venue_order_id))))

    def login(self, *, at_s: int, expires_s: int) -> int:
        """Return the hash of a login; its times are in seconds, an order's in milliseconds."""
        return self._message(_closed(_REQUEST, (*_LOGIN, at_s, expires_s)))

    def onboarding(self) -> int:
        """Return the hash of the one message that makes an account known to the venue."""
        return self._message(_closed(_ONBOARDING, (felt("Onboarding"),)))

    def _message(self, struct_hash: int) -> int:
        return pedersen(pedersen(self._head, struct_hash), 4)


def _terms(
    market: str, side: Side, size: Decimal, price: Decimal, at_ms: int, order_type: str
) -> tuple[int, ...]:
    kind = _LIMIT if order_type == "LIMIT" else felt(order_type)
    return (at_ms, felt(market), _SIDES[side], kind, quanta(size, "size"), quanta(price, "price"))


def _closed(prefix: int, fields: Iterable[int]) -> int:
    """Hash a chain on from its prefix `H(0, first)`, and close it with the number of its elements."""
    count = 1
    for field in fields:
        prefix = pedersen(prefix, field)
        count += 1
    return pedersen(prefix, count)


def _number(venue_order_id: str) -> int:
    if not (venue_order_id.isascii() and venue_order_id.isdigit()):
        raise LocalError("order id is not the venue's", found=venue_order_id[:64], wanted="digits")
    return int(venue_order_id)


def _hex(text: str) -> int:
    try:
        return int(text, 16) if text.startswith("0x") and text.isascii() and "_" not in text else 0
    except ValueError:
        return 0
