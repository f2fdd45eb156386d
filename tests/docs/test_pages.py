"""Every page can be reached and relied upon: links lead somewhere, code runs, no machine is named."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from documents import Document, documents
from environments import ROOT, user_environment

DOCUMENTS = documents()
BY_NAME = {document.name: document for document in DOCUMENTS}

#: Where a page may point outside of the checkout, and the loopback address, which is every machine's own.
HOSTS = {"keepachangelog.com", "semver.org", "127.0.0.1"}

#: Folders of somebody's machine; a page names paths of the checkout, of the home folder, or none.
_MACHINE_PATH = re.compile(
    r"(?<![\w.}~$])/(?:home|root|work|workspace|Users|mnt|srv|opt|tmp|var|data)/", re.ASCII
)
_URL = re.compile(r"\b(?:https?|wss?)://[^\s)>`\"']+")


def pytest_ids(document: Document) -> str:
    """Name a parameter."""
    return document.name


each_page = pytest.mark.parametrize("document", DOCUMENTS, ids=pytest_ids)


def test_the_main_pages_are_there() -> None:
    """The tests below look at real pages."""
    assert {"README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "docs/index.md"} <= BY_NAME.keys()


def broken_links(document: Document) -> list[str]:
    """List the links of a page that lead nowhere."""
    broken = []
    for line, target in document.links:
        if urlsplit(target).scheme:
            continue
        path, _, anchor = target.partition("#")
        found = (document.path.parent / path).resolve() if path else document.path
        if not found.is_relative_to(document.root) or not found.exists():
            broken.append(f"{document.name}:{line}: {target} does not exist")
        elif anchor and anchor not in Document(found, document.root).anchors:
            broken.append(f"{document.name}:{line}: {path or 'this page'} has no heading {anchor}")
    return broken


@each_page
def test_links_lead_somewhere(document: Document) -> None:
    """Every relative link names a file or folder of the checkout, and a heading that it has."""
    assert broken_links(document) == []


def test_every_page_can_be_found() -> None:
    """From the README every page is reached by links, so that none is written for nobody."""
    reached: set[Path] = set()
    waiting = [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page not in reached:
            reached.add(page)
            links = (target.partition("#")[0] for _, target in Document(page).links)
            waiting += [(page.parent / link).resolve() for link in links if link.endswith(".md")]
    assert {document.path for document in DOCUMENTS} <= reached


def test_the_index_of_decisions_has_all_of_them_with_their_titles() -> None:
    """Each decision stands in the index under its number and title, and nothing else does."""
    folder = ROOT / "docs" / "decisions"
    wanted = []
    for path in sorted(folder.glob("[0-9]*.md")):
        title = Document(path).headings[0]
        wanted.append(f"* [{path.name[:4]}]({path.name}): {re.sub(r'^[0-9]+[:.] ', '', title)}")
    listed = [
        line for line in (folder / "README.md").read_text(encoding="utf-8").splitlines() if "](" in line
    ]
    assert listed == wanted, "docs/decisions/README.md must hold\n" + "\n".join(wanted)


@each_page
def test_commands_and_code_stand_in_fences(document: Document) -> None:
    """An indented block would be executed by nobody."""
    before = ""
    for number, line in document.prose:
        is_indented = line.startswith("    ") and not before.strip()
        assert not is_indented, f"{document.name}:{number}: indented block; use a fence with a language"
        before = line


@each_page
def test_python_blocks_run(document: Document, tmp_path: Path) -> None:
    """Every Python block of a page is a program that ends well, by itself."""
    for number, block in enumerate(document.blocks):
        if block.language == "python":
            program = tmp_path / f"block_{number}.py"
            program.write_text(block.text, encoding="utf-8")
            done = subprocess.run(
                [sys.executable, "-W", "error", program],
                cwd=tmp_path,
                env=user_environment(),
                capture_output=True,
                text=True,
                check=False,
                timeout=60,
            )
            assert done.returncode == 0, f"{block.where}:\n{done.stderr}"


@each_page
def test_toml_and_json_blocks_can_be_read(document: Document) -> None:
    """What is shown as a file of a format is one."""
    for block in document.blocks:
        if block.language == "toml":
            assert tomllib.loads(block.text), block.where
        if block.language == "json":
            assert json.loads(block.text), block.where


def foreign_words(document: Document, machine: tuple[str, ...]) -> list[str]:
    """List what a page says that holds on one machine only, or leads out of the checkout."""
    found = []
    for number, line in enumerate(document.text.splitlines(), 1):
        where = f"{document.name}:{number}"
        found += [f"{where}: a path of one machine: {line}" for _ in _MACHINE_PATH.finditer(line)]
        found += [f"{where}: {word} is of this machine" for word in machine if word in line]
        for url in _URL.findall(line):
            if urlsplit(url).hostname not in HOSTS:
                found.append(f"{where}: {url} leads to a host that is not listed")
    return found


@each_page
def test_no_page_speaks_of_one_machine(document: Document) -> None:
    """No path of the machine it was written on, no address beyond the few that are meant."""
    assert foreign_words(document, (str(ROOT), str(Path.home()))) == []


def test_a_bad_page_is_noticed(tmp_path: Path) -> None:
    """The checks of links and words above see what they are there for."""
    (tmp_path / "there.md").write_text("# A Heading\n", encoding="utf-8")
    page = tmp_path / "page.md"
    page.write_text(
        "# Here\n[a](absent.md) [b](there.md#no-heading) [c](there.md#a-heading)\n"
        "[d](#here) [e](../outside.md)\n"
        "in /home/somebody/x and ~/x and docs/x, see https://example.org/page\n",
        encoding="utf-8",
    )
    document = Document(page, tmp_path)
    assert [line.split(": ")[1].split()[0] for line in broken_links(document)] == [
        *("absent.md", "there.md", "../outside.md"),
    ]
    assert len(foreign_words(document, ())) == 2
    assert len(foreign_words(document, ("/somebody/",))) == 3
