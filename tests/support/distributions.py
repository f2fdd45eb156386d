"""Fabricated installed distributions: what `pip install` leaves in site-packages, without pip."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

from paraphina_core.connector import Candidate, FeatureFlag, Plugins, discover, load_plugins

PLUGIN = """
from paraphina_core.connector import Capability, ConnectorSpec, TradeMode, hookimpl

@hookimpl
def paraphina_register_connectors(register):
    register(ConnectorSpec(
        name={name!r}, venue="Fabricated", feature_flag=None, capabilities={{Capability.MARKET: "made up"}},
        trade_modes=frozenset({{TradeMode.PAPER}}), factory=lambda context: None,
    ))
"""


@dataclass
class Wheel:
    """A plugin as a wheel installs it.

    Args:
        name: name of the distribution; its one package is called the same with underscores.
        code: source of the package; None for one that registers a connector of the package's name.
        files: more files, by path relative to the import folder.
    """

    name: str
    code: str | None = None
    version: str = "1.0"
    entry_points: str | None = None
    requires: tuple[str, ...] = ("paraphina>=0.1,<0.2",)
    files: dict[str, str] = field(default_factory=dict)

    @property
    def package(self) -> str:
        """Name of the import package."""
        return self.name.replace("-", "_")

    @property
    def dist_info(self) -> str:
        """Name of the metadata folder."""
        return f"{self.package}-{self.version}.dist-info"

    def install(self, folder: Path) -> Wheel:
        """Write code and metadata into a folder, with a RECORD of them."""
        self._write(folder, self._code() | self._metadata())
        return self

    def install_editable(self, folder: Path, project: Path) -> Wheel:
        """Write the code into a project folder, and into `folder` only what points there."""
        self._write(project, self._code(), record=False)
        direct = {"url": project.as_uri(), "dir_info": {"editable": True}}
        pointers = {
            f"_{self.package}.pth": str(project),
            f"{self.dist_info}/direct_url.json": json.dumps(direct),
        }
        self._write(folder, self._metadata() | pointers)
        return self

    def install_metadata_only(self, folder: Path) -> Wheel:
        """Write what an attacker needs to be listed as a plugin: metadata without a RECORD, and code."""
        self._write(folder, self._code() | self._metadata(), record=False)
        return self

    def _code(self) -> dict[str, str]:
        code = PLUGIN.format(name=self.package) if self.code is None else self.code
        return {f"{self.package}/__init__.py": code, **self.files}

    def _metadata(self) -> dict[str, str]:
        points = self.entry_points
        if points is None:
            points = f"[paraphina]\n{self.package} = {self.package}\n"
        headers = ["Metadata-Version: 2.1", f"Name: {self.name}", f"Version: {self.version}"]
        headers += [f"Requires-Dist: {line}" for line in self.requires]
        return {
            f"{self.dist_info}/METADATA": "\n".join([*headers, "", ""]),
            f"{self.dist_info}/entry_points.txt": points,
        }

    def _write(self, folder: Path, files: dict[str, str], *, record: bool = True) -> None:
        for path, text in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text, encoding="utf-8")
        if record:
            rows = [f"{path},sha256={_digest(text)},{len(text)}" for path, text in files.items()]
            rows.append(f"{self.dist_info}/RECORD,,")
            (folder / self.dist_info / "RECORD").write_text("\n".join(rows) + "\n", encoding="utf-8")


@dataclass
class Site:
    """A site-packages folder of its own, on the import path."""

    folder: Path

    def candidates(self, *more: Path, core_version: str = "0.1.0") -> tuple[Candidate, ...]:
        """Discover what is installed here, and what lies in more folders of the import path."""
        path = [str(folder) for folder in (*more, self.folder)]
        return discover(search_path=path, environment=[self.folder], core_version=core_version)

    def only(self, core_version: str = "0.1.0") -> Candidate:
        """Return the one candidate there is."""
        (candidate,) = self.candidates(core_version=core_version)
        return candidate

    def problem(self) -> str:
        """Return the one problem of the one candidate there is."""
        (problem,) = self.only().problems
        return problem

    def load(self, *builtins: ModuleType, flags: tuple[FeatureFlag, ...] = ()) -> Plugins:
        """Load what is installed here."""
        return load_plugins(builtins, self.candidates(), flags)


def _digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
