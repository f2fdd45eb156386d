"""Every HTTP request that is in no hurry: instruments, account, history, tokens.

It goes through `httpx`, which keeps a pool of connections and costs several times what
`OrderEntry` does. Nothing comes from the environment, no redirect is followed, no cookie kept.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Final, Self

import httpx

from paraphina_core import __version__
from paraphina_core.connector import Answer, Failure, FailureKind, HttpRequest
from paraphina_core.domain import LocalError

from .address import check_headers, parse_address, verified_tls

#: Answers are read in full before they are handed on; an exchange's list of markets has a few MB.
MAX_BODY_BYTES: Final = 64 * 1024 * 1024

_MAX_CONNECTIONS: Final = 20


class HttpClient:
    """A pool of connections to any host; use as an asynchronous context manager.

    Args:
        connect_timeout_ms: for opening a connection, TLS included.
        max_body_bytes: a longer answer is a failure.
        tls: other roots than the system's; it must verify.

    Raises:
        LocalError: TLS is not verified.
    """

    def __init__(
        self,
        *,
        connect_timeout_ms: int = 10_000,
        max_body_bytes: int = MAX_BODY_BYTES,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._connect_timeout_s = connect_timeout_ms / 1000
        self._max_body_bytes = max_body_bytes
        self._client = httpx.AsyncClient(
            verify=verified_tls(tls),
            trust_env=False,
            follow_redirects=False,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            limits=httpx.Limits(max_connections=_MAX_CONNECTIONS),
            # An unpacked answer could be a thousand times as long as what came over the wire.
            headers={"User-Agent": f"paraphina/{__version__}", "Accept-Encoding": "identity"},
        )

    async def __aenter__(self) -> Self:
        """Return the client."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close every connection."""
        await self.close()

    async def close(self) -> None:
        """Close every connection."""
        await self._client.aclose()

    async def fetch(self, request: HttpRequest) -> Answer | Failure:
        """Send a request once and read its answer, both within its deadline.

        Returns:
            The answer whatever its status, or a failure. Of kind `not_sent` only if no connection
            came about.

        Raises:
            LocalError: the request would not be one clean HTTP message to a checked address.
        """
        parse_address(request.url, "http", "https")
        check_headers(request.headers)
        if not (request.deadline_ms > 0 and request.method.isascii() and request.method.isalpha()):
            raise LocalError(
                "request is not usable",
                found=(request.method, request.deadline_ms),
                wanted="a method of letters and a deadline above zero",
            )
        return await _outcome(self._exchange(request), request.deadline_ms / 1000)

    async def _exchange(self, request: HttpRequest) -> Answer | Failure:
        deadline_s = request.deadline_ms / 1000
        connect_s = min(self._connect_timeout_s, deadline_s)
        timeout = httpx.Timeout(deadline_s, connect=connect_s, pool=connect_s)
        async with self._client.stream(
            request.method,
            request.url,
            content=request.body or None,
            headers=dict(request.headers),
            timeout=timeout,
        ) as response:
            if response.headers.get("content-encoding", "identity") != "identity":
                return _failure(FailureKind.DISCONNECTED, "the answer is compressed without being asked to")
            body = bytearray()
            async for chunk in response.aiter_raw():
                body += chunk
                if not (len(body) <= self._max_body_bytes):
                    detail = f"the answer is longer than {self._max_body_bytes} bytes"
                    return _failure(FailureKind.DISCONNECTED, detail)
        return Answer(status=response.status_code, body=bytes(body), headers=dict(response.headers))


async def _outcome(exchange: Awaitable[Answer | Failure], deadline_s: float) -> Answer | Failure:
    """Turn what goes wrong into a failure that claims no more than is known."""
    try:
        async with asyncio.timeout(deadline_s):
            return await exchange
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as e:
        return _failure(FailureKind.NOT_SENT, f"{type(e).__name__}: {e}")
    except (TimeoutError, httpx.TimeoutException):
        return _failure(FailureKind.TIMED_OUT, "no answer within the deadline")
    except httpx.InvalidURL as e:
        raise LocalError(f"URL is not usable: {e}") from e
    except httpx.TransportError as e:
        return _failure(FailureKind.DISCONNECTED, f"{type(e).__name__}: {e}")


def _failure(kind: FailureKind, detail: str) -> Failure:
    return Failure(kind=kind, detail=detail)
