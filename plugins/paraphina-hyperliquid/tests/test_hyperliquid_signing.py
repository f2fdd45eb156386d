"""Signed requests are those of the official SDK, byte for byte, and no key ever shows."""

from __future__ import annotations

import ast
import copy
import json
import pickle
import traceback
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paraphina_core.connector import CURVE_ORDER, Network, keccak, recover_address
from paraphina_core.domain import ConfigError, LocalError, exact
from paraphina_hyperliquid import actions as spelled
from paraphina_hyperliquid.signer import Signer
from paraphina_hyperliquid.signing import (
    DOMAIN_SEPARATOR,
    Authority,
    body,
    connection_id,
    digest,
    parse_address,
)

VECTORS = Path(__file__).parent / "vectors"
PACKAGE = Path(spelled.__file__).parent
KEY = "0x" + "0123456789" * 6 + "0123"
ADDRESS = "0x14791697260e4c9a71f18484c9f997b308e59325"  # of KEY, by the SDK's tests


def cases(*groups: str) -> list[Any]:
    """Return the vectors of some groups."""
    return [
        pytest.param(case, id=case["id"])
        for group in groups
        for case in json.loads((VECTORS / f"{group}.json").read_text(encoding="utf-8"))["cases"]
    ]


L1 = cases("order", "cancel", "modify", "risk", "sdk_official")
USER_SIGNED = cases("user_signed")


def network(inputs: dict[str, Any]) -> Network:
    """Return the network of a vector."""
    return Network.MAINNET if inputs["is_mainnet"] else Network.TESTNET


def connection(inputs: dict[str, Any]) -> bytes:
    """Hash the action of a vector with everything that is hashed with it."""
    account = inputs["vault_address"]
    return connection_id(
        msgspec.msgpack.encode(inputs["action"]),
        inputs["nonce"],
        None if account is None else parse_address(account),
        inputs["expires_after"],
    )


def signature(expected: dict[str, Any]) -> bytes:
    """Return a vector's signature as 65 bytes."""
    r, s, v = (expected["signature"][part] for part in "rsv")
    return bytes.fromhex(r[2:] + s[2:]) + bytes([v])


@pytest.mark.parametrize("case", L1)
def test_an_action_is_hashed_and_signed_as_by_the_official_sdk(case: dict[str, Any]) -> None:
    """MessagePack, connection id, digest, signature and recovered address of every vector are ours too."""
    inputs, expected = case["inputs"], case["expected"]
    assert msgspec.msgpack.encode(inputs["action"]).hex() == expected["msgpack_hex"]
    hashed = connection(inputs)
    assert "0x" + hashed.hex() == expected["connection_id"]
    assert "0x" + DOMAIN_SEPARATOR.hex() == expected["eip712_domain_separator"]
    signed = digest(hashed, network(inputs))
    assert "0x" + signed.hex() == expected["eip712_digest"]
    signer = Signer(inputs["private_key"])
    assert signer.sign(signed) == signature(expected)
    assert signer.address == inputs["signer_address"].lower()
    assert recover_address(signed, signer.sign(signed)) == expected["recovered_address"].lower()


@pytest.mark.parametrize("case", L1)
def test_a_request_is_the_one_the_official_sdk_posts(case: dict[str, Any]) -> None:
    """Same keys in the same order and same values; r and s are the same numbers in full length."""
    inputs, expected = case["inputs"], case["expected"]
    account = inputs["vault_address"]
    posted = json.loads(
        body(
            msgspec.json.encode(inputs["action"]),
            inputs["nonce"],
            signature(expected),
            None if account is None else parse_address(account),
            inputs["expires_after"],
        )
    )
    theirs = expected["http_body"]
    assert posted["signature"] == expected["signature"]
    assert {int(posted["signature"][part], 16) - int(theirs["signature"][part], 16) for part in "rs"} == {0}
    assert json.dumps(posted | {"signature": 0}) == json.dumps(theirs | {"signature": 0})


