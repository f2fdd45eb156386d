"""`paraphina config`: show the configuration in force and where each value is from; print the reference."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

import click

from .common import config_options, load, printable, resolve_config

if TYPE_CHECKING:
    from paraphina_core.config import Config

#: A longer value, usually a path, is shown whole but moves what follows to the right.
_MAX_VALUE_WIDTH: Final = 40


@click.group()
def command() -> None:
    """Show the configuration and its reference."""


@command.command()
@config_options
@click.option(
    "--json", "as_json", is_flag=True, help="Print it as one JSON object, as it is kept with a run."
)
def show(*, as_json: bool, **params: Any) -> None:  # noqa: ANN401  # options of the table of fields
    """Show every value that a run with these options would use, and what set it.

    Secrets are shown as set or not set. Exit code 2 when the configuration has errors.
    """
    import json

    config = resolve_config(params, load())
    if as_json:
        click.echo(json.dumps(config.resolved(), indent=2))
        return
    _print_columns([("key", "value", "set by"), *_values(config)])
    click.echo()
    if config.profile is None:
        click.echo("no limits in force: live.canary_profile names no profile")
    else:
        _print_columns([(f"limit of profile {config.profile.name}", "value", "meaning"), *_limits(config)])
    click.echo(f"\ndigest  {config.digest()}")


@command.command("reference")
def print_reference() -> None:
    """Print every key and every limit as Markdown."""
    from paraphina_core.config import reference

    click.echo(reference(), nl=False)


def _values(config: Config) -> Iterator[tuple[str, str, str]]:
    from paraphina_core.config import FIELDS, shown

    values = {field.key: config.value(field) for field in FIELDS}
    values |= {f"strategy.{name}": value for name, value in config.strategy_parameters.items()}
    for connector in config.selected:
        table = f"connectors.{connector}"
        values |= {f"{table}.{name}": value for name, value in config.connectors[connector].items()}
        for name, secret in config.secrets[connector].items():
            values[f"{table}.{name}"] = "set" if secret.is_set else "not set"
    for key, origin in config.origins.items():
        yield key, shown(values.get(key)), str(origin)


def _limits(config: Config) -> Iterator[tuple[str, str, str]]:
    from paraphina_core.config import LIMITS, shown, unit_of

    for limit in LIMITS:
        value = shown(getattr(config.profile, limit.attribute))
        yield limit.path, f"{value} {unit_of(limit.key)}".rstrip(), limit.help


def _print_columns(rows: Sequence[tuple[str, str, str]]) -> None:
    first = max(len(row[0]) for row in rows)
    second = min(_MAX_VALUE_WIDTH, max(len(row[1]) for row in rows))
    for key, value, rest in rows:
        click.echo(f"{key:<{first}}  {printable(value):<{second}}  {printable(rest)}")
