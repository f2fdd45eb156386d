"""`paraphina backtest`: one paper session on a generated market, faster than time passes."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from .common import load

if TYPE_CHECKING:
    from paraphina_core.backtest import Result
    from paraphina_core.config import Config
    from paraphina_core.session import Run

#: How often the progress bar is drawn, in real seconds.
DRAW_EVERY_S: Final = 0.2


@click.command("backtest")
@click.option(
    "--duration",
    type=click.FloatRange(1, 1_000_000),
    default=300.0,
    show_default=True,
    metavar="SECONDS",
    help="Virtual time.",
)
@click.option("--seed", type=click.IntRange(0, 2**31), default=1, show_default=True, help="Of all chance.")
@click.option(
    "--scenario",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Market and shocks (TOML); without it a benign market of five venues.",
)
@click.option("--strategy", metavar="NAME", help="Strategy that decides.")
@click.option("--risk-profile", "profile", metavar="NAME", help="Limits: a built-in profile or a file.")
@click.option("--out-dir", metavar="DIR", help="Folder of the run; a new one in runs if not given.")
def command(
    *,
    duration: float,
    seed: int,
    scenario: Path | None,
    strategy: str | None,
    profile: str | None,
    out_dir: str | None,
) -> None:
    """Run a strategy on a generated market of several venues, in virtual time.

    The session and the paper exchange are those of `paraphina run`. The same seed and scenario give the
    same digest. Exit codes: 0 done; 2 bad usage, scenario or configuration.
    """
    from paraphina_core.backtest import START_NS, Scenario, load_scenario, prepare
    from paraphina_core.session import Run
    from paraphina_core.transport import run as run_on_loop

    chosen = {"--strategy": strategy, "--risk-profile": profile, "--out-dir": out_dir}
    config, plugins = prepare(
        load(),
        Scenario() if scenario is None else load_scenario(scenario),
        seed=seed,
        options={
            "--duration": f"{duration}s",
            **{flag: value for flag, value in chosen.items() if value is not None},
        },
    )
    with tempfile.TemporaryDirectory() as home:
        run = Run(config, plugins, Path(home) / "state", start_ns=START_NS)
        result = run_on_loop(_shown(run, config, duration), run.engine)
    click.echo(
        f"{result.duration_s:.0f} s in {result.wall_s:.1f} s: {result.placed} orders, {result.fills} fills, "
        f"volume {result.volume_usd:.0f} USD"
    )
    click.echo(
        f"PnL {result.profit_usd:+.2f} USD, of which fees {-result.fees_usd:+.2f}, "
        f"funding {result.funding_usd:+.2f}"
    )
    click.echo(f"seed {result.seed}, digest {result.digest[:16]}; everything is in {run.folder}")


async def _shown(run: Run, config: Config, duration_s: float) -> Result:
    """Execute with a progress bar, where there is a terminal for one."""
    from rich.console import Console
    from rich.progress import Progress

    from paraphina_core.backtest import backtest

    screen = Console(stderr=True)
    with Progress(console=screen, transient=True, disable=not screen.is_terminal) as bar:
        task = bar.add_task("backtest", total=duration_s * 1_000)

        async def draw() -> None:
            while True:
                bar.update(task, completed=run.session.ticks * config.session.tick_ms)
                await asyncio.sleep(DRAW_EVERY_S)

        drawing = asyncio.create_task(draw())
        try:
            return await backtest(run, config)
        finally:
            drawing.cancel()
