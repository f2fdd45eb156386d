"""Whole sessions on real sockets: they quote what arrives, and whatever breaks costs its own venue only."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from faulty_proxy import FaultyProxy
from paraphina_core.domain import NS_PER_S, LocalError, RunNumber, SubscriptionLive
from paraphina_core.execution import NoWire
from paraphina_core.journal import JournalError, JournalWriter, Record, read
from paraphina_core.session import Run, Summary, VenueSnapshot, replay_run
from paraphina_core.session.compose import compose
from quay import QuayServer, encoded, plugin
from scripted import World, book, defined
from streaming import run as bounded
from streaming import until

_CLOSED_PORT = 9


def _world(tmp_path: Path, *names: str) -> World:
    return World(tmp_path, plugin(*names))


def _run(world: World, settings: Mapping[str, Mapping[str, object]], **options: object) -> Run:
    """Make a run in real time on connectors with these settings."""
    file = world.folder / "quay.toml"
    tables = (
        f"[connectors.{name}]\n" + "".join(f"{key} = {_toml(value)}\n" for key, value in values.items())
        for name, values in settings.items()
    )
    file.write_text("\n".join(tables))
    options = {"clock": "real", "tick_ms": 100, "connectors": ",".join(settings), **options}
    return Run(world.config(file=file, **options), world.plugins, world.folder / "home")


def _toml(value: object) -> str:
    return str(value).lower() if isinstance(value, bool | int) else f'"{value}"'


@asynccontextmanager
async def _executing(run: Run) -> AsyncIterator[asyncio.Task[Summary]]:
    """Execute a run beside the body, then stop it in good order."""
    task = asyncio.create_task(run.execute())
    try:
        yield task
    finally:
        run.request_stop()
        await asyncio.wait({task})


def _venue(run: Run, name: str = "quay") -> VenueSnapshot:
    return next(venue for venue in run.snapshot().venues if venue.connector == name)


def _quoted(run: Run, name: str = "quay") -> bool:
    return any(market.orders for market in _venue(run, name).markets)


def _records(run: Run, *kinds: str) -> list[Record]:
    return [record for record in read(run.folder / "journal") if record.kind in kinds]


def _kinds(run: Run) -> list[str]:
    return [record.kind for record in read(run.folder / "journal")]


@pytest.mark.parametrize("mode", ["paper", "shadow"])
def test_a_session_on_real_sockets_asks_subscribes_quotes_and_ends_with_nothing_left(
    tmp_path: Path, mode: str
) -> None:
    """The bootstrap is answered before the stream opens; the end closes every connection."""

    async def story() -> None:
        world = _world(tmp_path, "quay")
        async with QuayServer("quay") as server:
            run = _run(world, {"quay": server.settings()}, trade_mode=mode)
            async with _executing(run) as task:
                await until(lambda: run.snapshot().placed >= 2)
                assert _venue(run).health == "healthy"
                assert [one.is_open for one in _venue(run).connections] == [True]
            summary = task.result()
        assert summary.exit_code == 0
        assert summary.orders_left == ()
        kinds = _kinds(run)
        assert kinds.index("answer") < kinds.index("opened") < kinds.index("frame") < kinds.index("place")
        assert kinds[-2:] == ["finish", "left"]
        assert server.received == ['{"subscribe":"book:BTC"}']
        own = {asyncio.current_task()}
        assert {task for task in asyncio.all_tasks() if "paraphina" in repr(task)} <= own
        result, _ = replay_run(run.folder, world.plugins)
        assert result.difference is None
        assert result.decisions >= 2

    bounded(story())


def test_f001_a_lost_connection_withdraws_the_quotes_and_comes_back_with_a_new_book(tmp_path: Path) -> None:
    """The books are forgotten with the connection; quotes return after the venue has recovered."""

    async def story() -> None:
        async with QuayServer("quay") as server, FaultyProxy(server.port) as proxy:
            run = _run(_world(tmp_path, "quay"), {"quay": server.settings(proxy.port)})
            async with _executing(run):
                await until(lambda: _quoted(run))
                server.is_sending = False
                proxy.reset()
                await until(lambda: _venue(run).health == "degraded")
                await until(lambda: not _quoted(run))
                assert "stream market is not open" in _venue(run).reason
                assert "connection_lost" in _venue(run).connections[0].fault
                await until(lambda: server.openings == 2)
                assert _venue(run).markets[0].book_state != "live", "a new connection brings its own book"
                server.is_sending = True
                await until(lambda: _quoted(run), within_s=4)
        (ended,) = _records(run, "ended")
        assert b"connection_lost" in ended.data

    bounded(story())


def test_f002_a_stream_that_hangs_is_given_up_and_replaced(tmp_path: Path) -> None:
    """A connection on which nothing arrives any more is not waited for."""

    async def story() -> None:
        async with QuayServer("quay") as server, FaultyProxy(server.port) as proxy:
            settings = {**server.settings(proxy.port), "max_silence_ms": 300}
            run = _run(_world(tmp_path, "quay"), {"quay": settings})
            async with _executing(run):
                await until(lambda: _quoted(run))
                proxy.silent = True
                await until(lambda: "data_overdue" in _venue(run).connections[0].fault)
                await until(lambda: not _quoted(run))
                proxy.silent = False
                proxy.reset()
                await until(lambda: _quoted(run), within_s=5)
        assert server.openings >= 2

    bounded(story())


def test_a_venue_that_refuses_or_is_away_is_named_and_another_venue_goes_on(tmp_path: Path) -> None:
    """The dead venue is never quoted, says where and why, and is used as soon as it is back."""

    async def story() -> None:
        async with QuayServer("quay") as quay:
            pier = QuayServer("pier")
            async with pier:
                pass  # it has a port now, on which nobody listens
            run = _run(_world(tmp_path, "quay", "pier"), {"quay": quay.settings(), "pier": pier.settings()})
            async with _executing(run):
                await until(lambda: _quoted(run) and _venue(run, "pier").connections)
                (asked,) = _venue(run, "pier").connections
                assert asked.where == f"127.0.0.1:{pier.port}"
                assert "ConnectError" in asked.fault
                assert asked.next_attempt_s is None or 0 < asked.next_attempt_s <= 30
                assert not _quoted(run, "pier")
                pier.refusal = 503
                async with pier:
                    await until(lambda: "503" in _venue(run, "pier").connections[0].fault, within_s=4)
                    pier.refusal = None
                    await until(lambda: _quoted(run, "pier"), within_s=5)
                    assert _venue(run, "pier").connections[0].fault == ""
                    assert _quoted(run)

    bounded(story())


def test_a_topic_that_is_not_acknowledged_is_not_quoted_on_although_data_comes(tmp_path: Path) -> None:
    """Data alone does not make a stream live."""

    async def story() -> None:
        async with QuayServer("quay") as server:
            server.acknowledges = False
            run = _run(_world(tmp_path, "quay"), {"quay": server.settings()})
            async with _executing(run) as task:
                await until(lambda: run.snapshot().frames > 10)
                assert "topic book:BTC of stream market is not acknowledged" in _venue(run).reason
        assert task.result().session.placed == 0

    bounded(story())


def test_a_stream_that_is_never_acknowledged_is_opened_anew_once_it_is_overdue(tmp_path: Path) -> None:
    """A half-subscribed stream does not last for ever, and is given up once, not at every tick."""
    world = _world(tmp_path, "quay")
    config = world.config(connectors="quay", clock="real")
    with JournalWriter(tmp_path / "journal", at_ns=0) as journal:
        session = compose(config, world.plugins, journal, NoWire(), lambda: RunNumber(1), {})
        session.start(0)
        session.stream_opened("quay", "market", 0)
        session.frame("quay", "market", encoded([defined("quay"), book("quay")]), 1)
        for second in range(1, 10):
            session.tick(second * NS_PER_S)
        assert session.take_reopen() is None
        session.tick(11 * NS_PER_S)
        session.tick(12 * NS_PER_S)
        assert session.take_reopen() == ("quay", "market")
        assert session.take_reopen() is None


def test_f077_after_a_pause_nothing_that_waited_is_believed_and_no_old_decision_leaves(
    tmp_path: Path,
) -> None:
    """A stopped process, a sleeping machine: frames of then seem to arrive now; the stream opens anew."""
    world = _world(tmp_path, "quay")
    config = world.config(connectors="quay", clock="real")
    assert config.profile is not None
    with JournalWriter(tmp_path / "journal", at_ns=0) as journal:
        session = compose(config, world.plugins, journal, NoWire(), lambda: RunNumber(1), {})
        session.start(0)
        feed = encoded([defined("quay"), SubscriptionLive(topic="book:BTC"), book("quay")])

        def health(at_ns: int) -> str:
            return session.snapshot(at_ns).venues[0].health

        def follow(first_s: int, last_s: int) -> int:
            for second in range(first_s, last_s):
                session.tick(second * NS_PER_S)
                session.frame("quay", "market", feed, second * NS_PER_S + 1)
            return session.snapshot(last_s * NS_PER_S).placed

        session.stream_opened("quay", "market", 0)
        placed = follow(0, 5)
        assert placed
        woken_ns = 4 * NS_PER_S + 1 + config.profile.max_book_age_ms * 1_000_000
        session.frame("quay", "market", feed, woken_ns)
        assert session.take_reopen() is None, "a pause in which the book did not grow too old is none"
        session.frame("quay", "market", feed, woken_ns + 10 * NS_PER_S)
        for queued in range(1, 50):
            session.frame("quay", "market", feed, woken_ns + 10 * NS_PER_S + queued)
        session.tick(woken_ns + 11 * NS_PER_S)
        assert health(woken_ns + 11 * NS_PER_S) == "degraded"
        assert session.snapshot(woken_ns + 11 * NS_PER_S).placed == placed
        assert session.take_reopen() == ("quay", "market")
        assert session.take_reopen() is None
        session.stream_ended("quay", "market", "asked", woken_ns + 12 * NS_PER_S)
        session.stream_opened("quay", "market", woken_ns + 12 * NS_PER_S)
        assert follow(22, 40) > placed
        assert health(40 * NS_PER_S) == "healthy"


@pytest.mark.parametrize("on_stream", [False, True])
def test_a_wished_snapshot_is_fetched(tmp_path: Path, on_stream: bool) -> None:  # a parameter
    """The book is asked for over HTTP or on the stream, and the venue is quoted on once it is there."""

    async def story() -> None:
        async with QuayServer("quay") as server:
            server.snapshots = True
            settings = {**server.settings(), "books_on_stream": on_stream}
            run = _run(_world(tmp_path, "quay"), {"quay": settings})
            async with _executing(run):
                if on_stream:
                    await until(lambda: "book" in server.received)
                    await until(lambda: "TIMED_OUT" in str(_records(run, "answer")[-1:]).upper())
                    assert "stream market" in {one.where for one in _venue(run).connections}
                else:
                    await until(lambda: _quoted(run))
                    assert server.asked == ["/instruments", "/book"]

    bounded(story())


def test_a_book_that_comes_by_question_is_asked_for_again_when_it_is_believed_no_more(tmp_path: Path) -> None:
    """Nothing on the stream would make it whole again after a frame that cannot be read."""

    async def story() -> None:
        async with QuayServer("quay") as server:
            server.snapshots = True
            run = _run(_world(tmp_path, "quay"), {"quay": server.settings()})
            async with _executing(run):
                await until(lambda: _quoted(run))
                assert server.asked == ["/instruments", "/book"]
                assert server.connection is not None
                await server.connection.send("noise")
                await until(lambda: server.asked[2:] == ["/book"])

    bounded(story())


def test_a_venue_that_was_asked_too_much_is_left_alone_for_as_long_as_it_says(tmp_path: Path) -> None:
    """After 429 with Retry-After nothing more is asked of that budget before the time has come."""

    async def story() -> None:
        async with QuayServer("quay") as server:
            server.refusal, server.retry_after = 429, "2"
            run = _run(_world(tmp_path, "quay"), {"quay": server.settings()})
            loop = asyncio.get_running_loop()
            async with _executing(run):
                await until(lambda: _venue(run).connections)
                since_s = loop.time()
                server.refusal = None
                await until(lambda: server.asked, within_s=4)
                assert loop.time() - since_s > 1.5, "the back-off alone would have asked after half a second"

    bounded(story())


def test_a_journal_that_takes_no_frame_ends_the_run_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error is raised in the call that read the frame, and ends the run as any other."""

    async def story() -> None:
        async with QuayServer("quay") as server:
            run = _run(_world(tmp_path, "quay"), {"quay": server.settings()})

            def full(*_: object) -> int:
                raise JournalError("no space left")

            async with _executing(run) as task:
                await until(lambda: _quoted(run))
                monkeypatch.setattr(run.session._recorder, "record_frame", full)  # noqa: SLF001  # a full disk
                await asyncio.wait_for(asyncio.shield(task), 2)
        summary = task.result()
        assert summary.stopped_because == "the journal takes no record"
        assert summary.exit_code != 0

    bounded(story())


