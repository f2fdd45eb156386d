"""The read side of the venue: queries become `info` requests, and their answers become events.

A request keeps its query in its correlation, so that nothing has to be remembered until the answer comes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from paraphina_core.connector import Answer, Failure, HttpRequest, Request
from paraphina_core.domain import (
    NS_PER_MS,
    BookSnapshot,
    DeadManReport,
    Event,
    Fill,
    FillsListed,
    InstrumentId,
    LocalError,
    MessageBudgetReport,
    OrderNotFound,
    Query,
    QueryAccount,
    QueryBook,
    QueryFills,
    QueryFunding,
    QueryInstruments,
    QueryMessageBudget,
    QueryOpenOrders,
    QueryOrder,
    QueryTime,
    QueryVenue,
    RemoteProtocolError,
    VenueNotice,
    VenueTime,
    parse_decimal,
    plain,
    to_hex128,
)

from . import account_messages as own
from .account import funding_payment, order_report, read_clearinghouse_state, read_fills, read_open_orders
from .feed import PublicFeed
from .instruments import Listings, is_perpetual
from .limits import DEAD_MAN_VOLUME_USD, IP_WEIGHT
from .messages import decode
from .words import clean

DEADLINE_MS: Final = 5_000
_HEADERS: Final = {"Content-Type": "application/json"}
_READABLE: Final = 200

#: Docs "Info endpoint" (read 2026-08-22): a list by time ends after 2,000 fills, and after entries of 500
#: distinct blocks; what is longer is continued from the time of its last entry.
MAX_LISTED_FILLS: Final = 2_000
MAX_LISTED_BLOCKS: Final = 500

SPECIAL_STATUS: Final = "special_status"

#: Docs "Rate limits and user limits" (read 2026-08-22); lists cost one more for every 20 entries, which is
#: known only afterwards and reckoned here at a full page.
_LIST_WEIGHT: Final = 20 + MAX_LISTED_BLOCKS // 20
_WEIGHT_OF: Final[dict[str, int]] = {
    "l2Book": 2,
    "clearinghouseState": 2,
    "orderStatus": 2,
    "exchangeStatus": 2,
    "userFillsByTime": _LIST_WEIGHT,
    "userFunding": _LIST_WEIGHT,
}
_WEIGHT: Final = 20

_QUERY: Final[msgspec.json.Decoder[Query]] = msgspec.json.Decoder(Query)


class Info:
    """Asks the venue about its instruments and one account.

    Args:
        connector: name of the connector, which its instruments carry.
        rest_url: address of the venue's API, without a path.
        listings: learns from the answers which instruments there are.
        account: address of the account that is traded, in lower case; None where there is none.
        mode: first letter of the trade mode, which stands in every client order id.
    """

    def __init__(
        self, connector: str, rest_url: str, *, listings: Listings, account: str | None, mode: str
    ) -> None:
        self._connector = connector
        self._url = f"{rest_url.rstrip('/')}/info"
        self._listings = listings
        self._account = account
        self._mode = mode

    def ask(self, query: Query, nonce: int, owed_weight: int = 0) -> HttpRequest:
        """Turn a query into a request.

        Args:
            query: what is asked.
            nonce: tells the request from others with the same query.
            owed_weight: what was used of `ip_weight` before and is paid with this request.

        Raises:
            LocalError: it is about an account, and there is none; or about an instrument of another venue.
        """
        body = self._body(query)
        return HttpRequest(
            method="POST",
            url=self._url,
            body=msgspec.json.encode(body),
            correlation=f"{nonce} {msgspec.json.encode(query).decode()}",
            deadline_ms=DEADLINE_MS,
            headers=_HEADERS,
            cost=((IP_WEIGHT, _WEIGHT_OF.get(str(body["type"]), _WEIGHT) + owed_weight),),
        )

    def _body(self, query: Query) -> dict[str, object]:
        match query:
            case QueryInstruments():
                return {"type": "meta"}
            case QueryBook(instrument=instrument):
                return {"type": "l2Book", "coin": self._coin(instrument)}
            case QueryTime():
                return {"type": "exchangeStatus"}
            case QueryAccount():
                return {"type": "clearinghouseState", "user": self._user()}
            case QueryOpenOrders():
                return {"type": "frontendOpenOrders", "user": self._user()}
            case QueryOrder(client_order_id=client_order_id):
                # Ours outlives a change of the order, and the venue's does not.
                return {
                    "type": "orderStatus",
                    "user": self._user(),
                    "oid": to_hex128(client_order_id, self._mode),
                }
            case QueryFills(since_ns=since_ns):
                return self._since("userFillsByTime", since_ns)
            case QueryFunding(since_ns=since_ns):
                return self._since("userFunding", since_ns)
            case QueryMessageBudget():
                return {"type": "userRateLimit", "user": self._user()}
            case QueryVenue(topic=topic):
                raise LocalError("no question of that name is known here", found=topic)

    def made(self, request: Request) -> bool:
        """Tell whether a request asks a query."""
        return isinstance(request, HttpRequest) and request.url == self._url

    def read(self, request: Request, answer: Answer | Failure) -> Sequence[Event]:
        """Turn the answer to a query into events; a failure says nothing.

        Raises:
            RemoteError: the answer is not what the venue documents.
        """
        if isinstance(answer, Failure):
            return ()
        if answer.status != _READABLE:
            raise RemoteProtocolError("a query was not answered", found=f"HTTP status {answer.status}")
        query = _QUERY.decode(request.correlation.partition(" ")[2])
        body = answer.body
        match query:
            case QueryInstruments():
                return self._listings.read(body)
            case QueryBook(instrument=instrument):
                return self._book(instrument, body)
            case QueryTime():
                return _time(body)
            case QueryAccount():
                return read_clearinghouse_state(self._connector, body)
            case QueryOpenOrders():
                return read_open_orders(self._connector, body)
            case QueryOrder():
                return self._order(query, body)
            case QueryFills(since_ns=since_ns):
                return self._fills(since_ns, body)
            case QueryFunding():
                return self._funding(body)
            case QueryMessageBudget() | QueryVenue():  # the latter is never asked
                return _message_budget(body)

    # --- questions --------------------------------------------------------------------------------

    def _coin(self, instrument: InstrumentId) -> str:
        for coin, known in self._listings.coins.items():
            if known == instrument:
                return coin
        raise LocalError("the venue lists no such instrument", found=instrument)

    def _user(self) -> str:
        if self._account is None:
            raise LocalError("no account is named", remedy="set HL_VAULT_ADDRESS to the account")
        return self._account

    def _since(self, kind: str, since_ns: int) -> dict[str, object]:
        return {"type": kind, "user": self._user(), "startTime": max(0, since_ns // NS_PER_MS)}

    # --- answers ----------------------------------------------------------------------------------

    def _book(self, instrument: InstrumentId, body: bytes) -> Sequence[Event]:
        # The shape is that of the stream, with a feed of its own: nothing else is known of this book.
        feed = PublicFeed({self._coin(instrument): instrument})
        events = feed.read(b'{"channel":"l2Book","data":' + body + b"}")
        if [type(event) for event in events] != [BookSnapshot]:
            raise RemoteProtocolError("answer is no book", found=body[:64])
        return events

    def _order(self, query: QueryOrder, body: bytes) -> Sequence[Event]:
        found = decode(own.ORDER_STATUS, body, "orderStatus")
        if found.status == "unknownOid":
            not_found = OrderNotFound(
                instrument=query.instrument,
                client_order_id=query.client_order_id,
                venue_order_id=query.venue_order_id,
            )
            return (not_found,)
        if found.status != "order" or found.order is None:
            raise RemoteProtocolError(
                "answer about an order is not usable",
                found=found.status[:64],
                wanted="order, unknownOid",
            )
        report = order_report(self._connector, found.order)
        if (report.client_order_id, report.instrument) != (query.client_order_id, query.instrument):
            raise RemoteProtocolError(
                "answer is about another order",
                found=found.order.order.cloid,
                wanted=str(query.client_order_id),
            )
        return (report,)

    def _fills(self, since_ns: int, body: bytes) -> Sequence[Event]:
        found = decode(own.FILLS, body, "userFillsByTime")
        fills, notices = read_fills(self._connector, found, is_replay=True)
        is_cut_off = len(found) >= MAX_LISTED_FILLS or len({fill.time for fill in found}) >= MAX_LISTED_BLOCKS
        listed = FillsListed(
            since_ns=since_ns, fills=tuple(sorted(fills, key=_when)), is_complete=not is_cut_off
        )
        return (listed, *notices)

    def _funding(self, body: bytes) -> Sequence[Event]:
        found = decode(own.FUNDING, body, "userFunding")
        return [
            funding_payment(self._connector, entry.delta, entry.time)
            for entry in found
            if is_perpetual(entry.delta.coin)
        ]


def _when(fill: Fill) -> int:
    return fill.exchange_ns or 0


def _time(body: bytes) -> Sequence[Event]:
    status = decode(own.EXCHANGE_STATUS, body, "exchangeStatus")
    events: list[Event] = [VenueTime(exchange_ns=status.time * NS_PER_MS)]
    special = bytes(status.specialStatuses)
    if special != b"null":
        events.append(VenueNotice(code=SPECIAL_STATUS, text=clean(special.decode(errors="replace"))))
    return events


def _message_budget(body: bytes) -> Sequence[Event]:
    budget = decode(own.RATE_LIMIT, body, "userRateLimit")
    events: list[Event] = [MessageBudgetReport(used=budget.nRequestsUsed, limit=budget.nRequestsCap)]
    volume_usd = parse_decimal(budget.cumVlm, "cumVlm")
    if volume_usd < DEAD_MAN_VOLUME_USD:
        reason = (
            f"the venue arms it once {plain(DEAD_MAN_VOLUME_USD)} USD have been traded; "
            f"{plain(volume_usd)} so far"
        )
        events.append(DeadManReport(armed_until_ns=None, reason=reason))
    return events
