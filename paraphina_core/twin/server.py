"""A twin on this machine: a server on a loopback address, for sessions, official SDKs and people with curl.

Three ways to use it: as an asynchronous context manager beside a session in the same loop, in a thread
of its own for clients that block, and for as long as a program runs (`paraphina twin`).
"""

from __future__ import annotations

import asyncio
import ipaddress
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Self, TypeVar
from urllib.parse import urlsplit, urlunsplit

from paraphina_core.connector import ConnectorSpec, Network
from paraphina_core.domain import LocalError

from .faults import Fault
from .host import TwinHost

if TYPE_CHECKING:
    from .asgi import AsgiTwin

#: How long a server may take to listen.
START_DEADLINE_S: Final = 10.0

_Result = TypeVar("_Result")


def wall_clock() -> Callable[[], int]:
    """Return the world's time for a twin: it starts at the wall clock and follows the monotonic one."""
    offset_ns = time.time_ns() - time.monotonic_ns()
    return lambda: offset_ns + time.monotonic_ns()


class TwinServer:
    """A host behind a server on a loopback address; use as an asynchronous context manager.

    Args:
        host: the twin; its `start_ns` is not after `now_ns()`.
        address: where to listen; anything that is not loopback is refused.
        port: 0 for any that is free.
        now_ns: the world's time.

    Raises:
        LocalError: the address is not loopback.
    """

    def __init__(
        self,
        host: TwinHost,
        *,
        address: str = "127.0.0.1",
        port: int = 0,
        now_ns: Callable[[], int] | None = None,
    ) -> None:
        if not _is_loopback(address):
            raise LocalError(
                "a twin serves this machine alone",
                found=address,
                wanted="127.0.0.1 or another loopback address",
            )
        self.host = host
        self._address = address
        self._port = port
        self._now_ns = now_ns or wall_clock()
        self._asgi: AsgiTwin | None = None
        self._running: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Listen.

        Raises:
            LocalError: the packages for it are not installed, or the port cannot be had.
        """
        asgi = self._asgi = _serve(self.host, self._now_ns, self._address, self._port)
        running = self._running = asyncio.ensure_future(_run(asgi))
        listening = asyncio.ensure_future(asgi.listening.wait())
        await asyncio.wait({listening, running}, return_when=asyncio.FIRST_COMPLETED)
        listening.cancel()
        if running.done():
            await running
        self._port = asgi.port
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close every connection and stop listening."""
        if self._asgi is not None and self._running is not None:
            self._asgi.stop()
            await self._running

    @property
    def origin(self) -> str:
        """Scheme, host and port, such as `http://127.0.0.1:8000`."""
        return f"http://{self._authority}"

    @property
    def websocket_origin(self) -> str:
        """The same for WebSockets."""
        return f"ws://{self._authority}"

    def call(self, what: Callable[[TwinHost, int], None]) -> None:
        """Do something with the host now, such as arming a fault, and let what follows from it leave."""
        if self._asgi is not None:
            self._asgi.call(what)

    def arm(self, *faults: Fault) -> None:
        """Arm faults now."""
        for fault in faults:
            self.call(lambda host, at_ns, fault=fault: host.arm(fault, at_ns))  # type: ignore[misc]  # bound at once

    def addresses(self, spec: ConnectorSpec, network: Network) -> dict[str, str]:
        """Return what to set, by environment variable, so that a connector goes to this twin."""
        return addresses(self.origin, spec, network)

    @property
    def _authority(self) -> str:
        return f"[{self._address}]:{self._port}" if ":" in self._address else f"{self._address}:{self._port}"


def addresses(origin: str, spec: ConnectorSpec, network: Network) -> dict[str, str]:
    """Return what to set, by environment variable, so that a connector goes to the twin at an origin."""
    found = {}
    for endpoint in spec.endpoints.get(network, ()):
        if endpoint.setting is not None:
            parts = urlsplit(endpoint.url)
            scheme = "ws" if parts.scheme in {"ws", "wss"} else "http"
            url = urlunsplit((scheme, urlsplit(origin).netloc, parts.path, parts.query, ""))
            found[spec.setting(endpoint.setting).env] = url
    return found


class TwinThread:
    """A server in a thread of its own, for clients that block the loop they would share with it.

    Use as a context manager. The host belongs to the thread: reach for it by `call` alone.

    Args:
        build: makes the server; called in the thread.
    """

    def __init__(self, build: Callable[[], TwinServer]) -> None:
        self._build = build
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._ready = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="twin", daemon=True)
        self.server: TwinServer

    def __enter__(self) -> Self:
        """Start it and wait until it listens.

        Raises:
            LocalError: as `TwinServer`.
        """
        self._thread.start()
        self._ready.wait(START_DEADLINE_S)
        if self._error is not None:
            raise self._error
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it and wait for its end."""
        if self._loop is not None and self._stop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(START_DEADLINE_S)

    def call(self, what: Callable[[TwinHost, int], _Result]) -> _Result:
        """Do something with the host in its thread; return what came of it."""
        if self._loop is None:
            raise LocalError("the twin is not running")

        async def called() -> _Result:
            results: list[_Result] = []
            self.server.call(lambda host, at_ns: results.append(what(host, at_ns)))
            return results[0]

        return asyncio.run_coroutine_threadsafe(called(), self._loop).result(START_DEADLINE_S)

    def arm(self, *faults: Fault) -> None:
        """Arm faults now."""
        for fault in faults:
            self.call(lambda host, at_ns, fault=fault: host.arm(fault, at_ns))  # type: ignore[misc]  # bound at once

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as e:  # noqa: BLE001  # raised again where it was started
            self._error = e
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self._stop = asyncio.Event()
        self.server = self._build()
        async with self.server:
            self._loop = asyncio.get_running_loop()
            self._ready.set()
            await self._stop.wait()


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _serve(host: TwinHost, now_ns: Callable[[], int], address: str, port: int) -> AsgiTwin:
    try:
        from .asgi import AsgiTwin  # noqa: PLC0415  # an extra that only a server needs
    except ImportError as e:
        raise LocalError(
            "packages for serving a twin are not installed",
            found=str(e),
            remedy="run `pip install 'paraphina[twin]'`",
        ) from e
    return AsgiTwin(host, now_ns=now_ns, address=address, port=port)


async def _run(asgi: AsgiTwin) -> None:
    try:
        await asgi.run()
    except SystemExit as e:
        raise LocalError("the twin cannot listen", found=str(e), wanted="a port that is free") from e
