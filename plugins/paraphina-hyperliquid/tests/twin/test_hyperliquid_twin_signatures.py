"""The twin finds out who has signed: right signatures give the signer, wrong ones a stranger."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperliquid_desk import ATOM, BTC, Desk, cancel, order, place
from paraphina_core.connector import Network
from paraphina_core.domain import RemoteProtocolError
from paraphina_hyperliquid.signer import Signer
from paraphina_hyperliquid.signing import connection_id, digest, parse_address
from paraphina_hyperliquid.twin.authority import recover, signer_of, user_signed_digest
from paraphina_hyperliquid.twin.wire import (
    ApproveAgentAction,
    ApproveBuilderFeeAction,
    Body,
    PlaceAction,
    Signature,
    number,
    read_body,
)

VECTORS = Path(__file__).parents[1] / "vectors"


def cases(*groups: str) -> list[Any]:
    """Return the vectors of some groups."""
    return [
        pytest.param(case, id=case["id"])
        for group in groups
        for case in json.loads((VECTORS / f"{group}.json").read_text(encoding="utf-8"))["cases"]
    ]


L1 = cases("order", "cancel", "modify", "risk", "sdk_official")
USER_SIGNED = cases("user_signed")
PITFALLS = {param.id: param.values[0] for param in cases("pitfalls")}


def network(inputs: dict[str, Any]) -> Network:
    """Return the network of a vector."""
    return Network.MAINNET if inputs["is_mainnet"] else Network.TESTNET


def request_of(case: dict[str, Any]) -> Body | None:
    """Read what the official SDK posts; None where the twin does not know the action."""
    try:
        return read_body(json.dumps(case["expected"]["http_body"]).encode())
    except RemoteProtocolError:
        return None


def address(case: dict[str, Any]) -> str:
    """Return who has signed a vector."""
    return Signer(case["inputs"]["private_key"]).address


@pytest.mark.parametrize("case", L1)
def test_every_vector_gives_its_signer(case: dict[str, Any]) -> None:
    """Read and spelled anew where the twin knows the action, as it stands where it does not."""
    inputs, read = case["inputs"], request_of(case)
    if read is not None:
        assert signer_of(read, network(inputs)) == address(case)
        return
    account = inputs["vault_address"]
    hashed = connection_id(
        msgspec.msgpack.encode(inputs["action"]),
        inputs["nonce"],
        None if account is None else parse_address(account),
        inputs["expires_after"],
    )
    signature = msgspec.convert(case["expected"]["signature_sdk_form"], Signature)
    assert recover(digest(hashed, network(inputs)), signature) == address(case)


def test_the_twin_knows_the_actions_of_most_vectors() -> None:
    """What it does not know are made-up ones, TWAP, isolated margin, request weight and abstractions."""
    unknown = {p.values[0]["inputs"]["action"]["type"] for p in L1 if request_of(p.values[0]) is None}
    assert unknown == {
        "dummy",
        "twapOrder",
        "twapCancel",
        "updateIsolatedMargin",
        "reserveRequestWeight",
        "agentSetAbstraction",
    }


@pytest.mark.parametrize("case", L1)
def test_a_signature_for_the_other_network_gives_a_stranger(case: dict[str, Any]) -> None:
    """A client of one network that has come to the other is not recognised."""
    other = Network.TESTNET if case["inputs"]["is_mainnet"] else Network.MAINNET
    read = request_of(case)
    if read is not None:
        assert signer_of(read, other) not in {address(case), None}


@pytest.mark.parametrize("case", USER_SIGNED)
def test_every_user_signed_vector_gives_its_signer(case: dict[str, Any]) -> None:
    """Approvals by the digest that the twin makes, all others by the vector's."""
    expected = case["expected"]
    signed = bytes.fromhex(expected["eip712_digest"][2:])
    read = request_of(case)
    if read is not None:
        assert isinstance(read.action, ApproveAgentAction | ApproveBuilderFeeAction)
        assert user_signed_digest(read.action) == signed
        assert signer_of(read, network(case["inputs"])) == address(case)
    signature = msgspec.convert(expected["signature_sdk_form"], Signature)
    assert recover(signed, signature) == address(case)


def test_approvals_are_the_user_signed_actions_that_the_twin_knows() -> None:
    """Three of agents and one of a builder; nothing that moves money."""
    known = [param.id for param in USER_SIGNED if request_of(param.values[0]) is not None]
    assert len(known) == 4
    assert all("approve" in name for name in known)


@pytest.mark.parametrize("name", ["top-key-order", "order-key-order", "trailing-zero", "f-false"])
def test_a_wrong_spelling_is_refused_as_a_strangers(name: str) -> None:
    """The right spelling is looked at, the wrong one names an address that nobody has."""
    pair, desk = PITFALLS[f"hl-pit-{name}"], Desk()
    assert desk.act(pair["right"]["action"])["status"] == "ok"
    sentence = desk.refused(pair["wrong"]["action"])
    assert sentence.startswith("User or API Wallet 0x")
    assert sentence.endswith(" does not exist.")
    assert desk.maker.address not in sentence


