"""What a session and its dashboard tell each other: one JSON object a line, each with its kind."""

from __future__ import annotations

from typing import Any, TypeAlias

import msgspec

from paraphina_core.connector import TradeMode
from paraphina_core.domain import RunNumber
from paraphina_core.gates import GateVerdict
from paraphina_core.session import SessionSnapshot


class Introduction(msgspec.Struct, frozen=True, kw_only=True, tag="introduction", tag_field="kind"):
    """What does not change while a run lasts; the first line.

    `stages` is the stage that each connector is declared to be at; `config` the configuration as it is
    kept with the run, in which a secret is only known to be set or not.
    """

    run: RunNumber
    mode: TradeMode
    version: str
    folder: str
    started: str
    gates: tuple[GateVerdict, ...]
    stages: dict[str, str]
    config: dict[str, Any]


class Shown(msgspec.Struct, frozen=True, kw_only=True, tag="snapshot", tag_field="kind"):
    """The session as it is now; `dropped` counts the snapshots before it that found no room."""

    snapshot: SessionSnapshot
    dropped: int = 0


class Ended(msgspec.Struct, frozen=True, kw_only=True, tag="ended", tag_field="kind"):
    """The run is over; the last line."""

    because: str
    exit_code: int


class Listening(msgspec.Struct, frozen=True, kw_only=True, tag="listening", tag_field="kind"):
    """Back to the session: where the dashboard is."""

    url: str


class Refused(msgspec.Struct, frozen=True, kw_only=True, tag="refused", tag_field="kind"):
    """Back to the session: why there is no dashboard."""

    reason: str


class Kill(msgspec.Struct, frozen=True, kw_only=True, tag="kill", tag_field="kind"):
    """Back to the session: somebody who has the token wants the kill switch fired."""

    reason: str


Told: TypeAlias = Introduction | Shown | Ended
Asked: TypeAlias = Listening | Refused | Kill
