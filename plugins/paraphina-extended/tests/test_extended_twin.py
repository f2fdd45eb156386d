"""Extended's twin answers as the venue does: keys, signatures, fees, delays, refusals and both streams."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from paraphina_core.connector import Answer, Network
from paraphina_core.domain import NS_PER_MS, ConfigError, Side
from paraphina_core.twin import TwinContext, TwinRequest, VenueClock
from paraphina_extended.signer import Signer
from paraphina_extended.signing import Authority, Terms
from paraphina_extended.twin import ExtendedTwin
from paraphina_extended.twin.universe import Universe

START_MS = 1_800_000_000_000
DOGE, BTC = "DOGE-USD", "BTC-USD"


class Desk:
    """A twin and one of its members, without a socket.

    Attributes:
        twin: it.
        told: what was sent to each session.
    """

    def __init__(self, network: Network = Network.TESTNET, **settings: str) -> None:
        self.at_ns = START_MS * NS_PER_MS
        self.network = network
        self.told: dict[int, list[Any]] = {}
        self.twin = ExtendedTwin(
            TwinContext(
                seed=7,
                start_ns=self.at_ns,
                network=network,
                clock=VenueClock(),
                wire=self,
                settings={"flow": "no"} | settings,
            )
        )
        self.member, self.other = self.twin.members
        self._salt = 0

    def send(self, session: int, payload: bytes, *, binary: bool = False) -> None:
        """Take a message of the venue."""
        assert not binary
        self.told.setdefault(session, []).append(msgspec.json.decode(payload))

    def close(self, session: int, code: int = 1000, reason: str = "") -> None:
        """Be hung up on."""

    def wait(self, ms: int = 10) -> None:
        """Let time pass."""
        self.at_ns += ms * NS_PER_MS
        self.twin.advance(self.at_ns)

    def request(
        self, method: str, path: str, body: bytes = b"", *, key: str | None = None, agent: str = "test"
    ) -> Answer:
        """Ask something with a key, the member's unless another is given."""
        headers = {"user-agent": agent, "x-api-key": self.member.api_key if key is None else key}
        return self.twin.request(
            TwinRequest(method=method, target=f"/api/v1{path}", headers=headers, body=body), self.at_ns
        )

    def data(self, path: str) -> Any:  # whatever the venue says
        """Ask something, and return what is said."""
        answer = self.request("GET", path)
        assert answer.status == 200, answer.body
        return msgspec.json.decode(answer.body)["data"]

    def order(
        self, *, side: Side = Side.BUY, price: str = "0.19", size: str = "1000", **changes: object
    ) -> bytes:
        """Sign an order of the member."""
        self._salt += 1
        terms = {
            "market": DOGE,
            "side": side,
            "price": Decimal(price),
            "size": Decimal(size),
            "fee_rate": Decimal("0.00025"),
            "expires_ms": self.at_ns // NS_PER_MS + 3_600_000,
            "salt": self._salt,
            "external_id": f"order-{self._salt}",
        } | changes
        authority = Authority(
            network=self.network, position_id=self.member.vault, public_key=self.member.public_key
        )
        assets = Universe("extended", has_flow=False).assets(str(terms["market"]))
        sign = Signer.of({"api_key": self.member.api_key, "stark_private_key": self.member.stark_key}).sign
        return authority.signed(Terms(**terms), assets, sign)  # type: ignore[arg-type]  # as above

    def place(self, body: bytes | None = None) -> Answer:
        """Send an order, and let the engine act."""
        answer = self.request("POST", "/user/order", self.order() if body is None else body)
        self.wait()
        return answer

    def orders(self) -> list[dict[str, Any]]:
        """Return the open orders."""
        found: list[dict[str, Any]] = self.data("/user/orders")
        return found

    def open(self, session: int, path: str, **headers: str) -> Answer | None:
        """Open a WebSocket."""
        request = TwinRequest(
            method="GET", target=f"/stream.extended.exchange{path}", headers={"user-agent": "t"} | headers
        )
        return self.twin.connect(session, request, self.at_ns)

    def account(self) -> list[Any]:
        """Open the account's stream; return the list that what it is told goes to."""
        assert self.open(1, "/v1/account", **{"x-api-key": self.member.api_key}) is None
        return self.told.setdefault(1, [])


def code(answer: Answer) -> int:
    """Return the number of a refusal."""
    said = msgspec.json.decode(answer.body)
    assert said["status"] == "ERROR"
    number: int = said["error"]["code"]
    return number


def edited(**changes: object) -> Callable[[bytes], bytes]:
    """Change what was signed already."""
    return lambda body: msgspec.json.encode(msgspec.json.decode(body) | changes)


