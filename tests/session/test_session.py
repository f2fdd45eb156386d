"""A session quotes only what it believes, and whatever goes wrong on one venue stays there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from paraphina_core.connector import OrderGate
from paraphina_core.domain import (
    BookGap,
    InstrumentDefined,
    InstrumentId,
    OrderRejected,
    PlaceOrder,
    Purpose,
    Resubscribe,
    Side,
    Target,
    Trade,
    TradingState,
    View,
)
from paraphina_core.journal import Record, read
from paraphina_core.session import Run, Summary
from scripted import Step, World, book, defined, instrument, plugin, steady, strategy_of


def _records(run: Run, *kinds: str) -> list[Record]:
    return [record for record in read(run.folder / "journal") if record.kind in kinds]


def _data(record: Record) -> dict[str, Any]:
    decoded: dict[str, Any] = msgspec.json.decode(record.data)
    return decoded


def _world(tmp_path: Path, *scripts: Sequence[Step], **options: Any) -> World:
    names = ("alpha", "beta")[: len(scripts)]
    return World(tmp_path, plugin(dict(zip(names, scripts, strict=True)), **options))


def _ms(record: Record, run: Run) -> float:
    start = next(iter(_records(run, "start")))
    return (record.at_ns - start.at_ns) / 1e6


def test_a_believed_book_is_quoted_on_both_sides_and_at_the_end_nothing_is_left(
    tmp_path: Path,
) -> None:
    """Two quotes rest; when the session ends none is left and the exit code is 0."""
    run, summary = _world(tmp_path, steady("alpha", 3000)).run(connectors="alpha", duration=2)
    placed = [msgspec.json.decode(record.data, type=PlaceOrder) for record in _records(run, "place")]
    assert {order.side for order in placed} == {Side.BUY, Side.SELL}
    assert all(order.post_only for order in placed)
    assert summary.orders_left == ()
    assert summary.exit_code == 0
    assert _data(_records(run, "left")[-1]) == {"orders": [], "positions": {}}


def test_every_order_is_recorded_before_anything_the_venue_says_of_it(tmp_path: Path) -> None:
    """The journal holds the command first, then the answer."""
    run, _ = _world(tmp_path, steady("alpha", 2000)).run(connectors="alpha", duration=1)
    seen: set[int] = set()
    answers = 0
    for record in _records(run, "place", "event"):
        data = _data(record)
        if record.kind == "place":
            seen.add(data["client_order_id"])
        elif data["type"].startswith("order"):
            answers += 1
            assert data["client_order_id"] in seen
    assert answers >= 2


def test_f003_a_book_that_goes_silent_loses_its_quotes_while_the_other_venue_goes_on(tmp_path: Path) -> None:
    """Staleness cancels on that venue alone, and only there nothing new is placed."""
    alpha = [*steady("alpha", 1000), (60_000, [book("alpha")])]
    world = _world(tmp_path, alpha, steady("beta", 30_000))
    run, summary = world.run(connectors="alpha,beta", duration=25)
    limit_ms = world.config(connectors="alpha").profile.max_book_age_ms  # type: ignore[union-attr]  # paper has one
    late = [record for record in _records(run, "place") if _ms(record, run) > 1000 + limit_ms + 500]
    assert not [record for record in late if _data(record)["instrument"] == "alpha:BTC"]
    cancelled = {_data(record)["instrument"] for record in _records(run, "cancel")}
    assert "alpha:BTC" in cancelled
    by_name = {venue.connector: venue for venue in summary.session.venues}
    assert by_name["alpha"].health == "degraded"
    assert by_name["beta"].health == "healthy"


def test_f013_a_gap_withdraws_the_quotes_at_once(tmp_path: Path) -> None:
    """The frame that reports the gap is the one after which the cancels leave."""
    gap = BookGap(instrument=InstrumentId("alpha:BTC"), reason="sequence")
    script = [*steady("alpha", 1000), (1050, [gap]), (5000, [])]
    run, _ = _world(tmp_path, script).run(connectors="alpha", duration=2)
    cancels = [_ms(record, run) for record in _records(run, "cancel")]
    assert 1050 in cancels
    assert max(cancels) == 1050
    assert not [record for record in _records(run, "place") if _ms(record, run) > 1050]


def _trade(at_ms: int, price: float) -> Trade:
    return Trade(
        instrument=InstrumentId("alpha:BTC"), price=price, size=1.0, aggressor=Side.BUY, trade_id=str(at_ms)
    )


def test_f024_a_book_that_is_sent_again_and_again_while_trades_leave_it_is_not_quoted_on(
    tmp_path: Path,
) -> None:
    """It arrives in time and is whole, but stands still; once it moves, it is a book again."""
    frozen = [(at_ms, [_trade(at_ms, 10_010.0)]) for at_ms in range(1_050, 4_000, 500)]
    moved = [(at_ms, [book("alpha", bid=10_009.5, ask=10_010.5)]) for at_ms in range(6_000, 9_000, 100)]
    script = sorted([*steady("alpha", 6_000), *frozen, *moved], key=lambda step: step[0])
    run, summary = _world(tmp_path, script).run(connectors="alpha", duration=8)
    placed = [_ms(record, run) for record in _records(run, "place")]
    cancelled = [_ms(record, run) for record in _records(run, "cancel")]
    assert [at for at in cancelled if 3_050 <= at <= 3_300]
    assert not [at for at in placed if 3_050 < at < 6_000]
    assert [at for at in placed if at >= 6_000]
    assert summary.session.venues[0].health == "healthy"


def test_a_trade_outside_the_book_now_and_then_is_no_frozen_book(tmp_path: Path) -> None:
    """One trade may overtake the book that it changes, and a book may be where it was before."""
    trades = [
        (1_050, [_trade(1, 10_010.0)]),
        (1_550, [_trade(2, 10_010.0)]),
        (1_750, [book("alpha", size=4.0)]),
    ]
    later = [(at_ms, [_trade(at_ms, 10_010.0)]) for at_ms in (3_050, 4_050)]
    script = sorted([*steady("alpha", 6_000), *trades, *later], key=lambda step: step[0])
    run, _ = _world(tmp_path, script).run(connectors="alpha", duration=5)
    assert not [at for at in (_ms(record, run) for record in _records(run, "cancel")) if 3_200 < at < 4_900]


def test_f058_a_name_that_means_another_contract_now_is_not_traded_any_more(
    tmp_path: Path,
) -> None:
    """Positions and limits are those of the contract that bore the name; the operator reads what happened."""
    other = msgspec.structs.replace(instrument("alpha"), base="WBTC")
    script = [
        *steady("alpha", 1_000),
        (1_000, [InstrumentDefined(instrument=other)]),
        *[(at_ms, [book("alpha")]) for at_ms in range(1_100, 3_000, 100)],
        (3_000, [defined("alpha")]),
        *[(at_ms, [book("alpha")]) for at_ms in range(3_100, 5_000, 100)],
    ]
    run, summary = _world(tmp_path, script).run(connectors="alpha", duration=4)
    assert [at for at in (_ms(record, run) for record in _records(run, "place")) if at < 1_000]
    assert not [at for at in (_ms(record, run) for record in _records(run, "place")) if at > 1_000]
    assert any("was BTC/USD and is WBTC/USD" in notice for notice in summary.session.venues[0].notices)


def test_f018_a_frame_that_cannot_be_read_stops_only_its_venues_quotes(
    tmp_path: Path,
) -> None:
    """The book is not believed until the next snapshot, and the error is shown."""
    alpha = [
        *steady("alpha", 1000),
        (1000, b"not json"),
        *[(at, [book("alpha")]) for at in range(1100, 9000, 100)],
    ]
    run, summary = _world(tmp_path, alpha, steady("beta", 9000)).run(connectors="alpha,beta", duration=5)
    venue = summary.session.venues[0]
    assert any("cannot be read" in notice for notice in venue.notices)
    assert venue.health == "healthy", "one error is forgiven once the book has been good for a while"
    alpha_cancels = [_ms(r, run) for r in _records(run, "cancel") if _data(r)["instrument"] == "alpha:BTC"]
    assert 1000 in alpha_cancels
    assert 1000 not in [_ms(r, run) for r in _records(run, "cancel") if _data(r)["instrument"] == "beta:BTC"]


def test_f085_a_connector_that_raises_is_disabled_and_the_other_venue_goes_on(tmp_path: Path) -> None:
    """A plugin's bug costs its own venue only."""
    alpha = [*steady("alpha", 1000), (1000, ZeroDivisionError("a bug")), *[(1100, [book("alpha")])]]
    run, summary = _world(tmp_path, alpha, steady("beta", 5000)).run(connectors="alpha,beta", duration=4)
    alpha_venue, beta_venue = summary.session.venues
    assert alpha_venue.health == "disabled"
    assert "ZeroDivisionError: a bug" in alpha_venue.reason
    assert beta_venue.health == "healthy"
    late = [_data(record) for record in _records(run, "place") if _ms(record, run) > 1000]
    assert {order["instrument"] for order in late} <= {"beta:BTC"}
    assert not summary.orders_left


