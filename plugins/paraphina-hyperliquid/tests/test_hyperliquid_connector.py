"""The connector as the core drives it: settings, plan, openings, commands on the stream or beside it."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paraphina_core.connector import (
    Answer,
    ConnectorContext,
    Failure,
    FailureKind,
    HttpRequest,
    Network,
    StreamRequest,
    TradeMode,
    WriteContext,
)
from paraphina_core.domain import (
    Answered,
    ArmDeadMan,
    Batch,
    BookSnapshot,
    CancelAll,
    CancelOrder,
    CancelRejected,
    ClientOrderId,
    Command,
    ConfigError,
    Event,
    InstrumentDefined,
    LocalError,
    ModifyOrder,
    OrderAccepted,
    OrderRejected,
    OrderReport,
    OrderState,
    OutcomeUnknown,
    PlaceOrder,
    Query,
    QueryAccount,
    QueryBook,
    QueryInstruments,
    QueryOpenOrders,
    QueryOrder,
    RemoteError,
    Resubscribe,
    SetLeverage,
    Side,
    SubscriptionLive,
    VenueNotice,
    instrument_id,
    to_hex128,
)
from paraphina_hyperliquid.connector import ACCOUNT, MARKET, HyperliquidConnector
from paraphina_hyperliquid.limits import MAX_POSTS
from paraphina_hyperliquid.roles import ACCOUNT_POST, SIGNER_POST
from paraphina_hyperliquid.signer import Signer
from paraphina_hyperliquid.spec import VENUE

BTC = instrument_id("hyperliquid", "BTC")
TRADED = "0x" + "AB" * 20
OWNER = "0x" + "CD" * 20
KEY = "0x" + "01" * 32  # nobody's, and never to be funded
SIGNER = Signer(KEY)
NOW_MS = 1_763_800_000_000
META: dict[str, list[dict[str, object]]] = {
    "universe": [{"szDecimals": 4, "name": "ETH"}, {"szDecimals": 5, "name": "BTC"}]
}


def made(mode: TradeMode = TradeMode.TESTNET, /, **settings: str) -> HyperliquidConnector:
    """Return a connector as the core makes it, for the account of a vault where orders are sent."""
    values = {"vault_address": TRADED} | settings if mode.reaches_venue else settings
    return HyperliquidConnector(ConnectorContext(mode=mode, network=mode.network, settings=values, seed=1))


def context(nonce: int = NOW_MS) -> WriteContext:
    """Return what a request may use of the world."""
    return WriteContext(nonce=nonce, at_ns=NOW_MS * 1_000_000, sign=SIGNER.sign, identity=SIGNER.identity)


def ready(mode: TradeMode = TradeMode.TESTNET, /, **settings: str) -> HyperliquidConnector:
    """Return a connector that knows the listings."""
    connector = made(mode, **settings)
    answered(connector, QueryInstruments(), META)
    return connector


def answered(connector: HyperliquidConnector, query: Query, body: object) -> list[Event]:
    """Ask a query and hand in the answer."""
    request = connector.ask(query, context())
    return list(connector.read_answer(request, Answer(status=200, body=json.dumps(body).encode()), 0))


def place(client_order_id: int = 7, **changes: Any) -> PlaceOrder:
    """Return a post-only buy."""
    values: dict[str, Any] = {
        "instrument": BTC,
        "client_order_id": ClientOrderId(client_order_id),
        "side": Side.BUY,
        "price": Decimal(96500),
        "size": Decimal("0.001"),
        "post_only": True,
    }
    return PlaceOrder(**values | changes)


CANCEL = CancelOrder(instrument=BTC, client_order_id=ClientOrderId(7))
MODIFY = ModifyOrder(
    instrument=BTC,
    client_order_id=ClientOrderId(7),
    venue_order_id="5",
    side=Side.BUY,
    price=Decimal(96400),
    size=Decimal("0.001"),
)
COMMANDS: list[Command] = [
    place(),
    MODIFY,
    CANCEL,
    Batch(commands=(place(1), place(2))),
    Batch(commands=(CANCEL,)),
    ArmDeadMan(window_ms=60_000),
    SetLeverage(instrument=BTC, leverage=3),
]
RESTING = {"status": "ok", "response": {"type": "order", "data": {"statuses": [{"resting": {"oid": 9}}]}}}


def reads(connector: HyperliquidConnector, channel: str, data: object, stream: str = ACCOUNT) -> list[Event]:
    """Hand a message of a stream to the connector."""
    return list(connector.read(stream, json.dumps({"channel": channel, "data": data}).encode(), 0))


def role(connector: HyperliquidConnector, number: int, role: str, **data: str) -> list[Event]:
    """Answer one of the questions who an address is."""
    payload = {"type": "userRole", "data": {"role": role} | ({"data": data} if data else {})}
    return reads(connector, "post", {"id": number, "response": {"type": "info", "payload": payload}})


# --- plan and openings ------------------------------------------------------------------------


def test_the_listings_are_read_before_anything_is_opened() -> None:
    """And again from time to time: coins come and go without notice."""
    plan = made().plan()
    assert plan.bootstrap == (QueryInstruments(),)
    assert plan.poll_ms is not None
    assert [(stream.name, stream.private) for stream in plan.streams] == [(MARKET, False), (ACCOUNT, True)]


@pytest.mark.parametrize("mode", [TradeMode.SHADOW, TradeMode.PAPER])
def test_an_account_is_watched_only_where_its_orders_are_sent(mode: TradeMode) -> None:
    """Its own fills would get in the way of paper ones; it can be asked about all the same."""
    connector = HyperliquidConnector(
        ConnectorContext(mode=mode, network=Network.MAINNET, settings={"vault_address": TRADED}, seed=1)
    )
    assert [stream.name for stream in connector.plan().streams] == [MARKET]
    request = connector.ask(QueryAccount(), context())
    assert isinstance(request, HttpRequest)
    assert json.loads(request.body)["user"] == TRADED.lower()
    with pytest.raises(LocalError, match="no orders are sent"):
        connector.write(place(), context())


@pytest.mark.parametrize(("book", "extra"), [("fast", {"fast": True}), ("plain", {})])
def test_the_market_is_subscribed_coin_by_coin(book: str, extra: dict[str, bool]) -> None:
    """One book a socket: both come on the same channel and could not be told apart."""
    connector = ready(TradeMode.PAPER, coin="BTC, ETH", book=book)
    messages = [json.loads(sent) for sent in connector.opened(MARKET, context())]
    assert messages == [
        {"method": "subscribe", "subscription": {"type": channel, "coin": coin} | more}
        for coin in ("BTC", "ETH")
        for channel, more in (("bbo", {}), ("l2Book", extra), ("trades", {}), ("activeAssetCtx", {}))
    ]
    (stream,) = connector.plan().streams
    topics = {f"{m['subscription']['type']}:{m['subscription']['coin']}" for m in messages}
    assert set(stream.topics) == topics


def test_nothing_is_subscribed_that_the_venue_does_not_list() -> None:
    """It hangs up on a coin that it does not know; whose topics stay silent, so the stream is never live."""
    connector = made(TradeMode.PAPER, coin="BTC,NOSUCH")
    defined, notice = answered(connector, QueryInstruments(), META)
    assert isinstance(defined, InstrumentDefined)
    assert isinstance(notice, VenueNotice)
    sent = [json.loads(message)["subscription"]["coin"] for message in connector.opened(MARKET, context())]
    assert set(sent) == {"BTC"}
    assert any(topic.endswith(":NOSUCH") for topic in connector.plan().streams[0].topics)
    assert made(TradeMode.PAPER).opened(MARKET, context()) == []


def test_a_coin_that_is_listed_later_is_subscribed_by_opening_anew() -> None:
    """Asked for once; while the market is closed there is nothing to open anew."""
    connector = made(TradeMode.PAPER, coin="NEW")
    answered(connector, QueryInstruments(), META)
    later = {"universe": [*META["universe"], {"szDecimals": 1, "name": "NEW"}]}
    assert connector.opened(MARKET, context()) == []
    *_, wish = answered(connector, QueryInstruments(), later)
    assert isinstance(wish, Resubscribe)
    assert wish.stream == MARKET
    assert len(answered(connector, QueryInstruments(), later)) == 1
    assert len(connector.opened(MARKET, context())) == 4
    assert len(answered(connector, QueryInstruments(), later)) == 1
    connector.closed(MARKET)
    assert len(answered(connector, QueryInstruments(), META)) == 1


def test_the_account_is_subscribed_by_the_address_that_is_traded() -> None:
    """Never by the agent's own, about which the venue says nothing."""
    connector = ready()
    *subscriptions, first, second = [json.loads(sent) for sent in connector.opened(ACCOUNT, context())]
    assert [message["subscription"] for message in subscriptions] == [
        {"type": channel, "user": TRADED.lower()}
        for channel in ("orderUpdates", "userFills", "userEvents", "userFundings")
    ]
    asked = [message["request"]["payload"] for message in (first, second)]
    assert [(first["id"], asked[0]["user"]), (second["id"], asked[1]["user"])] == [
        (ACCOUNT_POST, TRADED.lower()),
        (SIGNER_POST, SIGNER.address),
    ]
    assert {ask["type"] for ask in asked} == {"userRole"}
    assert "userRole" in connector.plan().streams[1].topics


