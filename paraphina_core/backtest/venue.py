"""A generated venue as a connector, so that a session reads it as it reads every other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final

import msgspec

from paraphina_core.connector import (
    Capability,
    ConnectorContext,
    ConnectorSpec,
    DataSource,
    FeeSchedule,
    LocalSource,
    MarketDataOnly,
    Plan,
    StreamPlan,
    TradeMode,
    WriteContext,
)
from paraphina_core.domain import (
    BookSnapshot,
    Event,
    FixedTick,
    FundingRate,
    Instrument,
    InstrumentDefined,
    Level,
    MarkPrice,
    RemoteProtocolError,
    Side,
    SubscriptionLive,
    Trade,
)

from .market import Grid, Update, VenueMarket
from .scenario import Market

STREAM: Final = "market"
TOPIC: Final = "book"
COIN: Final = "BTC"
#: An outage may last long; it makes books stale, not the stream dead.
MAX_SILENCE_MS: Final = 24 * 3_600 * 1_000
_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(Update)
_OPENING: Final = b""


class GeneratedConnector(MarketDataOnly):
    """Reads what a `VenueMarket` shows."""

    def __init__(self, spec: ConnectorSpec, market: Market, source: VenueMarket) -> None:
        self._spec = spec
        self._source = source
        self._trades = 0
        grid = Grid.of(market.price)
        lot = Decimal(1).scaleb(-grid.size)
        self._instrument = Instrument(
            venue=spec.name,
            native_id=COIN,
            base=COIN,
            quote="USD",
            price_rule=FixedTick(tick=Decimal(1).scaleb(-grid.price)),
            lot_size=lot,
            min_size=lot,
            min_notional=Decimal(10),
        )

    @property
    def spec(self) -> ConnectorSpec:
        """The description this connector was registered with."""
        return self._spec

    def plan(self) -> Plan:
        """Open the one stream there is."""
        source = LocalSource(frames=self._frames)
        return Plan(
            streams=(StreamPlan(name=STREAM, source=source, max_silence_ms=MAX_SILENCE_MS, topics=(TOPIC,)),)
        )

    def opened(self, stream: str, context: WriteContext) -> Sequence[bytes]:
        """Nothing is sent to a generated market."""
        return ()

    def read(self, stream: str, frame: bytes, at_ns: int) -> Sequence[Event]:
        """Turn one frame into events.

        Raises:
            RemoteError: the frame is not one of a generated market.
        """
        if frame == _OPENING:
            return (InstrumentDefined(instrument=self._instrument), SubscriptionLive(topic=TOPIC))
        try:
            update = _DECODER.decode(frame)
        except (msgspec.DecodeError, RecursionError) as e:
            raise RemoteProtocolError("frame of a generated market is not usable") from e
        instrument = self._instrument.id
        events: list[Event] = [self._trade(update.at_ns, *trade) for trade in update.trades]
        events.append(
            BookSnapshot(
                instrument=instrument,
                bids=tuple(Level(price, size) for price, size in update.bids),
                asks=tuple(Level(price, size) for price, size in update.asks),
                exchange_ns=update.at_ns,
            )
        )
        events.append(
            MarkPrice(
                instrument=instrument,
                mark_price=update.mark,
                index_price=update.mark,
                exchange_ns=update.at_ns,
            )
        )
        events.append(
            FundingRate(
                instrument=instrument,
                rate=update.funding_rate_1h,
                interval_s=3_600,
                next_funding_ns=update.next_funding_ns,
                exchange_ns=update.at_ns,
            )
        )
        return events

    def _trade(self, at_ns: int, buys: bool, price: float, size: float) -> Trade:  # noqa: FBT001  # as it stands in the frame
        self._trades += 1
        return Trade(
            instrument=self._instrument.id,
            price=price,
            size=size,
            aggressor=Side.BUY if buys else Side.SELL,
            trade_id=str(self._trades),
            exchange_ns=at_ns,
        )

    def _frames(self, start_ns: int) -> Iterator[tuple[int, bytes]]:
        yield start_ns, _OPENING
        for due_ns, update in self._source.updates(start_ns):
            yield due_ns, _ENCODER.encode(update)


def generated_spec(name: str, market: Market, source: VenueMarket) -> ConnectorSpec:
    """Describe a generated venue; every connector made from it goes on with the same market."""

    def build(_: ConnectorContext) -> GeneratedConnector:
        return GeneratedConnector(spec, market, source)

    spec = ConnectorSpec(
        name=name,
        venue=name,
        feature_flag=None,
        capabilities={Capability.MARKET: "generated L2 book and trades"},
        trade_modes=frozenset({TradeMode.SHADOW, TradeMode.PAPER}),
        factory=build,
        data_source=DataSource.SYNTHETIC,
        fees=FeeSchedule(
            maker_bps=market.maker_bps,
            taker_bps=market.taker_bps,
            source="the scenario's, no venue behind it",
        ),
        notes="A market generated for a backtest.",
    )
    return spec