def test_a_strategy_that_raises_halts_the_session_and_every_order_is_cancelled(tmp_path: Path) -> None:
    """Nothing but cancels leaves afterwards, and the exit code says so."""
    calls = 0

    def decide(view: View, _at_ns: int) -> Sequence[Target]:
        nonlocal calls
        calls += 1
        if calls > 5:
            raise RuntimeError("a bug")
        market = view.markets[0]
        if market.unusable:
            return ()
        return [Target(instrument=market.instrument.id, side=Side.BUY, price=9990.0, size_base=0.1)]

    world = _world(tmp_path, steady("alpha", 5000), strategies=[strategy_of("raising", decide)])
    run, summary = world.run(connectors="alpha", strategy="raising", duration=3)
    assert summary.session.state is TradingState.HALTED
    assert "RuntimeError: a bug" in summary.session.reason
    assert summary.session.placed == 1
    assert len(_records(run, "cancel_all")) == 1
    assert summary.orders_left == ()
    assert summary.exit_code == 4


def test_a_loss_beyond_the_days_limit_halts(tmp_path: Path) -> None:
    """Buying from a market that then collapses ends in a halt, with the limit named."""

    def decide(view: View, _at_ns: int) -> Sequence[Target]:
        market = view.markets[0]
        if market.unusable:
            return ()
        size = market.max_order_notional_usd / 10_000.0
        return [Target(instrument=market.instrument.id, side=Side.BUY, price=9995.0, size_base=size)]

    def trade(at_ms: int) -> Trade:
        return Trade(
            instrument=InstrumentId("alpha:BTC"),
            price=9000.0,
            size=50.0,
            aggressor=Side.SELL,
            trade_id=str(at_ms),
        )

    script = sorted(
        [*steady("alpha", 2000), *[(at_ms, [trade(at_ms)]) for at_ms in range(300, 2000, 300)]],
        key=lambda step: step[0],
    ) + [(at_ms, [book("alpha", bid=4999.5, ask=5000.5)]) for at_ms in range(2000, 5000, 100)]
    world = _world(tmp_path, script, strategies=[strategy_of("buying", decide)])
    _, summary = world.run(connectors="alpha", strategy="buying", duration=4)
    assert summary.session.state is TradingState.HALTED
    assert "daily loss" in summary.session.reason
    assert summary.exit_code == 4


