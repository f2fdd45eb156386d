"""A twin in this process, and sessions in processes of their own that trade on it and may be killed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

import dying
from paraphina_core import strategy
from paraphina_core.connector import Network, load_plugins, mock
from paraphina_core.domain import ClientOrderId, PlaceOrder
from paraphina_core.journal import read
from paraphina_core.twin import (
    AccountTruth,
    TwinHost,
    TwinLogin,
    TwinServer,
    TwinThread,
    parse_fault,
    truth,
    wall_clock,
)

NAME = "hyperliquid"


class Coast:
    """A twin in this process, and the sessions that are run on it one after the other."""

    def __init__(self, folder: Path, twin: TwinThread) -> None:
        self.folder = folder
        self.runs: list[Path] = []
        self.options: tuple[str, ...] = ()
        self._twin = twin
        self._said = (folder / "said").open("wb")

    def close(self) -> None:
        """Close what the sessions print to."""
        self._said.close()

    def start(self, *options: str, dies: Sequence[str] = ()) -> subprocess.Popen[bytes]:
        """Start a session in a process of its own."""
        out = self.folder / f"out-{len(self.runs)}"
        self.runs.append(out)
        program = [str(Path(dying.__file__)), *dies] if dies else ["-m", "paraphina_core"]
        return subprocess.Popen(
            [
                *(sys.executable, *program, "run", "--connector", NAME, "--trade-mode", "testnet"),
                *("--twin-url", self.origin, "--out-dir", str(out), *self.options, *options),
            ],
            cwd=self.folder,
            env={**os.environ, "PARAPHINA_HOME": str(self.folder / "home")},
            stdin=subprocess.DEVNULL,
            stdout=self._said,
            stderr=subprocess.STDOUT,
        )

    def said(self) -> str:
        """Return what the sessions printed last."""
        return (self.folder / "said").read_text()[-3_000:]

    def end(self) -> Mapping[str, object]:
        """Run a last session to its end in good order, and return its summary."""
        with self.start("--duration", "6s") as last:
            assert last.wait(60) == 0, self.said()
        summary: dict[str, object] = msgspec.json.decode((self.runs[-1] / "summary.json").read_bytes())
        return summary

    @property
    def origin(self) -> str:
        """The twin's address."""
        return self._twin.server.origin

    @property
    def login(self) -> TwinLogin:
        """The way into the account that the sessions trade."""
        return self._twin.call(lambda host, _: host.twin.logins[0])

    def arm(self, *faults: str) -> None:
        """Let something go wrong at the venue."""
        self._twin.arm(*map(parse_fault, faults))

    def truth(self) -> AccountTruth:
        """Return the account as the venue has it."""
        name = self.login.account
        return self._twin.call(lambda host, _: truth(host.exchange)[name])

    def written(self) -> list[ClientOrderId]:
        """Return the id of every order in every journal."""
        journals = [run / "journal" for run in self.runs if (run / "journal").is_dir()]
        records = [record for journal in journals for record in read(journal, unfinished_start=True)]
        return [
            msgspec.json.decode(record.data, type=PlaceOrder).client_order_id
            for record in records
            if record.kind == "place"
        ]


@contextmanager
def coast_in(folder: Path, host_type: type[TwinHost] = TwinHost) -> Iterator[Coast]:
    """Serve a twin, and yield it with what starts sessions."""
    spec = load_plugins([mock, strategy]).connector(NAME)

    def build() -> TwinServer:
        now_ns = wall_clock()
        settings = {"metered": "no"}  # so many starts within a minute are more than the venue bears
        host = host_type.of(spec, seed=3, start_ns=now_ns(), network=Network.TESTNET, settings=settings)
        return TwinServer(host, now_ns=now_ns)

    with TwinThread(build) as twin:
        made = Coast(folder, twin)
        try:
            yield made
        finally:
            made.close()
