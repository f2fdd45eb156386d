"""The house rules that source text can show: who may import whom, open a socket, read a clock, name a venue.

Each rule is a function from a project to the places that break it, and its docstring is the rule.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CORE = "paraphina_core"

FLOORS = {
    "domain": 1,
    "connector": 2,
    "market": 3,
    "strategy": 3,
    "transport": 3,
    "journal": 3,
    "readiness": 3,
    "config": 3,
    "ops": 3,
    "gates": 4,
    "execution": 5,
    "session": 6,
    "twin": 6,
    "simulation": 7,
    "backtest": 7,
    "conformance": 7,
    "dashboard": 7,
    "cli": 8,
}
#: What may lie in the core beside the rooms, and the highest floor it may import from.
TOP_LEVEL_FILES = {"__init__.py": 2, "__main__.py": 8, "py.typed": 0}

PLUGIN_MAY_IMPORT = {"domain", "connector"}
PLUGIN_TWIN_MAY_IMPORT = {"domain", "connector", "twin", "conformance"}

CLIENT_MODULES = (
    *("socket", "ssl", "http.client", "urllib.request", "httpx", "httpcore", "urllib3", "requests"),
    *("aiohttp", "websockets", "websocket", "uvloop", "xmlrpc", "ftplib", "smtplib", "telnetlib"),
)
CLIENT_CALLS = {
    *("open_connection", "open_unix_connection", "create_connection", "create_unix_connection"),
    *("create_datagram_endpoint", "sock_connect"),
}
SERVER_MODULES = ("http.server", "socketserver", "websockets.server", "websockets.asyncio.server")

PURE_ROOMS = {"domain", "connector", "market", "strategy", "gates", "execution"}
IMPURE = (
    *("time", "random", "secrets", "uuid.uuid1", "uuid.uuid4", "os.urandom", "asyncio", "threading"),
    *("datetime.datetime.now", "datetime.datetime.utcnow", "datetime.datetime.today", "datetime.date.today"),
    *("os.environ", "os.environb", "os.getenv", "os.putenv", "sys.argv", "sys.path", "sys.prefix"),
)
#: Finding plugins is reading where this Python keeps its distributions.
MAY_READ_IMPORT_PATH = {"paraphina_core/connector/discovery.py", "paraphina_core/connector/loader.py"}

#: The secret number of a signature is no decision: nothing may depend on it or repeat it. It comes from the
#: operating system and from nowhere else, and is worked on aside, between other things.
MAY_DRAW_SECRETS = {
    "plugins/paraphina-lighter/paraphina_lighter/crypto/nonces.py",
    "plugins/paraphina-lighter/paraphina_lighter/crypto/schnorr.py",
}

MAX_LINES = 499


@dataclass(frozen=True)
class Reference:
    """One dotted name that a module imports or uses, with every alias resolved."""

    dotted: str
    line: int

    def within(self, *modules: str) -> bool:
        """Say whether the name is one of these, or lies inside one of them."""
        return any(self.dotted == module or self.dotted.startswith(f"{module}.") for module in modules)


@dataclass(frozen=True)
class _Binding:
    """An import, the name it binds in the module, and what that name means from then on."""

    reference: Reference
    alias: str
    means: str


@dataclass(frozen=True)
class Module:
    """One Python file, its import name and what it refers to."""

    path: str
    dotted: str
    is_package: bool
    source: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.source, self.path)

    @property
    def room(self) -> str | None:
        """The room of the core that the file belongs to; None for the core's own top and for plugins."""
        parts = self.dotted.split(".")
        return parts[1] if parts[0] == CORE and len(parts) > 1 and parts[1] in FLOORS else None

    @property
    def venue(self) -> str | None:
        """The venue of the plugin that the file belongs to; None in the core."""
        found = re.match(r"plugins/paraphina-([^/]+)/", self.path)
        return found and found[1]

    @property
    def is_test(self) -> bool:
        return self.venue is not None and "/tests/" in self.path

    @property
    def is_twin(self) -> bool:
        return self.venue is not None and self.dotted.split(".")[1:2] == ["twin"]

    @cached_property
    def imports(self) -> tuple[Reference, ...]:
        """Every imported name; `from a import b` is `a.b`, relative imports are made absolute."""
        return tuple(binding.reference for binding in self._bindings)

    @cached_property
    def references(self) -> tuple[Reference, ...]:
        """Every import, and every dotted use of an imported name."""
        meaning = {binding.alias: binding.means for binding in self._bindings}
        uses = []
        for node in ast.walk(self.tree):
            parts: list[str] = []
            base: ast.AST = node
            while isinstance(base, ast.Attribute):
                parts.insert(0, base.attr)
                base = base.value
            if isinstance(base, ast.Name) and base.id in meaning:
                uses.append(Reference(".".join([meaning[base.id], *parts]), base.lineno))
        return (*self.imports, *uses)

    @cached_property
    def _bindings(self) -> tuple[_Binding, ...]:
        return tuple(self._find_bindings())

    def _find_bindings(self) -> Iterator[_Binding]:
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for name in node.names:
                    top = name.name.split(".")[0]  # `import a.b` binds a, `import a.b as c` binds a.b
                    means = name.name if name.asname else top
                    yield _Binding(Reference(name.name, node.lineno), name.asname or top, means)
            elif isinstance(node, ast.ImportFrom):
                base = self._absolute(node)
                for name in node.names:
                    dotted = f"{base}.{name.name}"
                    yield _Binding(Reference(dotted, node.lineno), name.asname or name.name, dotted)
            elif isinstance(node, ast.Call) and _called(node) in {"import_module", "__import__"}:
                for argument in node.args[:1]:
                    if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                        yield _Binding(Reference(argument.value, node.lineno), "", argument.value)

    def _absolute(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        package = self.dotted.split(".")
        package = package[: len(package) - node.level + self.is_package]
        return ".".join([*package, *([node.module] if node.module else [])])


class Project:
    """A checkout: the files of the core, and those of the plugins beside it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.core = tuple(self._modules(root / CORE, root))
        self.plugins = tuple(
            module
            for folder in sorted(root.glob("plugins/paraphina-*"))
            for module in self._modules(folder, folder)
        )
        self.modules = (*self.core, *self.plugins)
        self.venues = {folder.name.removeprefix("paraphina-") for folder in root.glob("plugins/paraphina-*")}

    def _modules(self, folder: Path, import_root: Path) -> Iterator[Module]:
        for path in sorted(folder.rglob("*.py")):
            parts = path.relative_to(import_root).with_suffix("").parts
            is_package = parts[-1] == "__init__"
            yield Module(
                path=path.relative_to(self.root).as_posix(),
                dotted=".".join(parts[:-1] if is_package else parts),
                is_package=is_package,
                source=path.read_text(encoding="utf-8"),
            )

    @cached_property
    def exports(self) -> dict[str, set[str]]:
        """What each room exports: the names in its `__all__`."""
        doors = {module.dotted: module for module in self.core if module.is_package}
        return {
            room: _names_in_all(doors[f"{CORE}.{room}"].tree) for room in FLOORS if f"{CORE}.{room}" in doors
        }


def _called(node: ast.Call) -> str:
    """Return the last word of what is called: `b` for both `a.b()` and `b()`."""
    return ast.unparse(node.func).rsplit(".", maxsplit=1)[-1]


def _names_in_all(tree: ast.Module) -> set[str]:
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(
            isinstance(target, ast.Name) and target.id == "__all__" for target in node.targets
        ):
            return set(ast.literal_eval(node.value))
    return set()


def _room_of(reference: Reference) -> str | None:
    """Return the room that a reference points to; `paraphina_core.__version__` points to none."""
    parts = reference.dotted.split(".")
    return parts[1] if parts[0] == CORE and len(parts) > 1 and not parts[1].startswith("__") else None


def core_holds_only_rooms(project: Project) -> Iterator[str]:
    """The core's top level holds its rooms and nothing else."""
    for entry in sorted((project.root / CORE).iterdir()):
        if entry.name == "__pycache__":
            continue
        if entry.is_dir() and entry.name not in FLOORS:
            yield f"{CORE}/{entry.name}: no such room; the rooms are {', '.join(FLOORS)}"
        elif entry.is_dir() and not (entry / "__init__.py").is_file():
            yield f"{CORE}/{entry.name}: a room says its promise in __init__.py, which is missing"
        elif entry.is_file() and entry.name not in TOP_LEVEL_FILES:
            yield f"{CORE}/{entry.name}: no file belongs here but {', '.join(TOP_LEVEL_FILES)}"


def rooms_import_downwards(project: Project) -> Iterator[str]:
    """A room imports from lower floors only, never from its own floor and never from above."""
    for module in project.core:
        name = module.path.removeprefix(f"{CORE}/")
        below = FLOORS[module.room] if module.room else TOP_LEVEL_FILES.get(name, 0) + 1
        for reference in module.references:
            target = _room_of(reference)
            if target is None or target == module.room:
                continue
            if target not in FLOORS:
                yield f"{module.path}:{reference.line}: imports {reference.dotted}, which is in no room"
            elif FLOORS[target] >= below:
                yield (
                    f"{module.path}:{reference.line}: may import from floors below {below}; "
                    f"{target} is on floor {FLOORS[target]}"
                )


def rooms_are_entered_by_their_door(project: Project) -> Iterator[str]:
    """Other rooms and plugins use what a room's `__init__` exports, not the modules behind it."""
    for module in project.modules:
        for reference in module.references:
            room = _room_of(reference)
            inside = reference.dotted.split(".")[2:3]
            if room not in FLOORS or room == module.room or not inside:
                continue
            if inside[0] not in project.exports.get(room, set()):
                yield f"{module.path}:{reference.line}: {CORE}.{room} does not export {inside[0]}"


def core_imports_no_plugin(project: Project) -> Iterator[str]:
    """The core finds plugins through entry points and never imports one."""
    for module in project.core:
        for reference in module.imports:
            if reference.within(*map(_package, project.venues)):
                yield f"{module.path}:{reference.line}: the core imports the plugin {reference.dotted}"


def plugins_import_the_contract(project: Project) -> Iterator[str]:
    """A plugin imports domain and connector (its twin and tests: also twin, conformance), no other plugin."""
    for module in project.plugins:
        allowed = PLUGIN_TWIN_MAY_IMPORT if module.is_twin or module.is_test else PLUGIN_MAY_IMPORT
        others = {_package(venue) for venue in project.venues - {module.venue}}
        for reference in module.imports:
            if reference.within(*others):
                yield f"{module.path}:{reference.line}: imports another plugin, {reference.dotted}"
            elif reference.within(CORE) and _room_of(reference) not in allowed:
                wanted = ", ".join(sorted(allowed))
                yield f"{module.path}:{reference.line}: imports {reference.dotted}; allowed are {wanted}"


def _package(venue: str) -> str:
    return f"paraphina_{venue}".replace("-", "_")


def core_names_no_venue(project: Project) -> Iterator[str]:
    """No text in the core is a venue's name, so none can be compared; capabilities decide."""
    names = {name for venue in project.venues for name in (venue, f"live_{venue}", _package(venue))}
    for module in project.core:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes):
                text = node.value if isinstance(node.value, str) else node.value.decode("latin-1")
                if text.strip().lower().replace("-", "_") in names:
                    yield f"{module.path}:{node.lineno}: names the venue {text!r}; ask for a capability"