def test_a_stream_that_was_not_planned_is_nobodys() -> None:
    """Neither opened nor read."""
    with pytest.raises(LocalError, match="not planned"):
        ready().opened("other", context())
    with pytest.raises(LocalError, match="not planned"):
        ready(TradeMode.PAPER).opened(ACCOUNT, context())
    with pytest.raises(RemoteError, match="not planned"):
        ready().read("other", b"{}", 0)


def test_a_market_that_opens_anew_knows_nothing_of_the_last_connection() -> None:
    """Its books begin again, at whatever time."""
    connector = ready()
    connector.opened(MARKET, context())
    late = {"coin": "BTC", "time": 9, "levels": [[], []]}
    assert len(reads(connector, "l2Book", late, MARKET)) == 1
    with pytest.raises(RemoteError):
        reads(connector, "l2Book", late | {"time": 8}, MARKET)
    connector.opened(MARKET, context())
    (book,) = reads(connector, "l2Book", late | {"time": 8}, MARKET)
    assert isinstance(book, BookSnapshot)


# --- commands ---------------------------------------------------------------------------------


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: type(command).__name__)
def test_a_command_is_a_post_while_the_account_is_open_and_a_request_otherwise(command: Command) -> None:
    """The very same signed body either way."""
    connector = ready()
    beside = connector.write(command, context())
    assert isinstance(beside, HttpRequest)
    connector = ready()
    connector.opened(ACCOUNT, context())
    post = connector.write(command, context())
    assert isinstance(post, StreamRequest)
    assert (post.stream, post.correlation, post.deadline_ms) == (ACCOUNT, str(NOW_MS), beside.deadline_ms)
    assert (*beside.cost, ("ws_messages", 1)) == post.cost
    payload = json.loads(post.payload)
    assert (payload["method"], payload["id"], payload["request"]["type"]) == ("post", NOW_MS, "action")
    assert payload["request"]["payload"] == json.loads(beside.body)
    assert beside.body in post.payload
    connector.closed(MARKET)
    assert isinstance(connector.write(command, context(NOW_MS + 1)), StreamRequest)
    connector.closed(ACCOUNT)
    assert isinstance(connector.write(command, context(NOW_MS + 2)), HttpRequest)


