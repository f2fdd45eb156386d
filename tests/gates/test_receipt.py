"""A receipt is good for exactly what was checked, here, for a while; otherwise it says why not."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paraphina_core.connector import Network, TradeMode
from paraphina_core.domain import NS_PER_S, LocalError
from paraphina_core.gates import (
    Binding,
    PluginVersion,
    Receipt,
    compare,
    issue,
    read_receipt,
    seal,
    unseal,
    write_receipt,
)
from paraphina_core.readiness import Identity, create_identity, load_identity

NOW_NS = 1_800_000_000 * NS_PER_S
HOUR_NS = 3_600 * NS_PER_S
OURS, THEIRS = Identity(b"o" * 32), Identity(b"t" * 32)

ACCOUNT = {"vault_address": "0xabc", "private_key": "f" * 32}
BOUND = Binding(
    trade_mode=TradeMode.LIVE,
    network=Network.MAINNET,
    connectors=("one", "two"),
    config_digest="c" * 64,
    profile="prod_canary",
    profile_digest="p" * 64,
    core_version="0.1.0",
    core_hash="a" * 64,
    plugins={"paraphina-one": PluginVersion(version="1.0", source_hash="1" * 64)},
    accounts={"one": ACCOUNT},
)
RECEIPT = issue(OURS, BOUND, now_ns=NOW_NS, valid_hours=12)
SEALED = seal(RECEIPT, OURS)


def test_a_fresh_receipt_is_good_for_what_it_was_written_for() -> None:
    """What was sealed is read back, and nothing is wrong with it until it expires."""
    assert unseal(SEALED, OURS) == RECEIPT
    assert compare(RECEIPT, NOW_NS, BOUND) == ()
    assert compare(RECEIPT, NOW_NS + 12 * HOUR_NS - 1, BOUND) == ()


def test_f097_a_receipt_expires() -> None:
    """Twelve hours later the checks must be made again."""
    (fault,) = compare(RECEIPT, NOW_NS + 12 * HOUR_NS, BOUND)
    assert fault == "it expired at 2027-01-15 20:00:00 UTC"


def test_a_receipt_from_the_future_is_void() -> None:
    """Either this clock is wrong or that one was."""
    (fault,) = compare(RECEIPT, NOW_NS - 1, BOUND)
    assert "from the future" in fault


OTHER_PLUGIN = PluginVersion(version="2.0", source_hash="2" * 64)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"trade_mode": TradeMode.TESTNET}, "trade mode changed: live then, testnet now"),
        ({"network": Network.TESTNET}, "network changed: mainnet then, testnet now"),
        ({"connectors": ("one",)}, "connectors changed: one, two then, one now"),
        ({"config_digest": "d" * 64}, "configuration changed: cccccccccccc then, dddddddddddd now"),
        ({"profile": "mine"}, "risk profile changed: prod_canary then, mine now"),
        (
            {"profile_digest": "q" * 64},
            "limits of the risk profile changed: pppppppppppp then, qqqqqqqqqqqq now",
        ),
        ({"core_version": "0.2.0"}, "version of the core changed: 0.1.0 then, 0.2.0 now"),
        ({"core_hash": "b" * 64}, "source code of the core changed: aaaaaaaaaaaa then, bbbbbbbbbbbb now"),
        ({"plugins": {}}, "plugin paraphina-one was removed"),
        ({"plugins": {**BOUND.plugins, "x": OTHER_PLUGIN}}, "plugin x was added"),
        (
            {"plugins": {"paraphina-one": PluginVersion(version="2.0", source_hash="1" * 64)}},
            "plugin paraphina-one changed: version 1.0 then, 2.0 now",
        ),
        (
            {"plugins": {"paraphina-one": PluginVersion(version="1.0", source_hash="2" * 64)}},
            "plugin paraphina-one changed: other source code (hash)",
        ),
        (
            {"accounts": {"one": {**BOUND.accounts["one"], "vault_address": "0xdef"}}},
            "account of one changed: vault_address",
        ),
        (
            {"accounts": {"one": {**BOUND.accounts["one"], "private_key": "0" * 32}}},
            "account of one changed: private_key",
        ),
        ({"accounts": {}}, "account of one changed: private_key, vault_address"),
    ],
)
def test_f101_any_change_of_what_a_receipt_is_bound_to_voids_it_and_is_named(
    change: dict[str, Any], fault: str
) -> None:
    """One difference, one sentence that names it."""
    assert compare(RECEIPT, NOW_NS, msgspec.structs.replace(BOUND, **change)) == (fault,)


def test_every_field_of_the_binding_is_compared() -> None:
    """A field that is added to the binding cannot be forgotten in the comparison."""
    for field in msgspec.structs.fields(Binding):
        odd = msgspec.structs.replace(BOUND)
        value = getattr(odd, field.name)
        msgspec.structs.force_setattr(odd, field.name, {} if isinstance(value, dict) else "something else")
        assert len(compare(RECEIPT, NOW_NS, odd)) == 1, field.name


def test_everything_that_is_wrong_is_said_at_once() -> None:
    """Nobody has to run preflight three times to read three reasons."""
    changed = msgspec.structs.replace(BOUND, profile="mine", config_digest="d" * 64)
    assert len(compare(RECEIPT, NOW_NS + 13 * HOUR_NS, changed)) == 3


def test_a_receipt_of_another_installation_is_refused_by_name() -> None:
    """Its signature is genuine; it is not ours."""
    foreign = seal(issue(THEIRS, BOUND, now_ns=NOW_NS, valid_hours=12), THEIRS)
    with pytest.raises(LocalError, match="another installation"):
        unseal(foreign, OURS)


def test_a_receipt_that_only_claims_to_be_ours_has_a_broken_signature() -> None:
    """The name of the installation inside is worth nothing without its key."""
    forged = seal(msgspec.structs.replace(RECEIPT, expires_at_ns=2 * NOW_NS), THEIRS)
    with pytest.raises(LocalError, match="broken signature"):
        unseal(forged, OURS)


def test_an_edited_expiry_breaks_the_signature() -> None:
    """Nobody prolongs a receipt with an editor."""
    edited = SEALED.replace(str(RECEIPT.expires_at_ns).encode(), str(RECEIPT.expires_at_ns + 1).encode())
    assert edited != SEALED
    with pytest.raises(LocalError, match="broken signature"):
        unseal(edited, OURS)


def test_no_byte_of_a_receipt_can_be_changed() -> None:
    """Every byte counts, also those that a JSON reader would not care about."""
    for place, byte in enumerate(SEALED):
        for other in {byte ^ 1, byte ^ 0x20, 0x20} - {byte}:
            edited = SEALED[:place] + bytes([other]) + SEALED[place + 1 :]
            with pytest.raises(LocalError, match=r"damaged|another installation|broken signature|edited"):
                unseal(edited, OURS)


@pytest.mark.parametrize(
    "edit",
    [
        lambda content: content[:-1],
        lambda content: content + b"\n",
        lambda content: b" " + content,
        lambda content: content.replace(b'{"content"', b'{"signature":"00","content"'),
        lambda content: content.replace(b'"signature"', b'"extra":1,"signature"'),
        lambda content: content[: len(content) // 2],
        lambda _: b"",
        lambda _: b"[" * 100_000,
        lambda content: msgspec.json.format(content, indent=2),
    ],
)
def test_another_spelling_of_a_receipt_is_no_receipt(edit: Any) -> None:
    """Cut, padded, reformatted or with a key twice: refused, and nothing but `LocalError` is raised."""
    with pytest.raises(LocalError):
        unseal(edit(SEALED), OURS)


@given(st.binary(max_size=200))
def test_no_bytes_whatever_raise_anything_but_a_local_error(content: bytes) -> None:
    """The receipt is a file that anybody may have written."""
    with pytest.raises(LocalError):
        unseal(content, OURS)


# --- on disk -----------------------------------------------------------------------------------


def test_a_receipt_is_written_privately_and_read_back(tmp_path: Path) -> None:
    """Only its owner may read it, and the next one replaces it."""
    home = tmp_path / "home"
    assert read_receipt(home, OURS) is None
    path = write_receipt(home, RECEIPT, OURS)
    assert path.stat().st_mode & 0o777 == 0o600
    assert read_receipt(home, OURS) == RECEIPT
    later = issue(OURS, BOUND, now_ns=NOW_NS + 1, valid_hours=1)
    write_receipt(home, later, OURS)
    assert read_receipt(home, OURS) == later


def test_f082_a_receipt_that_others_may_write_is_not_believed(tmp_path: Path) -> None:
    """Loose permissions and links are refused."""
    path = write_receipt(tmp_path / "home", RECEIPT, OURS)
    path.chmod(0o644)
    with pytest.raises(LocalError, match="open to others"):
        read_receipt(path.parent, OURS)
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(LocalError, match="not a link"):
        read_receipt(path.parent, OURS)


def test_a_receipt_without_the_key_that_signed_it_cannot_be_checked(tmp_path: Path) -> None:
    """A lost key makes the receipt void, not valid."""
    write_receipt(tmp_path / "home", RECEIPT, OURS)
    with pytest.raises(LocalError, match="lost the key"):
        read_receipt(tmp_path / "home", None)


def test_an_installation_keeps_the_key_it_was_given(tmp_path: Path) -> None:
    """Made once, private, never overwritten."""
    home = tmp_path / "home"
    assert load_identity(home) is None
    made = create_identity(home, os.urandom(32))
    loaded = load_identity(home)
    assert loaded is not None
    assert loaded.name == made.name
    assert (home / "identity.key").stat().st_mode & 0o777 == 0o600
    with pytest.raises(LocalError, match="exists already"):
        create_identity(home, os.urandom(32))
    with pytest.raises(LocalError, match="seed"):
        create_identity(tmp_path / "other", b"short")


@pytest.mark.parametrize("content", [b"", b"0" * 64, b"g" * 64 + b"\n", b"0" * 66 + b"\n"])
def test_a_damaged_key_file_is_named(tmp_path: Path, content: bytes) -> None:
    """It is not silently replaced: receipts would then be void for no visible reason."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    (home / "identity.key").write_bytes(content)
    (home / "identity.key").chmod(0o600)
    with pytest.raises(LocalError, match="no key"):
        load_identity(home)


def test_f105_a_fingerprint_tells_secrets_apart_and_gives_none_away() -> None:
    """The same secret has the same fingerprint here, another one there, and never shows itself."""
    secret = "canary-secret"
    assert OURS.fingerprint(secret) == OURS.fingerprint(secret)
    assert OURS.fingerprint(secret) != OURS.fingerprint("canary-secret2")
    assert OURS.fingerprint(secret) != THEIRS.fingerprint(secret)
    assert secret not in OURS.fingerprint(secret)


def test_a_receipt_names_its_installation_by_a_public_key() -> None:
    """What stands in the file does not help to sign another."""
    assert (
        Receipt(installation=OURS.name, created_at_ns=0, expires_at_ns=1, bound=BOUND).installation
        == bytes.fromhex(OURS.name).hex()
    )
    assert (b"o" * 32).hex() not in SEALED.decode()