# --- who may ask ------------------------------------------------------------------------------------


def test_private_paths_want_a_key_and_all_paths_want_to_know_who_asks() -> None:
    """A wrong key is refused, over HTTP and on the account's stream; so is whoever has no User-Agent."""
    desk = Desk()
    assert desk.request("GET", "/user/balance").status == 200
    assert (desk.request("GET", "/user/balance", key="0" * 32)).status == 401
    assert desk.request("GET", "/info/markets", key="").status == 200
    assert desk.request("GET", "/info/markets", agent="").status == 403
    refused = desk.open(1, "/v1/account", **{"x-api-key": "0" * 32})
    assert refused is not None
    assert refused.status == 401
    assert desk.request("GET", "/nothing").status == 404
    assert desk.request("DELETE", "/user/positions").status == 404


def test_requests_are_counted_by_address() -> None:
    """A thousand a minute; then the venue says that there were too many."""
    desk = Desk()
    answers = [desk.request("GET", "/info/markets").status for _ in range(1_001)]
    assert (answers[-2:], set(answers[:-1])) == ([200, 429], {200})
    desk.wait(60_001)
    assert desk.request("GET", "/info/markets").status == 200


# --- order entry ------------------------------------------------------------------------------------


def test_an_order_rests_a_moment_after_it_was_taken_in() -> None:
    """The answer comes before the engine has seen it; until then the venue knows none."""
    desk = Desk()
    answer = desk.request("POST", "/user/order", desk.order())
    placed = msgspec.json.decode(answer.body)["data"]
    assert placed["externalId"] == "order-1"
    assert int(placed["id"]) > 2**53
    assert desk.orders() == desk.data("/user/orders/external/order-1") == []
    desk.wait()
    (order,) = desk.orders()
    assert (order["id"], order["status"], order["filledQty"]) == (int(placed["id"]), "NEW", "0")
    assert desk.data(f"/user/orders/{placed['id']}") == order


@pytest.mark.parametrize(
    ("change", "number"),
    [
        (edited(price="0.18"), 1101),
        (edited(qty="2000"), 1101),
        (edited(nonce="77"), 1101),
        (edited(side="SELL"), 1101),
        (edited(fee="0.0003"), 1101),
        (edited(fee="0.0001"), 1128),
        (edited(market="NO-USD"), 1001),
        (edited(type="TPSL"), 1132),
        (edited(type="MARKET"), 1139),
        (edited(timeInForce="FOK"), 1133),
        (edited(expiryEpochMillis=START_MS), 1135),
        (edited(expiryEpochMillis=START_MS + 29 * 86_400_000), 1135),
        (edited(qty="50"), 1120),
        (edited(qty="105"), 1121),
        (edited(price="0.190001"), 1124),
        (edited(price="0.25"), 1141),
        (edited(qty="90000000"), 1122),
        (edited(reduceOnly=True), 1137),
        (edited(cancelId="order-9"), 1142),
        (
            edited(
                settlement={
                    "signature": {"r": "0x1", "s": "0x2"},
                    "starkKey": "0x1",
                    "collateralPosition": "1",
                }
            ),
            1100,
        ),
        (lambda _: b"{}", 400),
        (lambda _: b"\xff", 400),
    ],
)
def test_what_the_api_refuses_never_reaches_the_engine(change: Callable[[bytes], bytes], number: int) -> None:
    """Terms, fees, ends and signatures are judged before the answer."""
    desk = Desk()
    assert code(desk.place(change(desk.order()))) == number
    assert desk.orders() == []


def test_a_signature_for_another_network_or_vault_is_none() -> None:
    """The domain and the position are part of what is signed."""
    desk, mainnet = Desk(), Desk(Network.MAINNET)
    assert code(desk.place(mainnet.order())) == 1101
    theirs = msgspec.json.decode(desk.order())
    theirs["settlement"]["collateralPosition"] = str(desk.other.vault)
    assert code(desk.place(msgspec.json.encode(theirs))) == 1102


def test_an_order_is_taken_once() -> None:
    """Neither a text nor a hash comes again."""
    desk = Desk()
    body = desk.order()
    assert desk.place(body).status == 200
    assert code(desk.place(body)) == 1134
    assert code(desk.place(edited(id="another")(body))) == 1134


def test_what_only_the_engine_can_see_comes_on_the_stream() -> None:
    """A post-only order that would trade is taken in, and rejected a moment later."""
    desk = Desk()
    told = desk.account()
    desk.place(desk.order(side=Side.SELL, price="0.2"))
    assert desk.place(desk.order(price="0.2", post_only=True)).status == 200
    states = [order["status"] for message in told for order in message["data"].get("orders", ())]
    assert states == ["NEW", "REJECTED"]
    assert told[-2]["data"]["orders"][0]["statusReason"] == "POST_ONLY_FAILED"
    assert [message["seq"] for message in told] == list(range(1, len(told) + 1))


