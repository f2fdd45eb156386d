"""What a lax decoder takes for a number, and what of it can get into a book."""

from __future__ import annotations

import json
import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paraphina_core.connector import BookNumber, is_plain
from paraphina_core.domain import MAX_DIGITS, RemoteNumberError, parse_price

LAX = msgspec.json.Decoder(float, strict=False)
BOOK_NUMBER = msgspec.json.Decoder(BookNumber, strict=False)


def read(decoder: msgspec.json.Decoder[float], text: str) -> float | None:
    """Read a number from text, None where the decoder refuses it."""
    try:
        return decoder.decode(json.dumps(text))
    except msgspec.DecodeError:
        return None


@pytest.mark.parametrize("text", ["nan", "NaN", "inf", "-Infinity", "0", "-0.0", "-1", "1e-300", "1e20"])
def test_f018_the_bounds_of_a_book_number_refuse_what_the_lax_decoder_lets_in(text: str) -> None:
    """All of these the decoder would take for numbers; the bounds, checked in C, refuse them."""
    assert read(LAX, text) is not None
    assert read(BOOK_NUMBER, text) is None


@pytest.mark.parametrize("text", ["+1", " 1", "1 ", "1_0", "0x1", "01", ".5", "5.", "", "١", "1.5x", "true"])
def test_f018_the_lax_decoder_itself_refuses_odd_texts(text: str) -> None:
    """Should another version of the decoder take one of these, this test tells."""
    assert read(LAX, text) is None


def test_the_bounds_of_a_book_number_are_those_of_the_strict_parser() -> None:
    """Both ends are the same numbers."""
    (meta,) = BookNumber.__metadata__
    assert (meta.ge, meta.lt) == (float(f"1e-{MAX_DIGITS}"), float(f"1e{MAX_DIGITS}"))
    assert read(BOOK_NUMBER, "0.00000000000000000001") == 1e-20
    assert read(BOOK_NUMBER, "9999999999999999999") == 1e19


PIECES = st.sampled_from(
    [*"0123456789.eE+-_ xnaifNI", "1", "0.", "nan", "inf", "Infinity", "0" * 19, "\u0661"]
)


@given(st.lists(PIECES, max_size=12).map("".join))
def test_f018_a_plain_text_that_the_decoder_reads_is_read_alike_by_the_strict_parser(text: str) -> None:
    """Without an exponent in it, no text gets past the bounds that the strict parser would refuse.

    The one exception is a text with more digits than are kept; it is the number that it looks like.
    """
    number = read(BOOK_NUMBER, text)
    if number is None or not is_plain(text.encode()):
        return
    if len(text.partition(".")[2]) > MAX_DIGITS:
        with pytest.raises(RemoteNumberError):
            parse_price(text, "px")
        assert math.isclose(number, float(text))
    else:
        assert number == parse_price(text, "px")


def test_only_exponents_and_escapes_keep_a_text_from_being_plain() -> None:
    """One such character anywhere is enough."""
    assert is_plain(b'{"px":"105055.0","sz":"3.03622","n":5}]]}}')
    for character in b"eE\\":
        assert not is_plain(b'{"px":"1' + bytes([character]) + b'2"}')
