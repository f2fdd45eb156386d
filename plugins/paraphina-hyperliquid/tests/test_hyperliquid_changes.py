"""A change of an order is never taken for its end, and never orders again what has filled."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperliquid_account import ETH, RESTING, Account, fill, update
from paraphina_core.connector import Failure, FailureKind
from paraphina_core.domain import (
    Answered,
    ClientOrderId,
    LocalError,
    ModifyOrder,
    OrderAccepted,
    OrderCancelled,
    OrderModified,
    OrderReport,
    OrderState,
    OutcomeUnknown,
    Side,
)
from paraphina_hyperliquid.changes import MAX_ORDERS, Changes, Ending


@pytest.fixture
def account() -> Account:
    """Return an account whose stream has just opened."""
    return Account()


def test_f036_the_end_of_the_old_order_is_not_the_end_of_ours(account: Account) -> None:
    """The venue cancels the old one and places a new one under our id, and says so in any order."""
    nonce, _ = account.changes_order()
    assert account.hears("orderUpdates", [update("canceled", oid=5)]) == []
    (new,) = account.hears("orderUpdates", [update("open", oid=6)])
    assert isinstance(new, OrderAccepted)
    answered, modified = account.answers(nonce, RESTING)
    assert answered == Answered(correlation=str(nonce))
    assert isinstance(modified, OrderModified)
    assert (modified.venue_order_id, modified.size) == ("6", Decimal(1))
    assert account.hears("orderUpdates", [update("canceled", oid=5)]) == []
    (gone,) = account.hears("orderUpdates", [update("canceled", oid=6, left="0.5")])
    assert isinstance(gone, OrderCancelled)
    assert gone.filled_size is None  # of the last order under our id alone


@pytest.mark.parametrize("status", ["canceled", "badAloPxRejected"])
def test_f036_while_a_change_is_lost_an_end_is_only_a_doubt(account: Account, status: str) -> None:
    """Nobody can tell which of the two orders it was."""
    nonce, _ = account.changes_order()
    _, unknown = account.answers(nonce, "504 Gateway Timeout", kind="error")
    assert isinstance(unknown, OutcomeUnknown)
    (event,) = account.hears("orderUpdates", [update(status, oid=5)])
    assert isinstance(event, OutcomeUnknown)


def test_f036_an_answer_about_the_order_ends_the_doubt(account: Account) -> None:
    """Its id is the one that stands."""
    nonce, _ = account.changes_order()
    account.answers(nonce, {"status": "err", "response": "Internal error"})
    account.changes.reported(report(venue_order_id="6"))
    assert account.hears("orderUpdates", [update("canceled", oid=5)]) == []
    (gone,) = account.hears("orderUpdates", [update("canceled", oid=6)])
    assert isinstance(gone, OrderCancelled)


def test_f036_a_change_that_was_never_sent_leaves_the_order_as_it_was(account: Account) -> None:
    """The venue knows nothing of it."""
    nonce, _ = account.changes_order()
    account.entry.read_answer(str(nonce), Failure(kind=FailureKind.NOT_SENT))
    (gone,) = account.hears("orderUpdates", [update("canceled", oid=5)])
    assert isinstance(gone, OrderCancelled)


def report(venue_order_id: str = "5", filled: str = "0") -> OrderReport:
    """Return the venue's statement of order 7."""
    return OrderReport(
        instrument=ETH,
        client_order_id=ClientOrderId(7),
        venue_order_id=venue_order_id,
        side=Side.BUY,
        price=Decimal(1500),
        size=Decimal(1),
        filled_size=Decimal(filled),
        state=OrderState.LIVE,
    )


def test_f037_what_has_filled_is_not_ordered_again_by_a_change(account: Account) -> None:
    """The new order knows nothing of the old one's fills: only what is left is sent, whoever told of it."""
    account.hears("userFills", {"isSnapshot": True, "fills": [fill(1)]})
    account.hears("userFills", {"fills": [fill(1), fill(2, sz="0.1")]})
    nonce, action = account.changes_order("1")
    assert action["modifies"][0]["order"]["s"] == "0.5"
    _, modified = account.answers(nonce, RESTING)
    assert isinstance(modified, OrderModified)
    assert modified.size == Decimal(1)


def test_f037_a_change_to_less_than_has_filled_is_refused_here(account: Account) -> None:
    """Nothing would be left to order; also when only a report told of the fills."""
    account.changes.reported(report(filled="0.75"))
    with pytest.raises(LocalError, match="has filled already"):
        account.changes_order("0.75")
    _, action = account.changes_order("1")
    assert action["modifies"][0]["order"]["s"] == "0.25"


def test_the_memory_of_orders_is_bounded() -> None:
    """The order that was heard of longest ago is forgotten, and no other."""
    changes = Changes()
    for number in range(MAX_ORDERS + 1):
        changes.sent(
            ModifyOrder(
                instrument=ETH,
                client_order_id=ClientOrderId(number),
                venue_order_id="5",
                side=Side.BUY,
                price=Decimal(1),
                size=Decimal(1),
            )
        )
    assert not changes.is_changed(ClientOrderId(0))
    assert changes.is_changed(ClientOrderId(1))
    assert changes.ending_of(ClientOrderId(0), "5") is Ending.OURS


@given(
    st.lists(st.tuples(st.integers(1, 5), st.decimals("0.01", "0.4", places=2)), max_size=8),
    st.decimals("0.01", "3", places=2),
)
def test_f037_a_change_never_orders_more_than_is_left(
    fills: list[tuple[int, Decimal]], total: Decimal
) -> None:
    """Whatever is told how often, sent and filled together are the total that was asked for."""
    account = Account()
    sizes: dict[int, Decimal] = {}
    for tid, size in fills:
        size = sizes.setdefault(tid, size)  # noqa: PLW2901  # a trade is told again as it was
        account.hears("userFills", {"fills": [fill(tid, sz=f"{size:f}")]})
    filled = sum(sizes.values(), Decimal(0))
    try:
        _, action = account.changes_order(f"{total:f}")
    except LocalError:
        assert filled >= total
        return
    assert Decimal(action["modifies"][0]["order"]["s"]) == total - filled
