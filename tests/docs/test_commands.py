"""Every command of the documentation does what the page says: exit code, and output where one is shown."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from command_line import make_installation
from document_shell import Shell
from documents import INSTALL_MATRIX, QUICK, SLOW, Command, Document, documents
from environments import ROOT, VENUES, make_environment, run_ok, user_environment

DOCUMENTS = documents()
EXAMPLE = "examples/paraphina-example-strategy"

#: Programs that a quick command may start: none of them installs, fetches or runs for long by itself.
QUICK_PROGRAMS = {"paraphina", "paraphina_live", "python", "cd", ".", "ls", "cp", "sed", "grep"} | {
    *("find", "sort", "xargs", "sha256sum")
}
#: Variables of the tests' own environment that a reader would not have.
_OURS = ("PARAPHINA_", "HL_", "SSL_CERT")


def has(document: Document, when: str) -> bool:
    """Tell whether a document has commands that are executed then."""
    return any(block.when == when and block.commands for block in document.blocks)


def commands(when: str) -> list[Command]:
    """List all commands of one kind."""
    return [
        command
        for document in DOCUMENTS
        for block in document.blocks
        if block.when == when
        for command in block.commands
    ]


def assert_no_complaints(complaints: Iterable[str]) -> None:
    """Fail with everything that a page says and that is not so."""
    told = "\n\n".join(complaints)
    if told:
        pytest.fail(told, pytrace=False)


@pytest.fixture(scope="module")
def with_example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an environment in which the example plugin is installed beside the core."""
    folder = tmp_path_factory.mktemp("example") / "environment"
    installation = make_installation(folder)
    python = folder / "bin" / "python"
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "--python", python, "install", "--quiet"),
            *("--no-deps", "--no-build-isolation", "--no-index", ROOT / EXAMPLE),
        ],
        check=True,
        env=user_environment(),
        timeout=60,
    )
    assert (installation.site / "paraphina_example_strategy" / "spread_gate.py").is_file()
    program = folder / "bin" / "paraphina"
    program.write_text(
        f"#!{python}\nimport sys\nfrom paraphina_core.cli import main\nsys.exit(main())\n", encoding="utf-8"
    )
    program.chmod(0o755)
    return folder


@pytest.mark.parametrize(
    "document", [each for each in DOCUMENTS if has(each, QUICK)], ids=lambda document: document.name
)
def test_every_command_does_what_the_page_says(
    document: Document, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """All commands of a page, in order, end with the documented code and print what is shown."""
    if document.name.startswith(EXAMPLE):
        shell = Shell.in_copy(tmp_path, request.getfixturevalue("with_example"))
    else:
        shell = Shell.in_copy(tmp_path)
    assert_no_complaints(shell.follow(document, {QUICK}))


@pytest.mark.slow
@pytest.mark.parametrize(
    "document", [each for each in DOCUMENTS if has(each, SLOW)], ids=lambda document: document.name
)
def test_the_slow_commands_too_in_a_fresh_environment(document: Document, tmp_path: Path) -> None:
    """Pages that install something or run for long are followed as by a newcomer with every flag."""
    environment = make_environment(tmp_path / "environment", sys.executable, "newest")
    outer = {name: value for name, value in user_environment().items() if not name.startswith(_OURS)}
    shell = Shell.in_copy(tmp_path, environment.folder, outer, timeout_s=600)
    run_ok(environment.python, "-m", "pip", "install", "--quiet", ".[live]", cwd=shell.folder)
    assert_no_complaints(shell.follow(document, {QUICK, SLOW}))


def test_there_are_commands_of_every_kind() -> None:
    """The tests above and below look at real commands, the main ones among them."""
    assert {
        "make run",
        "make test",
        "pip install '.[live_aster]' && paraphina plugins --require live_aster",
    } <= {command.text for command in commands(INSTALL_MATRIX)}
    assert any("HL_FIXTURE_DIR" in command.text for command in commands(SLOW))
    assert len(commands(QUICK)) > 30


def test_quick_commands_install_nothing() -> None:
    """A command that installs or fetches is marked, so that it never runs in the tests' own environment."""
    for command in commands(QUICK):
        assert command.programs <= QUICK_PROGRAMS, f"{command.where}: `{command.text}`"
        assert "pip install" not in command.text, command.where


def _promises() -> str:
    """Return the docstrings of all packaging tests, in which each names the commands that it executes."""
    modules = sorted((ROOT / "tests" / "packaging").glob("test_*.py"))
    nodes = (node for path in modules for node in ast.parse(path.read_text(encoding="utf-8")).body)
    return "\n".join(
        " ".join((ast.get_docstring(node) or "").split())
        for node in nodes
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    )


@pytest.mark.parametrize("command", commands(INSTALL_MATRIX), ids=lambda command: command.where)
def test_a_command_of_the_install_matrix_is_one(command: Command) -> None:
    """What a page leaves to the packaging tests is named in full by the docstring of one that executes it."""
    of_any_venue = re.sub(rf"live_({'|'.join(VENUES)})\b", "live_VENUE", command.text)
    promises = _promises()
    assert f"`{command.text}`" in promises or f"`{of_any_venue}`" in promises
