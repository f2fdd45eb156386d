"""Commands become transactions, and a signer signs these and nothing else: as the vendor's library does."""

from __future__ import annotations

import copy
import json
import pickle
import random
import traceback
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from lighter_market import ETH, connector, details, told
from paraphina_core.connector import Network
from paraphina_core.domain import (
    ArmDeadMan,
    CancelAll,
    CancelOrder,
    ClientOrderId,
    ConfigError,
    GridError,
    LocalError,
    ModifyOrder,
    PlaceOrder,
    SetLeverage,
    Side,
    TimeInForce,
    instrument_id,
)
from paraphina_lighter import vendor
from paraphina_lighter.crypto import ORDER, quintic, verify
from paraphina_lighter.instruments import Listings
from paraphina_lighter.signer import (
    SIGNATURE_BYTES,
    TIME_BYTES,
    Numbers,
    SignedBy,
    Signer,
    token_digest,
    token_payload,
    transaction_payload,
)
from paraphina_lighter.tokens import MAX_LIFE_S, make_token
from paraphina_lighter.transactions import (
    CHAIN_ID,
    MAX_DEAD_MAN_MS,
    MAX_PRICE,
    MIN_DEAD_MAN_MS,
    ORDER_LIFE_MS,
    Attribute,
    CancelAllOrders,
    CancelOneOrder,
    CreateOrder,
    Kind,
    ModifyOneOrder,
    Spelling,
    Transaction,
    UpdateLeverage,
)

VECTORS = Path(__file__).parent / "vectors"
BODIES: dict[str, Any] = {
    "SignCreateOrder": CreateOrder,
    "SignCancelOrder": CancelOneOrder,
    "SignCancelAllOrders": CancelAllOrders,
    "SignModifyOrder": ModifyOneOrder,
    "SignUpdateLeverage": UpdateLeverage,
}
KEY = "1f2e3d4c5b6a79880796a5b4c3d2e1f00112233445566778899aabbccddeeff00102030405060708"  # of the vectors
AT_NS = 1_795_000_000_000_000_000
AT_MS = AT_NS // 1_000_000


def cases(name: str) -> list[dict[str, Any]]:
    """Return the cases of a file."""
    found: list[dict[str, Any]] = json.loads((VECTORS / f"{name}.json").read_text(encoding="utf-8"))["cases"]
    return found


def known(case: dict[str, Any]) -> Transaction:
    """Return the transaction of a case."""
    spelled = case["expected"]["tx_info_without_sig"]
    kind = BODIES[case["c_function"]]
    names = [name for name in spelled if name in kind.__struct_encode_fields__]
    attributes = (spelled["L2TxAttributes"] or {}).items()
    return Transaction(
        chain_id=case["chain_id"],
        account_index=spelled["AccountIndex"],
        api_key_index=spelled["ApiKeyIndex"],
        nonce=spelled["Nonce"],
        expired_at_ms=spelled["ExpiredAt"],
        body=kind(*(spelled[name] for name in names)),
        # The vendor's have more attributes than are made here; all of them are hashed alike.
        attributes=tuple((int(name), value) for name, value in attributes),  # type: ignore[misc]  # just so
    )


OURS = [pytest.param(case, id=case["id"]) for case in cases("tx_vectors") if case["c_function"] in BODIES]
OTHERS = [
    pytest.param(case, id=case["id"]) for case in cases("tx_vectors") if case["c_function"] not in BODIES
]


@pytest.fixture(scope="module")
def signer() -> Signer:
    """Return the signer of the vectors' key."""
    return Signer(KEY)


