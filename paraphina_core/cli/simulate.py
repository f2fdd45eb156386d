"""`paraphina simulate`: whole sessions against twins in virtual time, under faults drawn from seeds."""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import click

from .common import load, printable
from .evidence import kept

if TYPE_CHECKING:
    from paraphina_core.simulation import Outcome, Scenario, Strike


@click.command("simulate")
@click.argument("connectors", nargs=-1, metavar="[CONNECTOR]...")
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
@click.option("--only", metavar="N,M,...", help="Of the faults of one seed only these, by their numbers.")
@click.option(
    "--shrink-runs",
    type=click.IntRange(0),
    default=10,
    show_default=True,
    help="Further runs that a finding may cost, to see which of its faults it takes.",
)
@click.option("--jobs", type=click.IntRange(1), help="Runs at once.  [default: one for each processor]")
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
    only: str | None,
    shrink_runs: int,
    jobs: int | None,
    as_json: bool,
) -> None:
    """Run sessions on CONNECTOR... against the twins of their venues, and compare both at the end.

    Without a CONNECTOR, one session trades on all that have a twin. Time is virtual and everything is drawn
    from the seed, so a run can be repeated to the byte. Exit code 1 says that something was not as it must;
    the command that repeats the run, and the fewest faults that were found to break something too, are
    printed with it.
    """
    from paraphina_core.simulation import Scenario

    numbers = _numbers(only, seeds)
    chosen = None if faults is None else _faults(faults)
    names, twin_settings = _connectors(connectors), _settings(settings)
    scenarios = [
        Scenario(
            seed=number,
            connectors=names,
            hours=hours,
            mean_pause_s=pause_s,
            faults=chosen,
            only=numbers,
            twin_settings=twin_settings,
        )
        for number in range(seed, seed + seeds)
    ]
    struck: Counter[str] = Counter()
    failed = 0
    outcomes: list[Outcome] = []
    started_ns = time.time_ns()
    for scenario, outcome in zip(scenarios, _outcomes(scenarios, jobs or os.cpu_count() or 1), strict=True):
        outcomes.append(outcome)
        struck.update(outcome.struck)
        failed += bool(outcome.broken)
        _show(outcome, as_json=as_json)
        if outcome.broken and not as_json:
            _explain(scenario, outcome, faults, settings, shrink_runs)
    _record(scenarios, outcomes, started_ns)
    if not as_json:
        _sum_up(seeds, failed, struck)
    context.exit(1 if failed else 0)


def _record(scenarios: Sequence[Scenario], outcomes: Sequence[Outcome], started_ns: int) -> None:
    """Add the runs to the evidence of this installation, as one record for each connector."""
    import hashlib

    import msgspec

    from paraphina_core.readiness import Kind, Reached, Statement
    from paraphina_core.session import code_of, commit, host_facts, tool_versions

    plugins = load()
    ended_ns = time.time_ns()
    first = scenarios[0]
    command = f"paraphina simulate {' '.join(first.connectors)} --seed {first.seed} --seeds {len(scenarios)}"
    command += f" --hours {first.hours:g}"
    kept(
        [
            Statement(
                kind=Kind.SIMULATION,
                suite="simulation 1",
                command=command,
                exit_code=1 if any(outcome.broken for outcome in outcomes) else 0,
                connector=name,
                code=code_of(name, plugins),
                commit=commit(),
                config_hash=hashlib.sha256(msgspec.json.encode(scenarios)).hexdigest(),
                reached=Reached.TWIN,
                started_ns=started_ns,
                ended_ns=ended_ns,
                passed=not any(outcome.broken for outcome in outcomes),
                whole=all(s.faults is None and s.only is None and not s.twin_settings for s in scenarios),
                counts={
                    "runs": len(outcomes),
                    "virtual_s": int(sum(outcome.hours for outcome in outcomes) * 3_600),
                    "faults": sum(sum(outcome.struck.values()) for outcome in outcomes),
                    "fills": sum(outcome.fills_of.get(name, 0) for outcome in outcomes),
                },
                outcomes={f"seed {o.seed}": "failed" if o.broken else "passed" for o in outcomes},
                artifacts={f"seed {outcome.seed}": outcome.digest for outcome in outcomes},
                host=host_facts(),
                tools=tool_versions(),
            )
            for name in scenarios[0].connectors
        ]
    )


def _connectors(given: Sequence[str]) -> tuple[str, ...]:
    from paraphina_core.domain import ConfigError

    plugins = load()
    if given:
        return tuple(plugins.connector(name).name for name in given)
    names = tuple(sorted(name for name, spec in plugins.connectors.items() if spec.twin and spec.signer))
    if not names:
        raise ConfigError("nothing can be simulated", found="no installed connector has a twin")
    return names


