"""Who signs for one account: the keys, which stay here, and the nonces that go with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Self

import msgspec

from paraphina_core.connector import (
    ConnectorSpec,
    Hidden,
    HttpRequest,
    LocalSource,
    NonceRule,
    Request,
    SigningKey,
    StreamPlan,
    WebSocketSource,
    WriteContext,
)
from paraphina_core.domain import LocalError

from .nonces import NonceSource


class Signatory:
    """Makes what one request may use of the world; a connector gets signatures from it, never the key.

    Args:
        nonces: numbers its requests.
        sign: signs for the account.
        identity: what may be told of the account.
        headers: what private requests and streams are sent with; see `ConnectorSpec.private_headers`.
    """

    def __init__(
        self,
        nonces: NonceSource,
        sign: Callable[[bytes], bytes],
        identity: Mapping[str, str],
        headers: Mapping[str, Hidden] | None = None,
    ) -> None:
        self.nonces = nonces
        self.identity = dict(identity)
        self._sign = sign
        self._headers = headers or {}

    @classmethod
    def nobody(cls, spec: ConnectorSpec) -> Self:
        """Return one without an account, for market data alone: requests differ, nothing is signed."""
        rule = NonceRule.MILLISECONDS if spec.nonce is NonceRule.SEQUENCE else spec.nonce
        return cls(NonceSource(rule), _refuse, {})

    @classmethod
    def of(cls, key: SigningKey, nonces: NonceSource, headers: Mapping[str, Hidden] | None = None) -> Self:
        """Return the one of an account."""
        return cls(nonces, key.sign, key.identity, headers)

    @classmethod
    def in_replay(cls, spec: ConnectorSpec, nonces: NonceSource, identity: Mapping[str, str]) -> Self:
        """Return one that has no key and signs with the spec's blank: nothing that it signs leaves."""
        return cls(nonces, lambda _: spec.blank_signature, identity)

    def for_command(self, at_ns: int, count: int = 1) -> WriteContext:
        """Return what a command is written with, or a batch of so many; its nonce is used up.

        Raises:
            LocalError: there is no nonce to be had.
        """
        return self._context(self.nonces.take(at_ns, count), at_ns)

    def for_question(self, at_ns: int) -> WriteContext:
        """Return what a query or the opening of a stream is written with: these use up no sequence."""
        nonce = 0 if self.nonces.is_sequence else self.nonces.take(at_ns)
        return self._context(nonce, at_ns)

    def outgoing(self, request: Request) -> Request:
        """Return a request as it leaves: a private one with the account's headers."""
        if not (self._headers and isinstance(request, HttpRequest) and request.private):
            return request
        return msgspec.structs.replace(request, headers={**request.headers, **self._headers})

    def source(self, plan: StreamPlan) -> WebSocketSource | LocalSource:
        """Return what a stream is opened from: a private one with the account's headers."""
        if not (self._headers and plan.private and isinstance(plan.source, WebSocketSource)):
            return plan.source
        return msgspec.structs.replace(plan.source, headers={**plan.source.headers, **self._headers})

    def _context(self, nonce: int, at_ns: int) -> WriteContext:
        return WriteContext(nonce=nonce, at_ns=at_ns, sign=self._sign, identity=self.identity)


def _refuse(_payload: bytes) -> bytes:
    raise LocalError("there is no key to sign with", wanted="a mode that sends orders")
