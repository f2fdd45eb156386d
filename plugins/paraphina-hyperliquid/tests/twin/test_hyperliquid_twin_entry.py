"""Before anything is done: nonces, expiries, agents, subaccounts, and what an account may ask for at all."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from hyperliquid_desk import Desk, cancel, order, place
from paraphina_core.connector import Network
from paraphina_core.domain import ConfigError
from paraphina_hyperliquid.signer import Signer
from paraphina_hyperliquid.twin.authority import NonceSet, user_signed_digest
from paraphina_hyperliquid.twin.budget import Budget
from paraphina_hyperliquid.twin.entry import weight
from paraphina_hyperliquid.twin.members import funded_accounts
from paraphina_hyperliquid.twin.wire import ApproveAgentAction, ApproveBuilderFeeAction, read_body

NOOP = {"type": "noop"}
DEFAULT = {"status": "ok", "response": {"type": "default"}}
DAY_MS = 86_400_000
STRANGER = Signer("0x" + "77" * 32)


# --- nonces -----------------------------------------------------------------------------------------


def test_f041_a_nonce_is_used_once() -> None:
    """The same request a second time is refused, whatever became of the first."""
    desk = Desk()
    body = desk.signed(NOOP)
    assert desk.post("/exchange", body)[1] == DEFAULT
    assert desk.post("/exchange", body)[1] == {"status": "err", "response": "Invalid nonce: duplicate nonce"}


def test_two_signers_have_nonces_of_their_own() -> None:
    """Master and agent may use the same number."""
    desk = Desk()
    assert desk.act(NOOP, nonce=desk.now_ms) == DEFAULT
    assert desk.act(NOOP, desk.maker.agent_key, nonce=desk.now_ms) == DEFAULT


@pytest.mark.parametrize(
    ("ahead_ms", "is_taken"),
    [
        (0, True),
        (-2 * DAY_MS, False),
        (-2 * DAY_MS + 1, True),
        (DAY_MS, False),
        (DAY_MS - 1, True),
    ],
)
def test_f042_a_nonce_lies_within_two_days_past_and_one_ahead(ahead_ms: int, is_taken: bool) -> None:
    """The window is open at both ends (docs "Nonces and API wallets", read 2026-08-22)."""
    desk = Desk()
    said = desk.act(NOOP, nonce=desk.now_ms + ahead_ms)
    assert (said == DEFAULT) == is_taken
    assert is_taken or said["response"].startswith("Invalid nonce: ")


def test_a_nonce_below_the_lowest_of_a_hundred_is_refused_and_between_them_is_not() -> None:
    """Order does not matter as long as the number is above the lowest that is remembered."""
    nonces = NonceSet()
    now = 1_763_800_000_000
    assert not [n for n in range(now - 200, now, 2) if nonces.refuse(n, now) is not None]
    assert len(nonces.used) == 100
    assert nonces.refuse(now - 201, now) is not None
    assert nonces.refuse(now - 199, now) is None
    assert nonces.refuse(now - 200, now) is not None  # fell out when the hundred-and-first came


def test_a_noop_uses_up_the_nonce_of_a_request_under_way() -> None:
    """The fastest way to stop one: what comes later with the same number is refused."""
    desk = Desk()
    under_way = desk.signed(place(order("2", "10")))
    assert desk.act(NOOP, nonce=under_way["nonce"]) == DEFAULT
    assert "duplicate nonce" in desk.post("/exchange", under_way)[1]["response"]
    assert desk.ask("openOrders", user=desk.maker.address) == []


# --- expiry -----------------------------------------------------------------------------------------


def test_a_request_after_its_expiry_is_refused_and_costs_five() -> None:
    """At the millisecond itself it is still taken; a stale one is not done and is counted fivefold."""
    desk = Desk()
    assert desk.act(NOOP, expires_after=desk.now_ms) == DEFAULT
    used = desk.ask("userRateLimit", user=desk.maker.address)["nRequestsUsed"]
    stale = place(order("2", "10"), order("2", "11"))
    assert desk.refused(stale, expires_after=desk.now_ms - 1) == "Action already expired"
    assert desk.ask("userRateLimit", user=desk.maker.address)["nRequestsUsed"] == used + 10
    assert desk.ask("openOrders", user=desk.maker.address) == []


# --- who --------------------------------------------------------------------------------------------


def approve(
    desk: Desk, address: str, name: str | None, key: str | None = None, chain: str = "Testnet"
) -> Any:
    """Approve an agent, or remove it with the zero address; by default as the maker."""
    nonce = desk.nonce()
    action = ApproveAgentAction(
        hyperliquid_chain="Testnet",
        signature_chain_id="0x66eee",
        agent_address=address,
        nonce=nonce,
        agent_name=name,
    )
    action = msgspec.structs.replace(action, hyperliquid_chain=chain)
    made = Signer(key or desk.maker.key).sign(user_signed_digest(action))
    spelled = msgspec.to_builtins(action)
    if name is None:
        del spelled["agentName"]
    signature = {"r": "0x" + made[:32].hex(), "s": "0x" + made[32:64].hex(), "v": made[64]}
    body = {"action": spelled, "nonce": nonce, "signature": signature}
    status, said = desk.post("/exchange", body)
    assert status == 200
    return said


def sentence(said: Any) -> str:
    """Return with what a request was refused."""
    assert said["status"] == "err", said
    text: str = said["response"]
    return text


def test_an_agent_trades_for_its_master_and_has_no_account_of_its_own() -> None:
    """Its orders are the master's; asked about itself, it gets empty answers and no error."""
    desk = Desk()
    oid = desk.rest("2", "10", key=desk.maker.agent_key)
    assert [o["oid"] for o in desk.ask("openOrders", user=desk.maker.address)] == [oid]
    assert desk.ask("openOrders", user=desk.maker.agent) == []
    assert desk.ask("clearinghouseState", user=desk.maker.agent)["withdrawable"] == "0.0"
    assert desk.ask("userRole", user=desk.maker.agent) == {
        "role": "agent",
        "data": {"user": desk.maker.address},
    }
    assert desk.ask("userRole", user=desk.maker.address) == {"role": "user"}
    assert desk.ask("userRole", user=STRANGER.address) == {"role": "missing"}
    assert desk.ask("extraAgents", user=desk.maker.address) == []  # it has no name, and is not shown