@pytest.mark.parametrize("case", OURS)
def test_a_transaction_is_hashed_and_spelled_as_the_vendors_is(case: dict[str, Any], signer: Signer) -> None:
    """To the digit of the hash, and key by key; and what is signed here verifies under the same key."""
    transaction, expected = known(case), case["expected"]
    payload = transaction.payload(SignedBy.OURS)
    digest = Numbers(payload[2:]).digest
    assert quintic.encode(digest).hex() == expected["tx_hash"]
    signature = signer.sign(payload)
    info = json.loads(transaction.info(signature))
    assert list(info) == expected["tx_info_key_order"]
    info.pop("Sig")
    assert info == expected["tx_info_without_sig"]
    assert signer.identity == {"public_key": case["public_key"]}
    assert verify(bytes.fromhex(case["public_key"]), digest, signature[TIME_BYTES:])


def test_the_spelling_has_no_blanks() -> None:
    """The vendor's has none, and requests are counted by length."""
    transaction = known(cases("tx_vectors")[0])
    assert b" " not in transaction.info(bytes(SIGNATURE_BYTES))


@pytest.mark.parametrize("case", OTHERS)
def test_an_api_key_signs_nothing_that_is_no_order(case: dict[str, Any], signer: Signer) -> None:
    """Keys, configurations, integrators, margin and groups are refused by the signer itself."""
    payload = transaction_payload(SignedBy.OURS, case["expected"]["hash_preimage_elements"], ())
    with pytest.raises(LocalError, match="only"):
        signer.sign(payload)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\x01",
        b"\x01\x03" + bytes(64),
        transaction_payload(SignedBy.OURS, (304, 13, 1, 1, 1, 1, 3, 0, 5, 0), ()),  # a withdrawal
        transaction_payload(SignedBy.OURS, (304, 12, 1, 1, 1, 1, 2, 3, 0, 0, 5, 0, 0, 0), ()),  # a transfer
        transaction_payload(SignedBy.OURS, (304, 15, 1, 1, 1, 1, 3), ()),  # too short
        transaction_payload(SignedBy.OURS, (304, 15, 1, 1, 1, 1, 3, 4), (5,)),  # half an attribute
        transaction_payload(SignedBy.OURS, (304, 15, 1, 1, 1, 1, 3, 4), ())[:-1],
        token_payload(SignedBy.OURS, b"1:2"),
        token_payload(SignedBy.OURS, b"1790000000:12345:4 "),
    ],
)
def test_what_is_no_transaction_of_ours_is_not_signed(payload: bytes, signer: Signer) -> None:
    """Whatever the reason that somebody shows it."""
    with pytest.raises(LocalError, match="only"):
        signer.sign(payload)


@pytest.mark.parametrize(
    "text",
    ["", "00" * 40, KEY[:-1], KEY + "0", f" {KEY}", "x" * 80, "ff" * 40, ORDER.to_bytes(40, "little").hex()],
)
def test_what_is_not_exactly_a_key_is_refused_and_not_repeated(text: str) -> None:
    """Lengths, blanks, foreign digits, zero and numbers that the curve does not have."""
    with pytest.raises(ConfigError) as caught:
        Signer(text)
    shown = "".join(traceback.format_exception(caught.value))
    assert len(text) < 10 or text not in shown
    assert caught.value.found is None


def test_f105_a_signer_is_neither_shown_nor_copied_nor_stored(signer: Signer) -> None:
    """The key stays where it is."""
    assert KEY not in repr(signer)
    for take in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(LocalError):
            take(signer)
    assert Signer(f"0x{KEY}").identity == signer.identity


def test_a_signature_of_another_length_is_not_sent_and_not_repeated() -> None:
    """A broken signer may return anything, its key for instance."""
    with pytest.raises(LocalError) as caught:
        known(cases("tx_vectors")[0]).info(bytes.fromhex(KEY))
    assert caught.value.found == "40 bytes"


# --- tokens -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", cases("auth_token_vectors"))
def test_a_token_is_hashed_and_spelled_as_the_vendors_is(case: dict[str, Any]) -> None:
    """Its text, then the signature in hexadecimal digits."""
    message = case["expected"]["message"].encode()
    assert quintic.encode(token_digest(message)).hex() == case["expected"]["message_hash"]
    signature = bytes.fromhex(case["example_token"].rpartition(":")[2])
    assert verify(bytes.fromhex(case["public_key"]), token_digest(message), signature)


