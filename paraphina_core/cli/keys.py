"""`paraphina keys`: add, list, test and remove the encrypted keys of venues; no secret is an argument."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import click

from .common import home, load, printable, show_rows

if TYPE_CHECKING:
    from paraphina_core.config import KeyHead, KeyStore
    from paraphina_core.connector import ConnectorSpec, Setting

COLUMNS: Final = ("Connector", "Network", "Name", "Account", "Made", "Cost", "Fault")
_NETWORKS: Final = ("testnet", "mainnet")
_COSTS: Final = ("interactive", "moderate", "sensitive")

_network = click.option(
    "--network", type=click.Choice(_NETWORKS), required=True, help="The network that the key is for."
)
_name = click.option(
    "--name", default="default", show_default=True, help="Tells several accounts of one network apart."
)


@click.group("keys")
def command() -> None:
    """Keep the keys of venues in encrypted files, one for each connector, network and account.

    Secrets and passphrases are typed at a prompt. Where there is no terminal they are read from
    standard input, one line each, in the order in which the prompts would come.
    """


@command.command()
@click.argument("connector")
@_network
@_name
@click.option("--cost", type=click.Choice(_COSTS), default="moderate", show_default=True, help="Of a guess.")
@click.option("--replace", is_flag=True, help="Overwrite the key that is there.")
def add(connector: str, network: str, name: str, cost: str, *, replace: bool) -> None:
    """Seal the secrets of CONNECTOR for a network and an account."""
    import time

    from paraphina_core.config import KeyCost, new_head
    from paraphina_core.connector import Network
    from paraphina_core.domain import LocalError

    spec = load().connector(connector)
    secrets = [setting for setting in spec.settings if _is_secret(setting)]
    if not secrets:
        raise LocalError(f"connector {spec.name} has no secrets", wanted="a connector with an account")
    account = {setting.name: _asked(setting, hidden=False) for setting in _account_settings(spec)}
    values = {setting.name: _asked(setting, hidden=True) for setting in secrets}
    given = {name: value for name, value in values.items() if value}
    if not given:
        raise LocalError("no secret was given", wanted="at least one")
    _signer_identity(spec, given)  # what cannot be used is not kept
    passphrase = _passphrase("new passphrase")
    if _passphrase("again") != passphrase:
        raise LocalError("the passphrases differ")
    head = new_head(
        spec.name,
        Network(network),
        account={name: value for name, value in account.items() if value},
        holds=tuple(given),
        created_ns=time.time_ns(),
        name=name,
        cost=KeyCost(cost),
    )
    path = _store().add(head, given, passphrase, replace=replace)
    click.echo(f"sealed for {printable(_described(head))} in {printable(str(path))}")


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array, an object for each key.")
def list_keys(*, as_json: bool) -> None:
    """List every key that is kept: whose, for which network and account; nothing secret."""
    import msgspec

    from paraphina_core.domain import LocalError

    listed = [
        {"fault": str(one)} if isinstance(one, LocalError) else msgspec.to_builtins(one) | {"fault": ""}
        for one in _store().heads()
    ]
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(listed), indent=2))
    elif listed:
        show_rows(COLUMNS, [_cells(one) for one in listed], ("Account", "Fault"))
    else:
        click.echo(f"there is no key in {_store().folder}; `paraphina keys add` makes one")


@command.command()
@click.argument("connector")
@_network
@_name
def test(connector: str, network: str, name: str) -> None:
    """Open the key of CONNECTOR and show the identity that it signs for; no connection is made."""
    spec = load().connector(connector)
    head = _head(spec, network, name)
    secrets = _store().open(head, _passphrase("passphrase"))
    click.echo(f"opened: {printable(_described(head))}")
    for what, value in _signer_identity(spec, {name: one.reveal() for name, one in secrets.items()}).items():
        click.echo(printable(f"  {what}: {value}"))


@command.command()
@click.argument("connector")
@_network
@_name
@click.option("--yes", is_flag=True, help="Do not ask.")
def remove(connector: str, network: str, name: str, *, yes: bool) -> None:
    """Delete the key of CONNECTOR for a network; the venue still knows it until it is revoked there."""
    from paraphina_core.connector import Network

    spec = load().connector(connector)
    if not yes:
        click.confirm(f"delete the key of {spec.name} on {network}, {name}?", abort=True)
    gone = _store().remove(spec.name, Network(network), name)
    click.echo("deleted; revoke it at the venue as well" if gone else "there is no such key")
    if not gone:
        click.get_current_context().exit(1)


def _store() -> KeyStore:
    from paraphina_core.config import KeyStore

    return KeyStore(home())


def _head(spec: ConnectorSpec, network: str, name: str) -> KeyHead:
    from paraphina_core.connector import Network
    from paraphina_core.domain import LocalError

    head = _store().head(spec.name, Network(network), name)
    if head is None:
        raise LocalError(
            f"there is no key of {spec.name} on {network}",
            found=name,
            remedy=f"paraphina keys add {spec.name} --network {network}",
        )
    return head


def _is_secret(setting: Setting) -> bool:
    return setting.kind.value == "secret"


def _account_settings(spec: ConnectorSpec) -> list[Setting]:
    """Return what names the account: settings that sending orders needs and that are no secret."""
    return [setting for setting in spec.settings if setting.required_in and not _is_secret(setting)]


def _asked(setting: Setting, *, hidden: bool) -> str:
    return _line(f"{setting.name} ({setting.help}; empty for none)", hidden=hidden)


def _passphrase(text: str) -> str:
    return _line(text, hidden=True)


def _line(text: str, *, hidden: bool) -> str:
    """Ask at the terminal, or read the next line of standard input where there is none."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    return str(click.prompt(printable(text), default="", show_default=False, hide_input=hidden, err=True))


def _signer_identity(spec: ConnectorSpec, secrets: Mapping[str, str]) -> Mapping[str, str]:
    """Return what the connector's own signer says of itself; empty where nothing is signed."""
    return {} if spec.signer is None else spec.signer(secrets).identity


def _described(head: KeyHead) -> str:
    account = ", ".join(f"{name} {value}" for name, value in head.account.items()) or "no account named"
    return f"{head.connector} on {head.network}, {head.name} ({account})"


def _cells(one: Mapping[str, object]) -> list[str]:
    account = one.get("account")
    made = one.get("created_ns")
    return [
        str(one.get("connector", "")),
        str(one.get("network", "")),
        str(one.get("name", "")),
        ", ".join(f"{name} {value}" for name, value in account.items()) if isinstance(account, dict) else "",
        f"{datetime.fromtimestamp(made / 1e9, UTC):%Y-%m-%d %H:%M}" if isinstance(made, int) else "",
        str(one.get("cost", "")),
        str(one["fault"]),
    ]