def test_a_refused_order_is_never_sent_recorded_once_and_counted_always(tmp_path: Path) -> None:
    """A plugin's gate refuses each attempt; the journal tells it once, the summary says how often."""
    gate = OrderGate(code="NO_MONDAY", summary="never", refuses=lambda *_: "it is Monday")
    world = _world(tmp_path, steady("alpha", 2000), gates=[gate])
    run, summary = world.run(connectors="alpha", duration=1)
    assert _records(run, "place") == []
    refused = _records(run, "refused")
    assert len(refused) == 2, "one for each side"
    assert "NO_MONDAY: it is Monday" in _data(refused[0])["found"]
    assert summary.session.refusals["PLUGIN_GATE"] > 10


def test_a_trade_through_a_quote_fills_it_and_moves_the_position(tmp_path: Path) -> None:
    """A fill on paper is booked once, shown, and left as a position at the end."""
    trade = Trade(
        instrument=InstrumentId("alpha:BTC"), price=9000.0, size=50.0, aggressor=Side.SELL, trade_id="1"
    )
    script = sorted([*steady("alpha", 3000), (1050, [trade])], key=lambda step: step[0])
    run, summary = _world(tmp_path, script).run(connectors="alpha", duration=2)
    fills = [_data(record) for record in _records(run, "event") if _data(record)["type"] == "fill"]
    assert fills
    assert {fill["side"] for fill in fills} == {"buy"}
    position = summary.positions_left[InstrumentId("alpha:BTC")]
    assert position > 0
    assert summary.session.fills == len(fills)


