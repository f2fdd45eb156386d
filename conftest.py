"""What holds for every test, of core and plugins: repeatable, no network, no traces left behind."""

from __future__ import annotations

import ipaddress
import os
import socket
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from collections.abc import Iterator

# Failing examples come back on every run; `--hypothesis-profile=explore` searches further than that,
# and `few` is for the second run of the same code on another Python.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("few", parent=settings.get_profile("repeatable"), max_examples=10)
settings.register_profile("explore", deadline=None, max_examples=1000)
settings.load_profile("repeatable")

_CONNECTING = ("connect", "connect_ex", "sendto")


def _is_local(host: object) -> bool:
    if host in {None, "", "localhost", b"localhost"}:
        return True
    try:
        return ipaddress.ip_address(host.decode() if isinstance(host, bytes) else str(host)).is_loopback
    except ValueError:
        return False  # a name would have to be looked up, which already leaves this machine


@pytest.fixture(autouse=True)
def _no_network() -> Iterator[None]:
    """Fail a test that reaches for another machine, even if the code under test swallows the error."""
    attempts: list[str] = []

    def refuse(what: str, host: object) -> None:
        if not _is_local(host):
            attempts.append(f"{what} to {host!r}")
            message = f"{what} to {host!r}: tests use loopback only"
            raise AssertionError(message)

    def guarded(method: str) -> object:
        original = getattr(socket.socket, method)

        def guard(self: socket.socket, *args: object) -> object:
            if self.family in {socket.AF_INET, socket.AF_INET6} and isinstance(args[-1], tuple):
                refuse(method, args[-1][0])
            return original(self, *args)

        return guard

    def look_up(host: object, *args: object, **kwargs: object) -> object:
        refuse("getaddrinfo", host)
        return original_look_up(host, *args, **kwargs)

    original_look_up = socket.getaddrinfo
    # Not the monkeypatch fixture: it would then be undone after this fixture, and hide leaks of its own user.
    with pytest.MonkeyPatch.context() as patch:
        for method in _CONNECTING:
            patch.setattr(socket.socket, method, guarded(method))
        patch.setattr(socket, "getaddrinfo", look_up)
        yield
    assert not attempts, f"the test reached for the network: {'; '.join(attempts)}"


@pytest.fixture(autouse=True)
def _no_leaked_environment() -> Iterator[None]:
    """Fail a test that leaves an environment variable changed, and put it back for the next one."""
    before = _environment()
    yield
    after = _environment()
    changed = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    for name in changed:
        if name in before:
            os.environ[name] = before[name]
        else:
            del os.environ[name]
    assert not changed, f"the test left environment variables changed: {', '.join(changed)}"


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}
