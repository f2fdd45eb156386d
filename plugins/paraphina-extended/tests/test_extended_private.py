"""Extended's account stream says what becomes of orders; a change of one is never taken for its end."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from extended_account import BTC, FRAMES, NOW_MS, Desk, body, error, order, trade
from paraphina_core.connector import Heartbeat, WebSocketSource
from paraphina_core.domain import (
    AskNext,
    BalanceReport,
    CancelOrder,
    ClientOrderId,
    Event,
    Fill,
    LocalError,
    ModifyOrder,
    ModifyRejected,
    OrderAccepted,
    OrderCancelled,
    OrderExpired,
    OrderModified,
    OrderNotFound,
    OrderRejected,
    OrderReport,
    OutcomeUnknown,
    PlaceOrder,
    PositionReport,
    QueryOpenOrders,
    QueryOrder,
    RemoteError,
    Resubscribe,
    Side,
    VenueNotice,
    to_text,
)
from paraphina_extended.connector import ACCOUNT

ID = ClientOrderId(7)
TEXT = "pa-t-000000000007"
PLACE = PlaceOrder(
    instrument=BTC, client_order_id=ID, side=Side.BUY, price=Decimal(60_000), size=Decimal("0.002")
)
CHANGE = ModifyOrder(
    instrument=BTC,
    client_order_id=ID,
    venue_order_id=None,
    side=Side.BUY,
    price=Decimal(59_000),
    size=Decimal("0.003"),
)
QUERY = QueryOrder(instrument=BTC, client_order_id=ID)


def placed(text: str, number: int = 1) -> bytes:
    """Answer that an order was taken in."""
    return body({"id": str(number), "externalId": text})


def changed(desk: Desk) -> str:
    """Let an order rest and a change of it be taken in; return the new text."""
    desk.send(PLACE, placed(TEXT))
    desk.hear("ORDER", orders=[order(TEXT)])
    request = desk.write(CHANGE)
    sent = msgspec.json.decode(request.body)
    assert sent["cancelId"] == TEXT
    assert desk.answer(request, placed(sent["id"], 2)) == ()
    return str(sent["id"])


# --- the stream -------------------------------------------------------------------------------------


def test_the_accounts_stream_is_private_and_proves_by_pings_that_it_lives() -> None:
    """Its key is sent with its opening by the core; what has nothing to say for hours is not dead."""
    (plan,) = (plan for plan in Desk().connector.plan().streams if plan.name == ACCOUNT)
    assert plan.private
    assert isinstance(plan.source, WebSocketSource)
    assert plan.source.url.endswith("/stream.extended.exchange/v1/account")
    assert plan.source.headers == {}
    assert plan.source.heartbeat == Heartbeat(interval_ms=15_000)


def test_documented_messages_are_read() -> None:
    """Balance, positions and orders as the documentation shows them."""
    desk = Desk()
    told: list[Event] = []
    for number, name in enumerate(("stream_balance", "stream_positions", "stream_orders"), 1):
        told += desk.connector.read(ACCOUNT, msgspec.json.encode(FRAMES[name] | {"seq": number}), 1)
    balance, position, accepted = told
    assert isinstance(balance, BalanceReport)
    assert (balance.equity, balance.available) == (Decimal(20), Decimal(3))
    assert isinstance(position, PositionReport)
    assert (position.size, position.leverage) == (Decimal("0.1"), Decimal(10))
    assert isinstance(accepted, OrderAccepted)
    assert (accepted.client_order_id, accepted.venue_order_id) == (None, "1791181340771614723")


def test_f013_a_missing_message_opens_the_stream_anew_and_one_that_comes_twice_counts_once() -> None:
    """The numbers are the connection's; what came is believed all the same."""
    desk = Desk()
    assert desk.hear("ORDER", 1, orders=[order(TEXT)]) != ()
    assert desk.hear("ORDER", 1, orders=[order(TEXT)]) == ()
    accepted, again = desk.hear("ORDER", 3, orders=[order(TEXT)])
    assert isinstance(accepted, OrderAccepted)
    assert isinstance(again, Resubscribe)
    assert again.stream == ACCOUNT
    assert desk.hear("ORDER", 2, orders=[order(TEXT)]) == ()
    desk.connector.opened(ACCOUNT, desk.context())
    (anew,) = desk.hear("ORDER", 1, orders=[order(TEXT)])
    assert isinstance(anew, OrderAccepted)


