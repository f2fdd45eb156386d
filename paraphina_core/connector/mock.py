"""The built-in connector `mock`: a synthetic market behind a wire format of its own.

It goes through the same doors as every other connector: registered by the hook, driven by `plan` and
`read`, with frames that are decoded strictly and a book sequence that is checked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from paraphina_core.domain import (
    BookDelta,
    BookGap,
    BookSnapshot,
    ConfigError,
    Event,
    FixedTick,
    FundingRate,
    Instrument,
    InstrumentDefined,
    Level,
    LocalError,
    MarkPrice,
    RemoteProtocolError,
    Resubscribe,
    SubscriptionLive,
    Trade,
    instrument_id,
    parse_decimal,
    parse_float,
    parse_price,
    parse_size,
)

from .capabilities import Capability, DataSource, TradeMode
from .decode import decode_json
from .hooks import RegisterConnector, hookimpl
from .mock_exchange import (
    DECODER,
    TOPICS,
    BookFrame,
    ChangeFrame,
    Frame,
    InstrumentFrame,
    MarkFrame,
    MockExchange,
    SubscribedFrame,
    TradesFrame,
    WireLevels,
    WireTrade,
)
from .protocol import (
    ConnectorContext,
    LocalSource,
    MarketDataOnly,
    Plan,
    StreamPlan,
    WriteContext,
)
from .spec import ConnectorSpec, FeeSchedule, Setting, SettingKind

NAME: Final = "mock"
STREAM: Final = "market"

DEFAULT_COIN: Final = "BTC"
DEFAULT_PRICE: Final = 100_000.0
DEFAULT_ANNUAL_VOLATILITY: Final = 0.6
MIN_PRICE: Final = 0.001
MAX_PRICE: Final = 1_000_000.0
MAX_ANNUAL_VOLATILITY: Final = 5.0

QUOTE: Final = "USD"
FUNDING_INTERVAL_S: Final = 3_600
#: The market never rests this long; a stream that does is broken.
MAX_SILENCE_MS: Final = 10_000

_COIN = re.compile(r"[A-Z0-9]{1,20}", re.ASCII)


class MockConnector(MarketDataOnly):
    """Reads the frames of `MockExchange`."""

    def __init__(self, context: ConnectorContext) -> None:
        settings = context.settings
        coin = str(settings.get("coin", DEFAULT_COIN))
        if _COIN.fullmatch(coin) is None:
            raise ConfigError("mock coin is not usable", found=coin, wanted="capital letters and digits")
        self._instrument = instrument_id(NAME, coin)
        self._exchange = MockExchange(
            coin=coin,
            price=_number(settings, "price", DEFAULT_PRICE, MIN_PRICE, MAX_PRICE),
            annual_volatility=_number(
                settings, "annual_volatility", DEFAULT_ANNUAL_VOLATILITY, 0.0, MAX_ANNUAL_VOLATILITY
            ),
            seed=context.seed,
        )
        self._sequence: int | None = None
        self._gapped = False

    @property
    def spec(self) -> ConnectorSpec:
        """The description this connector was registered with."""
        return SPEC

    def plan(self) -> Plan:
        """Open the one stream there is."""
        source = LocalSource(frames=self._exchange.frames)
        return Plan(
            streams=(StreamPlan(name=STREAM, source=source, max_silence_ms=MAX_SILENCE_MS, topics=TOPICS),)
        )

    def opened(self, stream: str, context: WriteContext) -> Sequence[bytes]:
        """Wait for the next whole book: its sequence starts anew."""
        self._sequence = None
        self._gapped = False
        return ()

    def read(self, stream: str, frame: bytes, at_ns: int) -> Sequence[Event]:
        """Turn one frame into events."""
        message: Frame = decode_json(DECODER, frame, "mock frame")
        match message:
            case BookFrame():
                return self._book(message)
            case ChangeFrame():
                return self._change(message)
            case TradesFrame():
                return [self._trade(trade, message.at_ns) for trade in message.trades]
            case MarkFrame():
                return self._mark(message)
            case InstrumentFrame():
                return (self._defined(message),)
            case SubscribedFrame():
                return [SubscriptionLive(topic=topic) for topic in message.topics]

    def _defined(self, frame: InstrumentFrame) -> InstrumentDefined:
        lot = parse_decimal(frame.lot, "lot")
        try:
            instrument = Instrument(
                venue=NAME,
                native_id=frame.coin,
                base=frame.coin,
                quote=QUOTE,
                price_rule=FixedTick(tick=parse_decimal(frame.tick, "tick")),
                lot_size=lot,
                min_size=lot,
                min_notional=parse_decimal(frame.min_notional, "min_notional"),
            )
        except LocalError as e:
            raise RemoteProtocolError(f"instrument of the mock frame is not usable: {e}") from e
        if instrument.id != self._instrument:
            raise RemoteProtocolError("wrong instrument", found=instrument.id, wanted=self._instrument)
        return InstrumentDefined(instrument=instrument)

    def _book(self, frame: BookFrame) -> Sequence[Event]:
        snapshot = BookSnapshot(
            instrument=self._instrument,
            bids=_levels(frame.bids),
            asks=_levels(frame.asks),
            exchange_ns=frame.at_ns,
            sequence=frame.sequence,
        )
        self._sequence = frame.sequence
        self._gapped = False
        return (snapshot,)

    def _change(self, frame: ChangeFrame) -> Sequence[Event]:
        if self._gapped or (self._sequence is not None and frame.sequence <= self._sequence):
            return ()  # of no use before the next whole book, or known already
        if self._sequence is None or frame.sequence != self._sequence + 1:
            wanted = "a whole book first" if self._sequence is None else f"{self._sequence + 1}"
            reason = f"book sequence {frame.sequence}, wanted {wanted}"
            self._gapped = True
            return (
                BookGap(instrument=self._instrument, reason=reason),
                Resubscribe(stream=STREAM, reason=reason),
            )
        delta = BookDelta(
            instrument=self._instrument,
            bids=_levels(frame.bids),
            asks=_levels(frame.asks),
            exchange_ns=frame.at_ns,
            sequence=frame.sequence,
        )
        self._sequence = frame.sequence
        return (delta,)

    def _trade(self, trade: WireTrade, at_ns: int) -> Trade:
        return Trade(
            instrument=self._instrument,
            price=parse_price(trade.price, "price"),
            size=parse_price(trade.size, "size"),
            aggressor=trade.side,
            trade_id=str(trade.id),
            exchange_ns=at_ns,
        )

    def _mark(self, frame: MarkFrame) -> Sequence[Event]:
        return (
            MarkPrice(
                instrument=self._instrument,
                mark_price=parse_price(frame.mark, "mark"),
                index_price=parse_price(frame.index, "index"),
                exchange_ns=frame.at_ns,
            ),
            FundingRate(
                instrument=self._instrument,
                rate=parse_float(frame.funding_rate_1h, "funding_rate_1h"),
                interval_s=FUNDING_INTERVAL_S,
                next_funding_ns=frame.next_funding_ns,
                exchange_ns=frame.at_ns,
            ),
        )


def _number(settings: Mapping[str, str | float], name: str, default: float, low: float, high: float) -> float:
    value = settings.get(name, default)
    if isinstance(value, str) or not (low <= value <= high):
        raise ConfigError(f"mock {name} is not usable", found=value, wanted=f"a number from {low} to {high}")
    return float(value)


def _levels(levels: WireLevels) -> tuple[Level, ...]:
    return tuple(Level(parse_price(price, "price"), parse_size(size, "size")) for price, size in levels)


SPEC: Final = ConnectorSpec(
    name=NAME,
    venue="Mock",
    feature_flag=None,
    capabilities={Capability.MARKET: "synthetic L2 book and trades"},
    trade_modes=frozenset({TradeMode.SHADOW, TradeMode.PAPER}),
    factory=MockConnector,
    data_source=DataSource.SYNTHETIC,
    settings=(
        Setting(
            name="coin",
            env="PARAPHINA_MOCK_COIN",
            kind=SettingKind.TEXT,
            help="underlying of the one market",
            default=DEFAULT_COIN,
        ),
        Setting(
            name="price",
            env="PARAPHINA_MOCK_PRICE",
            kind=SettingKind.NUMBER,
            help="first price in USD; tick and lot size follow from it",
            default=f"{DEFAULT_PRICE:g}",
        ),
        Setting(
            name="annual_volatility",
            env="PARAPHINA_MOCK_ANNUAL_VOLATILITY",
            kind=SettingKind.NUMBER,
            help="standard deviation of the log price over a year; 0.6 is 60 percent",
            default=f"{DEFAULT_ANNUAL_VOLATILITY:g}",
        ),
    ),
    fees=FeeSchedule(maker_bps=1.5, taker_bps=4.5, source="chosen: a usual base tier, no venue behind it"),
    notes="The market is made up by the program itself; there is no account and no order entry.",
)


@hookimpl
def paraphina_register_connectors(register: RegisterConnector) -> None:
    """Register the connector that comes with the core."""
    register(SPEC)