def test_orders_whose_cancel_is_not_confirmed_in_time_are_named_with_exit_code_3(
    tmp_path: Path,
) -> None:
    """An answer that takes longer than the session waits leaves orders, and says which."""
    world = _world(tmp_path, steady("alpha", 60_000))
    path = tmp_path / "slow.toml"
    path.write_text("[paper]\nlatency_ms = 6000\n", encoding="utf-8")
    _, summary = world.run(connectors="alpha", duration=8, file=path)
    assert summary.orders_left
    assert summary.exit_code == 3


def test_a_stream_that_is_opened_anew_on_the_connectors_wish_is_believed_only_after_a_snapshot(
    tmp_path: Path,
) -> None:
    """Resubscribing resets the book, reopens the stream and then quotes again."""
    script = [
        (0, [defined("alpha")]),
        *[(at, [book("alpha")]) for at in range(0, 2000, 100)],
        (2000, [Resubscribe(stream="script", reason="sequence")]),
        (50_000, []),
    ]
    run, _ = _world(tmp_path, script).run(connectors="alpha", duration=5.5)
    assert len(_records(run, "opened")) == 2
    placed = [_ms(record, run) for record in _records(run, "place")]
    assert not [at for at in placed if 2000 < at < 3000]
    assert [at for at in placed if at >= 3000]


def test_a_recording_that_ends_ends_the_session_and_one_that_repeats_is_opened_again(tmp_path: Path) -> None:
    """Without repeat the run is over with the last frame; with it the next connection follows."""
    run, summary = _world(tmp_path / "once", steady("alpha", 1000)).run(connectors="alpha", duration=60)
    assert summary.stopped_because == "every stream has ended"
    run, summary = _world(tmp_path / "again", steady("alpha", 1000), repeat=True).run(
        connectors="alpha", duration=10
    )
    assert summary.stopped_because == "the duration has passed"
    assert len(_records(run, "opened")) > 3


def test_the_number_of_ticks_can_be_limited(tmp_path: Path) -> None:
    """--max-ticks ends the run."""
    _, summary = _world(tmp_path, steady("alpha", 60_000)).run(connectors="alpha", max_ticks=7)
    assert summary.stopped_because == "the number of ticks is reached"
    assert summary.session.ticks >= 7


def test_shadow_records_what_it_would_have_sent_with_the_market_then_and_never_fills(tmp_path: Path) -> None:
    """Each would-be order stands in the journal with best bid, best offer and fair value."""
    trade = Trade(
        instrument=InstrumentId("alpha:BTC"), price=9000.0, size=50.0, aggressor=Side.SELL, trade_id="1"
    )
    script = sorted([*steady("alpha", 3000), (1050, [trade])], key=lambda step: step[0])
    run, summary = _world(tmp_path, script).run(connectors="alpha", duration=2, trade_mode="shadow")
    shadows = [_data(record) for record in _records(run, "shadow")]
    assert shadows
    assert all(shadow["best_bid"] and shadow["best_ask"] and shadow["fair_value"] for shadow in shadows)
    assert len(shadows) == len(_records(run, "place"))
    assert summary.session.fills == 0


