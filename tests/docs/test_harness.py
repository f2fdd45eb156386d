"""The documentation's tests can fail: what they read, execute and compare is shown on small pages."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from document_shell import Shell
from documents import INSTALL_MATRIX, QUICK, SLOW, Command, Document, DocumentError, documents


def write(folder: Path, text: str, name: str = "page.md") -> Document:
    """Write a page and return it."""
    (folder / name).write_text(text, encoding="utf-8")
    return Document(folder / name, folder)


def block(language: str, *lines: str, comment: str = "") -> str:
    """Spell one fenced block, with a comment before it."""
    head = f"<!-- {comment} -->\n" if comment else ""
    return "\n".join([f"{head}```{language}", *lines, "```", ""])


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """Return a shell in an empty folder."""
    folder = tmp_path / "work"
    folder.mkdir()
    return Shell(folder, Path(sys.prefix), {}, timeout_s=5)


def texts(document: Document) -> list[str]:
    """List the commands of a page."""
    return [command.text for each in document.blocks for command in each.commands]


def test_bare_commands_are_taken_line_by_line(tmp_path: Path) -> None:
    """Comments and empty lines are none, and a backslash continues a line."""
    page = write(tmp_path, block("sh", "# why", "one", "", "two \\", "  three", "four # said"))
    assert texts(page) == ["one", "two   three", "four # said"]


def test_a_session_holds_commands_and_what_was_printed(tmp_path: Path) -> None:
    """Lines behind a prompt are commands with their place; the others belong to the one before."""
    page = write(tmp_path, "text\n\n" + block("console", "$ one", "a", "b", "$ two"))
    first, second = page.blocks[0].commands
    assert first == Command("page.md:4", "one", 0, ("a", "b"))
    assert (second.text, second.printed) == ("two", ())


def test_a_comment_speaks_of_the_next_block_only(tmp_path: Path) -> None:
    """Marks hold for one block, also over an empty line, and other comments are none."""
    page = write(
        tmp_path,
        block("sh", "one", comment="test: slow; exit: 2")
        + block("sh", "two")
        + "<!-- reference: begin -->\ntext\n"
        + block("toml", "a = 1", comment="file: a.toml")
        + "<!-- test: install-matrix -->\n\n"
        + block("sh", "three"),
    )
    assert [each.when for each in page.blocks] == [SLOW, QUICK, QUICK, INSTALL_MATRIX]
    assert page.blocks[0].commands[0].exit_code == 2
    assert page.blocks[2].attributes == {"file": "a.toml"}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("```\nx\n```\n", "no language"),
        ("```bash\nx\n```\n", "a block of bash"),
        ("```sh\nx\n", "does not end"),
        (block("sh", "# nothing"), "without a command"),
        (block("console", "output"), "begins with"),
        (block("sh", "one", "two", comment="exit: 1"), "one command"),
        (block("sh", "one", comment="test: sometimes"), "says nothing"),
        (block("sh", "one", comment="tset: slow"), "says nothing"),
    ],
)
def test_a_page_that_cannot_be_followed_is_an_error(tmp_path: Path, text: str, complaint: str) -> None:
    """Nothing on a page escapes its test by being misspelt."""
    page = write(tmp_path, text)
    with pytest.raises(DocumentError, match=complaint):
        texts(page)


@pytest.mark.parametrize(
    ("printed", "output", "fits"),
    [
        ((), "anything", True),
        (("a  b",), "a b\n", True),
        (("a b",), "a    b   \n", True),
        (("a",), "a\nb\n", False),
        (("a", "..."), "a\nb\nc\n", True),
        (("...", "b"), "b", True),
        (("...", "b"), "a\nc\nb\n", True),
        (("...", "b"), "a\nbb\n", False),
        (("a ... c",), "a b c\n", True),
        (("a ... c",), "a b\nc\n", False),
        (("1.5 (x)",), "1x5 (x)\n", False),
        (("a",), "", False),
    ],
)
def test_what_is_shown_is_compared(printed: tuple[str, ...], output: str, *, fits: bool) -> None:
    """Text is compared letter by letter but for runs of blanks, and `...` stands for anything."""
    assert Command("page.md:1", "x", 0, printed).is_printed_by(output) is fits


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (block("sh", "exit 3"), "page.md:2: `exit 3` ended with 3, documented is 0"),
        (block("sh", "true", comment="exit: 1"), "ended with 0, documented is 1"),
        (block("console", "$ echo yes", "no"), "printed\nyes\n\ndocumented is\nno"),
        (block("sh", "cat absent.toml"), "ended with 1"),
        (block("sh", "no-such-program"), "ended with 127"),
    ],
)
def test_a_page_that_is_wrong_is_told_so(shell: Shell, tmp_path: Path, text: str, complaint: str) -> None:
    """The complaint names place, command, what was documented and what happened."""
    (told,) = shell.follow(write(tmp_path, text), {QUICK})
    assert complaint in told


def test_a_command_that_does_not_end_is_ended(tmp_path: Path) -> None:
    """A page cannot hang the tests, nor can what its command started in the background."""
    hasty = Shell(tmp_path, Path(sys.prefix), {}, timeout_s=0.2)
    page = write(tmp_path, block("sh", "sleep 60 & echo before; sleep 60"))
    (told,) = hasty.follow(page, {QUICK})
    assert "did not end within 0.2 s and printed\nbefore" in told


def test_commands_follow_each_other_in_one_folder(shell: Shell, tmp_path: Path) -> None:
    """A later command finds what an earlier one left, and the files that the page shows."""
    page = write(
        tmp_path,
        block("toml", "a = 1", comment="file: a.toml")
        + block("console", "$ cp a.toml b.toml", "$ cat b.toml", "a = 1")
        + block("sh", "touch never", comment="test: slow"),
    )
    assert list(shell.follow(page, {QUICK})) == []
    assert sorted(path.name for path in shell.folder.iterdir()) == ["a.toml", "b.toml"]


def test_programs_of_the_environment_are_found_and_its_state_is_not(shell: Shell) -> None:
    """A command runs our installation with a home folder of its own, and sees no variable of the tests."""
    code, output = shell.execute('command -v python; echo "$PARAPHINA_HOME"; env | grep -c PYTEST')
    python, home, variables = output.splitlines()
    assert (code, variables) == (1, "0")
    assert Path(python) == Path(sys.prefix) / "bin" / "python"
    assert Path(home).is_relative_to(shell.folder.parent)


def test_the_programs_of_a_command_are_seen() -> None:
    """Also behind a variable, a pipe and an and, but not inside of quotes."""
    command = Command("page.md:1", "A=1 cd x && find . -name 'a; pip b' | xargs sha256sum; ls", 0, ())
    assert command.programs == {"cd", "find", "xargs", "ls"}


def test_caches_of_tools_are_no_documents(tmp_path: Path) -> None:
    """Only what people wrote is read."""
    for name in ("docs/a.md", "docs/.cache/b.md", "plugins/x/README.md", "tests/c.md", "README.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert [document.name for document in documents(tmp_path)] == [
        "README.md",
        "docs/a.md",
        "plugins/x/README.md",
    ]


def test_headings_become_anchors(tmp_path: Path) -> None:
    """As the usual renderers spell them."""
    page = write(
        tmp_path, "# One Two\n\n## paraphina_observe(observation)\n\n" + block("sh", "# no heading", "x")
    )
    assert page.anchors == {"one-two", "paraphina_observeobservation"}