def test_several_kinds_in_one_message_are_all_read_and_an_unknown_one_is_noticed_once() -> None:
    """The venue may put orders, fills and balance together; new types do no harm."""
    desk = Desk()
    told = desk.hear("MIXED", orders=[order(TEXT)], trades=[trade()], positions=[])
    assert [type(event) for event in told] == [OrderAccepted, Fill]
    (notice,) = desk.hear("DEPOSIT", deposit={})
    assert isinstance(notice, VenueNotice)
    assert desk.hear("DEPOSIT", deposit={}) == ()
    assert desk.hear("SPOT_BALANCE", spotBalances=[]) == ()


@pytest.mark.parametrize(
    "junk", [b"", b"[]", b'{"type":"ORDER"}', b"\xff", b'{"type":"ORDER","data":{"orders":[{}]},"seq":1}']
)
def test_a_message_that_cannot_be_read_is_the_venues_error(junk: bytes) -> None:
    """And leaves a hole, so that the next one opens the stream anew."""
    desk = Desk()
    desk.hear("ORDER", 1, orders=[])
    with pytest.raises(RemoteError):
        desk.connector.read(ACCOUNT, junk, 1)
    assert isinstance(desk.hear("ORDER", 3, orders=[])[-1], Resubscribe)


def test_half_a_message_is_not_believed() -> None:
    """One order that makes no sense takes the others of its message with it."""
    with pytest.raises(RemoteError):
        Desk().hear("ORDER", orders=[order(TEXT), order("pa-t-000000000008", qty="-1")])


# --- orders -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "reason", "kind", "said"),
    [
        ("NEW", None, OrderAccepted, None),
        ("FILLED", None, OrderAccepted, None),
        ("UNTRIGGERED", None, OrderAccepted, None),
        ("REJECTED", "POST_ONLY_FAILED", OrderRejected, "post_only_crossed"),
        ("REJECTED", "NOT_ENOUGH_FUNDS", OrderRejected, "insufficient_margin"),
        ("REJECTED", "SOMETHING_NEW", OrderRejected, "other"),
        ("CANCELLED", "NO_LIQUIDITY", OrderCancelled, None),
        ("EXPIRED", None, OrderExpired, None),
        ("MELTED", None, OutcomeUnknown, None),
    ],
)
def test_each_state_of_an_order_is_told(
    status: str, reason: str | None, kind: type[Event], said: str | None
) -> None:
    """A word that nobody knows leaves a doubt; only a rejection without fills says that it never was."""
    (event,) = Desk().hear("ORDER", orders=[order(TEXT, status, statusReason=reason)])
    assert isinstance(event, kind)
    assert getattr(event, "client_order_id", None) == ID
    assert said is None or getattr(event, "code", None) == said


def test_a_rejection_of_what_has_filled_is_an_end_and_no_rejection() -> None:
    """What has filled was live."""
    (event,) = Desk().hear("ORDER", orders=[order(TEXT, "REJECTED", filledQty="0.001")])
    assert isinstance(event, OrderCancelled)
    assert event.filled_size == Decimal("0.001")


def test_a_fill_names_our_order_by_its_number_where_it_has_no_text() -> None:
    """The venue need not repeat our id: the number was in the answer to the order."""
    desk = Desk()
    desk.send(PLACE, placed(TEXT, 2_100_000_000_000_000_001))
    (fill,) = desk.hear("TRADE", trades=[trade()])
    assert isinstance(fill, Fill)
    assert (fill.client_order_id, fill.is_replay) == (ID, False)
    (again,) = desk.hear("TRADE", trades=[trade()], isSnapshot=True)
    assert isinstance(again, Fill)
    assert again.is_replay


