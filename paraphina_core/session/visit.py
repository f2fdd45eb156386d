"""Asks each venue before a start what only it can say: the time by its clock, and what it trades.

Only public questions are asked, nothing is signed, and nobody is asked whose plugin or address the
gates do not let pass. What a venue does not answer stays unknown, which refuses.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final

import msgspec

from paraphina_core.config import Config
from paraphina_core.connector import (
    Answer,
    CheckStatus,
    Connector,
    ConnectorContext,
    ConnectorSpec,
    Failure,
    HttpRequest,
    Plugins,
    WriteContext,
)
from paraphina_core.domain import (
    NS_PER_MS,
    NS_PER_S,
    Event,
    InstrumentDefined,
    LocalError,
    Query,
    QueryInstruments,
    QueryTime,
    RemoteError,
    VenueTime,
)
from paraphina_core.gates import ConnectorFacts, StartupFacts, evaluate
from paraphina_core.transport import HttpClient

#: Gates without which no venue is asked anything: what is asked, by whose code, and where.
_MAY_ASK: Final = frozenset(
    {"connector_installed", "connector_trusted", "connector_builds", "endpoints_network"}
)
#: Looks at a venue's clock, and the pause between two: the `Date` of an answer counts whole seconds, and
#: looks spread over one see where it turns.
_LOOKS: Final = 6
_PAUSE_S: Final = 0.2


class Skew(msgspec.Struct, frozen=True):
    """How far this machine's clock is ahead of a venue's: somewhere between the two, in nanoseconds."""

    least_ns: int
    most_ns: int

    @property
    def worst_ms(self) -> float:
        """The larger of what is possible, with its sign."""
        return max(self.least_ns, self.most_ns, key=abs) / NS_PER_MS


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What a venue has said; `fault` says why it did not, of the clock or of the instruments."""

    skew: Skew | None = None
    underlyings: tuple[str, ...] | None = None
    fault: str = ""


def visited(
    facts: StartupFacts,
    config: Config,
    plugins: Plugins,
    *,
    now_ns: Callable[[], int] = time.time_ns,
) -> StartupFacts:
    """Complete facts with what the venues say, where orders would reach them; else return them as they are.

    Args:
        facts: what was gathered on this machine.
        config: the configuration they were gathered for.
        plugins: where connectors come from.
        now_ns: this machine's clock.
    """
    if not facts.reaches_venue:
        return facts
    doubtful = [
        one.id for one in evaluate(facts) if one.id in _MAY_ASK and one.status is not CheckStatus.PASS
    ]
    if doubtful:
        return msgspec.structs.replace(
            facts, clock_skew_fault=f"no venue was asked, because of {', '.join(doubtful)}"
        )
    found = asyncio.run(_visit_all([plugins.connectors[name] for name in config.selected], config, now_ns))
    skews = [one.skew for one in found.values() if one.skew is not None]
    faults = [f"{name}: {one.fault}" for name, one in found.items() if one.fault]
    is_whole = bool(skews) and len(skews) == len(found)
    return msgspec.structs.replace(
        facts,
        clock_skew_ms=max((skew.worst_ms for skew in skews), key=abs) if is_whole else None,
        clock_skew_fault="; ".join(faults),
        connectors=tuple(_completed(connector, found[connector.name]) for connector in facts.connectors),
    )


def _completed(connector: ConnectorFacts, found: Found) -> ConnectorFacts:
    if connector.underlyings is not None or found.underlyings is None:
        return connector
    return msgspec.structs.replace(connector, underlyings=found.underlyings)


async def _visit_all(
    specs: Sequence[ConnectorSpec], config: Config, now_ns: Callable[[], int]
) -> dict[str, Found]:
    async with HttpClient() as client:
        found = await asyncio.gather(*(_visit(spec, config, client, now_ns) for spec in specs))
    return {spec.name: one for spec, one in zip(specs, found, strict=True)}