def test_a_token_ends_before_the_venue_must_refuse_it_and_is_renewed_before_it_ends(signer: Signer) -> None:
    """Eight hours is the most; clocks differ, and a channel that is opened late needs a live one."""
    token = make_token(12345, 4, AT_NS, signer.sign, SignedBy.OURS)
    now_s = AT_NS // 1_000_000_000
    message, _, signature = token.text.rpartition(":")
    assert message == f"{token.deadline_s}:12345:4"
    assert now_s < token.deadline_s < now_s + MAX_LIFE_S
    public = bytes.fromhex(signer.identity["public_key"])
    assert verify(public, token_digest(message.encode()), bytes.fromhex(signature))
    assert token.is_fresh(AT_NS)
    assert not token.is_fresh((token.deadline_s - 3_600) * 1_000_000_000)
    assert signature not in repr(token)


# --- commands -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def spelling() -> Spelling:
    """Return the spelling of a market with two decimals of the price and four of the size."""
    listings = Listings("lighter", ["ETH"])
    body = json.dumps({"order_book_details": [details("ETH", 3)]}).encode()
    listings.read(body)
    return Spelling(listings)


def place(**changes: Any) -> PlaceOrder:
    """Return an order."""
    terms: dict[str, Any] = {
        "instrument": ETH,
        "client_order_id": ClientOrderId(77),
        "side": Side.SELL,
        "price": Decimal("2500.10"),
        "size": Decimal("0.0050"),
    }
    return PlaceOrder(**(terms | changes))


@pytest.mark.parametrize(
    ("changes", "life", "expiry"),
    [
        ({}, 1, AT_MS + ORDER_LIFE_MS),
        ({"post_only": True}, 2, AT_MS + ORDER_LIFE_MS),
        ({"time_in_force": TimeInForce.IOC}, 0, 0),
    ],
)
def test_an_order_is_stated_in_whole_steps_of_its_market(
    spelling: Spelling, changes: dict[str, Any], life: int, expiry: int
) -> None:
    """An order that may not rest has no end of its own; ours names it."""
    body, attributes = spelling.body(place(reduce_only=True, **changes), AT_NS)
    assert body == CreateOrder(3, 77, 50, 250_010, 1, 0, life, 1, 0, expiry)
    assert attributes == ()


@pytest.mark.parametrize(
    "changes",
    [
        {"price": Decimal("2500.101")},
        {"price": Decimal(MAX_PRICE + 1).scaleb(-2)},
        {"size": Decimal("0.00005")},
        {"size": Decimal(2**48).scaleb(-4)},
    ],
)
def test_f020_what_is_off_the_grid_is_not_sent(spelling: Spelling, changes: dict[str, Any]) -> None:
    """Nor what has more bits than the venue's numbers."""
    with pytest.raises(GridError):
        spelling.body(place(**changes), AT_NS)


def test_an_id_that_means_none_to_the_venue_is_not_sent(spelling: Spelling) -> None:
    """Zero is no client order index."""
    for value in (0, 2**48):
        with pytest.raises(LocalError):
            spelling.body(place(client_order_id=ClientOrderId(value)), AT_NS)


def test_orders_are_cancelled_and_changed_by_the_venues_index_or_by_ours(spelling: Spelling) -> None:
    """The venue's are above 48 bits, ours below."""
    cancel = CancelOrder(instrument=ETH, client_order_id=ClientOrderId(77))
    assert spelling.body(cancel, AT_NS)[0] == CancelOneOrder(3, 77)
    by_index = CancelOrder(
        instrument=ETH, client_order_id=ClientOrderId(77), venue_order_id="281476929510110"
    )
    assert spelling.body(by_index, AT_NS)[0] == CancelOneOrder(3, 281_476_929_510_110)
    change = ModifyOrder(
        instrument=ETH,
        client_order_id=ClientOrderId(77),
        venue_order_id=None,
        side=Side.SELL,
        price=Decimal("2500.2"),
        size=Decimal("0.006"),
    )
    assert spelling.body(change, AT_NS)[0] == ModifyOneOrder(3, 77, 60, 250_020, 0)
    with pytest.raises(LocalError, match="order id"):
        spelling.body(
            CancelOrder(instrument=ETH, client_order_id=ClientOrderId(1), venue_order_id="1e3"), AT_NS
        )


