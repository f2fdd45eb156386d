"""The signature scheme: the laws of its fields and group, and each hash and signature of the vendor's."""

from __future__ import annotations

import copy
import json
import pickle
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paraphina_core.domain import InvariantError, LocalError
from paraphina_lighter.crypto import (
    ORDER,
    SCALAR_BYTES,
    NoncePool,
    ecgfp5,
    goldilocks,
    hash_to_quintic,
    poseidon2,
    public_key,
    quintic,
    schnorr,
    sign,
    verify,
)
from paraphina_lighter.crypto.goldilocks import P
from paraphina_lighter.crypto.schnorr import PreparedNonce

VECTORS = Path(__file__).parent / "vectors"
NUMBERS = st.integers(0, P - 1) | st.sampled_from([0, 1, 2, P - 1, 2**32, 2**32 - 1])
ELEMENTS = st.tuples(*[NUMBERS] * 5).map(lambda numbers: quintic.pack(*numbers))
SCALARS = st.integers(0, ORDER - 1) | st.sampled_from([0, 1, 15, 16, 17, ORDER - 1])

#: Multiples of the generator as github.com/elliottech/poseidon_crypto v0.0.15 (Apache-2.0) spells them.
MULTIPLES = {
    0: "00" * 40,
    1: "04" + "00" * 39,
    2: "384c87fe1213197f4e1b457e9d43548fc00067c00ee5c1d872895e08ab103be54336d3d4b9d5bc8c",
    5: "92dd3b4381efa007835b218e5f93c2e87b7dea4b6c9cc5530fc677da023d09d5a8e89315a906c944",
    ORDER - 1: "fdfffffffeffffff" + "00" * 32,
}


def cases(name: str) -> list[Any]:
    """Return the cases of a file as parameters."""
    told = json.loads((VECTORS / f"{name}_vectors.json").read_text())["cases"]
    return [pytest.param(case, id=case["id"]) for case in told]


def element(text: str) -> quintic.Element:
    """Read an element that must be one."""
    read = quintic.decode(bytes.fromhex(text))
    assert read is not None
    return read


def same(left: quintic.Element, right: quintic.Element) -> bool:
    """Compare elements, whatever their slots hold."""
    return quintic.coefficients(left) == quintic.coefficients(right)


def by_the_book(left: quintic.Element, right: quintic.Element) -> quintic.Element:
    """Multiply coefficient by coefficient, modulo z^5 - 3."""
    product = [0] * 5
    for i, a in enumerate(quintic.coefficients(left)):
        for j, b in enumerate(quintic.coefficients(right)):
            product[(i + j) % 5] += a * b * (3 if i + j >= 5 else 1)
    return quintic.pack(*(number % P for number in product))


@given(NUMBERS, NUMBERS)
def test_squares_of_the_base_field_have_roots_and_products_with_a_non_square_have_none(
    a: int, b: int
) -> None:
    """Roots square back, and 7 times a square is none."""
    root = goldilocks.square_root(a * a % P)
    assert root in {a, (P - a) % P}
    assert goldilocks.square_root(7 * a * a % P) is None or a == 0
    assert goldilocks.inverse(a * b % P) == goldilocks.inverse(a) * goldilocks.inverse(b) % P


@given(ELEMENTS, ELEMENTS, ELEMENTS)
def test_packed_products_are_the_products_of_polynomials(a: int, b: int, c: int) -> None:
    """Against schoolbook, and distributive with operands that were not reduced."""
    assert same(quintic.multiply(a, b), by_the_book(a, b))
    unreduced = quintic.subtract(quintic.multiply(a, b), quintic.multiply(b, c))
    assert same(
        quintic.multiply(unreduced, c),
        quintic.subtract(quintic.multiply(by_the_book(a, b), c), quintic.multiply(by_the_book(b, c), c)),
    )