def test_a_liquidation_is_told_beside_its_fill() -> None:
    """Somebody must read it."""
    told = Desk().hear("TRADE", trades=[trade(tradeType="LIQUIDATION")])
    assert [type(event) for event in told] == [Fill, VenueNotice]


# --- changes ----------------------------------------------------------------------------------------


def test_a_change_stands_once_the_stream_says_so() -> None:
    """The end of the old order is not the end of ours; the new one has the terms that were asked for."""
    desk = Desk()
    text = changed(desk)
    assert desk.hear("ORDER", orders=[order(TEXT, "CANCELLED", statusReason="ORDER_REPLACED")]) == ()
    (modified,) = desk.hear("ORDER", orders=[order(text, id=2, price="59000", qty="0.003")])
    assert modified == OrderModified(
        instrument=BTC,
        client_order_id=ID,
        venue_order_id="2",
        price=Decimal(59_000),
        size=Decimal("0.003"),
        exchange_ns=NOW_MS * 1_000_000,
    )
    (gone,) = desk.hear("ORDER", orders=[order(text, "CANCELLED", id=2)])
    assert isinstance(gone, OrderCancelled)
    assert gone.filled_size is None
    assert desk.hear("ORDER", orders=[order(TEXT, "CANCELLED")]) == ()


def test_a_change_that_the_engine_refuses_may_have_taken_the_old_order_with_it() -> None:
    """It is told as refused, so that the core asks; then the old order is asked for."""
    desk = Desk()
    text = changed(desk)
    (refused,) = desk.hear("ORDER", orders=[order(text, "REJECTED", id=2, statusReason="POST_ONLY_FAILED")])
    assert isinstance(refused, ModifyRejected)
    assert refused.code == "post_only_crossed"
    assert desk.request(QUERY).url.endswith(TEXT)
    (report,) = desk.ask(QUERY, body([order(TEXT, "CANCELLED")]))
    assert isinstance(report, OrderReport)
    assert report.state.is_final


def test_the_old_order_that_goes_by_itself_while_a_change_is_on_its_way_is_a_doubt() -> None:
    """Both may be gone, or one; only a question tells."""
    desk = Desk()
    changed(desk)
    (doubt,) = desk.hear("ORDER", orders=[order(TEXT, "CANCELLED")])
    assert isinstance(doubt, OutcomeUnknown)


def test_a_change_that_the_api_refuses_leaves_the_old_order() -> None:
    """Its text is known as the one that stands."""
    desk = Desk()
    desk.hear("ORDER", orders=[order(TEXT)])
    (refused,) = desk.send(CHANGE, error(1142), 400)
    assert isinstance(refused, ModifyRejected)
    assert refused.code == "modify_not_found"
    (gone,) = desk.hear("ORDER", orders=[order(TEXT, "CANCELLED")])
    assert isinstance(gone, OrderCancelled)


def test_a_change_whose_answer_is_lost_is_asked_for_first() -> None:
    """If it never came, or was refused, the order before it is asked for in the same breath."""
    desk = Desk()
    text = changed(desk)
    assert desk.request(QUERY).url.endswith(text)
    assert desk.ask(QUERY, body([])) == (AskNext(query=QUERY),)
    assert desk.request(QUERY).url.endswith(TEXT)
    (report,) = desk.ask(QUERY, body([order(TEXT)]))
    assert isinstance(report, OrderReport)
    text = msgspec.json.decode(desk.write(CHANGE).body)["id"]
    (stands,) = desk.ask(QUERY, body([order(text, id=5, price="59000")]))
    assert isinstance(stands, OrderReport)
    assert (stands.venue_order_id, stands.client_order_id) == ("5", ID)
    assert desk.hear("ORDER", orders=[order(TEXT, "CANCELLED")]) == ()


def test_what_has_filled_is_not_ordered_again() -> None:
    """The size that is sent is what would be left; a change to what has filled is refused here."""
    desk = Desk()
    desk.hear("ORDER", orders=[order(TEXT)])
    desk.hear("TRADE", trades=[trade(1, externalOrderId=TEXT), trade(1, externalOrderId=TEXT)])
    assert msgspec.json.decode(desk.write(CHANGE).body)["qty"] == "0.002"
    with pytest.raises(LocalError, match="filled already"):
        desk.write(msgspec.structs.replace(CHANGE, size=Decimal("0.001")))


