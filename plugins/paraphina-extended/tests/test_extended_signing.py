"""Orders are signed as the venue's own SDK signs them, byte for byte, with its library and without."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paraphina_core.connector import Network, StarkKey, verify_stark
from paraphina_core.domain import LocalError, Side
from paraphina_extended.signing import (
    Amounts,
    Assets,
    Authority,
    Settlement,
    Terms,
    amounts,
    domain_hash,
    expiration_s,
    order_hash,
    order_hash_in_python,
)

VECTORS = Path(__file__).parent / "vectors"
CASES = json.loads((VECTORS / "order_vectors.json").read_bytes())["cases"]
HASHES = json.loads((VECTORS / "order_hash_vectors.json").read_bytes())["cases"]
#: One leg alone: there is no settlement of the order itself.
SIGNED = [case for case in CASES if case["inputs"].get("order_type") != "TPSL"]
#: What is never sent: orders with triggers, or for a builder.
SENT = [case for case in SIGNED if not {"trigger", "tp_sl_type", "builder_id"} & set(case["inputs"])]
ASSETS = Assets(
    synthetic_id=0x4254432D3600000000000000000000,
    collateral_id=1,
    synthetic_resolution=10**6,
    collateral_resolution=10**6,
)
KEY = StarkKey("0x7a7ff6fd3cab02ccdcd4a572563f5976f8976899b03a39773795a3c486d4986")  # nobody's


def _ids(cases: list[dict[str, Any]]) -> list[str]:
    return [case["id"] for case in cases]


def _assets(inputs: dict[str, Any]) -> Assets:
    config = inputs["l2_config"]
    return Assets(
        synthetic_id=int(config["syntheticId"], 16),
        collateral_id=int(config["collateralId"], 16),
        synthetic_resolution=config["syntheticResolution"],
        collateral_resolution=config["collateralResolution"],
    )


def _fee(inputs: dict[str, Any]) -> Decimal:
    return Decimal(inputs.get("taker_fee", "0.0005"))


def _expires_ms(inputs: dict[str, Any]) -> int:
    return int(datetime.fromisoformat(inputs["expire_time_utc"]).timestamp() * 1_000)


def _terms(inputs: dict[str, Any]) -> Terms:
    return Terms(
        market=inputs["market"],
        side=Side(inputs["side"].lower()),
        price=Decimal(inputs["price"]),
        size=Decimal(inputs["qty"]),
        fee_rate=_fee(inputs),
        expires_ms=_expires_ms(inputs),
        salt=inputs["nonce"],
        post_only=inputs.get("post_only", False),
        reduce_only=inputs.get("reduce_only", False),
        order_type=inputs.get("order_type", "LIMIT"),
        time_in_force=inputs.get("time_in_force", "GTT"),
        self_trade_protection=inputs.get("self_trade_protection_level", "ACCOUNT"),
        external_id=inputs.get("order_external_id"),
        replaces=inputs.get("previous_order_external_id"),
    )


@pytest.mark.parametrize("case", SIGNED, ids=_ids(SIGNED))
def test_amounts_hash_and_signature_are_those_of_the_venues_sdk(case: dict[str, Any]) -> None:
    """Buys up, sells down, fees up; both ways to hash agree; the signature is deterministic."""
    inputs, wanted = case["inputs"], case["expected"]["settlement_signing"]
    network = Network(inputs["network"])
    moved = amounts(
        _assets(inputs),
        Side(inputs["side"].lower()),
        Decimal(inputs["price"]),
        Decimal(inputs["qty"]),
        _fee(inputs) + Decimal(inputs.get("builder_fee", "0")),
    )
    assert moved == Amounts(
        base=wanted["base_amount"], quote=wanted["quote_amount"], fee=wanted["fee_amount"]
    )
    settlement = Settlement(
        assets=_assets(inputs),
        amounts=moved,
        position_id=inputs["account"]["vault"],
        expiration_s=expiration_s(_expires_ms(inputs)),
        salt=inputs["nonce"],
    )
    assert settlement.expiration_s == wanted["expiration_s"]
    key = StarkKey(inputs["account"]["private_key"])
    assert key.public_key == inputs["account"]["public_key"]
    digest = order_hash(settlement, int(key.public_key, 16), network)
    assert digest == int(wanted["order_hash"], 16)
    assert order_hash_in_python(settlement, int(key.public_key, 16), network) == digest
    signature = key.sign(digest.to_bytes(32))
    halves = (int.from_bytes(signature[:32]), int.from_bytes(signature[32:]))
    assert halves == (int(wanted["r"], 16), int(wanted["s"], 16))


@pytest.mark.parametrize("case", SENT, ids=_ids(SENT))
def test_the_body_of_an_order_is_that_of_the_venues_sdk(case: dict[str, Any]) -> None:
    """Byte for byte, without what only informs the venue's support (`debuggingAmounts`)."""
    inputs, wanted = case["inputs"], dict(case["expected"]["request_json"])
    account = inputs["account"]
    authority = Authority(
        network=Network(inputs["network"]), position_id=account["vault"], public_key=account["public_key"]
    )
    body = authority.signed(_terms(inputs), _assets(inputs), StarkKey(account["private_key"]).sign)
    del wanted["debuggingAmounts"]
    assert json.loads(body) == wanted
    assert [*json.loads(body)] == [*wanted]


