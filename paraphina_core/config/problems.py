"""Find every mistake before reporting any, so that nobody starts ten times to read ten errors."""

from __future__ import annotations

from collections.abc import Iterator
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

    def add(self, error: ConfigError) -> None:
        """Note an error; a bundle of errors is taken apart."""
        self._errors.extend(error.errors if isinstance(error, ConfigErrors) else (error,))

    @contextmanager
    def collect(self) -> Iterator[None]:
        """Note a configuration error that the block raises, and go on after the block."""
        try:
            yield
        except ConfigError as e:
            self.add(e)

    def raise_if_any(self) -> None:
        """Raise what was noted.

        Raises:
            ConfigError: the error itself if it is the only one, else `ConfigErrors`.
        """
        if len(self._errors) == 1:
            raise self._errors[0]
        if self._errors:
            raise ConfigErrors(tuple(self._errors))
