"""What the suite is run on: a connector, the settings to build it with, and the evidence it brings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import msgspec

from paraphina_core.connector import Answer, ConnectorSpec, TradeMode
from paraphina_core.domain import LocalError, Query
from paraphina_core.twin import VenueTwin


class Opening(msgspec.Struct, frozen=True, kw_only=True):
    """A stream of the plan was opened, for the first time or anew."""

    stream: str
    at_ns: int


class Arrival(msgspec.Struct, frozen=True, kw_only=True):
    """A frame arrived."""

    stream: str
    frame: bytes
    at_ns: int


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """A query was asked and answered."""

    query: Query
    answer: Answer
    at_ns: int


Step: TypeAlias = Opening | Arrival | Reply


class Recording(msgspec.Struct, frozen=True, kw_only=True):
    """What a venue really sent, in the order of its arrival, with rising times.

    Args:
        name: says where it is from, in results.
        steps: every stream is opened before its first frame.
    """

    name: str
    steps: tuple[Step, ...]

    def __post_init__(self) -> None:
        opened: set[str] = set()
        last_ns = 0
        for step in self.steps:
            if isinstance(step, Opening):
                opened.add(step.stream)
            elif isinstance(step, Arrival) and step.stream not in opened:
                raise LocalError(
                    f"recording {self.name} has a frame of a stream that was not opened", found=step.stream
                )
            if step.at_ns < last_ns:
                raise LocalError(
                    f"recording {self.name} runs backwards", found=step.at_ns, wanted=f"{last_ns} at least"
                )
            last_ns = step.at_ns


class Login(msgspec.Struct, frozen=True, kw_only=True):
    """How a client gets into a twin, and who else is there.

    Args:
        account: the account's name at the twin's exchange.
        stranger: another account with money, whom the suite lets trade.
        settings: values of the spec's settings that select the account.
        secrets: secrets by setting name; worthless outside of the twin.
    """

    account: str
    stranger: str
    settings: Mapping[str, str | int | float | bool]
    secrets: Mapping[str, str]


class Scene(msgspec.Struct, frozen=True, kw_only=True):
    """One market of a twin to try things in.

    Args:
        connector: values of the spec's settings that select it.
        twin: settings of the twin; with them an account may do all that the spec declares.
    """

    connector: Mapping[str, str | int | float | bool] = msgspec.field(default_factory=dict)
    twin: Mapping[str, str] = msgspec.field(default_factory=dict)


class TwinSide(msgspec.Struct, frozen=True, kw_only=True):
    """What the suite must know of a twin that no connector can say.

    Args:
        log_in: tells how to get into a twin that was just built.
        quiet: a market in which nobody but clients trades.
        lively: a market in which others trade too.
        answer: text that stands in each frame that answers a command, and in no other; empty where
            commands are answered over HTTP alone.
        dead_man_ms: a window that the venue's dead-man switch takes.
        far_bps: how far from the middle an order may rest; some venues have bands of prices.
    """

    log_in: Callable[[VenueTwin], Login]
    quiet: Scene
    lively: Scene
    answer: str = ""
    dead_man_ms: int = 20_000
    far_bps: int = 900


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """One connector with its evidence.

    A connector whose streams are here already (`LocalSource`) brings its frames with its plan and
    needs no recordings.

    Args:
        spec: the connector; one with a factory.
        mode: trade mode that it is built for.
        settings: values of the spec's settings, as a session would hand them in.
        secrets: throw-away secrets by setting name, which also serve as canaries: wherever one of them
            is met, it leaked. Never those of a real account.
        recordings: loads what the venue really sent.
        twin: what to know of the venue's twin, which the spec names.
        skips: cards that are not run on this connector, each with the reason.
    """

    spec: ConnectorSpec
    mode: TradeMode = TradeMode.PAPER
    settings: Mapping[str, str | int | float | bool] = msgspec.field(default_factory=dict)
    secrets: Mapping[str, str] = msgspec.field(default_factory=dict)
    recordings: Callable[[], Sequence[Recording]] | None = None
    twin: TwinSide | None = None
    skips: Mapping[str, str] = msgspec.field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.spec.factory is None:
            raise LocalError(
                f"connector {self.spec.name} is not built yet", wanted="a connector with a factory"
            )
