"""`.ci/run` runs every check and fails when any of them fails."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from environments import ROOT, run

STEPS = ["lint", "test", "test-slow"]


def run_ci(folder: Path, failing: str) -> tuple[int, list[str]]:
    """Run the script beside a Makefile whose targets only say that they ran, but for one that fails."""
    (folder / ".ci").mkdir()
    shutil.copy(ROOT / ".ci/run", folder / ".ci/run")
    targets = (f"{step}:\n\t@echo ran {step}; test {step} != {failing}\n" for step in STEPS)
    (folder / "Makefile").write_text("".join(targets), encoding="utf-8")
    done = run(folder / ".ci/run", cwd=folder.parent)
    return done.returncode, [line.removeprefix("ran ") for line in done.stdout.splitlines() if "ran " in line]


def test_all_checks_are_run(tmp_path: Path) -> None:
    """`.ci/run` is lint, the quick tests and the slow tests, from whatever folder it is started."""
    assert run_ci(tmp_path, failing="none") == (0, STEPS)


@pytest.mark.parametrize("step", STEPS)
def test_one_failing_check_fails_the_whole(tmp_path: Path, step: str) -> None:
    """No failure is swallowed, and nothing is reported as passed after it."""
    returned, ran = run_ci(tmp_path, failing=step)
    assert returned != 0
    assert ran == STEPS[: STEPS.index(step) + 1]
