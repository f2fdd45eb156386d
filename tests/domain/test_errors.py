"""Errors say what was found, what was wanted and what to do, and whose fault it is."""

from __future__ import annotations

import inspect

import pytest

from paraphina_core import domain
from paraphina_core.domain import (
    NS_PER_MS,
    NS_PER_S,
    ConfigError,
    GridError,
    InvariantError,
    LocalError,
    ParaphinaError,
    RemoteError,
    RemoteNumberError,
    RemoteProtocolError,
    age_ms,
)


def test_an_error_says_what_was_found_what_was_wanted_and_what_to_do() -> None:
    """In this order, and only what is known."""
    error = LocalError(
        "size is off the grid", found="0.0005", wanted="multiples of 0.001", remedy="round down"
    )
    assert str(error) == "size is off the grid; found '0.0005'; wanted multiples of 0.001; round down"
    assert str(LocalError("disk is full")) == "disk is full"
    assert str(LocalError("zero was found", found=0)) == "zero was found; found 0"
    assert (error.what, error.found, error.wanted, error.remedy) == (
        "size is off the grid",
        "0.0005",
        "multiples of 0.001",
        "round down",
    )


@pytest.mark.parametrize("local", [ConfigError, GridError, InvariantError])
@pytest.mark.parametrize("remote", [RemoteNumberError, RemoteProtocolError])
def test_nobody_can_catch_one_kind_of_blame_for_the_other(
    local: type[ParaphinaError], remote: type[ParaphinaError]
) -> None:
    """Each error is ours or the venue's, never both."""
    assert issubclass(local, LocalError)
    assert issubclass(remote, RemoteError)
    assert not issubclass(local, RemoteError)
    assert not issubclass(remote, LocalError)


def test_every_exported_error_has_one_kind_of_blame() -> None:
    """A third kind would be handled by nobody."""
    errors = {
        value
        for value in vars(domain).values()
        if inspect.isclass(value) and issubclass(value, ParaphinaError)
    }
    for error in errors - {ParaphinaError}:
        assert issubclass(error, LocalError) != issubclass(error, RemoteError), error


def test_an_age_is_in_milliseconds() -> None:
    """Nanoseconds in, milliseconds out, with a sign."""
    assert age_ms(5 * NS_PER_S, 4 * NS_PER_S) == 1_000.0
    assert age_ms(NS_PER_MS, 2 * NS_PER_MS) == -1.0


def test_what_the_domain_exports_exists_once_and_is_public() -> None:
    """Every name others may use is there, and none is private or a module."""
    assert len(set(domain.__all__)) == len(domain.__all__)
    for name in domain.__all__:
        assert not name.startswith("_")
        assert not inspect.ismodule(getattr(domain, name))


def test_everything_public_in_the_domain_is_exported() -> None:
    """What a module of the room defines for others cannot be forgotten in the list."""
    imported = {
        name
        for name, value in vars(domain).items()
        if not name.startswith("_") and not inspect.ismodule(value) and name != "annotations"
    }
    assert imported == set(domain.__all__)
