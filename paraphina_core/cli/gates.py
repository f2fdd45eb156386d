"""`paraphina gates`: every start-up gate with its verdict, every order gate with its limit, and why."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

import click

from .common import config_options, console, home, load, printable, resolve_config

if TYPE_CHECKING:
    from paraphina_core.config import Config
    from paraphina_core.gates import GateVerdict

_REFUSED: Final = 1
_STYLES: Final = {"FAIL": "red", "UNKNOWN": "yellow", "info": "dim"}


@click.command("gates")
@config_options
@click.option("--why", metavar="ID", help="Explain one gate, by its id or code, and do nothing else.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option(
    "--markdown", is_flag=True, help="Print the reference of all gates, as the documentation has it."
)
def command(*, why: str | None, as_json: bool, markdown: bool, **params: Any) -> None:  # noqa: ANN401  # options of the table of fields
    """Judge the start-up gates of a configuration, and list the order gates with the limits in force.

    Nothing is started. Exit codes: 0 a session could start; 1 a gate refuses.
    """
    if (why is not None) + as_json + markdown > 1:
        raise click.UsageError("--why, --json and --markdown exclude each other; give one of them")
    if why is not None:
        for line in _explanation(why):
            click.echo(printable(line))
        return
    if markdown:
        click.echo(reference(), nl=False)
        return
    from paraphina_core.gates import evaluate, refusals
    from paraphina_core.session import gather

    from .twins import on_twins

    plugins = load()
    with on_twins(resolve_config(params, plugins), params, plugins) as config:
        verdicts = evaluate(gather(config, plugins, home()))
    if as_json:
        click.echo(_json(verdicts, config))
    else:
        render(verdicts, config)
        click.echo()
        _show(("Order gate", "Limit in force"), _order_rows(config))
        click.echo("`paraphina gates --why ID` explains one.")
    sys.exit(_REFUSED if refusals(verdicts) else 0)


def render(verdicts: Sequence[GateVerdict], config: Config) -> None:
    """Print every verdict with what was found and what to do, and below it what they come to."""
    from paraphina_core.gates import refusals

    _show(("Verdict", "Gate", "Found, and what to do"), map(_row, verdicts))
    refused = refusals(verdicts)
    mode = config.session.trade_mode
    if refused:
        asked = sum(verdict.required for verdict in verdicts)
        click.echo(f"{mode} mode is refused: {len(refused)} of {asked} gates do not pass; nothing is started")
    else:
        click.echo(f"no gate refuses {mode} mode")


def _row(verdict: GateVerdict) -> tuple[str, str, str]:
    status = verdict.status.upper() if verdict.required else "info"
    text = f"{verdict.found}\n> {verdict.remedy}" if verdict.refuses and verdict.remedy else verdict.found
    return status, verdict.id, text


def _show(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table whose last column takes the width that is left, also on a narrow terminal."""
    from rich.box import ASCII2, SIMPLE_HEAD
    from rich.table import Table

    out = console()
    table = Table(box=SIMPLE_HEAD if out.is_terminal else ASCII2, header_style="bold", pad_edge=False)
    for column in columns:
        is_last = column == columns[-1]
        table.add_column(column, no_wrap=not is_last, overflow="fold", ratio=1 if is_last else None)
    for row in rows:
        cells = ["\n".join(map(printable, cell.split("\n"))) for cell in row]
        table.add_row(*cells, style=_STYLES.get(row[0]))
    out.print(table)


def reference() -> str:
    """Return every gate as Markdown: what it checks and what to do."""
    from paraphina_core.gates import ORDER_GATES, STARTUP_GATES

    lines = ["### Start-up gates", "", "| Id | Asked in | Checks |", "| --- | --- | --- |"]
    for gate in STARTUP_GATES:
        modes = ", ".join(sorted(gate.required_in)) + (
            f"; shown in {', '.join(sorted(gate.informs_in))}" if gate.informs_in else ""
        )
        modes += "; on twins only" if gate.on_twins_only else ""
        lines.append(f"| `{gate.id}` | {modes} | {gate.explanation} |")
    lines += ["", "### Order gates", "", "| Code | Checks | What to do |", "| --- | --- | --- |"]
    lines += [f"| `{rule.code}` | {rule.checks} | {rule.remedy} |" for rule in ORDER_GATES]
    return "\n".join(lines) + "\n"


def _order_rows(config: Config) -> Iterator[tuple[str, str]]:
    from paraphina_core.gates import ORDER_GATES

    for rule in ORDER_GATES:
        yield (
            rule.code,
            "no profile is loaded" if config.profile is None else rule.limit_in_force(config.profile),
        )


def _json(verdicts: Sequence[GateVerdict], config: Config) -> str:
    import msgspec

    from paraphina_core.gates import refusals

    content = {
        "trade_mode": config.session.trade_mode,
        "refused": bool(refusals(verdicts)),
        "startup_gates": verdicts,
        "risk_profile": None if config.profile is None else config.profile.name,
        "order_gates": [{"code": code, "limit_in_force": limit} for code, limit in _order_rows(config)],
    }
    return msgspec.json.format(msgspec.json.encode(content), indent=2).decode()


def _explanation(typed: str) -> tuple[str, ...]:
    """Return the lines that explain the gate of that id or code.

    Raises:
        ConfigError: there is none; names the nearest.
    """
    from paraphina_core.domain import ConfigError, canonical_name, did_you_mean
    from paraphina_core.gates import ORDER_GATES, STARTUP_GATES

    wanted = canonical_name(typed)
    for gate in STARTUP_GATES:
        if gate.id == wanted:
            modes = ", ".join(sorted(gate.required_in))
            return f"{gate.id}: {gate.title}, a start-up gate", gate.explanation, f"It can refuse: {modes}."
    for rule in ORDER_GATES:
        if canonical_name(rule.code) == wanted:
            return f"{rule.code}, an order gate", rule.checks, f"If it refuses: {rule.remedy}"
    known = [gate.id for gate in STARTUP_GATES] + [rule.code for rule in ORDER_GATES]
    raise ConfigError("no gate has this id", found=typed, remedy=did_you_mean(typed, known))
