"""Measures what a WebSocket frame costs until it is in our callback, on each engine.

A server process on loopback, which does nothing but write, floods a stream with frames of the size of
Hyperliquid's books. Counted is the client's CPU time (user and system, reading from the kernel included)
per frame, from the first frame to the last. `picows` and `websockets` each run on `uvloop` and on `asyncio`:

    python benchmarks/streams.py [FRAME_BYTES ...]

All run in rounds by turns, because a machine's mood changes within seconds.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import socket
import subprocess
import sys
import time
from statistics import median

from paraphina_core.connector import StreamPlan, WebSocketSource
from paraphina_core.transport import (
    Backoff,
    Engine,
    EventLoop,
    Stream,
    StreamEvents,
    StreamLimits,
    WebSocketLibrary,
    choose,
    connect_budget,
    run,
)

ROUNDS = 9
FRAMES = 30_000
SIZES = (200, 1_600, 16_000)
HOST = "127.0.0.1"
WRITE_BYTES = 256 * 1024


def serve() -> None:
    """Answer one handshake after another, and flood each client with the frames it asks for by its path."""
    with socket.create_server((HOST, 0)) as listener:
        print(listener.getsockname()[1], flush=True)
        while True:
            client, _ = listener.accept()
            with client:
                flood(client)


def flood(client: socket.socket) -> None:
    """Accept a client and send it everything at once, then wait until it hangs up."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += client.recv(4096)
    size = int(head.split(b" ")[1].lstrip(b"/"))
    key = head.split(b"Sec-WebSocket-Key: ")[1].split(b"\r\n")[0]
    digest = hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()  # noqa: S324  # RFC 6455
    client.sendall(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + base64.b64encode(digest) + b"\r\n\r\n"
    )
    short = size < 126  # RFC 6455, 5.2
    length = bytes([size]) if short else b"\x7e" + size.to_bytes(2)
    frame = b"\x81" + length + b"x" * size
    burst = max(1, WRITE_BYTES // len(frame))
    left = FRAMES
    while left > 0:
        client.sendall(frame * min(burst, left))
        left -= burst
    while client.recv(4096):
        pass


class Clock:
    """This machine's time."""

    def now_ns(self) -> int:
        """Return it."""
        return time.time_ns()


def microseconds(engine: Engine, port: int, size: int) -> float:
    """Return the CPU time per frame of one flood."""
    arrived = 0
    began_s = ended_s = 0.0

    def frame(_stream: str, _frame: bytes, _at_ns: int) -> None:
        nonlocal arrived, began_s, ended_s
        arrived += 1
        if arrived == 1:
            began_s = time.process_time()
        elif arrived == FRAMES:
            ended_s = time.process_time()
            stream.stop()

    source = WebSocketSource(url=f"ws://{HOST}:{port}/{size}")
    stream = Stream(
        StreamPlan(name="flood", source=source, max_silence_ms=60_000),
        events=StreamEvents(opened=lambda *_: None, frame=frame, closed=lambda *_: None),
        clock=Clock(),
        backoff=Backoff(1),
        budget=connect_budget(1000),
        limits=StreamLimits(close_timeout_ms=20),  # the server does not answer a goodbye
        engine=engine,
    )

    async def main() -> None:
        async with asyncio.timeout(60):
            await stream.run()

    run(main(), engine)
    assert arrived == FRAMES, f"{arrived} of {FRAMES} frames arrived"
    return (ended_s - began_s) / (FRAMES - 1) * 1e6


def engines() -> dict[str, Engine]:
    """Return every engine that works here, the fastest first."""
    fast = choose()
    libraries = dict.fromkeys([WebSocketLibrary(fast.websocket.name), WebSocketLibrary.WEBSOCKETS])
    loops = dict.fromkeys([EventLoop(fast.event_loop.name), EventLoop.ASYNCIO])
    made = [choose(library, loop) for library in libraries for loop in loops]
    return {f"{one.websocket.name} on {one.event_loop.name}": one for one in made}


def main(sizes: list[int]) -> None:
    """Measure and print medians over the rounds, with the ratio to the fastest engine."""
    command = [sys.executable, __file__, "--serve"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:  # noqa: S603  # this script
        assert server.stdout is not None
        port = int(server.stdout.readline())
        try:
            for size in sizes or SIZES:
                times: dict[str, list[float]] = {name: [] for name in engines()}
                for _ in range(ROUNDS):
                    for name, engine in engines().items():
                        times[name].append(microseconds(engine, port, size))
                print(f"{size} bytes a frame: CPU microseconds, median (best) of {ROUNDS} rounds")
                fastest = median(next(iter(times.values())))
                for name, kept in times.items():
                    ratio = median(kept) / fastest
                    print(f"  {name:32}{median(kept):10.2f} ({min(kept):.2f}){ratio:10.1f}x")
        finally:
            server.kill()


if __name__ == "__main__":
    if sys.argv[1:] == ["--serve"]:
        serve()
    else:
        main([int(size) for size in sys.argv[1:]])
