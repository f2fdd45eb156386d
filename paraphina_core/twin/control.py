"""The twin's back door, `/_twin/`: arm faults, heal, and read the truth, over the same HTTP server.

| request | answer |
| --- | --- |
| `GET /_twin/menu` | every fault there is |
| `GET /_twin/faults` | those that are armed, and how often each has happened |
| `POST /_twin/faults` | arms what the body says: an object of JSON, a list of them, or a line of text each |
| `DELETE /_twin/faults` | heals: disarms every fault, lifts a ban or maintenance, sets the clock right |
| `GET /_twin/truth` | every account's orders, positions, money and fills |
| `GET /_twin/state` | the venue's time, its markets and open WebSockets |
| `GET /_twin/logins` | ways in: settings and secrets with which a connector trades for accounts of the twin |
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from paraphina_core.connector import Answer
from paraphina_core.domain import LocalError, Side

from .faults import Fault, menu, parse_fault, read_fault
from .host import TwinHost
from .protocol import TwinRequest
from .truth import truth

PREFIX: Final = "/_twin/"

_ENCODER: Final = msgspec.json.Encoder(order="sorted")


def is_control(request: TwinRequest) -> bool:
    """Tell whether a request is for the back door."""
    return request.path.startswith(PREFIX)


def control(host: TwinHost, request: TwinRequest, at_ns: int) -> Answer:
    """Answer a request at the back door; no fault meets it."""
    host.advance(at_ns)
    what = request.path.removeprefix(PREFIX)
    match request.method, what:
        case "GET", "menu":
            return _answer(menu())
        case "GET", "truth":
            return _answer(truth(host.exchange))
        case "GET", "state":
            return _answer(_state(host))
        case "GET", "logins":
            return _answer(host.twin.logins)
        case "GET", "faults":
            return _answer(_faults(host))
        case "DELETE", "faults":
            host.heal(at_ns)
            return _answer(_faults(host))
        case "POST", "faults":
            try:
                for fault in _read(request.body):
                    host.arm(fault, at_ns)
            except LocalError as e:
                return _answer({"error": str(e)}, 400)
            return _answer(_faults(host))
    return _answer({"error": "no such thing"}, 404)


def _read(body: bytes) -> Sequence[Fault]:
    """Read all faults before the first is armed."""
    if body.lstrip()[:1] in {b"{", b"["}:
        try:
            decoded = msgspec.json.decode(body)
        except (msgspec.DecodeError, RecursionError) as e:
            raise LocalError("the body is no JSON", found=str(e)) from e
        return [read_fault(values) for values in (decoded if isinstance(decoded, list) else [decoded])]
    return [parse_fault(line) for line in body.decode("utf-8", "replace").splitlines() if line.strip()]


def _faults(host: TwinHost) -> object:
    return {"armed": host.armed(), "happened": dict(host.faults.happened)}


def _state(host: TwinHost) -> object:
    markets = [
        {
            "instrument": market.id,
            "bid": market.best_price(Side.BUY),
            "ask": market.best_price(Side.SELL),
            "mark": market.mark_price,
            "volume_base": market.volume_base,
        }
        for market in host.exchange.markets.values()
    ]
    return {
        "venue_ns": host.clock.venue_ns(host.now_ns),
        "markets": markets,
        "websockets": len(host.sessions),
    }


def _answer(body: object, status: int = 200) -> Answer:
    headers = {"Content-Type": "application/json"}
    return Answer(status=status, body=_ENCODER.encode(body), headers=headers)
