"""Keys, hashes and addresses as Ethereum has them, from libraries that the core does not require."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paraphina_core.connector import (
    CURVE_ORDER,
    Secp256k1Key,
    checksummed,
    keccak,
    recover_address,
)
from paraphina_core.domain import LocalError

#: Of EIP-55, all of its examples.
CHECKSUMMED = (
    "0x52908400098527886E0F7030069857D2E4169EE7",
    "0x8617E340B3D01FA5F11F306F4090FD50E238070D",
    "0xde709f2102306220921060314715629080e2fb77",
    "0x27b1fdb04752bbc536007a920d24acb045561c26",
    "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
    "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
    "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
    "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
)


@pytest.mark.parametrize("address", CHECKSUMMED)
def test_an_address_is_spelled_with_its_checksum(address: str) -> None:
    """However it was written before."""
    assert checksummed(address.lower()) == checksummed("0x" + address[2:].upper()) == address


@pytest.mark.parametrize("text", ["", "0x", "0x" + "g" * 40, "0x" + "1" * 39, "1" * 42, "0x" + "1" * 41])
def test_what_is_no_address_has_no_checksum(text: str) -> None:
    """Length, prefix and digits are looked at."""
    with pytest.raises(LocalError):
        checksummed(text)


def test_keccak_is_the_hash_of_before_the_standard() -> None:
    """The digest of nothing is the one that every Ethereum library gives."""
    assert keccak(b"").hex() == "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"


@given(
    st.integers(1, CURVE_ORDER - 1),
    st.binary(min_size=32, max_size=32),
    st.binary(min_size=65, max_size=65),
    st.integers(0, 64),
)
def test_an_address_is_recovered_from_its_own_signature_alone(
    secret: int, digest: bytes, other: bytes, place: int
) -> None:
    """A signature with one byte changed, or any 65 bytes, gives another address or none, and never raises."""
    key = Secp256k1Key(f"0x{secret:064x}")
    signature = key.sign(digest)
    assert recover_address(digest, signature) == key.address
    changed = signature[:place] + bytes([signature[place] ^ 0x55]) + signature[place + 1 :]
    assert recover_address(digest, changed) != key.address
    assert recover_address(digest, other) != key.address


@pytest.mark.parametrize(("digest", "signature"), [(31, 65), (33, 65), (32, 64), (32, 66), (0, 0)])
def test_nothing_is_recovered_from_other_lengths(digest: int, signature: int) -> None:
    """The library would raise for some of them, and read beyond for none."""
    assert recover_address(bytes(digest), b"\x1b" * signature) is None


@pytest.mark.parametrize(("module", "package"), [("coincurve", "coincurve"), ("sha3", "safe-pysha3")])
def test_a_missing_library_is_named_when_something_is_signed(module: str, package: str) -> None:
    """With what installs it; nothing weaker is taken in its place."""
    code = f"""
import sys
sys.modules[{module!r}] = None  # how Python marks what cannot be imported
from paraphina_core.connector import Secp256k1Key
from paraphina_core.domain import ConfigError
try:
    Secp256k1Key(f"0x{{1:064x}}")
except ConfigError as e:
    print(e)
"""
    done = subprocess.run([sys.executable, "-I", "-c", code], check=True, capture_output=True, text=True)
    assert f"needs the package {package}," in done.stdout
    assert f"pip install '{package}" in done.stdout


def test_importing_the_contract_loads_neither_library() -> None:
    """A core without venues signs nothing and needs nothing for it."""
    code = "import sys, paraphina_core.connector; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-I", "-c", code], check=True, capture_output=True, text=True)
    assert not {"coincurve", "sha3", "_pysha3"} & set(done.stdout.split())
