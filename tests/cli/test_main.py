"""The command line as a whole: quick to start, and every way it can end has its exit code."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from command_line import Installation
from environments import ROOT
from paraphina_core import __version__
from paraphina_core.cli import live_main, main
from paraphina_core.cli.main import COMMANDS, LazyCommand

HEAVY = {"rich", "msgspec", "pluggy", "nacl", "packaging", "asyncio", "importlib.metadata"}

FAILING = """
import click
import errno
from paraphina_core.domain import ConfigError, InvariantError, RemoteError

ERRORS = {
    "config": ConfigError("the limit is wrong", found=-1, wanted="zero or more", remedy="mend the profile"),
    "bare": ConfigError("two things:\\n  1. one\\n  2. two"),
    "remote": RemoteError("the venue sent \\x1b[2J nonsense"),
    "invariant": InvariantError("a fill was booked twice"),
    "bug": KeyError("no such thing"),
    "steering": ValueError("\\x1b[2J"),
    "ctrl-c": KeyboardInterrupt(),
    "abort": click.Abort(),
    "usage": click.UsageError("wrong"),
    "file": click.FileError("x"),
    "exit": SystemExit(3),
    "exit text": SystemExit("bye"),
    "exit nothing": SystemExit(),
}

@click.command()
@click.argument("kind")
@click.pass_context
def command(context, kind):
    if kind == "context":
        context.exit(1)
    if kind in ERRORS:
        raise ERRORS[kind]
    return {"done": None, "three": 3}[kind]
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Install the command `fail`, which ends as it is told, and return the home folder."""
    (tmp_path / "failing_command.py").write_text(FAILING, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "failing_command", raising=False)
    monkeypatch.setitem(COMMANDS, "fail", LazyCommand("failing_command:command", "Ends as it is told."))
    monkeypatch.setenv("PARAPHINA_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """`paraphina --version` is one line."""
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"paraphina {__version__}\n"


def test_the_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    """Each subcommand has a line that says what it is for."""
    assert main(["--help"]) == 0
    out = capsys.readouterr().out
    for name, command in COMMANDS.items():
        assert f"  {name} " in out
        assert command.help in out


def test_every_command_is_documented() -> None:
    """The page of the command line has one heading for each command, in the order of the help."""
    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    assert re.findall(r"^## paraphina ([\w-]+)$", page, re.MULTILINE) == list(COMMANDS)


def test_without_arguments_the_help_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """Typing the bare name explains what can be typed."""
    main([])
    shown = capsys.readouterr()
    assert "connectors" in shown.out + shown.err


@pytest.mark.parametrize("name", COMMANDS)
def test_every_listed_command_exists_and_explains_itself(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """No line of the help leads nowhere."""
    assert isinstance(COMMANDS[name].load(), click.Command)
    assert main([name, "--help"]) == 0
    assert f"Usage: paraphina {name}" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["no-such-option"]])
def test_help_and_version_import_nothing_heavy(arguments: list[str]) -> None:
    """What a shell asks for at every Tab does not load the engine."""
    code = (
        "import sys; from paraphina_core.cli.main import main, COMMANDS; main(sys.argv[1:]);"
        "print('\\nLOADED', *sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True, cwd=ROOT
    )
    loaded = set(done.stdout.split("LOADED")[1].split())
    assert "paraphina_core.cli.main" in loaded
    if arguments != ["no-such-option"]:
        assert not loaded & HEAVY
    assert not [name for name in loaded if name.startswith(("paraphina_core.session", "paraphina_aster"))]


def test_an_unknown_command_is_answered_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    """A typing error costs one look, not a search; exit code 2."""
    assert main(["conectors"]) == 2
    assert "no command is called 'conectors'; did you mean connectors?" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("done", 0),
        ("three", 3),
        ("context", 1),
        ("exit", 3),
        ("exit nothing", 0),
        ("exit text", 1),
        ("config", 2),
        ("remote", 2),
        ("usage", 2),
        ("file", 2),
        ("invariant", 70),
        ("bug", 70),
        ("ctrl-c", 130),
        ("abort", 130),
    ],
)
@pytest.mark.usefixtures("home")
def test_every_end_has_its_exit_code(kind: str, code: int) -> None:
    """Scripts can rely on the code, however a command ends."""
    assert main(["fail", kind]) == code


@pytest.mark.usefixtures("home")
def test_an_error_of_the_user_is_said_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    """What was found, what was wanted and what to do, each on its line, and no trace."""
    main(["fail", "config"])
    assert capsys.readouterr().err.splitlines() == [
        "error: the limit is wrong",
        "  found: -1",
        "  wanted: zero or more",
        "  to do: mend the profile",
    ]
    main(["fail", "bare"])
    assert capsys.readouterr().err.splitlines() == ["error: two things:", "  1. one", "  2. two"]


@pytest.mark.parametrize("kind", ["remote", "steering"])
@pytest.mark.usefixtures("home")
def test_f080_text_of_a_venue_cannot_steer_the_terminal(
    kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Escape sequences in an error are shown, not sent."""
    main(["fail", kind])
    err = capsys.readouterr().err
    assert "\x1b" not in err
    assert "\\x1b[2J" in err


def test_a_fault_of_the_program_leaves_a_trace_that_only_its_user_reads(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The message is short and says where the trace is; the trace has versions and lines."""
    main(["fail", "bug"])
    err = capsys.readouterr().err
    (trace,) = (home / "errors").iterdir()
    assert err.startswith("internal error: KeyError: 'no such thing'\n")
    assert str(trace) in err
    assert "Traceback" not in err
    text = trace.read_text(encoding="utf-8")
    assert text.startswith(f"paraphina {__version__}, Python 3.")
    assert "raise ERRORS[kind]" in text
    assert trace.stat().st_mode & 0o777 == 0o600
    assert home.stat().st_mode & 0o777 == 0o700


def test_old_traces_make_room_for_new_ones(home: Path) -> None:
    """A program that fails in a loop does not fill the disk; the newest traces stay."""
    (home / "errors").mkdir(parents=True, mode=0o700)
    home.chmod(0o700)
    for number in range(60):
        (home / "errors" / f"20200101T0000{number:02}.000000-1.txt").touch()
    main(["fail", "bug"])
    names = sorted(path.name for path in (home / "errors").iterdir())
    assert len(names) == 50
    assert names[0] == "20200101T000011.000000-1.txt"
    assert not names[-1].startswith("2020")


def test_a_trace_that_cannot_be_kept_is_printed(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A full or forbidden disk does not hide what happened."""
    home.write_text("no folder", encoding="utf-8")
    assert main(["fail", "bug"]) == 70
    err = capsys.readouterr().err
    assert "the trace cannot be kept" in err
    assert "raise ERRORS[kind]" in err


def test_paraphina_live_is_run(capsys: pytest.CaptureFixture[str]) -> None:
    """The second name has the same options and says its own name."""
    assert live_main(["--help"]) == 0
    under_live = capsys.readouterr().out
    assert main(["run", "--help"]) == 0
    under_run = capsys.readouterr().out
    assert "Usage: paraphina_live [OPTIONS]" in under_live
    assert under_live.split("\n", 1)[1] == under_run.split("\n", 1)[1]


def test_a_closed_pipe_is_no_error(installation: Installation) -> None:
    """`paraphina plugins | head -1` prints its line and nothing about broken pipes."""
    command = f"{installation.folder}/bin/python -m paraphina_core connectors --markdown | head -1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("| Connector")
    assert done.stderr == ""
