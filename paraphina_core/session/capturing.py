"""Prepares the recording of one venue: its connector, real time, and a folder that says what it is of."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from paraphina_core.config import Config
from paraphina_core.connector import ConnectorContext, Plugins
from paraphina_core.domain import NS_PER_S, LocalError
from paraphina_core.transport import Capture, Recorder

from .clock import RealPacer
from .endpoints import engine_of
from .outputs import build_info, write_json
from .seeds import seed_of

#: Says what a folder of recorded frames is a recording of.
RECORDING_FILE: Final = "recording.json"

#: Where recordings are kept when the operator names no folder, relative to where the program was started.
RECORDINGS_FOLDER: Final = Path("recordings")


def recording_folder(wanted: Path | None, connector: str) -> Path:
    """Return the folder of a new recording, or of one that is to be continued."""
    stamp = datetime.fromtimestamp(time.time_ns() / NS_PER_S, UTC).strftime("%Y%m%dT%H%M%SZ")
    return RECORDINGS_FOLDER / f"{connector}-{stamp}" if wanted is None else wanted


def capture(config: Config, plugins: Plugins, recorder: Recorder, folder: Path) -> Capture:
    """Prepare to record the one selected connector; nothing is connected yet.

    Args:
        config: in a mode that sends no orders.
        plugins: what is installed.
        recorder: writes to `folder`.
        folder: gets a file that says what is recorded by which code.

    Raises:
        LocalError: it is not built, or has nothing to record.
    """
    (name,) = config.selected
    spec = plugins.connectors[name]
    if spec.factory is None:
        raise LocalError(f"connector {name} is not built yet", wanted="a connector with trade modes")
    mode = config.session.trade_mode
    seed = seed_of(config.session.seed, name)
    settings = config.connectors.get(name, {})
    connector = spec.factory(ConnectorContext(mode=mode, network=mode.network, settings=settings, seed=seed))
    made = Capture(connector, recorder, clock=RealPacer(), seed=seed, engine=engine_of(config))
    write_json(
        folder / RECORDING_FILE,
        {
            "connector": name,
            "network": mode.network.value,
            "settings": dict(settings),
            "started": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "build": build_info(plugins),
        },
    )
    return made