def _outcomes(scenarios: Sequence[Scenario], jobs: int) -> Iterator[Outcome]:
    """Run scenarios, so many at once, and yield their outcomes in order."""
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    if min(jobs, len(scenarios)) == 1:
        for scenario in scenarios:
            yield _run(scenario, shown=sys.stderr.isatty())
        return
    workers = min(jobs, len(scenarios))
    with ProcessPoolExecutor(workers, get_context("spawn"), initializer=_end_with_parent) as pool:
        running = [pool.submit(_run, scenario) for scenario in scenarios]
        try:
            for done, future in enumerate(running):
                if sys.stderr.isatty():
                    click.echo(f"\r{done} of {len(scenarios)} runs", err=True, nl=False)
                yield future.result()
        finally:
            pool.shutdown(cancel_futures=True)


def _end_with_parent() -> None:
    """Let this process end when the one that started it is gone, however that ended: a run takes minutes."""
    from multiprocessing import parent_process
    from threading import Thread

    parent = parent_process()

    def watch() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    Thread(target=watch, daemon=True).start()


def _run(scenario: Scenario, *, shown: bool = False) -> Outcome:
    from paraphina_core.simulation import simulate

    last = -1

    def show(part: float) -> None:
        nonlocal last
        percent = int(part * 100)
        if percent != last:
            last = percent
            click.echo(f"\rseed {scenario.seed}: {percent:3d} %", err=True, nl=part >= 1.0)

    return simulate(load(), scenario, progress=show) if shown else simulate(load(), scenario)


def _numbers(text: str | None, seeds: int) -> tuple[int, ...] | None:
    from paraphina_core.domain import ConfigError

    if text is None:
        return None
    if seeds > 1:
        raise ConfigError("each seed has faults of its own", found="--only for more seeds than one")
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not all(part.isascii() and part.isdigit() for part in parts):
        raise ConfigError("faults are not usable", found=text, wanted="their numbers: 3,17")
    return tuple(map(int, parts))


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


def _show(outcome: Outcome, *, as_json: bool) -> None:
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


def _explain(
    scenario: Scenario, outcome: Outcome, faults: str | None, settings: Sequence[str], max_runs: int
) -> None:
    """Print how to repeat a run with findings, and with which faults alone something is found too."""
    from paraphina_core.simulation import simplest

    options = [f"--seed {outcome.seed}", f"--hours {outcome.hours:g}", f"--pause-s {scenario.mean_pause_s:g}"]
    options += [f"--faults {faults}"] if faults else []
    options += [f"--set {text}" for text in settings]
    again = " ".join(["paraphina simulate", *scenario.connectors, *options])
    only = f" --only {','.join(map(str, scenario.only))}" if scenario.only is not None else ""
    click.echo(printable(f"  again: {again}{only}"))
    kept = simplest(load(), scenario, outcome, max_runs=max_runs)
    if len(kept) < len(outcome.strikes):
        click.echo(f"  {len(kept)} of its {len(outcome.strikes)} faults break something too:")
        for number in kept:
            click.echo(printable(f"  {number:4d} {_told(outcome.strikes[number])}"))
        click.echo(printable(f"  again: {again} --only {','.join(map(str, kept))}"))


def _told(strike: Strike) -> str:
    import msgspec

    from paraphina_core.domain import NS_PER_S
    from paraphina_core.simulation import START_NS

    after_s = (strike.at_ns - START_NS) / NS_PER_S
    what = {"fault": strike.name, "ms": strike.ms} if strike.fault is None else strike.fault
    return f"after {after_s:.3f} s at {strike.connector}: {msgspec.json.encode(what).decode()}"


def _sum_up(seeds: int, failed: int, struck: Counter[str]) -> None:
    """Print what all runs came to, and which faults of docs/faults.md they made happen."""
    from paraphina_core.simulation import NUMBERS

    told = ", ".join(f"{name} {count}" for name, count in sorted(struck.items()))
    click.echo(f"{seeds} runs, {failed} with findings; faults: {told or 'none'}")
    hit = sorted({number for name in struck for number in NUMBERS[name]})
    missed = sorted({number for numbers in NUMBERS.values() for number in numbers} - set(hit))
    click.echo(f"made happen: {_ids(hit)}; not: {_ids(missed)}")


def _ids(numbers: Sequence[int]) -> str:
    return ", ".join(f"F-{number:03}" for number in numbers) or "none"
