"""What a connector says of itself, before any of its protocol code is imported."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Final

import msgspec

from paraphina_core.domain import LocalError

from .capabilities import Capability, DataSource, Network, TradeMode
from .hidden import Hidden

if TYPE_CHECKING:
    from .protocol import Connector, ConnectorContext, SigningKey

#: Version of the contract in this package. A plugin of another major is refused before its
#: protocol code is imported; a higher minor than ours is refused too, a lower one works.
CONTRACT_VERSION: Final = (1, 0)

_NAME = re.compile(r"[a-z][a-z0-9_]{1,39}")
_SETTING = re.compile(r"[a-z][a-z0-9_]{0,39}")
_WHERE = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*:[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]{0,79}")


class SettingKind(StrEnum):
    """Type of a connector's setting; a secret is never printed, journalled or hashed in clear."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    FLAG = "flag"
    PATH = "path"
    SECRET = "secret"  # noqa: S105  # the kind's name, not a secret


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """One value a connector needs from the operator, with the environment variable it maps to.

    Args:
        required_in: trade modes that cannot start without it.
        header: of a secret that the venue wants as it is, the header of private requests and streams that
            the core puts it into.
    """

    name: str
    env: str
    kind: SettingKind
    help: str
    default: str | None = None
    required_in: frozenset[TradeMode] = frozenset()
    header: str | None = None

    def __post_init__(self) -> None:
        if _SETTING.fullmatch(self.name) is None or _VARIABLE.fullmatch(self.env) is None:
            raise LocalError(
                "setting is not usable",
                found=f"{self.name} ({self.env})",
                wanted=f"a name like {_SETTING.pattern} and a variable like {_VARIABLE.pattern}",
            )
        if self.kind is SettingKind.SECRET and self.default is not None:
            raise LocalError(f"setting {self.name} is a secret", wanted="no default: it would be public")
        if self.header is not None and self.kind is not SettingKind.SECRET:
            raise LocalError(f"setting {self.name} goes into a header", wanted="the kind of a secret")


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """An address of a venue: what it is for, its URL, and the setting that may override it."""

    purpose: str
    url: str
    setting: str | None = None


class RateLimit(msgspec.Struct, frozen=True, kw_only=True):
    """A budget the venue meters: `limit` units of `scope` in each `window_ms`.

    `cancel_reserve` units of it are kept for cancels and never spent on anything else. `used_header` names
    the header of answers in which the venue says what it has counted in the window, by whomever it was spent.
    """

    scope: str
    limit: int
    window_ms: int
    cancel_reserve: int = 0
    used_header: str | None = None


class NonceRule(StrEnum):
    """What a venue's nonces count; each is above every one before it that the same signer used."""

    NONE = "none"  # signatures carry none
    MILLISECONDS = "milliseconds"  # since 1970, and one more than the last where that is not behind
    MICROSECONDS = "microseconds"  # same
    SEQUENCE = "sequence"  # exactly one more than the last, which the venue tells (`NonceReport`)


class FeeSchedule(msgspec.Struct, frozen=True, kw_only=True):
    """Base-tier fees in basis points of notional, negative for a rebate, with their source."""

    maker_bps: float
    taker_bps: float
    source: str


