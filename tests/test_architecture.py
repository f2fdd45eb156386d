"""The architecture's rules: each is shown to fail on a small tree, then held against the real one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from architecture_rules import (
    CORE,
    RULES,
    Project,
    core_holds_only_rooms,
    core_imports_no_plugin,
    core_names_no_venue,
    decisions_are_pure,
    files_are_short,
    only_transport_opens_sockets,
    plugins_import_the_contract,
    rooms_are_entered_by_their_door,
    rooms_import_downwards,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def project() -> Project:
    """Return the real tree."""
    return Project(ROOT)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_tree_keeps_the_rule(rule: Callable[[Project], Iterator[str]], project: Project) -> None:
    """No file of the core and of the plugins breaks the rule."""
    assert not list(rule(project))


def test_the_checks_see_the_real_tree(project: Project) -> None:
    """The rules are held against real files: the core's rooms and the plugins of all five venues."""
    assert {"domain", "connector"} <= {module.room for module in project.core}
    assert {"hyperliquid", "lighter", "extended", "aster", "paradex"} == project.venues
    assert {module.venue for module in project.plugins} == project.venues
    assert any(
        reference.within(f"{CORE}.domain") for module in project.modules for reference in module.imports
    )


HOUSE = {
    "paraphina_core/__init__.py": "__version__ = '0'",
    "paraphina_core/py.typed": "",
    "paraphina_core/domain/__init__.py": "from .numbers import price\n__all__ = ['price']",
    "paraphina_core/domain/numbers.py": "price = float",
    "paraphina_core/connector/__init__.py": "from ..domain import price as Spec\n__all__ = ['Spec']",
    "paraphina_core/session/__init__.py": "__all__ = ['run']\nrun = print",
    "paraphina_core/twin/__init__.py": "__all__ = ['serve']\nserve = print",
    "plugins/paraphina-aster/paraphina_aster/__init__.py": "from paraphina_core.connector import Spec",
    "plugins/paraphina-aster/paraphina_aster/twin.py": "from paraphina_core.twin import serve",
    "plugins/paraphina-paradex/paraphina_paradex/__init__.py": "",
}


def build(folder: Path, files: dict[str, str]) -> Project:
    """Write a small tree, the sound one with some files changed or added."""
    for name, text in (HOUSE | files).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return Project(folder)


def test_the_small_tree_is_sound_before_it_is_broken(tmp_path: Path) -> None:
    """What the following tests add is what the rules complain about, nothing else."""
    assert [line for rule in RULES for line in rule(build(tmp_path, {}))] == []


D, G, M = "paraphina_core/domain/x.py", "paraphina_core/gates/x.py", "paraphina_core/market/x.py"
GATES = {"paraphina_core/gates/__init__.py": "__all__ = []"}
MARKET = {
    "paraphina_core/market/__init__.py": "__all__ = []",
    "paraphina_core/config/__init__.py": "__all__ = ['c']",
}
ASTER = "plugins/paraphina-aster/paraphina_aster"
LIGHTER = "plugins/paraphina-lighter/paraphina_lighter/crypto"

