"""One run from its folder to its summary: opens the journal, drives the session, says what is left."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import msgspec

from paraphina_core.config import ClockKind, Config, JournalSync
from paraphina_core.connector import Plugins
from paraphina_core.domain import (
    CONTEXT,
    NS_PER_MS,
    NS_PER_S,
    InstrumentId,
    OrderReport,
    RunNumber,
    TradingState,
)
from paraphina_core.journal import Head, JournalError, JournalWriter, SyncPolicy, allocate_run_number
from paraphina_core.ops import TelemetryWriter

from .accounts import Accounts
from .clock import Pacer, RealPacer, VirtualPacer
from .compose import compose
from .driver import Driver, StopReason, Until
from .endpoints import access_of, engine_of
from .kill_latch import KillLatch
from .network import Network
from .operator_box import OperatorBox
from .outputs import (
    BUILD_FILE,
    CONFIG_FILE,
    DRIFT_FILE,
    JOURNAL_FOLDER,
    SUMMARY_FILE,
    TELEMETRY_FILE,
    build_info,
    run_folder,
    write_json,
)
from .record import WithDriftFile
from .running import Running, SessionFile
from .session import Session
from .snapshot import SessionSnapshot

#: Group of the journal's syncs in virtual time, where nothing is at a venue that a power cut could lose.
VIRTUAL_SYNC_MS: Final = 1_000

#: Period of telemetry records, session time.
TELEMETRY_EVERY_NS: Final = 1 * NS_PER_S


#: Exit code of a run in which the kill switch fired, and of one that it kept from starting.
KILLED_EXIT_CODE: Final = 5


class OrderLeft(msgspec.Struct, frozen=True, kw_only=True):
    """An order that was not confirmed gone when the run ended."""

    instrument: InstrumentId
    client_order_id: int
    side: str
    price: Decimal
    remaining_size: Decimal
    state: str


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """What a run came to; written as `summary.json`.

    `orders_left` holds, after a kill, also the orders of others that were on the account. `unconfirmed` names
    the connectors whose venue did not say in the end that no order is open. `latch_fault` says why the kill
    switch that fired is not kept on disk, and is empty if it is. `flattened` says that positions were to be
    closed, `was_breached` that a breach fired the kill switch and no operator.
    """

    run: RunNumber
    stopped_because: str
    started: str
    ended: str
    wall_s: float
    session: SessionSnapshot
    orders_left: tuple[OrderLeft, ...]
    unconfirmed: tuple[str, ...]
    positions_left: dict[InstrumentId, Decimal]
    flattened: bool
    journal_head: Head
    telemetry_failures: int
    latch_fault: str = ""
    was_breached: bool = False

    @property
    def was_killed(self) -> bool:
        """True if the kill switch fired."""
        return self.stopped_because == StopReason.KILLED.value

    @property
    def was_drill(self) -> bool:
        """True if an operator fired the kill switch, it is kept on disk, and nothing is left."""
        return self.exit_code == KILLED_EXIT_CODE and not (self.was_breached or self.latch_fault)

    @property
    def exit_code(self) -> int:
        """0 all done, 3 something is or may be left, 4 halted, 5 killed and nothing is left.

        A position that is left counts only where positions were to be closed.
        """
        if self.orders_left or self.unconfirmed or (self.flattened and self.positions_left):
            return 3
        if self.was_killed:
            return KILLED_EXIT_CODE
        return 4 if self.session.state is TradingState.HALTED else 0


class _Chores:
    """Syncs the journal in time and writes telemetry."""

    def __init__(
        self,
        journal: JournalWriter,
        telemetry: TelemetryWriter,
        snapshot: Callable[[], SessionSnapshot],
        session: Session,
    ) -> None:
        self._journal = journal
        self._telemetry = telemetry
        self._snapshot = snapshot
        self._session = session
        self._telemetry_ns = 0

    def due_ns(self) -> int | None:
        sync_ns = None if self._session.safety.record_lost else self._journal.next_sync_ns
        return self._telemetry_ns if sync_ns is None else min(sync_ns, self._telemetry_ns)

    def do(self, at_ns: int) -> None:
        try:
            if not self._session.safety.record_lost:
                self._journal.sync_if_due(at_ns)
        except JournalError as e:
            if not self._session.lose_record(str(e)):
                raise
        if at_ns >= self._telemetry_ns:
            self._telemetry_ns = at_ns + TELEMETRY_EVERY_NS
            self._telemetry.write(self._snapshot())


def settle_memory() -> None:
    """Let the garbage collector pass over all that is there now, which lives as long as the process.

    Called once by a process that runs a session, when everything is loaded: a pass over all of it would
    hold up a frame by milliseconds.
    """
    gc.collect()
    gc.freeze()


class Run:
    """One run; make it, then await `execute`.

    Args:
        config: what the operator wants; the start-up gates have passed.
        plugins: what is installed.
        home: state folder of the installation.
        killed: start with the kill switch fired, for this reason: such a run only cancels.
        flatten: such a run also closes positions.
        latches: a kill outlives the run, and keeps later ones from starting.
        start_ns: virtual time at which it begins, also that of its run number; None for now.

    Raises:
        LocalError: the folder, the journal or a connector cannot be had.
    """

    def __init__(
        self,
        config: Config,
        plugins: Plugins,
        home: Path,
        *,
        killed: str = "",
        flatten: bool = False,
        latches: bool = True,
        start_ns: int | None = None,
    ) -> None:
        self._wall_s = time.monotonic()
        at_ns = time.time_ns() if start_ns is None else start_ns
        numbers: list[RunNumber] = []

        def allocate() -> RunNumber:
            number = allocate_run_number(home, (time.time_ns() if start_ns is None else start_ns) // NS_PER_S)
            numbers.append(number)
            return number

        run = allocate()
        self.run = run
        self.folder = run_folder(config.session.out_dir, run, at_ns)
        write_json(self.folder / CONFIG_FILE, config.resolved())
        info = build_info(plugins)
        write_json(self.folder / BUILD_FILE, info)
        self._journal = JournalWriter(
            self.folder / JOURNAL_FOLDER,
            at_ns=at_ns,
            identity={"run": str(run), "mode": config.session.trade_mode.value},
            sync=SyncPolicy(
                always=config.journal.sync is JournalSync.ALWAYS,
                interval_ms=(
                    VIRTUAL_SYNC_MS
                    if config.session.clock is ClockKind.VIRTUAL
                    else config.journal.sync_interval_ms
                ),
                aside=config.session.clock is not ClockKind.VIRTUAL,
            ),
            segment_bytes=config.journal.segment_mb * 1024 * 1024,
        )
        first = iter((run,))
        specs = [plugins.connectors[name] for name in config.selected]
        self._accounts = Accounts(config, specs, home)
        start: dict[str, Any] = {
            "run": run,
            "config": config.resolved(),
            "build": info,
            "accounts": self._accounts.record,
        }
        self._pacer: Pacer = (
            VirtualPacer(at_ns)
            if config.session.clock is ClockKind.VIRTUAL
            else RealPacer(config.session.speed)
        )
        self.engine = engine_of(config)
        self._network = Network(
            self._pacer,
            {name: access_of(plugins.connectors[name], config) for name in config.selected},
            confined=config.is_on_twins,
            engine=self.engine,
        )
        self.session = compose(
            config,
            plugins,
            WithDriftFile(self._journal, self.folder / DRIFT_FILE),
            self._network,
            lambda: next(first, None) or allocate(),
            start,
            self._accounts.signatories,
            time.monotonic_ns if config.session.clock is ClockKind.REAL else None,
        )
        self.session.measure_delays(self._pacer.now_ns)
        self._telemetry = TelemetryWriter(self.folder / TELEMETRY_FILE)
        duration_s = config.session.duration_s
        self._box = OperatorBox(home, run)
        self._driver = Driver(
            self.session,
            self._pacer,
            network=self._network,
            tick_ns=config.session.tick_ms * NS_PER_MS,
            until=Until(
                duration_ns=None if duration_s is None else int(duration_s * NS_PER_S),
                max_ticks=config.session.max_ticks,
            ),
            chores=_Chores(self._journal, self._telemetry, self.snapshot, self.session),
            latch=KillLatch(home) if latches else None,
            operator=self._box,
        )
        if killed:
            self._driver.kill(killed, flatten=flatten)
        self._home = home
        self.started = datetime.fromtimestamp(at_ns / NS_PER_S, UTC).isoformat(timespec="seconds")
        self._told = SessionFile(
            run=run,
            pid=os.getpid(),
            mode=config.session.trade_mode,
            connectors=config.selected,
            accounts={name: dict(account["identity"]) for name, account in self._accounts.record.items()},
            folder=str(self.folder.absolute()),
            started=self.started,
        )

    def snapshot(self) -> SessionSnapshot:
        """Show the session as it is now."""
        shown = self.session.snapshot(self._pacer.now_ns())
        venues = tuple(
            msgspec.structs.replace(
                venue, connections=(*venue.connections, *self._network.connections(venue.connector))
            )
            for venue in shown.venues
        )
        return msgspec.structs.replace(shown, venues=venues)

    def request_stop(self) -> None:
        """Ask for an orderly end; callable from a signal handler of the event loop."""
        self._driver.request_stop()

    def kill(self, reason: str, *, flatten: bool = False) -> None:
        """Fire the kill switch: cancels leave within this call; callable from the event loop only.

        The one function for whatever may fire it from outside: a signal, a request, a watchdog. With
        `flatten` positions are closed too.
        """
        self._driver.kill(reason, flatten=flatten)

    def set_state(self, state: TradingState, reason: str, connector: str = "") -> None:
        """Set the session's trading state, or a venue's; callable from the event loop only.

        Raises:
            LocalError: nothing can be raised any more, or there is no such connector.
        """
        self._driver.set_state(state, reason, connector)

    async def execute(self) -> Summary:
        """Run to the end, cancel everything, and write the summary.

        A journal that fails ends the run, because nothing may be sent that is not recorded: at once on
        paper, and where orders are at a venue after they were cancelled, which needs no record.

        Raises:
            LocalError: the summary cannot be written.
        """
        started = datetime.now(UTC)
        running = Running(self._home, self._told)
        try:
            reason = await self._driver.run()
        except JournalError as e:
            reason = StopReason.JOURNAL_FAILED
            self.session.safety.abandon(str(e))
        finally:
            self._journal.close()
            self._accounts.close()
        summary = self._summary(reason, started)
        write_json(self.folder / SUMMARY_FILE, summary)
        running.close(tuple(self._left(summary)))
        self._box.close()
        self._telemetry.close()
        return summary

    def _summary(self, reason: StopReason, started: datetime) -> Summary:
        return Summary(
            run=self.run,
            stopped_because=reason.value,
            started=started.isoformat(timespec="milliseconds"),
            ended=datetime.now(UTC).isoformat(timespec="milliseconds"),
            wall_s=round(time.monotonic() - self._wall_s, 3),
            session=self.snapshot(),
            orders_left=(
                *(
                    OrderLeft(
                        instrument=record.order.instrument,
                        client_order_id=record.order.client_order_id,
                        side=record.order.side.value,
                        price=record.order.price,
                        remaining_size=record.remaining_size,
                        state=record.state.value,
                    )
                    for record in self.session.open_orders()
                ),
                *(_stray_left(report) for report in self.session.strays()),
            ),
            unconfirmed=self.session.unconfirmed,
            positions_left=self.session.positions(),
            flattened=self.session.safety.is_flattening,
            journal_head=self._journal.head,
            telemetry_failures=self._telemetry.failures,
            latch_fault=self._driver.latch_fault,
            was_breached=self.session.safety.was_breached,
        )

    def _left(self, summary: Summary) -> Iterator[str]:
        """Say what nobody can explain once the run is over; a position that was filled is explained."""
        for order in summary.orders_left:
            yield f"order {order.side} {order.remaining_size:f} at {order.price:f} on {order.instrument}"
        for connector in summary.unconfirmed:
            yield f"{connector} did not say that no order is open"
        for venue in summary.session.venues:
            for instrument, size in venue.account.drift.items() if venue.account is not None else ():
                yield f"the position on {instrument} differs by {size:f} from what was filled"


def _stray_left(report: OrderReport) -> OrderLeft:
    return OrderLeft(
        instrument=report.instrument,
        client_order_id=report.client_order_id or 0,
        side=report.side.value,
        price=report.price,
        remaining_size=CONTEXT.subtract(report.size, report.filled_size),
        state=report.state.value,
    )
