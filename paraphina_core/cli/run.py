"""`paraphina run`, also spelled `paraphina_live`: gates first, then one session with its view."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import webbrowser
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

import click

from .common import config_options, home, load, resolve_config

if TYPE_CHECKING:
    from paraphina_core.config import Config
    from paraphina_core.connector import Plugins
    from paraphina_core.dashboard import Channel, Introduction
    from paraphina_core.gates import GateVerdict
    from paraphina_core.session import Run, Summary

#: How often the live view is drawn and, on no terminal, a line is logged, in real seconds.
VIEW_EVERY_S: Final = 0.25
LOG_EVERY_S: Final = 2.0

#: How often the watchdog is shown that the session lives, in real seconds.
BEAT_EVERY_S: Final = 0.25

#: Variables that say that there is a screen.
_SCREENS: Final = {"DISPLAY", "WAYLAND_DISPLAY"}

#: Exit code of a second Ctrl-C: the program left at once.
LEFT_AT_ONCE: Final = 130


@click.command("run")
@config_options
@click.option("--preflight", is_flag=True, help="Run the preflight checks instead of a session.")
@click.option(
    "--view",
    type=click.Choice(["auto", "live", "log", "none"]),
    default="auto",
    show_default=True,
    help="Live terminal view, plain log lines, or neither; auto looks at the terminal.",
)
@click.option("--browser", is_flag=True, help="Open the dashboard in a browser, where there is a screen.")
def command(*, preflight: bool, view: str, browser: bool, **params: Any) -> None:  # noqa: ANN401  # options of the table of fields
    """Run one session: shadow, paper, testnet or live.

    Exit codes: 0 done; 1 a preflight check failed; 2 refused by a gate, or bad usage or configuration;
    3 orders are left; 4 halted by a limit; 5 the kill switch fired, now or earlier; 70 internal error;
    130 second Ctrl-C.
    """
    from paraphina_core.gates import evaluate, refusals
    from paraphina_core.session import (
        KILLED_EXIT_CODE,
        Run,
        gather,
        session_statements,
        settle_memory,
        visited,
        with_recording,
    )
    from paraphina_core.transport import run as run_on_loop

    from .evidence import kept
    from .gates import render
    from .preflight import run_preflight
    from .twins import every_twin, on_twins

    plugins = load()
    config = resolve_config(params, plugins)
    if chosen := every_twin(config, plugins):
        params["connectors"] = chosen
        config = resolve_config(params, plugins)
    plugins = with_recording(plugins, config)
    if preflight:
        sys.exit(run_preflight(config, plugins, home()))
    with contextlib.ExitStack() as stack:
        config = stack.enter_context(on_twins(config, params, plugins))
        verdicts = evaluate(visited(gather(config, plugins, home()), config, plugins))
        if refusals(verdicts):
            render(verdicts, config)
            has_fired = any(one.id == "kill_latch" for one in refusals(verdicts))
            sys.exit(KILLED_EXIT_CODE if has_fired else 2)
        beat = stack.enter_context(
            _watchdog(config, plugins)
        )  # before there is anything that it must not share
        channel = stack.enter_context(_dashboard(config, browser=browser))
        run = Run(config, plugins, home())
        if channel is not None:
            channel.introduce(_introduction(run, config, plugins, verdicts))
        settle_memory()
        asked = sum(verdict.required for verdict in verdicts)  # all of them pass, or it was refused above
        summary = run_on_loop(watched(run, view, f"{asked} of {asked} pass", beat, channel), run.engine)
        tell(summary, run)
    kept(session_statements(summary, run.folder, config, plugins))
    sys.exit(summary.exit_code)


@contextlib.contextmanager
def _watchdog(config: Config, plugins: Plugins) -> Iterator[Callable[[], None]]:
    """Have a second process that cancels if this one hangs or dies, where the venues outlive it."""
    from paraphina_core.session import watched_over

    outlive = config.session.trade_mode.reaches_venue and not config.session.twin
    if not (outlive and config.live.watchdog):
        yield lambda: None
        return

    def cancel(reason: str) -> None:
        cancel_everything(config, plugins, reason)

    with watched_over(config.live.watchdog_window_ms, cancel) as watchdog:
        yield watchdog.beat


@contextlib.contextmanager
def _dashboard(config: Config, *, browser: bool) -> Iterator[Channel | None]:
    """Have a dashboard, where one is wanted; say where it is, and what its kill button asks for."""
    address = config.dashboard.address
    if address is None:
        yield None
        return
    from paraphina_core.dashboard import TOKEN_FILE, Channel

    token_file = home() / TOKEN_FILE
    with Channel(address, token_file) as channel:
        click.echo(f"dashboard at {channel.url} (token for its kill button: {token_file})")
        if browser and _SCREENS & os.environ.keys():  # one without a screen would take over the terminal
            webbrowser.open(channel.url)
        yield channel


def _introduction(
    run: Run, config: Config, plugins: Plugins, verdicts: Sequence[GateVerdict]
) -> Introduction:
    from paraphina_core import __version__
    from paraphina_core.dashboard import Introduction
    from paraphina_core.readiness import declared_stage

    return Introduction(
        run=run.run,
        mode=config.session.trade_mode,
        version=__version__,
        folder=str(run.folder),
        started=run.started,
        gates=tuple(verdicts),
        stages={name: declared_stage(plugins.connectors[name]).name for name in config.selected},
        config=config.resolved(),
    )


def cancel_everything(config: Config, plugins: Plugins, reason: str) -> None:
    """Run a session that only cancels in the place of one that hung or died, and say what is left."""
    import msgspec

    from paraphina_core.config import LeftoverPolicy
    from paraphina_core.domain import LocalError
    from paraphina_core.session import Run
    from paraphina_core.transport import run as run_on_loop

    click.echo(f"watchdog: {reason}; every order is cancelled", err=True)
    out_dir = config.session.out_dir
    if out_dir is not None:
        out_dir = out_dir.with_name(f"{out_dir.name}-watchdog")
    config = msgspec.structs.replace(
        config,
        session=msgspec.structs.replace(config.session, out_dir=out_dir, duration_s=None, max_ticks=None),
        live=msgspec.structs.replace(config.live, leftover_orders=LeftoverPolicy.CANCEL_ALL),
    )
    try:
        run = Run(config, plugins, home(), killed=f"watchdog: {reason}", latches=False)
    except LocalError as e:  # somebody has started a session again, which takes care of what was left
        click.echo(f"watchdog: nothing is cancelled from here: {e}", err=True)
        return
    tell_left(run_on_loop(run.execute(), run.engine))
    click.echo(f"watchdog: everything is in {run.folder}", err=True)


async def watched(
    run: Run,
    view: str,
    gates: str,
    beat: Callable[[], None] = lambda: None,
    channel: Channel | None = None,
) -> Summary:
    """Execute the run under its signals, with views beside it, and a beat for as long as it ticks."""
    loop = asyncio.get_running_loop()
    asked = False

    def stop() -> None:
        nonlocal asked
        if asked:
            click.echo(
                "left at once: nothing more was cancelled; what remains is the venues' dead-man switches",
                err=True,
            )
            os._exit(LEFT_AT_ONCE)
        asked = True
        run.request_stop()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    loop.add_signal_handler(signal.SIGUSR1, run.kill, "signal SIGUSR1")
    beside = [asyncio.create_task(_watch(run, view, gates)), asyncio.create_task(_beat(run, beat))]
    if channel is not None:
        beside.append(asyncio.create_task(_show(run, channel)))
        loop.add_reader(channel.read_fd, _take_asked, run, channel)
    try:
        summary = await run.execute()
    finally:
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)
        if channel is not None:
            loop.remove_reader(channel.read_fd)
    if channel is not None:
        channel.end(summary)
    return summary


async def _show(run: Run, channel: Channel) -> None:
    """Tell the dashboard how the session is, a few times a second and between two inputs of it."""
    while not channel.is_gone:
        channel.show(run.snapshot())
        await asyncio.sleep(VIEW_EVERY_S)
    click.echo("the dashboard is gone; the session goes on without", err=True)


def _take_asked(run: Run, channel: Channel) -> None:
    channel.take(run.kill)
    if channel.is_gone:
        asyncio.get_running_loop().remove_reader(channel.read_fd)


async def _beat(run: Run, beat: Callable[[], None]) -> None:
    """Beat while the session gets further: a loop that turns beside one that stands still is no life."""
    ticks = -1
    while True:
        if run.session.ticks != ticks:
            ticks = run.session.ticks
            beat()
        await asyncio.sleep(BEAT_EVERY_S)


async def _watch(run: Run, view: str, gates: str) -> None:
    from .view import log_line, render

    if view == "auto":
        view = "live" if sys.stdout.isatty() else "log"
    if view == "live":
        from rich.live import Live

        with Live(auto_refresh=False, screen=False) as live:
            while True:
                live.update(render(run.snapshot(), gates), refresh=True)
                await asyncio.sleep(VIEW_EVERY_S)
    while view == "log":
        await asyncio.sleep(LOG_EVERY_S)
        click.echo(log_line(run.snapshot()))


def tell(summary: Summary, run: Run) -> None:
    """Say how the run ended and what is left."""
    session = summary.session
    click.echo(
        f"{summary.stopped_because}: {session.ticks} ticks, {session.frames} frames, {session.placed} orders "
        f"placed, {session.cancels} cancels sent, {session.fills} fills, PnL {session.profit_usd:+.2f} USD "
        f"in {summary.wall_s:.1f} s"
    )
    if session.reason:
        click.echo(f"{session.state.value}: {session.reason}")
    for code, count in sorted(session.refusals.items(), key=lambda item: -item[1]):
        click.echo(f"refused {count} times: {code}")
    tell_left(summary)
    if summary.latch_fault:
        click.echo(f"NOT LATCHED on disk, the next session may start: {summary.latch_fault}")
    elif summary.was_killed:
        click.echo("no session starts until `paraphina kill --clear`")
    click.echo(f"everything is in {run.folder}")


def tell_left(summary: Summary) -> None:
    """Say what is left, and where; or that nothing is."""
    for instrument, size in summary.positions_left.items():
        click.echo(f"position left: {size:f} {instrument}")
    for order in summary.orders_left:
        click.echo(
            f"ORDER LEFT: {order.side} {order.remaining_size:f} at {order.price:f} on {order.instrument} "
            f"({order.state})"
        )
    for connector in summary.unconfirmed:
        click.echo(f"NOT CONFIRMED: {connector} did not say that no order is open")
    if not (summary.orders_left or summary.unconfirmed):
        click.echo("no order is left")
