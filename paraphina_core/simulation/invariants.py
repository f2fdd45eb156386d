"""What a session may never write down, looked at in the moment it does: each order that is about to leave.

The judge compares session and venue now and then; this sees every order, between its record and its way out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from paraphina_core.domain import (
    ClientOrderId,
    ModifyOrder,
    PlaceOrder,
    Purpose,
    Side,
    from_hex128,
    from_text,
)

if TYPE_CHECKING:
    from .world import World

_ORDER: Final = msgspec.json.Decoder(PlaceOrder)
_CHANGE: Final = msgspec.json.Decoder(ModifyOrder)

#: Of an id that a venue takes as a number of 48 bits.
_MAX_DIGITS: Final = 15

#: After these nothing is placed any more; after the last one only what reduces.
_ENDS: Final = frozenset({"halt", "stop"})


class Invariants:
    """Looks at the records of one session.

    Attributes:
        broken: what was found, once each, in the order of being found.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._placed: dict[ClientOrderId, PlaceOrder] = {}
        self._ended = ""
        self._reducing: set[str] = set()  # connectors; the empty name is the session
        self.broken: dict[str, None] = {}

    def recorded(self, kind: str, at_ns: int, data: bytes) -> None:
        """Take a record that was just written."""
        if kind in _ENDS:
            self._ended = kind
        elif kind in {"reduce", "raise"}:
            connector = msgspec.json.decode(data).get("connector", "")
            (self._reducing.add if kind == "reduce" else self._reducing.discard)(connector)
        elif kind == "place":
            self._order(_ORDER.decode(data), at_ns)
        elif kind == "modify":
            self._change(_CHANGE.decode(data), at_ns)

    def look(self) -> None:
        """Compare what rests at the venues with what was written down before."""
        for name, venue in self._world.venues.items():
            account = venue.host.exchange.account(venue.login.account)
            for order in account.orders.values():
                client_id = None if order.client_id is None else own_id(order.client_id)
                if client_id is not None and client_id not in self._placed:
                    self._found(f"{name}: order {client_id:#x} rests there and was never written down")

    def _order(self, order: PlaceOrder, at_ns: int) -> None:
        name = f"{order.side.value} {order.size} at {order.price} of {order.instrument}"
        if order.client_order_id in self._placed:
            self._found(f"{name}: its client order id was used before")
        self._placed[order.client_order_id] = order
        self._terms(order, name, at_ns)

    def _change(self, change: ModifyOrder, at_ns: int) -> None:
        name = f"change of {change.client_order_id:#x} to {change.size} at {change.price}"
        order = self._placed.get(change.client_order_id)
        if order is None or order.side is not change.side:
            self._found(f"{name}: there is no such order")
            return
        changed = msgspec.structs.replace(order, price=change.price, size=change.size)
        self._placed[order.client_order_id] = changed
        self._terms(changed, name, at_ns)

    def _terms(self, order: PlaceOrder, name: str, at_ns: int) -> None:
        if self._ended and order.purpose is not Purpose.FLATTEN:
            self._found(f"{name}: placed after the record of a {self._ended}")
        if self._reducing & {"", order.instrument.partition(":")[0]} and not order.reduce_only:
            self._found(f"{name}: placed although only less may be held there, and is not reduce-only")
        self._market(order, name, at_ns)

    def _market(self, order: PlaceOrder, name: str, at_ns: int) -> None:
        seen = self._world.session.snapshot(at_ns)
        profile = self._world.config.profile
        for venue in seen.venues:
            for market in venue.markets:
                if market.instrument != order.instrument:
                    continue
                if market.unusable:
                    self._found(f"{name}: placed although {market.unusable}")
                age_ms = market.book_age_ms
                if profile is not None and not (
                    age_ms is not None and 0 <= age_ms <= profile.max_book_age_ms
                ):
                    self._found(f"{name}: placed on a book of {age_ms} ms")
                touch = market.best_ask if order.side is Side.BUY else market.best_bid
                if (
                    order.post_only
                    and touch is not None
                    and order.side.sign * (float(order.price) - touch) >= 0
                ):
                    self._found(f"{name}: post-only, and meets the touch {touch}")

    def _found(self, what: str) -> None:
        self.broken[what] = None


def own_id(client_id: str) -> ClientOrderId | None:
    """Read an order's id at a venue; None for an order of somebody else."""
    if client_id.isdecimal() and len(client_id) <= _MAX_DIGITS:
        return ClientOrderId(int(client_id))
    made = from_hex128(client_id)
    return from_text(client_id) if made is None else made
