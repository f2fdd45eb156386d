"""One session and the twins of its venues in virtual time, on one thread: same seed, same bytes.

The session is the real one, with every gate, the order route and the recorder; only time, network and
venues are made. Whatever is due next happens next.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

from paraphina_core.config import Config, resolve
from paraphina_core.connector import ConnectorSpec, Plugins
from paraphina_core.domain import NS_PER_MS, NS_PER_S, LocalError, RunNumber
from paraphina_core.execution import NonceSource, Signatory
from paraphina_core.session import Session, compose
from paraphina_core.twin import AccountTruth, TwinHost, TwinLink, TwinLogin, VirtualNetwork, truth

from .invariants import Invariants
from .weather import Strike

#: Every simulation begins at this time: 2026-01-05, a Monday, 12:00 UTC.
START_NS: Final = 1_767_614_400 * NS_PER_S

#: Ticks that a venue may be away before the session halts: 40 minutes.
_PATIENCE_TICKS: Final = 10_000

#: Window of the dead-man switches: venues limit how often a day theirs may fire, and faults come faster here.
_DEAD_MAN_WINDOW_MS: Final = 120_000

#: A world that does more than this within one virtual second does not come to rest.
_MOST_STEPS: Final = 100_000


class WorldClock:
    """Virtual time."""

    def __init__(self) -> None:
        self.at_ns = START_NS

    def now_ns(self) -> int:
        """Return the time that the world has reached."""
        return self.at_ns


class DigestRecorder:
    """Keeps a running hash of everything that the session writes down, and counts it by kind.

    Args:
        watch: is shown each record but frames.
    """

    def __init__(self, watch: Callable[[str, int, bytes], None]) -> None:
        self._hash = hashlib.sha256()
        self._watch = watch
        self.counts: dict[str, int] = {}

    @property
    def digest(self) -> str:
        """SHA-256 of all records so far, in hex."""
        return self._hash.hexdigest()

    def append(self, kind: str, at_ns: int, data: bytes) -> int:
        """Take one record."""
        number = self._take(kind, at_ns, data)
        self._watch(kind, at_ns, data)
        return number

    def record_frame(self, at_ns: int, connector: str, stream: str, frame: bytes) -> int:
        """Take one frame."""
        return self._take("frame", at_ns, b"%s %s %s" % (connector.encode(), stream.encode(), frame))

    def _take(self, kind: str, at_ns: int, data: bytes) -> int:
        self._hash.update(b"%s %d %d %s\n" % (kind.encode(), at_ns, len(data), data))
        self.counts[kind] = self.counts.get(kind, 0) + 1
        return sum(self.counts.values()) - 1


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """What is simulated; equal scenarios on equal code give equal outcomes.

    Args:
        seed: of everything random.
        connectors: the connectors to trade, each with a twin.
        hours: virtual time under faults.
        mean_pause_s: mean pause between two faults.
        heal_s: undisturbed time after the last fault, in which everything must be well again.
        faults: what may go wrong, of `EVERYTHING`; None for all but what is in `LASTING`.
        only: the faults of the run that happen, by their numbers from 1; None for all. The others are drawn
            and left out, so that those that happen are the same as with them.
        variables: environment variables of the configuration, beside those that lead to the twins.
        options: options of the configuration, by flag.
        twin_settings: settings of the twins, by connector.
    """

    seed: int
    connectors: tuple[str, ...]
    hours: float = 1.0
    mean_pause_s: float = 20.0
    heal_s: float = 180.0
    faults: tuple[str, ...] | None = None
    only: tuple[int, ...] | None = None
    variables: Mapping[str, str] = msgspec.field(default_factory=dict)
    options: Mapping[str, str] = msgspec.field(default_factory=dict)
    twin_settings: Mapping[str, Mapping[str, str]] = msgspec.field(default_factory=dict)


class Venue(msgspec.Struct, frozen=True, kw_only=True):
    """One twin of a world, with the way to it and the account that the session trades."""

    host: TwinHost
    link: TwinLink
    login: TwinLogin

    @property
    def truth(self) -> AccountTruth:
        """The account as it really is."""
        return truth(self.host.exchange)[self.login.account]


class World:
    """A session, its venues, and the time they share.

    Args:
        plugins: where connectors and strategies come from.
        scenario: what is simulated.

    Attributes:
        clock: virtual time.
        session: the session.
        venues: by connector.
        network: the session's connections.
        recorder: what the session wrote down.
        invariants: what it may never do, and whether it did.

    Raises:
        LocalError: a connector has no twin, or the configuration cannot be used.
    """

    def __init__(self, plugins: Plugins, scenario: Scenario) -> None:
        seed = scenario.seed
        self.clock = WorldClock()
        self.invariants = Invariants(self)
        self.recorder = DigestRecorder(self.invariants.recorded)
        specs = [plugins.connector(name) for name in scenario.connectors]
        self.venues = {
            spec.name: self._venue(spec, seed + number, scenario.twin_settings.get(spec.name, {}))
            for number, spec in enumerate(specs)
        }
        self.config = self._config(plugins, specs, scenario)
        self.network = VirtualNetwork(
            {name: venue.link for name, venue in self.venues.items()},
            {spec.name: spec.rate_limits for spec in specs},
            seed,
        )
        start: dict[str, Any] = {"run": 1, "seed": seed}
        signatories = {spec.name: self._signatory(spec) for spec in specs}
        self.session: Session = compose(
            self.config, plugins, self.recorder, self.network, lambda: RunNumber(1), start, signatories
        )
        self._tick_ns = self.config.session.tick_ms * NS_PER_MS
        self._next_tick_ns = START_NS + self._tick_ns

    # --- making ---------------------------------------------------------------------------------

    def _venue(self, spec: ConnectorSpec, seed: int, settings: Mapping[str, str]) -> Venue:
        host = TwinHost.of(spec, seed=seed, start_ns=START_NS, settings=settings)
        return Venue(
            host=host,
            link=TwinLink(host, clock=self.clock, seed=seed),
            login=host.twin.logins[0],
        )

    def _config(self, plugins: Plugins, specs: Sequence[ConnectorSpec], scenario: Scenario) -> Config:
        env = dict(scenario.variables)
        for spec in specs:
            login = self.venues[spec.name].login
            for name, value in {**login.settings, **login.secrets}.items():
                env.setdefault(spec.setting(name).env, value)
        cli: dict[str, object] = {
            "--trade-mode": "testnet",
            "--connectors": ",".join(spec.name for spec in specs),
            "--canary-profile": "paper",
            "--seed": str(scenario.seed),
            **scenario.options,
        }
        config = resolve(cli=cli, env=env, file=None, plugins=plugins)
        live = msgspec.structs.replace(config.live, dead_man_window_ms=_DEAD_MAN_WINDOW_MS)
        profile = config.profile
        if profile is not None:
            # A session of one venue halts for good after some seconds without it; here it must come back.
            profile = msgspec.structs.replace(profile, max_stale_ticks=_PATIENCE_TICKS)
        return msgspec.structs.replace(config, live=live, profile=profile)

    def _signatory(self, spec: ConnectorSpec) -> Signatory:
        if spec.signer is None:
            raise LocalError(f"connector {spec.name} signs nothing", wanted="one with order entry")
        secrets = self.venues[spec.name].login.secrets
        return Signatory.of(spec.signer(secrets), NonceSource(spec.nonce), spec.private_headers(secrets))

    # --- time -----------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin the session."""
        self.network.begin(self.session, self.session.streams())
        self.session.start(self.clock.at_ns)
        self._follow_up()

    def run_until(self, end_ns: int) -> None:
        """Let everything happen that is due by a time.

        Raises:
            LocalError: more happens within a virtual second than any session does.
        """
        steps, second = 0, self.clock.at_ns // NS_PER_S
        while (due_ns := self._next_due_ns()) <= end_ns:
            self.clock.at_ns = max(self.clock.at_ns, due_ns)
            steps = steps + 1 if self.clock.at_ns // NS_PER_S == second else 0
            second = self.clock.at_ns // NS_PER_S
            if steps > _MOST_STEPS:
                raise LocalError("the world does not come to rest", found=f"{steps} steps in a second")
            self._step()
        self.clock.at_ns = max(self.clock.at_ns, end_ns)
        self.network.advance(self.clock.at_ns)

    def run_for(self, seconds: float) -> None:
        """Let so much time pass."""
        self.run_until(self.clock.at_ns + int(seconds * NS_PER_S))

    def _next_due_ns(self) -> int:
        due = (self._next_tick_ns, self.network.next_due_ns(), self.session.next_due_ns())
        return min(due_ns for due_ns in due if due_ns is not None)

    def _step(self) -> None:
        at_ns = self.clock.at_ns
        self.network.advance(at_ns)
        route_ns = self.session.next_due_ns()
        if self._next_tick_ns <= at_ns:
            self._next_tick_ns += self._tick_ns
            self.session.tick(at_ns)
        elif route_ns is not None and route_ns <= at_ns:
            self.session.wake(at_ns)
        self._follow_up()

    def _follow_up(self) -> None:
        """Open what may be opened, and open anew what the session cannot read on."""
        while (wish := self.session.take_reopen()) is not None:
            self.network.reopen(*wish)
        for name in self.venues:
            if self.session.may_open(name):
                self.network.keep_open(name)

    # --- deeds ----------------------------------------------------------------------------------

    def strike(self, strike: Strike) -> None:
        """Let a fault happen now."""
        venue = self.venues[strike.connector]
        if strike.fault is None:
            venue.link.outage(strike.ms)
        else:
            venue.host.arm(strike.fault, self.clock.at_ns)
            venue.link.collect()

    def heal(self) -> None:
        """End every fault that can end."""
        for venue in self.venues.values():
            venue.host.heal(self.clock.at_ns)

    def stop(self) -> None:
        """End the session in order, and give it the time that the driver would."""
        self.session.stop("the simulation is over", self.clock.at_ns)
        self.run_for(10.0)
        self.session.finish(self.clock.at_ns)
