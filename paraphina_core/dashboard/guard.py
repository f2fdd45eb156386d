"""Who may ask the dashboard what: the host that was asked for, the token, and limits on every request.

A page elsewhere can make a browser on this machine send requests here, and with a name that it lets point to
this machine even read the answers (DNS rebinding). The host that stands in the request gives that away.
"""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

#: Largest body of a request, and longest path with its query.
MAX_BODY_BYTES: Final = 4_096
MAX_PATH_BYTES: Final = 512

#: The page by its paths: it holds nothing about the session, and a browser must load it before it can send a
#: token.
PAGE_FILES: Final = {
    "/": "index.html",
    "/board.css": "board.css",
    "/board.js": "board.js",
    "/charts.js": "charts.js",
}

_POLICY: Final = "; ".join(
    (
        *("default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'"),
        *("img-src 'self' data:", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"),
    )
)
_HEADERS: Final = (
    (b"content-security-policy", _POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
)


class Guard:
    """Stands before an application and lets through what may pass.

    Args:
        app: what is guarded.
        host: the address that is listened on; a token is asked for everything unless it is loopback.
        token: asked for whatever changes something, also on loopback.
    """

    def __init__(self, app: App, host: str, token: str) -> None:
        self._app = app
        self._host = ipaddress.ip_address(host)
        self._token = token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request pass, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {bytes(name).lower(): bytes(value) for name, value in scope["headers"]}
        status, reason = self._refusal(scope, headers)
        if status:
            await _refuse(send, status, reason)
            return

        async def protected(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), *_HEADERS]}
            await send(message)

        await self._app(scope, _limited(receive), protected)

    def _refusal(self, scope: Scope, headers: dict[bytes, bytes]) -> tuple[int, str]:
        if not self._is_host(headers.get(b"host", b"").decode("latin-1")):
            return 421, "the host that was asked for is not this one"
        if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > MAX_PATH_BYTES:
            return 414, "the path is too long"
        length = headers.get(b"content-length", b"0")
        if not length.isdigit() or int(length) > MAX_BODY_BYTES or b"transfer-encoding" in headers:
            return 413, "the body is too long, or does not say how long it is"
        changes = scope["method"] not in {"GET", "HEAD"}
        needs_token = changes or not (self._host.is_loopback or scope["path"] in PAGE_FILES)
        if needs_token and not self._has_token(headers):
            return 401, "the token is missing or wrong"
        return 0, ""

    def _is_host(self, asked: str) -> bool:
        """Tell whether a request was meant for an address, and so for no name that somebody else owns."""
        name = asked.rpartition(":")[0] if not asked.endswith("]") and ":" in asked else asked
        if name == "localhost":
            return self._host.is_loopback
        try:
            address = ipaddress.ip_address(name.removeprefix("[").removesuffix("]"))
        except ValueError:
            return False
        both_here = self._host.is_loopback and address.is_loopback
        return both_here or address == self._host or self._host.is_unspecified

    def _has_token(self, headers: dict[bytes, bytes]) -> bool:
        scheme, _, given = headers.get(b"authorization", b"").partition(b" ")
        return scheme.lower() == b"bearer" and hmac.compare_digest(given.strip(), self._token)


def _limited(receive: Receive) -> Receive:
    """Cut a body off that is longer than it said; the server checks it against its stated length too."""
    taken = 0

    async def limited() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        return {"type": "http.disconnect"} if taken > MAX_BODY_BYTES else message

    return limited


async def _refuse(send: Send, status: int, reason: str) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), *_HEADERS]
    if status == 401:  # noqa: PLR2004  # HTTP's word for it, which wants this header
        headers.append((b"www-authenticate", b"Bearer"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": f"{reason}\n".encode()})
