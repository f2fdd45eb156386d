"""Find the plugins of this environment without importing them, and say what is wrong with each.

An entry point is an execution channel: whoever can put a folder on the import path can claim one. So
every claim is listed here first, with its problems, and only one without a problem is ever imported.
"""

from __future__ import annotations

import importlib.util
import sys
import sysconfig
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Final

import msgspec
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from paraphina_core import __version__
from paraphina_core.domain import LocalError, canonical_name

from .hooks import PROJECT
from .installed import Installed, installed_below
from .source_hash import files_below, source_hash

#: Damaged files that are named; a thousand of them are one problem.
_MAX_LISTED: Final = 5


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """One entry point that claims to be a plugin; it is imported only if it has no problems.

    Args:
        name: name of the entry point.
        module: module it names.
        distribution: normalised name of the distribution that brings it.
        version: version of that distribution.
        location: folder or file of the code, or where the metadata was found if there is none.
        editable: the code is a working copy, which can change after every check.
        source_hash: hash of the source code, empty if it could not be taken.
        problems: why it must not be imported, each a sentence.
    """

    name: str
    module: str
    distribution: str
    version: str
    location: str
    editable: bool = False
    source_hash: str = ""
    problems: tuple[str, ...] = ()


def environment_folders() -> tuple[Path, ...]:
    """Return the site-packages folders of the running Python environment."""
    paths = sysconfig.get_paths()
    return tuple({Path(paths[name]).resolve(): None for name in ("purelib", "platlib")})


def discover(
    *,
    search_path: Sequence[str] | None = None,
    environment: Sequence[Path] | None = None,
    core_version: str = __version__,
) -> tuple[Candidate, ...]:
    """List every plugin that can be seen, sorted by name, without importing any.

    Args:
        search_path: folders to look in; None for those this Python imports from.
        environment: folders that a plugin may be installed in; None for this environment's own.
        core_version: version that a plugin must fit.
    """
    inside = environment_folders() if environment is None else [folder.resolve() for folder in environment]
    roots = {Path(entry).resolve(): None for entry in (sys.path if search_path is None else search_path)}
    seen = [installed for root in roots for installed in installed_below(root)]
    own = [installed for installed in seen if installed.root in inside]
    foreign = [installed for installed in seen if installed.root not in inside]
    candidates = [
        *_refuse_shared_names([one for installed in own for one in _candidates(installed, core_version)]),
        *(one for installed in _without_build_leftovers(foreign, own) for one in _foreign(installed)),
    ]
    return tuple(
        sorted(candidates, key=lambda one: (canonical_name(one.name), one.distribution, one.version))
    )


def _without_build_leftovers(foreign: Iterable[Installed], own: Iterable[Installed]) -> Iterator[Installed]:
    """Leave out the metadata that a build left in the working copy of an editable installation."""
    projects = {installed.name: installed.project for installed in own if installed.project}
    for installed in foreign:
        project = projects.get(installed.name)
        if project is None or not installed.root.is_relative_to(project):
            yield installed


def _foreign(installed: Installed) -> Iterator[Candidate]:
    """List what was found outside the environment; nothing in it is believed."""
    problem = (
        f"it lies in {installed.root}, outside this environment; install it into this one with"
        f" `{sys.executable} -m pip install`, not through PYTHONPATH or the current folder"
    )
    for name, module in _entry_points(installed):
        yield Candidate(
            name=name,
            module=module,
            distribution=installed.name,
            version=installed.version,
            location=str(installed.root),
            problems=(problem,),
        )


def _candidates(installed: Installed, core_version: str) -> Iterator[Candidate]:
    for name, module in _entry_points(installed):
        problems = [*_damage(installed), *_unfit(installed, core_version)]
        location, code_hash = installed.root, ""
        try:
            location, import_root = _code(installed, module)
            files = files_below(location, import_root) if installed.project else installed.source_files()
            code_hash = source_hash(files, import_root if installed.project else installed.root)
        except (LocalError, OSError) as e:
            problems.append(str(e))
        yield Candidate(
            name=name,
            module=module,
            distribution=installed.name,
            version=installed.version,
            location=str(location),
            editable=installed.project is not None,
            source_hash=code_hash,
            problems=tuple(problems),
        )


