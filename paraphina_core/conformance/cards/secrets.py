"""Cards on secrets: keys sign and are nowhere else, whatever is printed, sent, told or logged."""

from __future__ import annotations

import base64
import logging
import pickle
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import msgspec

from paraphina_core.conformance.bench import Bench
from paraphina_core.conformance.card import Card, Deck, Evidence, check, skip
from paraphina_core.conformance.desk import Desk, desk_of, fault
from paraphina_core.conformance.rig import Rig
from paraphina_core.connector import Capability, HttpRequest, Request, SettingKind
from paraphina_core.domain import (
    ArmDeadMan,
    LocalError,
    OrderReport,
    QueryAccount,
    QueryFills,
    QueryOpenOrders,
    Side,
)

DECK: Final = Deck()

_NEEDS: Final = (Evidence.TWIN,)
_ORDERS: Final = (Capability.EXECUTION,)
#: A part of a secret that is shorter may stand anywhere by chance.
_SHORTEST: Final = 8


class _Canaries:
    """The secrets of a subject in every spelling in which they could get out."""

    def __init__(self, secrets: Mapping[str, str]) -> None:
        self._spellings = {name: tuple(_spellings(secret)) for name, secret in secrets.items()}

    def find(self, what: object) -> list[str]:
        """Return the names of the secrets that stand in something, as text or as bytes."""
        raw = what if isinstance(what, bytes) else str(what).encode("utf-8", "replace")
        lowered = raw.lower()
        return [name for name, words in self._spellings.items() if any(word in lowered for word in words)]


def _spellings(secret: str) -> Iterator[bytes]:
    text = secret.removeprefix("0x")
    if len(text) < _SHORTEST:
        raise LocalError("a secret of the subject is too short to be found", wanted=f"{_SHORTEST} characters")
    yield text.lower().encode()
    yield base64.b64encode(text.encode()).rstrip(b"=").lower()
    try:
        raw = bytes.fromhex(text)
    except ValueError:
        return
    yield raw.lower()
    yield base64.b64encode(raw).rstrip(b"=").lower()
    yield str(int.from_bytes(raw)).encode()


@contextmanager
def _logged() -> Iterator[list[str]]:
    """Take everything that is logged anywhere while the block runs."""
    lines: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(f"{record.name} {record.getMessage()} {record.__dict__!r}")

    root, handler = logging.getLogger(), Keep(level=logging.NOTSET)
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield lines
    finally:
        root.removeHandler(handler)
        root.setLevel(level)


def _lived(desk: Desk) -> Desk:
    """Let a desk do a bit of everything, failures included."""
    order = desk.rest()
    desk.hit(order, desk.size())
    desk.cancel(desk.rest(Side.SELL, 100))
    desk.place(Side.BUY, 30, post_only=True)
    desk.cancel(desk.order(Side.BUY, -100))
    if Capability.DEAD_MAN in desk.rig.connector.spec.capabilities:
        desk.rig.send(ArmDeadMan(window_ms=desk.rig.dead_man_ms, instruments=(desk.id,)))
    for query in (QueryAccount(), QueryOpenOrders(), QueryFills(since_ns=desk.rig.now_ns - 10**10)):
        desk.rig.asked(query)
    check(isinstance(desk.report(order), OrderReport), "an order is not reported")
    desk.rig.arm(fault("kill"))
    desk.wait(10_000)
    desk.rig.wait_until_live()
    return desk


