"""What the venue is asked about an account, with which proof, and whose answer it is."""

from __future__ import annotations

import json

import pytest

from lighter_market import ETH
from paraphina_core.connector import Answer, WriteContext
from paraphina_core.domain import (
    BalanceReport,
    FillsListed,
    FundingPayment,
    LocalError,
    NonceReport,
    OpenOrdersListed,
    Query,
    QueryAccount,
    QueryFills,
    QueryFunding,
    QueryOpenOrders,
    QueryTime,
    RemoteError,
)
from paraphina_lighter.account import AccountReader
from paraphina_lighter.instruments import Listings
from paraphina_lighter.questions import NEXT_NONCE, Asker, Questions
from paraphina_lighter.signer import SIGNATURE_BYTES, SignedBy
from paraphina_lighter.tokens import LIFE_S, RENEW_BEFORE_S, Tokens

AT_NS = 1_795_000_000_000_000_000
ROOT = "http://127.0.0.1:1/api/v1/"


class Pen:
    """Counts what is signed."""

    def __init__(self) -> None:
        self.signed: list[bytes] = []

    def sign(self, payload: bytes) -> bytes:
        """Sign something."""
        self.signed.append(payload)
        return bytes(SIGNATURE_BYTES - 1) + bytes((len(self.signed),))

    def at(self, at_ns: int) -> WriteContext:
        """Return what a question may use."""
        return WriteContext(nonce=0, at_ns=at_ns, sign=self.sign)


@pytest.fixture
def questions() -> Questions:
    """Return the questions about one account."""
    asker = Asker(
        account_index=1077,
        api_key_index=4,
        tokens=Tokens(1077, 4, SignedBy.OURS),
        reader=AccountReader(1077, lambda number: ETH if number == 0 else None),
    )
    return Questions("http://127.0.0.1:1", Listings("lighter", ["ETH"]), asker)


@pytest.mark.parametrize(
    ("query", "path", "is_proven"),
    [
        (QueryAccount(), "account?by=index&value=1077", False),
        (NEXT_NONCE, "nextNonce?account_index=1077&api_key_index=4", False),
        (QueryOpenOrders(), "accountActiveOrders?account_index=1077", True),
        (QueryFills(since_ns=5), "trades?account_index=1077&limit=100&sort_by=timestamp", True),
        (QueryFunding(since_ns=5), "positionFunding?account_index=1077&limit=100", True),
    ],
)
def test_what_is_private_is_asked_with_a_proof(
    questions: Questions, query: Query, path: str, is_proven: bool
) -> None:
    """A token in the header, as the vendor's SDK sends it; what anybody may ask needs none."""
    pen = Pen()
    request = questions.ask(query, pen.at(AT_NS))
    assert (request.method, request.url) == ("GET", ROOT + path)
    assert ("Authorization" in request.headers) == is_proven == bool(pen.signed)
    if is_proven:
        assert request.headers["Authorization"].startswith(f"{AT_NS // 10**9 + LIFE_S}:1077:4:")


def test_one_token_serves_until_it_must_be_renewed(questions: Questions) -> None:
    """Signing takes time of the session's thread, and a token lives for hours."""
    pen = Pen()
    last = AT_NS + (LIFE_S - RENEW_BEFORE_S) * 10**9
    told = [
        questions.ask(QueryOpenOrders(), pen.at(at)).headers["Authorization"]
        for at in (AT_NS, last - 1, last)
    ]
    assert told[0] == told[1] != told[2]
    assert len(pen.signed) == 2


@pytest.mark.parametrize(
    ("query", "body", "kind"),
    [
        (
            QueryAccount(),
            {
                "accounts": [
                    {"index": 1077, "available_balance": "1", "total_asset_value": "2", "positions": None}
                ]
            },
            BalanceReport,
        ),
        (NEXT_NONCE, {"code": 200, "nonce": 9}, NonceReport),
        (QueryOpenOrders(), {"orders": None}, OpenOrdersListed),
        (QueryFills(since_ns=5), {"trades": None}, FillsListed),
        (
            QueryFunding(since_ns=5),
            {
                "position_fundings": [
                    {"timestamp": 1766386800, "market_id": 0, "change": "1", "rate": "0.0012"}
                ]
            },
            FundingPayment,
        ),
    ],
)
def test_every_answer_finds_its_question(
    questions: Questions, query: Query, body: object, kind: type
) -> None:
    """The request carries it."""
    request = questions.ask(query, Pen().at(AT_NS))
    events = questions.read(request, Answer(status=200, body=json.dumps(body).encode()))
    assert isinstance(events[0], kind)
    with pytest.raises(RemoteError):
        questions.read(request, Answer(status=400, body=b'{"code":20001}'))


def test_funding_of_before_is_not_told_again(questions: Questions) -> None:
    """The venue's list begins with the latest, wherever one asks from."""
    request = questions.ask(QueryFunding(since_ns=AT_NS), Pen().at(AT_NS))
    entry = {"timestamp": 1766386800, "market_id": 0, "change": "1", "rate": "0.0012"}
    body = json.dumps({"position_fundings": [entry]}).encode()
    assert questions.read(request, Answer(status=200, body=body)) == []


@pytest.mark.parametrize("query", [QueryAccount(), QueryOpenOrders(), NEXT_NONCE])
def test_without_an_account_nothing_is_asked_about_one(query: Query) -> None:
    """Nor is what nobody here can ask."""
    market_only = Questions("http://127.0.0.1:1", Listings("lighter", ["ETH"]))
    with pytest.raises(LocalError):
        market_only.ask(query, Pen().at(AT_NS))


def test_a_question_that_is_not_known_is_refused(questions: Questions) -> None:
    """The venue has no clock to ask for."""
    with pytest.raises(LocalError):
        questions.ask(QueryTime(), Pen().at(AT_NS))
