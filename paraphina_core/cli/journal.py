"""`paraphina journal`: check the record of a run, and read it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from paraphina_core.domain import NS_PER_MS, NS_PER_S

from .common import printable

if TYPE_CHECKING:
    from paraphina_core.journal import Record, Verification

#: Characters of a record's data that `show` prints without --full.
_SHOWN: Final = 160

#: Most records that --tail keeps in memory.
_MAX_TAIL: Final = 1_000_000

_FOLDER: Final = click.Path(exists=True, file_okay=False, path_type=Path)


@click.group()
def command() -> None:
    """Check and read the journal of a run."""


@command.command()
@click.argument("folder", metavar="DIR", type=_FOLDER)
@click.option("--json", "as_json", is_flag=True, help="Print the findings as one JSON object.")
@click.pass_context
def verify(context: click.Context, folder: Path, *, as_json: bool) -> None:
    """Check every record of the journal in DIR, a run's folder or its journal's.

    Exit code 0 when it is intact, 1 when it is not.
    """
    import msgspec

    from paraphina_core.journal import verify as verify_journal

    found = verify_journal(_journal_folder(folder))
    if as_json:
        click.echo(msgspec.json.encode({"intact": found.intact, **msgspec.structs.asdict(found)}))
    else:
        for line in _findings(found):
            click.echo(line)
    context.exit(0 if found.intact else 1)


@command.command()
@click.argument("folder", metavar="DIR", type=_FOLDER)
@click.option("--kind", "kinds", multiple=True, help="Only records of this kind; may be repeated.")
@click.option("--tail", type=click.IntRange(1, _MAX_TAIL), help="Only the last so many of them.")
@click.option("--full", is_flag=True, help="Print all data of each record, however long.")
@click.pass_context
def show(
    context: click.Context, folder: Path, *, kinds: tuple[str, ...], tail: int | None, full: bool
) -> None:
    """Print the records of the journal in DIR: number, time (UTC), kind and data.

    Exit code 1 when the journal is damaged; what stands before the damage is printed.
    """
    from paraphina_core.journal import DamageError, read

    chosen = (record for record in read(_journal_folder(folder)) if not kinds or record.kind in kinds)
    kept: deque[Record] = deque(maxlen=tail)
    try:
        for record in chosen:
            if tail is None:
                click.echo(_line(record, full=full))
            else:
                kept.append(record)
    except DamageError as e:
        damage = str(e)
    else:
        damage = ""
    for record in kept:
        click.echo(_line(record, full=full))
    if damage:
        click.echo(f"The journal is damaged. {damage}", err=True)
        context.exit(1)


def _journal_folder(folder: Path) -> Path:
    inner = folder / "journal"
    return inner if inner.is_dir() else folder


def _findings(found: Verification) -> Iterator[str]:
    if found.intact:
        yield "INTACT: every record follows from the one before."
    else:
        yield f"DAMAGED: {found.problem}."
        yield "What is counted below stands before the damage and is intact."
    yield f"records    {found.records:,} in {found.segments:,} segments, {found.bytes:,} bytes"
    yield f"kinds      {', '.join(f'{kind} {count:,}' for kind, count in found.kinds.items()) or 'none'}"
    if found.first_at_ns is not None and found.last_at_ns is not None:
        yield f"time       {_time(found.first_at_ns)} to {_time(found.last_at_ns)}"
    yield f"last hash  {found.last_hash}"
    if found.closed:
        yield "end        closed in good order: no record after the last can be missing"
    elif found.intact:
        yield "end        not closed: the program is still writing, or ended without saying so"
    if found.torn_bytes:
        yield f"torn       {found.torn_bytes:,} bytes of a record cut short; the next start sets them aside"


def _line(record: Record, *, full: bool) -> str:
    text = record.data.decode()
    if not full and len(text) > _SHOWN:
        text = f"{text[:_SHOWN]}... ({len(text):,} characters)"
    return f"{record.seq:>8}  {_time(record.at_ns)}  {record.kind:<10}  {printable(text)}"


def _time(at_ns: int) -> str:
    seconds, rest_ns = divmod(at_ns, NS_PER_S)
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{rest_ns // NS_PER_MS:03d}Z"
