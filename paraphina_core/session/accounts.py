"""Who signs in a run: keys opened once for the run, nonces that go on where the last run ended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from paraphina_core.config import Config
from paraphina_core.connector import ConnectorSpec, SettingKind
from paraphina_core.domain import LocalError
from paraphina_core.execution import NonceSource, Signatory
from paraphina_core.journal import NonceMark


class Accounts:
    """The accounts that a run trades, held against every other process until `close`.

    Args:
        config: the mode decides whether there are any; holds the secrets.
        specs: the selected connectors.
        home: state folder of the installation, where the nonces are remembered.

    Attributes:
        signatories: who signs, by connector.
        record: what the start record says of them: what may be told of each account, and where its
            nonces begin. A replay signs with that.

    Raises:
        LocalError: a secret is missing or unusable, the account is in use, or the disk refuses.
    """

    def __init__(self, config: Config, specs: Iterable[ConnectorSpec], home: Path) -> None:
        self.signatories: dict[str, Signatory] = {}
        self.record: dict[str, dict[str, Any]] = {}
        self._marks: list[NonceMark] = []
        try:
            for spec in specs:
                if config.session.trade_mode.reaches_venue:
                    self._open(spec, config, home)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let other processes have the accounts."""
        for mark in self._marks:
            mark.close()
        self._marks.clear()

    def _open(self, spec: ConnectorSpec, config: Config, home: Path) -> None:
        if spec.signer is None:
            raise LocalError(f"connector {spec.name} signs nothing", wanted="a connector that sends orders")
        secrets = dict(_secrets(spec, config))
        key = spec.signer(secrets)
        mark = NonceMark(home, spec.name, key.identity)
        self._marks.append(mark)
        nonces = NonceSource(spec.nonce, floor=mark.floor, reserve=mark.reserve)
        self.signatories[spec.name] = Signatory.of(key, nonces, spec.private_headers(secrets))
        self.record[spec.name] = {"identity": dict(key.identity), "nonce_floor": mark.floor}


def replayed(record: Mapping[str, Any], specs: Mapping[str, ConnectorSpec]) -> dict[str, Signatory]:
    """Return who signs in a replay, from what `Accounts.record` was: nobody has a key there."""
    return {
        name: Signatory.in_replay(
            specs[name],
            NonceSource(specs[name].nonce, floor=account["nonce_floor"]),
            account["identity"],
        )
        for name, account in record.items()
    }


def _secrets(spec: ConnectorSpec, config: Config) -> Iterable[tuple[str, str]]:
    secrets = config.secrets.get(spec.name, {})
    for setting in spec.settings:
        secret = secrets.get(setting.name) if setting.kind is SettingKind.SECRET else None
        if secret is not None and secret.is_set:
            yield setting.name, secret.reveal()