def test_more_posts_than_the_venue_bears_go_beside_the_stream() -> None:
    """A hundred may be without an answer; each that is answered or lost makes room."""
    connector = ready()
    connector.opened(ACCOUNT, context())
    posts = [connector.write(place(n), context(NOW_MS + n)) for n in range(MAX_POSTS)]
    assert all(isinstance(post, StreamRequest) for post in posts)
    assert isinstance(connector.write(place(500), context(NOW_MS + 500)), HttpRequest)
    connector.read_answer(posts[0], Failure(kind=FailureKind.TIMED_OUT), 0)
    reads(connector, "post", {"id": NOW_MS + 1, "response": {"type": "action", "payload": RESTING}})
    again = [connector.write(place(n), context(NOW_MS + n)) for n in (501, 502, 503)]
    assert [type(request) for request in again] == [StreamRequest, StreamRequest, HttpRequest]


def test_an_answer_on_the_stream_is_told_first_and_only_once() -> None:
    """Then what it says of the order; a second one is given up."""
    connector = ready()
    connector.opened(ACCOUNT, context())
    connector.write(place(), context())
    post = {"id": NOW_MS, "response": {"type": "action", "payload": RESTING}}
    told, accepted = reads(connector, "post", post)
    assert told == Answered(correlation=str(NOW_MS))
    assert isinstance(accepted, OrderAccepted)
    assert (accepted.client_order_id, accepted.venue_order_id) == (7, "9")
    (late,) = reads(connector, "post", post)
    assert isinstance(late, VenueNotice)


