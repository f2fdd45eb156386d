"""What pages say of the program is what the program says of itself."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path

import click
import pytest

from architecture_rules import FLOORS
from documents import Document, documents
from environments import ROOT
from paraphina_core import __version__
from paraphina_core.config import CONFIG_VARIABLE, FIELDS, HOME_VARIABLE
from paraphina_core.connector import TradeMode, load_plugins, mock
from paraphina_core.domain import canonical_name
from paraphina_core.readiness import COLUMNS
from paraphina_core.session import Summary
from paraphina_core.strategy import PARAMETERS, PROFILES, profile

DOCUMENTS = documents()
MAIN = importlib.import_module("paraphina_core.cli.main")  # the package exports a function of this name
FAILURES = importlib.import_module("paraphina_core.cli.failures")
RUN = importlib.import_module("paraphina_core.cli.run")
PLUGINS = load_plugins([mock])


def page(name: str) -> Document:
    """Return one page of the documentation."""
    return Document(ROOT / "docs" / name)


def first_cells(document: Document, heading: str) -> list[str]:
    """List the first column of the table whose heading row begins so."""
    lines = [line for _, line in document.prose]
    starts = [number for number, line in enumerate(lines) if line.startswith(f"| {heading} |")]
    assert starts, f"{document.name} has no table of {heading}"
    cells = []
    for start in starts:
        for line in lines[start + 2 :]:
            if not line.startswith("|"):
                break
            cells.append(line.split("|")[1].strip())
    return cells


def names_in(cells: list[str]) -> list[str]:
    """Take the names out of backticks."""
    return [name for cell in cells for name in re.findall(r"`([^`]+)`", cell)]


# --- the command line ------------------------------------------------------------------------------


def test_the_page_of_the_command_line_has_every_command() -> None:
    """One heading for each command, in the order of the help, and none for a command that is not there."""
    headings = [name.removeprefix("paraphina ") for name in page("cli.md").headings if "paraphina " in name]
    assert headings == list(MAIN.COMMANDS)


def test_the_exit_codes_are_those_of_the_program() -> None:
    """The page, the program's own account of them and its constants agree."""
    listed = {int(code) for code in first_cells(page("cli.md"), "code")}
    told = {int(code) for code in re.findall(r"\b(\d+) (?:done|a |the |refused|inter)", MAIN.__doc__ or "")}
    assert listed == told == {0, 1, 2, 3, 4, 5, 70, 130}
    assert FAILURES.REFUSED == 2
    assert FAILURES.INTERNAL_ERROR == 70
    assert RUN.LEFT_AT_ONCE == MAIN.INTERRUPTED == 130


def complaints_about(code: str) -> list[str]:
    """List the commands and options in a command line of ours that do not exist."""
    program, *rest = code.split()
    command: click.Command = MAIN.cli if program == "paraphina" else MAIN.COMMANDS["run"].load()
    options = {"--help"}
    while True:
        context = click.Context(command)
        options |= {option for parameter in command.get_params(context) for option in parameter.opts}
        is_named = bool(rest) and not rest[0].startswith("-") and not rest[0].isupper()
        if not (isinstance(command, click.Group) and is_named):
            break
        if rest[0] not in command.list_commands(context):
            return [f"`{code}`: {command.name} has no command {rest[0]}"]
        found = command.get_command(context, rest.pop(0))
        assert found is not None
        command = found
    given = {word.split("=")[0] for word in rest if word.startswith("--")}
    return [f"`{code}`: there is no option {option}" for option in sorted(given - options)]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_a_command_in_the_text_is_one(document: Document) -> None:
    """Where prose names a command line of ours, its command and its options exist."""
    wrong = [
        f"{document.name}:{number}: {complaint}"
        for number, code in document.inline_code
        if code.split()[0] in {"paraphina", "paraphina_live"}
        for complaint in complaints_about(code)
    ]
    assert wrong == []


@pytest.mark.parametrize(
    "code",
    [
        *("paraphina rnu", "paraphina journal verfy DIR", "paraphina run --trade-mod live"),
        *("paraphina_live --prefligth", "paraphina plugins distrust NAME", "paraphina gates --because ID"),
    ],
)
def test_a_command_that_is_none_is_noticed(code: str) -> None:
    """The check above sees misspelt commands, subcommands and options."""
    assert len(complaints_about(code)) == 1


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_a_variable_in_the_text_is_one(document: Document) -> None:
    """Every `PARAPHINA_...` variable of a page is read by the program."""
    known = {HOME_VARIABLE, CONFIG_VARIABLE} | {variable for field in FIELDS for variable in field.variables}
    known |= {setting.env for spec in PLUGINS.connectors.values() for setting in spec.settings}
    assert set(re.findall(r"\bPARAPHINA_[A-Z_]*[A-Z]\b", document.text)) <= known


# --- modes and connectors --------------------------------------------------------------------------