class ConnectorSpec(msgspec.Struct, frozen=True, kw_only=True):
    """The public description of a connector.

    Args:
        name: what users select, for example `hyperliquid_fixture`.
        venue: the venue's name for people.
        feature_flag: the extra of the core that installs it, None for built-in connectors.
        aliases: other names users may select it by.
        capabilities: what it can do, each with how, in a few words for the connector matrix.
        trade_modes: modes it may run in; a connector that is not built yet has none.
        endpoints: addresses by network; empty for offline connectors.
        factory: builds the connector and imports its protocol code; None while there is none.
        signer: makes the signing key from the secrets, by setting name; None where nothing is signed.
        blank_signature: what has the shape of a signature and is none; a replay, which has no key, takes
            it for every signature.
        nonce: rule of the numbers that signed requests carry.
        max_batch: commands that fit into one request; 1 where the venue has no batches.
        cancel_all_command: whether `CancelAll` is one command of the venue; if not, the core cancels every
            open order in batches and asks what is left.
        changes_in_place: whether a changed order is the same order at the venue, whose size counts what has
            filled meanwhile. Only then does a session change its orders: where the venue places another one
            instead, what fills while the change is on its way would be ordered a second time.
        per_instrument: of `CANCEL_ALL` and `DEAD_MAN`, those whose command is for one instrument at this
            venue: then the core sends one for each instrument, and none for all.
        twin: where the venue's twin is, as `module:attribute`; it is imported by who starts one, takes a
            `TwinContext` and returns a `VenueTwin`, both of the room `twin`. None while there is none.
        conformance: where the `Subject` of the room `conformance` is that its suite runs on, as
            `module:attribute`. None where the connector brings all evidence with its plan.
    """

    name: str
    venue: str
    feature_flag: str | None
    capabilities: Mapping[Capability, str]
    trade_modes: frozenset[TradeMode]
    factory: Callable[[ConnectorContext], Connector] | None
    aliases: tuple[str, ...] = ()
    data_source: DataSource = DataSource.VENUE
    signer: Callable[[Mapping[str, str]], SigningKey] | None = None
    blank_signature: bytes = b""
    nonce: NonceRule = NonceRule.NONE
    max_batch: int = 1
    cancel_all_command: bool = True
    changes_in_place: bool = False
    per_instrument: frozenset[Capability] = frozenset()
    endpoints: Mapping[Network, tuple[Endpoint, ...]] = msgspec.field(default_factory=dict)
    rate_limits: tuple[RateLimit, ...] = ()
    settings: tuple[Setting, ...] = ()
    fees: FeeSchedule | None = None
    multi_connector: bool = True
    notes: str = ""
    twin: str | None = None
    conformance: str | None = None
    contract_version: tuple[int, int] = CONTRACT_VERSION

    def __post_init__(self) -> None:
        for name in (self.name, *self.aliases):
            if _NAME.fullmatch(name) is None:
                raise LocalError("connector name is not usable", found=name, wanted=_NAME.pattern)
        if (self.factory is None) != (not self.trade_modes):
            raise LocalError(
                f"connector {self.name} contradicts itself",
                found=f"factory {self.factory is not None}, trade modes {sorted(self.trade_modes)}",
                wanted="both or neither",
            )
        if self.signer is not None and not self.blank_signature:
            raise LocalError(f"connector {self.name} signs", wanted="a blank signature for its replays")
        self._check_capabilities()
        for what in ("twin", "conformance"):
            where = getattr(self, what)
            if where is not None and _WHERE.fullmatch(where) is None:
                raise LocalError(f"{what} is not usable", found=where, wanted="module:attribute")
        for what in ("name", "env"):
            values = [getattr(setting, what) for setting in self.settings]
            if len(set(values)) < len(values):
                raise LocalError(f"connector {self.name} repeats a setting's {what}", found=sorted(values))
        for endpoint in (endpoint for network in self.endpoints.values() for endpoint in network):
            if endpoint.setting is not None:
                self.setting(endpoint.setting)

    def _check_capabilities(self) -> None:
        for does, what, needed in (
            (bool(self.trade_modes), "has trade modes", Capability.MARKET),
            (self.changes_in_place, "changes orders in place", Capability.MODIFY),
        ):
            if does and needed not in self.capabilities:
                raise LocalError(
                    f"connector {self.name} {what}", wanted=f"the capability {needed.value} with it"
                )

    def setting(self, name: str) -> Setting:
        """Return the setting of that name.

        Raises:
            LocalError: there is none.
        """
        for setting in self.settings:
            if setting.name == name:
                return setting
        raise LocalError(f"connector {self.name} has no setting of that name", found=name)

    def private_headers(self, secrets: Mapping[str, str]) -> Mapping[str, Hidden]:
        """Return the headers of private requests and streams, with what the venue wants as it is.

        Args:
            secrets: by setting name.
        """
        return {
            setting.header: Hidden(secrets[setting.name])
            for setting in self.settings
            if setting.header is not None and setting.name in secrets
        }
