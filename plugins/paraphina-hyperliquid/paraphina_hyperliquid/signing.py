"""From an action to the signed bytes that the venue accepts, without ever seeing a key.

Docs "Signing" (read 2026-08-22): the action in MessagePack, the nonce, the account and the expiry are
hashed; that hash is the `connectionId` of a message `Agent` which is signed as EIP-712 typed data. All of
that message but the hash is the same for every action of a network, and is hashed once here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

import msgspec

from paraphina_core.connector import SIGNATURE_BYTES, Network, keccak
from paraphina_core.domain import ConfigError, LocalError

from .actions import Action

#: Signs a digest of 32 bytes: r and s of 32 bytes each, then v, which is 27 or 28.
Sign = Callable[[bytes], bytes]

MAX_UINT64: Final = 2**64 - 1

_ADDRESS: Final = re.compile(r"0x[0-9a-fA-F]{40}", re.ASCII)
_PACK: Final = msgspec.msgpack.Encoder()
_JSON: Final = msgspec.json.Encoder()


class Address(msgspec.Struct, frozen=True):
    """An account of the venue: lower-case text as it is sent, and its bytes as they are hashed."""

    text: str
    raw: bytes


def parse_address(text: str) -> Address:
    """Read an address that an operator wrote.

    Raises:
        ConfigError: it is not `0x` and 40 hex digits, or is nobody's.
    """
    if _ADDRESS.fullmatch(text) is None:
        raise ConfigError("address is not usable", found=text[:64], wanted="0x and 40 hex digits")
    raw = bytes.fromhex(text[2:])
    if not any(raw):
        raise ConfigError("address is not usable", found=text, wanted="an account, not zero")
    return Address(text=text.lower(), raw=raw)


#: Hash of the EIP-712 domain; its chain id is the same on both networks and no real chain's.
DOMAIN_SEPARATOR: Final = keccak(
    keccak(b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)")
    + keccak(b"Exchange")
    + keccak(b"1")
    + (1337).to_bytes(32)
    + bytes(32)
)
_AGENT_TYPE: Final = keccak(b"Agent(string source,bytes32 connectionId)")
#: What binds a signature to a network: the production network is `a`, the test network `b`.
_AGENT_OF: Final = {
    Network.MAINNET: _AGENT_TYPE + keccak(b"a"),
    Network.TESTNET: _AGENT_TYPE + keccak(b"b"),
}
_TYPED_DATA: Final = b"\x19\x01" + DOMAIN_SEPARATOR


def connection_id(packed: bytes, nonce: int, account: Address | None, expires_after_ms: int | None) -> bytes:
    """Hash what a signature vouches for.

    Args:
        packed: the action in MessagePack.
        nonce: milliseconds, never used before by the signer.
        account: vault or subaccount that is traded; None for the signer's own account.
        expires_after_ms: time since 1970 after which the venue refuses the action; None for never.

    Raises:
        LocalError: nonce or time are not unsigned 64-bit integers.
    """
    parts = [packed, _uint64(nonce, "nonce")]
    parts.append(b"\x00" if account is None else b"\x01" + account.raw)
    if expires_after_ms is not None:
        parts.append(b"\x00" + _uint64(expires_after_ms, "expiry"))
    return keccak(b"".join(parts))


def digest(connection: bytes, network: Network) -> bytes:
    """Return the EIP-712 digest of a connection id, the 32 bytes to be signed."""
    return keccak(_TYPED_DATA + keccak(_AGENT_OF[network] + connection))


def body(
    action_json: bytes,
    nonce: int,
    signature: bytes,
    account: Address | None,
    expires_after_ms: int | None,
) -> bytes:
    """Spell the request; r and s keep their leading zeros.

    Raises:
        LocalError: the signature is not one.
    """
    if len(signature) != SIGNATURE_BYTES or signature[64] not in {27, 28}:
        raise LocalError(
            "signature is not usable",
            found=f"{len(signature)} bytes",  # never the bytes: who knows what a broken signer returns
            wanted="32 bytes r, 32 bytes s, one byte v, which is 27 or 28",
        )
    r, s, v = signature[:32].hex(), signature[32:64].hex(), signature[64]
    vault = "null" if account is None else f'"{account.text}"'
    expiry = "null" if expires_after_ms is None else expires_after_ms
    rest = (
        f',"nonce":{nonce},"signature":{{"r":"0x{r}","s":"0x{s}","v":{v}}}'
        f',"vaultAddress":{vault},"expiresAfter":{expiry}}}'
    )
    return b'{"action":' + action_json + rest.encode("ascii")


class Authority(msgspec.Struct, frozen=True, kw_only=True):
    """For whom actions are signed: the network, and the account when it is not the signer's own."""

    network: Network
    account: Address | None = None

    def signed(self, action: Action, nonce: int, sign: Sign, expires_after_ms: int | None = None) -> bytes:
        """Return the body of a request, ready to send.

        Args:
            action: what is asked; nothing but the actions of this plugin can be signed.
            nonce: milliseconds, never used before by the signer.
            sign: signs the digest; the key stays on the other side of it.
            expires_after_ms: time since 1970 after which the venue refuses; None for never.

        Raises:
            LocalError: not an action of this plugin, or nonce, expiry or signature are not usable.
        """
        if not isinstance(action, Action):
            raise LocalError("only actions of this plugin are signed", found=type(action).__name__)
        connection = connection_id(_PACK.encode(action), nonce, self.account, expires_after_ms)
        signature = sign(digest(connection, self.network))
        return body(_JSON.encode(action), nonce, signature, self.account, expires_after_ms)


def _uint64(value: int, what: str) -> bytes:
    if not 0 <= value <= MAX_UINT64:
        raise LocalError(f"{what} cannot be signed", found=value, wanted="an unsigned 64-bit integer")
    return value.to_bytes(8)