def only_transport_opens_sockets(project: Project) -> Iterator[str]:
    """Client connections are opened in transport; twin and ops may serve."""
    for module in project.modules:
        if module.room == "transport" or module.is_test:
            continue
        serves = module.room in {"twin", "ops"} or module.is_twin
        for reference in module.references:
            if serves and reference.within(*SERVER_MODULES):
                continue
            if reference.within(*CLIENT_MODULES) or (not serves and reference.within(*SERVER_MODULES)):
                yield f"{module.path}:{reference.line}: {reference.dotted} is for transport only"
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Attribute | ast.Name):
                called = node.attr if isinstance(node, ast.Attribute) else node.id
                if called in CLIENT_CALLS:
                    yield f"{module.path}:{node.lineno}: {called} is for transport only"


def decisions_are_pure(project: Project) -> Iterator[str]:
    """Time, randomness and environment come into the deciding rooms and the plugins as arguments."""
    for module in project.modules:
        if not (module.room in PURE_ROOMS or (module.venue and not module.is_test and not module.is_twin)):
            continue
        seeded = {"random", "random.Random"}
        for reference in module.references:
            if reference.within("sys") and module.path in MAY_READ_IMPORT_PATH:
                continue
            if reference.within("os.urandom", "threading", "time") and module.path in MAY_DRAW_SECRETS:
                continue
            if reference.within(*IMPURE) and reference.dotted not in seeded:
                yield f"{module.path}:{reference.line}: {reference.dotted} must come in as an argument"
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Call) and _called(node) == "Random" and not node.args:
                yield f"{module.path}:{node.lineno}: a generator without a seed cannot be repeated"


def files_are_short(project: Project) -> Iterator[str]:
    """A file fits into one's head: fewer than 500 lines."""
    for module in project.modules:
        lines = len(module.source.splitlines())
        if lines > MAX_LINES:
            yield f"{module.path}: {lines} lines, wanted at most {MAX_LINES}; split it by idea"


RULES = (
    core_holds_only_rooms,
    rooms_import_downwards,
    rooms_are_entered_by_their_door,
    core_imports_no_plugin,
    plugins_import_the_contract,
    core_names_no_venue,
    only_transport_opens_sockets,
    decisions_are_pure,
    files_are_short,
)
