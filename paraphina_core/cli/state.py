"""`paraphina state`: says what running sessions and their venues may do, and sets it."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import click

from .common import home, printable

if TYPE_CHECKING:
    from paraphina_core.session import OperatorBox, SessionFile, Standing, StateAnswer, StateRequest

#: Longest wait for an answer; a session looks at every tick.
WAIT_S: Final = 10.0
_LOOK_EVERY_S: Final = 0.05

_NO_SESSION: Final = 1
_REFUSED: Final = 3
_SILENT: Final = 4


@click.command("state")
@click.argument("state", required=False, type=click.Choice(["active", "reducing", "halted"]))
@click.option("--venue", metavar="CONNECTOR", default="", help="Of one connector only, not of the session.")
@click.option("--run", "number", type=int, help="Of one session only, by its run number.")
@click.option("--reason", default="the operator", show_default=True, help="Kept in the journal and shown.")
@click.option("--yes", is_flag=True, help="Do not ask before a state is raised.")
def command(state: str | None, *, venue: str, number: int | None, reason: str, yes: bool) -> None:
    """Show the trading state of every running session, or set it to STATE.

    Halted: nothing but cancels leaves, and every order is cancelled. Reducing: what is there may only become
    less. A session that a breach has lowered goes on with `active`; one that was killed does not.

    Exit codes: 0 shown or set; 1 no session runs; 3 a session refused; 4 a session did not answer.
    """
    from paraphina_core.domain import TradingState
    from paraphina_core.session import OperatorBox, StateRequest, sessions

    running = [told for told, is_alive in sessions(home()) if is_alive and number in {None, told.run}]
    if not running:
        click.echo("no session runs" if number is None else f"no session with run number {number} runs")
        sys.exit(_NO_SESSION)
    wanted = None if state is None else TradingState(state)
    if wanted is TradingState.ACTIVE:
        _confirm(running, venue, yes=yes)
    codes = []
    for told in running:
        request = StateRequest(state=wanted, connector=venue, reason=reason)
        codes.append(_tell(told, _ask(OperatorBox(home(), told.run), request)))
    sys.exit(max(codes))


def _confirm(running: Sequence[SessionFile], venue: str, *, yes: bool) -> None:
    for told in running:
        click.echo(printable(f"run {told.run}: {told.mode.value} on {venue or ', '.join(told.connectors)}"))
    if yes:
        return
    if not sys.stdin.isatty():
        raise click.UsageError("there is no terminal to ask at; say --yes")
    click.confirm("let it trade?", abort=True)


def _ask(box: OperatorBox, request: StateRequest) -> StateAnswer | None:
    """Leave the request and wait for its answer, None if none comes."""
    box.ask(request)
    until_s = time.monotonic() + WAIT_S
    while (answer := box.answer(request.token)) is None and time.monotonic() < until_s:
        time.sleep(_LOOK_EVERY_S)
    return answer


def _tell(told: SessionFile, answer: StateAnswer | None) -> int:
    if answer is None:
        click.echo(f"run {told.run} did not answer within {WAIT_S:g} s; `paraphina kill` ends it")
        return _SILENT
    click.echo(printable(f"run {told.run}: {_described(answer.session)}"))
    for connector, standing in answer.venues.items():
        click.echo(printable(f"  {connector}: {_described(standing)}"))
    if answer.refused:
        click.echo(printable(f"  refused: {answer.refused}"))
        return _REFUSED
    return 0


def _described(standing: Standing) -> str:
    text = standing.state.value + (f" ({standing.reason})" if standing.reason else "")
    return text if standing.until_ns is None else f"{text}, goes on by itself"
