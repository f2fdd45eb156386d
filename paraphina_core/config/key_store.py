"""Keys of venues at rest: one encrypted file for each account, which says in clear whose keys it holds.

A key file is sealed with a passphrase (argon2id makes the key of a SecretBox). Connector, network and
account stand in front in clear, so that a start can tell what it would trade with before anybody types
a passphrase. A hash of that head is sealed together with the secrets, so that no file can be made to
speak of another network or account.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import msgspec

from paraphina_core.connector import Network, read_private, write_private
from paraphina_core.domain import LocalError

from .secret import Secret

if TYPE_CHECKING:
    from nacl.secret import SecretBox

FOLDER: Final = "keys"
DEFAULT_NAME: Final = "default"

#: Shortest passphrase. Argon2id makes a guess cost half a second and 256 MiB, and not more than that.
MIN_PASSPHRASE: Final = 12

_SUFFIX: Final = ".key"
_SALT_BYTES: Final = 16
_KEY_BYTES: Final = 32
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_]{0,39}", re.ASCII)
_ENCODER: Final = msgspec.json.Encoder(order="deterministic")


class KeyCost(StrEnum):
    """What one guess at a passphrase costs: argon2id's limits as libsodium names them."""

    INTERACTIVE = "interactive"  # 64 MiB
    MODERATE = "moderate"  # 256 MiB
    SENSITIVE = "sensitive"  # 1 GiB


