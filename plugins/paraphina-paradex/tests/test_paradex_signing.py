"""Typed data: every hash and signature that the venue's SDK makes of orders, changes and logins."""

from __future__ import annotations

import copy
import json
import pickle
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paraphina_core.connector import STARK_ORDER, STARK_PRIME, Network, verify_stark
from paraphina_core.domain import ConfigError, GridError, LocalError, Side
from paraphina_paradex.signer import Signer, wire_signature
from paraphina_paradex.typed_data import Account, felt, quanta, selector

VECTORS = Path(__file__).parent / "vectors"
KEY = "0xbed3cad0d83aad946cff3674eed9fd48ff164081aa7d5e40fe24b9549ee166"


def cases(name: str) -> list[Any]:
    """Return the cases of a file as parameters."""
    return [
        pytest.param(case, id=case["id"])
        for case in json.loads((VECTORS / f"{name}_vectors.json").read_text())["cases"]
    ]


ALL = [*cases("order"), *cases("modify"), *cases("auth"), *cases("onboarding")]


def account(case: dict[str, Any]) -> Account:
    """Return the account of a case."""
    told = case["inputs"]["account"]
    return Account(Network(told["network"]), told["account_address"])


def message_hash(case: dict[str, Any]) -> int:
    """Hash what a case describes."""
    given_, of = case["inputs"], account(case)
    if case["kind"] == "auth":
        return of.login(at_s=given_["timestamp_s"], expires_s=given_["expiration_s"])
    if case["kind"] == "onboarding":
        return of.onboarding()
    side = Side.BUY if given_["side"] == "BUY" else Side.SELL
    terms = (given_["market"], side, Decimal(given_["size"]), Decimal(given_["price"]))
    at_ms = given_["signature_timestamp_ms"]
    if case["kind"] == "modify":
        return of.modify(*terms, at_ms=at_ms, venue_order_id=given_["order_id"])
    return of.order(*terms, at_ms=at_ms, order_type=given_["type"])


@pytest.mark.parametrize("case", ALL)
def test_every_message_hashes_as_the_venues_sdk_hashes_it(case: dict[str, Any]) -> None:
    """Domain, account, type and every field are in it."""
    assert f"0x{message_hash(case):x}" == case["expected"]["message_hash"]


@pytest.mark.parametrize("case", ALL)
def test_every_signature_is_the_recorded_one(case: dict[str, Any]) -> None:
    """Byte for byte, as it is sent; and the SDK's own, made with another seed, holds for the same hash."""
    told, expected = case["inputs"]["account"], case["expected"]
    signer = Signer(told["signing_private_key"])
    assert signer.identity == {"public_key": told["signing_public_key"]}
    signature = signer.sign(message_hash(case).to_bytes(32))
    assert wire_signature(signature) == expected["rfc6979_no_seed_signature"]["flattened"]
    sdk = expected["sdk_signature"]
    public = int(signer.public_key, 16)
    assert verify_stark(public, message_hash(case), int(sdk["r"]), int(sdk["s"]))


@pytest.mark.parametrize("case", ALL)
def test_every_type_is_named_by_its_hash(case: dict[str, Any]) -> None:
    """The hash of the type's own words stands before its fields."""
    assert f"0x{selector(case['expected']['type_string']):x}" == case["expected"]["type_selector"]


def test_a_message_of_one_network_is_none_of_the_other() -> None:
    """A signature for the test network cannot be replayed in production."""
    terms = ("BTC-USD-PERP", Side.BUY, Decimal("0.001"), Decimal("43445.5"))
    hashes = {Account(network, "0x5").order(*terms, at_ms=1) for network in Network}
    assert len(hashes) == 2


def test_f020_an_amount_is_signed_exactly_or_not_at_all() -> None:
    """However a number is written it is one number; one with nine decimals is refused, not cut."""
    assert quanta(Decimal("1E-3"), "size") == quanta(Decimal("0.00100"), "size") == 100_000
    for amount in ("0.000000001", "-1", "NaN", "Infinity"):
        with pytest.raises(GridError, match="size cannot be signed"):
            quanta(Decimal(amount), "size")


@given(st.integers(0, 10**18))
def test_every_sendable_amount_comes_back_from_what_is_signed(number: int) -> None:
    """Nothing is lost between the decimal that is sent and the integer that is signed."""
    assert quanta(Decimal(number).scaleb(-8), "price") == number


@pytest.mark.parametrize("text", ["a" * 32, "Ä", "市"])
def test_a_text_that_is_no_field_element_is_refused(text: str) -> None:
    """Neither too long nor foreign letters are bent to fit."""
    with pytest.raises(LocalError, match="no field element"):
        felt(text)


@pytest.mark.parametrize("address", ["", "5", "0x", "0x0", "0xg", "0x_5", f"0x{STARK_PRIME:x}", "-0x5"])
def test_an_address_that_is_none_is_refused(address: str) -> None:
    """Zero and numbers beyond the field are nobody's."""
    with pytest.raises(LocalError, match="account address"):
        Account(Network.MAINNET, address)


@pytest.mark.parametrize(
    "key", ["", "0x", "12", "0x0", f"0x{STARK_ORDER:x}", f" {KEY}", f"{KEY}\n", "0x" + "f" * 65]
)
def test_f105_a_key_that_is_none_is_refused_and_not_repeated(key: str) -> None:
    """The error says what is wanted and never what was given."""
    with pytest.raises(ConfigError) as error:
        Signer(key)
    digits = key.strip().removeprefix("0x")
    assert len(digits) < len(KEY) - 4 or digits not in str(error.value)


def test_f105_a_signer_shows_its_public_key_only() -> None:
    """Printing, copying and storing it give nothing away."""
    signer = Signer(KEY)
    assert KEY.removeprefix("0x") not in repr(signer)
    for attempt in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(LocalError, match="not copied or stored"):
            attempt(signer)


def test_only_whole_hashes_are_signed() -> None:
    """A text that somebody hands in by mistake is refused."""
    with pytest.raises(LocalError, match="32 bytes"):
        Signer(KEY).sign(b"order")
    with pytest.raises(LocalError, match="64 bytes"):
        wire_signature(b"")


@pytest.mark.parametrize("order_id", ["", "-1", "0x1", "1.0", "١"])
def test_an_order_id_of_another_kind_is_not_signed(order_id: str) -> None:
    """The venue's ids are digits; anything else names no order."""
    terms = ("BTC-USD-PERP", Side.BUY, Decimal("0.001"), Decimal("43445.5"))
    with pytest.raises(LocalError, match="order id"):
        Account(Network.MAINNET, "0x5").modify(*terms, at_ms=1, venue_order_id=order_id)
