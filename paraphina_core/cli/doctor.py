"""`paraphina doctor`: what is installed, what works, what is slow, and what to do about it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from .common import home, load, printable, show_rows

if TYPE_CHECKING:
    from paraphina_core.session import Finding

_FAILED: Final = 1


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array, an object for each finding.")
@click.option(
    "--out-dir",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("runs"),
    show_default=True,
    help="Folder that runs are written to; its disk is measured.",
)
@click.option(
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    help="configuration file (TOML) [PARAPHINA_CONFIG]",
)
def command(*, as_json: bool, out_dir: Path, config: Path | None) -> None:
    """Examine this installation and show a line for each finding: ok, warn or fail, and what to do.

    Nothing is changed, no venue is contacted and no secret is read.

    Exit codes: 0 nothing failed; 1 something did.
    """
    import msgspec

    from paraphina_core.config import resolve
    from paraphina_core.domain import ConfigError, LocalError
    from paraphina_core.session import Finding, Level, engine_of, examine
    from paraphina_core.transport import choose

    plugins = load()
    engine = choose()
    try:
        engine = engine_of(resolve(cli={}, env=os.environ, file=config, plugins=plugins))
        configuration = Finding(what="configuration", level=Level.OK, found="can be read")
    except ConfigError as e:
        remedy = "See `paraphina config show`."
        configuration = Finding(what="configuration", level=Level.FAIL, found=str(e), remedy=remedy)
    except LocalError as e:
        configuration = Finding(what="engine", level=Level.FAIL, found=str(e))
    findings = (*examine(plugins, home(), out_dir, engine), configuration)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(findings), indent=2))
    else:
        rows = [(one.level.value, one.what, _told(one)) for one in findings]
        show_rows(("", "What", "Found, and what to do"), rows, ("Found, and what to do",))
        counts = {level: sum(one.level is level for one in findings) for level in Level}
        click.echo(printable(", ".join(f"{count} {level.value}" for level, count in counts.items())))
    sys.exit(_FAILED if any(one.level is Level.FAIL for one in findings) else 0)


def _told(finding: Finding) -> str:
    return f"{finding.found} -> {finding.remedy}" if finding.remedy else finding.found
