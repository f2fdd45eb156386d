"""One number for the source code of a distribution, which anyone can recompute with `sha256sum`.

The hash is sha256 over one line for each file, sorted by path: `<sha256 of the file>  <path>`, paths
relative to the folder that is on the import path. The same code therefore has the same hash whether
it is installed as a wheel or editable. Compiled caches (`__pycache__`) are left out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Final

from paraphina_core.domain import LocalError

#: A package with more files than this is not a plugin but a mistake (a home folder, a checkout).
MAX_FILES: Final = 10_000


def file_hash(path: Path) -> str:
    """Return the sha256 of a file's content in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def source_hash(files: Iterable[str], root: Path) -> str:
    """Return the hash of these files.

    Args:
        files: paths relative to `root`, with forward slashes.
        root: the folder on the import path that holds them.

    Raises:
        LocalError: there are more than `MAX_FILES`.
        OSError: a file cannot be read.
    """
    paths = sorted(set(files))
    if len(paths) > MAX_FILES:
        raise LocalError(f"{root} holds too many files", found=len(paths), wanted=f"at most {MAX_FILES}")
    lines = (f"{file_hash(root / path)}  {path}\n" for path in paths)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def files_below(package: Path, root: Path) -> tuple[str, ...]:
    """List the files of an import package, or the module itself, relative to the import folder `root`.

    Raises:
        LocalError: a folder in it is a symbolic link, whose content no hash would cover, or there
            are more than `MAX_FILES` files.
    """
    if package.is_file():
        return (package.relative_to(root).as_posix(),)
    found: list[str] = []
    folders = [package]
    while folders:
        for entry in sorted(folders.pop().iterdir()):
            if entry.is_dir() and entry.is_symlink():
                raise LocalError("a folder of source code is a symbolic link", found=str(entry))
            if entry.is_dir() and entry.name != "__pycache__":
                folders.append(entry)
            elif entry.is_file():
                found.append(entry.relative_to(root).as_posix())
        if len(found) > MAX_FILES:
            raise LocalError(f"{package} holds too many files", wanted=f"at most {MAX_FILES}")
    return tuple(found)


@cache
def core_hash() -> str:
    """Return the source hash of the core that is running."""
    package = Path(__file__).resolve().parents[1]
    return source_hash(files_below(package, package.parent), package.parent)