def test_a_cancel_while_a_change_is_in_doubt_goes_for_both() -> None:
    """Whichever of them is open must go; afterwards one is enough."""
    desk = Desk()
    text = changed(desk)
    cancel = CancelOrder(instrument=BTC, client_order_id=ID, venue_order_id="1")
    request = desk.write(cancel)
    assert request.url.endswith("/user/order/massCancel")
    assert msgspec.json.decode(request.body) == {"externalOrderIds": [TEXT, text], "cancelAll": False}
    desk.hear("ORDER", orders=[order(text, id=2)])
    assert desk.write(cancel).method == "DELETE"


def test_an_order_that_an_earlier_run_changed_is_known_by_its_last_text() -> None:
    """It is among the open orders; from then on it is asked for and changed under that."""
    desk = Desk()
    text = to_text(ID, "t", 1_700_000_000_000)
    desk.ask(QueryOpenOrders(), body([order(text)]))
    assert desk.request(QUERY).url.endswith(text)
    assert msgspec.json.decode(desk.write(CHANGE).body)["cancelId"] == text


class ChangesOfAnOrder(RuleBasedStateMachine):
    """A venue that replaces, refuses and loses changes; what the connector tells never contradicts it."""

    texts: Bundle[str] = Bundle("texts")

    @initialize()
    def begin(self) -> None:
        """Let an order rest."""
        self.desk = Desk()
        self.open: str | None = TEXT
        self.known: set[str] = {TEXT}
        self.told: list[Event] = list(self.desk.hear("ORDER", orders=[order(TEXT)]))

    def _hear(self, *orders: dict[str, object]) -> None:
        self.told += self.desk.hear("ORDER", orders=list(orders))

    @rule(fate=st.sampled_from(("stands", "refused", "both gone", "lost before", "lost after")))
    def change(self, fate: str) -> None:
        """Ask for a change, and let it have its fate."""
        sent = msgspec.json.decode((request := self.desk.write(CHANGE)).body)
        text, replaced = sent["id"], sent["cancelId"]
        assert text not in self.known, "a text is used twice"
        self.known.add(text)
        number = len(self.known)
        if replaced != self.open or fate == "refused":
            self.told += self.desk.answer(request, error(1142), 400)
        elif fate == "lost before":
            self.told += self.desk.answer(request, b"", 502)
        elif fate == "both gone":
            self.told += self.desk.answer(request, placed(text, number))
            self._hear(order(text, "REJECTED", id=number), order(replaced, "CANCELLED"))
            self.open = None
        else:
            answer = (b"", 502) if fate == "lost after" else (placed(text, number), 200)
            self.told += self.desk.answer(request, *answer)
            self._hear(order(replaced, "CANCELLED", statusReason="ORDER_REPLACED"), order(text, id=number))
            self.open = text

    @rule()
    def ask(self) -> None:
        """Ask what became of it, as often as the answers say."""
        told: Sequence[Event] = ()
        for _ in range(2 * len(self.known)):
            request = self.desk.request(QUERY)
            text = request.url.rpartition("/")[2]
            row = [order(text, id=9)] if text == self.open else []
            told = self.desk.answer(request, body(row))
            if not any(isinstance(event, AskNext) for event in told):
                break
        (event,) = told
        assert isinstance(event, OrderReport if self.open else OrderNotFound)

    @invariant()
    def no_end_is_told_of_what_stands(self) -> None:
        """While an order of ours is open, nothing says that it is gone."""
        if getattr(self, "open", None) is not None:
            assert not any(isinstance(event, OrderCancelled | OrderRejected) for event in self.told)


TestChangesOfAnOrder = ChangesOfAnOrder.TestCase
TestChangesOfAnOrder.settings = settings(max_examples=40, stateful_step_count=12, deadline=None)