async def _visit(spec: ConnectorSpec, config: Config, client: HttpClient, now_ns: Callable[[], int]) -> Found:
    """Ask one venue; never raises."""
    mode = config.session.trade_mode
    try:
        if spec.factory is None:
            return Found(fault="it is not built yet")
        connector = spec.factory(
            ConnectorContext(
                mode=mode,
                network=mode.network,
                settings=config.connectors.get(spec.name, {}),
                seed=config.session.seed,
            )
        )
        questions = _Questions(connector, client, now_ns)
        underlyings = await questions.underlyings()
        return Found(skew=await questions.skew(), underlyings=underlyings)
    except (LocalError, RemoteError) as e:
        return Found(fault=str(e))
    except Exception as e:  # noqa: BLE001  # a plugin may raise anything; the gate says what
        return Found(fault=f"the connector raised {type(e).__name__}: {e}")


class _Questions:
    """Public questions to one venue."""

    def __init__(self, connector: Connector, client: HttpClient, now_ns: Callable[[], int]) -> None:
        self._connector = connector
        self._client = client
        self._now_ns = now_ns

    async def underlyings(self) -> tuple[str, ...] | None:
        """Return the assets of what would be traded, None if the venue is not asked for instruments."""
        if QueryInstruments() not in self._connector.plan().bootstrap:
            return None
        _, events = await self._ask(QueryInstruments())
        found = {event.instrument.underlying for event in events if isinstance(event, InstrumentDefined)}
        return tuple(sorted(found)) or None

    async def skew(self) -> Skew:
        """Look at the venue's clock several times, and return what all looks agree on.

        Raises:
            LocalError: the venue shows no time, or its looks contradict each other.
        """
        seen = []
        for look in range(_LOOKS):
            if look:
                await asyncio.sleep(_PAUSE_S)
            seen.append(await self._look())
        return agreed(seen)

    async def _look(self) -> Skew:
        query: Query = QueryTime()
        with suppress(LocalError):
            self._connector.ask(query, self._context())
            return await self._seen(query)
        return await self._seen(QueryInstruments())

    async def _seen(self, query: Query) -> Skew:
        sent_ns = self._now_ns()
        answer, events = await self._ask(query)
        arrived_ns = self._now_ns()
        for event in events:
            if isinstance(event, VenueTime):
                return Skew(sent_ns - event.exchange_ns - NS_PER_MS, arrived_ns - event.exchange_ns)
        date_ns = date_of(answer)
        if date_ns is None:
            raise LocalError("the venue shows no time", found=type(query).__name__)
        return Skew(sent_ns - date_ns - NS_PER_S, arrived_ns - date_ns)

    async def _ask(self, query: Query) -> tuple[Answer, Sequence[Event]]:
        request = self._connector.ask(query, self._context())
        if not isinstance(request, HttpRequest):
            raise LocalError("the venue answers this on a stream alone", found=type(query).__name__)
        result = await self._client.fetch(request)
        if isinstance(result, Failure):
            raise LocalError("the venue cannot be reached", found=f"{result.kind}: {result.detail}")
        return result, self._connector.read_answer(request, result, self._now_ns())

    def _context(self) -> WriteContext:
        return WriteContext(nonce=0, at_ns=self._now_ns(), sign=lambda _: b"")


def agreed(looks: Iterable[Skew]) -> Skew:
    """Return what several looks at one clock leave possible.

    Raises:
        LocalError: nothing: one of the clocks was set between two looks.
    """
    least_ns, most_ns = zip(*((look.least_ns, look.most_ns) for look in looks), strict=True)
    if max(least_ns) > min(most_ns):
        raise LocalError("looks at the venue's clock contradict each other")
    return Skew(max(least_ns), min(most_ns))


def date_of(answer: Answer) -> int | None:
    """Return the second that an answer's `Date` header names, nanoseconds since 1970; None if unreadable."""
    for text in _values(answer, "date"):
        try:
            moment = parsedate_to_datetime(text)
        except ValueError:
            return None
        return int(moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()) * NS_PER_S
    return None


def _values(answer: Answer, wanted: str) -> Iterator[str]:
    return (value for name, value in answer.headers.items() if name.lower() == wanted)
