"""`paraphina plugins`: what was found, what is used and trusted, and whether all that is needed is there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from .common import home, load, printable, show_rows

if TYPE_CHECKING:
    from paraphina_core.connector import PluginRecord, Plugins, TrustFile

COLUMNS = (
    *("Plugin", "Distribution", "Version", "Source hash", "Hooks", "Connectors"),
    *("Trust", "Status", "Reason"),
)
_FOLDABLE = ("Hooks", "Connectors", "Trust", "Reason")
_PREFIX = "paraphina_"

#: Characters of a hash in the table; enough to compare by eye, `--json` has all.
_SHORT = 12


@click.group("plugins", invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array, an object for each plugin.")
@click.option(
    "--require",
    "required",
    multiple=True,
    metavar="NAME",
    help="Exit with 1 unless this feature flag, distribution or connector is loaded; may be repeated.",
)
@click.pass_context
def command(context: click.Context, *, as_json: bool, required: tuple[str, ...]) -> None:
    """List every plugin that can be seen: what it brings, whether it is used and trusted, and if not, why."""
    from paraphina_core.connector import TrustFile

    if context.invoked_subcommand is not None:
        if as_json or required:
            raise click.UsageError("--json and --require stand without a subcommand")
        return
    plugins = load()
    listed = [_described(record, TrustFile(home())) for record in plugins.plugins]
    if as_json:
        import msgspec

        click.echo(msgspec.json.format(msgspec.json.encode(listed), indent=2))
    else:
        show_rows(COLUMNS, [_cells(one) for one in listed], _FOLDABLE)
    missing = [(name, why) for name in required if (why := _why_missing(name, plugins))]
    for name, why in missing:
        click.echo(printable(f"required and missing: {name}: {why}"), err=True)
    context.exit(1 if missing else 0)


@command.command()
@click.argument("name")
def trust(name: str) -> None:
    """Trust the plugin NAME as it is now: its version and source hash.

    NAME is a plugin, its distribution or one of its connectors. Any later change of its code ends
    the trust.
    """
    from paraphina_core.connector import TrustFile

    file = TrustFile(home())
    record = _record(name, load())
    before = file.state(record)
    file.trust(record)
    for line in _identity(record):
        click.echo(printable(line))
    for difference in before.differences:
        click.echo(f"changed since it was last trusted: {printable(difference)}")
    click.echo(f"trusted in {file.path}")


@command.command()
@click.argument("name")
def untrust(name: str) -> None:
    """Take back the trust in the plugin NAME."""
    from paraphina_core.connector import TrustFile

    file = TrustFile(home())
    record = _record(name, load())
    done = "no longer trusted" if file.revoke(record) else "was not trusted"
    click.echo(f"{printable(record.name)} of {printable(record.distribution)}: {done}")


def _described(record: PluginRecord, file: TrustFile) -> dict[str, object]:
    """Return everything there is to say of a plugin, as JSON holds it."""
    import msgspec

    from paraphina_core.domain import LocalError

    try:
        state = file.state(record)
        trusted, differences = state.status.value, state.differences
    except LocalError as e:  # a damaged trust file must not hide the plugins
        trusted, differences = "unknown", (str(e),)
    return {**msgspec.structs.asdict(record), "trust": trusted, "trust_differences": differences}


def _cells(described: dict[str, object]) -> list[str]:
    def text(key: str) -> str:
        value = described[key]
        return ", ".join(value) if isinstance(value, tuple) else str(value)

    differences = text("trust_differences")
    return [
        text("name") + (" (working copy)" if described["editable"] else ""),
        text("distribution"),
        text("version"),
        text("source_hash")[:_SHORT],
        text("hooks").replace(_PREFIX, ""),
        text("connectors"),
        "built-in" if described["builtin"] else text("trust") + (f": {differences}" if differences else ""),
        text("status"),
        text("reason"),
    ]


def _identity(record: PluginRecord) -> Iterator[str]:
    yield f"plugin        {record.name}"
    yield f"distribution  {record.distribution} {record.version}"
    yield f"source hash   {record.source_hash}"
    yield f"location      {record.location}"
    if record.editable:
        yield "              a working copy: the next edit ends the trust"
    yield f"hooks         {', '.join(record.hooks)}"
    yield f"connectors    {', '.join(record.connectors) or 'none'}"


def _record(name: str, plugins: Plugins) -> PluginRecord:
    """Return the plugin that somebody means by the name of it, its distribution or its connector."""
    from paraphina_core.connector import PluginStatus
    from paraphina_core.domain import ConfigError, canonical_name, did_you_mean

    wanted = canonical_name(name)
    meant = [record for record in plugins.plugins if wanted in _names(record)]
    usable = [record for record in meant if record.status is PluginStatus.LOADED] or meant
    if not usable:
        known = {record.name for record in plugins.plugins if not record.builtin}
        raise ConfigError("no plugin has this name", found=name, remedy=did_you_mean(name, known))
    if len(usable) > 1:
        found = ", ".join(f"{record.name} of {record.distribution}" for record in usable)
        raise ConfigError(
            f"{name} means several plugins", found=found, remedy="name the plugin by its entry point"
        )
    return usable[0]


def _names(record: PluginRecord) -> set[str]:
    from paraphina_core.domain import canonical_name

    return {canonical_name(name) for name in (record.name, record.distribution, *record.connectors)}


def _why_missing(required: str, plugins: Plugins) -> str:
    """Say why a feature flag, distribution or connector is not loaded; empty if it is."""
    from paraphina_core.domain import ConfigError, canonical_name, did_you_mean

    wanted = canonical_name(required)
    for flag in plugins.flags:
        if flag.name == wanted:
            absent = [_why_not_loaded(distribution, plugins) for distribution in flag.distributions]
            return "; ".join(filter(None, absent)) + (f"; {flag.command}" if any(absent) else "")
    if any(canonical_name(spec.feature_flag or "") == wanted for spec in plugins.connectors.values()):
        return ""
    for record in plugins.plugins:
        if canonical_name(record.distribution) == wanted:
            return _why_not_loaded(record.distribution, plugins)
    try:
        plugins.connector(required)
    except ConfigError as e:
        known = {
            *(flag.name for flag in plugins.flags),
            *(name for flag in plugins.flags for name in flag.distributions),
            *plugins.connectors,
        }
        return str(e) if e.found is None else f"nothing has this name; {did_you_mean(required, known)}"
    return ""


def _why_not_loaded(distribution: str, plugins: Plugins) -> str:
    from paraphina_core.connector import PluginStatus

    records: Sequence[PluginRecord] = plugins.records_of([distribution])
    if any(record.status is PluginStatus.LOADED for record in records):
        return ""
    reasons = [f"{distribution} is {record.status}: {record.reason}" for record in records]
    return "; ".join(reasons) or f"{distribution} is not installed"
