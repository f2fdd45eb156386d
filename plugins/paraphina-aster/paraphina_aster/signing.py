"""From parameters to the signed text that the venue accepts, without ever seeing a key.

The text that is signed is the text that is sent, so it is spelled once, here. The current scheme ("V3", docs
"Authentication", read 2026-10-08) signs it as the only field of an EIP-712 message; API keys of the first
generation ("V1"), of which none are given out since 2026-03-25, authenticate it with HMAC-SHA256.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias
from urllib.parse import urlencode

import msgspec

from paraphina_core.connector import SIGNATURE_BYTES, Network, WriteContext, checksummed, keccak
from paraphina_core.domain import NS_PER_MS, ConfigError, LocalError

#: Names and values in the order in which they are sent; the venue asks for no order.
Parameters: TypeAlias = Sequence[tuple[str, str]]

#: Binds a signature to a network; neither is the number of a real chain.
CHAIN_IDS: Final[Mapping[Network, int]] = {Network.MAINNET: 1666, Network.TESTNET: 714}

#: How long after it was made the venue takes a request of the first generation; its own default.
RECEIVE_WINDOW_MS: Final = 5_000

_HEX_ADDRESS: Final = re.compile(r"0x[0-9a-fA-F]{40}", re.ASCII)
_MAX_NONCE: Final = 2**63 - 1

_DOMAIN_TYPE: Final = keccak(
    b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
)
_MESSAGE_TYPE: Final = keccak(b"Message(string msg)")


def domain_separator(network: Network) -> bytes:
    """Return the hash of the EIP-712 domain; the verifying contract is nobody's."""
    return keccak(
        _DOMAIN_TYPE
        + keccak(b"AsterSignTransaction")
        + keccak(b"1")
        + CHAIN_IDS[network].to_bytes(32)
        + bytes(32)
    )


_TYPED_DATA: Final = {network: b"\x19\x01" + domain_separator(network) for network in Network}


def digest(text: str, network: Network) -> bytes:
    """Return the EIP-712 digest of a text, the 32 bytes to be signed."""
    return keccak(_TYPED_DATA[network] + keccak(_MESSAGE_TYPE + keccak(text.encode())))


def parse_address(text: str) -> str:
    """Read an address that an operator wrote, and return it as the venue shows it.

    Raises:
        ConfigError: it is not `0x` and 40 hex digits, or is nobody's.
    """
    if _HEX_ADDRESS.fullmatch(text) is None or not any(bytes.fromhex(text[2:])):
        raise ConfigError(
            "address is not usable", found=text[:64], wanted="0x and 40 hex digits, and not zero"
        )
    return checksummed(text)


class AgentAuthority(msgspec.Struct, frozen=True, kw_only=True):
    """Requests are signed by an agent ("V3").

    Args:
        network: the signatures are worth nothing on the other one.
        user: main wallet to be named in requests; the venue knows it from the agent, so None is fine.
    """

    network: Network
    user: str | None = None

    @property
    def version(self) -> str:
        """Part of the path that tells the scheme."""
        return "v3"

    def signed(self, parameters: Parameters, context: WriteContext) -> str:
        """Return the text of a request, ready to send.

        Args:
            parameters: of the endpoint alone.
            context: its nonce counts microseconds, its identity names the agent.

        Raises:
            LocalError: nonce, agent or signature are not usable.
        """
        agent = context.identity.get("address")
        if agent is None or not 0 < context.nonce <= _MAX_NONCE:
            raise LocalError(
                "request cannot be signed",
                found=f"agent {agent}, nonce {context.nonce}",
                wanted="the address of an agent, and microseconds",
            )
        own = [("nonce", str(context.nonce)), ("signer", agent)]
        if self.user is not None:
            own.insert(1, ("user", self.user))
        text = urlencode([*parameters, *own])
        signature = context.sign(digest(text, self.network))
        if len(signature) != SIGNATURE_BYTES or signature[64] not in {27, 28}:
            raise LocalError(
                "signature is not usable",
                found=f"{len(signature)} bytes",  # never the bytes: who knows what a broken signer returns
                wanted="32 bytes r, 32 bytes s, one byte v, which is 27 or 28",
            )
        return f"{text}&signature={signature.hex()}"


class ApiKeyAuthority(msgspec.Struct, frozen=True, kw_only=True):
    """Requests are authenticated with an API key of the first generation ("V1").

    The key itself stands in a header, which the core adds to private requests.
    """

    @property
    def version(self) -> str:
        """Part of the path that tells the scheme."""
        return "v1"

    def signed(self, parameters: Parameters, context: WriteContext) -> str:
        """Return the text of a request, ready to send.

        Args:
            parameters: of the endpoint alone.
            context: its time stands in the request.
        """
        window = ("recvWindow", str(RECEIVE_WINDOW_MS))
        text = urlencode([*parameters, window, ("timestamp", str(context.at_ns // NS_PER_MS))])
        return f"{text}&signature={context.sign(text.encode()).hex()}"


Authority: TypeAlias = AgentAuthority | ApiKeyAuthority
