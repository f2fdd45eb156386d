"""The garbage collector leaves alone what a session's process has loaded."""

from __future__ import annotations

import gc

from paraphina_core.session import settle_memory


def test_what_is_loaded_is_passed_over_by_the_collector_once_memory_is_settled() -> None:
    """A pass over everything takes milliseconds, in which frames would wait."""
    before = gc.get_freeze_count()
    try:
        settle_memory()
        assert gc.get_freeze_count() > before + 10_000
    finally:
        gc.unfreeze()
