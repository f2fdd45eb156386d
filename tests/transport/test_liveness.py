"""A stream counts as live only when every topic is acknowledged and data has come, and is given up if not."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paraphina_core.connector import LocalSource, StreamPlan
from paraphina_core.domain import (
    NS_PER_MS,
    BalanceReport,
    BookSnapshot,
    InstrumentId,
    LocalError,
    SubscriptionLive,
    VenueNotice,
)
from paraphina_core.transport import Liveness

BOOK = BookSnapshot(instrument=InstrumentId("mock:BTC-PERP"), bids=((1.0, 1.0),), asks=((2.0, 1.0),))
AT = 1_000 * NS_PER_MS


def liveness(*topics: str, private: bool = False, **times: Any) -> Liveness:
    """Make the liveness of a stream with these topics."""
    source = LocalSource(frames=lambda _: iter(()))
    plan = StreamPlan(name="books", source=source, max_silence_ms=1, topics=topics, private=private)
    return Liveness(plan, **times)


def test_f009_a_stream_is_live_after_every_acknowledgement_and_the_first_data() -> None:
    """Each step is named as long as it is missing."""
    stream = liveness("a", "b")
    assert stream.missing == "stream books is not open"
    stream.opened(AT)
    assert "topic a " in stream.missing
    stream.take([SubscriptionLive(topic="a"), BOOK])
    assert stream.is_topic_live("a")
    assert not stream.is_topic_live("b")
    assert "topic b " in stream.missing
    stream.take([SubscriptionLive(topic="b")])
    assert stream.is_live
    assert stream.due_ns() is None


def test_acknowledgements_alone_are_no_feed() -> None:
    """What the venue says about itself is no data either."""
    stream = liveness("a")
    stream.opened(AT)
    stream.take([SubscriptionLive(topic="a"), VenueNotice(code="x", text="y")])
    assert stream.missing == "stream books has no data yet"
    assert not stream.is_topic_live("a")


def test_a_private_stream_with_nothing_to_say_is_live() -> None:
    """An account on which nothing happens sends nothing; the acknowledgement is what it gives."""
    stream = liveness("orders", private=True)
    stream.opened(AT)
    assert not stream.is_live
    stream.take([SubscriptionLive(topic="orders")])
    assert stream.is_live
    assert stream.is_topic_live("orders")


def test_account_events_are_data() -> None:
    """A stream that carries them with market data need not wait for a book."""
    stream = liveness()
    stream.opened(AT)
    stream.take([BalanceReport(asset="USDC", equity=Decimal(1), available=Decimal(1))])
    assert stream.is_live


@pytest.mark.parametrize(
    ("events", "within_ms", "why"),
    [
        ([], 100, "topic a of stream books is not acknowledged after 100 ms"),
        ([BOOK], 100, "topic a of stream books is not acknowledged after 100 ms"),
        ([SubscriptionLive(topic="a")], 300, "stream books has no data yet after 300 ms"),
    ],
)
def test_f009_a_subscription_that_is_never_answered_is_opened_anew(
    events: list[Any], within_ms: int, why: str
) -> None:
    """Exactly when its time is over, and not before."""
    stream = liveness("a", acknowledged_within_ms=100, data_within_ms=300)
    stream.opened(AT)
    stream.take(events)
    due_ns = stream.due_ns()
    assert due_ns == AT + within_ms * NS_PER_MS
    assert stream.overdue(due_ns - 1) == ""
    assert stream.overdue(due_ns) == why


def test_a_new_connection_owes_everything_again() -> None:
    """What the lost one had acknowledged counts for nothing, and a lost stream is not late but lost."""
    stream = liveness("a")
    stream.opened(AT)
    stream.take([SubscriptionLive(topic="a"), BOOK])
    stream.ended()
    assert not stream.is_live
    assert not stream.is_topic_live("a")
    assert stream.overdue(10 * AT) == ""
    stream.opened(2 * AT)
    assert "topic a " in stream.missing


def test_times_that_would_reopen_for_ever_are_refused() -> None:
    """A limit of zero is no limit but a loop."""
    with pytest.raises(LocalError):
        liveness(acknowledged_within_ms=0)


@given(st.lists(st.sampled_from(["a", "b", "other", "data"]), max_size=12))
def test_a_stream_is_live_if_and_only_if_all_was_seen(seen: list[str]) -> None:
    """In whatever order and however often."""
    stream = liveness("a", "b")
    stream.opened(AT)
    for one in seen:
        stream.take([BOOK if one == "data" else SubscriptionLive(topic=one)])
    assert stream.is_live is ({"a", "b", "data"} <= set(seen))
    assert (stream.due_ns() is None) is stream.is_live