@given(ELEMENTS)
def test_inverses_and_roots_undo_products_and_squares(a: int) -> None:
    """Zero is its own inverse; a root exists exactly where the norm says so."""
    one = quintic.ZERO if not a else quintic.ONE
    assert same(quintic.multiply(a, quintic.inverse(a)), one)
    root = quintic.square_root(a)
    assert (root is not None) == quintic.square(a)
    assert root is None or same(quintic.multiply(root, root), a)


@given(ELEMENTS)
def test_elements_are_read_as_they_are_spelt(a: int) -> None:
    """Forty bytes there and back."""
    assert quintic.decode(quintic.encode(a)) == a


@pytest.mark.parametrize("spelt", [b"", bytes(39), bytes(41), P.to_bytes(8, "little") + bytes(32)])
def test_what_is_not_the_one_spelling_of_an_element_is_refused(spelt: bytes) -> None:
    """Other lengths, and numbers that were not reduced."""
    assert quintic.decode(spelt) is None


@pytest.mark.parametrize("scalar", MULTIPLES)
def test_multiples_of_the_generator_are_the_reference_implementations(scalar: int) -> None:
    """By the tables and without them; minus one included."""
    assert public_key(scalar).hex() == MULTIPLES[scalar]
    by_doubling = ecgfp5.scale(ecgfp5.GENERATOR, scalar)
    assert quintic.encode(ecgfp5.encode(by_doubling)).hex() == MULTIPLES[scalar]


@settings(max_examples=25, deadline=None)
@given(SCALARS, SCALARS)
def test_multiples_add_up_as_their_scalars_do(a: int, b: int) -> None:
    """Tables, windows, addition, spelling and reading agree about one group."""
    left, right = ecgfp5.scale_generator(a), ecgfp5.scale(ecgfp5.GENERATOR, b)
    total = ecgfp5.encode(ecgfp5.add(left, right))
    assert total == ecgfp5.encode(ecgfp5.scale_generator((a + b) % ORDER))
    read = ecgfp5.decode(total)
    assert read is not None
    assert ecgfp5.encode(read) == total


@settings(max_examples=25, deadline=None)
@given(ELEMENTS)
def test_an_element_that_is_read_spells_itself(w: int) -> None:
    """About half of all elements belong to the group; the others are refused."""
    point = ecgfp5.decode(w)
    assert point is None or ecgfp5.encode(point) == w


def test_the_permutation_of_zeros_is_the_published_one() -> None:
    """The known answer of the reference implementation, first two of twelve entries."""
    image = [entry % P for entry in poseidon2.permute((0,) * 12)]
    assert image[:2] == [0x63ABF1755A14C31C, 0x8138163C5FD47382]


@pytest.mark.parametrize("case", cases("tx"))
def test_every_transaction_hashes_as_the_vendors_library_hashes_it(case: dict[str, Any]) -> None:
    """Body and attributes; the signature that the library made verifies, over this hash and no other."""
    expected = case["expected"]
    digest = hash_to_quintic(expected["hash_preimage_elements"])
    assert quintic.encode(digest).hex() == expected["body_hash"]
    pairs = sorted((int(kind), value) for kind, value in expected["l2_tx_attributes"].items())
    if pairs:
        filled = [*(number for pair in pairs for number in pair), *[0] * 8][:8]
        attributes = hash_to_quintic(filled)
        digest = hash_to_quintic([*quintic.coefficients(digest), *quintic.coefficients(attributes)])
    assert quintic.encode(digest).hex() == expected["tx_hash"]
    key, signature = bytes.fromhex(case["public_key"]), bytes.fromhex(case["example_signature"]["hex"])
    assert verify(key, digest, signature)
    assert not verify(key, digest + 1, signature)


