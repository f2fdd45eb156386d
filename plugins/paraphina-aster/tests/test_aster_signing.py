"""Signed requests are those of three independent libraries, byte for byte, and no key ever shows."""

from __future__ import annotations

import copy
import json
import pickle
import traceback
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paraphina_aster import signing
from paraphina_aster.signer import Agent, ApiSecret, signing_key
from paraphina_aster.signing import (
    AgentAuthority,
    ApiKeyAuthority,
    digest,
    domain_separator,
    parse_address,
)
from paraphina_aster.spec import VENUE
from paraphina_core.connector import Network, WriteContext, recover_address
from paraphina_core.domain import ConfigError, LocalError

VECTORS = Path(__file__).parent / "vectors"
KEY = "0x4fd0a42218f3eae43a6ce26d22544e986139a01e5b34a62db53757ffca81bae1"  # of the venue's documentation
SECRET = "2b5eb11e18796d12d88f13dc27dbbd02c2cc51ff7059765ed9821957d82bb4d9"  # same
API_KEY = "dbefbc809e3e83c283a984c3a1459732ea7db1360ca80c5c2c8867408d28cc83"  # same
NETWORKS = {number: network for network, number in signing.CHAIN_IDS.items()}


def cases(group: str) -> list[Any]:
    """Return the vectors of a group."""
    found = json.loads((VECTORS / f"{group}.json").read_text(encoding="utf-8"))["cases"]
    return [pytest.param(case, id=case["id"]) for case in found]


V3, V1 = cases("v3_eip712"), cases("v1_hmac")
OWN_ORDER = [case for case in V3 if case.values[0]["inputs"]["encoder"] == "urlencode"]


def agent_context(inputs: dict[str, Any]) -> WriteContext:
    """Return what a vector's request is signed with."""
    agent = Agent(inputs["private_key"])
    return WriteContext(nonce=int(inputs["nonce"]), at_ns=0, sign=agent.sign, identity=agent.identity)


@pytest.mark.parametrize("case", V3)
def test_a_text_is_hashed_and_signed_as_by_other_libraries(case: dict[str, Any]) -> None:
    """Domain, digest, signature and recovered agent of every vector are ours too."""
    inputs, expected = case["inputs"], case["expected"]
    network = NETWORKS[inputs["chain_id"]]
    assert "0x" + domain_separator(network).hex() == expected["eip712_domain_separator"]
    hashed = digest(expected["msg"], network)
    assert "0x" + hashed.hex() == expected["eip712_digest"]
    signature = Agent(inputs["private_key"]).sign(hashed)
    assert signature.hex() == expected["signature_hex_no_0x"]
    assert recover_address(hashed, signature) == expected["recovered_signer"].lower()


@pytest.mark.parametrize("case", OWN_ORDER)
def test_a_request_is_spelled_as_the_documentation_says(case: dict[str, Any]) -> None:
    """Parameters, nonce, user where one is named, agent, signature: the whole text is the vector's."""
    inputs, expected = case["inputs"], case["expected"]
    authority = AgentAuthority(network=NETWORKS[inputs["chain_id"]], user=inputs["user"])
    text = authority.signed([(name, value) for name, value in inputs["params"]], agent_context(inputs))
    assert text == f"{expected['msg']}&signature={expected['signature_hex_no_0x']}"
    assert text in {expected["body"], expected["url"].partition("?")[2]}


def test_the_vectors_that_are_spelled_otherwise_are_few() -> None:
    """Two are of a client that puts its own parameters first; the venue takes any order."""
    assert (len(V3), len(OWN_ORDER)) == (29, 27)


@pytest.mark.parametrize("case", V1)
def test_an_old_key_authenticates_what_the_documentation_says(case: dict[str, Any]) -> None:
    """The documentation's own literals are among these."""
    secret = ApiSecret(case["inputs"]["secret"])
    assert secret.sign(case["expected"]["signed_string"].encode()).hex() == case["expected"]["signature"]


@pytest.mark.parametrize("case", [case for case in V1 if case.values[0]["inputs"]["placement"] != "mixed"])
def test_a_request_of_an_old_key_is_the_documented_one(case: dict[str, Any]) -> None:
    """Window and time come behind the endpoint's own parameters, the signature last."""
    inputs, expected = case["inputs"], case["expected"]
    *parameters, window, time = ((name, value) for name, value in inputs["params"])
    assert window == ("recvWindow", str(signing.RECEIVE_WINDOW_MS))
    context = WriteContext(
        nonce=1, at_ns=int(time[1]) * 1_000_000 + 999_999, sign=ApiSecret(inputs["secret"]).sign
    )
    authority = ApiKeyAuthority()
    text = authority.signed(parameters, context)
    assert text == f"{expected['signed_string']}&signature={expected['signature']}"
    assert text in {expected["body"], expected["url"].partition("?")[2]}
    assert VENUE.private_headers({"api_key": inputs["api_key"]}).keys() <= expected["headers"].keys()


PITFALLS = {param.id: param.values[0] for param in cases("pitfalls")}


@pytest.mark.parametrize("name", ["aster-pit-sorting", "aster-pit-with-signature"])
def test_a_text_that_is_not_the_one_sent_has_another_digest(name: str) -> None:
    """Sorted parameters, or the signature's own name among what is signed."""
    right, wrong = (PITFALLS[name][side] for side in ("right", "wrong"))
    assert "0x" + digest(right["msg"], Network.MAINNET).hex() == right["digest"]
    assert "0x" + digest(wrong["msg"], Network.MAINNET).hex() == wrong["digest"] != right["digest"]