def test_a_stranger_is_named_in_the_refusal() -> None:
    """The address that the signature gives, so that a wrong hash can be recognised."""
    desk = Desk()
    said = desk.refused(NOOP, "0x" + "77" * 32)
    assert said == f"User or API Wallet {STRANGER.address} does not exist."


def test_f052_an_approved_agent_may_act_until_it_is_removed() -> None:
    """Approved by its master with a name, listed, and gone after the same name with the zero address."""
    desk = Desk()
    key = "0x" + "77" * 32
    assert approve(desk, STRANGER.address, "bot") == DEFAULT
    assert desk.act(NOOP, key) == DEFAULT
    (agent,) = desk.ask("extraAgents", user=desk.maker.address)
    assert agent == {
        "name": "bot",
        "address": STRANGER.address,
        "validUntil": desk.now_ms + 90 * DAY_MS,
    }
    assert approve(desk, "0x" + "0" * 40, "bot") == DEFAULT
    assert "does not exist" in desk.refused(NOOP, key)
    another = Signer("0x" + "78" * 32).address
    assert sentence(approve(desk, another, "bot")) == "User has pending agent removal"
    desk.wait(5_000)
    assert approve(desk, another, "bot") == DEFAULT


def test_f052_credentials_that_have_expired_are_a_strangers_until_they_are_restored() -> None:
    """What the fault of that name does to an account; its open orders stay."""
    desk = Desk(flow="no")
    desk.rest("2", "10")
    account = desk.twin.exchange.account(desk.maker.address)
    account.expired = True
    for key in (desk.maker.key, desk.maker.agent_key):
        assert "does not exist" in desk.refused(NOOP, key)
    assert len(desk.ask("openOrders", user=desk.maker.address)) == 1
    account.expired = False
    assert desk.act(NOOP) == DEFAULT


