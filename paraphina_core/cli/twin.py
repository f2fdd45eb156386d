"""`paraphina twin` serves a venue's twin on this machine; `paraphina twin-fault` puts faults into one."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import os
import signal
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from .common import load, printable

if TYPE_CHECKING:
    from paraphina_core.connector import ConnectorSpec, Network
    from paraphina_core.twin import TwinServer

#: How long a twin may take to answer at its back door.
_DEADLINE_MS = 5_000


@click.command("twin")
@click.argument("name")
@click.option("--port", type=click.IntRange(0, 65_535), default=0, help="Port to listen on; 0 is any.")
@click.option("--address", default="127.0.0.1", show_default=True, help="Loopback address to listen on.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of everything random.")
@click.option(
    "--network",
    type=click.Choice(["testnet", "mainnet"]),
    default="testnet",
    show_default=True,
    help="Network of the venue that it stands for; signatures differ.",
)
@click.option(
    "--balance-usd", default="10000", show_default=True, help="Collateral of each account that it opens."
)
@click.option(
    "--clock-offset-ms", type=int, default=0, show_default=True, help="How far its clock is ahead of ours."
)
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="A setting of this twin alone.")
@click.option(
    "--fault", "faults", multiple=True, metavar="FAULT", help="Arm a fault at the start; see twin-fault."
)
@click.option("--until-eof", is_flag=True, help="End as well when the standard input ends.")
@click.option("--duration-s", type=click.FloatRange(min=0.0), help="End by itself after so many seconds.")
def command(  # noqa: PLR0913  # one for each option
    *,
    name: str,
    port: int,
    address: str,
    seed: int,
    network: str,
    balance_usd: str,
    clock_offset_ms: int,
    settings: Sequence[str],
    faults: Sequence[str],
    until_eof: bool,
    duration_s: float | None,
) -> None:
    """Serve the twin of the connector NAME on this machine until Ctrl-C.

    A twin speaks the venue's own protocol, with accounts, a market of its own and real matching; nothing
    leaves this machine. What is printed are the variables that lead a session there, and those of each
    account with the keys that this run has made for it.
    """
    from paraphina_core.connector import Network
    from paraphina_core.domain import ConfigError, exact
    from paraphina_core.twin import TwinHost, TwinServer, parse_fault, wall_clock

    parsed = [parse_fault(fault) for fault in faults]
    pairs = [pair.partition("=") for pair in settings]
    if not all(key and equals for key, equals, _ in pairs):
        raise ConfigError("twin setting is not usable", found=list(settings), wanted="NAME=VALUE")
    spec = load().connector(name)
    now_ns = wall_clock()
    host = TwinHost.of(
        spec,
        seed=seed,
        start_ns=now_ns(),
        network=Network(network),
        offset_ms=clock_offset_ms,
        balance_usd=exact(balance_usd),
        settings={key: value for key, _, value in pairs},
    )
    for fault in parsed:
        host.arm(fault, now_ns())
    server = TwinServer(host, address=address, port=port, now_ns=now_ns)
    asyncio.run(_serve(server, spec, Network(network), seed, duration_s, until_eof=until_eof))


async def _serve(
    server: TwinServer,
    spec: ConnectorSpec,
    network: Network,
    seed: int,
    duration_s: float | None,
    *,
    until_eof: bool,
) -> None:
    """Serve until a signal, the end of the time, or of the input."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    if until_eof:
        loop.add_reader(sys.stdin, lambda: None if os.read(sys.stdin.fileno(), 4096) else stop.set())
    async with server:
        click.echo(f"twin of {spec.name} ({network}, seed {seed}) at {server.origin}; Ctrl-C ends it")
        for variable, url in server.addresses(spec, network).items():
            click.echo(f"  {variable}={url}")
        for login in server.host.twin.logins:
            click.echo(
                f"account {printable(login.account)}, whose key comes from the seed and is worth nothing"
            )
            for setting, value in {**login.settings, **login.secrets}.items():
                click.echo(f"  {spec.setting(setting).env}={printable(value)}")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(duration_s):
                await stop.wait()
    click.echo("twin ended")


@click.command("twin-fault")
@click.argument("faults", nargs=-1, metavar="[FAULT]...")
@click.option("--at", "origin", metavar="URL", help="The twin, such as http://127.0.0.1:8000.")
@click.option("--heal", is_flag=True, help="Disarm every fault first, and lift a ban or maintenance.")
@click.option("--markdown", is_flag=True, help="Print the menu as a Markdown table.")
def fault_command(*, faults: Sequence[str], origin: str | None, heal: bool, markdown: bool) -> None:
    """List the faults there are, or arm some in a running twin.

    A FAULT is a name, or a name with parameters: `drop`, `drop:count=3,match=trades`. Every fault takes
    `after_ms`; those of frames, messages and requests also `match`, `count`, `for_ms` and `probability`.
    """
    from paraphina_core.twin import menu, parse_fault

    if origin is None:
        if faults or heal:
            raise click.UsageError("which twin? give its address with --at")
        if markdown:
            click.echo("| fault | meets | effect | parameters |\n| --- | --- | --- | --- |")
        for line in menu():
            if markdown:
                parameters = f" `{line.parameters}` " if line.parameters else " "
                click.echo(f"| `{line.name}` | {line.meets} | {line.effect} |{parameters}|")
                continue
            click.echo(f"{line.name}  {line.parameters}".rstrip())
            click.echo(f"    {line.meets}: {line.effect}")
        return
    for fault in faults:
        parse_fault(fault)
    click.echo(asyncio.run(_arm(origin.rstrip("/"), faults, heal=heal)))


async def _arm(origin: str, faults: Sequence[str], *, heal: bool) -> str:
    """Talk to the twin's back door; return its faults, as it states them."""
    from paraphina_core.connector import Answer, HttpRequest
    from paraphina_core.domain import LocalError
    from paraphina_core.transport import HttpClient

    host = urlsplit(origin).hostname or ""
    try:
        is_here = ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_here = False
    if not is_here:
        raise LocalError("a twin is on this machine", found=origin, wanted="http://127.0.0.1:PORT")
    steps = [("DELETE", b"")] if heal else []
    steps.append(("POST", "\n".join(faults).encode()) if faults else ("GET", b""))
    told = ""
    async with HttpClient() as client:
        for method, body in steps:
            answer = await client.fetch(
                HttpRequest(
                    method=method,
                    url=f"{origin}/_twin/faults",
                    body=body,
                    correlation="",
                    deadline_ms=_DEADLINE_MS,
                )
            )
            if not isinstance(answer, Answer):
                raise LocalError("the twin does not answer", found=f"{answer.kind}: {answer.detail}")
            told = printable(answer.body.decode("utf-8", "replace"))
            if answer.status != 200:  # noqa: PLR2004  # HTTP's word for yes
                raise LocalError("the twin refuses", found=told)
    return told
