"""The account's messages and answers as typed values: names as on the wire, no meaning yet.

They come seldom, so they are read leniently where nothing is lost by it: older answers spell ids and times
as text, and whatever else an answer holds is skipped. Money stays text until the core's parsers read it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final, TypeAlias, TypeVar

import msgspec

from .messages import Id, Milliseconds, WireSide

#: An account has at most 5,000 open orders (docs "Rate limits and user limits", read 2026-08-22).
MAX_ORDERS: Final = 10_000
#: One message or answer tells at most 2,000 fills (docs "Info endpoint", read 2026-08-22).
MAX_FILLS: Final = 10_000
#: Listed perpetuals, delisted ones among them; the venue had about 200 in 2026.
MAX_COINS: Final = 5_000

_T = TypeVar("_T")


# --- instruments ------------------------------------------------------------------------------


class WireListing(msgspec.Struct, frozen=True):
    """One perpetual of the meta answer; its place in the list is its asset number."""

    name: str
    szDecimals: Annotated[int, msgspec.Meta(ge=0, le=6)]  # noqa: N815  # the venue's spelling
    isDelisted: bool | None = None  # noqa: N815  # same


class WireMeta(msgspec.Struct, frozen=True):
    """Answer to `{"type": "meta"}`."""

    universe: Annotated[tuple[WireListing, ...], msgspec.Meta(max_length=MAX_COINS)]


# --- orders -----------------------------------------------------------------------------------


class WireOwnOrder(msgspec.Struct, frozen=True):
    """One own order; `sz` is what is left of `origSz`. Only some answers say whether it only reduces."""

    coin: str
    side: WireSide
    limitPx: str  # noqa: N815  # the venue's spelling
    sz: str
    oid: Id
    timestamp: Milliseconds
    origSz: str | None = None  # noqa: N815  # same
    cloid: str | None = None
    reduceOnly: bool = False  # noqa: N815  # same


class WireOrderUpdate(msgspec.Struct, frozen=True):
    """What has become of one order, and when."""

    order: WireOwnOrder
    status: str
    statusTimestamp: Milliseconds  # noqa: N815  # the venue's spelling


class WireOrderStatus(msgspec.Struct, frozen=True):
    """Answer to `{"type": "orderStatus"}`: `order` with the order, or `unknownOid`."""

    status: str
    order: WireOrderUpdate | None = None


# --- collateral and positions -----------------------------------------------------------------


class WireLeverage(msgspec.Struct, frozen=True):
    """Leverage of a position."""

    value: int


class WirePosition(msgspec.Struct, frozen=True):
    """One position; `szi` is signed, negative is short."""

    coin: str
    szi: str
    entryPx: str | None  # noqa: N815  # the venue's spelling
    leverage: WireLeverage
    liquidationPx: str | None  # noqa: N815  # same
    marginUsed: str  # noqa: N815  # same
    unrealizedPnl: str  # noqa: N815  # same


class WireAssetPosition(msgspec.Struct, frozen=True):
    """A position in its wrapper."""

    position: WirePosition


class WireMarginSummary(msgspec.Struct, frozen=True):
    """The account's margin over all positions."""

    accountValue: str  # noqa: N815  # the venue's spelling
    totalMarginUsed: str  # noqa: N815  # same


class WireClearinghouseState(msgspec.Struct, frozen=True):
    """Answer to `{"type": "clearinghouseState"}`; older answers have no time."""

    assetPositions: tuple[WireAssetPosition, ...]  # noqa: N815  # the venue's spelling
    marginSummary: WireMarginSummary  # noqa: N815  # same
    withdrawable: str
    time: Milliseconds | None = None


# --- fills and funding ------------------------------------------------------------------------


class WireFill(msgspec.Struct, frozen=True):
    """One own fill; `crossed` took liquidity, `fee` holds every part of the fee."""

    coin: str
    side: WireSide
    px: str
    sz: str
    time: Milliseconds
    oid: Id
    tid: Id
    crossed: bool
    fee: str
    feeToken: str | None = None  # noqa: N815  # the venue's spelling
    cloid: str | None = None


WireFills: TypeAlias = Annotated[tuple[WireFill, ...], msgspec.Meta(max_length=MAX_FILLS)]


class WireUserFills(msgspec.Struct, frozen=True):
    """Data of the channel `userFills`; the first message after a subscription is a snapshot."""

    fills: WireFills
    isSnapshot: bool = False  # noqa: N815  # the venue's spelling


class WireFunding(msgspec.Struct, frozen=True):
    """One funding payment: `usdc` is the account's change, negative was paid."""

    coin: str
    usdc: str
    fundingRate: str  # noqa: N815  # the venue's spelling
    time: Milliseconds = 0


WireFundings: TypeAlias = Annotated[tuple[WireFunding, ...], msgspec.Meta(max_length=MAX_FILLS)]


