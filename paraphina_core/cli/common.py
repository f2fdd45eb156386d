"""What the commands share: the plugins, the home folder, the configuration's options, tables."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

if TYPE_CHECKING:
    from rich.box import Box
    from rich.console import Console, RenderableType

    from paraphina_core.config import Config, KeyHead
    from paraphina_core.connector import Plugins

_Command = TypeVar("_Command", bound=Callable[..., Any])

#: Name of the parameter that holds the configuration file.
_FILE: Final = "config"

#: A column that may be folded is folded to no less than this.
_FOLDED_WIDTH: Final = 30
#: Widest block: as wide as the narrowest terminal in common use.
_BLOCK_WIDTH: Final = 80


def load() -> Plugins:
    """Load the plugins of this environment, and those that are a part of the core."""
    from paraphina_core import strategy
    from paraphina_core.connector import load_plugins, mock

    return load_plugins([mock, strategy])


def home() -> Path:
    """Return the folder that holds this installation's state; it need not exist."""
    return Path(os.environ.get("PARAPHINA_HOME") or "~/.paraphina").expanduser().absolute()


def config_options(command: _Command) -> _Command:
    """Give a command `--config` and an option for every key of the configuration that has one.

    The values arrive as text under the options' own names; hand them all to `resolve_config`.
    """
    from paraphina_core.config import FIELDS, cli_options

    fields = {field.key: field for field in FIELDS}
    for option in reversed(cli_options()):
        field = fields[option.key]
        notes = [*field.variables, *([f"default {option.default}"] if option.default != "-" else [])]
        text = f"{option.help} [{'; '.join(notes)}]" if notes and not option.is_switch else option.help
        if option.flag != field.flags[0]:
            text = f"another name of {field.flags[0]}, used where that is not given"
        command = click.option(
            option.flag,
            _parameter(option.flag),
            is_flag=option.is_switch,
            default=None,
            metavar=None if option.is_switch else "VALUE",
            help=text,
        )(command)
    return click.option(
        "--config",
        _FILE,
        type=click.Path(dir_okay=False, path_type=Path),
        help="configuration file (TOML) [PARAPHINA_CONFIG]",
    )(command)


def resolve_config(
    ctx_params: Mapping[str, object], plugins: Plugins, env: Mapping[str, str] | None = None
) -> Config:
    """Make the configuration of what a command with `config_options` was given.

    Args:
        ctx_params: the command's parameters; those that are no option of the configuration are
            left out.
        plugins: knows the connectors and strategies.
        env: the environment; None for this process's.

    Raises:
        ConfigError: names everything that is wrong with it.
    """
    from paraphina_core.config import KeyChain, KeyStore, cli_options, resolve

    given = {option.flag: ctx_params.get(_parameter(option.flag)) for option in cli_options()}
    file = ctx_params.get(_FILE)
    return resolve(
        cli={flag: value for flag, value in given.items() if value is not None},
        env=os.environ if env is None else env,
        file=file if isinstance(file, Path) else None,
        plugins=plugins,
        keys=KeyChain(KeyStore(home()), _passphrase),
    )


def _passphrase(head: KeyHead) -> str:
    """Ask at the terminal for the passphrase of a key."""
    from paraphina_core.domain import ConfigError

    if not sys.stdin.isatty():
        raise ConfigError(
            f"key of {head.connector} on {head.network} cannot be opened",
            found="no terminal to ask at",
            remedy="set PARAPHINA_PASSPHRASE_FILE",
        )
    text = f"passphrase of {head.connector} on {head.network}, {head.name}"
    return str(click.prompt(text, hide_input=True, err=True))


def _parameter(flag: str) -> str:
    return flag.removeprefix("--").replace("-", "_")


def printable(text: str) -> str:
    """Replace what could steer a terminal; text of plugins and venues may hold anything."""
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape", "backslashreplace").decode()
        for letter in text
    )


def console() -> Console:
    """Return the console for tables: plain when stdout is no terminal, and never interpreting its text."""
    from rich.console import Console

    return Console(highlight=False, markup=False, emoji=False)


def show_rows(columns: Sequence[str], rows: Sequence[Sequence[str]], foldable: Sequence[str]) -> None:
    """Print rows as one table where that fits the terminal, else one block for each row.

    Args:
        columns: headings.
        rows: cells of each row; a block leaves empty ones out.
        foldable: columns whose cells may run over several lines.
    """
    from rich.box import ASCII, SQUARE

    out = console()
    box = SQUARE if out.is_terminal else ASCII
    clean = [[printable(cell) for cell in row] for row in rows]
    fits = _needed_width(columns, clean, foldable) <= out.width
    out.print(_table(columns, clean, foldable, box) if fits else _blocks(columns, clean, box, out.width))


def _needed_width(columns: Sequence[str], rows: Sequence[Sequence[str]], foldable: Sequence[str]) -> int:
    width = 1
    for index, column in enumerate(columns):
        longest = max(len(column), *(len(row[index]) for row in rows), 0)
        width += (min(longest, _FOLDED_WIDTH) if column in foldable else longest) + 3  # a line, two blanks
    return width


def _table(
    columns: Sequence[str], rows: Sequence[Sequence[str]], foldable: Sequence[str], box: Box
) -> RenderableType:
    from rich.table import Table

    table = Table(header_style="bold", box=box)
    for column in columns:
        folded = column in foldable
        table.add_column(
            column, no_wrap=not folded, min_width=_FOLDED_WIDTH if folded else None, overflow="fold"
        )
    for row in rows:
        table.add_row(*row)
    return table


def _blocks(columns: Sequence[str], rows: Sequence[Sequence[str]], box: Box, width: int) -> RenderableType:
    """Draw a small table for each row, as many beside each other as fit."""
    from rich.columns import Columns
    from rich.table import Table

    heading_width = max(map(len, columns))
    value_width = max(10, min(width, _BLOCK_WIDTH) - heading_width - 7)  # three lines, four blanks
    blocks = []
    for row in rows:
        block = Table(show_header=False, box=box)
        block.add_column(no_wrap=True, width=heading_width)
        block.add_column(overflow="fold", width=value_width)
        for index, (column, cell) in enumerate(zip(columns, row, strict=True)):
            if cell:
                block.add_row(column, cell, style=None if index else "bold")
        blocks.append(block)
    return Columns(blocks)
