"""The mode in which nothing leaves this machine: every address is checked again right before it is used."""

from __future__ import annotations

from paraphina_core.domain import LocalError

from .address import parse_address


def check_confined(url: str) -> None:
    """Refuse an address that is not of this machine.

    Raises:
        LocalError: it is another machine's, or no usable address at all.
    """
    if not parse_address(url, "http", "https", "ws", "wss").is_loopback:
        raise LocalError("connection would leave this machine", found=url, wanted="a loopback address")
