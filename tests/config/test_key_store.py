"""Keys at rest: sealed with a passphrase, and of exactly one connector, network and account."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.pwhash import argon2id
from nacl.secret import SecretBox

from paraphina_core.config import KeyChain, KeyCost, KeyHead, KeyStore, new_head
from paraphina_core.connector import Network
from paraphina_core.domain import LocalError

PASSPHRASE = "a harbour at night"
CANARY = "canary-secret-6f1d"


def head(**changes: Any) -> KeyHead:
    """Make the head of a key, as cheap to open as there is."""
    values: dict[str, Any] = {
        "account": {"address": "0x05"},
        "holds": ("private_key",),
        "created_ns": 7,
        "cost": KeyCost.INTERACTIVE,
    }
    return new_head("reef", Network.TESTNET, **(values | changes))


@pytest.fixture
def store(tmp_path: Path) -> KeyStore:
    """Return the key store of a new installation."""
    return KeyStore(tmp_path / "home")


@pytest.fixture
def sealed(store: KeyStore) -> KeyHead:
    """Seal one key and return its head."""
    made = head()
    store.add(made, {"private_key": CANARY}, PASSPHRASE)
    return made


def test_a_key_comes_back_with_its_passphrase_only(store: KeyStore, sealed: KeyHead) -> None:
    """The right words open it, any other do not, and the error repeats neither."""
    assert store.open(sealed, PASSPHRASE)["private_key"].reveal() == CANARY
    with pytest.raises(LocalError, match="cannot be opened") as error:
        store.open(sealed, "a harbour by day")
    assert "harbour" not in str(error.value)


def test_f105_nothing_secret_stands_in_the_file_or_the_listing(store: KeyStore, sealed: KeyHead) -> None:
    """The file tells whose key it holds and nothing that it holds."""
    content = store.path("reef", Network.TESTNET).read_bytes()
    assert b"0x05" in content
    assert CANARY.encode() not in content
    assert PASSPHRASE.encode() not in content
    assert list(store.heads()) == [sealed]
    assert CANARY not in repr(store.open(sealed, PASSPHRASE))


def test_f082_the_file_is_for_its_owner_and_no_link(store: KeyStore, sealed: KeyHead, tmp_path: Path) -> None:
    """Mode 0600 in a folder of mode 0700; a file open to others, or behind a link, is refused."""
    path = store.path("reef", Network.TESTNET)
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    path.chmod(0o640)
    with pytest.raises(LocalError, match="open to others"):
        store.open(sealed, PASSPHRASE)
    path.chmod(0o600)
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(LocalError, match="not a link"):
        store.open(sealed, PASSPHRASE)


@pytest.mark.parametrize(
    ("field", "value"),
    [("network", "mainnet"), ("account", {"address": "0x06"}), ("created_ns", 8), ("connector", "atoll")],
)
def test_f099_a_file_made_to_speak_of_something_else_is_refused(
    store: KeyStore, sealed: KeyHead, field: str, value: object
) -> None:
    """What stands in clear is sealed too: a testnet key cannot be dressed up as one for production."""
    file = msgspec.json.decode(store.path("reef", Network.TESTNET).read_bytes())
    file["head"][field] = value
    other = msgspec.convert(file["head"], KeyHead)
    path = store.path(other.connector, other.network)
    path.write_bytes(msgspec.json.encode(file))
    path.chmod(0o600)
    with pytest.raises(LocalError, match="sealed for another account"):
        store.open(other, PASSPHRASE)
    assert sealed.holds == other.holds


def test_a_file_under_another_keys_name_is_refused(store: KeyStore, sealed: KeyHead) -> None:
    """Copying the testnet key over the name of the production key gives no production key."""
    copy = store.path("reef", Network.MAINNET)
    copy.write_bytes(store.path("reef", sealed.network).read_bytes())
    copy.chmod(0o600)
    with pytest.raises(LocalError, match="another key's name"):
        store.head("reef", Network.MAINNET)


def test_every_changed_byte_is_refused_or_changes_nothing(store: KeyStore, sealed: KeyHead) -> None:
    """No flipped bit opens to another secret; most are seen before the passphrase is asked for."""
    path = store.path("reef", Network.TESTNET)
    whole = path.read_bytes()
    refused = 0
    for position in range(0, len(whole), max(1, len(whole) // 12)):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 1]) + whole[position + 1 :])
        try:
            assert store.open(sealed, PASSPHRASE)["private_key"].reveal() == CANARY
        except LocalError:
            refused += 1
    assert refused > 8


def test_a_bad_file_hides_no_other(store: KeyStore, sealed: KeyHead) -> None:
    """The listing names what is wrong with one file and shows the rest."""
    bad = store.folder / "bad.testnet.default.key"
    bad.write_bytes(b"{}")
    bad.chmod(0o600)
    error, good = store.heads()
    assert isinstance(error, LocalError)
    assert good == sealed


@pytest.mark.parametrize("passphrase", ["", "short", "eleven char"])
def test_a_short_passphrase_is_refused(store: KeyStore, passphrase: str) -> None:
    """Nothing is written under words that a thief would try first."""
    with pytest.raises(LocalError, match="too short"):
        store.add(head(), {"private_key": CANARY}, passphrase)
    assert not store.folder.exists()


def test_a_key_is_replaced_only_when_told_to(store: KeyStore, sealed: KeyHead) -> None:
    """Typing the command twice does not destroy the only copy of a key."""
    with pytest.raises(LocalError, match="already"):
        store.add(head(), {"private_key": "other"}, PASSPHRASE)
    assert store.open(sealed, PASSPHRASE)["private_key"].reveal() == CANARY
    store.add(head(), {"private_key": "other"}, PASSPHRASE, replace=True)
    with pytest.raises(LocalError, match="has changed"):
        store.open(sealed, PASSPHRASE)


def test_a_removed_key_is_gone(store: KeyStore, sealed: KeyHead) -> None:
    """Afterwards there is no such key, and removing it again says so."""
    assert store.remove(sealed.connector, sealed.network)
    assert store.head("reef", Network.TESTNET) is None
    assert not store.remove("reef", Network.TESTNET)


def test_no_two_keys_share_a_salt() -> None:
    """One guess never tries two files."""
    assert len({head().salt for _ in range(50)}) == 50


def test_a_head_that_names_other_secrets_is_refused(store: KeyStore) -> None:
    """What the file says it holds is what it holds."""
    with pytest.raises(LocalError, match="other secrets"):
        store.add(head(holds=("api_key",)), {"private_key": CANARY}, PASSPHRASE)


def test_a_chain_asks_once_for_each_file_and_only_when_it_must(store: KeyStore, sealed: KeyHead) -> None:
    """Telling two secrets apart needs no passphrase; using one asks once."""
    asked: list[KeyHead] = []

    def ask(of: KeyHead) -> str:
        asked.append(of)
        return PASSPHRASE

    chain = KeyChain(store, ask)
    secret = chain.secret(sealed, "private_key", None)
    assert (secret.is_set, len(secret.seal), asked) == (True, 64, [])
    assert secret.reveal() == chain.secret(sealed, "private_key", None).reveal() == CANARY
    assert asked == [sealed]


def test_a_chain_reads_the_passphrase_from_a_private_file(
    store: KeyStore, sealed: KeyHead, tmp_path: Path
) -> None:
    """Where nobody can type, a file of mode 0600 says it; one that others may read does not."""

    def nobody(of: KeyHead) -> str:
        raise AssertionError(of)

    folder = tmp_path / "private"
    folder.mkdir(mode=0o700)
    file = folder / "words"
    file.write_text(f"{PASSPHRASE}\nnot this\n")
    file.chmod(0o644)
    with pytest.raises(LocalError, match="open to others"):
        KeyChain(store, nobody).secret(sealed, "private_key", file).reveal()
    file.chmod(0o600)
    assert KeyChain(store, nobody).secret(sealed, "private_key", file).reveal() == CANARY


@given(raw=st.binary(max_size=200))
def test_any_bytes_are_a_key_file_or_an_error(tmp_path_factory: pytest.TempPathFactory, raw: bytes) -> None:
    """Whatever lies in the folder, reading it ends in a head or in words."""
    store = KeyStore(tmp_path_factory.getbasetemp() / f"keys-{os.getpid()}")
    store.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = store.path("reef", Network.TESTNET)
    path.write_bytes(raw)
    path.chmod(0o600)
    with pytest.raises(LocalError):
        store.head("reef", Network.TESTNET)


def test_the_box_is_libsodiums(store: KeyStore, sealed: KeyHead) -> None:
    """Another program opens it with argon2id and a SecretBox, as the head says."""
    file = msgspec.json.decode(store.path("reef", Network.TESTNET).read_bytes())
    key = argon2id.kdf(
        32,
        PASSPHRASE.encode(),
        bytes.fromhex(file["head"]["salt"]),
        argon2id.OPSLIMIT_INTERACTIVE,
        argon2id.MEMLIMIT_INTERACTIVE,
    )
    opened = msgspec.json.decode(SecretBox(key).decrypt(base64.b64decode(file["box"])))
    assert opened["secrets"] == {"private_key": CANARY}
    assert sealed.cost is KeyCost.INTERACTIVE
