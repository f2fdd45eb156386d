"""Keys and hashes as Starknet has them: the library and the plain Python beside it give the same bytes."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys

import fast_stark_crypto as rust
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paraphina_core.connector import (
    STARK_ORDER,
    STARK_PRIME,
    StarkKey,
    pedersen,
    stark_python,
    verify_stark,
)
from paraphina_core.domain import ConfigError, LocalError

KEY = "0xbed3cad0d83aad946cff3674eed9fd48ff164081aa7d5e40fe24b9549ee166"
KEYS = st.integers(1, STARK_ORDER - 1)
FELTS = st.integers(0, STARK_PRIME - 1) | st.integers(0, 20) | st.sampled_from([1 << 248, STARK_PRIME - 1])
HASHES = st.integers(0, stark_python.BOUND - 1)
FEW = settings(max_examples=40, deadline=None)


@FEW
@given(FELTS, FELTS)
def test_plain_python_hashes_as_the_library_does(first: int, second: int) -> None:
    """Small numbers, numbers with their high bits set, and any between."""
    assert stark_python.pedersen(first, second) == rust.pedersen_hash(first, second)


@FEW
@given(KEYS, HASHES)
def test_plain_python_signs_as_the_library_does(key: int, digest: int) -> None:
    """The same public key, and the same two numbers."""
    assert stark_python.public_key(key) == rust.get_public_key(key)
    assert stark_python.sign(key, digest) == rust.sign(key, digest)


@FEW
@given(KEYS, HASHES)
def test_a_signature_holds_for_its_key_and_hash_alone(key: int, digest: int) -> None:
    """Whichever of the two verifies it."""
    public, (r, s) = stark_python.public_key(key), stark_python.sign(key, digest)
    for verify in (verify_stark, stark_python.verify):
        assert verify(public, digest, r, s)
        assert not verify(public, digest ^ 1, r, s)
        assert not verify(public, digest, r ^ 1, s)
        assert not verify(public, digest, r, s ^ 1)


@pytest.mark.parametrize(
    ("public", "digest", "r", "s"),
    [
        (0, 1, 1, 1),
        (5, 1, 2, 3),
        (STARK_PRIME, 1, 1, 1),
        (1, 2**251, 1, 1),
        (1, 1, 0, 1),
        (1, 1, 1, STARK_ORDER),
    ],
)
def test_numbers_that_are_none_of_the_curve_sign_nothing(public: int, digest: int, r: int, s: int) -> None:
    """They come from outside, and raise no error."""
    assert not verify_stark(public, digest, r, s)


@pytest.mark.parametrize("number", [-1, STARK_PRIME])
def test_a_number_outside_of_the_field_is_not_hashed(number: int) -> None:
    """It would be taken for another one."""
    for pair in ((number, 0), (0, number)):
        with pytest.raises(LocalError, match="no field element"):
            pedersen(*pair)


def test_only_whole_hashes_are_signed() -> None:
    """A text that somebody hands in by mistake is refused, and so is a hash beyond the curve."""
    for digest in (b"order", b"\xff" * 32):
        with pytest.raises(LocalError, match="cannot be signed"):
            StarkKey(KEY).sign(digest)


@pytest.mark.parametrize("key", ["", "0x", "12", "0x0", f"0x{STARK_ORDER:x}", f" {KEY}", f"{KEY}\n"])
def test_f105_a_text_that_is_no_key_is_refused_and_not_repeated(key: str) -> None:
    """The error says what is wanted and never what was given."""
    with pytest.raises(ConfigError) as error:
        StarkKey(key)
    digits = key.strip().removeprefix("0x")
    assert len(digits) < len(KEY) - 4 or digits not in str(error.value)


def test_f105_a_key_shows_its_public_half_only() -> None:
    """Printing, copying and storing it give nothing away."""
    key = StarkKey(KEY)
    assert key.public_key in repr(key)
    assert KEY[2:] not in repr(key)
    for attempt in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(LocalError, match="not copied or stored"):
            attempt(key)


def test_where_the_library_is_missing_plain_python_signs() -> None:
    """In a process that cannot import it, with the same signature."""
    code = (
        "import sys; sys.modules['fast_stark_crypto'] = None\n"
        "from paraphina_core.connector import StarkKey\n"
        f"print(StarkKey('{KEY}').sign(bytes(31) + b'x').hex())"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == StarkKey(KEY).sign(bytes(31) + b"x").hex()
