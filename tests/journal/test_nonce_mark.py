"""An account is held by one process, and where its nonces ended is known to the next."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from paraphina_core.domain import LocalError
from paraphina_core.journal import JournalError, NonceMark

WHO = {"address": "0x1"}


def test_f042_the_next_process_goes_on_above_what_was_written_down(tmp_path: Path) -> None:
    """An unknown signer begins at zero, and each signer has a mark of its own."""
    mark = NonceMark(tmp_path, "alpha", WHO)
    assert mark.floor == 0
    mark.reserve(17)
    mark.close()
    assert NonceMark(tmp_path, "alpha", WHO).floor == 17
    assert NonceMark(tmp_path, "alpha", {"address": "0x2"}).floor == 0
    assert NonceMark(tmp_path, "beta", WHO).floor == 0


def test_f041_f078_a_second_process_on_one_account_is_refused(tmp_path: Path) -> None:
    """Whoever signs with the key holds the account; when it dies the account is free."""
    held = NonceMark(tmp_path, "alpha", WHO)
    code = (
        "import sys; from pathlib import Path; from paraphina_core.journal import NonceMark\n"
        f"NonceMark(Path(sys.argv[1]), 'alpha', {WHO!r})"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    refused = subprocess.run(command, capture_output=True, text=True, check=False)  # this Python
    assert refused.returncode == 1
    assert "in use by another process" in refused.stderr
    held.close()
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0  # this Python


@pytest.mark.parametrize("content", [b"", b"-1\n", b"12", b"12\n13\n", b"x\n"])
def test_what_is_no_mark_is_refused_and_leaves_the_account_free(tmp_path: Path, content: bytes) -> None:
    """A damaged file must not let numbers begin again."""
    NonceMark(tmp_path, "alpha", WHO).close()
    (path,) = (path for path in (tmp_path / "nonces").iterdir() if path.suffix == ".lock")
    file = path.with_suffix("")
    file.write_bytes(content)
    file.chmod(0o600)
    with pytest.raises(JournalError, match="holds no nonce"):
        NonceMark(tmp_path, "alpha", WHO)
    file.unlink()
    NonceMark(tmp_path, "alpha", WHO)


def test_f082_a_mark_that_others_can_write_is_refused(tmp_path: Path) -> None:
    """Whoever can lower it can have nonces repeated."""
    mark = NonceMark(tmp_path, "alpha", WHO)
    mark.reserve(5)
    mark.close()
    (file,) = (path for path in (tmp_path / "nonces").iterdir() if path.suffix != ".lock")
    file.chmod(0o666)
    with pytest.raises(LocalError, match="open to others"):
        NonceMark(tmp_path, "alpha", WHO)
