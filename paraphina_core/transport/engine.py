"""The one place that chooses what moves the bytes: the event loop and the WebSocket implementation.

The fast choices, `uvloop` and `picows`, are used wherever they are installed and work; `asyncio` and
`websockets` do the same more slowly. Each choice can be forced, and says why it was made.
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable, Coroutine
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final, TypeVar

import msgspec

from paraphina_core.domain import LocalError

from .connection import Connection

_Result = TypeVar("_Result")

#: What brings the fast choices; their versions are those that the core was tested with.
INSTALL: Final = {"picows": "pip install 'picows>=2.3,<3'", "uvloop": "pip install 'uvloop>=0.21,<1'"}


class WebSocketLibrary(StrEnum):
    """Which implementation carries the streams."""

    AUTO = "auto"
    PICOWS = "picows"
    WEBSOCKETS = "websockets"


class EventLoop(StrEnum):
    """Which event loop everything runs on."""

    AUTO = "auto"
    UVLOOP = "uvloop"
    ASYNCIO = "asyncio"


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """What was chosen and why; `is_fast` says whether it is the fast one."""

    name: str
    version: str
    why: str
    is_fast: bool


class Engine(msgspec.Struct, frozen=True, kw_only=True):
    """Both choices, and what makes a connection."""

    websocket: Choice
    event_loop: Choice
    make_connection: Callable[..., Connection]
    make_loop: Callable[[], asyncio.AbstractEventLoop]


def choose(
    websocket: WebSocketLibrary = WebSocketLibrary.AUTO, event_loop: EventLoop = EventLoop.AUTO
) -> Engine:
    """Choose the implementations.

    Args:
        websocket: the one to use; `auto` takes the fastest that works.
        event_loop: the same for the event loop.

    Raises:
        LocalError: one that is asked for by name does not work here.
    """
    library, make_connection = _websocket(websocket)
    loop, make_loop = _event_loop(event_loop)
    return Engine(websocket=library, event_loop=loop, make_connection=make_connection, make_loop=make_loop)


def run(main: Coroutine[Any, Any, _Result], engine: Engine | None = None) -> _Result:
    """Run a coroutine to its end on a new event loop of the chosen kind, as `asyncio.run` does.

    Args:
        main: what to run.
        engine: None for the fastest that works here.
    """
    with asyncio.Runner(loop_factory=(engine or choose()).make_loop) as runner:
        return runner.run(main)


def _websocket(wanted: WebSocketLibrary) -> tuple[Choice, Callable[..., Connection]]:
    why = "asked for"
    if wanted is not WebSocketLibrary.WEBSOCKETS:
        made, trouble = _load("picows", ".picows_connection", "PicowsConnection")
        if made is not None:
            fastest = "the fastest that is installed" if wanted is WebSocketLibrary.AUTO else why
            return _choice("picows", fastest, is_fast=True), made
        if wanted is WebSocketLibrary.PICOWS:
            raise _does_not_work("picows", trouble)
        why = f"picows is not used: {trouble}"
    from .websocket import WebSocketConnection  # noqa: PLC0415  # only one of the two is loaded

    return _choice("websockets", why, is_fast=False), WebSocketConnection


def _event_loop(wanted: EventLoop) -> tuple[Choice, Callable[[], asyncio.AbstractEventLoop]]:
    why = "asked for"
    if wanted is not EventLoop.ASYNCIO:
        made, trouble = _load("uvloop", "uvloop", "new_event_loop")
        if made is not None:
            fastest = "the fastest that is installed" if wanted is EventLoop.AUTO else why
            return _choice("uvloop", fastest, is_fast=True), made
        if wanted is EventLoop.UVLOOP:
            raise _does_not_work("uvloop", trouble)
        why = f"uvloop is not used: {trouble}"
    return _choice("asyncio", why, is_fast=False), asyncio.new_event_loop


def _load(distribution: str, module: str, attribute: str) -> tuple[Any, str]:
    """Import something that need not be there; return it, or None and why not."""
    try:
        return getattr(importlib.import_module(module, __package__), attribute), ""
    except ModuleNotFoundError as e:
        return None, "not installed" if e.name == distribution else f"{e.name} is not installed"
    except Exception as e:  # noqa: BLE001  # a wheel of another platform or version fails in its own way
        return None, f"{type(e).__name__}: {e}"


def _choice(name: str, why: str, *, is_fast: bool) -> Choice:
    try:
        found = version(name)
    except PackageNotFoundError:  # asyncio comes with Python
        found = ""
    return Choice(name=name, version=found, why=why, is_fast=is_fast)


def _does_not_work(name: str, trouble: str) -> LocalError:
    return LocalError(f"{name} does not work here", found=trouble, remedy=f"{INSTALL[name]}, or choose auto")