def test_everything_is_cancelled_on_one_market_or_on_all(spelling: Spelling) -> None:
    """The market is an attribute."""
    assert spelling.body(CancelAll(), AT_NS) == (CancelAllOrders(0, 0), ())
    now, attributes = spelling.body(CancelAll(instrument=ETH), AT_NS)
    assert now == CancelAllOrders(0, 0)
    assert attributes == ((Attribute.CANCEL_ALL_MARKET, 3),)


def test_the_dead_man_switch_is_a_cancel_at_a_time(spelling: Spelling) -> None:
    """Five minutes to fifteen days ahead; zero aborts it."""
    assert spelling.body(ArmDeadMan(window_ms=MIN_DEAD_MAN_MS), AT_NS)[0] == CancelAllOrders(
        1, AT_MS + MIN_DEAD_MAN_MS
    )
    assert spelling.body(ArmDeadMan(window_ms=0), AT_NS)[0] == CancelAllOrders(2, 0)
    for window_ms in (1, MIN_DEAD_MAN_MS - 1):  # the venue has no shorter window, and the report says which
        shortest = CancelAllOrders(1, AT_MS + MIN_DEAD_MAN_MS)
        assert spelling.body(ArmDeadMan(window_ms=window_ms), AT_NS)[0] == shortest
    with pytest.raises(LocalError):
        spelling.body(ArmDeadMan(window_ms=MAX_DEAD_MAN_MS + 1), AT_NS)


@pytest.mark.parametrize(("leverage", "fraction"), [(1, 10_000), (3, 3_334), (20, 500), (100, 100)])
def test_leverage_is_never_more_than_was_asked_for(spelling: Spelling, leverage: int, fraction: int) -> None:
    """The margin that it stands for is rounded up."""
    command = SetLeverage(instrument=ETH, leverage=leverage, cross_margin=False)
    assert spelling.body(command, AT_NS)[0] == UpdateLeverage(3, fraction, 1)


def test_what_the_venue_does_not_list_is_not_sent(spelling: Spelling) -> None:
    """It has no number."""
    with pytest.raises(LocalError, match="lists no such"):
        spelling.body(place(instrument=instrument_id("lighter", "BTC")), AT_NS)
    with pytest.raises(LocalError):
        spelling.body(SetLeverage(instrument=ETH, leverage=101), AT_NS)


def test_listings_of_a_connector_spell_its_orders() -> None:
    """Numbers are those that were read last."""
    assert told(connector(market="ETH"), details("ETH", 3))
    assert set(CHAIN_ID) == set(Network)
    assert {kind.value for kind in Kind} == {14, 15, 16, 17, 20}


# --- the vendor's library -----------------------------------------------------------------------------------


def library() -> bool:
    """Tell whether the vendor's library is installed."""
    try:
        vendor.find_library()
    except ConfigError:
        return False
    return True


needs_library = pytest.mark.skipif(
    not library(), reason=f"{vendor.DISTRIBUTION} {vendor.VERSION} is not installed"
)


def test_a_header_that_is_another_one_is_refused() -> None:
    """Functions take numbers by position, so nothing is called that was not compared."""
    with pytest.raises(ConfigError, match="another interface"):
        vendor.check_header("extern void Free(void* ptr);")


def test_another_version_of_the_library_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """And one that is not installed."""
    folder = tmp_path / "lighter_sdk-1.1.9.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: lighter-sdk\nVersion: 1.1.9\n")
    monkeypatch.setattr("sys.path", [str(tmp_path)])
    with pytest.raises(ConfigError, match="another version"):
        vendor.find_library()
    monkeypatch.setattr("sys.path", [])
    with pytest.raises(ConfigError, match="not installed"):
        vendor.find_library()