def test_the_page_of_modes_has_every_mode_with_its_other_names() -> None:
    """The table holds the four modes, and as other names exactly those that are accepted."""
    (reader,) = (field.reader for field in FIELDS if field.key == "session.trade_mode")
    rows = [line.split("|") for _, line in page("modes.md").prose if line.startswith("| `")]
    modes = {re.findall("`(.*?)`", row[1])[0]: re.findall("`(.*?)`", row[2]) for row in rows if len(row) > 6}
    assert list(modes) == [mode.value for mode in TradeMode]
    for mode, others in modes.items():
        assert [reader.parse(name) for name in others] == [TradeMode(mode)] * len(others)
    assert sum(map(len, modes.values())) == 7


def test_the_page_of_modes_has_every_other_name_of_a_connector() -> None:
    """Aliases of connectors are those that the plugins of this checkout register."""
    rows = [line.split("|") for _, line in page("modes.md").prose if line.startswith("| `")]
    listed = {names_in([row[1]])[0]: set(names_in([row[2]])) for row in rows if len(row) == 4}
    registered = {name: set(spec.aliases) for name, spec in PLUGINS.connectors.items() if spec.aliases}
    assert {canonical_name(name): others for name, others in listed.items()} == registered


def test_the_matrix_in_the_text_has_its_real_columns() -> None:
    """`the fourteen columns` are fourteen."""
    assert len(COLUMNS) == 14


# --- the output folder -----------------------------------------------------------------------------


def recorded_kinds() -> set[str]:
    """Find the kinds of records in the source of the rooms that write them."""
    kinds = {"frame", "genesis", "reopened"}
    for path in (ROOT / "paraphina_core" / "session").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr == "append"
            ):
                kind = node.args[0]
                if len(node.args) == 3 and isinstance(kind, ast.Constant):
                    kinds.add(kind.value)
    return kinds


def test_every_kind_of_record_is_explained() -> None:
    """The page of the output folder names each kind that a journal can hold, and no other."""
    document = page("output-folder.md")
    explained = set(names_in(first_cells(document, "kind")))
    (own,) = (line for _, line in document.prose if "begins a journal" in line)
    assert explained | set(re.findall("`(.*?)`", own)) == recorded_kinds()


def test_every_key_of_the_summary_is_explained() -> None:
    """The page names each key of `summary.json`, in its order."""
    keys = names_in(first_cells(page("output-folder.md"), "key"))
    assert [key for key in keys if key in Summary.__struct_fields__] == list(Summary.__struct_fields__)


# --- the house -------------------------------------------------------------------------------------


def test_the_page_of_the_architecture_has_every_room_on_its_floor_and_says_whether_it_is_built() -> None:
    """No room is missing, none is on another floor, and only what is not there is called planned."""
    rows = [line.split("|") for _, line in page("architecture.md").prose if re.match(r"\| \d \|", line)]
    listed = {names_in([row[2]])[0]: (int(row[1]), row[4].strip()) for row in rows}
    assert {room: floor for room, (floor, _) in listed.items()} == FLOORS
    for room, (_, state) in listed.items():
        is_there = (ROOT / "paraphina_core" / room / "__init__.py").is_file()
        assert state in ({"built", "begun"} if is_there else {"planned"}), f"{room} is called {state}"


def test_files_in_the_text_exist() -> None:
    """A path of the checkout that prose names in backticks is there."""
    folders = ("paraphina_core/", "tests/", "docs/", "plugins/", "examples/", "benchmarks/", ".ci/")
    for document in DOCUMENTS:
        for number, code in document.inline_code:
            for word in code.split():
                if word.startswith(folders) and not re.search(r"[<*]", word):
                    assert (ROOT / word).exists(), f"{document.name}:{number}: {word}"


def test_the_changelog_keeps_its_form() -> None:
    """Sections as Keep a Changelog has them, newest first; this version is among them or not yet released."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    versions = re.findall(r"^## \[(.+?)\](?: - (\d{4}-\d{2}-\d{2}))?$", text, re.MULTILINE)
    assert versions[0] == ("Unreleased", "")
    assert all(date for _, date in versions[1:])
    assert __version__ in {name for name, _ in versions} or len(versions) == 1
    kinds = set(re.findall(r"^### (.+)$", text, re.MULTILINE))
    assert kinds
    assert kinds <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_the_readme_is_the_one_that_is_installed() -> None:
    """The page that a package index or `pip show` would point to is this one."""
    assert 'readme = "README.md"' in Path(ROOT / "pyproject.toml").read_text(encoding="utf-8")


# --- the market maker ------------------------------------------------------------------------------


def test_the_table_of_the_market_makers_parameters_is_the_one_in_force() -> None:
    """Unit, range, the value of each profile, and the meaning."""
    text = (ROOT / "docs" / "model.md").read_text(encoding="utf-8")
    shown = text.partition("<!-- begin: parameters -->")[2].partition("<!-- end: parameters -->")[0]
    profiles = [profile(name) for name in PROFILES]
    wanted = [
        f"| `{name}` | {about.unit} | {about.low:g} to {about.high:g} | "
        f"{' | '.join(f'{values[name]:g}' for values in profiles)} | {about.meaning} |"
        for name, about in PARAMETERS.items()
    ]
    assert shown.strip().splitlines()[2:] == wanted
