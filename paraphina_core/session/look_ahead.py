"""Builds a connector once before the start, to see what it would open and trade, and opens nothing itself.

Of a recording or a generator the first frames are read, because the instrument is among them; what a
venue trades is not known before it is connected.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Final

import msgspec

from paraphina_core.connector import (
    Connector,
    ConnectorContext,
    ConnectorSpec,
    HttpRequest,
    LocalSource,
    Plan,
    StreamPlan,
    WebSocketSource,
    WriteContext,
)
from paraphina_core.domain import InstrumentDefined, QueryVenue
from paraphina_core.gates import ResolvedEndpoint

#: Frames of a recording among which its instruments must be.
MAX_FRAMES: Final = 1_000


class LookAhead(msgspec.Struct, frozen=True, kw_only=True):
    """What a connector would do.

    Args:
        fault: why it cannot be built or planned; empty if it can.
        addresses: what its plan would open.
        underlyings: assets of its markets, None while that cannot be known.
    """

    fault: str = ""
    addresses: tuple[ResolvedEndpoint, ...] = ()
    underlyings: tuple[str, ...] | None = None


#: What a question may use of the world that is spelled, and never sent.
_CONTEXT: Final = WriteContext(nonce=0, at_ns=0, sign=lambda _: b"")


def look_ahead(spec: ConnectorSpec, context: ConnectorContext) -> LookAhead:
    """Build the connector, ask for its plan and read what is already here; never raises."""
    if spec.factory is None:
        return LookAhead(fault="it is described, and not built yet")
    try:
        connector = spec.factory(context)
        plan = connector.plan()
        addresses = (
            *(
                ResolvedEndpoint(purpose=f"stream {stream.name}", url=stream.source.url)
                for stream in plan.streams
                if isinstance(stream.source, WebSocketSource)
            ),
            *(ResolvedEndpoint(purpose="request", url=url) for url in _requests(connector, plan)),
        )
        return LookAhead(addresses=addresses, underlyings=_underlyings(connector, plan))
    except KeyboardInterrupt:
        raise
    except BaseException as e:  # noqa: BLE001  # a plugin may raise anything, even exit; the gate says what
        return LookAhead(fault=f"{type(e).__name__}: {e}")


def _requests(connector: Connector, plan: Plan) -> Iterator[str]:
    """Yield the address of every request that a start would make; nothing is signed for it."""
    questions = (
        query for query in plan.bootstrap if not (isinstance(query, QueryVenue) and query.private)
    )  # what needs a key cannot be spelled without one
    requests = (connector.ask(query, _CONTEXT) for query in questions)
    return (request.url for request in requests if isinstance(request, HttpRequest))


def _underlyings(connector: Connector, plan: Plan) -> tuple[str, ...] | None:
    found = {asset for stream in plan.streams for asset in _first_underlyings(connector, stream)}
    return tuple(sorted(found)) or None


def _first_underlyings(connector: Connector, stream: StreamPlan) -> set[str]:
    if not isinstance(stream.source, LocalSource):
        return set()
    found: set[str] = set()
    connector.opened(stream.name, _CONTEXT)
    for at_ns, frame in islice(stream.source.frames(0), MAX_FRAMES):
        for event in connector.read(stream.name, frame, at_ns):
            if isinstance(event, InstrumentDefined):
                found.add(event.instrument.underlying)
        if found:
            break
    return found
