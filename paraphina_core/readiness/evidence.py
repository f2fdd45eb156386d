"""A record of evidence: what ran on which code and how it ended, signed, and bound to the record before it.

Records are canonical JSON, one file each, numbered from 1. Each holds the hash of the one before, and the
head, signed too, says how many there are. An edited byte, a record that is missing and one that stands
twice are therefore found. What is not found is a folder that was put back whole to an earlier state: that
shows only what was true then, and counts no longer than its age and the hashes in it allow.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final

import msgspec

from paraphina_core.domain import LocalError

from .identity import Identity
from .signed import sealed, unsealed

#: `previous` of the first record.
GENESIS: Final = "0" * 64

_RECORD: Final = b"paraphina evidence record 1\n"
_HEAD: Final = b"paraphina evidence head 1\n"


class Kind(StrEnum):
    """What was done; a live session is a canary as long as its risk profile calls itself one."""

    CONFORMANCE = "conformance"
    SIMULATION = "simulation"
    SOAK = "soak"
    SHADOW = "shadow"
    PAPER = "paper"
    TESTNET = "testnet"
    CANARY = "canary"
    LIVE = "live"
    WAIVER = "waiver"
    INSTALL = "install"


#: Days after which a record of the kind no longer counts.
AGE_LIMIT_DAYS: Final[Mapping[Kind, int]] = {
    Kind.CONFORMANCE: 30,
    Kind.SIMULATION: 30,
    Kind.SOAK: 30,
    Kind.SHADOW: 14,
    Kind.PAPER: 14,
    Kind.TESTNET: 14,
    Kind.CANARY: 30,
    Kind.LIVE: 30,
    Kind.WAIVER: 30,
    Kind.INSTALL: 30,
}


class Reached(StrEnum):
    """What the connector talked to."""

    NOTHING = "none"
    RECORDING = "recording"
    TWIN = "twin"
    TESTNET = "testnet"
    MAINNET = "mainnet"


class Code(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The code that ran: the core and the plugin that brings the connector."""

    core_version: str
    core_hash: str
    plugin: str
    plugin_version: str
    plugin_hash: str


class Statement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What ran and how it ended, of one connector.

    Args:
        suite: what was run, with its version.
        command: that ran it; what is not told of it stands in `config_hash`.
        exit_code: with which it ended.
        commit: of the checkout that ran; empty where it is none.
        config_hash: SHA-256 of whatever the run was configured with.
        started_ns: nanoseconds since 1970.
        ended_ns: same.
        passed: nothing was found that must not be.
        whole: everything that the kind asks for was run, not a selection.
        counts: how much was done.
        outcomes: how each check ended.
        artifacts: SHA-256 of what the run left behind, by name.
        host: what it ran on.
        tools: versions of Python and of libraries.
        note: why, of a waiver.
    """

    kind: Kind
    suite: str
    command: str
    exit_code: int
    connector: str
    code: Code
    commit: str
    config_hash: str
    reached: Reached
    started_ns: int
    ended_ns: int
    passed: bool
    whole: bool
    counts: Mapping[str, int]
    outcomes: Mapping[str, str]
    artifacts: Mapping[str, str]
    host: Mapping[str, str]
    tools: Mapping[str, str]
    note: str = ""


class Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A statement in its place in the chain of an installation."""

    number: int
    previous: str
    installation: str
    statement: Statement


class EvidenceHead(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many records there are, and the hash of the last."""

    count: int
    last: str
    installation: str


def record_bytes(record: Record, identity: Identity) -> bytes:
    """Return a signed record as it is written."""
    return sealed(record, _RECORD, identity)


def head_bytes(head: EvidenceHead, identity: Identity) -> bytes:
    """Return the signed head as it is written."""
    return sealed(head, _HEAD, identity)


def content_hash(content: bytes) -> str:
    """Return the hash by which the next record names this one."""
    return hashlib.sha256(content).hexdigest()


def check_chain(contents: Sequence[bytes], head: bytes | None, identity: Identity) -> tuple[Record, ...]:
    """Return the records if every byte is as this installation wrote it and none is missing.

    One record more than the head counts is whole too: the program ended between writing the two.

    Args:
        contents: the files of the records, in the order of their names.
        head: the file of the head, None if there is none.
        identity: of this installation.

    Raises:
        LocalError: says what is wrong with which.
    """
    records: list[Record] = []
    hashes = [GENESIS]
    for number, content in enumerate(contents, start=1):
        what = f"record {number} of the evidence"
        record = unsealed(content, Record, _RECORD, identity, what)
        if record.number != number:
            raise LocalError(f"{what} is another one", found=f"number {record.number}")
        if record.previous != hashes[-1]:
            raise LocalError(f"{what} does not follow the one before it", found=record.previous[:12])
        records.append(record)
        hashes.append(content_hash(content))
    if head is None:
        if records:
            raise LocalError("the head of the evidence is missing", found=f"{len(records)} records")
        return ()
    told = unsealed(head, EvidenceHead, _HEAD, identity, "the head of the evidence")
    if len(records) not in {told.count, told.count + 1}:
        raise LocalError(
            "records of evidence are missing", found=len(records), wanted=f"{told.count}, as the head says"
        )
    if hashes[told.count] != told.last:
        raise LocalError("the last record of the evidence is another one than the head says")
    return tuple(records)