@pytest.mark.parametrize("case", cases("auth_token"))
def test_every_auth_token_hashes_as_the_vendors_library_hashes_it(case: dict[str, Any]) -> None:
    """The text in numbers of eight bytes, and the signature at its end."""
    text = case["expected"]["message"].encode()
    text += bytes(-len(text) % 8)
    digest = hash_to_quintic([int.from_bytes(text[at : at + 8], "little") for at in range(0, len(text), 8)])
    assert quintic.encode(digest).hex() == case["expected"]["message_hash"]
    signature = bytes.fromhex(case["example_token"].rsplit(":", 1)[1])
    assert verify(bytes.fromhex(case["public_key"]), digest, signature)


def test_secret_keys_have_the_vendors_public_keys() -> None:
    """A key above the order is taken modulo it, as the library takes it."""
    case = json.loads((VECTORS / "tx_vectors.json").read_text())["cases"][0]
    secret = int.from_bytes(bytes.fromhex(case["private_key"]), "little") % ORDER
    assert public_key(secret).hex() == case["public_key"]


@settings(max_examples=15, deadline=None)
@given(st.integers(1, ORDER - 1), ELEMENTS, st.integers(0, 639))
def test_signatures_verify_and_no_changed_one_does(secret: int, digest: int, bit: int) -> None:
    """Any single bit of the eighty bytes counts."""
    key, signature = public_key(secret), sign(secret, digest, PreparedNonce())
    assert verify(key, digest, signature)
    changed = int.from_bytes(signature) ^ 1 << bit
    assert not verify(key, digest, changed.to_bytes(len(signature)))


def test_halves_of_a_signature_are_refused_above_the_order() -> None:
    """The same numbers plus the order would be a second spelling of one signature."""
    digest = hash_to_quintic([1])
    signature = sign(7, digest, PreparedNonce())
    s = int.from_bytes(signature[:SCALAR_BYTES], "little") + ORDER
    assert not verify(public_key(7), digest, s.to_bytes(SCALAR_BYTES, "little") + signature[SCALAR_BYTES:])
    assert not verify(bytes(40), digest, signature)


def test_a_nonce_is_spent_once() -> None:
    """A second signature with it would give the key away."""
    nonce = PreparedNonce()
    sign(7, hash_to_quintic([1]), nonce)
    with pytest.raises(InvariantError, match="twice"):
        sign(7, hash_to_quintic([2]), nonce)


@pytest.mark.parametrize("held", [PreparedNonce(), NoncePool()])
def test_nonces_are_neither_copied_nor_stored_nor_printed(held: Any) -> None:
    """A copy is a second use."""
    for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(LocalError, match="copied or stored"):
            attempt(held)
    assert not any(digit in repr(PreparedNonce()) for digit in "0123456789")


def test_prepared_nonces_differ_and_are_handed_out_once() -> None:
    """As many as were prepared, then others."""
    pool = NoncePool(capacity=3)
    pool.fill()
    assert len(pool) == 3
    spellings = {pool.take().spend()[1] for _ in range(10)}
    assert len(spellings) == 10


def test_a_pool_fills_itself_again() -> None:
    """What was taken is prepared anew, aside from the thread that took it."""
    pool = NoncePool(capacity=2)
    pool.take()
    for _ in range(500):
        if len(pool) == 2:
            break
        time.sleep(0.01)
    assert len(pool) == 2


FORK = """
import os
from paraphina_lighter.crypto import NoncePool
pool = NoncePool(capacity=2)
pool.fill()
child = os.fork()
if child == 0:
    os._exit(len(pool))
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), len(pool))
"""


def test_a_child_begins_without_its_parents_nonces() -> None:
    """What the parent prepared is not in the child, and still in the parent."""
    told = subprocess.run([sys.executable, "-c", FORK], capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["0", "2"]


def test_one_secret_number_and_digest_make_one_signature() -> None:
    """What is random is the nonce and nothing else."""
    digest = hash_to_quintic([1, 2, 3])
    spelling = ecgfp5.encode(ecgfp5.scale_generator(11))
    first = schnorr.signature(7, digest, 11, spelling)
    assert first == schnorr.signature(7, digest, 11, spelling)
    assert verify(public_key(7), digest, first)