def test_a_rejected_order_is_forgotten_and_the_next_one_may_be_placed(tmp_path: Path) -> None:
    """A post-only order that would cross is rejected by the paper exchange, not kept as open."""

    def decide(view: View, _at_ns: int) -> Sequence[Target]:
        market = view.markets[0]
        if market.unusable:
            return ()
        return [Target(instrument=market.instrument.id, side=Side.BUY, price=9999.0, size_base=0.01)]

    falling = [(at_ms, [book("alpha", bid=9000.0, ask=9001.0)]) for at_ms in range(50, 2000, 100)]
    script = [(0, [defined("alpha")]), (0, [book("alpha")]), *falling]
    world = _world(tmp_path, script, strategies=[strategy_of("stubborn", decide)])
    run, summary = world.run(connectors="alpha", strategy="stubborn", duration=1)
    events = [_data(record) for record in _records(run, "event")]
    assert any(event["type"] == "order_rejected" for event in events)
    assert summary.orders_left == ()


@pytest.mark.parametrize("purpose", [Purpose.HEDGE, Purpose.EXIT])
def test_for_any_other_purpose_than_quoting_only_reducing_orders_leave(
    tmp_path: Path, purpose: Purpose
) -> None:
    """The profile enforces reduce-only for hedges and exits; a flat session sends none."""

    def decide(view: View, _at_ns: int) -> Sequence[Target]:
        market = view.markets[0]
        if market.unusable:
            return ()
        return [
            Target(
                instrument=market.instrument.id,
                side=Side.BUY,
                price=9990.0,
                size_base=0.01,
                purpose=purpose,
                post_only=False,
            )
        ]

    world = _world(tmp_path, steady("alpha", 2000), strategies=[strategy_of("hedging", decide)])
    run, summary = world.run(connectors="alpha", strategy="hedging", duration=1)
    assert _records(run, "place") == []
    assert set(summary.session.refusals) == {"REDUCE_ONLY_REQUIRED"}


def test_the_summary_is_written_and_names_the_head_of_the_journal(tmp_path: Path) -> None:
    """summary.json says what the run came to, and its journal head matches the folder's."""
    run, summary = _world(tmp_path, steady("alpha", 2000)).run(connectors="alpha", duration=1)
    written = msgspec.json.decode((run.folder / "summary.json").read_bytes())
    assert written["stopped_because"] == "the duration has passed"
    assert written["journal_head"]["seq"] == list(read(run.folder / "journal"))[-1].seq
    assert {path.name for path in run.folder.iterdir()} == {
        "build_info.json",
        "config_resolved.json",
        "journal",
        "summary.json",
        "telemetry.jsonl",
    }
    assert isinstance(summary, Summary)


def test_an_event_of_another_kind_never_counts_as_an_answer_to_an_order(tmp_path: Path) -> None:
    """Order events in a market stream are not believed on paper: the paper exchange alone answers."""
    lie = OrderRejected(instrument=InstrumentId("alpha:BTC"), client_order_id=None, code="X", reason="")
    script = sorted([*steady("alpha", 2000), (500, [lie])], key=lambda step: step[0])
    run, summary = _world(tmp_path, script).run(connectors="alpha", duration=1)
    assert "order_rejected" not in {_data(record)["type"] for record in _records(run, "event")}
    assert summary.exit_code == 0


def test_a_snapshot_tells_how_old_late_and_delayed_a_book_is(tmp_path: Path) -> None:
    """Three figures: since arrival, from the venue's time to arrival, from arrival to application."""
    stamped = msgspec.structs.replace(book("alpha"), exchange_ns=0)
    script: list[Step] = [(0, [defined("alpha")]), (900, [stamped]), (5_000, [])]
    _, summary = _world(tmp_path, script).run(connectors="alpha", duration=1)
    (market,) = summary.session.venues[0].markets
    assert market.book_age_ms is not None
    assert market.book_age_ms >= 0.0
    assert market.exchange_lag_ms is not None
    assert market.exchange_lag_ms > 1e12  # the venue's time is 1970
    assert market.apply_lag_ms == 0.0  # virtual time stands still while a frame is worked off