def test_f031_an_answer_and_the_streams_word_may_come_in_either_order() -> None:
    """Each says the same of the same order."""
    opened = {
        "order": {
            "coin": "BTC",
            "side": "B",
            "limitPx": "96500.0",
            "sz": "0.001",
            "oid": 9,
            "timestamp": 1,
            "origSz": "0.001",
            "cloid": to_hex128(7, "t"),
        },
        "status": "open",
        "statusTimestamp": 1,
    }
    post = {"id": NOW_MS, "response": {"type": "action", "payload": RESTING}}
    heard: list[set[tuple[int | None, str | None]]] = []
    answer, update = ("post", post), ("orderUpdates", [opened])
    for order in ((answer, update), (update, answer)):
        connector = ready()
        connector.opened(ACCOUNT, context())
        connector.write(place(), context())
        events = [event for channel, data in order for event in reads(connector, channel, data)]
        heard.append({(e.client_order_id, e.venue_order_id) for e in events if isinstance(e, OrderAccepted)})
    assert heard == [{(7, "9")}] * 2


@pytest.mark.parametrize(
    ("payload", "is_limit"),
    [("429 Too Many Requests", True), ("503 Service Unavailable", False), ("", False)],
)
def test_f030_a_post_that_the_venue_could_not_take_is_unknown(payload: str, is_limit: bool) -> None:
    """It says so in words of its own; a limit is told besides."""
    connector = ready()
    connector.opened(ACCOUNT, context())
    connector.write(place(), context())
    told, doubt, *rest = reads(
        connector, "post", {"id": NOW_MS, "response": {"type": "error", "payload": payload}}
    )
    assert isinstance(told, Answered)
    assert isinstance(doubt, OutcomeUnknown)
    assert [notice.code for notice in rest if isinstance(notice, VenueNotice)] == ["ip_rate_limit"] * is_limit


def test_f030_what_never_came_back_is_unknown_and_what_never_left_is_refused() -> None:
    """For a post as for a request."""
    for is_open in (False, True):
        connector = ready()
        if is_open:
            connector.opened(ACCOUNT, context())
        lost, unsent = (connector.write(place(n), context(NOW_MS + n)) for n in (1, 2))
        (doubt,) = connector.read_answer(lost, Failure(kind=FailureKind.DISCONNECTED), 0)
        (refused,) = connector.read_answer(unsent, Failure(kind=FailureKind.NOT_SENT), 0)
        assert isinstance(doubt, OutcomeUnknown)
        assert isinstance(refused, OrderRejected)


def test_cancelling_everything_is_for_the_core_to_spell_out() -> None:
    """The venue has no such action, and the description says so."""
    assert not VENUE.cancel_all_command
    with pytest.raises(LocalError, match="cancel each open order"):
        ready().write(CancelAll(), context())


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({}, TRADED.lower()),
        ({"account_address": OWNER}, TRADED.lower()),
        ({"account_address": TRADED.lower()}, None),
    ],
)
def test_only_a_vault_or_subaccount_is_named_in_a_request(
    settings: dict[str, str], named: str | None
) -> None:
    """The venue refuses the name of an owner's own account; an order without a name is the owner's."""
    request = ready(**settings).write(place(), context())
    assert isinstance(request, HttpRequest)
    body = json.loads(request.body)
    assert body["vaultAddress"] == named
    assert "builder" not in body["action"]  # nobody else is ever paid for an order, and no setting says so
    assert not any("builder" in setting.name for setting in VENUE.settings)


# --- whose account it is ----------------------------------------------------------------------


def test_an_account_that_the_venue_confirms_is_live() -> None:
    """Both answers are needed, in either order."""
    connector = ready()
    connector.opened(ACCOUNT, context())
    assert role(connector, SIGNER_POST, "agent", user=OWNER) == []
    confirmed = SubscriptionLive(topic="userRole")
    assert role(connector, ACCOUNT_POST, "subAccount", master=OWNER) == [confirmed]
    connector.write(place(), context())
    assert all(b'"post"' not in sent for sent in connector.opened(ACCOUNT, context()))
    echo = {"method": "subscribe", "subscription": {"type": "orderUpdates"}}
    assert confirmed in reads(connector, "subscriptionResponse", echo)