def action_of(inputs: dict[str, Any]) -> spelled.Action | None:
    """Read the action of a vector as one of ours, None where there is none of that kind."""
    try:
        action = msgspec.convert(inputs["action"], spelled.Action, strict=True)
    except msgspec.ValidationError:
        return None
    same = json.dumps(msgspec.to_builtins(action)) == json.dumps(inputs["action"])
    return action if same else None


OURS = [param for param in L1 if action_of(param.values[0]["inputs"]) is not None]


def test_most_vectors_are_of_actions_that_are_made_here() -> None:
    """What is left are triggers, builders, priority fees, TWAP and the like, which are never sent."""
    made = {type(action_of(param.values[0]["inputs"])) for param in OURS}
    assert made == set(get_args(spelled.Action))
    assert len(OURS) == 47


@pytest.mark.parametrize("case", OURS)
def test_a_typed_action_becomes_the_same_request(case: dict[str, Any]) -> None:
    """The whole way from one of our actions to bytes ready to send gives the vector's request."""
    inputs, expected = case["inputs"], case["expected"]
    action = action_of(inputs)
    assert action is not None
    account = inputs["vault_address"]
    authority = Authority(
        network=network(inputs), account=None if account is None else parse_address(account)
    )
    sign = Signer(inputs["private_key"]).sign
    posted = authority.signed(action, inputs["nonce"], sign, inputs["expires_after"])
    theirs = expected["http_body"] | {"signature": expected["signature"]}
    assert posted == json.dumps(theirs, separators=(",", ":")).encode()


@pytest.mark.parametrize(
    "case", [p for p in L1 if (p.values[0]["inputs"].get("high_level") or {}).get("orders")]
)
def test_prices_and_sizes_of_orders_are_spelled_as_by_the_official_sdk(case: dict[str, Any]) -> None:
    """Exact decimals in, the vector's wire strings out."""
    orders = case["inputs"]["action"]["orders"]
    for ours, theirs in zip(case["inputs"]["high_level"]["orders"], orders, strict=True):
        assert spelled.wire_number(exact(ours["price"]), "price") == theirs["p"]
        assert spelled.wire_number(exact(ours["size"]), "size") == theirs["s"]


PITFALLS = {param.id: param.values[0] for param in cases("pitfalls")}


def hashed(side: dict[str, Any]) -> str:
    """Return the connection id of one side of a pitfall; its nonce is zero where it names none."""
    packed = msgspec.msgpack.encode(side["action"])
    return "0x" + connection_id(packed, side.get("nonce", 0), None, side.get("expires_after")).hex()


@pytest.mark.parametrize("name", ["top-key-order", "order-key-order", "trailing-zero", "f-false"])
def test_an_action_spelled_otherwise_has_another_hash(name: str) -> None:
    """Both hashes are the vector's: keys in another order, a trailing zero, a flag that says false."""
    pair = PITFALLS[f"hl-pit-{name}"]
    assert hashed(pair["right"]) == pair["right"]["connection_id"]
    assert hashed(pair["wrong"]) == pair["wrong"]["connection_id"]
    assert pair["right"]["connection_id"] != pair["wrong"]["connection_id"]


def test_an_expiry_is_hashed_behind_a_marker_of_its_own() -> None:
    """Without the marker the hash would be the vector's wrong one."""
    pair = PITFALLS["hl-pit-expires-without-marker"]
    right, wrong = pair["right"], pair["wrong"]["connection_id"]
    packed = msgspec.msgpack.encode(right["action"])
    unmarked = packed + right["nonce"].to_bytes(8) + b"\x00" + right["expires_after"].to_bytes(8)
    assert "0x" + keccak(unmarked).hex() == wrong
    assert hashed(right) == right["connection_id"] != wrong


