"""Headers in which a venue wants keys are put on by the core: on what is private, unseen by connectors."""

from __future__ import annotations

import base64
import logging
import pickle
from typing import TYPE_CHECKING

import msgspec
import pytest

from paraphina_core.connector import (
    ConnectorSpec,
    Hidden,
    HttpRequest,
    LocalSource,
    NonceRule,
    Setting,
    SettingKind,
    StreamPlan,
    StreamRequest,
    WebSocketSource,
)
from paraphina_core.domain import LocalError
from paraphina_core.execution import NonceSource, Signatory

if TYPE_CHECKING:
    from collections.abc import Mapping

KEY = "a-key-of-nobody"
SPEC = ConnectorSpec(
    name="pier",
    venue="Pier",
    feature_flag=None,
    capabilities={},
    trade_modes=frozenset(),
    factory=None,
    settings=(
        Setting(name="api_key", env="PIER_KEY", kind=SettingKind.SECRET, help="key", header="X-Key"),
        Setting(name="signing_key", env="PIER_SIGNING", kind=SettingKind.SECRET, help="signs"),
    ),
)


class _Key:
    identity: Mapping[str, str] = {"account": "7"}

    def sign(self, payload: bytes) -> bytes:
        return payload


def _signatory() -> Signatory:
    headers = SPEC.private_headers({"api_key": KEY, "signing_key": "stays here"})
    return Signatory.of(_Key(), NonceSource(NonceRule.MILLISECONDS), headers)


def _request(*, private: bool) -> HttpRequest:
    return HttpRequest(
        method="GET",
        url="https://pier.example/orders",
        body=b"",
        correlation="1",
        deadline_ms=1000,
        headers={"X-Other": "1"},
        private=private,
    )


def _plan(*, private: bool) -> StreamPlan:
    source = WebSocketSource(url="wss://pier.example/", headers={"X-Other": "1"})
    return StreamPlan(name="one", source=source, max_silence_ms=1000, private=private)


def test_what_is_private_leaves_with_the_accounts_headers_and_nothing_else_does() -> None:
    """A secret whose setting names a header is in that header; one that signs is in none."""
    signatory = _signatory()
    private = signatory.outgoing(_request(private=True))
    assert isinstance(private, HttpRequest)
    assert private.headers == {"X-Other": "1", "X-Key": KEY}
    assert signatory.outgoing(_request(private=False)) == _request(private=False)
    message = StreamRequest(stream="one", payload=b"{}", correlation="1", deadline_ms=1000)
    assert signatory.outgoing(message) is message

    source = signatory.source(_plan(private=True))
    assert isinstance(source, WebSocketSource)
    assert source.headers == {"X-Other": "1", "X-Key": KEY}
    assert signatory.source(_plan(private=False)) == _plan(private=False).source
    here = LocalSource(frames=lambda _start_ns: iter(()))
    assert signatory.source(msgspec.structs.replace(_plan(private=True), source=here)) is here


def test_without_a_key_nothing_is_added() -> None:
    """Whoever only reads the market has no headers, and neither has a replay, which sends nothing."""
    nobody = Signatory.nobody(SPEC)
    replayed = Signatory.in_replay(SPEC, NonceSource(NonceRule.MILLISECONDS), {"account": "7"})
    for signatory in (nobody, replayed):
        assert signatory.outgoing(_request(private=True)) == _request(private=True)
        assert signatory.source(_plan(private=True)) == _plan(private=True).source
    assert SPEC.private_headers({}) == {}


def test_f105_a_hidden_text_is_sent_as_it_is_and_printed_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    """Printed requests, streams, errors and log lines show asterisks, however they are printed."""
    signatory = _signatory()
    request, source = signatory.outgoing(_request(private=True)), signatory.source(_plan(private=True))
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("pier").debug("%s %r", request, source)
    error = LocalError("request cannot be sent", found=request)
    for shown in (repr(request), str(source), f"{[request]}", caplog.text, str(error), repr(error)):
        assert KEY not in shown
        assert "********" in shown
    assert f"X-Key: {Hidden(KEY)}" == f"X-Key: {KEY}"
    assert Hidden(KEY).encode() == KEY.encode()
    assert base64.b64encode(pickle.dumps(Hidden(KEY)))  # a hidden text is still a text


def test_only_secrets_are_declared_to_go_into_headers() -> None:
    """Whatever is put into a header by the core is hidden, so it must have been secret before."""
    with pytest.raises(LocalError, match="goes into a header"):
        Setting(name="account", env="PIER_ACCOUNT", kind=SettingKind.TEXT, help="it", header="X-Account")
