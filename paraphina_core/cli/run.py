"""`paraphina run`, also spelled `paraphina_live`: gates first, then one session with its view."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from typing import TYPE_CHECKING, Any, Final

import click

from .common import config_options, home, load, resolve_config

if TYPE_CHECKING:
    from paraphina_core.session import Run, Summary

#: How often the live view is drawn and, on no terminal, a line is logged, in real seconds.
VIEW_EVERY_S: Final = 0.25
LOG_EVERY_S: Final = 2.0

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
def command(*, preflight: bool, view: str, **params: Any) -> None:  # noqa: ANN401  # options of the table of fields
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
        settle_memory,
        visited,
        with_recording,
    )
    from paraphina_core.transport import run as run_on_loop

    from .gates import render
    from .preflight import run_preflight
    from .twins import on_twins

    plugins = load()
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
        run = Run(config, plugins, home())
        settle_memory()
        asked = sum(verdict.required for verdict in verdicts)  # all of them pass, or it was refused above
        summary = run_on_loop(watched(run, view, f"{asked} of {asked} pass"), run.engine)
        tell(summary, run)
    sys.exit(summary.exit_code)


async def watched(run: Run, view: str, gates: str) -> Summary:
    """Execute the run under its signals, with a view beside it."""
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
    watcher = asyncio.create_task(_watch(run, view, gates))
    try:
        return await run.execute()
    finally:
        watcher.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watcher


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
