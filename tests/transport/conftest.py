"""Every stream is tested on each engine that works here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from streaming import ENGINES, using

if TYPE_CHECKING:
    from collections.abc import Iterator

    from paraphina_core.transport import Engine


@pytest.fixture(params=ENGINES, ids=lambda engine: f"{engine.websocket.name}-{engine.event_loop.name}")
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """Run the test once on each engine."""
    with using(request.param):
        yield request.param