@DECK.add(
    Card(
        id="SE-010",
        title="no secret is in anything that is sent, told, printed or logged",
        needs=_NEEDS,
        capabilities=_ORDERS,
        prerequisite="a connector that is live at its twin, with canaries for secrets",
        action=(
            "trade, ask, fail and reconnect; then look at every request, message, event and log line, and at "
            "the printed connector, plan and requests"
        ),
        events="any",
        passes=(
            "no spelling of a secret is in any of them; and in the headers of what is private only the one "
            "whose setting names the header"
        ),
    )
)
def _secrets_stay(bench: Bench) -> None:
    desk = desk_of(bench, private=True)
    canaries = _Canaries(desk.rig.login.secrets)
    with _logged() as lines:
        _lived(desk)
    rig = desk.rig
    plan = rig.connector.plan()
    for what, things in (
        ("a request", [_sent(request) for request in rig.requests]),
        ("a message of an opening", rig.messages),
        ("a frame, which is journalled", rig.frames),
        ("an event", [msgspec.json.encode(event) for _, event in rig.events]),
        ("a printed event", rig.events),
        ("a printed request", rig.requests),
        ("the printed connector", [repr(rig.connector), str(vars(rig.connector))]),
        ("the plan", [repr(plan), repr(rig.sources)]),
        ("what was refused", rig.refused),
        ("the log", lines),
    ):
        for thing in things:
            found = canaries.find(thing)
            check(not found, f"a secret is in {what}", found=found, wanted="signatures, never keys")
    for private, name, value in _headers(rig):
        wanted = {one.name for one in bench.spec.settings if private and one.header == name}
        found = sorted(set(canaries.find(str(value))) - wanted)
        check(not found, f"a secret is in the header {name}", found=found)


def _headers(rig: Rig) -> Iterator[tuple[bool, str, str]]:
    """Yield every header that was sent, and whether with something private."""
    sent = [
        (request.private, request.headers) for request in rig.requests if isinstance(request, HttpRequest)
    ]
    opened = [(plan.private, source.headers) for plan, source in rig.sources]
    for private, headers in (*sent, *opened):
        for name, value in headers.items():
            yield private, name, value


def _sent(request: Request) -> bytes:
    if isinstance(request, HttpRequest):
        return request.method.encode() + request.url.encode() + b" " + request.body
    return request.payload


@DECK.add(
    Card(
        id="SE-020",
        title="a key shows nothing of itself",
        needs=_NEEDS,
        capabilities=_ORDERS,
        prerequisite="secrets of the twin, and wrong ones",
        action="print the signing key, look at its identity, pickle it; make keys of wrong secrets",
        events="none",
        passes="no secret is in any of it, nor in the errors of wrong secrets",
        skip_when="the venue signs nothing",
    )
)
def _keys_are_mute(bench: Bench) -> None:
    signer = bench.spec.signer
    if signer is None:
        skip("the venue signs nothing")
    secrets = desk_of(bench).rig.login.secrets
    canaries = _Canaries(secrets)
    key = signer(secrets)
    for what, thing in (("printed key", f"{key!r} {key}"), ("identity", repr(dict(key.identity)))):
        check(not canaries.find(thing), f"a secret is in the {what}", found=canaries.find(thing))
    try:
        pickled = pickle.dumps(key)
    except Exception:  # noqa: BLE001  # whatever it raises, it cannot be pickled
        pickled = b""
    check(not canaries.find(pickled), "a key can be pickled with its secret")
    for name, secret in secrets.items():
        for wrong in (f"{secret}ff", secret[:-2], f"{secret[:-1]}z", ""):
            try:
                signer({**secrets, name: wrong})
            except LocalError as e:
                leaks = len(wrong) >= _SHORTEST and wrong.removeprefix("0x") in f"{e} {e.found!r}"
                check(not leaks, "the error of a wrong secret repeats it")
            except Exception as e:  # noqa: BLE001  # that it raises at all is judged
                check(False, f"a wrong secret raises {type(e).__name__}", wanted="LocalError")  # noqa: FBT003  # it did


@DECK.add(
    Card(
        id="SE-030",
        title="secrets are declared as such",
        needs=_NEEDS,
        capabilities=_ORDERS,
        action="compare the settings of the spec with what gets a client into the twin",
        events="none",
        passes="whatever the key is made of is a setting of kind secret, and asked for where orders are sent",
    )
)
def _secrets_are_declared(bench: Bench) -> None:
    for name in desk_of(bench).rig.login.secrets:
        setting = bench.spec.setting(name)
        check(setting.kind is SettingKind.SECRET, "a secret is declared as something else", found=setting)