def test_what_an_opening_asks_is_paid_with_the_next_question() -> None:
    """The core meters requests, and these questions are none."""
    before = (connector := ready()).ask(QueryInstruments(), context())
    connector.opened(ACCOUNT, context())
    with_debt, after = (connector.ask(QueryInstruments(), context()) for _ in range(2))
    assert with_debt.cost == (("ip_weight", before.cost[0][1] + 120),)
    assert after.cost == before.cost


RISKS: list[Command] = [place(), MODIFY, Batch(commands=(place(),)), ArmDeadMan(window_ms=0)]


def test_orders_are_refused_when_the_account_is_not_what_the_settings_say() -> None:
    """Cancels always leave, the operator reads what is wrong, and a new opening asks again."""
    connector = ready()
    connector.opened(ACCOUNT, context())
    (notice,) = role(connector, ACCOUNT_POST, "agent", user=OWNER)
    assert isinstance(notice, VenueNotice)
    assert notice.code == "wrong_account"
    for number, command in enumerate(RISKS):
        with pytest.raises(ConfigError, match="not what the settings say"):
            connector.write(command, context(NOW_MS + number))
    connector.write(CANCEL, context())
    connector.write(Batch(commands=(CANCEL,)), context(NOW_MS + 1))
    connector.opened(ACCOUNT, context())
    connector.write(place(), context(NOW_MS + 2))


# --- answers to queries -----------------------------------------------------------------------


def own_order(**changes: object) -> dict[str, object]:
    """Return order 7 as the venue tells of it."""
    values = {"coin": "BTC", "side": "B", "limitPx": "96500.0", "sz": "0.0004", "oid": 5, "timestamp": 1}
    return values | {"origSz": "0.001", "cloid": to_hex128(7, "t")} | changes


def status(state: str, **changes: object) -> dict[str, object]:
    """Return the answer to a question for order 7."""
    update = {"order": own_order(**changes), "status": state, "statusTimestamp": 1}
    return {"status": "order", "order": update}


ORDER = QueryOrder(instrument=BTC, client_order_id=ClientOrderId(7))


@pytest.mark.parametrize(
    ("query", "answer"), [(ORDER, status("open")), (QueryOpenOrders(), [own_order()])], ids=["order", "list"]
)
def test_f037_what_an_order_has_filled_is_learnt_from_an_answer_about_it(
    query: Query, answer: object
) -> None:
    """A change afterwards orders only what is left."""
    connector = ready()
    answered(connector, query, answer)
    request = connector.write(MODIFY, context())
    assert isinstance(request, HttpRequest)
    assert json.loads(request.body)["action"]["modifies"][0]["order"]["s"] == "0.0004"


def test_f036_the_end_of_the_order_before_a_change_is_no_answer_about_ours() -> None:
    """Both have our id; the question is put again until the venue speaks of the one that stands."""
    connector = ready()
    request = connector.write(MODIFY, context())
    with pytest.raises(RemoteError, match="replaced"):
        answered(connector, ORDER, status("canceled", oid=5))
    connector.read_answer(request, Answer(status=200, body=json.dumps(RESTING).encode()), 0)
    with pytest.raises(RemoteError, match="replaced"):
        answered(connector, ORDER, status("canceled", oid=5))
    (report,) = answered(connector, ORDER, status("canceled", oid=9))
    assert isinstance(report, OrderReport)
    assert report.state is OrderState.CANCELLED


def test_answers_to_commands_and_to_queries_are_told_apart() -> None:
    """By where they were asked, whatever their numbers are."""
    connector = ready()
    query, command = connector.ask(QueryBook(instrument=BTC), context()), connector.write(CANCEL, context())
    (rejected,) = connector.read_answer(command, Failure(kind=FailureKind.NOT_SENT), 0)
    assert isinstance(rejected, CancelRejected)
    assert connector.read_answer(query, Failure(kind=FailureKind.NOT_SENT), 0) == ()


@given(st.sampled_from([MARKET, ACCOUNT]), st.binary(max_size=200))
def test_f007_any_bytes_of_any_stream_are_read_or_refused_as_remote(stream: str, frame: bytes) -> None:
    """Garbage never raises anything but a remote error."""
    connector = ready()
    connector.opened(stream, context())
    try:
        connector.read(stream, frame, 0)
    except RemoteError:
        return