def test_a_session_stops_while_its_venue_cannot_be_reached(tmp_path: Path) -> None:
    """Neither a pending question nor a pause holds up the end."""

    async def story() -> None:
        settings = {
            "rest_url": f"http://127.0.0.1:{_CLOSED_PORT}",
            "ws_url": f"ws://127.0.0.1:{_CLOSED_PORT}",
        }
        run = _run(_world(tmp_path, "quay"), {"quay": settings})
        async with _executing(run) as task:
            await until(lambda: _venue(run).connections)
            run.request_stop()
            await asyncio.wait_for(asyncio.shield(task), 1)
        assert task.result().exit_code == 0

    bounded(story())


def test_a_venue_cannot_be_hurried(tmp_path: Path) -> None:
    """A network stream in virtual time is a plain error, even where the configuration was made by hand."""
    world = _world(tmp_path, "quay")
    config = world.config(connectors="quay", clock="real")
    hurried = msgspec.structs.replace(config, session=msgspec.structs.replace(config.session, speed=2.0))
    run = Run(hurried, world.plugins, tmp_path / "home")
    with pytest.raises(LocalError, match="cannot be hurried"):
        asyncio.run(run.execute())


def test_nothing_that_is_told_to_the_venue_at_the_opening_is_kept(tmp_path: Path) -> None:
    """Headers of streams may be credentials: no file of the run holds them."""

    async def story() -> Run:
        async with QuayServer("quay") as server:
            run = _run(_world(tmp_path, "quay"), {"quay": server.settings()})
            async with _executing(run):
                await until(lambda: _quoted(run))
                server.refusal = 401
        return run

    made: list[Any] = []

    async def keep() -> None:
        made.append(await story())

    bounded(keep())
    (run,) = made
    for file in run.folder.rglob("*"):
        if file.is_file():
            assert b"hidden-token" not in file.read_bytes(), file
