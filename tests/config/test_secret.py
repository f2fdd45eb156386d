"""Secrets: nothing shows them but the one call that is meant to."""

from __future__ import annotations

import copy
import logging
import os
import pickle
import resource
import signal
import sys
import traceback
from pathlib import Path

import msgspec
import pytest

from paraphina_core.config import MASK, Secret
from paraphina_core.domain import LocalError

KEY = "0x4c0883a69102937d"


@pytest.mark.parametrize(
    "shown",
    [
        str(Secret(KEY)),
        repr(Secret(KEY)),
        f"{Secret(KEY)}",
        f"{Secret(KEY)!r:>40}",
        "%s" % Secret(KEY),  # noqa: UP031  # one of the ways to print it
        repr({"private_key": Secret(KEY)}),
        str(vars(Secret)),
    ],
)
def test_f105_no_way_of_printing_shows_a_secret(shown: str) -> None:
    """Whatever formats a secret, or something that holds it, prints a mask."""
    assert KEY not in shown


def test_f105_the_mask_tells_nothing_about_the_length() -> None:
    """A short and a long secret look the same."""
    assert str(Secret("a")) == str(Secret("a" * 100)) == MASK


def sign(secret: Secret) -> None:
    """Fail as a signer would that gets a wrong key."""
    raise LocalError("refused", found=secret)


def test_f105_a_secret_does_not_appear_in_logs_and_tracebacks(caplog: pytest.LogCaptureFixture) -> None:
    """Neither a logged secret, nor an error that carries it, nor a traceback's local variables show it."""
    secret = Secret(KEY)
    with caplog.at_level(logging.INFO):
        logging.getLogger("test").info("connecting with %s", secret)
    with pytest.raises(LocalError) as caught:
        sign(secret)
    text = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
    assert MASK in caplog.text
    assert text.count(MASK) >= 2
    assert KEY not in caplog.text + text


@pytest.mark.parametrize("way", [pickle.dumps, copy.copy, copy.deepcopy])
def test_f105_a_secret_is_neither_copied_nor_pickled(way: object) -> None:
    """It stays the one object that was read from the environment."""
    assert callable(way)
    with pytest.raises(LocalError, match="neither copied nor pickled"):
        way(Secret(KEY))


def test_f105_a_secret_cannot_be_encoded() -> None:
    """An encoder that meets one fails instead of writing it."""
    with pytest.raises(TypeError):
        msgspec.json.encode({"key": Secret(KEY)})


def test_a_secret_is_revealed_on_request() -> None:
    """Who signs gets it."""
    assert Secret(KEY).is_set
    assert Secret(KEY).reveal() == KEY


@pytest.mark.parametrize(("secret", "is_set"), [(Secret(None), False), (Secret(None, is_set=True), True)])
def test_a_secret_that_is_not_here_cannot_be_revealed(secret: Secret, is_set: bool) -> None:
    """Not set, or only known to have been set elsewhere: there is nothing to reveal."""
    assert secret.is_set is is_set
    with pytest.raises(LocalError, match="not available"):
        secret.reveal()


CRASH = """
import os, resource
from paraphina_core.config import Secret
_, most = resource.getrlimit(resource.RLIMIT_CORE)
resource.setrlimit(resource.RLIMIT_CORE, (most, most))
{hold}
os.abort()
"""


def _leaves_a_core_dump(hold: str, folder: Path) -> bool:
    """Run a program that crashes, and say whether the system dumped its memory."""
    crash = CRASH.format(hold=hold)
    chdir = f"import os; os.chdir({str(folder)!r})"
    pid = os.posix_spawn(sys.executable, [sys.executable, "-c", f"{chdir}\n{crash}"], os.environ)
    _, status = os.waitpid(pid, 0)
    assert os.WTERMSIG(status) == signal.SIGABRT
    return os.WCOREDUMP(status)


def test_f105_a_crash_of_a_process_that_holds_a_secret_leaves_no_core_dump(tmp_path: Path) -> None:
    """The same crash without a secret does leave one, where the machine keeps them at all."""
    if not _leaves_a_core_dump("", tmp_path):
        pytest.skip("this machine keeps no core dumps")
    assert not _leaves_a_core_dump('secret = Secret("a")', tmp_path)


def test_f105_whoever_holds_a_secret_may_leave_no_core_dump() -> None:
    """The limit of this process is zero from the first secret on; it can be told without crashing."""
    assert Secret(KEY).is_set
    assert resource.getrlimit(resource.RLIMIT_CORE)[0] == 0
