"""The way of a request through `/exchange`: who signed it, whether that may act, then what is asked."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from paraphina_core.connector import Network
from paraphina_core.twin import Account, Exchange

from . import wire
from .authority import CHAIN_NAMES, NonceSet, signer_of
from .budget import STALE_REQUESTS, Budget
from .members import Members
from .spelling import Json, milliseconds
from .trading import DEFAULT, Trading, err

#: Docs "Rate limits and user limits" (read 2026-08-22): a batch weighs one more for every so many.
ORDERS_PER_UNIT: Final = 40
#: Docs "Builder codes" (read 2026-08-22): what a builder must own before anyone can approve it.
BUILDER_USD: Final = Decimal(100)
#: Signers whose nonces are kept; the venue keeps them for ever.
MAX_SIGNERS: Final = 10_000


class Entry:
    """Takes requests to `/exchange`.

    Args:
        exchange: where accounts are.
        members: who may act for whom.
        trading: does what is asked.
        budgets: requests by account.
        network: whose signatures are right here.
    """

    def __init__(
        self,
        exchange: Exchange,
        members: Members,
        trading: Trading,
        budgets: dict[str, Budget],
        network: Network,
    ) -> None:
        self._exchange = exchange
        self._members = members
        self._trading = trading
        self._budgets = budgets
        self._network = network
        self._nonces: dict[str, NonceSet] = {}

    def take(self, body: wire.Body, at_ns: int) -> dict[str, Json]:
        """Answer a request."""
        venue_ms = milliseconds(self._exchange.clock.venue_ns(at_ns))
        signer = signer_of(body, self._network)
        if signer is None:
            return err("Unable to recover signer.")
        action = body.action
        if isinstance(action, wire.ApproveAgentAction | wire.ApproveBuilderFeeAction):
            return self._administer(body, action, signer, venue_ms)
        master = self._members.acts_for(signer, venue_ms)
        if master is None or self._exchange.account(master).expired:
            return err(f"User or API Wallet {signer} does not exist.")
        account = self._account(master, body.vault_address)
        if account is None:
            return err(f"Vault not registered: {(body.vault_address or '').lower()}")
        budget, count = self._budgets[account.name], size(action)
        if body.expires_after is not None and body.expires_after < venue_ms:
            budget.used += STALE_REQUESTS * count
            return err("Action already expired")
        sentence = self._use_nonce(signer, body.nonce, venue_ms)
        if sentence is None:
            is_cancel = isinstance(action, wire.CancelAction | wire.CancelByCloidAction)
            sentence = budget.spend(count, venue_ms, is_cancel=is_cancel)
        if sentence is not None:
            return err(sentence)
        return self._trading.act(account, action, at_ns)

    def _account(self, master: str, vault: str | None) -> Account | None:
        """Return whose account is traded; a vault address only ever names a subaccount."""
        if vault is None:
            return self._exchange.account(master)
        address = vault.lower()
        owns = self._members.subaccounts.get(address) == master
        return self._exchange.account(address) if owns else None

    def _administer(
        self,
        body: wire.Body,
        action: wire.UserSignedAction,
        signer: str,
        venue_ms: int,
    ) -> dict[str, Json]:
        # Seen on 2026-09-07: an agent that signs one of these is treated as anybody without money.
        if signer not in self._members.masters:
            return err(f"Must deposit before performing actions. User: {signer}")
        if action.hyperliquid_chain != CHAIN_NAMES[self._network]:
            return err(f"Invalid chain: {action.hyperliquid_chain}")
        if action.nonce != body.nonce:
            return err("Invalid nonce: the action has another one")
        sentence = self._use_nonce(signer, body.nonce, venue_ms)
        if sentence is None and isinstance(action, wire.ApproveAgentAction):
            name = action.agent_name or ""
            sentence = self._members.change_agent(signer, action.agent_address.lower(), name, venue_ms)
        elif sentence is None:
            # No account of this twin is a builder, and so none can have what a builder must have.
            sentence = "Builder has insufficient balance to be approved."
        return DEFAULT if sentence is None else err(sentence)

    def _use_nonce(self, signer: str, nonce: int, venue_ms: int) -> str | None:
        known = self._nonces.get(signer)
        if known is None:
            known = self._nonces[signer] = NonceSet()
            if len(self._nonces) > MAX_SIGNERS:
                del self._nonces[next(iter(self._nonces))]
        return known.refuse(nonce, venue_ms)


def size(action: wire.Action) -> int:
    """Return how many requests an action counts as."""
    match action:
        case wire.PlaceAction(orders=parts):
            return max(1, len(parts))
        case wire.BatchModifyAction(modifies=parts):
            return max(1, len(parts))
        case wire.CancelAction(cancels=parts):
            return max(1, len(parts))
        case wire.CancelByCloidAction(cancels=parts):
            return max(1, len(parts))
        case _:
            return 1


def weight(action: wire.Action) -> int:
    """Return what a request with an action weighs for the address that it comes from."""
    return 1 + size(action) // ORDERS_PER_UNIT
