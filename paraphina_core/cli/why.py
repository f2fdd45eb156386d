"""`paraphina why`: why a quote is where it is, or why there is none, of a running or a recorded session."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from .common import load

if TYPE_CHECKING:
    from paraphina_core.connector import Failure
    from paraphina_core.session import Explanation

#: Longest wait for a running session's answer.
_DEADLINE_MS: Final = 5_000

_OK: Final = 200
_NOT_FOUND: Final = 404


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
    import msgspec

    from paraphina_core.connector import Answer, HttpRequest
    from paraphina_core.domain import LocalError
    from paraphina_core.session import Explanation
    from paraphina_core.transport import HttpClient

    request = HttpRequest(
        method="GET",
        url=f"http://{dashboard}/why/{name}/{side}",
        body=b"",
        correlation="",
        deadline_ms=_DEADLINE_MS,
    )

    async def fetch() -> Answer | Failure:
        async with HttpClient() as client:
            return await client.fetch(request)

    answer = asyncio.run(fetch())
    if not isinstance(answer, Answer) or answer.status not in {_OK, _NOT_FOUND}:
        found = f"status {answer.status}" if isinstance(answer, Answer) else answer.detail
        raise LocalError(
            "no session answers",
            found=f"{dashboard}: {found}",
            wanted="the address of a dashboard",
            remedy="start a session with --dashboard, or name a recorded one with --run",
        )
    if answer.status == _NOT_FOUND:
        return None
    return msgspec.json.decode(answer.body, type=dict[str, list[Explanation]])["markets"]
