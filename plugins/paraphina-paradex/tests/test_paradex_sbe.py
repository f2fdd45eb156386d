"""Binary frames: the venue's own decoder and its real frames agree with ours, and nothing broken is read."""

from __future__ import annotations

import contextlib
import json
import struct
import xml.etree.ElementTree as ET
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paraphina_core.domain import RemoteProtocolError
from paraphina_paradex.sbe import EXPONENT, NULL, SCHEMA_VERSION, Template, read
from paraphina_paradex.twin.conformance import EVIDENCE
from paraphina_paradex.twin.sbe_encoder import encode

VECTORS = Path(__file__).parent / "vectors"
CASES: list[dict[str, Any]] = json.loads((VECTORS / "sbe_frames.json").read_text())["cases"]
GOOD = [case for case in CASES if "wire" in case]
REAL = {
    name: [bytes.fromhex(frame["hex"]) for frame in captured["frame"]["frames"]]
    for name in ("bbo_btc", "order_book_deltas_btc")
    for captured in [json.loads((EVIDENCE / f"{name}.json").read_text())]
}
SCHEMA = ET.parse(VECTORS / "paradex_1_0.xml").getroot()  # noqa: S314  # the venue's own file, in this folder
MESSAGES = SCHEMA.findall("{http://fixprotocol.io/2016/sbe}message")

#: Strings that a shorter layout of version 2 lacks (remark in the schema).
APPENDED = {"tradeIdStr", "requestId", "requestMessage", "feeCurrency"}


def raw(number: int | str | None) -> int | str:
    """Return a number as it stands on the wire."""
    return NULL if number is None else number


@pytest.mark.parametrize("case", GOOD, ids=lambda case: case["id"])
def test_every_frame_is_read_as_the_venues_decoder_reads_it(case: dict[str, Any]) -> None:
    """Each number, level and text of each template and version."""
    frame = read(bytes.fromhex(case["hex"]))
    assert frame is not None
    wire = case["wire"]
    assert frame.template == case["template_id"]
    there = {name: raw(frame.numbers[name]) for name in wire["fields"]}
    assert there == wire["fields"]
    assert {name for name in frame.numbers if frame.numbers[name] is not None} <= wire["fields"].keys()
    levels = [[(level["price"], level["size"]) for level in group] for group in wire["groups"].values()]
    assert [frame.bids, frame.asks] == (levels or [[], []])
    assert frame.texts == wire["var_data"]


@pytest.mark.parametrize("case", [case for case in CASES if "wire" not in case], ids=lambda case: case["id"])
def test_every_malformed_frame_of_the_vectors_is_refused_or_passed_over(case: dict[str, Any]) -> None:
    """An unknown template is skipped by its length; a broken one is an error."""
    frame = bytes.fromhex(case["hex"])
    if case["id"] == "SE_unknown_template":
        assert read(frame) is None
        return
    with pytest.raises(RemoteProtocolError):
        read(frame)


@pytest.mark.parametrize("name", REAL)
def test_real_frames_decode_to_the_values_that_were_decoded_then(name: str) -> None:
    """Captured production frames: prices, sizes, sequence numbers and markets."""
    captured = json.loads((EVIDENCE / f"{name}.json").read_text())["frame"]["frames"]
    for one in captured:
        frame = read(bytes.fromhex(one["hex"]))
        assert frame is not None
        decoded = one["decoded"]
        assert frame.numbers["seq"] == decoded["seq_no"]
        assert frame.texts["market"] == decoded["market"]
        for side, levels in (("bids", frame.bids), ("asks", frame.asks)):
            told = [tuple(level) for level in decoded.get(side, [])]
            assert [(text(price), text(size)) for price, size in levels] == told
        if frame.template is Template.BBO:
            assert text(frame.numbers["bidPrice"]) == decoded["bid_price"]
            assert text(frame.numbers["askSize"]) == decoded["ask_size"]


def text(mantissa: int | str | None) -> str:
    """Spell a mantissa as the venue's decoder does."""
    assert isinstance(mantissa, int)
    return f"{Decimal(mantissa).scaleb(EXPONENT):.8f}"


def test_the_book_of_the_capture_has_no_hole() -> None:
    """One snapshot, then deltas whose sequence numbers rise by one."""
    frames = [read(frame) for frame in REAL["order_book_deltas_btc"]]
    numbers = [frame.numbers for frame in frames if frame is not None]
    assert [one["pkgType"] for one in numbers] == [0] + [1] * (len(frames) - 1)
    first = numbers[0]["seq"]
    assert isinstance(first, int)
    assert [one["seq"] for one in numbers] == list(range(first, first + len(frames)))


WHOLE = [bytes.fromhex(case["hex"]) for case in GOOD] + [frame for real in REAL.values() for frame in real]


