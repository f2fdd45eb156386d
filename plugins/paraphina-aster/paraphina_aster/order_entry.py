"""The write side of the venue: commands become signed HTTP requests, and answers are matched to them.

The venue takes no orders over WebSocket (api-docs issue 56). An order that hides (`HIDDEN`) is never sent: no
command stands for one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from paraphina_core.connector import Answer, Failure, HttpRequest, WriteContext
from paraphina_core.domain import (
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
    Side,
    TimeInForce,
    plain,
    to_text,
)

from .answers import Single, outcomes
from .dead_man import DeadMan
from .instruments import Listings
from .limits import IP_WEIGHT, MAX_BATCH, MAX_LEVERAGE, ORDERS, ORDERS_BURST
from .requests import Signed
from .signing import Parameters

#: How long to wait for an answer.
DEADLINE_MS: Final = 4_000
#: Requests without an answer. The core answers each, so only an error of ours comes near it.
MAX_WAITING: Final = 10_000

_SIDES: Final[Mapping[Side, str]] = {Side.BUY: "BUY", Side.SELL: "SELL"}
_BATCH_WEIGHT: Final = 5
_DEAD_MAN_WEIGHT: Final = 10

Cost = tuple[tuple[str, int], ...]


class _Waiting(msgspec.Struct, frozen=True):
    """A command without an answer, and when it was written."""

    command: Command
    sent_ns: int


class OrderEntry:
    """Order entry of one account.

    Args:
        listings: what is traded.
        signed: makes the requests.
        dead_man: what is known of the switches of all symbols.
        mode: first letter of the trade mode, which stands in every id.
    """

    def __init__(self, listings: Listings, signed: Signed, dead_man: DeadMan, mode: str) -> None:
        self._listings = listings
        self._signed = signed
        self._dead_man = dead_man
        self._mode = mode
        self._waiting: dict[str, _Waiting] = {}

    def write(self, command: Command, context: WriteContext) -> HttpRequest:
        """Turn a command into a request, bytes ready to send.

        Raises:
            LocalError: the venue has no such command, it cannot be expressed on its wire, or its nonce
                is still waiting for an answer.
        """
        correlation = str(context.nonce)
        if correlation in self._waiting or len(self._waiting) >= MAX_WAITING:
            raise LocalError(
                "request cannot be made",
                found=f"nonce {correlation}, {len(self._waiting)} requests without an answer",
                wanted=f"a new nonce, fewer than {MAX_WAITING} requests",
            )
        method, path, parameters, cost = self._spelled(command)
        request = self._signed.request(
            method, path, parameters, context, correlation=correlation, deadline_ms=DEADLINE_MS, cost=cost
        )
        self._waiting[correlation] = _Waiting(command, context.at_ns)
        return request

    def read_answer(self, correlation: str, answer: Answer | Failure) -> Sequence[Event]:
        """Turn what came back for a request, or that nothing did, into events.

        Raises:
            LocalError: no such request waits for an answer.
        """
        waiting = self._waiting.pop(correlation, None)
        if waiting is None:
            raise LocalError("answer to a request that does not wait for one", found=correlation)
        return outcomes(self._listings.name, waiting.command, answer, waiting.sent_ns, self._dead_man)

    # --- spelling ---------------------------------------------------------------------------------

    def _spelled(self, command: Command) -> tuple[str, str, Parameters, Cost]:
        """Return method, path, parameters and cost of a request."""
        match command:
            case Batch(commands=commands):
                return self._batch(commands)
            case PlaceOrder():
                return "POST", "order", self._order(command), _cost(1, orders=1)
            case ModifyOrder():
                return "PUT", "order", self._change(command), _cost(1, orders=1)
            case CancelOrder():
                named = self._named(command.client_order_id, command.venue_order_id)
                return "DELETE", "order", (self._symbol(command.instrument), named), _cost(1)
            case CancelAll(instrument=instrument):
                if instrument is None:
                    raise LocalError("the venue cancels by symbol alone", found="no instrument")
                return "DELETE", "allOpenOrders", (self._symbol(instrument),), _cost(1)
            case ArmDeadMan():
                return "POST", "countdownCancelAll", self._countdown(command), _cost(_DEAD_MAN_WEIGHT)
            case SetLeverage():
                return "POST", "leverage", self._leverage(command), _cost(1)

    def _batch(self, commands: Sequence[Single]) -> tuple[str, str, Parameters, Cost]:
        if not 0 < len(commands) <= MAX_BATCH or len({type(command) for command in commands}) > 1:
            raise LocalError(
                "batch is not usable",
                found=f"{len(commands)} commands",
                wanted=f"1 to {MAX_BATCH} of one kind",
            )
        cancels = [command for command in commands if isinstance(command, CancelOrder)]
        if cancels:
            return "DELETE", "batchOrders", self._cancels(cancels), _cost(1)
        method = "POST" if isinstance(commands[0], PlaceOrder) else "PUT"
        spelled = [
            dict(self._order(one) if isinstance(one, PlaceOrder) else self._change(one))
            for one in commands
            if not isinstance(one, CancelOrder)
        ]
        orders = (("batchOrders", msgspec.json.encode(spelled).decode()),)
        return method, "batchOrders", orders, _cost(_BATCH_WEIGHT, orders=len(commands))

    def _order(self, order: PlaceOrder) -> Parameters:
        self._check(order)
        is_ioc = order.time_in_force is TimeInForce.IOC
        parameters = [
            self._symbol(order.instrument),
            ("side", _SIDES[order.side]),
            ("type", "LIMIT"),
            ("timeInForce", "GTX" if order.post_only else "IOC" if is_ioc else "GTC"),
            ("quantity", plain(order.size)),
            ("price", plain(order.price)),
            ("newClientOrderId", to_text(order.client_order_id, self._mode)),
        ]
        if order.reduce_only:
            parameters.append(("reduceOnly", "true"))
        if is_ioc:
            parameters.append(("newOrderRespType", "RESULT"))  # says at once how much has filled
        return parameters

    def _change(self, change: ModifyOrder) -> Parameters:
        """Spell a change: the venue wants price and quantity, even if one stays (docs, read 2026-10-08)."""
        self._check(change)
        return [
            self._symbol(change.instrument),
            self._named(change.client_order_id, change.venue_order_id),
            ("side", _SIDES[change.side]),
            ("quantity", plain(change.size)),
            ("price", plain(change.price)),
        ]

    def _cancels(self, cancels: Sequence[CancelOrder]) -> Parameters:
        symbols = {self._symbol(cancel.instrument) for cancel in cancels}
        if len(symbols) > 1:
            raise LocalError("the venue cancels together what is in one symbol", found=len(symbols))
        named = [self._named(cancel.client_order_id, cancel.venue_order_id) for cancel in cancels]
        ids = [int(text) for name, text in named if name == "orderId"]
        if len(ids) == len(cancels):
            listed = ("orderIdList", msgspec.json.encode(ids).decode())
        elif not ids:
            listed = ("origClientOrderIdList", msgspec.json.encode([text for _, text in named]).decode())
        else:
            raise LocalError("the venue cancels together what is named alike", found=f"{len(ids)} by its id")
        return [*symbols, listed]

    def _named(self, client_order_id: int, venue_order_id: str | None) -> tuple[str, str]:
        if venue_order_id is None:
            return "origClientOrderId", to_text(client_order_id, self._mode)
        if not venue_order_id.isdecimal():
            raise LocalError("order id is not usable", found=venue_order_id[:64])
        return "orderId", venue_order_id

    def _countdown(self, command: ArmDeadMan) -> Parameters:
        if command.window_ms < 0 or len(command.instruments) != 1:
            raise LocalError(
                "dead-man switch is not usable",
                found=f"{command.window_ms} ms for {len(command.instruments)} instruments",
                wanted="0 or more, for one: each symbol has a switch of its own",
            )
        return (self._symbol(command.instruments[0]), ("countdownTime", str(command.window_ms)))

    def _leverage(self, command: SetLeverage) -> Parameters:
        if not command.cross_margin:
            raise LocalError("isolated margin is not traded here", found="isolated")
        if not 1 <= command.leverage <= MAX_LEVERAGE:
            raise LocalError("leverage is not usable", found=command.leverage, wanted=f"1 to {MAX_LEVERAGE}")
        return (self._symbol(command.instrument), ("leverage", str(command.leverage)))

    def _check(self, order: PlaceOrder | ModifyOrder) -> None:
        traded = self._listings.traded(order.instrument)
        if not (traded.price_on_grid(order.price) and traded.size_on_grid(order.size)):
            raise LocalError("order is off the grid", found=f"{order.size} at {order.price}")

    def _symbol(self, instrument: InstrumentId) -> tuple[str, str]:
        return "symbol", self._listings.spelled(instrument)


def _cost(weight: int, orders: int = 0) -> Cost:
    """Return what a request costs; that each order of a batch counts is so with Binance, the model."""
    counted = ((ORDERS, orders), (ORDERS_BURST, orders)) if orders else ()
    return ((IP_WEIGHT, weight), *counted)