def test_an_edit_puts_another_order_in_the_place_of_the_first() -> None:
    """Under a new number and the new text; the old one is told to be replaced."""
    desk = Desk()
    desk.place()
    assert desk.place(desk.order(price="0.18", replaces="order-1")).status == 200
    (order,) = desk.orders()
    assert (order["externalId"], order["price"]) == ("order-2", "0.180000")
    (old,) = desk.data("/user/orders/external/order-1")
    assert (old["status"], old["statusReason"]) == ("CANCELLED", "ORDER_REPLACED")
    assert code(desk.place(desk.order(replaces="order-1"))) == 1142


def test_an_edit_that_the_engine_refuses_loses_both_orders() -> None:
    """Where the API refuses it, the first one stays."""
    desk = Desk()
    desk.place()
    desk.place(desk.order(side=Side.SELL, price="0.2"))
    assert code(desk.place(desk.order(price="0.25", replaces="order-1"))) == 1141
    assert len(desk.orders()) == 2
    assert desk.place(desk.order(price="0.2", post_only=True, replaces="order-1")).status == 200
    (left,) = desk.orders()
    assert left["externalId"] == "order-2"
    fates = [desk.data(f"/user/orders/external/order-{n}")[0]["status"] for n in (1, 4)]
    assert fates == ["CANCELLED", "REJECTED"]


def test_orders_are_cancelled_by_either_id_by_market_or_all() -> None:
    """Asynchronously as well; what is not open is refused one by one, and passed over in a mass."""
    desk = Desk()
    for _ in range(5):
        desk.place()
    number = desk.orders()[0]["id"]
    assert desk.request("DELETE", f"/user/order/{number}").status == 200
    assert desk.request("DELETE", "/user/order?externalId=order-2").status == 200
    assert len(desk.orders()) == 5
    desk.wait()
    assert len(desk.orders()) == 3
    assert desk.request("DELETE", f"/user/order/{number}").status == 404
    mass = {"externalOrderIds": ["order-3", "order-1"], "orderIds": [number], "cancelAll": False}
    assert desk.request("POST", "/user/order/massCancel", msgspec.json.encode(mass)).status == 200
    desk.wait()
    assert [order["externalId"] for order in desk.orders()] == ["order-4", "order-5"]
    for which, left in (({"markets": [BTC]}, 2), ({"markets": [DOGE]}, 0)):
        assert desk.request("POST", "/user/order/massCancel", msgspec.json.encode(which)).status == 200
        desk.wait()
        assert len(desk.orders()) == left
    assert desk.request("POST", "/user/order/massCancel", b"{}").status == 400


def test_an_order_ends_at_its_time_and_the_dead_man_switch_at_its_own() -> None:
    """The first is expired, the others cancelled; zero seconds disarm the switch."""
    desk = Desk()
    desk.place(desk.order(expires_ms=START_MS + 5_000))
    desk.place()
    desk.wait(6_000)
    (expired,) = desk.data("/user/orders/external/order-1")
    assert (expired["status"], len(desk.orders())) == ("EXPIRED", 1)
    assert desk.request("POST", "/user/deadmanswitch?countdownTime=10").status == 200
    assert desk.request("POST", "/user/deadmanswitch?countdownTime=0").status == 200
    desk.wait(20_000)
    assert len(desk.orders()) == 1
    desk.request("POST", "/user/deadmanswitch?countdownTime=10")
    desk.wait(9_000)
    assert len(desk.orders()) == 1
    desk.wait(1_001)
    assert desk.orders() == []
    assert desk.request("POST", "/user/deadmanswitch?countdownTime=-1").status == 400


def test_leverage_is_set_within_the_market() -> None:
    """Whole numbers from one to the market's most."""
    desk = Desk()
    for leverage, number in ((0, 1049), (21, 1050), (1.5, 1053), ("x", 1053)):
        body = msgspec.json.encode({"market": DOGE, "leverage": leverage})
        assert code(desk.request("PATCH", "/user/leverage", body)) == number
    body = msgspec.json.encode({"market": DOGE, "leverage": "3"})
    assert desk.request("PATCH", "/user/leverage", body).status == 200
    assert desk.data(f"/user/leverage?market={DOGE}") == [{"market": DOGE, "leverage": "3"}]


# --- streams ----------------------------------------------------------------------------------------


