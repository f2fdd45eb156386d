"""What a venue lends for a while is asked for before streams open, and streams open with what is lent now."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType

import msgspec

from paraphina_core import strategy
from paraphina_core.config import resolve
from paraphina_core.connector import (
    Answer,
    Connector,
    ConnectorContext,
    ConnectorSpec,
    Failure,
    HttpRequest,
    Network,
    Plan,
    RegisterConnector,
    Request,
    StreamPlan,
    TradeMode,
    WebSocketSource,
    WriteContext,
    hookimpl,
    load_plugins,
)
from paraphina_core.domain import AskAgain, Event, LocalError, Query, QueryVenue, Resubscribe, RunNumber
from paraphina_core.session.compose import compose
from paraphina_core.session.look_ahead import look_ahead
from port import Kept
from scripted import ScriptedConnector, plugin

KEY = QueryVenue(topic="key", private=True)


class _Lender(ScriptedConnector):
    """Opens its stream at an address that the answer to its question names."""

    host = "stream.reef.example"
    key = ""

    def plan(self) -> Plan:
        source = WebSocketSource(url=f"wss://{self.host}/{self.key}")
        return Plan(
            streams=(StreamPlan(name="account", source=source, max_silence_ms=60_000, private=True),),
            bootstrap=(KEY,),
        )

    def read(self, stream: str, frame: bytes, at_ns: int) -> Sequence[Event]:
        return (AskAgain(query=KEY, reason="the key has expired"),)

    def ask(self, query: Query, context: WriteContext) -> Request:
        if not context.at_ns:
            raise LocalError("there is no key to sign with")
        return HttpRequest(
            method="POST",
            url="https://api.reef.example/key",
            body=b"",
            correlation=str(context.nonce),
            deadline_ms=1000,
        )

    def read_answer(self, request: Request, answer: Answer | Failure, at_ns: int) -> Sequence[Event]:
        assert isinstance(answer, Answer)
        self.key = answer.body.decode()
        return (Resubscribe(stream="account", reason="a new key"),)


class _Line:
    """Keeps what was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def send(self, connector: str, request: Request, cancel: bool) -> None:
        raise AssertionError("a question is no command")

    def ask(self, connector: str, request: Request) -> None:
        self.asked.append(request.correlation)


class _World:
    """A session with the lender, and its end of the line."""

    def __init__(self) -> None:
        self.line = _Line()
        self.connectors: list[_Lender] = []
        specs: dict[str, ConnectorSpec] = {}
        plugin({"alpha": []}).paraphina_register_connectors(lambda spec: specs.setdefault(spec.name, spec))
        self.spec = msgspec.structs.replace(specs["alpha"], factory=self._build)
        module = ModuleType("lender")
        module.__file__ = __file__

        @hookimpl
        def paraphina_register_connectors(register: RegisterConnector) -> None:
            register(self.spec)

        vars(module)["paraphina_register_connectors"] = paraphina_register_connectors
        plugins = load_plugins([strategy, module])
        cli = {"--trade-mode": "paper", "--connectors": "alpha", "--canary-profile": "prod_canary"}
        config = resolve(cli=cli, env={}, file=None, plugins=plugins)
        self.connectors.clear()
        self.session = compose(config, plugins, Kept(), self.line, lambda: RunNumber(1), {})

    def _build(self, _context: ConnectorContext) -> Connector:
        self.connectors.append(_Lender(self.spec, [], repeat=False))
        return self.connectors[-1]

    def answer(self, body: bytes, at_ns: int) -> None:
        self.session.answered("alpha", self.line.asked[-1], Answer(status=200, body=body), at_ns)

    @property
    def url(self) -> str:
        source = self.session.source("alpha", "account")
        assert isinstance(source, WebSocketSource)
        return source.url

    def health(self, at_ns: int) -> str:
        (venue,) = self.session.snapshot(at_ns).venues
        return venue.reason


def test_a_stream_opens_with_what_was_lent_and_again_with_what_was_lent_since() -> None:
    """The key comes before the stream, is asked for again when it has expired, and then is another."""
    world = _World()
    world.session.start(1)
    assert not world.session.may_open("alpha")
    world.answer(b"first", 2)
    assert world.session.may_open("alpha")
    assert world.url == "wss://stream.reef.example/first"
    world.session.stream_opened("alpha", "account", 3)
    while world.session.take_reopen():
        pass
    world.session.frame("alpha", "account", b"expired", 4)
    assert len(world.line.asked) == 2
    world.answer(b"second", 5)
    assert world.url == "wss://stream.reef.example/second"
    assert world.session.take_reopen() == ("alpha", "account")


def test_a_stream_leaves_its_origin_for_no_answer() -> None:
    """The gates have judged one host: a connector that would go to another is stopped, and does not go."""
    world = _World()
    world.session.start(1)
    (connector,) = world.connectors
    connector.host = "elsewhere.example"
    world.answer(b"first", 2)
    assert world.url == "wss://stream.reef.example/"
    assert "would leave its origin" in world.health(2)


def test_what_must_be_signed_is_not_spelled_before_there_is_a_key() -> None:
    """The look before a start sees the stream's address, and asks for no private question."""
    world = _World()
    context = ConnectorContext(mode=TradeMode.PAPER, network=Network.MAINNET, settings={}, seed=1)
    seen = look_ahead(world.spec, context)
    assert seen.fault == ""
    assert [endpoint.purpose for endpoint in seen.addresses] == ["stream account"]
