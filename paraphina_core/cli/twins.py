"""Twins for one session, started here or running already, and the environment that leads it to them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import select
import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from .common import resolve_config

if TYPE_CHECKING:
    from paraphina_core.config import Config
    from paraphina_core.connector import ConnectorSpec, Plugins

#: How long a twin may take to listen, to answer, and to end.
_START_S: Final = 30.0
_ANSWER_MS: Final = 5_000
_END_S: Final = 5.0

_LISTENING: Final = re.compile(r"twin of \S+ .* at (http://\S+);")


def every_twin(config: Config, plugins: Plugins) -> str:
    """Name the connectors of a session that is to run on twins and was told of none: all that have one.

    Returns their names, separated by commas; nothing where the configuration's own choice stands.
    """
    from paraphina_core.config import OriginKind

    if not config.session.twin or config.origins["session.connectors"].kind is not OriginKind.DEFAULT:
        return ""
    return ",".join(name for name, spec in plugins.connectors.items() if spec.twin)


@contextlib.contextmanager
def on_twins(config: Config, params: Mapping[str, object], plugins: Plugins) -> Iterator[Config]:
    """Have a twin of each selected connector that offers one, if that is what the configuration wants.

    Twins that are started here end with the block.

    Args:
        config: what the operator wants.
        params: the parameters of the command, of which it was made.
        plugins: where connectors come from.

    Yields:
        The configuration that leads to the twins: their addresses and an account of theirs, and no
        credential of any real account. Without twins, the configuration as it is.

    Raises:
        LocalError: a twin does not start, or does not answer.
        ConfigError: there are not as many addresses as connectors.
    """
    if not config.is_on_twins:
        yield config
        return
    specs = [plugins.connectors[name] for name in config.selected]
    env = _without_accounts(os.environ, specs)
    with contextlib.ExitStack() as stack:
        for spec, origin in _origins(config, [spec for spec in specs if spec.twin], env, stack):
            env |= asyncio.run(_guide(spec, origin, config))
        yield resolve_config(params, plugins, env)


def _origins(
    config: Config, specs: list[ConnectorSpec], env: Mapping[str, str], stack: contextlib.ExitStack
) -> Iterator[tuple[ConnectorSpec, str]]:
    """Yield where the twin of each connector is, after starting it if need be."""
    from paraphina_core.domain import ConfigError

    urls = config.session.twin_urls
    if urls and len(urls) != len(specs):
        raise ConfigError(
            "there must be one address for each connector that has a twin",
            found=", ".join(urls),
            wanted=", ".join(spec.name for spec in specs) or "a connector with a twin",
        )
    for number, spec in enumerate(specs):
        yield spec, urls[number] if urls else stack.enter_context(_started(spec, config, env))


@contextlib.contextmanager
def _started(spec: ConnectorSpec, config: Config, env: Mapping[str, str]) -> Iterator[str]:
    """Run a twin in a process of its own, which ends when this one does, however that happens."""
    mode = config.session.trade_mode
    process = subprocess.Popen(  # noqa: S603  # this very program
        [
            *(sys.executable, "-m", "paraphina_core", "twin", spec.name, "--until-eof"),
            *("--network", mode.network.value, "--seed", str(config.session.seed)),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=dict(env),
        start_new_session=True,  # Ctrl-C is for the session, which still cancels its orders
    )
    try:
        yield _listening(process, spec)
    finally:
        if process.stdin is not None:
            process.stdin.close()
        try:
            process.wait(_END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _listening(process: subprocess.Popen[str], spec: ConnectorSpec) -> str:
    """Wait until a twin says where it listens."""
    from paraphina_core.domain import LocalError

    out = process.stdout
    line = out.readline() if out is not None and select.select([out], [], [], _START_S)[0] else ""
    found = _LISTENING.match(line)
    if found is None:
        raise LocalError(f"the twin of {spec.name} does not start", found=line.strip() or "no word of it")
    return found[1]


async def _guide(spec: ConnectorSpec, origin: str, config: Config) -> dict[str, str]:
    """Return the variables that lead a connector to a twin and let it trade there."""
    import msgspec

    from paraphina_core.connector import Answer, HttpRequest
    from paraphina_core.domain import LocalError
    from paraphina_core.transport import HttpClient, check_confined
    from paraphina_core.twin import TwinLogin, addresses

    check_confined(origin)
    request = HttpRequest(
        method="GET", url=f"{origin}/_twin/logins", body=b"", correlation="", deadline_ms=_ANSWER_MS
    )
    async with HttpClient() as client:
        answer = await client.fetch(request)
    if not isinstance(answer, Answer) or answer.status != 200:  # noqa: PLR2004  # HTTP's word for yes
        found = f"status {answer.status}" if isinstance(answer, Answer) else f"{answer.kind}: {answer.detail}"
        raise LocalError(
            f"no twin of {spec.name} answers at {origin}",
            found=found,
            remedy=f"start one: paraphina twin {spec.name}",
        )
    login, *_ = msgspec.json.decode(answer.body, type=tuple[TwinLogin, ...])
    return {
        **addresses(origin, spec, config.session.trade_mode.network),
        **{spec.setting(name).env: value for name, value in {**login.settings, **login.secrets}.items()},
    }


def _without_accounts(env: Mapping[str, str], specs: list[ConnectorSpec]) -> dict[str, str]:
    """Leave out what says whose account it is, and on which network: a session on twins has another."""
    from paraphina_core.connector import SettingKind

    kept_out = {
        setting.env
        for spec in specs
        for setting in spec.settings
        if setting.kind is SettingKind.SECRET or setting.required_in or setting.name.endswith("network")
    }
    return {name: value for name, value in env.items() if name not in kept_out}