def call(method: str, scope: str, **selector: object) -> bytes:
    """Spell a call of the second version."""
    params = {"scope": scope, "selector": {"market": DOGE} | selector}
    return msgspec.json.encode({"jsonrpc": "2.0", "id": "1", "method": method, "params": params})


def test_one_connection_numbers_all_its_topics_together() -> None:
    """From zero; acknowledgements have no number, and what selects nothing gets no answer."""
    desk = Desk()
    assert desk.open(2, "/v2/rpc") is None
    for scope, selector in (
        ("orderbooks", {"depth": "full"}),
        ("orderbooks", {"depth": "1"}),
        ("prices", {"type": "mark"}),
        ("funding-rates", {}),
        ("prices", {"type": "moon"}),
        ("orderbooks", {"market": "NO-USD"}),
    ):
        desk.twin.receive(2, call("subscribe", scope, **selector), desk.at_ns)
    told = desk.told[2]
    assert [m["result"]["subscription"] for m in told if "result" in m] == [
        "orderbooks.DOGE-USD",
        "orderbooks.1.DOGE-USD",
        "prices.mark.DOGE-USD",
        "funding-rates.DOGE-USD",
    ]
    desk.place()
    desk.wait(200)
    desk.twin.receive(2, call("unsubscribe", "orderbooks", depth="full"), desk.at_ns)
    desk.place()
    desk.wait(200)
    numbered = [message for message in told if "seq" in message]
    assert [message["seq"] for message in numbered] == list(range(len(numbered)))
    deltas = [message["data"] for message in numbered if message["type"] == "ORDERBOOKS.DELTA"]
    assert [(level["q"], level["c"]) for delta in deltas for level in delta["b"]] == [("1000", "1000")]


def test_a_change_says_by_how_much_and_to_what() -> None:
    """The rule that the captures show: size before, and change, make the new size."""
    desk = Desk()
    desk.open(2, f"/v1/orderbooks/{DOGE}")
    for _ in range(3):
        desk.place()
        desk.wait(150)
    desk.request("DELETE", "/user/order?externalId=order-2")
    desk.wait(150)
    levels = [
        level for message in desk.told[2] if message["type"] == "DELTA" for level in message["data"]["b"]
    ]
    assert [(level["q"], level["c"]) for level in levels] == [
        ("1000", "1000"),
        ("1000", "2000"),
        ("1000", "3000"),
        ("-1000", "2000"),
    ]
    assert len({level["p"] for level in levels}) > 1, "one price is spelled in more than one way"
    assert [message["seq"] for message in desk.told[2]] == [1, 2, 3, 4, 5]


def test_the_books_come_whole_every_minute() -> None:
    """And are what the changes made of them."""
    desk = Desk()
    desk.place()
    desk.open(2, f"/v1/orderbooks/{DOGE}")
    desk.wait(61_000)
    first, again = (m["data"] for m in desk.told[2] if m["type"] == "SNAPSHOT")
    assert [Decimal(level["q"]) for level in again["b"]] == [Decimal(level["q"]) for level in first["b"]]


@pytest.mark.parametrize("path", ["/v1/orderbooks/NO-USD", "/v1/nothing/DOGE-USD", "/v3", "/v1/"])
def test_paths_that_there_are_not_are_refused(path: str) -> None:
    """In the first version a path is a topic."""
    refused = Desk().open(2, path)
    assert refused is not None
    assert refused.status == 404


@pytest.mark.parametrize("junk", [b"", b"[]", b"\xff", b'{"method":"dance","id":1}', b'{"method":1}'])
def test_nonsense_on_the_stream_is_answered_and_ends_nothing(junk: bytes) -> None:
    """With an error of the venue's own; a connection of the first version takes no message at all."""
    desk = Desk()
    desk.open(2, "/v2/rpc")
    desk.open(3, f"/v1/orderbooks/{DOGE}")
    for session in (2, 3):
        desk.twin.receive(session, junk, desk.at_ns)
    assert "error" in desk.told[2][-1]
    assert len(desk.told[3]) == 1


def test_a_connection_of_the_account_begins_with_everything() -> None:
    """Balance, positions and open orders, marked as what there is already."""
    desk = Desk()
    desk.place()
    told = desk.account()
    assert [(message["type"], message["data"]["isSnapshot"]) for message in told] == [
        ("BALANCE", True),
        ("POSITION", True),
        ("ORDER", True),
    ]
    assert [order["externalId"] for order in told[2]["data"]["orders"]] == ["order-1"]


def test_settings_that_there_are_not_are_refused() -> None:
    """Whoever misspells one would believe that it is in force."""
    with pytest.raises(ConfigError, match="setting of the twin"):
        Desk(metred="no")
