"""`paraphina evidence`: list, show and check what was recorded, and waive what cannot be shown."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from .common import home, load, printable, show_rows

if TYPE_CHECKING:
    from paraphina_core.connector import Plugins
    from paraphina_core.readiness import Record, Statement


@click.group()
def command() -> None:
    """Read the evidence of this installation: what ran, on which code, and how it ended."""


@command.command("list")
@click.option("--connector", metavar="NAME", help="Only records of this connector.")
def list_records(*, connector: str | None) -> None:
    """List the records, oldest first, and why one does not count."""
    from paraphina_core.session import read_evidence

    plugins = load()
    wanted = None if connector is None else plugins.connector(connector).name
    records = [r for r in read_evidence(home()) if wanted in {None, r.statement.connector}]
    if not records:
        click.echo("there is no evidence")
        return
    columns = ("Record", "Kind", "Connector", "Reached", "Ended", "Outcome", "Counts")
    show_rows(columns, [_row(record, plugins) for record in records], ("Counts",))


@command.command()
@click.argument("number", type=click.IntRange(1))
def show(*, number: int) -> None:
    """Print record NUMBER whole, as JSON."""
    import msgspec

    from paraphina_core.domain import ConfigError
    from paraphina_core.session import read_evidence

    records = read_evidence(home())
    if number > len(records):
        raise ConfigError("there is no such record", found=number, wanted=f"at most {len(records)}")
    click.echo(msgspec.json.format(msgspec.json.encode(records[number - 1]), indent=2).decode())


@command.command()
@click.pass_context
def verify(context: click.Context) -> None:
    """Check every byte of the evidence, and that no record is missing or stands where it does not belong.

    Exit code 0 when it is intact, 1 when it is not; then no record counts.
    """
    from paraphina_core.domain import LocalError
    from paraphina_core.session import read_evidence

    try:
        records = read_evidence(home())
    except LocalError as e:
        click.echo(f"NOT INTACT: {printable(str(e))}")
        context.exit(1)
    click.echo(f"intact: {len(records)} records")


@command.command()
@click.argument("connector")
@click.option(
    "--reason", required=True, help="Why its test network cannot be reached; it stands in the report."
)
def waive(*, connector: str, reason: str) -> None:
    """Waive the testnet run of CONNECTOR, whose test network cannot be reached, for this code and a while."""
    from paraphina_core.domain import ConfigError
    from paraphina_core.readiness import AGE_LIMIT_DAYS, Kind
    from paraphina_core.session import keep, waiver

    if not reason.strip():
        raise ConfigError("a waiver needs a reason", found=repr(reason))
    plugins = load()
    name = plugins.connector(connector).name
    (record,) = keep(home(), [waiver(name, reason.strip(), plugins, time.time_ns())])
    days = AGE_LIMIT_DAYS[Kind.WAIVER]
    click.echo(f"record {record.number}: {name} may go without a testnet run for {days} days, with this code")


def kept(statements: Sequence[Statement]) -> None:
    """Add to the evidence; what was run has ended as it has, so a refusal is told and changes nothing."""
    from paraphina_core.domain import LocalError
    from paraphina_core.session import keep

    try:
        keep(home(), statements)
    except (LocalError, OSError) as e:
        click.echo(f"no evidence was recorded: {printable(str(e))}", err=True)


def _row(record: Record, plugins: Plugins) -> tuple[str, ...]:
    from paraphina_core.domain import NS_PER_S
    from paraphina_core.session import void_reason

    what = record.statement
    ended = datetime.fromtimestamp(what.ended_ns // NS_PER_S, UTC).strftime("%Y-%m-%d %H:%M UTC")
    outcome = "passed" if what.passed else "failed"
    void = void_reason(record, plugins, time.time_ns())
    return (
        str(record.number),
        what.kind.value,
        what.connector,
        what.reached.value,
        ended,
        outcome + ("" if what.whole else " (a selection)") + (f"; void: {void}" if void else ""),
        ", ".join(f"{count} {name}" for name, count in sorted(what.counts.items()) if count) or what.note,
    )
