"""`paraphina connectors`: the matrix of all known connectors, installed or not."""

from __future__ import annotations

import time

import click

from .common import home, load, printable, show_rows

#: Columns whose sentences may run over several lines of a table.
_FOLDABLE = ("Market data", "Account", "Execution", "Notes")


@click.command("connectors")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array, an object for each connector.")
@click.option("--markdown", is_flag=True, help="Print a Markdown table.")
def command(*, as_json: bool, markdown: bool) -> None:
    """List every known connector: what it can do, what is proven of it, how to select and install it.

    On a terminal too narrow for all columns, each connector is a block of its own.
    """
    import msgspec

    from paraphina_core.readiness import COLUMNS, matrix, to_markdown
    from paraphina_core.session import proofs

    if as_json and markdown:
        raise click.UsageError("--json and --markdown exclude each other; give one of them")
    plugins = load()
    rows = matrix(plugins, plugins.flags, proofs(plugins, home(), time.time_ns()))
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(rows), indent=2))
    elif markdown:
        for line in to_markdown(rows).splitlines():
            click.echo(printable(line))
    else:
        show_rows(COLUMNS, [row.cells for row in rows], _FOLDABLE)
