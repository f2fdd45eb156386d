"""Who signed: the address that a signature gives away, which the venue asks for nothing else.

The venue takes no name and no key id. It hashes what it has read, recovers an address from the hash and the
signature, and looks whether that address may act. A client with a wrong hash therefore looks like a
stranger, another one for each request.
"""

from __future__ import annotations

from typing import Final

from paraphina_core.connector import Network, keccak, recover_address
from paraphina_hyperliquid.signing import Address as SignedAddress
from paraphina_hyperliquid.signing import connection_id, digest, parse_address

from .wire import ApproveAgentAction, ApproveBuilderFeeAction, Body, L1Action, Signature, packed

CHAIN_NAMES: Final = {Network.MAINNET: "Mainnet", Network.TESTNET: "Testnet"}

_DOMAIN_TYPE: Final = keccak(
    b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
)
_APPROVE_AGENT: Final = keccak(
    b"HyperliquidTransaction:ApproveAgent(string hyperliquidChain,address agentAddress,"
    b"string agentName,uint64 nonce)"
)
_APPROVE_BUILDER_FEE: Final = keccak(
    b"HyperliquidTransaction:ApproveBuilderFee(string hyperliquidChain,string maxFeeRate,"
    b"address builder,uint64 nonce)"
)
#: Nonces that are remembered, and how far from the venue's time a new one may be.
NONCES: Final = 100
NONCE_PAST_MS: Final = 2 * 86_400_000
NONCE_FUTURE_MS: Final = 86_400_000

#: v of a signature: 27 or 28, and 0 or 1 as some wallets still spell it.
_SPELLINGS_OF_V: Final = {0: 27, 1: 28, 27: 27, 28: 28}


def signer_of(body: Body, network: Network) -> str | None:
    """Return the address whose key signed a request, lower case; None where no key can have."""
    action = body.action
    if isinstance(action, ApproveAgentAction | ApproveBuilderFeeAction):
        return recover(user_signed_digest(action), body.signature)
    return recover(l1_digest(body, action, network), body.signature)


def l1_digest(body: Body, action: L1Action, network: Network) -> bytes:
    """Return what was to be signed for an action of trading."""
    account = None if body.vault_address is None else _signed(body.vault_address)
    return digest(connection_id(packed(action), body.nonce, account, body.expires_after), network)


def user_signed_digest(action: ApproveAgentAction | ApproveBuilderFeeAction) -> bytes:
    """Return what was to be signed for an action that wallets show field by field."""
    chain = keccak(action.hyperliquid_chain.encode())
    nonce = action.nonce.to_bytes(32)
    if isinstance(action, ApproveAgentAction):
        name = keccak((action.agent_name or "").encode())
        fields = _APPROVE_AGENT + chain + _word(action.agent_address) + name + nonce
    else:
        rate = keccak(action.max_fee_rate.encode())
        fields = _APPROVE_BUILDER_FEE + chain + rate + _word(action.builder) + nonce
    domain = (
        _DOMAIN_TYPE
        + keccak(b"HyperliquidSignTransaction")
        + keccak(b"1")
        + int(action.signature_chain_id, 16).to_bytes(32)
        + bytes(32)
    )
    return keccak(b"\x19\x01" + keccak(domain) + keccak(fields))


def recover(digest_: bytes, signature: Signature) -> str | None:
    """Return the address that a signature of 32 bytes gives away; None where it is no signature."""
    v = _SPELLINGS_OF_V.get(signature.v)
    if v is None:
        return None
    spelled = int(signature.r, 16).to_bytes(32) + int(signature.s, 16).to_bytes(32) + bytes([v])
    return recover_address(digest_, spelled)


class NonceSet:
    """Nonces of one signer: the hundred highest are remembered, and none below them is taken.

    Docs "Nonces and API wallets" (read 2026-08-22). Whether the lowest remembered one is a limit while
    there are fewer than a hundred is not stated; here it is not.
    """

    def __init__(self) -> None:
        self.used: set[int] = set()

    def refuse(self, nonce: int, venue_ms: int) -> str | None:
        """Use a nonce; return the venue's sentence where it cannot be."""
        if nonce in self.used:
            return "Invalid nonce: duplicate nonce"
        if not venue_ms - NONCE_PAST_MS < nonce < venue_ms + NONCE_FUTURE_MS:
            return f"Invalid nonce: {nonce} is too far from block time {venue_ms}"
        if len(self.used) >= NONCES and nonce < min(self.used):
            return f"Invalid nonce: {nonce} is below the lowest that is remembered"
        self.used.add(nonce)
        if len(self.used) > NONCES:
            self.used.remove(min(self.used))
        return None


def _signed(address: str) -> SignedAddress:
    raw = bytes.fromhex(address[2:])
    return parse_address(address) if any(raw) else SignedAddress(text=address, raw=raw)


def _word(address: str) -> bytes:
    return bytes(12) + bytes.fromhex(address[2:])
