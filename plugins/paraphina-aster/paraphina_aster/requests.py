"""Signed requests: which version of a path the account's key opens, and where the signed text goes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from paraphina_core.connector import HttpRequest, Network, WriteContext

from .limits import IP_WEIGHT
from .signing import AgentAuthority, ApiKeyAuthority, Authority, Parameters

_FORM: Final[Mapping[str, str]] = {"Content-Type": "application/x-www-form-urlencoded"}
#: Paths of the first generation ("V1") whose version is another one (docs futures V1, read 2026-06-30).
_VERSIONS_V1: Final[Mapping[str, str]] = {"account": "v4", "positionRisk": "v2", "balance": "v2"}


class Signed:
    """Makes signed requests of one account.

    Args:
        rest_url: address of the venue's API, without a path.
        network: signatures are worth nothing on the other one.
        user: main wallet to be named, None where the agent alone says whose it is.
    """

    def __init__(self, rest_url: str, network: Network, user: str | None) -> None:
        self._url = rest_url.rstrip("/")
        self._agent = AgentAuthority(network=network, user=user)
        self._api_key = ApiKeyAuthority()

    def request(
        self,
        method: str,
        path: str,
        parameters: Parameters,
        context: WriteContext,
        *,
        correlation: str,
        deadline_ms: int,
        cost: tuple[tuple[str, int], ...] = ((IP_WEIGHT, 1),),
    ) -> HttpRequest:
        """Return a request whose bytes are those that are signed.

        Raises:
            LocalError: nonce, agent or signature are not usable.
        """
        authority = self._authority(context)
        version = authority.version
        if version == self._api_key.version:
            version = _VERSIONS_V1.get(path, version)
        text = authority.signed(parameters, context)
        url = f"{self._url}/fapi/{version}/{path}"
        in_address = method == "GET"
        return HttpRequest(
            method=method,
            url=f"{url}?{text}" if in_address else url,
            body=b"" if in_address else text.encode("ascii"),
            correlation=correlation,
            deadline_ms=deadline_ms,
            headers={} if in_address else _FORM,
            cost=cost,
            private=True,
        )

    def _authority(self, context: WriteContext) -> Authority:
        """Choose the scheme by the key that signs: an agent has an address, a secret has none."""
        return self._agent if "address" in context.identity or not context.identity else self._api_key
