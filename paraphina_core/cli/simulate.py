"""`paraphina simulate`: whole sessions against twins in virtual time, under faults drawn from seeds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import click

from .common import load, printable

if TYPE_CHECKING:
    from paraphina_core.simulation import Outcome, Scenario


@click.command("simulate")
@click.argument("connectors", nargs=-1, required=True, metavar="CONNECTOR...")
@click.option("--seeds", type=click.IntRange(1), default=1, show_default=True, help="How many runs.")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Seed of the first run.")
@click.option(
    "--hours", type=click.FloatRange(0, 1_000, min_open=True), default=1.0, show_default=True, help="Of each."
)
@click.option(
    "--pause-s",
    type=click.FloatRange(0.1),
    default=20.0,
    show_default=True,
    help="Mean pause between two faults.",
)
@click.option(
    "--faults",
    metavar="A,B,...",
    help="What may go wrong; without it everything that passes by itself. `paraphina twin-fault` lists it.",
)
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="CONNECTOR.NAME=VALUE",
    help="A setting of a connector's twin; may be repeated.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for each run, and nothing else.")
@click.pass_context
def command(  # noqa: PLR0913  # one for each option
    context: click.Context,
    *,
    connectors: Sequence[str],
    seeds: int,
    seed: int,
    hours: float,
    pause_s: float,
    faults: str | None,
    settings: Sequence[str],
    as_json: bool,
) -> None:
    """Run sessions on CONNECTOR... against the twins of their venues, and compare both at the end.

    Time is virtual and everything is drawn from the seed, so a run can be repeated to the byte. Exit code 1
    says that something was not as it must be; the command that repeats the run is printed with it.
    """
    from paraphina_core.simulation import Scenario, simulate

    plugins = load()
    names = tuple(plugins.connector(name).name for name in connectors)
    chosen = None if faults is None else _faults(faults)
    twin_settings = _settings(settings)
    struck: Counter[str] = Counter()
    failed = 0
    for number in range(seed, seed + seeds):
        scenario = Scenario(
            seed=number,
            connectors=names,
            hours=hours,
            mean_pause_s=pause_s,
            faults=chosen,
            twin_settings=twin_settings,
        )
        outcome = simulate(plugins, scenario, progress=_progress(number, shown=not as_json))
        struck.update(outcome.struck)
        failed += bool(outcome.broken)
        _show(outcome, scenario, faults, settings, as_json=as_json)
    if not as_json:
        told = ", ".join(f"{name} {count}" for name, count in sorted(struck.items()))
        click.echo(printable(f"{seeds} runs, {failed} with findings; faults: {told or 'none'}"))
    context.exit(1 if failed else 0)


def _faults(text: str) -> tuple[str, ...]:
    from paraphina_core.domain import ConfigError, did_you_mean
    from paraphina_core.simulation import EVERYTHING

    names = tuple(name.strip() for name in text.split(",") if name.strip())
    for name in names:
        if name not in EVERYTHING:
            raise ConfigError("no fault is called so", found=name, remedy=did_you_mean(name, EVERYTHING))
    return names


def _settings(given: Sequence[str]) -> Mapping[str, Mapping[str, str]]:
    from paraphina_core.domain import ConfigError

    settings: dict[str, dict[str, str]] = {}
    for text in given:
        key, equals, value = text.partition("=")
        connector, dot, name = key.partition(".")
        if not (equals and dot and connector and name):
            raise ConfigError("twin setting is not usable", found=text, wanted="CONNECTOR.NAME=VALUE")
        settings.setdefault(connector, {})[name] = value
    return settings


def _progress(seed: int, *, shown: bool) -> Callable[[float], None]:
    """Return what shows on a terminal how far a run is, on one line that is written over."""
    import sys

    last = -1

    def show(part: float) -> None:
        nonlocal last
        percent = int(part * 100)
        if percent != last:
            last = percent
            click.echo(f"\rseed {seed}: {percent:3d} %", err=True, nl=part >= 1.0)

    return show if shown and sys.stderr.isatty() else lambda _: None


def _show(
    outcome: Outcome, scenario: Scenario, faults: str | None, settings: Sequence[str], *, as_json: bool
) -> None:
    import msgspec

    if as_json:
        click.echo(msgspec.json.encode(outcome).decode())
        return
    verdict = "as it must be" if not outcome.broken else f"{len(outcome.broken)} findings"
    click.echo(
        f"seed {outcome.seed}: {outcome.hours:g} h, {sum(outcome.struck.values())} faults, "
        f"{outcome.placed} orders, {outcome.fills} fills, digest {outcome.digest[:16]}: {verdict}"
    )
    for finding in outcome.broken:
        click.echo(printable(f"  {finding}"))
    if outcome.broken:
        options = [
            f"--seed {outcome.seed}",
            f"--hours {outcome.hours:g}",
            f"--pause-s {scenario.mean_pause_s:g}",
        ]
        options += [f"--faults {faults}"] if faults else []
        options += [f"--set {text}" for text in settings]
        again = " ".join(["paraphina simulate", *scenario.connectors, *options])
        click.echo(printable(f"  again: {again}"))
