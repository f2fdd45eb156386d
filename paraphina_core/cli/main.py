"""The command `paraphina`: its subcommands, each imported only when it is used, and how errors end it.

Exit codes: 0 done; 1 a check failed; 2 refused, or wrong usage or configuration; 3 a session ended but
orders are left; 4 a session was halted; 5 the kill switch has fired; 70 a fault of this program;
130 interrupted.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import click

from paraphina_core import __version__

from .failures import explain

INTERRUPTED: Final = 130
WRONG_USAGE: Final = 2


class LazyCommand(NamedTuple):
    """Where a subcommand is, and its line in the help."""

    where: str
    help: str

    def load(self) -> click.Command:
        """Import the subcommand."""
        module, _, attribute = self.where.partition(":")
        command = getattr(importlib.import_module(module), attribute)
        if not isinstance(command, click.Command):
            raise TypeError(f"{self.where} is no command")
        return command


COMMANDS: Final = {
    "run": LazyCommand("paraphina_core.cli.run:command", "Run a session: shadow, paper, testnet or live."),
    "connectors": LazyCommand(
        "paraphina_core.cli.connectors:command", "List all connectors and what each can do."
    ),
    "plugins": LazyCommand(
        "paraphina_core.cli.plugins:command", "List plugins with their state; trust one; require some."
    ),
    "gates": LazyCommand("paraphina_core.cli.gates:command", "Judge the start-up gates and explain them."),
    "kill": LazyCommand(
        "paraphina_core.cli.kill:command", "Fire the kill switch, see whether it has fired, or clear it."
    ),
    "state": LazyCommand("paraphina_core.cli.state:command", "Say what running sessions may do, and set it."),
    "preflight": LazyCommand(
        "paraphina_core.cli.preflight:command", "Run every check and write the receipt that live mode needs."
    ),
    "keys": LazyCommand("paraphina_core.cli.keys:command", "Keep the keys of venues in encrypted files."),
    "conformance": LazyCommand(
        "paraphina_core.cli.conformance:command", "Run the contract's tests against a connector."
    ),
    "evidence": LazyCommand(
        "paraphina_core.cli.evidence:command",
        "Read and check the evidence of readiness; waive a test network.",
    ),
    "report": LazyCommand(
        "paraphina_core.cli.report:command", "Write the readiness report, computed from evidence."
    ),
    "doctor": LazyCommand(
        "paraphina_core.cli.doctor:command", "Examine this installation and say what to do about it."
    ),
    "config": LazyCommand(
        "paraphina_core.cli.config:command", "Show the configuration and where each value is from."
    ),
    "simulate": LazyCommand(
        "paraphina_core.cli.simulate:command", "Run sessions against twins in virtual time, under faults."
    ),
    "why": LazyCommand(
        "paraphina_core.cli.why:command", "Say why a quote is where it is, or why there is none."
    ),
    "backtest": LazyCommand(
        "paraphina_core.cli.backtest:command", "Run a strategy on a generated market, in virtual time."
    ),
    "journal": LazyCommand("paraphina_core.cli.journal:command", "Check and read the journal of a run."),
    "record": LazyCommand(
        "paraphina_core.cli.record:command", "Record what a venue sends; needs no key, sends no order."
    ),
    "replay": LazyCommand(
        "paraphina_core.cli.replay:command", "Run a recorded session again and compare every decision."
    ),
    "twin": LazyCommand("paraphina_core.cli.twin:command", "Serve a venue's twin on this machine."),
    "twin-fault": LazyCommand(
        "paraphina_core.cli.twin:fault_command", "List the faults a twin can have; put some into one."
    ),
}


class _Commands(click.Group):
    """The group of all subcommands; listing them imports none."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in COMMANDS:
            return COMMANDS[cmd_name].load()
        from paraphina_core.domain import did_you_mean

        raise click.UsageError(f"no command is called {cmd_name!r}; {did_you_mean(cmd_name, COMMANDS)}", ctx)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, command.help) for name, command in COMMANDS.items()])


@click.command(
    cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110}
)
@click.version_option(__version__, message="%(prog)s %(version)s")
def cli() -> None:
    """Run real money, safely, on perpetual-futures venues.

    `paraphina COMMAND --help` explains a command.
    """


def main(args: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    Args:
        args: arguments; None for those of the process.
    """
    return _execute("paraphina", lambda: cli, args)


def live_main(args: Sequence[str] | None = None) -> int:
    """Run `paraphina run` under its own name, `paraphina_live`, and return its exit code."""
    return _execute("paraphina_live", COMMANDS["run"].load, args)


def _execute(name: str, load: Callable[[], click.Command], args: Sequence[str] | None) -> int:
    try:
        given = None if args is None else list(args)
        code = load().main(args=given, prog_name=name, standalone_mode=False)
    except click.ClickException as e:
        e.show()
        return WRONG_USAGE
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return INTERRUPTED
    except SystemExit as e:
        code = e.code
        if isinstance(code, str):
            click.echo(code, err=True)
            return 1
    except Exception as e:  # noqa: BLE001  # the last door: everything that gets here is explained
        return explain(e)
    return code if isinstance(code, int) else 0