@needs_library
@pytest.mark.parametrize("lost", [" cSkipNonce,", "extern void Free", "char* txHash;"])
def test_the_librarys_header_is_held_against_what_is_called(lost: str) -> None:
    """One argument less, and it is another library."""
    header = vendor.find_library().with_suffix(".h").read_text(encoding="utf-8")
    vendor.check_header(header)
    changed = header.replace("uint8_t" + lost, "") if lost.startswith(" c") else header.replace(lost, "")
    assert changed != header
    with pytest.raises(ConfigError, match="another interface"):
        vendor.check_header(changed)


@needs_library
@pytest.mark.slow
def test_a_thousand_transactions_are_signed_alike_by_the_library_and_here(signer: Signer) -> None:
    """What the library signs verifies under our hash of it: kinds, networks, attributes, all mixed."""
    numbers = random.Random(8)
    public = bytes.fromhex(signer.identity["public_key"])
    for nonce in range(1_000):
        body = some_body(numbers)
        market = ((Attribute.CANCEL_ALL_MARKET, numbers.choice([0, 7, 254])),)
        is_immediate = isinstance(body, CancelAllOrders) and body.time_in_force == 0
        transaction = Transaction(
            chain_id=numbers.choice([300, 304]),
            account_index=numbers.randrange(1, 2**40),
            api_key_index=numbers.randrange(4, 255),
            nonce=nonce,
            expired_at_ms=AT_MS,
            body=body,
            attributes=market if is_immediate and numbers.random() < 0.5 else (),
        )
        signature = signer.sign(transaction.payload(SignedBy.LIBRARY))
        spelled = json.loads(transaction.info(signature))
        ended = msgspec.structs.replace(transaction, expired_at_ms=spelled["ExpiredAt"])
        signed = Numbers(ended.payload(SignedBy.OURS)[2:])
        assert verify(public, signed.digest, signature[TIME_BYTES:])


@needs_library
@pytest.mark.parametrize("case", cases("rejected_by_signer")[:5])
def test_what_the_library_refuses_is_an_error_of_ours(case: dict[str, Any], signer: Signer) -> None:
    """It names the library's own words."""
    inputs = list(case["inputs"].values())[:10]
    numbers = (case["chain_id"], 14, 7, AT_MS, 12345, 4, *inputs)
    with pytest.raises(LocalError):
        signer.sign(transaction_payload(SignedBy.LIBRARY, numbers, ()))


@needs_library
def test_the_librarys_tokens_are_those_that_are_made_here(signer: Signer) -> None:
    """Both verify under the key."""
    token = make_token(12345, 4, AT_NS, signer.sign, SignedBy.LIBRARY)
    message, _, signature = token.text.rpartition(":")
    public = bytes.fromhex(signer.identity["public_key"])
    assert verify(public, token_digest(message.encode()), bytes.fromhex(signature))


def some_body(numbers: random.Random) -> Any:
    """Return a transaction's body that the library takes."""
    market, index = numbers.randrange(255), numbers.randrange(1, 2**48)
    amount, price = numbers.randrange(1, 2**40), numbers.randrange(1, 2**32)
    expiry = AT_MS + numbers.randrange(86_400_000, 29 * 86_400_000)
    match numbers.choice([14, 14, 15, 16, 17, 20]):
        case 14:
            life = numbers.randrange(3)
            sides = (numbers.randrange(2), 0, life, numbers.randrange(2), 0, expiry if life else 0)
            return CreateOrder(market, index, amount, price, *sides)
        case 15:
            return CancelOneOrder(market, index)
        case 16:
            return numbers.choice([CancelAllOrders(0, 0), CancelAllOrders(1, expiry), CancelAllOrders(2, 0)])
        case 17:
            return ModifyOneOrder(market, index, amount, price, 0)
        case _:
            return UpdateLeverage(market, numbers.randrange(100, 10_001), numbers.randrange(2))