def test_an_agent_ends_with_its_date() -> None:
    """The date stands in the name; in the past or too far ahead it is refused."""
    desk = Desk(flow="no")
    until = desk.now_ms + 60_000
    assert approve(desk, STRANGER.address, f"bot valid_until {until}") == DEFAULT
    desk.wait(60_000)
    assert desk.act(NOOP, "0x" + "77" * 32) == DEFAULT
    desk.wait(1)
    assert "does not exist" in desk.refused(NOOP, "0x" + "77" * 32)
    for bad in (desk.now_ms, desk.now_ms + 180 * DAY_MS + 1):
        said = approve(desk, Signer("0x" + "79" * 32).address, f"x valid_until {bad}")
        assert sentence(said) == "Agent valid_until already expired."


def test_a_master_has_three_named_agents_and_one_without() -> None:
    """A fourth name is refused; a new one without a name takes the place of the old one."""
    desk = Desk()
    for number in range(3):
        fresh = Signer(f"0x{number + 1:064x}").address
        assert approve(desk, fresh, f"n{number}") == DEFAULT
    fresh = Signer(f"0x{9:064x}").address
    assert sentence(approve(desk, fresh, "n3")).startswith("Too many extra agents")
    assert approve(desk, fresh, None) == DEFAULT
    assert "does not exist" in desk.refused(NOOP, desk.maker.agent_key)
    assert sentence(approve(desk, fresh, None)) == "Extra agent already used."


def test_only_a_master_approves() -> None:
    """An agent that signs it is told that it has no money; so is a stranger; a wrong chain is refused."""
    desk = Desk()
    said = approve(desk, STRANGER.address, "bot", desk.maker.agent_key)
    assert sentence(said) == f"Must deposit before performing actions. User: {desk.maker.agent}"
    assert sentence(approve(desk, STRANGER.address, "bot", chain="Mainnet")).startswith("Invalid chain")


def test_no_builder_has_what_a_builder_needs() -> None:
    """Builders are not part of the twin; it refuses them with the words for one without money."""
    desk = Desk()
    nonce = desk.nonce()
    action = ApproveBuilderFeeAction(
        hyperliquid_chain="Testnet",
        signature_chain_id="0x66eee",
        max_fee_rate="0.01%",
        builder="0x" + "11" * 20,
        nonce=nonce,
    )
    made = Signer(desk.maker.key).sign(user_signed_digest(action))
    signature = {"r": "0x" + made[:32].hex(), "s": "0x" + made[32:64].hex(), "v": made[64]}
    body = {"action": msgspec.to_builtins(action), "nonce": nonce, "signature": signature}
    said = desk.post("/exchange", body)[1]
    assert sentence(said) == "Builder has insufficient balance to be approved."
    with_builder = place(order("2", "10")) | {"builder": {"b": "0x" + "11" * 20, "f": 10}}
    assert desk.refused(with_builder) == "Builder fee has not been approved."


def test_a_vault_address_names_a_subaccount_and_nothing_else() -> None:
    """The first account's subaccount is traded by its keys alone; the own plain address is no vault."""
    desk = Desk()
    sub = desk.twin.subaccount
    (status,) = desk.statuses(place(order("2", "10")), desk.maker.agent_key, vault=sub)
    assert "resting" in status
    assert len(desk.ask("openOrders", user=sub)) == 1
    assert desk.ask("openOrders", user=desk.maker.address) == []
    assert desk.ask("userRole", user=sub) == {
        "role": "subAccount",
        "data": {"master": desk.maker.address},
    }
    assert desk.ask("subAccounts", user=desk.maker.address)[0]["subAccountUser"] == sub
    assert desk.ask("subAccounts", user=desk.taker.address) is None
    own = desk.maker.address
    assert desk.refused(NOOP, vault=own) == f"Vault not registered: {own}"
    assert desk.refused(NOOP, desk.taker.key, vault=sub) == f"Vault not registered: {sub}"