BROKEN: list[tuple[Callable[[Project], Iterator[str]], dict[str, str], str]] = [
    (core_holds_only_rooms, {"paraphina_core/utils/__init__.py": ""}, "utils: no such room"),
    (core_holds_only_rooms, {"paraphina_core/helpers.py": ""}, "helpers.py: no file belongs here"),
    (core_holds_only_rooms, {"paraphina_core/notes.md": ""}, "notes.md: no file belongs here"),
    (core_holds_only_rooms, {"paraphina_core/gates/rules.toml": ""}, "__init__.py, which is missing"),
    (rooms_import_downwards, {D: "from paraphina_core.session import run"}, "session is on floor 6"),
    (rooms_import_downwards, {D: "from paraphina_core import session"}, "session is on floor 6"),
    (rooms_import_downwards, {D: "import paraphina_core.session as s"}, "session is on floor 6"),
    (rooms_import_downwards, {D: "from ..session import run"}, "session is on floor 6"),
    (rooms_import_downwards, {D: "from .. import session"}, "session is on floor 6"),
    (rooms_import_downwards, {D: "def f():\n    from paraphina_core.session import run"}, "x.py:2"),
    (rooms_import_downwards, {D: "if TYPE_CHECKING:\n    from paraphina_core.session import run"}, "x.py:2"),
    (rooms_import_downwards, {D: "importlib.import_module('paraphina_core.session')"}, "floor 6"),
    (rooms_import_downwards, {D: "from paraphina_core.toolbox import a"}, "which is in no room"),
    (rooms_import_downwards, {**MARKET, M: "from paraphina_core.config import c"}, "config is on floor 3"),
    (rooms_import_downwards, {"paraphina_core/__init__.py": "from .session import run"}, "floors below 3"),
    (
        rooms_are_entered_by_their_door,
        {**GATES, G: "from paraphina_core.domain.numbers import price"},
        "numbers",
    ),
    (rooms_are_entered_by_their_door, {**GATES, G: "from paraphina_core.domain import numbers"}, "numbers"),
    (rooms_are_entered_by_their_door, {**GATES, G: "import paraphina_core.domain.numbers"}, "numbers"),
    (rooms_are_entered_by_their_door, {**GATES, G: "from paraphina_core.domain import *"}, "export *"),
    (
        rooms_are_entered_by_their_door,
        {**GATES, G: "from paraphina_core import domain\ndomain.numbers.price(1)"},
        ":2",
    ),
    (
        rooms_are_entered_by_their_door,
        {f"{ASTER}/x.py": "from paraphina_core.domain.numbers import price"},
        "numbers",
    ),
    (core_imports_no_plugin, {D: "import paraphina_aster"}, "the plugin paraphina_aster"),
    (core_imports_no_plugin, {D: "from paraphina_aster.signing import sign"}, "the plugin paraphina_aster"),
    (core_imports_no_plugin, {D: "__import__('paraphina_aster')"}, "the plugin paraphina_aster"),
    (plugins_import_the_contract, {f"{ASTER}/x.py": "import paraphina_paradex"}, "another plugin"),
    (plugins_import_the_contract, {f"{ASTER}/x.py": "from paraphina_core.session import run"}, "allowed are"),
    (plugins_import_the_contract, {f"{ASTER}/x.py": "from paraphina_core.twin import serve"}, "allowed are"),
    (plugins_import_the_contract, {f"{ASTER}/x.py": "import paraphina_core"}, "allowed are"),
    (
        plugins_import_the_contract,
        {f"{ASTER}/twin.py": "from paraphina_core.session import run"},
        "conformance",
    ),
    (
        plugins_import_the_contract,
        {"plugins/paraphina-aster/tests/test_x.py": "from paraphina_core.session import run"},
        "conformance",
    ),
    (core_names_no_venue, {D: "def f(v):\n    return v == 'aster'"}, "x.py:2: names the venue 'aster'"),
    (core_names_no_venue, {D: "def f(v):\n    return v.name != 'Aster'"}, "'Aster'"),
    (core_names_no_venue, {D: "def f(v):\n    return v in ('mock', 'paradex')"}, "'paradex'"),
    (core_names_no_venue, {D: "def f(v):\n    match v:\n        case 'aster':\n            pass"}, "'aster'"),
    (core_names_no_venue, {D: "FEES = {'aster': 1}"}, "'aster'"),
    (core_names_no_venue, {D: "def f(v):\n    return v.startswith(b'aster')"}, "aster"),
    (core_names_no_venue, {D: "def f(v):\n    return v == 'live_aster'"}, "live_aster"),
    (only_transport_opens_sockets, {D: "import socket"}, "socket is for transport only"),
    (only_transport_opens_sockets, {D: "import http.client"}, "http.client is for transport only"),
    (only_transport_opens_sockets, {D: "from urllib import request"}, "urllib.request"),
    (only_transport_opens_sockets, {D: "from websockets.asyncio.client import connect"}, "websockets"),
    (only_transport_opens_sockets, {D: "from websockets.asyncio.server import serve"}, "websockets"),
    (only_transport_opens_sockets, {D: "import asyncio\nasyncio.open_connection('h', 1)"}, "open_connection"),
    (only_transport_opens_sockets, {D: "def f(loop):\n    loop.create_connection(f)"}, "create_connection"),
    (only_transport_opens_sockets, {f"{ASTER}/x.py": "import httpx"}, "httpx"),
    (only_transport_opens_sockets, {"paraphina_core/twin/x.py": "import httpx"}, "httpx"),
    (decisions_are_pure, {D: "import time\nnow = time.time()"}, "time.time"),
    (decisions_are_pure, {D: "from time import monotonic_ns as now"}, "time.monotonic_ns"),
    (decisions_are_pure, {D: "from datetime import datetime as d\nd.now()"}, "datetime.datetime.now"),
    (
        decisions_are_pure,
        {D: "import datetime\ndatetime.datetime.now(datetime.UTC)"},
        "datetime.datetime.now",
    ),
    (decisions_are_pure, {D: "import random\nrandom.random()"}, "random.random"),
    (decisions_are_pure, {D: "import random\nrandom.Random()"}, "without a seed"),
    (decisions_are_pure, {D: "import random\nrandom.SystemRandom(1)"}, "random.SystemRandom"),
    (decisions_are_pure, {D: "import os\nos.environ['HOME']"}, "os.environ"),
    (decisions_are_pure, {D: "from os import getenv"}, "os.getenv"),
    (decisions_are_pure, {D: "import sys\nsys.path.insert(0, '')"}, "sys.path"),
    (decisions_are_pure, {D: "import uuid\nuuid.uuid4()"}, "uuid.uuid4"),
    (decisions_are_pure, {f"{ASTER}/x.py": "import time"}, "time must come in"),
    (decisions_are_pure, {f"{LIGHTER}/schnorr.py": "import random\nrandom.random()"}, "random.random"),
    (decisions_are_pure, {f"{LIGHTER}/ecgfp5.py": "import os\nos.urandom(1)"}, "os.urandom"),
    (files_are_short, {D: "\n" * 500}, "500 lines, wanted at most 499"),
    (files_are_short, {f"{ASTER}/x.py": "\n" * 500}, "500 lines, wanted at most 499"),
]


