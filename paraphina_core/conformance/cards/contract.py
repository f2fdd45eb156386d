"""Cards on what a connector says of itself: its spec and its plan."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeAlias
from urllib.parse import urlsplit

from paraphina_core.conformance.bench import Bench
from paraphina_core.conformance.card import Card, Deck, Evidence, check, skip
from paraphina_core.connector import Capability, Endpoint, LocalSource, Network, WebSocketSource

DECK: Final = Deck()

Settings: TypeAlias = Mapping[str, str | int | float | bool]

_ENCRYPTED: Final = frozenset({"https", "wss"})
#: What is asked of a connector before it may send an order anywhere.
_TO_SEND: Final = frozenset({Capability.MARKET, Capability.ACCOUNT, Capability.EXECUTION})
#: Evidence without which a capability is but a word.
_BACKED_BY: Final = {Capability.MARKET: Evidence.FRAMES, Capability.EXECUTION: Evidence.TWIN}


@DECK.add(
    Card(
        id="CO-010",
        title="spec claims nothing that contradicts itself",
        action="read the spec",
        events="none",
        passes=(
            "modes that send orders come with market, account and execution; what needs order entry comes "
            "with execution; each capability says how; fees name their source; a rate limit is above zero "
            "and its cancel reserve within it"
        ),
    )
)
def _spec_is_consistent(bench: Bench) -> None:
    spec = bench.spec
    capabilities = frozenset(spec.capabilities)
    if any(mode.reaches_venue for mode in spec.trade_modes):
        missing = sorted(_TO_SEND - capabilities)
        check(not missing, "a mode that sends orders lacks capabilities", found=missing)
    if Capability.EXECUTION not in capabilities:
        idle = capabilities & {
            Capability.CANCEL_ALL,
            Capability.BATCH,
            Capability.MODIFY,
            Capability.WS_ORDERS,
        }
        check(not idle, "capabilities need order entry, which is not declared", found=sorted(idle))
    mute = [capability for capability, how in spec.capabilities.items() if not how.strip()]
    check(not mute, "a capability does not say how", found=mute)
    check(
        (spec.max_batch > 1) == (Capability.BATCH in capabilities),
        "batch and max_batch disagree",
        found=spec.max_batch,
    )
    check(spec.fees is None or spec.fees.source.strip(), "fees name no source", found=spec.fees)
    scopes = [limit.scope for limit in spec.rate_limits]
    check(len(set(scopes)) == len(scopes), "a scope of rate limits is there twice", found=scopes)
    for limit in spec.rate_limits:
        usable = limit.limit > 0 and limit.window_ms > 0 and 0 <= limit.cancel_reserve < limit.limit
        check(usable, "a rate limit is not usable", found=limit)


@DECK.add(
    Card(
        id="CO-020",
        title="networks are encrypted and share no host",
        action="read the endpoints of the spec",
        events="none",
        passes="every address is https or wss; no host stands under both networks",
    )
)
def _networks_are_apart(bench: Bench) -> None:
    hosts: dict[Network, set[str]] = {}
    for network, endpoints in bench.spec.endpoints.items():
        for endpoint in endpoints:
            scheme = urlsplit(endpoint.url).scheme
            check(
                scheme in _ENCRYPTED, "an address is not encrypted", found=endpoint.url, wanted="https or wss"
            )
        hosts[network] = {_host(endpoint) for endpoint in endpoints}
    shared = hosts.get(Network.MAINNET, set()) & hosts.get(Network.TESTNET, set())
    check(not shared, "a host belongs to both networks", found=sorted(shared))


@DECK.add(
    Card(
        id="CO-030",
        title="plan is usable and repeatable",
        action="ask two fresh connectors for their plans",
        events="none",
        passes=(
            "both plans are equal; there is a stream; names are unique; silence, lifetime and heartbeat are "
            "above zero, the heartbeat within the silence"
        ),
    )
)
def _plan_is_usable(bench: Bench) -> None:
    plan, again = bench.connector().plan(), bench.connector().plan()
    shapes = [
        [
            (s.name, s.topics, s.private, s.max_silence_ms, s.max_lifetime_ms, _remote(s.source))
            for s in p.streams
        ]
        for p in (plan, again)
    ]
    check(shapes[0] == shapes[1], "two fresh connectors plan differently", found=shapes)
    check(plan.bootstrap == again.bootstrap and plan.poll_ms == again.poll_ms, "two bootstraps differ")
    names = [stream.name for stream in plan.streams]
    check(names, "the plan has no stream")
    check(len(set(names)) == len(names), "two streams have one name", found=names)
    for stream in plan.streams:
        check(stream.max_silence_ms > 0, f"silence of stream {stream.name} is not above zero")
        lifetime = stream.max_lifetime_ms
        check(lifetime is None or lifetime > 0, f"lifetime of stream {stream.name} is not above zero")
        beat = None if isinstance(stream.source, LocalSource) else stream.source.heartbeat
        usable = beat is None or 0 < beat.interval_ms < stream.max_silence_ms
        check(usable, f"heartbeat of stream {stream.name} does not break its silence", found=beat)


@DECK.add(
    Card(
        id="CO-040",
        title="streams lead to the addresses of the spec and of the chosen network",
        action="compare the stream's addresses with the endpoints, or with the settings that replace them",
        events="none",
        passes="each scheme, host and port is one of them",
        skip_when="every stream is here already",
    )
)
def _streams_lead_to_the_spec(bench: Bench) -> None:
    sources = [stream.source for stream in bench.connector().plan().streams]
    remote = [source for source in sources if isinstance(source, WebSocketSource)]
    if not remote:
        skip("every stream is here already")
    for source in remote:
        check_address(bench, source.url, bench.subject.mode.network, bench.subject.settings)


@DECK.add(
    Card(
        id="CO-050",
        title="what is declared can be shown",
        action="look for evidence of each declared capability",
        events="none",
        passes="market data comes with recorded frames, order entry with a twin",
    )
)
def _claims_are_backed(bench: Bench) -> None:
    for capability, evidence in _BACKED_BY.items():
        is_claim = capability in bench.spec.capabilities
        check(
            evidence in bench.evidence or not is_claim,
            f"capability {capability.value} is declared and cannot be shown",
            wanted=evidence.value,
        )


def check_address(bench: Bench, url: str, network: Network, settings: Settings) -> None:
    """Check that an address is one that the spec names for a network, or a setting in its place.

    Raises:
        Broken: it is another.
    """
    endpoints = bench.spec.endpoints.get(network, ())
    allowed = {urlsplit(_in_force(endpoint, settings))[:2] for endpoint in endpoints}
    check(
        urlsplit(url)[:2] in allowed,
        f"an address is not one of the spec's for {network.value}",
        found=url,
        wanted=", ".join(sorted("://".join(one) for one in allowed)),
    )


def _in_force(endpoint: Endpoint, settings: Settings) -> str:
    replaced = settings.get(endpoint.setting) if endpoint.setting else None
    return str(replaced or endpoint.url)


def _host(endpoint: Endpoint) -> str:
    return urlsplit(endpoint.url).hostname or ""


def _remote(source: WebSocketSource | LocalSource) -> WebSocketSource | None:
    return source if isinstance(source, WebSocketSource) else None
