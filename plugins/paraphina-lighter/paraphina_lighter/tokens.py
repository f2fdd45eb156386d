"""Tokens that prove to the venue whose private data is asked for: a text with an end, signed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from paraphina_core.domain import NS_PER_S, LocalError

from .signer import SIGNATURE_BYTES, TIME_BYTES, SignedBy, token_payload

#: The venue refuses longer ones (docs, read 2026-07-19); an hour less keeps clear of clocks that differ.
MAX_LIFE_S: Final = 8 * 3_600
LIFE_S: Final = MAX_LIFE_S - 3_600
#: A token is replaced when so much of its life is left.
RENEW_BEFORE_S: Final = 3_600


class Token:
    """One token, good from now on until its end.

    Args:
        text: what is sent.
        deadline_s: seconds since 1970 after which the venue refuses it.
    """

    __slots__ = ("deadline_s", "text")

    def __init__(self, text: str, deadline_s: int) -> None:
        self.text = text
        self.deadline_s = deadline_s

    def is_fresh(self, at_ns: int) -> bool:
        """Tell whether it need not be replaced yet."""
        return at_ns // NS_PER_S < self.deadline_s - RENEW_BEFORE_S

    def __repr__(self) -> str:
        return f"Token(deadline_s={self.deadline_s}, text=********)"


def make_token(
    account_index: int, api_key_index: int, at_ns: int, sign: Callable[[bytes], bytes], signed_by: SignedBy
) -> Token:
    """Make a token.

    Raises:
        LocalError: the signature is none.
    """
    deadline_s = at_ns // NS_PER_S + LIFE_S
    message = f"{deadline_s}:{account_index}:{api_key_index}"
    signature = sign(token_payload(signed_by, message.encode("ascii")))
    if len(signature) != SIGNATURE_BYTES:
        raise LocalError("signature is not usable", found=f"{len(signature)} bytes")
    return Token(f"{message}:{signature[TIME_BYTES:].hex()}", deadline_s)


class Tokens:
    """The token of one account, made anew before it ends.

    Args:
        account_index: whose data is asked for.
        api_key_index: whose key signs.
        signed_by: whose code signs.
    """

    def __init__(self, account_index: int, api_key_index: int, signed_by: SignedBy) -> None:
        self._account_index = account_index
        self._api_key_index = api_key_index
        self._signed_by = signed_by
        self._token: Token | None = None

    def text(self, at_ns: int, sign: Callable[[bytes], bytes]) -> str:
        """Return a token that is good for at least an hour from now.

        Raises:
            LocalError: there is no key to sign one with.
        """
        if self._token is None or not self._token.is_fresh(at_ns):
            self._token = make_token(self._account_index, self._api_key_index, at_ns, sign, self._signed_by)
        return self._token.text

    def __repr__(self) -> str:
        return "Tokens(********)"
