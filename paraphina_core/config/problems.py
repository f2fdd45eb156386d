"""Find every mistake before reporting any, so that nobody starts ten times to read ten errors."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from paraphina_core.domain import ConfigError


class ConfigErrors(ConfigError):  # noqa: N818  # it is several of them
    """Several mistakes in one configuration; `errors` holds each of them."""

    def __init__(self, errors: tuple[ConfigError, ...]) -> None:
        self.errors = errors
        lines = "".join(f"\n  {number}. {error}" for number, error in enumerate(errors, start=1))
        super().__init__(f"the configuration has {len(errors)} errors:{lines}")


class Problems:
    """Collects configuration errors until `raise_if_any` reports them together."""

    def __init__(self) -> None:
        self._errors: list[ConfigError] = []

    def add(self, errors: Iterable[ConfigError]) -> None:
        """Note errors that were found without raising them."""
        self._errors.extend(errors)

    @contextmanager
    def collect(self, place: str = "") -> Iterator[None]:
        """Note a configuration error that the block raises, and go on after the block.

        Args:
            place: what the block is about, where the error itself does not know it.
        """
        try:
            yield
        except ConfigError as e:
            for error in e.errors if isinstance(e, ConfigErrors) else (e,):
                self._errors.append(ConfigError(f"{place}: {error}") if place else error)

    def raise_if_any(self) -> None:
        """Raise what was noted.

        Raises:
            ConfigError: the error itself if it is the only one, else `ConfigErrors`.
        """
        if len(self._errors) == 1:
            raise self._errors[0]
        if self._errors:
            raise ConfigErrors(tuple(self._errors))