@pytest.mark.parametrize(("rule", "files", "complaint"), BROKEN)
def test_each_rule_finds_what_breaks_it(
    rule: Callable[[Project], Iterator[str]], files: dict[str, str], complaint: str, tmp_path: Path
) -> None:
    """A tree that breaks the rule in one place is reported, with that place and why."""
    found = list(rule(build(tmp_path, files)))
    assert any(complaint in line for line in found), found


def test_every_rule_is_shown_able_to_fail() -> None:
    """No rule stands here that was never seen to fail."""
    assert {rule for rule, _files, _complaint in BROKEN} == set(RULES)


@pytest.mark.parametrize(
    "files",
    [
        {D: "from paraphina_core import __version__"},
        {D: "import random\ndef f(generator: random.Random): return random.Random(1)"},
        {D: "from datetime import datetime, UTC\ndatetime.fromtimestamp(0, UTC)"},
        {D: "'''Aster is a venue; so is paradex.'''\nUNIT = 'asterisk'"},
        {D: "\n" * 499},
        {**GATES, G: "from ..domain import price\nimport paraphina_core.domain as d\nd.price(1)"},
        {"paraphina_core/connector/discovery.py": "import sys\nsys.path"},
        {f"{LIGHTER}/schnorr.py": "import os\nos.urandom(1)"},
        {"paraphina_core/session/x.py": "import time, os, random\ntime.time(); os.environ; random.random()"},
        {"paraphina_core/transport/__init__.py": "import socket, asyncio\nasyncio.open_connection('h', 1)"},
        {"paraphina_core/twin/x.py": "from websockets.asyncio.server import serve\nimport http.server"},
        {f"{ASTER}/x.py": "import paraphina_core.domain\nfrom . import twin\nimport paraphina_aster.twin"},
        {f"{ASTER}/twin/__init__.py": "from paraphina_core.conformance import x\nimport time",
         "paraphina_core/conformance/__init__.py": "__all__ = ['x']"},
        {"paraphina_core/__main__.py": "from paraphina_core.cli import main",
         "paraphina_core/cli/__init__.py": "__all__ = ['main']"},
    ],
)  # fmt: skip
def test_what_the_rules_allow_is_not_reported(files: dict[str, str], tmp_path: Path) -> None:
    """A rule that complains of sound code would be switched off soon; these neighbours of errors pass."""
    assert [line for rule in RULES for line in rule(build(tmp_path, files))] == []
