"""However a book spells its numbers, none gets in that the core's strict parser would refuse."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from paraphina_core.domain import (
    BestBidOffer,
    BookSnapshot,
    Event,
    Level,
    RemoteError,
    RemoteNumberError,
    instrument_id,
    parse_price,
    written,
)
from paraphina_hyperliquid.feed import PublicFeed

TIME = 1_790_232_236_546

#: Texts that are no plain decimal notation of a number above zero, or of one that no market has.
REFUSED = [
    *("nan", "NaN", "-nan", "inf", "-inf", "Infinity", "-Infinity", "infinity", "null", "true", "None", ""),
    *("0", "0.0", "-0", "-0.0", "-1", "+1", "--1", "-", ".", ".5", "5.", "1.5.1", "1,5", "1 5"),
    *("1e2", "1E2", "1e+2", "1e-2", "1e400", "1e-400", "1d2", "1f", "0x10", "0b1", "0o7", "1_000", "1'000"),
    *(" 1", "1 ", "\t1", "1\n", "\u00a01", "١٢", "1２", "½", "²", "1e٢", "4.9e-324"),
    *("1" + "0" * 20, "9" * 400),
    *("0." + "0" * 20 + "1", "0." + "0" * 330 + "1", "1\\u0065", "2026-01-01"),
]
#: Parts of all of them and of good numbers.
PIECES = st.sampled_from(
    [*"0123456789.eE+-_ xnaifNI\\", "1", "5", "0.", "00", "nan", "inf", "Infinity", "\u0661", "0" * 19]
)


def compact(data: object, channel: str) -> bytes:
    """Spell a message as the venue does: no blanks, channel first."""
    return json.dumps({"channel": channel, "data": data}, separators=(",", ":")).encode()


def usual_book(px: object, sz: object) -> bytes:
    """Spell a book in the venue's layout of 2026, with one odd level on the bid's side."""
    levels = [[{"px": "200.5", "sz": "1", "n": 1}, {"px": px, "sz": sz, "n": 3}], [{"px": "201", "sz": "2"}]]
    return compact({"coin": "BTC", "time": TIME, "levels": levels}, "l2Book")


def fast_book(px: object, sz: object) -> bytes:
    """Spell it as a fast book."""
    return usual_book(px, sz)[:-2] + b',"fast":true}}'


def older_book(px: object, sz: object) -> bytes:
    """Spell it in the layout of the recordings of 2025, levels before the time."""
    levels = [[{"n": 1, "px": "200.5", "sz": "1"}, {"n": 3, "px": px, "sz": sz}], [{"px": "201", "sz": "2"}]]
    return compact({"coin": "BTC", "levels": levels, "time": TIME}, "l2Book")


def blank_book(px: object, sz: object) -> bytes:
    """Spell it with blanks, the data first and a key that nobody knows."""
    parsed = json.loads(usual_book(px, sz))
    return json.dumps({"data": parsed["data"], "novelty": {"levels": []}, "channel": "l2Book"}).encode()


def touch(px: object, sz: object) -> bytes:
    """Spell a best bid and offer."""
    return compact({"coin": "BTC", "time": TIME, "bbo": [{"px": px, "sz": sz, "n": 1}, None]}, "bbo")


def blank_touch(px: object, sz: object) -> bytes:
    """Spell it with blanks and the time last."""
    bbo = [{"px": px, "sz": sz, "n": 1}, None]
    return json.dumps({"channel": "bbo", "data": {"coin": "BTC", "bbo": bbo, "time": TIME}}).encode()


LAYOUTS: list[Callable[[object, object], bytes]] = [
    usual_book,
    fast_book,
    older_book,
    blank_book,
    touch,
    blank_touch,
]
layouts = pytest.mark.parametrize("spell", LAYOUTS, ids=lambda spell: spell.__name__)


def level_of(frame: bytes) -> Level:
    """Return the level that was spelled oddly."""
    event: Event
    (event,) = map(written, PublicFeed({"BTC": instrument_id("venue", "BTC")}).read(frame))
    if isinstance(event, BookSnapshot):
        return event.bids[1]
    assert isinstance(event, BestBidOffer)
    assert event.bid is not None
    return event.bid


@layouts
@pytest.mark.parametrize("text", REFUSED, ids=ascii)
def test_f018_a_number_that_is_not_spelled_plainly_is_refused(
    spell: Callable[[object, object], bytes], text: str
) -> None:
    """As a price and as a size, in whatever layout the message comes."""
    for px, sz in ((text, "1"), ("200", text)):
        with pytest.raises(RemoteError):
            level_of(spell(px, sz))


@layouts
def test_f018_an_escape_cannot_hide_an_exponent(spell: Callable[[object, object], bytes]) -> None:
    r"""`1\u0065` is `1e` to a decoder of JSON, in whatever part of the text it stands."""
    for hidden in (b"1\\u00652", b"1\\u00452", b"\\u0031e2", b"\\u006ean"):
        for px, sz in (("@", "1"), ("200", "@")):
            with pytest.raises(RemoteError):
                level_of(spell(px, sz).replace(b"@", hidden))
    assert level_of(spell("@", "1").replace(b"@", b"20\\u0030")).price == 200.0


@layouts
@given(text=st.lists(PIECES, min_size=1, max_size=24).map("".join))
@example(text="100.25")
@example(text="9999999999999999999")
@example(text="0.00000000000000000001")
def test_f018_what_gets_into_a_book_is_what_the_strict_parser_reads(
    spell: Callable[[object, object], bytes], text: str
) -> None:
    """Either the text is refused, or the strict parser reads the very same number from it."""
    try:
        level = level_of(spell(text, text))
    except RemoteError:
        if text[0] == "0" and text[1:2] != ".":
            return  # leading zeros are refused here and not there
        with suppress(RemoteNumberError):
            assert not 1e-20 <= parse_price(text, "px") < 1e20
        return
    assert level.price == level.size == parse_price(text, "px")


@layouts
def test_a_number_without_quotes_is_the_number_that_it_is(spell: Callable[[object, object], bytes]) -> None:
    """JSON's own numbers are unambiguous; what they must not be is refused like text."""
    assert level_of(spell(200, 0.25)) == Level(200.0, 0.25)
    for number in (0, -1, 1e20, 1e-21):
        with pytest.raises(RemoteError):
            level_of(spell(number, 1))


def test_a_hidden_level_before_the_usual_place_is_held_against_the_strict_parser() -> None:
    """A message that only looks usual, with levels where the time belongs, gains nothing by it."""
    odd = b'[[{"px":"1e2","sz":"1"}],[]]'
    usual = usual_book("200", "1")
    head, _, rest = usual.partition(b'"time":')
    for hidden in (
        head + b'"levels":' + odd + b',"time":' + rest,
        head + b'"time":1,"levels":' + odd + b',"coin":"BTC"}}',
        head + b'"time":1,"l":' + odd[:-2] + b',"levels":[[{"px":"1e2","sz":"1"}],[]]}}',
        usual[:-2] + b',"levels":' + odd + b"}}",
        usual[:-1] + b',"data":{"coin":"BTC","time":1,"levels":' + odd + b"}}",
    ):
        try:
            (event,) = map(written, PublicFeed({"BTC": instrument_id("venue", "BTC")}).read(hidden))
        except RemoteError:
            continue
        assert isinstance(event, BookSnapshot)
        assert event.bids[0].price == 200.5