def test_an_expiry_hashed_without_its_marker_is_refused_as_a_strangers() -> None:
    """The pitfall's hash signed by a known key recovers somebody else."""
    pair, desk = PITFALLS["hl-pit-expires-without-marker"], Desk()
    right = pair["right"]
    for side, is_right in ((right, True), (pair["wrong"], False)):
        hashed = bytes.fromhex(side["connection_id"][2:])
        made = Signer(desk.maker.key).sign(digest(hashed, Network.TESTNET))
        body = {
            "action": right["action"],
            "nonce": right["nonce"],
            "signature": {"r": "0x" + made[:32].hex(), "s": "0x" + made[32:64].hex(), "v": made[64]},
            "expiresAfter": right["expires_after"],
        }
        read = read_body(json.dumps(body).encode())
        assert (signer_of(read, Network.TESTNET) == desk.maker.address) == is_right


def test_a_signature_for_mainnet_is_refused_on_the_test_network() -> None:
    """The source in the signed message differs, and so does the address."""
    right, wrong = (PITFALLS["hl-pit-source-swap"][side] for side in ("right", "wrong"))
    assert right["digest"] != wrong["digest"]
    desk = Desk()
    assert "does not exist" in desk.refused(place(order("2", "10")), network=Network.MAINNET)
    assert desk.act(place(order("2", "10")))["status"] == "ok"
    mainnet = Desk(Network.MAINNET)
    assert "does not exist" in mainnet.refused(place(order("2", "10")), network=Network.TESTNET)
    assert mainnet.act(place(order("2", "10")))["status"] == "ok"


def test_every_pitfall_is_refused_in_a_test() -> None:
    """Six, of which four are spellings."""
    assert len(PITFALLS) == 6


def test_the_same_coin_has_other_numbers_on_the_other_network() -> None:
    """A client that carries numbers over orders something else."""
    names = [[coin["name"] for coin in Desk(one).ask("meta")["universe"]] for one in Network]
    assert [universe.index("BTC") for universe in names] == [0, BTC]
    assert [universe.index("ATOM") for universe in names] == [2, ATOM]


def test_leading_zeros_of_a_signature_may_be_left_out() -> None:
    """As the official SDK does, and as the venue accepts."""
    desk = Desk()
    while True:
        body = desk.signed({"type": "noop"})
        if body["signature"]["r"].startswith("0x0"):
            break
    body["signature"]["r"] = "0x" + body["signature"]["r"][2:].lstrip("0")
    assert desk.post("/exchange", body) == (200, {"status": "ok", "response": {"type": "default"}})


@pytest.mark.parametrize(
    ("part", "value", "said"),
    [
        ("r", "0x0", "Unable to recover signer."),
        ("s", "0x0", "Unable to recover signer."),
        ("r", "0x" + "f" * 64, "Unable to recover signer."),
        ("v", 29, "Unable to recover signer."),
        ("v", -1, "Unable to recover signer."),
    ],
)
def test_what_no_key_can_have_signed_has_no_signer(part: str, value: Any, said: str) -> None:
    """Numbers that the curve does not have, a recovery id that does not exist."""
    desk = Desk()
    body = desk.signed({"type": "noop"})
    body["signature"][part] = value
    assert desk.post("/exchange", body) == (200, {"status": "err", "response": said})


@pytest.mark.parametrize("what", ["action", "nonce", "vaultAddress", "expiresAfter"])
def test_a_signature_vouches_for_all_of_a_request(what: str) -> None:
    """Changed on its way, it is a stranger's."""
    desk = Desk()
    body = desk.signed(cancel(1))
    body[what] = {
        "action": cancel(2),
        "nonce": body["nonce"] + 1,
        "vaultAddress": desk.twin.subaccount,
        "expiresAfter": desk.now_ms + 5_000,
    }[what]
    _, said = desk.post("/exchange", body)
    assert "does not exist" in said["response"]


@given(whole=st.integers(0, 10**12), decimals=st.text("0123456789", max_size=8))
def test_numbers_are_spelled_without_zeros_that_say_nothing(whole: int, decimals: str) -> None:
    """Any plain decimal becomes the shortest that means the same, and that one stays as it is."""
    sent = f"{whole:015d}" + (f".{decimals}" if decimals else "")
    spelled = number(sent)
    assert number(spelled) == spelled
    assert float(spelled) == float(sent)
    assert spelled == spelled.strip() == (spelled.rstrip("0").rstrip(".") if "." in spelled else spelled)


@pytest.mark.parametrize("text", ["", "1e3", "-1", "+1", "1.", ".5", "1.123456789", "١", "nan", "1 ", "1_0"])
def test_what_is_no_plain_decimal_is_not_read_at_all(text: str) -> None:
    """The venue cannot read such a body either: it says so with a status of HTTP."""
    desk = Desk()
    said = desk.post("/exchange", desk.signed(place(order(text, "1"))))
    assert said == (422, "Failed to deserialize the JSON body into the target type")


def test_client_ids_and_builders_are_hashed_in_lower_case() -> None:
    """Whoever signs upper case has signed something else."""
    desk = Desk()
    upper = place(order("2", "10", cloid="0x" + "AB" * 16))
    assert "does not exist" in desk.refused(upper)
    read = read_body(json.dumps(desk.signed(upper)).encode())
    assert isinstance(read.action, PlaceAction)
    assert read.action.orders[0].c == "0x" + "ab" * 16
