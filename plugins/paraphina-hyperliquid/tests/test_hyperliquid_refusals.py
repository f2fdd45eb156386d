"""The venue's sentences have stable codes, and a sentence that nobody knows has none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paraphina_hyperliquid.refusals import ALARMING, BEGINNINGS, NO_EVIDENCE, Code, code_of

NO_WALLET = "User or API Wallet 0x0123456789012345678901234567890123456789 does not exist."
SENTENCES = [
    ("Price must be divisible by tick size.", Code.BAD_PRICE),
    ("Price must be divisible by tick size. asset=3", Code.BAD_PRICE),
    ("Order price cannot be more than 80% away from the reference price", Code.BAD_PRICE),
    ("Order price cannot be more than 95% away from the reference price", Code.BAD_PRICE),
    ("Order price too far from oracle", Code.BAD_PRICE),
    ("Order must have minimum value of $10.", Code.BELOW_MIN_NOTIONAL),
    ("Order must have minimum value of 10 USDC.", Code.BELOW_MIN_NOTIONAL),
    ("Insufficient margin to place order. asset=4", Code.INSUFFICIENT_MARGIN),
    ("Reduce only order would increase position.", Code.REDUCE_ONLY_INCREASES),
    ("Reduce-only TWAP order would increase position.", Code.REDUCE_ONLY_INCREASES),
    ("Post only order would have immediately matched, bbo was 77479@77480", Code.POST_ONLY_CROSSED),
    ("Order could not immediately match against any resting orders. asset=1", Code.IOC_NO_MATCH),
    ("No liquidity available for market order.", Code.IOC_NO_MATCH),
    ("Invalid TP/SL price.", Code.BAD_REQUEST),
    ("Attempted to modify to invalid new order", Code.BAD_REQUEST),
    ("Order would increase open interest while open interest is capped", Code.OPEN_INTEREST_CAPPED),
    (
        "Order rejected due to price more aggressive than oracle while at open interest cap",
        Code.OPEN_INTEREST_CAPPED,
    ),
    ("Order would increase open interest too quickly", Code.OPEN_INTEREST_TOO_FAST),
    ("Order value too large. Max is $5000000.", Code.ABOVE_MAX_NOTIONAL),
    (
        "Order would cause position to exceed margin tier limit at current leverage",
        Code.ABOVE_POSITION_LIMIT,
    ),
    ("Order has invalid size", Code.BAD_SIZE),
    ("Order has zero size.", Code.BAD_SIZE),
    ("Order was never placed, already canceled, or filled. asset=0", Code.ORDER_GONE),
    ("Cannot modify canceled or filled order", Code.ORDER_GONE),
    ("Error placing new order during modify: Price must be divisible by tick size.", Code.MODIFY_LOST_ORDER),
    ("Action already expired", Code.ACTION_EXPIRED),
    ("Invalid nonce: duplicate nonce", Code.INVALID_NONCE),
    (f"L1 error: {NO_WALLET}", Code.SIGNER_REFUSED),
    (NO_WALLET, Code.SIGNER_REFUSED),
    ("Must deposit before performing actions. User: 0x0123", Code.SIGNER_REFUSED),
    ("Unable to recover signer.", Code.SIGNER_REFUSED),
    ("Too many cumulative requests sent (10001 > 10000) for cumulative volume", Code.ACCOUNT_RATE_LIMIT),
    ("Cannot set scheduled cancel time until enough volume traded.", Code.DEAD_MAN_UNAVAILABLE),
    ("Cannot switch leverage type with open position.", Code.BAD_CONFIGURATION),
    ("Position does not use isolated margin.", Code.BAD_CONFIGURATION),
    ("Builder fee has not been approved.", Code.BAD_CONFIGURATION),
    ("Vault not registered: 0x000000000000000000000000000000000000dead", Code.BAD_CONFIGURATION),
    ("Agent valid_until already expired.", Code.BAD_CONFIGURATION),
    ("Too many extra agents for cumulative volume traded. Current limit is 3", Code.BAD_CONFIGURATION),
    ("Invalid send", Code.BAD_CONFIGURATION),
]


@pytest.mark.parametrize(("sentence", "expected"), SENTENCES)
def test_a_sentence_of_the_venue_has_a_stable_code(sentence: str, expected: Code) -> None:
    """As it was documented or seen, and with something new behind it."""
    assert code_of(sentence) is expected
    assert code_of(sentence + " something new") is expected


def test_every_beginning_is_met_by_a_sentence() -> None:
    """And none hides behind another one."""
    for beginning, expected in BEGINNINGS:
        assert code_of(beginning) is expected
        assert any(beginning in sentence for sentence, _ in SENTENCES)


def test_every_code_is_reached_by_a_sentence_of_the_venue() -> None:
    """All but those that no sentence stands for: nothing was sent, nobody knows, or only a status says so."""
    without = {Code.NOT_SENT, Code.OTHER, Code.TOO_MANY_OPEN_ORDERS}
    assert {code for _, code in SENTENCES} == set(Code) - without


@given(st.text(max_size=200))
def test_f027_any_other_sentence_has_no_code(sentence: str) -> None:
    """Nothing is guessed, whatever the venue writes."""
    known = any(sentence.startswith((beginning, f"L1 error: {beginning}")) for beginning, _ in BEGINNINGS)
    assert (code_of(sentence) is not None) is known
    assert code_of(f"Sorry: {sentence}") is None


def test_what_proves_nothing_and_what_alarms_is_written_down() -> None:
    """A change of these sets changes what is believed, so it is made in two places."""
    assert {"invalid_nonce", "order_gone", "modify_lost_order"} == NO_EVIDENCE
    assert {
        *("signer_refused", "bad_configuration", "invalid_nonce"),
        *("account_rate_limit", "dead_man_unavailable"),
    } == ALARMING