class KeyHead(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a key file says in clear.

    Args:
        connector: whose secrets these are.
        network: the network they are for; no session of the other one gets them.
        name: tells several accounts of one connector and network apart.
        account: settings of the connector that name the account, such as its address.
        holds: names of the secrets inside.
        created_ns: nanoseconds since 1970.
        cost: of a guess at the passphrase.
        salt: 16 random bytes in hex.
    """

    connector: str
    network: Network
    name: str
    account: Mapping[str, str]
    holds: tuple[str, ...]
    created_ns: int
    cost: KeyCost
    salt: Annotated[str, msgspec.Meta(pattern=f"^[0-9a-f]{{{2 * _SALT_BYTES}}}$")]
    version: Annotated[int, msgspec.Meta(ge=1, le=1)] = 1

    def __post_init__(self) -> None:
        for what, text in (("connector", self.connector), ("name", self.name)):
            if _NAME.fullmatch(text) is None:
                raise LocalError(f"{what} of a key is not usable", found=text[:64], wanted=_NAME.pattern)


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    head: KeyHead
    box: bytes


class _Content(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    head_hash: bytes
    secrets: Mapping[str, str]


class KeyStore:
    """The key files of one installation.

    Args:
        home: state folder of the installation.
    """

    def __init__(self, home: Path) -> None:
        self.folder = home / FOLDER

    def path(self, connector: str, network: Network, name: str = DEFAULT_NAME) -> Path:
        """Return where such a key is, or would be."""
        return self.folder / f"{connector}.{network}.{name}{_SUFFIX}"

    def heads(self) -> Iterator[KeyHead | LocalError]:
        """Yield what each key file says in clear, in the order of their names; an error for a bad one."""
        if self.folder.is_dir():
            for path in sorted(self.folder.glob(f"*{_SUFFIX}")):
                try:
                    yield self._read(path).head
                except LocalError as e:
                    yield e

    def head(self, connector: str, network: Network, name: str = DEFAULT_NAME) -> KeyHead | None:
        """Return what such a key file says in clear, None if there is none.

        Raises:
            LocalError: it cannot be believed.
        """
        path = self.path(connector, network, name)
        return self._read(path).head if path.exists() or path.is_symlink() else None

    def add(
        self, head: KeyHead, secrets: Mapping[str, str], passphrase: str, *, replace: bool = False
    ) -> Path:
        """Seal secrets and write their file; return its path.

        Args:
            head: what it shall say in clear; its salt must never have been used before.
            secrets: by name of the connector's setting.
            passphrase: at least `MIN_PASSPHRASE` characters.
            replace: overwrite a file that is there.

        Raises:
            LocalError: the passphrase is too short, the head names other secrets, there is such a key
                already, or the disk refuses.
        """
        if sorted(head.holds) != sorted(secrets):
            raise LocalError("head of a key names other secrets", found=head.holds, wanted=str([*secrets]))
        if len(passphrase) < MIN_PASSPHRASE:
            raise LocalError("passphrase is too short", wanted=f"at least {MIN_PASSPHRASE} characters")
        path = self.path(head.connector, head.network, head.name)
        if not replace and (path.exists() or path.is_symlink()):
            raise LocalError("there is such a key already", found=str(path), remedy="remove it first")
        content = _ENCODER.encode(_Content(head_hash=_hash(head), secrets=secrets))
        box = bytes(_box(head, passphrase).encrypt(content))
        write_private(path, _ENCODER.encode(_File(head=head, box=box)) + b"\n")
        return path

    def open(self, head: KeyHead, passphrase: str) -> Mapping[str, Secret]:
        """Return the secrets of a key file, by name of the connector's setting.

        Raises:
            LocalError: the passphrase is not its, it is not the file that the head was read from, or it
                cannot be read.
        """
        from nacl.exceptions import CryptoError  # noqa: PLC0415  # 40 ms, for the run that signs

        path = self.path(head.connector, head.network, head.name)
        file = self._read(path)
        if file.head != head:
            raise LocalError("key file has changed since it was looked at", found=str(path))
        try:
            content = msgspec.json.decode(_box(head, passphrase).decrypt(file.box), type=_Content)
        except CryptoError:
            raise LocalError(
                "key file cannot be opened", found=str(path), wanted="its passphrase, and an unchanged file"
            ) from None
        except msgspec.MsgspecError:
            raise LocalError("key file holds something else", found=str(path)) from None
        if content.head_hash != _hash(head):
            raise LocalError("key file was sealed for another account", found=str(path))
        return {name: Secret(value) for name, value in content.secrets.items()}

    def remove(self, connector: str, network: Network, name: str = DEFAULT_NAME) -> bool:
        """Delete a key file; tell whether there was one."""
        path = self.path(connector, network, name)
        try:
            path.unlink()
        except FileNotFoundError:
            return False
        return True

    def _read(self, path: Path) -> _File:
        """Read a key file without opening its box."""
        raw = read_private(path)
        if raw is None:
            raise LocalError("there is no such key", found=str(path), remedy="paraphina keys add")
        try:
            file = msgspec.json.decode(raw, type=_File)
        except (msgspec.MsgspecError, RecursionError) as e:
            raise LocalError("key file is damaged", found=f"{path}: {e}") from e
        head = file.head
        if path != self.path(head.connector, head.network, head.name):
            raise LocalError(
                "key file lies under another key's name",
                found=str(path),
                wanted=self.path(head.connector, head.network, head.name).name,
            )
        return file


class KeyChain:
    """The sealed secrets of a run, by connector; each file is opened once, when a secret is first needed.

    Args:
        store: where the files are.
        ask: asks a person for the passphrase of a key.
    """

    def __init__(self, store: KeyStore, ask: Callable[[KeyHead], str]) -> None:
        self._store = store
        self._ask = ask
        self._opened: dict[bytes, Mapping[str, Secret]] = {}

    def head(self, connector: str, network: Network, name: str) -> KeyHead | None:
        """Return whose key there is, None if there is none.

        Raises:
            LocalError: its file cannot be believed.
        """
        return self._store.head(connector, network, name)

    def secret(self, head: KeyHead, setting: str, passphrase_file: Path | None) -> Secret:
        """Return a secret whose file is opened only when it is revealed."""

        def unseal() -> str:
            return self._open(head, passphrase_file)[setting].reveal()

        return Secret(None, unseal=unseal, seal=_hash(head).hex())

    def _open(self, head: KeyHead, passphrase_file: Path | None) -> Mapping[str, Secret]:
        key = _hash(head)
        if key not in self._opened:
            passphrase = self._ask(head) if passphrase_file is None else _first_line(passphrase_file)
            self._opened[key] = self._store.open(head, passphrase)
        return self._opened[key]


def _first_line(path: Path) -> str:
    raw = read_private(path)
    if raw is None:
        raise LocalError("there is no passphrase file", found=str(path))
    return raw.decode(errors="replace").partition("\n")[0]


def new_head(
    connector: str,
    network: Network,
    *,
    account: Mapping[str, str],
    holds: tuple[str, ...],
    created_ns: int,
    name: str = DEFAULT_NAME,
    cost: KeyCost = KeyCost.MODERATE,
) -> KeyHead:
    """Make the head of a new key file, with a fresh salt."""
    from nacl.utils import random  # noqa: PLC0415  # see above

    return KeyHead(
        connector=connector,
        network=network,
        name=name,
        account=account,
        holds=holds,
        created_ns=created_ns,
        cost=cost,
        salt=random(_SALT_BYTES).hex(),
    )


def _hash(head: KeyHead) -> bytes:
    return hashlib.sha256(_ENCODER.encode(head)).digest()


def _box(head: KeyHead, passphrase: str) -> SecretBox:
    from nacl.pwhash import argon2id  # noqa: PLC0415  # see above
    from nacl.secret import SecretBox  # noqa: PLC0415  # see above

    operations, memory = {
        KeyCost.INTERACTIVE: (argon2id.OPSLIMIT_INTERACTIVE, argon2id.MEMLIMIT_INTERACTIVE),
        KeyCost.MODERATE: (argon2id.OPSLIMIT_MODERATE, argon2id.MEMLIMIT_MODERATE),
        KeyCost.SENSITIVE: (argon2id.OPSLIMIT_SENSITIVE, argon2id.MEMLIMIT_SENSITIVE),
    }[head.cost]
    key = argon2id.kdf(_KEY_BYTES, passphrase.encode(), bytes.fromhex(head.salt), operations, memory)
    return SecretBox(key)
