"""Whose account it is stands in the venue's answers, and a wrong one is named before it costs anything."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from paraphina_core.domain import ConfigError, Event, RemoteError, SubscriptionLive, VenueNotice
from paraphina_hyperliquid.account_messages import WireInfo
from paraphina_hyperliquid.roles import ACCOUNT_POST, SIGNER_POST, Roles

VECTORS = Path(__file__).parent / "vectors"
TRADED = "0x" + "ab" * 20
OWNER = "0x" + "CD" * 20
SIGNER = "0x" + "ef" * 20

CONFIRMED = [SubscriptionLive(topic="userRole")]


def info(answer: object) -> WireInfo:
    """Return an answer to a question for a role."""
    return WireInfo(type="userRole", data=msgspec.Raw(json.dumps(answer).encode()))


def told(roles: Roles, number: int, role: str, **data: str) -> list[Event]:
    """Answer one question; without data as the venue leaves it out."""
    return list(roles.read(number, info({"role": role} | ({"data": data} if data else {}))))


def test_both_addresses_are_asked_about_by_posts() -> None:
    """The account's and the key's; one question is enough where they are the same, or nothing is signed."""
    roles = Roles(TRADED, is_named=True)
    asked = [json.loads(post) for post in roles.questions(SIGNER)]
    assert [(post["id"], post["request"]["payload"]) for post in asked] == [
        (ACCOUNT_POST, {"type": "userRole", "user": TRADED}),
        (SIGNER_POST, {"type": "userRole", "user": SIGNER}),
    ]
    for signer in (TRADED, ""):
        roles = Roles(TRADED, is_named=False)
        (post,) = roles.questions(signer)
        assert json.loads(post)["id"] == ACCOUNT_POST
        assert told(roles, ACCOUNT_POST, "user") == CONFIRMED


#: Whether requests name the account, who the account is, who the key is, and whether that is right.
CASES: dict[str, tuple[bool, tuple[str, dict[str, str]], tuple[str, dict[str, str]], bool]] = {
    "agent of the owner": (False, ("user", {}), ("agent", {"user": TRADED.upper().replace("X", "x")}), True),
    "vault": (True, ("vault", {}), ("agent", {"user": OWNER}), True),
    "vault by its leader": (True, ("vault", {}), ("user", {}), True),
    "subaccount by an agent": (
        True,
        ("subAccount", {"master": OWNER}),
        ("agent", {"user": OWNER}),
        True,
    ),
    "subaccount by its owner": (True, ("subAccount", {"master": SIGNER}), ("user", {}), True),
    "agent's own address": (False, ("agent", {"user": OWNER}), ("agent", {"user": OWNER}), False),
    "nobody": (False, ("missing", {}), ("agent", {"user": OWNER}), False),
    "something new": (False, ("moon", {}), ("agent", {"user": TRADED}), False),
    "own account, but named": (True, ("user", {}), ("agent", {"user": TRADED}), False),
    "subaccount not named": (
        False,
        ("subAccount", {"master": OWNER}),
        ("agent", {"user": OWNER}),
        False,
    ),
    "vault not named": (False, ("vault", {}), ("agent", {"user": OWNER}), False),
    "agent of another": (False, ("user", {}), ("agent", {"user": OWNER}), False),
    "agent of nobody": (False, ("user", {}), ("agent", {}), False),
    "key of another account": (False, ("user", {}), ("user", {}), False),
    "subaccount of another": (True, ("subAccount", {"master": TRADED}), ("agent", {"user": OWNER}), False),
    "key that nobody knows": (False, ("user", {}), ("missing", {}), False),
    "key of a vault": (False, ("user", {}), ("vault", {}), False),
}


@pytest.mark.parametrize(("is_named", "account", "signer", "is_right"), CASES.values(), ids=CASES.keys())
@pytest.mark.parametrize("numbers", [(ACCOUNT_POST, SIGNER_POST), (SIGNER_POST, ACCOUNT_POST)])
def test_an_account_is_confirmed_or_named_as_wrong(
    numbers: tuple[int, int],
    is_named: bool,
    account: tuple[str, dict[str, str]],
    signer: tuple[str, dict[str, str]],
    is_right: bool,
) -> None:
    """In whichever order the two answers come."""
    roles = Roles(TRADED, is_named=is_named)
    roles.questions(SIGNER)
    answers = {ACCOUNT_POST: account, SIGNER_POST: signer}
    events = [event for n in numbers for event in told(roles, n, answers[n][0], **answers[n][1])]
    if is_right:
        assert events == CONFIRMED
        roles.check()
        return
    assert events
    assert all(isinstance(event, VenueNotice) and event.code == "wrong_account" for event in events)
    with pytest.raises(ConfigError, match="not what the settings say"):
        roles.check()


def test_what_is_confirmed_is_not_asked_again_with_the_same_key() -> None:
    """Each question costs as much as sixty orders; another key is another question."""
    roles = Roles(TRADED, is_named=False)
    roles.questions("")
    assert not roles.is_confirmed
    told(roles, ACCOUNT_POST, "user")
    assert roles.is_confirmed
    assert roles.questions("") == []
    assert roles.is_confirmed
    assert len(roles.questions(SIGNER)) == 2
    assert not roles.is_confirmed


def test_what_was_wrong_is_asked_again_with_a_new_opening() -> None:
    """The operator may have put it right at the venue meanwhile."""
    roles = Roles(TRADED, is_named=False)
    roles.questions("")
    told(roles, ACCOUNT_POST, "missing")
    roles.questions("")
    roles.check()
    assert told(roles, ACCOUNT_POST, "user") == CONFIRMED


def test_a_recorded_answer_is_read() -> None:
    """A vault of mainnet, without any data."""
    answer = json.loads((VECTORS / "user_role.json").read_text(encoding="utf-8"))["response"]
    roles = Roles(TRADED, is_named=True)
    roles.questions("")
    assert roles.read(ACCOUNT_POST, info(answer)) == (SubscriptionLive(topic="userRole"),)


@pytest.mark.parametrize("answer", [None, 5, {}, {"role": 5}, {"role": "agent", "data": []}])
def test_f026_an_answer_that_is_no_role_is_refused(answer: object) -> None:
    """It confirms nothing."""
    roles = Roles(TRADED, is_named=True)
    roles.questions("")
    with pytest.raises(RemoteError):
        roles.read(ACCOUNT_POST, info(answer))