@pytest.mark.parametrize("index", range(len(WHOLE)))
def test_every_truncation_is_refused_or_ends_before_an_appended_text(index: int) -> None:
    """Wherever a frame breaks off is an error; only strings that a shorter layout lacks may be missing."""
    whole = WHOLE[index]
    full = read(whole)
    assert full is not None
    for length in range(len(whole)):
        try:
            cut = read(whole[:length])
        except RemoteProtocolError:
            continue
        assert cut is not None
        assert (cut.numbers, cut.bids, cut.asks) == (full.numbers, full.bids, full.asks)
        assert full.texts.keys() - cut.texts.keys() <= APPENDED
        assert cut.texts.items() <= full.texts.items()


def test_a_group_that_claims_more_than_there_is_is_refused() -> None:
    """Neither 65,535 levels in a short frame nor levels of two bytes are looked for."""
    book = bytearray(REAL["order_book_deltas_btc"][0])
    head = 8 + 89
    struct.pack_into("<HH", book, head, 16, 65_535)
    with pytest.raises(RemoteProtocolError, match="no such group"):
        read(bytes(book))
    struct.pack_into("<HH", book, head, 2, 1)
    with pytest.raises(RemoteProtocolError, match="no such group"):
        read(bytes(book))


def test_longer_blocks_levels_and_later_strings_of_a_newer_version_are_passed_over() -> None:
    """What is known stays readable when the venue appends to it."""
    bbo = WHOLE[[case["id"] for case in GOOD].index("S07_BboEvent_v2")]
    known = read(bbo)
    head = struct.pack("<HHHH", 48 + 3, 2, 1, SCHEMA_VERSION + 1)
    assert read(head + bbo[8:56] + b"new" + bbo[56:] + b"\x03abc") == known
    book = REAL["order_book_deltas_btc"][0]
    bids = struct.unpack_from("<H", book, 8 + 89 + 2)[0]
    wide = bytearray(book[: 8 + 89]) + struct.pack("<HH", 20, bids)
    for level in range(bids):
        at = 8 + 89 + 4 + 16 * level
        wide += book[at : at + 16] + b"more"
    wide += book[8 + 89 + 4 + 16 * bids :]
    assert read(bytes(wide)) == read(book)


def test_a_block_that_ends_within_a_field_is_refused() -> None:
    """A length between two layouts belongs to neither."""
    summary = WHOLE[[case["id"] for case in GOOD].index("S15_MarketSummaryEvent_v2")]
    layouts = {216, 224, 232, 240}  # of version 0, and with one field more each
    for length in range(241):
        cut = struct.pack("<H", length) + summary[2 : 8 + length] + b"\x0cETH-USD-PERP"
        if length in layouts:
            assert read(cut) is not None
        else:
            with pytest.raises(RemoteProtocolError, match="within a field"):
                read(cut)


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: str(message.get("name")))
def test_the_layouts_are_those_of_the_venues_schema(message: ET.Element) -> None:
    """Every template of the schema is known, with its fields and strings in the schema's order."""
    template = Template(int(message.get("id", "0")))
    case = next(case for case in reversed(GOOD) if case["template_id"] == template)
    frame = read(bytes.fromhex(case["hex"]))
    assert frame is not None
    fields = [field.get("name") for field in message.findall("field")]
    assert sorted(frame.numbers) == sorted(map(str, fields))
    assert set(frame.texts) <= {text.get("name") for text in message.findall("data")}
    assert (template is Template.BOOK) == bool(message.findall("group"))


@pytest.mark.parametrize("case", GOOD, ids=lambda case: case["id"])
def test_what_was_read_is_spelled_so_that_it_reads_the_same(case: dict[str, Any]) -> None:
    """And to the byte where the frame has the newest layout and every text of it."""
    whole = bytes.fromhex(case["hex"])
    frame = read(whole)
    assert frame is not None
    spelled = encode(frame, case["schema_version"])
    assert read(spelled) == frame
    if len(spelled) == len(whole):
        assert spelled == whole


@given(frame=st.binary(max_size=300))
def test_any_bytes_are_a_frame_or_an_error(frame: bytes) -> None:
    """Nothing but a protocol error comes of nonsense."""
    with contextlib.suppress(RemoteProtocolError):
        read(frame)


@given(data=st.data())
def test_any_change_of_a_real_frame_is_a_frame_or_an_error(data: st.DataObject) -> None:
    """Flipped bytes in real frames never lead outside the frame."""
    frame = bytearray(data.draw(st.sampled_from(WHOLE)))
    for _ in range(data.draw(st.integers(1, 4))):
        frame[data.draw(st.integers(0, len(frame) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(RemoteProtocolError):
        read(bytes(frame))
