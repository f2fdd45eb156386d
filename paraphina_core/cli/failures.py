"""How an error ends the program: what the user can mend is said in words, a fault of ours leaves a trace."""

from __future__ import annotations

import os
import platform
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from paraphina_core import __version__

if TYPE_CHECKING:
    from paraphina_core.domain import ParaphinaError

REFUSED: Final = 2
INTERNAL_ERROR: Final = 70

#: Traces that are kept; the oldest go first.
MAX_TRACES: Final = 50
MAX_TRACE_CHARACTERS: Final = 200_000


def explain(error: Exception) -> int:
    """Say on stderr what happened and return the exit code.

    A trace holds code lines and the error's text, no values of variables: secrets are masked where
    they are kept, so none stands in it as far as this program knows.
    """
    from paraphina_core.domain import InvariantError, ParaphinaError

    from .common import printable

    if isinstance(error, ParaphinaError) and not isinstance(error, InvariantError):
        click.echo(_in_words(error), err=True)
        return REFUSED
    headline = printable(f"{type(error).__name__}: {error}"[:500])
    click.echo(f"internal error: {headline}", err=True)
    trace = "".join(traceback.format_exception(error))[-MAX_TRACE_CHARACTERS:]
    try:
        path = _keep(trace)
    except (ParaphinaError, OSError) as e:
        click.echo(f"the trace cannot be kept ({e}):\n{trace}", err=True)
    else:
        click.echo(f"this is a fault of the program, not of what you typed; the trace is in {path}", err=True)
    return INTERNAL_ERROR


def _in_words(error: ParaphinaError) -> str:
    """Put what was found, what was wanted and what to do on lines of their own."""
    from .common import printable

    lines = [f"error: {error.what}"]
    if error.found is not None:
        lines.append(f"  found: {error.found!r}")
    if error.wanted is not None:
        lines.append(f"  wanted: {error.wanted}")
    if error.remedy is not None:
        lines.append(f"  to do: {error.remedy}")
    return "\n".join(printable(line) for text in lines for line in text.splitlines())


def _keep(trace: str) -> Path:
    """Write the trace into the home folder and return its path."""
    from paraphina_core.connector import write_private

    from .common import home

    now = datetime.now(UTC)
    folder = home() / "errors"
    path = folder / f"{now:%Y%m%dT%H%M%S.%f}-{os.getpid()}.txt"
    head = f"paraphina {__version__}, Python {platform.python_version()}, {now:%Y-%m-%d %H:%M:%S} UTC\n\n"
    write_private(path, (head + trace).encode("utf-8", "backslashreplace"))
    for old in sorted(folder.glob("*.txt"))[:-MAX_TRACES]:
        old.unlink(missing_ok=True)
    return path
