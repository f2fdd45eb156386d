"""One run, step by step: every input is recorded, understood and acted upon before the next.

Inputs are frames, answers, ticks and the opening and ending of streams, each with its session time. All that
follows from them (events, decisions, orders, fills on paper) is determined by them, which is what
makes a recorded session replayable to the byte.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Final, get_args

from paraphina_core.connector import Answer, Failure, Observation, StreamPlan
from paraphina_core.domain import (
    Answered,
    BalanceReport,
    BestBidOffer,
    BookDelta,
    BookGap,
    BookSnapshot,
    Event,
    FetchSnapshot,
    InstrumentDefined,
    InstrumentId,
    MarketEvent,
    OrderReport,
    PositionReport,
    QueryBook,
    RemoteError,
    Resubscribe,
    TradingState,
    VenueNotice,
)
from paraphina_core.execution import OrderRecord

from .answers import encode_answer
from .record import Recorder, encode
from .report import snapshot
from .snapshot import SessionSnapshot
from .trading import Trading
from .venue import Market, Venue

_BOOK_EVENTS: Final = (BookSnapshot, BookDelta, BookGap, BestBidOffer)
_MARKET_EVENTS: Final = get_args(MarketEvent)


class Session:
    """Takes the inputs of one run.

    Args:
        venues: the connectors, by name.
        trading: turns what is known into orders.
        recorder: takes every input and output.
        observe: is shown each step afterwards; None when nobody looks.
        start: what the start record says (configuration, run number, versions).
    """

    def __init__(
        self,
        venues: Mapping[str, Venue],
        trading: Trading,
        recorder: Recorder,
        observe: Callable[[Observation], None] | None,
        start: Mapping[str, object],
    ) -> None:
        self._venues = venues
        self._trading = trading
        self._recorder = recorder
        self._observe = observe
        self._start = start
        self._reopen: list[tuple[str, str]] = []
        self.ticks = 0
        self.frames = 0

    # --- inputs ---------------------------------------------------------------------------------

    def start(self, at_ns: int) -> None:
        """Begin; must be the first input."""
        self._recorder.append("start", at_ns, encode(self._start))
        self._trading.begin(at_ns)
        for venue in self._venues.values():
            with venue.blamed():
                venue.inquiries.begin(at_ns)

    def stream_opened(self, connector: str, stream: str, at_ns: int) -> Sequence[bytes]:
        """Take note that a stream of the connector's plan was opened; return what to send on it now."""
        self._recorder.append("opened", at_ns, encode({"connector": connector, "stream": stream}))
        venue = self._venues[connector]
        venue.opened(stream, at_ns)
        with venue.blamed():
            return venue.connector.opened(stream, venue.write_context(at_ns))
        return ()

    def stream_ended(self, connector: str, stream: str, reason: str, at_ns: int) -> None:
        """Take note that a stream ended or was lost: what it fed is not believed any more."""
        data = {"connector": connector, "stream": stream, "reason": reason}
        self._recorder.append("ended", at_ns, encode(data))
        venue = self._venues[connector]
        venue.lost(stream)
        with venue.blamed():
            venue.connector.closed(stream)
        venue.look(at_ns)
        self._act(at_ns, connector, ())

    def answered(self, connector: str, correlation: str, result: Answer | Failure, at_ns: int) -> None:
        """Take what came back for a request that was handed to the wire."""
        self._recorder.append("answer", at_ns, encode_answer(connector, correlation, result))
        venue = self._venues[connector]
        events: Sequence[Event] = ()
        try:
            with venue.blamed():
                if venue.inquiries.expects(correlation):
                    events = venue.inquiries.answered(correlation, result, at_ns)
        except RemoteError as e:
            venue.note(str(e))
        for event in events:
            self._take(venue, event, at_ns)
        venue.look(at_ns)
        self._act(at_ns, connector, events)

    def frame(self, connector: str, stream: str, frame: bytes, at_ns: int) -> None:
        """Take a frame that arrived on a stream."""
        self.frames += 1
        self._recorder.record_frame(at_ns, connector, stream, frame)
        venue = self._venues[connector]
        events = self._read(venue, stream, frame, at_ns)
        venue.heard(stream, events)
        for event in events:
            self._take(venue, event, at_ns)
        venue.look(at_ns)
        self._act(at_ns, connector, events)

    def tick(self, at_ns: int) -> None:
        """Look at freshness, limits and everything that is due."""
        self.ticks += 1
        self._recorder.append("tick", at_ns, b"{}")
        for venue in self._venues.values():
            venue.look(at_ns)
            venue.count_stale()
            for stream, reason in venue.overdue(at_ns):
                venue.note(reason)
                self._reopen.append((venue.name, stream))
        self._inquire(at_ns)
        self._trading.judge(at_ns)
        self._act(at_ns, "", ())

    def wake(self, at_ns: int) -> None:
        """Act on what is due on an order route, or must be asked."""
        self._recorder.append("wake", at_ns, b"{}")
        self._inquire(at_ns)
        self._act(at_ns, "", ())

    def stop(self, reason: str, at_ns: int) -> None:
        """Begin an orderly end: nothing new is sent, every order is cancelled."""
        self._recorder.append("stop", at_ns, encode({"reason": reason}))
        for venue in self._venues.values():
            venue.inquiries.stop()
        self._trading.stop(at_ns)
        self._act(at_ns, "", ())

    def finish(self, at_ns: int) -> None:
        """End; must be the last input. What is left is written down."""
        self._recorder.append("finish", at_ns, b"{}")
        orders = [record.order for record in self.open_orders()]
        self._recorder.append("left", at_ns, encode({"orders": orders, "positions": self.positions()}))

    def abandon(self, reason: str) -> None:
        """Give up without another record or order: the recorder itself has failed."""
        self._trading.abandon(reason)

    # --- questions ------------------------------------------------------------------------------

    def streams(self) -> Iterator[tuple[str, StreamPlan]]:
        """List every stream of the run with its connector; see `may_open`."""
        for venue in self._venues.values():
            for plan in venue.streams.values():
                yield venue.name, plan

    def may_open(self, connector: str) -> bool:
        """Tell whether a connector's streams shall be open: once all of its bootstrap is answered."""
        return self._venues[connector].inquiries.is_bootstrapped

    def expects(self, connector: str, correlation: str) -> bool:
        """Tell whether a request is still without an answer."""
        return self._venues[connector].inquiries.expects(correlation)

    def take_reopen(self) -> tuple[str, str] | None:
        """Return a connector and stream that must be opened anew, once for each time it is wished."""
        return self._reopen.pop() if self._reopen else None

    def next_due_ns(self) -> int | None:
        """Return when an order route next has something to do, or something must be asked, None for never."""
        venues = self._venues.values()
        due = (
            at_ns for venue in venues for at_ns in (venue.route.next_due_ns(), venue.inquiries.next_due_ns())
        )
        return min((at_ns for at_ns in due if at_ns is not None), default=None)

    @property
    def quiet(self) -> bool:
        """True once no order is open."""
        return self._trading.tracker.open_count == 0

    def snapshot(self, at_ns: int) -> SessionSnapshot:
        """Show the session as it is."""
        return snapshot(
            self._trading, tuple(self._venues.values()), at_ns, ticks=self.ticks, frames=self.frames
        )

    def open_orders(self) -> Iterable[OrderRecord]:
        """Return every own order that is not final."""
        return self._trading.tracker.open_orders()

    def positions(self) -> dict[InstrumentId, Decimal]:
        """Return every position that is not flat, signed, in base units."""
        return {
            instrument: position.size
            for instrument, position in self._trading.ledger.positions.items()
            if position.size
        }

    # --- the step -------------------------------------------------------------------------------

    def _read(self, venue: Venue, stream: str, frame: bytes, at_ns: int) -> Sequence[Event]:
        try:
            return venue.connector.read(stream, frame, at_ns)
        except RemoteError as e:
            self._distrust(venue, str(e), at_ns)
        except Exception as e:  # noqa: BLE001  # as `blamed`, which costs too much for every frame
            venue.health.disable(f"the connector raised {type(e).__name__}: {e}")
        return ()

    def _inquire(self, at_ns: int) -> None:
        for venue in self._venues.values():
            with venue.blamed():
                venue.inquiries.advance(at_ns)

    def _take(self, venue: Venue, event: Event, at_ns: int) -> None:
        if isinstance(event, InstrumentDefined):
            market = self._trading.define(venue, event.instrument)
            self._trading.on_market(venue, event, market, at_ns)
            return
        if isinstance(event, VenueNotice):
            venue.note(f"{event.code}: {event.text}")
            return
        if isinstance(event, Resubscribe):
            self._distrust(venue, event.reason, at_ns)
            self._reopen.append((venue.name, event.stream))
            return
        if isinstance(event, FetchSnapshot):
            with venue.blamed():
                venue.inquiries.want(QueryBook(instrument=event.instrument), at_ns)
            return
        if isinstance(event, Answered):
            with venue.blamed():
                venue.inquiries.answered_on_stream(event.correlation, at_ns)
            return
        if isinstance(event, PositionReport | BalanceReport | OrderReport):
            venue.account.take(event)
            return
        known = venue.markets.get(getattr(event, "instrument", None))  # type: ignore[arg-type]  # None is no key
        if known is None:
            return
        if isinstance(event, _BOOK_EVENTS):
            self._book(venue, known, event, at_ns)
        if isinstance(event, _MARKET_EVENTS):
            self._trading.on_market(venue, event, known, at_ns)

    def _book(
        self,
        venue: Venue,
        market: Market,
        event: BookSnapshot | BookDelta | BookGap | BestBidOffer,
        at_ns: int,
    ) -> None:
        try:
            self._trading.advance(venue, at_ns)
            market.book.apply(event, at_ns)
            market.book.verify()
        except RemoteError as e:
            self._distrust(venue, str(e), at_ns)
            return
        market.learn(at_ns)

    def _distrust(self, venue: Venue, reason: str, at_ns: int) -> None:
        venue.forget_books()
        venue.health.error(reason, at_ns)
        venue.note(reason)

    def _act(self, at_ns: int, connector: str, events: Sequence[Event]) -> None:
        placed, cancelled = self._trading.step(at_ns)
        if self._observe is not None and (events or placed or cancelled):
            self._observe(
                Observation(
                    at_ns=at_ns,
                    connector=connector,
                    events=tuple(events),
                    placed=tuple(placed),
                    cancelled=tuple(cancelled),
                )
            )

    @property
    def state(self) -> TradingState:
        """What the session may do now."""
        return self._trading.state
