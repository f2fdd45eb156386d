"""The twin keeps the venue's rules: nonces, listen keys, filters, limits, switches, streams."""

from __future__ import annotations

import json
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest

from aster_desk import ASTER, BTC, ETH, START_NS, Desk
from paraphina_aster.twin.authority import NONCES, Nonces
from paraphina_aster.twin.filters import Filters
from paraphina_aster.twin.listen_keys import ListenKeys
from paraphina_aster.twin.venue import PATIENCE, AsterTwin
from paraphina_core.connector import Network
from paraphina_core.domain import (
    NS_PER_MS,
    NS_PER_S,
    ArmDeadMan,
    ConfigError,
    DeadManReport,
    OrderRejected,
    QueryAccount,
    RemoteError,
    Side,
)
from paraphina_core.twin import NewOrder, Order, TwinContext, TwinRequest, VenueClock

VECTORS = Path(__file__).parent / "vectors"


def cases(name: str) -> list[Any]:
    """Return the cases of a file of test data."""
    found = json.loads((VECTORS / name).read_text(encoding="utf-8"))["cases"]
    return [pytest.param(case, id=case["id"]) for case in found]


# --- nonces -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", cases("nonce_window.json"))
def test_f104_a_nonce_is_taken_within_a_minute_and_once(case: dict[str, Any]) -> None:
    """Microseconds of the venue's time; milliseconds are from 1970."""
    taken = Nonces(case["stored"]).take(case["nonce"], case["server_us"])
    assert taken is case["expected"].startswith("accept")


def test_of_a_hundred_nonces_the_lowest_bounds_the_next() -> None:
    """A hundred requests may overtake each other; one that is later still is taken for expired."""
    now_us = 1_763_800_000_000_000
    nonces = Nonces(range(now_us + 1, now_us + 1 + NONCES))
    assert not nonces.take(now_us, now_us)
    assert nonces.take(now_us + 1_000, now_us)
    assert not nonces.take(now_us + 1, now_us)  # it was forgotten, and is below all others
    few = Nonces(range(now_us + 1, now_us + NONCES))
    assert few.take(now_us, now_us)


# --- listen keys ------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", cases("listen_key.json"))
def test_a_listen_key_lives_for_an_hour_from_the_last_asking(case: dict[str, Any]) -> None:
    """Asking for one while it lives gives the same key."""
    keys, made = ListenKeys(1), []
    for what, at_s in case["events"]:
        if what == "create":
            made.append(keys.create("me", at_s * NS_PER_S))
        else:
            keys.keep("me", at_s * NS_PER_S)
    alive = keys.owner(made[-1], case["query_at"] * NS_PER_S) == "me"
    assert alive is case["expected"]["alive"]
    assert len(set(made)) == 1


def test_the_end_of_a_listen_key_is_told_and_then_nothing() -> None:
    """The connection stays open, and hears of no order any more."""
    desk = Desk().start()
    desk.wait(3_600_000)
    assert desk.told[1][-1]["e"] == "listenKeyExpired"
    count = len(desk.told[1])
    desk.command(desk.order())
    assert len(desk.told[1]) == count
    refused = desk.open(9, "/ws/0123456789abcdef0123456789abcdef")
    assert refused is not None
    assert msgspec.json.decode(refused.body)["code"] == -1125


# --- filters ----------------------------------------------------------------------------------------


FILTERS = json.loads((VECTORS / "order_filters.json").read_text(encoding="utf-8"))["filters"]
LIMITS = [case for case in cases("order_filters.json") if case.values[0]["type"] == "LIMIT"]


