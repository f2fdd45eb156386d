"""`paraphina conformance`: the contract's tests, run against one connector, with a result for programs."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from .common import console, load, printable
from .evidence import kept

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from paraphina_core.conformance import CardResult, SuiteResult, Trial
    from paraphina_core.connector import Plugins

_FAILED: Final = 1
_STYLES: Final = {"passed": "green", "failed": "bold red", "error": "bold red", "skipped": "dim"}


@click.command("conformance")
@click.argument("name", required=False)
@click.option("--card", "cards", multiple=True, metavar="ID", help="Run this card; may be repeated.")
@click.option(
    "--family", "families", multiple=True, metavar="XX", help="Run the cards of this family; may be repeated."
)
@click.option(
    "--json",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the result into this file as JSON.",
)
@click.option("--list", "as_list", is_flag=True, help="List the cards and run nothing.")
@click.option("--markdown", is_flag=True, help="Print the cards as the documentation has them.")
def command(
    *,
    name: str | None,
    cards: tuple[str, ...],
    families: tuple[str, ...],
    file: Path | None,
    as_list: bool,
    markdown: bool,
) -> None:
    """Run the contract's tests against the connector NAME: what it declares decides which.

    Nothing leaves this machine: evidence is what the venue sent once, and the venue's twin.

    Exit codes: 0 it conforms; 1 a card failed, or none could be passed.
    """
    from paraphina_core.conformance import select, to_markdown

    trials = select(cards, families)
    if as_list or markdown:
        if name is not None or file is not None or (as_list and markdown):
            raise click.UsageError("--list and --markdown stand alone, or with --card and --family")
        lines = to_markdown(trials).splitlines() if markdown else [_listed(trial) for trial in trials]
        for line in lines:
            click.echo(line)
        return
    if name is None:
        raise click.UsageError("which connector? `paraphina connectors` lists them")
    plugins = load()
    result = _run(name, trials, plugins)
    _record(result, plugins, is_whole=not (cards or families))
    if file is not None:
        import msgspec

        file.write_bytes(msgspec.json.format(msgspec.json.encode(result), indent=2) + b"\n")
    sys.exit(0 if result.conforms else _FAILED)


def _run(name: str, trials: tuple[Trial, ...], plugins: Plugins) -> SuiteResult:
    """Run cards with progress, print how each ended and the sum."""
    from paraphina_core.conformance import Runner, subject_of, summary

    spec = plugins.connector(name)
    runner = Runner(subject_of(spec), trials)
    out = console()
    started_ns = time.time_ns()
    results = []
    with _progress(out, len(trials)) as advance:
        for trial in runner.trials:
            advance(f"{trial.card.id} {trial.card.title}")
            results.append(runner.run_one(trial))
            _show(out, results[-1])
    result = summary(runner, plugins.origin_of(name), results, started_ns=started_ns, ended_ns=time.time_ns())
    counts = ", ".join(f"{count} {outcome}" for outcome, count in result.counts.items())
    verdict = "conforms" if result.conforms else "does not conform"
    if result.faults_met or result.faults_missed:
        missed = f", missed: {', '.join(result.faults_missed)}" if result.faults_missed else ""
        out.print(f"faults met: {', '.join(result.faults_met)}{missed}", soft_wrap=True)
    out.print(f"{spec.name} {verdict}: {counts} of {len(results)} cards", soft_wrap=True)
    return result


def _record(result: SuiteResult, plugins: Plugins, *, is_whole: bool) -> None:
    """Add the result to the evidence of this installation."""
    import hashlib

    import msgspec

    from paraphina_core.readiness import Kind, Reached, Statement
    from paraphina_core.session import code_of, commit, host_facts, tool_versions

    suite = f"conformance {result.suite_version}"
    faults = {f"fault {name} was met": "failed" for name in result.faults_missed}
    statement = Statement(
        kind=Kind.CONFORMANCE,
        suite=suite,
        command=f"paraphina conformance {result.connector}",
        exit_code=0 if result.conforms else _FAILED,
        connector=result.connector,
        code=code_of(result.connector, plugins),
        commit=commit(),
        config_hash=hashlib.sha256(" ".join([suite, *(c.id for c in result.cards)]).encode()).hexdigest(),
        reached=Reached.TWIN if plugins.connectors[result.connector].twin else Reached.RECORDING,
        started_ns=result.started_ns,
        ended_ns=result.ended_ns,
        passed=result.conforms,
        whole=is_whole,
        counts=result.counts,
        outcomes={card.id: card.outcome.value for card in result.cards} | faults,
        artifacts={"result": hashlib.sha256(msgspec.json.encode(result)).hexdigest()},
        host=host_facts(),
        tools=tool_versions(),
    )
    kept([statement])


@contextmanager
def _progress(out: Console, total: int) -> Iterator[Callable[[str], None]]:
    """Show on a terminal how far the run is; yield what tells of the card that begins."""
    if not out.is_terminal:
        yield lambda _card: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns: tuple[Any, ...] = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=out, transient=True) as progress:
        task = progress.add_task("", total=total)
        begun = 0

        def advance(card: str) -> None:
            nonlocal begun
            progress.update(task, completed=begun, description=printable(card))
            begun += 1

        yield advance


def _show(out: Console, result: CardResult) -> None:
    from rich.text import Text

    text = Text()
    text.append(f"{result.id} ")
    text.append(f"{result.outcome.value:<7}", _STYLES[result.outcome.value])
    text.append(f" {printable(result.title)}")
    if result.reason:
        text.append(f": {printable(result.reason)}")
    for word, value in (("found", result.found), ("wanted", result.wanted)):
        if value:
            text.append(f"\n               {word} {printable(value)}")
    out.print(text, soft_wrap=True)


def _listed(trial: Trial) -> str:
    card = trial.card
    needs = ", ".join([*(need.value for need in card.needs), *(c.value for c in card.capabilities)])
    return f"{card.id} {card.title}" + (f" [{needs}]" if needs else "")