def _entry_points(installed: Installed) -> tuple[tuple[str, str], ...]:
    """Return `(name, module)` of each claim; of an unreadable file the error stands for the module."""
    try:
        return installed.entry_points(PROJECT)
    except LocalError as e:
        return ((installed.name, str(e)),)


def _damage(installed: Installed) -> tuple[str, ...]:
    try:
        damage = list(installed.damage())
    except LocalError as e:
        damage = [str(e)]
    if len(damage) > _MAX_LISTED:
        damage[_MAX_LISTED:] = [f"and {len(damage) - _MAX_LISTED} more"]
    return (f"{'; '.join(damage)}; reinstall {installed.name}",) if damage else ()


def _unfit(installed: Installed, core_version: str) -> Iterator[str]:
    """Compare the plugin's requirements with the version of the core that is running."""
    stated = False
    for line in installed.requirements:
        try:
            requirement = Requirement(line)
            applies = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
        except ValueError:
            continue  # a line that nobody can read states nothing
        if canonicalize_name(requirement.name) == PROJECT and applies:
            stated = True
            if not requirement.specifier.contains(core_version, prereleases=True):
                yield f"it requires {PROJECT} {requirement.specifier}, and this is {PROJECT} {core_version}"
    if not stated:
        yield f"it does not say which {PROJECT} it requires; its author must add that dependency"


def _code(installed: Installed, module: str) -> tuple[Path, Path]:
    """Find the package folder, or the file, that an import would run, and its folder on the import path.

    Raises:
        LocalError: there is no such module, or it is not a file of the distribution.
    """
    parts = module.split(".")
    if not all(part.isidentifier() for part in parts):
        raise LocalError("its entry point does not name a module", found=module)
    locations: Sequence[str] | None = None
    for depth in range(len(parts)):
        name = ".".join(parts[: depth + 1])
        try:
            # Looking up the outermost name imports nothing; looking up an inner one would.
            spec = PathFinder.find_spec(name, locations) if depth else importlib.util.find_spec(name)
        except (ImportError, ValueError, AttributeError) as e:
            raise LocalError(f"its module {name} cannot be looked up", found=str(e)) from e
        if spec is None:
            raise LocalError(f"its module {name} cannot be found")
        if spec.origin is not None:
            origin = Path(spec.origin).resolve()
            if not _belongs(origin, installed):
                raise LocalError(
                    f"importing {name} would run a file that is not of {installed.name}", found=str(origin)
                )
            code = origin if spec.submodule_search_locations is None else origin.parent
            return code, code.parents[depth]
        locations = spec.submodule_search_locations  # a namespace folder: holds no code of its own
    raise LocalError(f"its module {module} holds no code")


def _belongs(origin: Path, installed: Installed) -> bool:
    if installed.project is not None:
        return origin.is_relative_to(installed.project)
    return origin in {(installed.root / path).resolve() for path in installed.source_files()}


def _refuse_shared_names(candidates: Sequence[Candidate]) -> Iterator[Candidate]:
    """Refuse every claimant of a name that is claimed more than once.

    Which of them a folder listing yields first is chance, and therefore open to attack.
    """
    claims = defaultdict(list)
    for candidate in candidates:
        claims[canonical_name(candidate.name)].append(candidate)
    for candidate in candidates:
        rivals = [one for one in claims[canonical_name(candidate.name)] if one is not candidate]
        if not rivals:
            yield candidate
            continue
        others = " and ".join(f"{rival.distribution} {rival.version}" for rival in rivals)
        problem = f"the name {candidate.name} is also claimed by {others}; uninstall all but one"
        yield msgspec.structs.replace(candidate, problems=(*candidate.problems, problem))