@pytest.mark.parametrize("case", LIMITS)
def test_an_order_passes_the_filters_that_the_venue_documents(case: dict[str, Any]) -> None:
    """Each rule that it breaks is named by its number."""
    stated = FILTERS[case["symbol"]]
    prices, sizes, percents = stated["PRICE_FILTER"], stated["LOT_SIZE"], stated["PERCENT_PRICE"]
    filters = Filters(
        min_price=Decimal(prices["minPrice"]),
        max_price=Decimal(prices["maxPrice"]),
        tick=Decimal(prices["tickSize"]),
        min_size=Decimal(sizes["minQty"]),
        max_size=Decimal(sizes["maxQty"]),
        lot=Decimal(sizes["stepSize"]),
        notional=Decimal(stated["MIN_NOTIONAL"]["notional"]),
        multiplier_up=Decimal(percents["multiplierUp"]),
        multiplier_down=Decimal(percents["multiplierDown"]),
    )
    order = NewOrder(
        instrument=BTC,
        side=Side(case["side"].lower()),
        price=Decimal(case["price"]),
        size=Decimal(case["quantity"]),
        reduce_only=case.get("reduce_only", False),
    )
    wanted = {int(text.rpartition("(")[2][:-1]) for text in case["expected"]["violations"]}
    assert set(filters.violations(order, Decimal(case["mark_price"]))) == wanted


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"price": "90000"}, -4016),
        ({"price": "79000", "side": Side.SELL}, -4024),
        ({"size": "400"}, -4005),
        ({"price": "5000", "size": "0.001", "reduce_only": True}, -2022),
        ({"size": "200"}, -2019),
    ],
)
def test_what_the_venue_would_refuse_is_refused_with_its_number(changes: dict[str, Any], code: int) -> None:
    """And told as a rejection, with a code that does not change."""
    desk = Desk().start()
    (event,) = (e for e in desk.command(desk.order(**changes)) if isinstance(e, OrderRejected))
    assert msgspec.json.decode(desk.requests[-1][1].body)["code"] == code
    assert event.reason.startswith(str(code))


# --- who may ask ------------------------------------------------------------------------------------


def test_f104_a_request_is_taken_once() -> None:
    """The very same bytes again have a nonce that was used."""
    desk = Desk()
    request = desk.connector.ask(QueryAccount(), desk.context())
    assert desk.carry(request).status == 200  # type: ignore[arg-type]  # over HTTP
    again = desk.carry(request)  # type: ignore[arg-type]  # same
    assert msgspec.json.decode(again.body) == {"code": -4225, "msg": "Nonce Expired"}


def test_a_signature_counts_for_its_network_and_its_text_alone() -> None:
    """Another chain id, another letter, or none at all."""
    desk = Desk()
    request = desk.connector.ask(QueryAccount(), desk.context())
    target = request.url.partition(".com")[2]  # type: ignore[union-attr]  # over HTTP
    mainnet = AsterTwin(
        TwinContext(
            seed=7, start_ns=START_NS, network=Network.MAINNET, clock=VenueClock(), wire=desk, settings={}
        )
    )
    for twin, asked, code in (
        (mainnet, target, -1022),
        (desk.twin, target.replace("nonce=", "x=1&nonce="), -1022),
        (desk.twin, target.partition("&signature=")[0], -1102),
        (desk.twin, target, None),
    ):
        answer = twin.request(TwinRequest(method="GET", target=asked), desk.at_ns)
        assert msgspec.json.decode(answer.body).get("code") == code


def test_without_a_deposit_nothing_that_is_signed_is_done() -> None:
    """The venue's number for it, with what can be done, reaches whoever placed the order."""
    desk = Desk(deposited="no")
    with pytest.raises(RemoteError, match="-5050"):
        desk.ask(QueryAccount())


def test_an_old_key_is_taken_within_its_window() -> None:
    """Later than five seconds the venue does not do it."""
    desk = Desk(old_key=True)
    request = desk.connector.ask(QueryAccount(), desk.context())
    assert desk.carry(request).status == 200  # type: ignore[arg-type]  # over HTTP
    desk.wait(6_000)
    late = desk.carry(request)  # type: ignore[arg-type]  # same
    assert msgspec.json.decode(late.body)["code"] == -1021


# --- limits -----------------------------------------------------------------------------------------


def test_weight_is_counted_told_and_ends_in_a_ban() -> None:
    """First 429 with the time to wait; whoever goes on is shut out, and let in again later."""
    desk = Desk()

    def depth() -> Any:
        target = "/fapi/v3/depth?symbol=BTCUSDT&limit=1000"
        return desk.twin.request(TwinRequest(method="GET", target=target), desk.at_ns)

    answers = [depth() for _ in range(120 + PATIENCE + 1)]
    assert answers[0].headers["x-mbx-used-weight-1m"] == "20"
    assert [answer.status for answer in answers] == [200] * 120 + [429] * PATIENCE + [418]
    assert all("retry-after" in answer.headers for answer in answers[120:])
    desk.wait(119_000)
    assert depth().status == 418
    desk.wait(2_000)
    assert depth().status == 200


def test_orders_are_counted_by_account() -> None:
    """Three hundred in ten seconds; the count stands in a header."""
    desk = Desk().start()
    statuses = []
    for _ in range(301):
        order = desk.order(price="83000", size="0.001")
        desk.command(order)
        statuses.append(desk.requests[-1][1])
    assert statuses[0].headers["x-mbx-order-count-10s"] == "1"
    assert (statuses[-1].status, msgspec.json.decode(statuses[-1].body)["code"]) == (429, -1015)


