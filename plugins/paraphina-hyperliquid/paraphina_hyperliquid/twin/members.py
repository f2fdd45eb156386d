"""Who may act: accounts with money, the agents they have let act for them, and subaccounts.

Nothing here is worth anything outside of a twin: the keys are made from a seed that everybody can
know.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from paraphina_core.connector import keccak
from paraphina_hyperliquid.signer import Signer

#: Docs "Nonces and API wallets" (read 2026-08-22): one unnamed agent and three named ones.
MAX_NAMED_AGENTS: Final = 3
DAY_MS: Final = 86_400_000
#: Docs of 2026-07-09: an agent is valid for at most so long; without a date, seen on 2026-09-07, for so long.
MAX_VALID_MS: Final = 180 * DAY_MS
DEFAULT_VALID_MS: Final = 90 * DAY_MS
#: Seen on 2026-09-07: after a removal, approvals fail for about so long.
PENDING_REMOVAL_MS: Final = 5_000

NOBODY: Final = "0x" + "0" * 40

_VALID_UNTIL: Final = re.compile(r"(.*) valid_until ([0-9]{1,15})", re.ASCII | re.DOTALL)


class FundedAccount(msgspec.Struct, frozen=True, kw_only=True):
    """An account that every twin of a seed has, with money, the key of its master and that of its agent."""

    address: str
    key: str
    agent: str
    agent_key: str


class Agent(msgspec.Struct, frozen=True, kw_only=True):
    """An address that may act for a master until a time; an empty name is none."""

    address: str
    master: str
    name: str
    valid_until_ms: int


def funded_accounts(seed: int, count: int) -> tuple[FundedAccount, ...]:
    """Make the keys of a twin's accounts; the same for the same seed."""
    made = []
    for number in range(count):
        keys = ["0x" + keccak(f"twin {seed} {number} {role}".encode()).hex() for role in ("master", "agent")]
        master, agent = Signer(keys[0]), Signer(keys[1])
        made.append(
            FundedAccount(address=master.address, key=keys[0], agent=agent.address, agent_key=keys[1])
        )
    return tuple(made)


class Members:
    """Masters, their subaccounts and their agents.

    Attributes:
        masters: addresses of accounts that sign for themselves.
        subaccounts: the master of each subaccount.
    """

    def __init__(self) -> None:
        self.masters: set[str] = set()
        self.subaccounts: dict[str, str] = {}
        self._agents: dict[str, Agent] = {}
        self._removed_ms: dict[str, int] = {}

    def acts_for(self, signer: str, venue_ms: int) -> str | None:
        """Return the master for whom a signer may act, itself or another; None for a stranger."""
        if signer in self.masters:
            return signer
        agent = self._agents.get(signer)
        return agent.master if agent is not None and venue_ms <= agent.valid_until_ms else None

    def master_of_agent(self, address: str) -> str | None:
        """Return whose agent an address is, None if it is nobody's."""
        agent = self._agents.get(address)
        return None if agent is None else agent.master

    def named_agents(self, master: str) -> list[Agent]:
        """Return the agents that have a name, oldest first; the venue shows no others."""
        return [agent for agent in self._agents.values() if agent.master == master and agent.name]

    def enlist(self, master: str, agent: str, venue_ms: int) -> None:
        """Give a master its unnamed agent."""
        self._agents[agent] = Agent(
            address=agent, master=master, name="", valid_until_ms=venue_ms + DEFAULT_VALID_MS
        )

    def change_agent(self, master: str, address: str, spelled_name: str, venue_ms: int) -> str | None:
        """Approve, replace or remove an agent; return the venue's sentence where it refuses.

        Args:
            master: who signed.
            address: the agent's, lower case; the zero address removes the one of that name.
            spelled_name: its name, which may say until when it is valid.
            venue_ms: now.
        """
        match = _VALID_UNTIL.fullmatch(spelled_name)
        name, valid_until_ms = spelled_name, venue_ms + DEFAULT_VALID_MS
        if match is not None:
            name, valid_until_ms = match[1], int(match[2])
            if not venue_ms < valid_until_ms <= venue_ms + MAX_VALID_MS:
                return "Agent valid_until already expired."
        of_that_name = [
            agent for agent in self._agents.values() if agent.master == master and agent.name == name
        ]
        if address == NOBODY:
            for agent in of_that_name:
                del self._agents[agent.address]
                self._removed_ms[master] = venue_ms
            return None
        if venue_ms < self._removed_ms.get(master, -PENDING_REMOVAL_MS) + PENDING_REMOVAL_MS:
            return "User has pending agent removal"
        if address in self._agents or address in self.masters or address in self.subaccounts:
            return "Extra agent already used."
        if name and not of_that_name and len(self.named_agents(master)) >= MAX_NAMED_AGENTS:
            return f"Too many extra agents for cumulative volume traded. Current limit is {MAX_NAMED_AGENTS}"
        for agent in of_that_name:
            del self._agents[agent.address]
        self._agents[address] = Agent(
            address=address, master=master, name=name, valid_until_ms=valid_until_ms
        )
        return None