def test_the_networks_have_digests_of_their_own() -> None:
    """The chain id alone tells them apart."""
    text = PITFALLS["aster-pit-sorting"]["right"]["msg"]
    right, wrong = (PITFALLS["aster-pit-chain"][side] for side in ("right", "wrong"))
    assert "0x" + digest(text, Network.MAINNET).hex() == right["digest"]
    assert "0x" + digest(text, Network.TESTNET).hex() == wrong["digest"] != right["digest"]
    assert len(PITFALLS) == 3


NAMES = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=8)


@given(st.lists(st.tuples(NAMES, st.text(max_size=20)), max_size=5), st.integers(1, 2**63 - 1))
def test_whatever_is_sent_is_what_was_signed(parameters: list[tuple[str, str]], nonce: int) -> None:
    """For any values: the text before the signature is signed, and reads back as the parameters."""
    agent = Agent(KEY)
    context = WriteContext(nonce=nonce, at_ns=0, sign=agent.sign, identity=agent.identity)
    text = AgentAuthority(network=Network.TESTNET).signed(parameters, context)
    signed, _, signature = text.rpartition("&signature=")
    assert recover_address(digest(signed, Network.TESTNET), bytes.fromhex(signature)) == agent.address
    own = [("nonce", str(nonce)), ("signer", agent.identity["address"])]
    assert parse_qsl(signed, keep_blank_values=True, strict_parsing=True) == [*parameters, *own]


@pytest.mark.parametrize("broken", [b"", bytes(64), bytes(65), bytes(64) + b"\x1d", bytes(66)])
def test_a_broken_signature_never_leaves(broken: bytes) -> None:
    """Length and v are looked at before the request is spelled."""
    context = WriteContext(nonce=1, at_ns=0, sign=lambda _: broken, identity=Agent(KEY).identity)
    with pytest.raises(LocalError, match="signature"):
        AgentAuthority(network=Network.MAINNET).signed([], context)


@pytest.mark.parametrize(("nonce", "identity"), [(0, True), (-1, True), (2**63, True), (1, False)])
def test_nothing_is_signed_without_a_nonce_and_an_agent(nonce: int, identity: bool) -> None:  # a case
    """The venue would refuse it, with a code that says something else."""
    agent = Agent(KEY)
    context = WriteContext(nonce=nonce, at_ns=0, sign=agent.sign, identity=agent.identity if identity else {})
    with pytest.raises(LocalError, match="cannot be signed"):
        AgentAuthority(network=Network.MAINNET).signed([], context)


@pytest.mark.parametrize(
    ("secrets", "found"),
    [
        ({}, "no key"),
        ({"agent_private_key": "", "api_secret": ""}, "no key"),
        ({"api_secret": SECRET}, "half of one"),
        ({"agent_private_key": KEY, "api_secret": SECRET}, "two keys"),
    ],
)
def test_exactly_one_key_signs(secrets: dict[str, str], found: str) -> None:
    """With two of them nobody could say which account is traded."""
    with pytest.raises(ConfigError, match=found) as caught:
        signing_key(secrets)
    shown = "".join(traceback.format_exception(caught.value))
    assert KEY not in shown
    assert SECRET not in shown


def test_each_kind_of_key_makes_its_signer() -> None:
    """An agent is told by its address, a secret by a fingerprint that is not it."""
    agent, secret = (
        signing_key({"agent_private_key": KEY}),
        signing_key({"api_secret": SECRET, "api_key": API_KEY}),
    )
    assert agent.identity == {"address": "0x21cF8Ae13Bb72632562c6Fff438652Ba1a151bb0"}
    (fingerprint,) = secret.identity.values()
    assert fingerprint not in SECRET
    assert fingerprint != ApiSecret(SECRET[::-1]).identity["fingerprint"]


@pytest.mark.parametrize("text", ["", "short", SECRET + "\n", " " + SECRET, SECRET[:-1] + "é", "a" * 257])
def test_f094_what_cannot_be_a_secret_is_refused_and_not_repeated(text: str) -> None:
    """Blanks and line ends, foreign letters, and lengths that no key has."""
    with pytest.raises(ConfigError) as caught:
        ApiSecret(text)
    shown = "".join(traceback.format_exception(caught.value))
    assert len(text) < 10 or text not in shown


def test_a_signer_shows_who_it_is_and_never_its_key() -> None:
    """Neither text, nor attributes that print, nor a copy, nor a stored one gives it away."""
    for signer, key in ((Agent(KEY), KEY[2:]), (ApiSecret(SECRET), SECRET)):
        assert key not in repr(signer)
        assert "********" in str(signer)
        assert not hasattr(signer, "__dict__")
        for steal in (pickle.dumps, copy.copy, copy.deepcopy):
            with pytest.raises(LocalError):
                steal(signer)


@pytest.mark.parametrize("text", ["", "0x", "0x" + "0" * 40, "ab" * 20, "0x" + "ab" * 21, "0x" + "gg" * 20])
def test_what_is_no_address_is_refused(text: str) -> None:
    """Also the address of nobody."""
    with pytest.raises(ConfigError):
        parse_address(text)


@pytest.mark.parametrize("text", ["", "a b", "k" * 15, "k" * 129, "key\n" * 5, "schlüssel" * 4])
def test_what_cannot_name_a_key_is_refused(text: str) -> None:
    """It stands in a header, where a line end would be another header."""
    with pytest.raises(ConfigError):
        signing_key({"api_key": text, "api_secret": SECRET})
