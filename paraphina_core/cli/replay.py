"""`paraphina replay`: run a recorded session again and compare every decision."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from .common import load


@click.command("replay")
@click.argument("folder", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON object.")
def command(folder: Path, *, as_json: bool) -> None:
    """Replay the run recorded in DIR and compare it, byte for byte.

    Exit codes: 0 identical; 1 a difference was found, and is shown; 2 DIR holds no replayable run.
    """
    import msgspec

    from paraphina_core.session import replay_run

    result, notes = replay_run(folder, load())
    if as_json:
        click.echo(
            msgspec.json.encode({"identical": result.difference is None, "notes": notes, "result": result})
        )
        sys.exit(0 if result.difference is None else 1)
    for note in notes:
        click.echo(f"note: {note}")
    if result.difference is None:
        click.echo(f"identical: {result.records} records, {result.decisions} of them decisions")
        sys.exit(0)
    click.echo(f"different at record {result.difference.seq}, after {result.records} identical ones")
    click.echo(f"recorded: {result.difference.recorded}")
    click.echo(f"replayed: {result.difference.replayed}")
    sys.exit(1)
