"""The private stream of the venue: orders, fills and positions become events.

What it does not tell is asked for: the money that is available, and funding of positions in cross margin.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Final

from paraphina_core.connector import decode_json
from paraphina_core.domain import (
    NS_PER_MS,
    AskAgain,
    Event,
    Fill,
    InstrumentId,
    Liquidity,
    OrderAccepted,
    OrderCancelled,
    OrderExpired,
    OrderModified,
    OutcomeUnknown,
    PositionReport,
    QueryVenue,
    RemoteProtocolError,
    Side,
    VenueNotice,
    from_text,
    parse_decimal,
)

from . import account_messages as own

#: The signed question whose answer is the key of the private stream.
LISTEN_KEY: Final = QueryVenue(topic="listen key", private=True)

#: The question for funding that was paid or received.
FUNDING: Final = QueryVenue(topic="funding", private=True)

#: How the venue names the only side of a position in one-way mode.
_FUNDING_FEE: Final = "FUNDING_FEE"
_ONE_WAY: Final = "BOTH"
_SIDES: Final = {"BUY": Side.BUY, "SELL": Side.SELL}
_SHOWN: Final = 40


class AccountFeed:
    """Reads the messages of the private stream.

    Args:
        name: names the instrument of a symbol.
        quote_asset: gives the asset in which a symbol's fees are counted, None where it is not listed.
    """

    def __init__(self, name: Callable[[str], InstrumentId], quote_asset: Callable[[str], str | None]) -> None:
        self._name = name
        self._quote_asset = quote_asset
        self._unknown: set[str] = set()

    def read(self, frame: bytes) -> Sequence[Event]:
        """Turn one message into events.

        Raises:
            RemoteError: the message is not what the venue documents.
        """
        match decode_json(own.ENVELOPE, frame, "event").e:
            case "ORDER_TRADE_UPDATE":
                return self._order(decode_json(own.ORDER_TRADE_UPDATE, frame, "order update").o)
            case "ACCOUNT_UPDATE":
                return self._account(decode_json(own.ACCOUNT_UPDATE, frame, "account update"))
            case "listenKeyExpired":
                return (AskAgain(query=LISTEN_KEY, reason="the key of the private stream has expired"),)
            case "MARGIN_CALL":
                call = decode_json(own.MARGIN_CALL, frame, "margin call")
                symbols = ", ".join(position.s for position in call.p)
                return (VenueNotice(code="margin_call", text=f"near liquidation: {symbols}"[:200]),)
            case "ACCOUNT_CONFIG_UPDATE":
                return _config(decode_json(own.CONFIG_UPDATE, frame, "configuration"))
            case other:
                return self._unknown_event(other)

    # --- orders -----------------------------------------------------------------------------------

    def _order(self, order: own.OrderTrade) -> Sequence[Event]:
        instrument, client_order_id = self._name(order.s), from_text(order.c)
        venue_order_id, at_ns = str(order.i), order.T * NS_PER_MS
        match order.x:
            case "NEW":
                accepted = OrderAccepted(
                    instrument=instrument,
                    client_order_id=client_order_id,
                    venue_order_id=venue_order_id,
                    exchange_ns=at_ns,
                )
                return (accepted,)
            case "TRADE":
                return self._fill(order)
            case "CANCELED":
                cancelled = OrderCancelled(
                    instrument=instrument,
                    client_order_id=client_order_id,
                    venue_order_id=venue_order_id,
                    filled_size=parse_decimal(order.z, "z"),
                    exchange_ns=at_ns,
                )
                return (cancelled,)
            case "EXPIRED":
                expired = OrderExpired(
                    instrument=instrument,
                    client_order_id=client_order_id,
                    venue_order_id=venue_order_id,
                    filled_size=parse_decimal(order.z, "z"),
                    exchange_ns=at_ns,
                )
                return (expired,)
            case "AMENDMENT" if client_order_id is not None:  # the word of Binance, whose form this is
                modified = OrderModified(
                    instrument=instrument,
                    client_order_id=client_order_id,
                    venue_order_id=venue_order_id,
                    price=parse_decimal(order.p, "p"),
                    size=parse_decimal(order.q, "q"),
                    exchange_ns=at_ns,
                )
                return (modified,)
            case "CALCULATED":
                text = f"{order.s}: order {order.i}, {order.X}"
                return (VenueNotice(code="liquidation", text=text[:200]),)
            case other:
                doubt = OutcomeUnknown(
                    instrument=instrument,
                    client_order_id=client_order_id,
                    reason=f"the venue tells of {other[:_SHOWN]!r}, which has no meaning here",
                )
                return (doubt,)

    def _fill(self, order: own.OrderTrade) -> Sequence[Event]:
        side = _SIDES.get(order.S)
        if side is None:
            raise RemoteProtocolError("side is not usable", found=order.S[:_SHOWN])
        fee = parse_decimal(order.n, "n")
        is_in_quote = self._quote_asset(order.s) == order.N or not fee
        fill = Fill(
            instrument=self._name(order.s),
            client_order_id=from_text(order.c),
            venue_order_id=str(order.i),
            trade_id=str(order.t),
            side=side,
            price=parse_decimal(order.L, "L"),
            size=parse_decimal(order.l, "l"),
            fee=fee if is_in_quote else Decimal(0),
            liquidity=Liquidity.MAKER if order.m else Liquidity.TAKER,
            exchange_ns=order.T * NS_PER_MS,
        )
        if is_in_quote:
            return (fill,)
        # A fill is never lost for a fee whose price is not known here.
        text = f"{order.s}: fee of trade {order.t} is not counted: {fee} {str(order.N)[:_SHOWN]}"
        return (fill, VenueNotice(code="fee_in_other_asset", text=text))

    # --- the account ------------------------------------------------------------------------------

    def _account(self, update: own.AccountUpdate) -> Sequence[Event]:
        events = [self._position(position, update.E * NS_PER_MS) for position in update.a.P]
        if update.a.m == _FUNDING_FEE:  # in cross margin it names balances alone, and never the amount
            events.append(AskAgain(query=FUNDING, reason="funding was booked"))
        return events

    def _position(self, position: own.PositionChange, at_ns: int) -> Event:
        if position.ps != _ONE_WAY:
            text = f"{position.s}: position {position.ps[:_SHOWN]}, though only one-way mode is traded"
            return VenueNotice(code="hedge_mode", text=text)
        size = parse_decimal(position.pa, "pa")
        return PositionReport(
            instrument=self._name(position.s),
            size=size,
            entry_price=parse_decimal(position.ep, "ep") if size else None,
            unrealised_pnl=parse_decimal(position.up, "up"),
            exchange_ns=at_ns,
        )

    def _unknown_event(self, kind: str) -> Sequence[Event]:
        """Tell of each kind once: the venue adds some without notice."""
        shown = kind[:_SHOWN]
        if shown in self._unknown or len(self._unknown) >= _SHOWN:
            return ()
        self._unknown.add(shown)
        return (VenueNotice(code="unknown_event", text=shown),)


def _config(update: own.ConfigUpdate) -> Sequence[Event]:
    notices = []
    if update.ac is not None:
        notices.append(VenueNotice(code="leverage", text=f"{update.ac.s[:_SHOWN]}: {update.ac.l}"))
    if update.ai is not None:
        notices.append(VenueNotice(code="multi_assets", text="on" if update.ai.j else "off"))
    return notices
