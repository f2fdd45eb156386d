"""From an order's parameters to signed text that is ready to send to Aster, beside ccxt; nothing is sent.

Usage: python benchmarks/aster_signing.py

Both sign the same order with the same key by the venue's current scheme. What each has made is compared
first: the parameters are the same, and both signatures give the same agent away. They run in rounds by turns.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from importlib.metadata import version
from urllib.parse import parse_qsl

from measuring.rounds import middle, percentile
from measuring.tables import Table, micros, times

ROUNDS = 15
OURS, PEER = "Paraphina", "ccxt"
CALLS = {OURS: 400, PEER: 10}
KEY = "0x4fd0a42218f3eae43a6ce26d22544e986139a01e5b34a62db53757ffca81bae1"  # of the venue's documentation
PARAMETERS = (
    ("symbol", "BTCUSDT"),
    ("side", "BUY"),
    ("type", "LIMIT"),
    ("timeInForce", "GTX"),
    ("quantity", "0.001"),
    ("price", "96400"),
    ("newClientOrderId", "pa-l-000000000001"),
)

#: Makes the text of a request.
Make = Callable[[], str]


def ours() -> Make:
    """Return our way, with `user` named as the peer does."""
    from paraphina_aster.signer import Agent
    from paraphina_aster.signing import AgentAuthority
    from paraphina_core.connector import Network, WriteContext, checksummed

    agent = Agent(KEY)
    identity = agent.identity
    authority = AgentAuthority(network=Network.MAINNET, user=checksummed(agent.address))

    def make() -> str:
        context = WriteContext(nonce=time.time_ns() // 1_000, at_ns=0, sign=agent.sign, identity=identity)
        return authority.signed(PARAMETERS, context)

    return make


def peer() -> Make:
    """Return the peer's way: its `sign`, which every request of its goes through."""
    import ccxt

    exchange = ccxt.aster({"privateKey": KEY})
    address = exchange.eth_get_address_from_private_key(KEY)
    exchange.walletAddress = address
    parameters = dict(PARAMETERS)

    def make() -> str:
        return exchange.sign("fapi/v3/order", ["fapiPrivate"], "POST", parameters)["body"]

    return make


def check(text: str) -> None:
    """Hold one request against the parameters and the agent that it must be of."""
    from paraphina_aster.signer import Agent
    from paraphina_aster.signing import digest
    from paraphina_core.connector import Network, recover_address

    signed, _, signature = text.rpartition("&signature=")
    assert set(PARAMETERS) <= set(parse_qsl(signed))
    raw = bytes.fromhex(signature.removeprefix("0x"))
    assert recover_address(digest(signed, Network.MAINNET), raw) == Agent(KEY).address


def nanoseconds(make: Make, calls: int) -> float:
    """Return the mean time of a request."""
    begin = time.perf_counter_ns()
    for _ in range(calls):
        make()
    return (time.perf_counter_ns() - begin) / calls


def measure(rounds: int = ROUNDS) -> list[Table]:
    """Measure both, by turns."""
    makers = {OURS: ours(), PEER: peer()}
    for make in makers.values():
        check(make())
    taken: dict[str, list[float]] = {who: [] for who in makers}
    for _ in range(rounds):
        for who, make in makers.items():
            taken[who].append(nanoseconds(make, CALLS[who]))
    return [
        Table(
            title="From an order to signed text for Aster",
            note=(
                f"Microseconds per request, median and 99th percentile of {rounds} rounds; both signatures "
                f"are the same agent's. Beside ccxt {version('ccxt')}."
            ),
            header=("library", "p50", "p99", "p50 ÷ ours"),
            rows=tuple(
                (who, micros(middle(ns)), micros(percentile(ns, 99)), times(middle(ns) / middle(taken[OURS])))
                for who, ns in taken.items()
            ),
        )
    ]


if __name__ == "__main__":
    for table in measure():
        print(table.markdown(), end="\n\n")