class WireUserFundings(msgspec.Struct, frozen=True):
    """Data of the channel `userFundings`."""

    fundings: WireFundings
    isSnapshot: bool = False  # noqa: N815  # the venue's spelling


class WireFundingEntry(msgspec.Struct, frozen=True):
    """One entry of the answer to `{"type": "userFunding"}`, which keeps the time outside."""

    time: Milliseconds
    delta: WireFunding


# --- what else the account is told ------------------------------------------------------------


class WireLiquidation(msgspec.Struct, frozen=True):
    """A liquidation of the account."""

    lid: Id
    liquidated_ntl_pos: str


class WireNonUserCancel(msgspec.Struct, frozen=True):
    """An order that the venue cancelled by itself."""

    coin: str
    oid: Id


class WireUserEvents(msgspec.Struct, frozen=True):
    """Data of the channel `user`: one of these; fills and funding come on channels of their own."""

    liquidation: WireLiquidation | None = None
    nonUserCancel: tuple[WireNonUserCancel, ...] = ()  # noqa: N815  # the venue's spelling


class WireRateLimit(msgspec.Struct, frozen=True):
    """Answer to `{"type": "userRateLimit"}`: volume traded so far, and requests used and allowed."""

    cumVlm: str  # noqa: N815  # the venue's spelling
    nRequestsUsed: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]  # noqa: N815  # same
    nRequestsCap: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]  # noqa: N815  # same


class WireExchangeStatus(msgspec.Struct, frozen=True):
    """Answer to `{"type": "exchangeStatus"}`."""

    time: Milliseconds
    specialStatuses: msgspec.Raw = msgspec.Raw(b"null")  # noqa: N815  # the venue's spelling


class WireRoleData(msgspec.Struct, frozen=True):
    """Whose agent or subaccount it is."""

    user: str | None = None
    master: str | None = None


class WireRole(msgspec.Struct, frozen=True):
    """Answer to `{"type": "userRole"}`: user, agent, vault, subAccount or missing."""

    role: str
    data: WireRoleData = WireRoleData()


class WirePosted(msgspec.Struct, frozen=True):
    """What came back for a post: `action` and `info` with an answer, `error` with a sentence."""

    type: str
    payload: msgspec.Raw = msgspec.Raw(b"null")


class WirePost(msgspec.Struct, frozen=True):
    """Data of the channel `post`."""

    id: Id
    response: WirePosted


class WireInfo(msgspec.Struct, frozen=True):
    """Payload of an `info` post: the request's type and its answer."""

    type: str
    data: msgspec.Raw = msgspec.Raw(b"null")


class WireUserSubscription(msgspec.Struct, frozen=True):
    """An acknowledged subscription of the account."""

    type: str


class WireUserSubscribed(msgspec.Struct, frozen=True):
    """Acknowledgement on the account's stream."""

    method: str
    subscription: WireUserSubscription


def _decoder(kind: type[_T]) -> msgspec.json.Decoder[_T]:
    return msgspec.json.Decoder(kind, strict=False)


META: Final = _decoder(WireMeta)
CLEARINGHOUSE_STATE: Final = _decoder(WireClearinghouseState)
OWN_ORDERS: Final[msgspec.json.Decoder[Sequence[WireOwnOrder]]] = msgspec.json.Decoder(
    Annotated[tuple[WireOwnOrder, ...], msgspec.Meta(max_length=MAX_ORDERS)], strict=False
)
ORDER_UPDATES: Final[msgspec.json.Decoder[Sequence[WireOrderUpdate]]] = msgspec.json.Decoder(
    Annotated[tuple[WireOrderUpdate, ...], msgspec.Meta(max_length=MAX_ORDERS)], strict=False
)
ORDER_STATUS: Final = _decoder(WireOrderStatus)
FILLS: Final[msgspec.json.Decoder[Sequence[WireFill]]] = msgspec.json.Decoder(WireFills, strict=False)
USER_FILLS: Final = _decoder(WireUserFills)
USER_FUNDINGS: Final = _decoder(WireUserFundings)
FUNDING: Final[msgspec.json.Decoder[Sequence[WireFundingEntry]]] = msgspec.json.Decoder(
    Annotated[tuple[WireFundingEntry, ...], msgspec.Meta(max_length=MAX_FILLS)], strict=False
)
USER_EVENTS: Final = _decoder(WireUserEvents)
RATE_LIMIT: Final = _decoder(WireRateLimit)
EXCHANGE_STATUS: Final = _decoder(WireExchangeStatus)
ROLE: Final = _decoder(WireRole)
POST: Final = _decoder(WirePost)
INFO: Final = _decoder(WireInfo)
USER_SUBSCRIBED: Final = _decoder(WireUserSubscribed)
