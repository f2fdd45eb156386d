"""The suite's own tools: damage that damages, checks that see what is wrong, fills that count once."""

from __future__ import annotations

from decimal import Decimal
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paraphina_core.conformance import Broken
from paraphina_core.conformance.damage import (
    NOT_PLAIN,
    damaged,
    decoded,
    is_plain_number,
    leaves,
    misplaced,
    replaced,
    without,
)
from paraphina_core.conformance.heard import Heard
from paraphina_core.conformance.validity import check_events, check_time
from paraphina_core.domain import (
    BalanceReport,
    BestBidOffer,
    BookDelta,
    BookSnapshot,
    ClientOrderId,
    Event,
    Fill,
    FundingRate,
    InstrumentId,
    Level,
    Liquidity,
    MarkPrice,
    RemoteNumberError,
    Side,
    Trade,
    parse_decimal,
)

REEF = InstrumentId("reef:BTC")
FRAME = b'{"type":"book","at":17,"bids":[["100.5","2"],["100","1"]],"more":{"deep":[true,null]}}'
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=8,
)

# --- damage ------------------------------------------------------------------------------------


def test_damage_is_the_same_for_the_same_seed_and_mostly_damages() -> None:
    """A card can be repeated, and does not read sound frames again and again."""
    first, second = (list(damaged(FRAME, Random(7), 200)) for _ in range(2))
    assert first == second
    assert sum(frame != FRAME for frame in first) > 150


def test_every_kind_of_place_gets_every_wrong_value_and_is_left_out_and_doubled_once() -> None:
    """Nothing depends on luck for a message's own keys and the first element of each array."""
    copies = set(misplaced(FRAME, Random(1), 0))
    for changed in (
        b'{"type":"book","at":null,"bids":[["100.5","2"],["100","1"]],"more":{"deep":[true,null]}}',
        b'{"type":"book","at":17,"bids":[],"more":{"deep":[true,null]}}',
        b'{"type":"book","at":17,"bids":[[{},"2"],["100","1"]],"more":{"deep":[true,null]}}',
        b'{"at":17,"bids":[["100.5","2"],["100","1"]],"more":{"deep":[true,null]}}',
        b'{"type":"book","at":17,"bids":[["100.5","2"],["100","1"]],"more":{"deep":[true,null]},"at":7}',
    ):
        assert changed in copies
    assert list(misplaced(b"no json", Random(1), 50)) == []


@given(JSON)
def test_what_is_replaced_or_left_out_leaves_the_rest_as_it_was(value: Any) -> None:
    """Copies are changed, never the original, and only in one place."""
    before = msgspec.json.encode(value)
    for place, _ in list(leaves(value, inner=True)):
        changed = replaced(value, place, "\u0001here")
        assert dict(leaves(changed, inner=True))[place] == "\u0001here"
        if isinstance(place[-1], str):
            assert place not in dict(leaves(without(value, place), inner=True))
    assert msgspec.json.encode(value) == before


def test_a_number_that_is_not_plain_is_none_for_the_one_parser() -> None:
    """Each spelling that the suite sends is one that the contract refuses."""
    for pattern in NOT_PLAIN:
        text = pattern.format("100.5")
        assert not is_plain_number(text)
        with pytest.raises(RemoteNumberError):
            parse_decimal(text, "px")
    assert is_plain_number("100.5")
    assert decoded(b"[" * 100_000) is None


# --- checks ------------------------------------------------------------------------------------


def snapshot(**changes: object) -> BookSnapshot:
    """Return a sound book, changed."""
    sound = BookSnapshot(instrument=REEF, bids=(Level(2.0, 1.0), Level(1.0, 1.0)), asks=(Level(3.0, 1.0),))
    return msgspec.structs.replace(sound, **changes)


def fill(**changes: object) -> Fill:
    """Return a sound fill, changed."""
    sound = Fill(
        instrument=REEF,
        client_order_id=ClientOrderId(1),
        venue_order_id="9",
        trade_id="t",
        side=Side.BUY,
        price=Decimal(100),
        size=Decimal(2),
        fee=Decimal("0.1"),
        liquidity=Liquidity.MAKER,
    )
    return msgspec.structs.replace(sound, **changes)


TRADE = Trade(instrument=REEF, price=1.0, size=1.0, aggressor=Side.BUY, trade_id="t")
MARK = MarkPrice(instrument=REEF, mark_price=1.0)
FUNDING = FundingRate(instrument=REEF, rate=0.0001, interval_s=3_600)
BALANCE = BalanceReport(asset="USD", equity=Decimal(1), available=Decimal(1))


@pytest.mark.parametrize("event", [snapshot(), fill(), TRADE, MARK, FUNDING, BALANCE])
def test_sound_events_pass(event: Event) -> None:
    """The checks complain about nothing that is right."""
    check_events([event])


@pytest.mark.parametrize(
    "event",
    [
        snapshot(bids=(Level(1.0, 1.0), Level(2.0, 1.0))),
        snapshot(bids=(Level(2.0, 1.0), Level(2.0, 1.0))),
        snapshot(asks=(Level(3.0, 0.0),)),
        snapshot(asks=(Level(float("nan"), 1.0),)),
        snapshot(bids=[Level(2.0, 1.0)]),
        BookDelta(instrument=REEF, bids=(Level(-1.0, 1.0),), asks=()),
        BestBidOffer(instrument=REEF, bid=Level(0.0, 1.0), ask=None),
        msgspec.structs.replace(TRADE, price=0.0),
        msgspec.structs.replace(TRADE, trade_id=""),
        msgspec.structs.replace(MARK, mark_price=float("inf")),
        msgspec.structs.replace(MARK, index_price=-1.0),
        msgspec.structs.replace(FUNDING, rate=0.5),
        msgspec.structs.replace(FUNDING, interval_s=0),
        msgspec.structs.replace(BALANCE, asset=""),
        "no event",
    ],
)
def test_what_no_event_may_be_is_noticed(event: Any) -> None:
    """Order, sign, finiteness, kind and exact types are looked at."""
    with pytest.raises(Broken):
        check_events([event])


@pytest.mark.parametrize("at", [0, 1_700_000_000, 1_700_000_000_000, 1_700_000_000_000_000, 2**62])
def test_times_in_other_units_are_noticed(at: int) -> None:
    """Seconds, milli- and microseconds are no nanoseconds."""
    with pytest.raises(Broken, match="nanoseconds"):
        check_time(msgspec.structs.replace(TRADE, exchange_ns=at))


def test_a_fill_that_is_told_again_counts_once_and_must_be_the_same() -> None:
    """Positions are made of distinct fills; a contradiction is not passed over."""
    heard = Heard()
    heard.take([fill(), fill(is_replay=True), fill(trade_id="u", side=Side.SELL, size=Decimal("0.5"))], 1)
    assert heard.position(REEF) == Decimal("1.5")
    assert [event.trade_id for event in heard.told(Fill)] == ["t", "t", "u"]
    with pytest.raises(Broken, match="told again with another size"):
        heard.take([fill(size=Decimal(3))], 2)