@pytest.mark.parametrize("case", HASHES, ids=_ids(HASHES))
def test_hashes_of_the_venues_own_library_are_made_without_it(case: dict[str, Any]) -> None:
    """Where there is no wheel, orders are hashed in Python, on either network."""
    inputs = case["inputs"]
    assert inputs["fee_asset_id"] == inputs["quote_asset_id"]  # fees are paid in the collateral
    network = Network.MAINNET if inputs["domain_chain_id"] == "SN_MAIN" else Network.TESTNET
    settlement = Settlement(
        assets=Assets(
            synthetic_id=int(inputs["base_asset_id"], 16),
            collateral_id=int(inputs["quote_asset_id"], 16),
            synthetic_resolution=1,
            collateral_resolution=1,
        ),
        amounts=Amounts(base=inputs["base_amount"], quote=inputs["quote_amount"], fee=inputs["fee_amount"]),
        position_id=inputs["position_id"],
        expiration_s=inputs["expiration"],
        salt=inputs["salt"],
    )
    public = int(inputs["user_public_key"], 16)
    assert order_hash_in_python(settlement, public, network) == int(case["expected"]["order_hash"], 16)


def test_each_network_has_a_domain_of_its_own() -> None:
    """A signature for the test network is worth nothing on production."""
    found = {Network(case["inputs"]["network"]): case["expected"]["domain"]["domain_hash"] for case in SIGNED}
    assert {network: f"0x{domain_hash(network):x}" for network in Network} == found


@given(
    price=st.decimals(min_value="0.00001", max_value="1000000", places=5),
    size=st.decimals(min_value="0.00001", max_value="10000", places=5),
    fee=st.decimals(min_value="0", max_value="0.001", places=6),
)
def test_rounding_never_favours_whoever_signs_too_little(price: Decimal, size: Decimal, fee: Decimal) -> None:
    """A buy gives at least its value, a sell takes at most it, and the fee covers the rate."""
    value = price * size * 10**6
    if value < 1:
        return
    buy = amounts(ASSETS, Side.BUY, price, size, fee)
    sell = amounts(ASSETS, Side.SELL, price, size, fee)
    assert value <= -buy.quote < value + 1
    assert value - 1 < sell.quote <= value
    assert value * fee <= buy.fee == sell.fee < value * fee + 1


def test_a_signed_order_is_verified_by_its_public_key_alone() -> None:
    """And one field changed makes another hash."""
    authority = Authority(network=Network.MAINNET, position_id=7, public_key=KEY.public_key)
    digests: list[bytes] = []

    def sign(digest: bytes) -> bytes:
        digests.append(digest)
        return KEY.sign(digest)

    for salt in (1, 2):
        terms = Terms(
            market="BTC-USD",
            side=Side.BUY,
            price=Decimal(100),
            size=Decimal(1),
            fee_rate=Decimal("0.00025"),
            expires_ms=1_800_000_000_000,
            salt=salt,
        )
        settlement = json.loads(authority.signed(terms, ASSETS, sign))["settlement"]
        r, s = (int(settlement["signature"][half], 16) for half in "rs")
        assert verify_stark(int(KEY.public_key, 16), int.from_bytes(digests[-1]), r, s)
    assert digests[0] != digests[1]


@pytest.mark.parametrize(
    "changed",
    [
        {"order_type": "MARKET"},
        {"order_type": "MARKET", "time_in_force": "IOC", "post_only": True},
        {"time_in_force": "TOB"},
        {"time_in_force": "IOC", "post_only": True},
        {"salt": 0},
        {"salt": 2**31 + 1},
    ],
)
def test_terms_that_the_venue_refuses_are_refused_here(changed: dict[str, Any]) -> None:
    """Before anything is signed."""
    terms = {
        "market": "BTC-USD",
        "side": Side.BUY,
        "price": Decimal(100),
        "size": Decimal(1),
        "fee_rate": Decimal(0),
        "expires_ms": 1,
        "salt": 1,
    }
    with pytest.raises(LocalError):
        Terms(**{**terms, **changed})
