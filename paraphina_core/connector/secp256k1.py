"""Keys and hashes of the venues that sign as Ethereum does: secp256k1, Keccak-256, and addresses from both.

The core needs neither. Their libraries are imported when something is signed or hashed for the first time,
and come with the plugins that do so. Signatures are deterministic (RFC 6979): the same key and digest always
give the same bytes, and no random number can betray the key.
"""

from __future__ import annotations

import importlib
import re
from functools import cache
from typing import Any, Final, NoReturn

from paraphina_core.domain import ConfigError, LocalError

DIGEST_BYTES: Final = 32
#: r and s of 32 bytes each, then v, which is 27 or 28.
SIGNATURE_BYTES: Final = 65

#: Number of points of the curve secp256k1 (SEC 2, version 2.0, 2.4.1); keys lie between 0 and it.
CURVE_ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141

_KEY: Final = re.compile(r"0x[0-9a-fA-F]{64}", re.ASCII)
_ADDRESS: Final = re.compile(r"0x[0-9a-fA-F]{40}", re.ASCII)
# A recovery id of 2 or 3 needs an r that overflowed the curve's order, which nobody will ever meet.
_V: Final = (b"\x1b", b"\x1c")
#: From this hex digit of the hash on, a letter of an address is written large (EIP-55).
_LARGE_FROM: Final = "8"


class Secp256k1Key:
    """Signs digests with one key and knows nothing of what they stand for.

    Args:
        key_text: `0x` and 64 hex digits, nothing before or after.

    Raises:
        ConfigError: the text is not a key, which is not repeated; or a library is not installed.
    """

    __slots__ = ("__key", "address")

    #: Address that is recovered from the signatures, in lower case.
    address: str

    def __init__(self, key_text: str) -> None:
        if _KEY.fullmatch(key_text) is None:
            raise ConfigError("private key is not usable", wanted="0x and 64 hex digits")
        secret = int(key_text, 16)
        if not 0 < secret < CURVE_ORDER:
            raise ConfigError("private key is not usable", wanted="above zero and below the curve's order")
        self.__key = _curve().PrivateKey(secret.to_bytes(32))
        self.address = _address(self.__key.public_key)

    def sign(self, digest: bytes) -> bytes:
        """Sign 32 bytes: r and s of 32 bytes each, then v, which is 27 or 28.

        Raises:
            LocalError: the digest has another length.
        """
        if len(digest) != DIGEST_BYTES:
            raise LocalError("digest cannot be signed", found=f"{len(digest)} bytes", wanted="32 bytes")
        signature: bytes = self.__key.sign_recoverable(digest, hasher=None)
        return signature[:64] + _V[signature[64]]

    def __repr__(self) -> str:
        return f"{type(self).__name__}(address={self.address}, key=********)"

    def __reduce__(self) -> NoReturn:
        raise LocalError("a signer is not copied or stored", remedy="make another one from the key")


def keccak(data: bytes) -> bytes:
    """Return the Keccak-256 hash, which is not SHA3-256: it came before the standard.

    Raises:
        ConfigError: its library is not installed.
    """
    digest: bytes = _hash().keccak_256(data).digest()
    return digest


def recover_address(digest: bytes, signature: bytes) -> str | None:
    """Return the address whose key signed a digest, in lower case; None where no key can have.

    Args:
        digest: the 32 bytes that were signed.
        signature: as `Secp256k1Key.sign` returns it.
    """
    if len(digest) != DIGEST_BYTES or len(signature) != SIGNATURE_BYTES or signature[64:] not in _V:
        return None
    spelled = signature[:64] + bytes([_V.index(signature[64:])])
    try:
        public_key = _curve().PublicKey.from_signature_and_message(spelled, digest, hasher=None)
    except ValueError:  # r or s is no number of the curve
        return None
    return _address(public_key)


def checksummed(address: str) -> str:
    """Return an address with the letters that prove it was not mistyped written large (EIP-55).

    Raises:
        LocalError: it is not `0x` and 40 hex digits.
    """
    if _ADDRESS.fullmatch(address) is None:
        raise LocalError("address is not usable", found=address[:64], wanted="0x and 40 hex digits")
    digits = address[2:].lower()
    hashed = keccak(digits.encode()).hex()
    letters = (
        digit.upper() if mark >= _LARGE_FROM else digit
        for digit, mark in zip(digits, hashed[: len(digits)], strict=True)
    )
    return "0x" + "".join(letters)


def _address(public_key: Any) -> str:  # noqa: ANN401  # of a library that may be missing
    return "0x" + keccak(public_key.format(compressed=False)[1:])[-20:].hex()


@cache
def _curve() -> Any:  # noqa: ANN401  # same
    return _library("coincurve", "coincurve>=21,<22")


@cache
def _hash() -> Any:  # noqa: ANN401  # same
    return _library("sha3", "safe-pysha3>=1.0.7,<2")


def _library(module: str, requirement: str) -> Any:  # noqa: ANN401  # same
    try:
        return importlib.import_module(module)
    except ImportError as e:
        raise ConfigError(
            f"signing needs the package {requirement.partition('>')[0]}, which cannot be imported",
            found=str(e)[:200],
            remedy=f"pip install '{requirement}', or install the venue's plugin, which brings it",
        ) from e
