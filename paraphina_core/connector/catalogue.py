"""The feature flags of the core: which distribution each one installs, installed or not.

Everything is read from the metadata of the core's own distribution, so that no venue stands in code.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from paraphina_core.domain import canonical_name

from .discovery import environment_folders
from .hooks import PROJECT
from .installed import Installed, installed_below

#: Extras of this prefix are feature flags: each brings the connectors of one venue.
_PREFIX: Final = "live_"
_BUNDLE: Final = "live"


class FeatureFlag(msgspec.Struct, frozen=True, kw_only=True):
    """An extra of the core that installs plugins.

    Args:
        name: what stands between the brackets, for example `live_x`.
        distributions: normalised names of what it installs; several for the flag `live`.
    """

    name: str
    distributions: tuple[str, ...]

    @property
    def command(self) -> str:
        """The command that installs it."""
        return f"pip install '{PROJECT}[{self.name}]'"

    @property
    def connector(self) -> str:
        """The name that is kept for its plugin: `x` for `live_x`; `live` keeps none and returns itself."""
        return self.name.removeprefix(_PREFIX)

    def brings(self, connector: str) -> bool:
        """Say whether its plugin would bring a connector of that canonical name, as far as names tell."""
        return not self.is_bundle and (
            connector in {self.name, self.connector} or connector.startswith(f"{self.connector}_")
        )

    @property
    def is_bundle(self) -> bool:
        """True for the flag that installs all the others."""
        return self.name == _BUNDLE


def feature_flags(environment: Sequence[Path] | None = None) -> tuple[FeatureFlag, ...]:
    """Return the feature flags of the installed core, sorted by name; none if it is not installed.

    Args:
        environment: folders to look for the core in; None for this environment's own.
    """
    for folder in environment_folders() if environment is None else environment:
        for installed in installed_below(folder):
            if installed.name == PROJECT:
                return tuple(sorted(_flags(installed), key=lambda flag: flag.name))
    return ()


def _flags(installed: Installed) -> Iterator[FeatureFlag]:
    requirements = [Requirement(line) for line in installed.requirements]
    for extra in installed.extras:
        name = canonical_name(extra)  # builders may write live-x for live_x
        if name != _BUNDLE and not name.startswith(_PREFIX):
            continue
        distributions = {
            canonicalize_name(requirement.name)
            for requirement in requirements
            if requirement.marker is not None
            and requirement.marker.evaluate({"extra": extra})
            and not requirement.marker.evaluate({"extra": ""})
        }
        yield FeatureFlag(name=name, distributions=tuple(sorted(distributions)))
