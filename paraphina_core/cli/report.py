"""`paraphina report readiness`: the readiness report as a page or as JSON, after running what it lacks."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from .common import home, load, printable

if TYPE_CHECKING:
    from paraphina_core.readiness import Report

_FORMATS: Final = {".md": "markdown", ".html": "html", ".json": "json"}


@click.group()
def command() -> None:
    """Write reports of this installation."""


@command.command()
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write into this file; its ending decides the format: .md, .html or .json.",
)
@click.option(
    "--format", "format_", type=click.Choice(sorted(_FORMATS.values())), help="Instead of the ending."
)
@click.option("--run", "is_run", is_flag=True, help="First run what is missing and can be run here.")
@click.option(
    "--hours",
    type=click.FloatRange(0, 1_000, min_open=True),
    default=1.0,
    show_default=True,
    help="Of each simulation that --run runs.",
)
@click.pass_context
def readiness(
    context: click.Context, *, out: Path | None, format_: str | None, is_run: bool, hours: float
) -> None:
    """Write how far each connector has come and by which evidence, and what the next rung lacks.

    With --run, conformance, shadow sessions on twins, simulations and the installation under each feature
    flag are run where the evidence lacks them. No venue is reached. Exit code 1 says that one of them failed;
    the report is written all the same.
    """
    from paraphina_core.session import readiness_report

    kind = format_ or _format_of(out)
    plugins = load()
    has_failed = False
    if is_run:
        from .collect import collect

        has_failed = not collect(plugins, home(), hours)
    text = _rendered(readiness_report(plugins, home(), time.time_ns()), kind)
    if out is not None:
        out.write_text(text, encoding="utf-8")
        click.echo(f"wrote {printable(str(out))}")
    else:
        for line in text.splitlines():
            click.echo(printable(line))
    context.exit(1 if has_failed else 0)


def _format_of(out: Path | None) -> str:
    from paraphina_core.domain import ConfigError

    if out is None:
        return "markdown"
    if out.suffix not in _FORMATS:
        raise ConfigError(
            "format is not clear", found=str(out), wanted=", ".join(_FORMATS), remedy="or give --format"
        )
    return _FORMATS[out.suffix]


def _rendered(report: Report, kind: str) -> str:
    from paraphina_core.readiness import report_html, report_json, report_markdown

    if kind == "json":
        return report_json(report).decode()
    return report_html(report) if kind == "html" else report_markdown(report)
