"""Where a connection may go and what may be written at its head: URLs, certificates and headers, checked.

A connector's plan is text that came from outside the core. Nothing here is lenient: what is not
plainly a host of the right kind is a local error before any socket is opened.
"""

from __future__ import annotations

import ipaddress
import re
import ssl
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

import msgspec

from paraphina_core.domain import LocalError

MAX_URL_LENGTH: Final = 4096

_SECURE: Final = {"http": False, "https": True, "ws": False, "wss": True}
_HOST = re.compile(r"(?!.{254})(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.|$))+", re.ASCII)
_URL = re.compile(r"[\x21-\x7e]+")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)
_HEADER_VALUE = re.compile(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?|")

#: Headers that frame a message or name its connection; they are the transport's alone.
_OURS: Final = frozenset(
    {
        *("host", "content-length", "transfer-encoding", "connection", "keep-alive", "upgrade", "expect"),
        *("te", "trailer", "proxy-connection", "proxy-authorization"),
    }
)


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """One checked URL. `target` is path and query as they go into the request line."""

    host: str
    port: int
    secure: bool
    target: str

    @property
    def authority(self) -> str:
        """Host and, unless it is the scheme's own, port: the value of the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.secure else 80) else f"{host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """True if the host is this machine, by number or as `localhost`."""
        return _is_loopback(self.host)


def parse_address(url: str, *schemes: str) -> Address:
    """Check a URL and take it apart.

    Args:
        url: absolute, ASCII, without user information and without fragment.
        schemes: the schemes that make sense here, such as `ws` and `wss`.

    Raises:
        LocalError: it is not such a URL, or it leaves this machine without TLS.
    """
    if len(url) > MAX_URL_LENGTH or _URL.fullmatch(url) is None:
        raise LocalError("URL is not usable", found=url[:80], wanted="printable ASCII without spaces")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as e:
        raise LocalError(f"URL is not usable: {e}", found=url) from e
    if parts.scheme not in schemes or not host or parts.fragment or "@" in parts.netloc:
        raise LocalError(
            "URL is not usable",
            found=url,
            wanted=f"{' or '.join(schemes)}://host/path without user name and fragment",
        )
    loopback = _is_loopback(host)
    if not (loopback or _HOST.fullmatch(host) or is_numeric(host)) or port == 0:
        raise LocalError("URL names no usable host", found=url)
    secure = _SECURE[parts.scheme]
    if not (secure or loopback):
        raise LocalError(
            "connection would leave this machine in the clear", found=url, wanted=f"{parts.scheme}s://"
        )
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Address(host=host, port=port or (443 if secure else 80), secure=secure, target=target)


def verified_tls(context: ssl.SSLContext | None = None) -> ssl.SSLContext:
    """Return a context that checks certificate and host name.

    Args:
        context: a context with other roots, such as those of a twin; None for the system's.

    Raises:
        LocalError: the context would accept anybody.
    """
    if context is None:
        # Not `create_default_context`, which writes session keys to a file that the environment names.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_default_certs()
    if context.verify_mode is not ssl.CERT_REQUIRED or not context.check_hostname:
        raise LocalError(
            "TLS context does not verify the server",
            found=(context.verify_mode.name, context.check_hostname),
            wanted="a required certificate and a checked host name",
        )
    return context


def check_headers(headers: Mapping[str, str]) -> None:
    """Refuse a header that could end the head early, or that only the transport may set.

    Raises:
        LocalError: which header, and why.
    """
    for name, value in headers.items():
        if _HEADER_NAME.fullmatch(name) is None or _HEADER_VALUE.fullmatch(value) is None:
            # The value may be a credential; it is not repeated.
            raise LocalError("header is not usable", found=name, wanted="one line of printable ASCII")
        if name.lower() in _OURS or name.lower().startswith("sec-websocket-"):
            raise LocalError("header belongs to the transport", found=name, wanted="another header")


def is_numeric(host: str) -> bool:
    """Tell whether a host is given as an IP address, so that nobody need be asked for it."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_loopback(host: str) -> bool:
    return host == "localhost" or (is_numeric(host) and ipaddress.ip_address(host).is_loopback)
