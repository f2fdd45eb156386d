"""The only module that holds a key: it signs orders, cancels, leverage and tokens, and nothing else.

An API key of the venue can sign withdrawals too. Whatever is shown to the signer is therefore read by it, and
what is not one of these kinds, number for number, is refused.

Two ways lead to the same signature: the scheme as it is written here, and the vendor's own library. What is
shown says which.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import Final, NoReturn

from paraphina_core.domain import ConfigError, LocalError

from .crypto import ORDER, NoncePool, hash_to_quintic, public_key, sign
from .crypto.quintic import Element, coefficients
from .vendor import VendorLibrary

#: What a signer returns: when the transaction expires (milliseconds), and s and e of the signature.
TIME_BYTES: Final = 8
SIGNATURE_BYTES: Final = TIME_BYTES + 80

#: Numbers that each kind of transaction adds to the six that all have (lighter-go 1.0.7).
_FIELDS: Final[Mapping[int, int]] = {14: 10, 15: 2, 16: 2, 17: 5, 20: 3}
_HEADER: Final = 6
_MAX_ATTRIBUTES: Final = 4
_NUMBER_BYTES: Final = 8

_KEY: Final = re.compile(r"(?:0x)?[0-9a-fA-F]{80}", re.ASCII)
_TOKEN: Final = re.compile(rb"([0-9]{1,11}):([0-9]{1,15}):([0-9]{1,3})", re.ASCII)


class SignedBy(IntEnum):
    """Whose code signs."""

    OURS = 1
    LIBRARY = 2


class _Shown(IntEnum):
    """What is shown to the signer."""

    TRANSACTION = 1
    TOKEN = 2


class Numbers:
    """A transaction as it is hashed."""

    __slots__ = ("attributes", "numbers")

    def __init__(self, packed: bytes) -> None:
        count, rest = divmod(len(packed), _NUMBER_BYTES)
        read = struct.unpack(f"<{count}Q", packed) if not rest else ()
        fields = _FIELDS.get(read[1]) if count > 1 and read else None
        if fields is None or count < _HEADER + fields:
            raise LocalError("only transactions of this plugin are signed", found=f"{len(packed)} bytes")
        self.numbers: tuple[int, ...] = read[: _HEADER + fields]
        self.attributes: tuple[int, ...] = read[_HEADER + fields :]
        if len(self.attributes) % 2 or len(self.attributes) > 2 * _MAX_ATTRIBUTES:
            raise LocalError("only transactions of this plugin are signed", found="odd attributes")

    @property
    def digest(self) -> Element:
        """What is signed; in hexadecimal it is the hash that the venue knows the transaction by."""
        body = hash_to_quintic(self.numbers)
        if not self.attributes:
            return body
        padding = (0,) * (2 * _MAX_ATTRIBUTES - len(self.attributes))
        beside = hash_to_quintic((*self.attributes, *padding))
        return hash_to_quintic((*coefficients(body), *coefficients(beside)))


def transaction_payload(signed_by: SignedBy, numbers: Sequence[int], attributes: Sequence[int]) -> bytes:
    """Return what a signer is shown for a transaction.

    Raises:
        struct.error: a number has more than 64 bits, or is below zero.
    """
    packed = struct.pack(f"<{len(numbers) + len(attributes)}Q", *numbers, *attributes)
    return bytes((signed_by, _Shown.TRANSACTION)) + packed


def token_payload(signed_by: SignedBy, message: bytes) -> bytes:
    """Return what a signer is shown for a token."""
    return bytes((signed_by, _Shown.TOKEN)) + message


def token_digest(message: bytes) -> Element:
    """Hash the text of a token: its bytes by eights, the last ones filled up with zeros."""
    padded = message + bytes(-len(message) % _NUMBER_BYTES)
    return hash_to_quintic(struct.unpack(f"<{len(padded) // _NUMBER_BYTES}Q", padded))


class Signer:
    """Signs with one API key.

    Args:
        key_text: 80 hex digits, with or without `0x`, as the venue gave them out.

    Raises:
        ConfigError: the text is not a key, which is not repeated.
    """

    __slots__ = ("__secret", "_library", "_nonces", "_public")

    def __init__(self, key_text: str) -> None:
        secret = 0
        if _KEY.fullmatch(key_text) is not None:
            secret = int.from_bytes(bytes.fromhex(key_text[-80:]), "little")
        if not 0 < secret < ORDER:
            raise ConfigError(
                "API private key is not usable", wanted="80 hex digits of a number below the curve's order"
            )
        self.__secret = secret
        self._public = public_key(secret).hex()
        self._nonces = NoncePool()
        self._library: VendorLibrary | None = None

    @property
    def identity(self) -> Mapping[str, str]:
        """The public key, which the venue shows with the account."""
        return {"public_key": self._public}

    def sign(self, payload: bytes) -> bytes:
        """Sign a transaction or a token of this plugin.

        Returns:
            Eight bytes of when the transaction expires in milliseconds, and the signature's 80 bytes.

        Raises:
            LocalError: it is something else, or the vendor's library refuses.
            ConfigError: the vendor's library is not there, or not the one that this was written for.
        """
        if payload[1:2] == bytes((_Shown.TOKEN,)):
            return self._sign_token(payload[0], payload[2:])
        if payload[1:2] != bytes((_Shown.TRANSACTION,)):
            raise LocalError("only what this plugin makes is signed", found=f"{len(payload)} bytes")
        shown = Numbers(payload[2:])
        if payload[0] == SignedBy.LIBRARY:
            expired_at_ms, signature = self._vendor().sign(shown.numbers, shown.attributes)
        else:
            expired_at_ms = shown.numbers[3]
            signature = sign(self.__secret, shown.digest, self._nonces.take())
        return expired_at_ms.to_bytes(TIME_BYTES, "little") + signature

    def _sign_token(self, signed_by: int, message: bytes) -> bytes:
        found = _TOKEN.fullmatch(message)
        if found is None:
            raise LocalError("only tokens of this plugin are signed", found=f"{len(message)} bytes")
        if signed_by == SignedBy.LIBRARY:
            deadline_s, account, key = (int(part) for part in found.groups())
            signature = self._vendor().sign_token(deadline_s, account, key)
        else:
            signature = sign(self.__secret, token_digest(message), self._nonces.take())
        return bytes(TIME_BYTES) + signature

    def _vendor(self) -> VendorLibrary:
        if self._library is None:
            self._library = VendorLibrary(self.__secret.to_bytes(40, "little").hex())
        return self._library

    def __repr__(self) -> str:
        return f"Signer(public_key={self._public}, secret=********)"

    def __reduce__(self) -> NoReturn:
        raise LocalError("a signer is not copied or stored", remedy="make another one from the key")