def test_the_networks_have_digests_of_their_own() -> None:
    """The production network's source is `a`, the test network's is `b`."""
    right, wrong = (PITFALLS["hl-pit-source-swap"][side] for side in ("right", "wrong"))
    connection_ = bytes.fromhex(right["connection_id"][2:])
    assert "0x" + digest(connection_, Network.MAINNET).hex() == right["digest"]
    assert "0x" + digest(connection_, Network.TESTNET).hex() == wrong["digest"] != right["digest"]


def test_every_pitfall_is_tested() -> None:
    """Six, of which four are spellings."""
    assert len(PITFALLS) == 6


@pytest.mark.parametrize("case", USER_SIGNED)
def test_a_digest_of_any_origin_is_signed_as_by_the_official_sdk(case: dict[str, Any]) -> None:
    """The signer is deterministic and does not ask what it signs; these actions are not made here."""
    inputs, expected = case["inputs"], case["expected"]
    signed = bytes.fromhex(expected["eip712_digest"][2:])
    assert Signer(inputs["private_key"]).sign(signed) == signature(expected)
    assert recover_address(signed, signature(expected)) == expected["recovered_address"].lower()


def test_the_vectors_meet_signatures_with_leading_zeros() -> None:
    """The full length of r and s is proven by cases in which the SDK's form is shorter."""
    assert [
        param.id
        for param in (*L1, *USER_SIGNED)
        if param.values[0]["expected"]["signature"] != param.values[0]["expected"]["signature_sdk_form"]
    ]


@given(st.binary(min_size=32, max_size=32), st.integers(1, CURVE_ORDER - 1))
def test_every_signature_recovers_its_signer_and_is_the_same_again(digest_: bytes, secret: int) -> None:
    """For any key and digest."""
    signer = Signer(f"0x{secret:064x}")
    signed = signer.sign(digest_)
    assert recover_address(digest_, signed) == signer.address
    assert signer.sign(digest_) == signed


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0x",
        KEY[2:],
        KEY[:-1],
        KEY + "0",
        KEY + "\n",
        " " + KEY,
        "0X" + KEY[2:],
        KEY[:-1] + "g",
        KEY[:-1] + "١",
        "0x" + "0" * 64,
        f"0x{CURVE_ORDER:064x}",
        f"0x{CURVE_ORDER + 1:064x}",
        "0x" + "f" * 64,
    ],
)
def test_f094_what_is_not_exactly_a_key_is_refused_and_not_repeated(text: str) -> None:
    """Lengths, prefixes, blanks, foreign digits, zero and numbers that the curve does not have."""
    with pytest.raises(ConfigError) as caught:
        Signer(text)
    shown = "".join(traceback.format_exception(caught.value))
    assert len(text) < 10 or text not in shown
    assert caught.value.found is None


def test_the_first_and_the_last_key_of_the_curve_are_keys() -> None:
    """The limits themselves; their addresses are known from the curve's generator."""
    assert Signer(f"0x{1:064x}").address == "0x7e5f4552091a69125d5dfcb7b8c2659029395bdf"
    assert Signer(f"0x{CURVE_ORDER - 1:064x}").address == "0x80c0dbf239224071c59dd8970ab9d542e3414ab2"


def test_a_signer_shows_its_address_and_never_its_key() -> None:
    """Neither text, nor attributes that print, nor a copy, nor a stored one gives the key away."""
    signer = Signer(KEY)
    assert repr(signer) == str(signer) == f"Signer(address={ADDRESS}, key=********)"
    assert not hasattr(signer, "__dict__")
    for steal in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(LocalError):
            steal(signer)


@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_only_digests_are_signed(length: int) -> None:
    """Anything but 32 bytes is refused, so that nothing is hashed by accident."""
    with pytest.raises(LocalError):
        Signer(KEY).sign(bytes(length))


MAINNET = Authority(network=Network.MAINNET)
NOOP = spelled.NoopAction()


@pytest.mark.parametrize("broken", [b"", bytes(64), bytes(65), bytes(64) + b"\x1d", bytes(66)])
def test_a_broken_signature_never_leaves(broken: bytes) -> None:
    """Length and v are checked before the request is spelled."""
    with pytest.raises(LocalError):
        MAINNET.signed(NOOP, 1, lambda _: broken)