# --- how much ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("traded", "requests", "cancels"),
    [
        (0, 10_000, 20_000),
        (100, 10_100, 20_200),
        (89_999, 99_999, 199_998),
        (90_000, 100_000, 200_000),
        (90_001, 100_001, 200_001),
    ],
)
def test_requests_are_earned_by_trading(traded: int, requests: int, cancels: int) -> None:
    """Docs "Rate limits and user limits" (read 2026-08-22)."""
    budget = Budget(Decimal(traded), 0)
    assert (budget.limit, budget.cancel_limit) == (requests, cancels)


@pytest.mark.parametrize(
    ("traded", "orders"),
    [("0", 1_000), ("4999999", 1_000), ("5000000", 1_001), ("100000000000", 5_000)],
)
def test_open_orders_are_earned_by_trading(traded: str, orders: int) -> None:
    """One more for every five million USDC, up to five thousand."""
    desk = Desk(traded_usd=traded)
    assert desk.twin.budgets[desk.maker.address].open_orders == orders


def test_f050_without_requests_left_one_is_taken_in_ten_seconds_and_cancels_go_on() -> None:
    """The refusal names both numbers and the volume; a batch counts each of its orders."""
    desk = Desk(requests_used="9999")
    oid = desk.rest("2", "10")
    assert desk.act(NOOP) == DEFAULT  # the one that is let through
    said = desk.refused(place(order("2", "10"), order("2", "10")))
    assert said.startswith(
        "Too many cumulative requests sent (10003 > 10000) for cumulative volume traded $0."
    )
    assert desk.statuses(cancel(oid)) == ["success"]
    desk.wait(10_000)
    assert desk.act(NOOP) == DEFAULT
    assert desk.refused(NOOP).startswith("Too many cumulative requests sent")


@pytest.mark.parametrize(("count", "units"), [(1, 1), (39, 1), (40, 2), (79, 2), (80, 3), (200, 6)])
def test_a_batch_weighs_one_more_for_every_forty(count: int, units: int) -> None:
    """Docs "Rate limits and user limits" (read 2026-08-22)."""
    body = Desk().signed(place(*[order("2", "10")] * count))
    assert weight(read_body(json.dumps(body).encode()).action) == units


def test_f048_an_address_that_asks_too_much_gets_429_until_the_minute_is_over() -> None:
    """1,200 units a minute for one IP address; another address is not concerned."""
    desk = Desk(flow="no")
    for _ in range(60):
        desk.ask("meta")
    assert desk.post("/info", {"type": "exchangeStatus"}) == (429, None)
    assert desk.post("/exchange", desk.signed(NOOP)) == (429, None)
    assert desk.post("/info", {"type": "exchangeStatus"}, peer="127.0.0.2")[0] == 200
    desk.wait(60_001)
    desk.ask("meta")


def test_settings_that_mean_nothing_are_refused() -> None:
    """A name that there is not, and a number that is none."""
    with pytest.raises(ConfigError, match="not usable"):
        Desk(volume="1")
    with pytest.raises(ConfigError, match="not usable"):
        Desk(traded_usd="much")


def test_the_keys_of_a_seed_are_always_the_same_and_of_another_seed_never() -> None:
    """Nobody needs to store them."""
    assert funded_accounts(1, 2) == funded_accounts(1, 2)
    keys = {key for seed in (1, 2) for one in funded_accounts(seed, 2) for key in (one.key, one.agent_key)}
    assert len(keys) == 8
    assert Desk(Network.MAINNET, seed=1).maker == funded_accounts(1, 2)[0]
