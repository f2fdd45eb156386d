"""What a venue may be asked without changing anything there: queries, one for each kind of truth.

The answer to a query that lists something is one event that holds the whole list, so that an empty
list is the venue's own statement and never the absence of one.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from .ids import ClientOrderId, InstrumentId


class QueryInstruments(msgspec.Struct, frozen=True, kw_only=True, tag="query_instruments"):
    """Ask for the definitions of the instruments; answered by one `InstrumentDefined` each."""


class QueryBook(msgspec.Struct, frozen=True, kw_only=True, tag="query_book"):
    """Ask for the whole visible book of an instrument; answered by a `BookSnapshot`."""

    instrument: InstrumentId


class QueryAccount(msgspec.Struct, frozen=True, kw_only=True, tag="query_account"):
    """Ask for collateral and positions; answered by a `BalanceReport` and a `PositionsListed`."""


class QueryOpenOrders(msgspec.Struct, frozen=True, kw_only=True, tag="query_open_orders"):
    """Ask for every open order of the account; answered by an `OpenOrdersListed`."""


class QueryOrder(msgspec.Struct, frozen=True, kw_only=True, tag="query_order"):
    """Ask what became of one order; answered by an `OrderReport` or an `OrderNotFound`."""

    instrument: InstrumentId
    client_order_id: ClientOrderId
    venue_order_id: str | None = None


class QueryFills(msgspec.Struct, frozen=True, kw_only=True, tag="query_fills"):
    """Ask for the fills since a time; answered by a `FillsListed`."""

    since_ns: int


class QueryFunding(msgspec.Struct, frozen=True, kw_only=True, tag="query_funding"):
    """Ask for the funding paid and received since a time; answered by one `FundingPayment` each."""

    since_ns: int


class QueryMessageBudget(msgspec.Struct, frozen=True, kw_only=True, tag="query_message_budget"):
    """Ask how many messages the account may still send; answered by a `MessageBudgetReport`."""


class QueryTime(msgspec.Struct, frozen=True, kw_only=True, tag="query_time"):
    """Ask for the venue's clock; answered by a `VenueTime`."""


class QueryVenue(msgspec.Struct, frozen=True, kw_only=True, tag="query_venue"):
    """Ask what only one venue has a word for; what is asked and answered is its connector's own business.

    Args:
        topic: names the question; a connector knows the ones that it plans.
        private: it is about the account, and must not be asked without one.
    """

    topic: str
    private: bool = False


Query: TypeAlias = (
    QueryInstruments
    | QueryBook
    | QueryAccount
    | QueryOpenOrders
    | QueryOrder
    | QueryFills
    | QueryFunding
    | QueryMessageBudget
    | QueryTime
    | QueryVenue
)
