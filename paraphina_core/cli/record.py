"""`paraphina record`: writes down what a venue sends, without a key and without an order."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from .common import load

if TYPE_CHECKING:
    from paraphina_core.transport import Capture

#: How often a line tells how far it is, in real seconds.
TELL_EVERY_S: Final = 2.0


@click.command("record")
@click.option("--connector", required=True, metavar="NAME", help="The connector whose venue is recorded.")
@click.option("--duration", metavar="TIME", help="How long, such as 90s, 15m or 12h; for ever if not given.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the recording, a new one in recordings if not given; one that is there is continued.",
)
@click.option(
    "--file-mb",
    type=click.IntRange(1, 4096),
    default=256,
    show_default=True,
    help="Size at which a new file is begun, MB.",
)
@click.option(
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    help="configuration file (TOML) [PARAPHINA_CONFIG]",
)
def command(
    *, connector: str, duration: str | None, out: Path | None, file_mb: int, config: Path | None
) -> None:
    """Record the public streams and answers of one venue, with the time at which each arrived.

    No key is used and no order can be sent. Ctrl-C ends it in good order; what was recorded until a
    crash stays readable. Exit codes: 0 done; 2 bad usage or configuration.
    """
    from paraphina_core.config import resolve
    from paraphina_core.session import capture, engine_of, recording_folder
    from paraphina_core.transport import Recorder, run

    plugins = load()
    given = {"--connectors": connector, "--trade-mode": "shadow", "--duration": duration}
    resolved = resolve(
        cli={flag: value for flag, value in given.items() if value is not None},
        env=os.environ,
        file=config,
        plugins=plugins,
    )
    if len(resolved.selected) != 1:
        raise click.UsageError("one connector is recorded at a time")
    folder = recording_folder(out, resolved.selected[0])

    async def main() -> Capture:
        with Recorder(folder, max_file_bytes=file_mb * 1024 * 1024) as recorder:
            made = capture(resolved, plugins, recorder, folder)
            await _watched(made, resolved.session.duration_s)
            return made

    began_s = time.monotonic()
    made = run(main(), engine_of(resolved))
    click.echo(f"{_count(made)} in {time.monotonic() - began_s:.1f} s")
    for stream in made.streams:
        ends = ", ".join(f"{reason.value} {count}" for reason, count in stream.closures.items())
        click.echo(f"stream {stream.name}: opened {stream.openings} times; ended: {ends or 'never'}")
    click.echo(f"the recording is in {folder}")


async def _watched(made: Capture, duration_s: float | None) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, made.stop)
    if duration_s is not None:
        loop.call_later(duration_s, made.stop)
    telling = asyncio.create_task(_tell(made))
    try:
        await made.run()
    finally:
        telling.cancel()


async def _tell(made: Capture) -> None:
    while True:
        await asyncio.sleep(TELL_EVERY_S)
        closed = [stream.name for stream in made.streams if not stream.is_open]
        waiting = f"; not open: {', '.join(closed)}" if closed else ""
        click.echo(f"{_count(made)}{waiting}")


def _count(made: Capture) -> str:
    return f"recorded {made.frames} frames and {made.answers} answers"
