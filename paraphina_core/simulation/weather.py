"""What goes wrong in a simulation: faults drawn from a seed, each with its time and its venue."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import Final, TypeAlias

import msgspec

from paraphina_core.domain import NS_PER_S, TradingStatus
from paraphina_core.twin import MENU, ClockStep, Fault, Garbled

#: What the network does by itself, beside the menu of the twins: nothing connects and everything is cut.
OUTAGE: Final = "outage"

#: After these a session may not go on as it was: it halts or only reduces until a person has looked.
LASTING: Final = frozenset({"overfill", "external_order", "liquidation", "deleverage", "withdrawal"})


class Strike(msgspec.Struct, frozen=True, kw_only=True):
    """One fault: what, when, at whose venue; for an outage `ms` says how long."""

    at_ns: int
    connector: str
    name: str
    fault: Fault | None = None
    ms: int = 0


_Draw: TypeAlias = Callable[[Random], Mapping[str, object]]


def _few(random: Random) -> dict[str, object]:
    return {"count": random.randint(1, 5), "for_ms": 30_000}


def _ms(low: int, high: int, name: str = "ms") -> _Draw:
    return lambda random: {name: random.randint(low, high)}


def _each(*draws: _Draw) -> _Draw:
    return lambda random: {key: value for draw in draws for key, value in draw(random).items()}


def _one_of(name: str, *values: object) -> _Draw:
    return lambda random: {name: random.choice(values)}


def _perhaps(name: str) -> _Draw:
    return lambda random: {name: random.random() < 0.5}  # noqa: PLR2004  # a coin


def _nothing(_random: Random) -> dict[str, object]:
    return {}


#: How the parameters of each fault of the menu are drawn; a fault that is not here cannot be drawn.
PARAMETERS: Final[Mapping[str, _Draw]] = {
    "drop": _few,
    "delay": _each(_few, _ms(50, 3_000)),
    "duplicate": _few,
    "reorder": _few,
    "split": _few,
    "gap": lambda random: {"frames": random.randint(1, 20)},
    "garble": _each(_few, _one_of("how", *Garbled)),
    "ignore": _few,
    "lose_request": _each(_few, _perhaps("hangs")),
    "lose_answer": _each(_few, _perhaps("hangs")),
    "slow_answer": _each(_few, _ms(100, 6_000)),
    "rate_limit": lambda random: {"retry_after_s": random.randint(0, 5)},
    "server_error": _each(_few, _perhaps("executed"), _one_of("status", 500, 502, 503, 504)),
    "html": _each(_few, _perhaps("executed")),
    "ban": _ms(2_000, 20_000),
    "kill": _nothing,
    "half_open": _nothing,
    "freeze": _ms(500, 20_000),
    "clock_step": _ms(-400, 400),
    "expire_credentials": _ms(1_000, 20_000),
    "partial_fill": _nothing,
    "overfill": _nothing,
    "late_fill": _ms(50, 5_000),
    "external_order": _one_of("side", "buy", "sell"),
    "venue_cancel": _nothing,
    "liquidation": _nothing,
    "deleverage": _nothing,
    "withdrawal": _nothing,
    "leverage_change": _ms(1, 20, "leverage"),
    "mark_shift": _each(_ms(-300, 300, "bps"), _ms(500, 20_000)),
    "status": _each(_ms(500, 20_000), _one_of("status", *TradingStatus)),
    "maintenance": _ms(1_000, 20_000),
    "funding": lambda random: {"rate_1h": random.uniform(-0.0005, 0.0005)},
}

#: The faults of docs/faults.md that each one makes happen.
NUMBERS: Final[Mapping[str, tuple[int, ...]]] = {
    "drop": (9, 13),
    "delay": (15, 31),
    "duplicate": (14, 33),
    "reorder": (15,),
    "split": (7,),
    "gap": (13, 16),
    "garble": (18, 27),
    "ignore": (4, 29),
    "lose_request": (29,),
    "lose_answer": (29, 36),
    "slow_answer": (11, 29, 31),
    "rate_limit": (48,),
    "server_error": (30,),
    "html": (12,),
    "ban": (49,),
    "kill": (2, 10),
    "half_open": (3,),
    "freeze": (55,),
    "clock_step": (25, 81),
    "expire_credentials": (52,),
    "partial_fill": (34,),
    "overfill": (37,),
    "late_fill": (35, 38),
    "external_order": (39, 104),
    "venue_cancel": (67,),
    "liquidation": (60,),
    "deleverage": (61, 69),
    "withdrawal": (65,),
    "leverage_change": (59,),
    "mark_shift": (64,),
    "status": (56,),
    "maintenance": (54,),
    "funding": (62, 63),
    "outage": (1, 8),
}

#: Everything that can be drawn, in the order of the menu.
EVERYTHING: Final = (*MENU, OUTAGE)


def weather(
    seed: int,
    connectors: tuple[str, ...],
    *,
    start_ns: int,
    end_ns: int,
    mean_pause_s: float,
    names: tuple[str, ...],
) -> Iterator[Strike]:
    """Draw the faults of one run, in the order of time.

    The names are gone through in shuffled rounds, so that each is met once before one is met again.

    Args:
        seed: of everything.
        connectors: whose venues are met, each as often as another.
        start_ns: none before.
        end_ns: none after.
        mean_pause_s: pauses between faults are exponential.
        names: what may be drawn, of `EVERYTHING`.
    """
    random = Random(f"weather {seed}")  # repeatable, guards nothing
    at_ns = start_ns
    round_: list[str] = []
    clocks_ms = dict.fromkeys(connectors, 0)  # steps that only added up would end where nobody may trade
    while names:
        at_ns += int(random.expovariate(1.0 / mean_pause_s) * NS_PER_S)
        if at_ns >= end_ns:
            return
        if not round_:
            round_ = list(names)
            random.shuffle(round_)
        name = round_.pop()
        connector = random.choice(connectors)
        if name == OUTAGE:
            yield Strike(at_ns=at_ns, connector=connector, name=name, ms=random.randint(500, 20_000))
            continue
        kind = MENU[name]
        fault = msgspec.convert(PARAMETERS[name](random), kind)
        if isinstance(fault, ClockStep):
            stands_ms, clocks_ms[connector] = clocks_ms[connector], fault.ms
            fault = msgspec.structs.replace(fault, ms=fault.ms - stands_ms)
        yield Strike(at_ns=at_ns, connector=connector, name=name, fault=fault)
