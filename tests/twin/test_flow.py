"""Background participants keep up a live-like book that fills a quoting client, the same for one seed."""

from __future__ import annotations

from decimal import Decimal

import pytest

from paraphina_core.domain import Side
from paraphina_core.twin import BookChanged, Marked, Traded
from toy_venue import BTC
from twin_world import TwinWorld


def history(seed: int) -> list[str]:
    """Return what one minute of a market told."""
    world = TwinWorld(flow=True, seed=seed)
    world.wait(60_000)
    return [repr(event) for event in world.told]


def test_the_same_seed_is_the_same_market_to_the_last_digit() -> None:
    """Everything random comes from the seed, whichever steps time passes in."""
    assert history(3) == history(3)
    assert history(3) != history(4)
    world = TwinWorld(flow=True, seed=3)
    for _ in range(600):
        world.wait(100)
    assert [repr(event) for event in world.told] == history(3)


def test_the_book_lives() -> None:
    """In one minute it has many levels on either side, moves, trades and is marked; it is never crossed."""
    world = TwinWorld(flow=True)
    touches = set()
    for _ in range(60):
        world.wait(1_000)
        bid, ask = world.market.best_price(Side.BUY), world.market.best_price(Side.SELL)
        assert bid is not None
        assert ask is not None
        assert bid < ask < bid * Decimal("1.001")
        touches.add((bid, ask))
    assert all(len(world.market.levels(side)) >= 15 for side in Side)
    assert len(touches) > 20
    kinds = [type(event) for event in world.told]
    assert kinds.count(BookChanged) > 200
    assert kinds.count(Traded) > 30
    assert kinds.count(Marked) == 60


def test_a_client_who_quotes_the_touch_is_filled_on_both_sides() -> None:
    """Takers reach a client's order in its turn."""
    world = TwinWorld(flow=True)
    (client,) = world.open("client")
    world.wait(1_000)
    for _ in range(300):
        world.exchange.cancel_all(client, world.at_ns)
        for side in Side:
            price = world.market.best_price(side)
            assert price is not None
            world.try_place(client, side, float(price), "0.01", post_only=True)
        world.wait(1_000)
    assert {fill.fill.side for fill in client.fills} == set(Side)
    assert len(client.fills) > 20


def test_an_order_far_from_the_market_is_not_filled() -> None:
    """Nobody trades through a book to meet a client."""
    world = TwinWorld(flow=True)
    (client,) = world.open("client")
    order = world.place(client, "buy", 45_000, "0.01")
    world.wait(120_000)
    assert order.is_open
    assert order.filled_size == 0


def test_makers_run_over_an_order_that_the_price_has_passed() -> None:
    """A bid above the market is taken by makers who sell to it."""
    world = TwinWorld(flow=True)
    (client,) = world.open("client", balance_usd=1_000_000)
    world.wait(1_000)
    ask = world.market.best_price(Side.SELL)
    assert ask is not None
    order = world.place(client, "buy", float(ask) + 500, "20")  # sweeps every ask, the rest of it stands
    assert order.is_open
    filled = order.filled_size
    world.wait(5_000)
    assert order.filled_size > filled


@pytest.mark.parametrize("side", list(Side))
def test_what_a_client_has_taken_is_put_back_after_a_while(side: Side) -> None:
    """Makers fill the hole, not at once and not never."""
    world = TwinWorld(flow=True)
    (client,) = world.open("client", balance_usd=10_000_000)
    world.wait(1_000)
    levels = world.market.levels(side, 5)
    total = sum(level.size for level in levels)
    world.place(client, side.opposite, float(levels[-1].price), str(total))
    assert not any(world.market.size_at(side, level.price) for level in levels)
    worst = world.market.levels(side)[0].price
    world.wait(3_000)
    best = world.market.best_price(side)
    assert best is not None
    assert (best - worst) * side.sign > 0


@pytest.mark.parametrize("levels", [5, 60])
def test_a_book_has_as_many_levels_as_its_listing_says(levels: int) -> None:
    """Makers keep up so many on either side, give or take what was just taken."""
    world = TwinWorld(flow=True, levels=levels)
    for _ in range(10):
        world.wait(1_000)
        for side in Side:
            assert levels - 3 <= len(world.market.levels(side)) <= levels


def test_in_a_market_that_lives_nothing_is_created_or_lost_either() -> None:
    """Over clients and the house, positions sum to zero, and money to the deposits less the fees."""
    world = TwinWorld(flow=True)
    (client,) = world.open("client")
    world.wait(1_000)
    for turn in range(120):
        world.exchange.cancel_all(client, world.at_ns)
        side = list(Side)[turn % 2]
        best = world.market.best_price(side)
        assert best is not None
        world.try_place(client, side, float(best), "0.05")
        world.wait(500)
    assert client.fills
    house = world.exchange.house
    ledgers = [client.ledger, *(account.ledger for account in house)]
    assert sum(ledger.size(BTC.id) for ledger in ledgers) == 0
    assert sum(ledger.cash + ledger.fees for ledger in ledgers) == 10_000
