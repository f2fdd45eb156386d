"""Each connector gets its own: settings without secrets, and its signer the secrets of its venue alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

import msgspec

from paraphina_core import strategy
from paraphina_core.config import resolve
from paraphina_core.connector import (
    Connector,
    ConnectorContext,
    ConnectorSpec,
    RegisterConnector,
    Setting,
    SettingKind,
    hookimpl,
    load_plugins,
)
from paraphina_core.domain import RunNumber
from paraphina_core.execution import NoWire
from paraphina_core.session.accounts import Accounts
from paraphina_core.session.compose import compose
from port import Kept, Key, port_spec

NAMES = ("honest", "curious")


class Named(Key):
    """The key of one venue's account."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name

    @property
    def identity(self) -> Mapping[str, str]:
        """Whose it is."""
        return {"address": self._name}


def test_f090_no_connector_sees_a_secret_and_no_signer_that_of_another_venue(tmp_path: Path) -> None:
    """What a plugin is handed holds nothing of another; what it takes by itself is for the allowlist."""
    contexts: dict[str, ConnectorContext] = {}
    handed: dict[str, Mapping[str, str]] = {}

    def spec(name: str) -> ConnectorSpec:
        port = port_spec(name=name)
        assert port.factory is not None
        factory = port.factory

        def build(context: ConnectorContext) -> Connector:
            contexts[name] = context
            return factory(context)

        def signer(secrets: Mapping[str, str]) -> Named:
            handed[name] = secrets
            return Named(name)

        setting = Setting(name="key", env=f"{name.upper()}_KEY", kind=SettingKind.SECRET, help="signs")
        return msgspec.structs.replace(port, factory=build, signer=signer, settings=(setting,))

    module = ModuleType("two")
    module.__file__ = __file__

    @hookimpl
    def paraphina_register_connectors(register: RegisterConnector) -> None:
        for name in NAMES:
            register(spec(name))

    vars(module)["paraphina_register_connectors"] = paraphina_register_connectors
    plugins = load_plugins([strategy, module])
    secrets = {f"{name.upper()}_KEY": f"canary of {name}" for name in NAMES}
    cli = {"--trade-mode": "testnet", "--connectors": ",".join(NAMES), "--canary-profile": "prod_canary"}
    config = resolve(cli=cli, env=secrets, file=None, plugins=plugins)
    accounts = Accounts(config, [plugins.connectors[name] for name in NAMES], tmp_path)
    try:
        compose(config, plugins, Kept(), NoWire(), lambda: RunNumber(1), {}, accounts.signatories)
    finally:
        accounts.close()
    assert handed == {name: {"key": f"canary of {name}"} for name in NAMES}
    assert contexts.keys() == set(NAMES)
    assert "canary of" not in repr(contexts)
