"""`paraphina kill`: fires the kill switch for every session, cancels where none runs; clears it."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from .common import config_options, home, load, printable, resolve_config

if TYPE_CHECKING:
    from paraphina_core.config import Config
    from paraphina_core.connector import Plugins
    from paraphina_core.session import SessionFile

#: Longest wait for a session to end: its own deadline for cancels, and some time to write its summary.
WAIT_S: Final = 45.0
_LOOK_EVERY_S: Final = 0.05

#: Start-up gates that count although nothing but cancels leaves: who is talked to, with which code and key.
NEEDED_TO_CANCEL: Final = frozenset(
    {
        *("connector_installed", "connector_trusted", "connector_mode", "connector_builds"),
        *("endpoints_network", "twin_addresses", "credentials", "environment"),
        *("output_writable", "journal_writable"),
    }
)

_ORDERS_LEFT: Final = 3


@click.command("kill")
@config_options
@click.option("--reason", default="the operator", show_default=True, help="Kept in the latch.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--flatten", is_flag=True, help="Close positions too, inside the risk profile's collars.")
@click.option("--status", is_flag=True, help="Say whether it has fired and which sessions there are.")
@click.option("--clear", is_flag=True, help="Let sessions start again, if nothing is left unexplained.")
def command(
    *,
    reason: str,
    yes: bool,
    flatten: bool,
    status: bool,
    clear: bool,
    **params: Any,  # noqa: ANN401  # options of the table of fields
) -> None:
    """Fire the kill switch: cancel everything, and start nothing until `paraphina kill --clear`.

    Every session of this installation is ended. Where none runs and the mode is testnet or live, the orders
    of the selected connectors' accounts are cancelled from here, whoever placed them. With --flatten the
    positions on the instruments of the session are closed as well.

    Exit codes: 5 fired, and the venues say that no order is open; 3 orders, or positions that were to be
    closed, are or may be left; with --status 0 not fired, 5 fired; with --clear 0 cleared, 1 refused.
    """
    if status + clear + flatten > 1:
        raise click.UsageError("--status, --clear and --flatten exclude each other; give one of them")
    if status:
        sys.exit(_status())
    if clear:
        sys.exit(_clear())
    plugins = load()
    config = resolve_config(params, plugins)
    running = _running()
    _confirm(config, running, yes=yes, flatten=flatten)
    fault = _latch(reason, flatten=flatten)
    code = _end(running) if running else _cancel(config, plugins, params, reason, flatten=flatten)
    if fault:
        click.echo(f"NOT LATCHED on disk, the next session may start: {printable(fault)}")
    sys.exit(code)


def _status() -> int:
    from paraphina_core.session import KILLED_EXIT_CODE, KillLatch, sessions

    reason = KillLatch(home()).read()
    click.echo("the kill switch has not fired" if reason is None else f"it has fired: {printable(reason)}")
    for told, is_alive in sessions(home()):
        click.echo(printable(_described(told, is_alive=is_alive)))
        for left in told.left:
            click.echo(printable(f"  left: {left}"))
    return 0 if reason is None else KILLED_EXIT_CODE


def _clear() -> int:
    from paraphina_core.session import KillLatch, sessions

    unexplained = list(sessions(home()))
    for told, is_alive in unexplained:
        click.echo(printable(_described(told, is_alive=is_alive)))
        for left in told.left:
            click.echo(printable(f"  left: {left}"))
    if unexplained:
        click.echo("not cleared: end what runs, and cancel what was left: `paraphina kill` in that mode")
        return 1
    KillLatch(home()).clear()
    click.echo("cleared: sessions may start")
    return 0


def _described(told: SessionFile, *, is_alive: bool) -> str:
    what = "runs" if is_alive else "did not end clean"
    accounts = "; ".join(
        f"{connector} {', '.join(f'{name} {value}' for name, value in identity.items())}"
        for connector, identity in told.accounts.items()
    )
    where = f"{told.mode.value} on {', '.join(told.connectors)}"
    return f"run {told.run} {what}: {where}, since {told.started}, process {told.pid}, {accounts or '-'}"


def _running() -> list[SessionFile]:
    from paraphina_core.session import sessions

    return [told for told, is_alive in sessions(home()) if is_alive]


def _confirm(config: Config, running: Sequence[SessionFile], *, yes: bool, flatten: bool) -> None:
    """Say what will be ended, cancelled and closed, and ask (F-102)."""
    for told in running:
        click.echo(printable(_described(told, is_alive=True)))
    if not running:
        mode = config.session.trade_mode
        click.echo(f"no session runs; {mode.value} mode, connectors {', '.join(config.selected)}")
    if flatten:
        click.echo("positions are closed with orders that take liquidity")
    if yes:
        return
    if not sys.stdin.isatty():
        raise click.UsageError("there is no terminal to ask at; say --yes")
    click.confirm("fire the kill switch?", abort=True)


def _latch(reason: str, *, flatten: bool) -> str:
    """Keep the kill on disk; a disk that refuses is told afterwards, and keeps nobody from cancelling."""
    from paraphina_core.domain import LocalError
    from paraphina_core.session import KillLatch

    try:
        KillLatch(home()).fire(reason, flatten=flatten)
    except LocalError as e:
        return str(e)
    return ""


# --- sessions that run ----------------------------------------------------------------------------


def _end(running: Sequence[SessionFile]) -> int:
    """Signal every session, wait until they have ended, and say what each one left."""
    for told in running:
        with contextlib.suppress(ProcessLookupError):  # it has ended just now
            os.kill(told.pid, signal.SIGUSR1)
    until_s = time.monotonic() + WAIT_S
    while (alive := {told.run for told in _running()} & {told.run for told in running}) and (
        time.monotonic() < until_s
    ):
        time.sleep(_LOOK_EVERY_S)
    codes = [_tell_hung(told) if told.run in alive else _tell_ended(told) for told in running]
    return _ORDERS_LEFT if _ORDERS_LEFT in codes else max(codes)


def _tell_hung(told: SessionFile) -> int:
    click.echo(
        f"run {told.run} has not ended within {WAIT_S:g} s: its orders may be open; end it with "
        f"`kill -9 {told.pid}`, then `paraphina kill` again"
    )
    return _ORDERS_LEFT


def _tell_ended(told: SessionFile) -> int:
    import msgspec

    from paraphina_core.session import KILLED_EXIT_CODE, Summary

    try:
        summary = msgspec.json.decode((Path(told.folder) / "summary.json").read_bytes(), type=Summary)
    except (OSError, msgspec.DecodeError) as e:
        click.echo(printable(f"run {told.run} has ended without a summary that can be read: {e}"))
        return _ORDERS_LEFT
    from .run import tell_left

    click.echo(f"run {told.run}: {printable(summary.stopped_because)}")
    tell_left(summary)
    return summary.exit_code or KILLED_EXIT_CODE


# --- no session runs ------------------------------------------------------------------------------


def _cancel(config: Config, plugins: Plugins, params: dict[str, Any], reason: str, *, flatten: bool) -> int:
    """Run a session that is killed from its first moment on: it looks, cancels, and makes sure."""
    import msgspec

    from paraphina_core.config import LeftoverPolicy
    from paraphina_core.gates import evaluate, refusals
    from paraphina_core.session import KILLED_EXIT_CODE, Run, gather, with_recording
    from paraphina_core.transport import run as run_on_loop

    from .gates import render
    from .run import tell, watched
    from .twins import on_twins

    if not config.session.trade_mode.reaches_venue:
        click.echo(f"fired; in {config.session.trade_mode.value} mode nothing is at a venue")
        return KILLED_EXIT_CODE
    plugins = with_recording(plugins, config)
    with contextlib.ExitStack() as stack:
        config = stack.enter_context(on_twins(config, params, plugins))
        live = msgspec.structs.replace(config.live, leftover_orders=LeftoverPolicy.CANCEL_ALL)
        config = msgspec.structs.replace(config, live=live)
        verdicts = [one for one in evaluate(gather(config, plugins, home())) if one.id in NEEDED_TO_CANCEL]
        if refusals(verdicts):
            render(verdicts, config)
            click.echo("fired, but nothing can be cancelled from here: orders may be left")
            return _ORDERS_LEFT
        run = Run(config, plugins, home(), killed=reason, flatten=flatten)
        summary = run_on_loop(watched(run, "none", ""), run.engine)
        tell(summary, run)
    return summary.exit_code
