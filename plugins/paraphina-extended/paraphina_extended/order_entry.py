"""The write side of the venue: commands become signed HTTP requests, and answers are matched to them.

These requests are all there are: the Stark key could sign withdrawals and transfers, and nothing here asks it
to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec

from paraphina_core.connector import Answer, Failure, HttpRequest, WriteContext
from paraphina_core.domain import (
    NS_PER_MS,
    ArmDeadMan,
    Batch,
    CancelAll,
    CancelOrder,
    Command,
    Event,
    InstrumentId,
    LocalError,
    ModifyOrder,
    PlaceOrder,
    SetLeverage,
    TimeInForce,
    to_text,
)

from .answers import Refused, Sent, Taken, countdown_s, outcomes, verdict
from .changes import Changes
from .fees import Fees
from .instruments import Traded
from .limits import MAX_LEVERAGE, REQUESTS
from .signing import MAX_SALT, Authority, Terms

#: How long an order may rest before the venue ends it: docs "Create order" (read 2026-11) allow 90 days on
#: mainnet and 28 on testnet. Whoever quotes replaces an order long before.
ORDER_LIFE_MS: Final = 7 * 86_400_000
#: The same of an order that must trade at once: one that is late by more never comes alive.
IOC_LIFE_MS: Final = 60_000
#: How long to wait for an answer.
DEADLINE_MS: Final = 4_000
#: Requests without an answer. The core answers each, so only an error of ours comes near it.
MAX_WAITING: Final = 10_000

_JSON: Final = {"Content-Type": "application/json"}


class _Waiting(msgspec.Struct, frozen=True):
    """A command without an answer, when it was written, and the text of the order that it places."""

    command: Sent
    sent_ns: int
    text: str = ""


class MassCancel(msgspec.Struct, frozen=True, rename="camel"):
    """Which orders are to be cancelled: at least one of these must be there."""

    order_ids: Sequence[int] | msgspec.UnsetType = msgspec.UNSET
    external_order_ids: Sequence[str] | msgspec.UnsetType = msgspec.UNSET
    markets: Sequence[str] | msgspec.UnsetType = msgspec.UNSET
    cancel_all: bool = False


class OrderEntry:
    """Order entry of one account.

    Args:
        rest_url: address of the venue's API, with its version.
        authority: makes the signed body of an order, for the public key that signs.
        traded: what can be traded, by instrument.
        fees: rates to sign.
        changes: what is known of own orders; shared with whoever reads the account's stream.
        mode: first letter of the trade mode, which stands in every id.
        self_trade_protection: level that every order names.
    """

    def __init__(
        self,
        rest_url: str,
        authority: Callable[[str], Authority],
        traded: Callable[[], Mapping[InstrumentId, Traded]],
        fees: Fees,
        changes: Changes,
        mode: str,
        self_trade_protection: str = "ACCOUNT",
    ) -> None:
        self._url = rest_url.rstrip("/")
        self._authority = authority
        self._traded = traded
        self._fees = fees
        self._changes = changes
        self._mode = mode
        self._self_trade_protection = self_trade_protection
        self._waiting: dict[str, _Waiting] = {}
        self._last_nonce = 0

    def write(self, command: Command, context: WriteContext) -> HttpRequest:
        """Turn a command into a request, bytes ready to send.

        Raises:
            LocalError: the venue has no such command, it cannot be expressed on its wire, or its nonce
                is still waiting for an answer.
        """
        if isinstance(command, Batch):
            raise LocalError("the venue has no batches", found=f"{len(command.commands)} commands")
        correlation = str(context.nonce)
        if correlation in self._waiting or len(self._waiting) >= MAX_WAITING:
            raise LocalError(
                "request cannot be made",
                found=f"nonce {correlation}, {len(self._waiting)} requests without an answer",
                wanted=f"a new nonce, fewer than {MAX_WAITING} requests",
            )
        method, path, body, text = self._spelled(command, context)
        self._waiting[correlation] = _Waiting(command, context.at_ns, text)
        return HttpRequest(
            method=method,
            url=f"{self._url}{path}",
            body=body,
            correlation=correlation,
            deadline_ms=DEADLINE_MS,
            headers=_JSON if body else {},
            cost=((REQUESTS, 1),),
            private=True,
        )

    def read_answer(self, correlation: str, answer: Answer | Failure) -> Sequence[Event]:
        """Turn what came back for a request, or that nothing did, into events.

        Raises:
            LocalError: no such request waits for an answer.
        """
        waiting = self._waiting.pop(correlation, None)
        if waiting is None:
            raise LocalError("answer to a request that does not wait for one", found=correlation)
        command = waiting.command
        judged = verdict(command, answer)
        if isinstance(command, ModifyOrder) and isinstance(judged, Refused):
            self._changes.failed(command.client_order_id, waiting.text)
        if isinstance(judged, Taken) and judged.venue_order_id is not None:
            assert isinstance(command, PlaceOrder | ModifyOrder)  # noqa: S101  # of no other a number is told
            self._changes.numbered(command.client_order_id, judged.venue_order_id)
        return outcomes(command, judged, waiting.sent_ns)

    # --- spelling ---------------------------------------------------------------------------------

    def _spelled(self, command: Sent, context: WriteContext) -> tuple[str, str, bytes, str]:
        """Return method, path and body of a request, and the text of the order that it places."""
        match command:
            case PlaceOrder():
                text = to_text(command.client_order_id, self._mode)
                return "POST", "/user/order", self._order(command, context, text, None), text
            case ModifyOrder():
                return self._edit(command, context)
            case CancelOrder():
                return (*self._cancel(command), "")
            case CancelAll(instrument=instrument):
                return "POST", "/user/order/massCancel", self._cancel_all(instrument), ""
            case ArmDeadMan(window_ms=window_ms):
                if window_ms < 0:
                    raise LocalError("dead-man window is not usable", found=window_ms, wanted="0 or more")
                return "POST", f"/user/deadmanswitch?countdownTime={countdown_s(window_ms)}", b"", ""
            case SetLeverage():
                return "PATCH", "/user/leverage", self._leverage(command), ""

    def _edit(self, command: ModifyOrder, context: WriteContext) -> tuple[str, str, bytes, str]:
        sent = self._changes.to_send(command)
        replaced = self._changes.standing(command.client_order_id)
        text = to_text(command.client_order_id, self._mode, context.nonce)
        body = self._order(sent, context, text, replaced)
        self._changes.sent(command, context.nonce)
        return "POST", "/user/order", body, text

    def _order(
        self, order: PlaceOrder | ModifyOrder, context: WriteContext, text: str, replaces: str | None
    ) -> bytes:
        traded = self._market(order.instrument)
        if not (traded.instrument.price_on_grid(order.price) and traded.instrument.size_on_grid(order.size)):
            raise LocalError("order is off the grid", found=f"{order.size} at {order.price}")
        is_ioc = isinstance(order, PlaceOrder) and order.time_in_force is TimeInForce.IOC
        terms = Terms(
            market=traded.name,
            side=order.side,
            price=order.price,
            size=order.size,
            fee_rate=self._fees.rate(traded.name, post_only=order.post_only),
            expires_ms=context.at_ns // NS_PER_MS + (IOC_LIFE_MS if is_ioc else ORDER_LIFE_MS),
            # Two nonces of one month differ in these bits, and two orders of different months in their end.
            salt=context.nonce % MAX_SALT + 1,
            post_only=order.post_only,
            reduce_only=order.reduce_only,
            time_in_force="IOC" if is_ioc else "GTT",
            self_trade_protection=self._self_trade_protection,
            external_id=text,
            replaces=replaces,
        )
        # A salt that comes again with equal fields would be a duplicate.
        if not context.nonce > self._last_nonce:
            raise LocalError("nonce was used", found=context.nonce, wanted=f"above {self._last_nonce}")
        self._last_nonce = context.nonce
        stark_key = context.identity.get("stark_key")
        if stark_key is None:
            raise LocalError("there is no key to sign with", wanted="a mode that sends orders")
        if traded.assets is None:
            raise LocalError("the venue does not say what the market is in its contract", found=traded.name)
        return self._authority(stark_key).signed(terms, traded.assets, context.sign)

    def _cancel(self, command: CancelOrder) -> tuple[str, str, bytes]:
        texts = self._changes.candidates(command.client_order_id)
        if len(texts) > 1:  # a change is in doubt: whichever of them is open is to go
            return "POST", "/user/order/massCancel", _mass(MassCancel(external_order_ids=texts))
        if command.venue_order_id is not None:
            if not command.venue_order_id.isdecimal():
                raise LocalError("order id is not usable", found=command.venue_order_id[:64])
            return "DELETE", f"/user/order/{command.venue_order_id}", b""
        return "DELETE", f"/user/order?externalId={texts[0]}", b""

    def _cancel_all(self, instrument: InstrumentId | None) -> bytes:
        if instrument is None:
            return _mass(MassCancel(cancel_all=True))
        return _mass(MassCancel(markets=(self._market(instrument).name,)))

    def _leverage(self, command: SetLeverage) -> bytes:
        if not command.cross_margin:
            raise LocalError("the venue has cross margin alone", found="isolated")
        if not 1 <= command.leverage <= MAX_LEVERAGE:
            raise LocalError("leverage is not usable", found=command.leverage, wanted=f"1 to {MAX_LEVERAGE}")
        market = self._market(command.instrument).name
        return msgspec.json.encode({"market": market, "leverage": str(command.leverage)})

    def _market(self, instrument: InstrumentId) -> Traded:
        traded = self._traded().get(instrument)
        if traded is None:
            raise LocalError("the venue lists no such instrument", found=instrument)
        return traded


def _mass(cancel: MassCancel) -> bytes:
    return msgspec.json.encode(cancel)