# --- switches ---------------------------------------------------------------------------------------


def test_a_dead_man_switch_is_of_its_symbol_alone() -> None:
    """One that is not armed again fires; orders in another symbol and of another account stay."""
    desk = Desk("BTCUSDT,ETHUSDT").start()
    desk.command(desk.order())
    desk.command(desk.order(price="2700", instrument=ETH))
    assert desk.command(ArmDeadMan(window_ms=5_000, instruments=(BTC,))) == ()
    both = desk.command(ArmDeadMan(window_ms=60_000, instruments=(ETH,)))
    assert both == (DeadManReport(armed_until_ns=START_NS + 5_000 * NS_PER_MS),)
    desk.wait(4_999)
    account = desk.twin.exchange.account(desk.member.name)
    assert len(account.orders) == 2
    desk.wait(1)
    (left,) = account.orders.values()
    assert left.instrument == ETH
    assert desk.command(ArmDeadMan(window_ms=0, instruments=(BTC,))) == ()
    assert desk.command(ArmDeadMan(window_ms=0, instruments=(ETH,))) == (DeadManReport(armed_until_ns=None),)


# --- streams ----------------------------------------------------------------------------------------


def rest(desk: Desk, price: str, side: Side = Side.SELL) -> None:
    """Let the other account rest an order."""
    terms = NewOrder(instrument=ASTER, side=side, price=Decimal(price), size=Decimal(10))
    placed = desk.twin.exchange.place(desk.twin.exchange.account(desk.other.name), terms, desk.at_ns)
    assert isinstance(placed, Order)


def test_each_speed_of_a_book_names_what_it_told_before() -> None:
    """Ids are counted over all changes; a slower stream spans more of them."""
    desk = Desk()
    streams = [f"asterusdt@depth{speed}" for speed in ("@100ms", "", "@500ms", "5@100ms")]
    assert desk.open(5, "/stream?streams=" + "/".join(streams)) is None
    for number in range(10):
        rest(desk, f"1.1{number}")
        desk.wait(100)
    told: dict[str, list[Any]] = {}
    for message in desk.told[5]:
        told.setdefault(message["stream"], []).append(message["data"])
    fast, middle, slow, best = (told[stream] for stream in streams)
    assert [len(one) for one in (fast, middle, slow)] == [10, 4, 2]
    for stream in (fast, middle, slow):
        assert all(after["pu"] == before["u"] for before, after in pairwise(stream))
        assert all(update["U"] <= update["u"] for update in stream)
    assert fast[-1]["u"] == middle[-1]["u"] == slow[-1]["u"]
    assert [level[0] for level in best[-1]["a"]] == ["1.1", "1.11", "1.12", "1.13", "1.14"]


def test_streams_are_named_by_message_too() -> None:
    """Subscribed, listed, wrapped or not, and given up; nonsense is answered and ends nothing."""
    desk = Desk()
    assert desk.open(6, "/ws") is None

    def say(message: bytes) -> Any:
        desk.twin.receive(6, message, desk.at_ns)
        return desk.told[6][-1]

    name = "asterusdt@bookTicker"
    assert say(b'{"method":"SUBSCRIBE","params":["%s"],"id":1}' % name.encode()) == {"result": None, "id": 1}
    assert say(b'{"method":"LIST_SUBSCRIPTIONS","id":2}')["result"] == [name]
    rest(desk, "1.2")
    assert (desk.told[6][-1]["e"], desk.told[6][-1]["a"]) == ("bookTicker", "1.2")
    say(b'{"method":"SET_PROPERTY","params":["combined",true],"id":3}')
    rest(desk, "1.1")
    assert desk.told[6][-1]["stream"] == name
    assert "error" in say(b"\xff{")
    say(b'{"method":"UNSUBSCRIBE","params":["%s"],"id":4}' % name.encode())
    count = len(desk.told[6])
    rest(desk, "1.05")
    assert len(desk.told[6]) == count


def test_paths_that_there_are_not_are_refused() -> None:
    """Over HTTP and as a stream."""
    desk = Desk()
    assert desk.twin.request(TwinRequest(method="GET", target="/fapi/v9/time"), desk.at_ns).status == 404
    assert desk.twin.request(TwinRequest(method="GET", target="/elsewhere"), desk.at_ns).status == 404
    refused = desk.open(8, "/elsewhere")
    assert refused is not None
    assert refused.status == 404


def test_settings_that_there_are_not_are_refused() -> None:
    """Whoever misspells one would believe that it is in force."""
    with pytest.raises(ConfigError, match="setting of the twin"):
        Desk(floww="no")
