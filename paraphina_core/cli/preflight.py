"""`paraphina preflight`: every check before a start, and the receipt that a live start needs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from .common import config_options, home, load, resolve_config
from .gates import render

if TYPE_CHECKING:
    from paraphina_core.config import Config
    from paraphina_core.connector import Plugins

_FAILED: Final = 1


@click.command("preflight")
@config_options
def command(**params: Any) -> None:  # noqa: ANN401  # options of the table of fields
    """Run every check of the trade mode that can be made before a start.

    If all pass, a receipt is written and signed. It is good for this mode, configuration, code and
    account only, and expires. If one fails, the last receipt is taken away.

    Exit codes: 0 all passed; 1 a check failed.
    """
    plugins = load()
    sys.exit(run_preflight(resolve_config(params, plugins), plugins, home()))


def run_preflight(config: Config, plugins: Plugins, home_folder: Path) -> int:
    """Run the checks, print what they found, and return the exit code."""
    from paraphina_core.domain import ConfigError
    from paraphina_core.gates import moment
    from paraphina_core.session import preflight

    if config.is_on_twins:
        raise ConfigError("preflight is for venues", found="a session on twins", remedy="leave out --twin")
    report = preflight(config, plugins, home_folder)
    render(report.verdicts, config)
    if report.receipt is None:
        click.echo("no receipt was written")
        return _FAILED
    mode, until = config.session.trade_mode, moment(report.receipt.expires_at_ns)
    click.echo(f"receipt for {mode} mode, good until {until}: {report.path}")
    return 0