@pytest.mark.parametrize("number", [-1, 2**64])
def test_nonce_and_expiry_are_unsigned_64_bit_integers(number: int) -> None:
    """One beyond either limit is refused, the limits pass."""
    sign = Signer(KEY).sign
    with pytest.raises(LocalError, match="nonce"):
        MAINNET.signed(NOOP, number, sign)
    with pytest.raises(LocalError, match="expiry"):
        MAINNET.signed(NOOP, 1, sign, number)
    for fine in (0, 2**64 - 1):
        assert json.loads(MAINNET.signed(NOOP, fine, sign, fine))["expiresAfter"] == fine


def test_only_actions_of_the_plugin_are_signed() -> None:
    """A dictionary, whatever is in it, is refused before anything is hashed."""
    action: Any = {"type": "vaultTransfer", "usd": 1}

    def sign(digest_: bytes) -> bytes:
        pytest.fail(f"asked to sign {digest_.hex()}, which is no action of ours")

    with pytest.raises(LocalError, match="only actions of this plugin"):
        MAINNET.signed(action, 1, sign)


def test_a_signature_is_bound_to_network_account_nonce_and_expiry() -> None:
    """Each of them alone changes what is signed."""
    seen: list[bytes] = []

    def sign(digest_: bytes) -> bytes:
        seen.append(digest_)
        return bytes(64) + b"\x1b"

    account = parse_address("0x" + "Ab" * 20)
    for authority, nonce, expiry in (
        (MAINNET, 1, None),
        (Authority(network=Network.TESTNET), 1, None),
        (Authority(network=Network.MAINNET, account=account), 1, None),
        (MAINNET, 2, None),
        (MAINNET, 1, 0),
        (MAINNET, 1, 1),
    ):
        authority.signed(NOOP, nonce, sign, expiry)
    assert len(set(seen)) == len(seen) == 6


@pytest.mark.parametrize(
    "text", ["", "0x", "0x" + "0" * 40, "ab" * 20, "0x" + "ab" * 19, "0x" + "ab" * 21, "0x" + "gg" * 20]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    """Also the address of nobody."""
    with pytest.raises(ConfigError):
        parse_address(text)


def test_an_address_is_sent_in_lower_case() -> None:
    """The venue hashes the lower-case text of what it is sent."""
    address = parse_address("0x" + "Ab" * 20)
    assert address.text == "0x" + "ab" * 20
    assert address.raw == b"\xab" * 20


def test_the_plugin_names_no_action_that_moves_money() -> None:
    """No text in its code is one of the venue's transfers, and one module alone holds a key.

    The twin is the other end: it knows what strangers may ask, and recovers who has signed.
    """
    forbidden = ("withdraw", "send", "transfer", "delegate", "approve")
    allowed = {"withdrawable"}  # a number in the account's state
    for path in (path for path in PACKAGE.rglob("*.py") if path.parent.name != "twin"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        docs = {
            ast.get_docstring(node, clean=False)
            for node in ast.walk(tree)
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        }
        texts = [
            node.value.lower()
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value not in docs
        ]
        single_words = [text for text in texts if text.isalnum() and text not in allowed]
        assert not [text for text in single_words if any(word in text for word in forbidden)], path
        assert not [text for text in texts if ".twin" in text and path.name != "spec.py"], path
        imported = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
        assert not [module for module in imported if "twin" in module.split(".")], path
        holds_a_key = "Secp256k1Key" in path.read_text(encoding="utf-8")
        assert holds_a_key == (path.name == "signer.py"), path
        assert "coincurve" not in path.read_text(encoding="utf-8"), path


def test_numbers_that_the_sdk_would_round_are_refused() -> None:
    """Beyond eight decimals nothing is dropped in silence, not even what a float would lose."""
    with pytest.raises(LocalError):
        spelled.wire_number(Decimal("0.30000000000000004"), "price")
