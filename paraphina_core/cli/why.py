"""`paraphina why`: why a quote is where it is, or why there is none, of a running or a recorded session."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from .common import load

if TYPE_CHECKING:
    from paraphina_core.session import Explanation

#: Longest wait for a running session's answer.
_WAIT_S: Final = 5.0


@click.command("why")
@click.argument("name", metavar="VENUE")
@click.argument(
    "side", metavar="SIDE", type=click.Choice(["buy", "bid", "sell", "ask"], case_sensitive=False)
)
@click.option(
    "--dashboard",
    metavar="HOST:PORT",
    default="127.0.0.1:9898",
    show_default=True,
    help="Of a running session.",
)
@click.option(
    "--run",
    "folder",
    metavar="DIR",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Output folder of a recorded session, in place of a running one.",
)
@click.option(
    "--at", "after_s", type=click.FloatRange(min=0.0), help="Seconds after its start; else its end."
)
def command(name: str, side: str, dashboard: str, folder: Path | None, after_s: float | None) -> None:
    """Explain SIDE (buy or sell) of VENUE, a connector or an instrument.

    What the price of a quote is made of, in basis points, or every reason why there is none.
    Exit codes: 0 explained; 1 there is no such venue; 2 no session answers, or wrong usage.
    """
    from paraphina_core.session import explain, in_words, snapshot_of_run

    if folder is None:
        if after_s is not None:
            raise click.UsageError("--at needs --run: a running session is explained as it is now")
        answers = _ask(dashboard, name, side)
    else:
        answers = explain(snapshot_of_run(folder, load(), after_s), name, side)
    if answers is None:
        click.echo(f"error: there is no {name} in that session", err=True)
        sys.exit(1)
    for answer in answers:
        for line in in_words(answer):
            click.echo(line)


def _ask(dashboard: str, name: str, side: str) -> list[Explanation] | None:
    """Ask a running session; None where it knows no such venue."""
    import httpx
    import msgspec

    from paraphina_core.domain import LocalError
    from paraphina_core.session import Explanation

    url = f"http://{dashboard}/why/{name}/{side}"
    try:
        answer = httpx.get(url, timeout=_WAIT_S, trust_env=False)
    except httpx.HTTPError as e:
        raise LocalError(
            "no session answers",
            found=f"{dashboard}: {type(e).__name__}",
            wanted="the address of a dashboard",
            remedy="start a session with --dashboard, or name a recorded one with --run",
        ) from None
    if answer.status_code == httpx.codes.NOT_FOUND:
        return None
    answer.raise_for_status()
    return msgspec.json.decode(msgspec.json.encode(answer.json()["markets"]), type=list[Explanation])
