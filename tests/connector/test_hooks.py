"""The hooks: each is documented with its arguments, each is tested here, each does what its page says."""

from __future__ import annotations

import ast
import inspect
import logging
import re
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from distributions import Site, Wheel
from environments import ROOT
from paraphina_core.connector import (
    CheckStatus,
    Observation,
    OrderFacts,
    PluginStatus,
    PreflightFacts,
    TradeMode,
    hooks,
    load_plugins,
    mock,
)
from paraphina_core.domain import (
    ClientOrderId,
    FixedTick,
    Instrument,
    PlaceOrder,
    Side,
    TradingState,
)

HOOKS = {
    name: tuple(inspect.signature(function).parameters)
    for name, function in vars(hooks).items()
    if name.startswith("paraphina_")
}

IMPORTS = "from paraphina_core.connector import *\n"


def test_there_are_hooks_to_look_at() -> None:
    """The two tests below look at the real hooks."""
    assert len(HOOKS) == 5
    assert HOOKS["paraphina_observe"] == ("observation",)


def test_every_hook_is_documented_with_its_arguments() -> None:
    """The page of the hooks has one heading for each hook, with its exact arguments, and none for others."""
    page = (ROOT / "docs" / "plugin-hooks.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## (paraphina_.*)$", page, re.MULTILINE)
    assert sorted(headings) == sorted(f"{name}({', '.join(arguments)})" for name, arguments in HOOKS.items())


def test_every_hook_is_tested() -> None:
    """Each hook has a test here that carries its name."""
    tree = ast.parse(Path(__file__).read_text(encoding="utf-8"))
    tests = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    untested = [name for name in HOOKS if not any(test.startswith(f"test_hook_{name}_") for test in tests)]
    assert untested == []


def test_every_hook_says_when_it_is_called_and_what_if_it_raises() -> None:
    """A plugin's author does not have to read the core to know when a hook runs."""
    for name in HOOKS:
        text = " ".join((getattr(hooks, name).__doc__ or "").split())
        assert "Called by the" in text
        assert "block" in text
        assert "raise" in text


def plugin(site: Site, hook: str, argument: str, *body: str) -> None:
    """Install a plugin that implements one hook."""
    lines = "".join(f"    {line}\n" for line in body)
    Wheel("hook-one", f"{IMPORTS}seen = []\n@hookimpl\ndef {hook}({argument}):\n{lines}").install(site.folder)


def test_hook_paraphina_register_connectors_makes_a_connector_selectable(site: Site) -> None:
    """What is registered can be selected by name, and comes with its factory."""
    spec = (
        "register(ConnectorSpec(name='hooked', venue='Hooked', feature_flag=None, factory=lambda context: 7,"
        " capabilities={Capability.MARKET: ''}, trade_modes=frozenset({TradeMode.PAPER})))"
    )
    plugin(site, "paraphina_register_connectors", "register", spec)
    factory = site.load().connector("hooked").factory
    assert factory is not None
    assert factory(None) == 7  # type: ignore[arg-type,comparison-overlap]  # only shows which one it is


def test_hook_paraphina_register_strategies_makes_a_strategy_selectable(site: Site) -> None:
    """What is registered can be selected by name, with its parameters."""
    spec = (
        "register(StrategySpec(name='calm', summary='quotes nothing', parameters={'width_bps': 5},"
        " build=lambda parameters: None))"
    )
    plugin(site, "paraphina_register_strategies", "register", spec)
    plugins = site.load()
    assert plugins.strategy("Calm").parameters == {"width_bps": 5.0}
    assert list(plugins.strategies) == ["calm"]


def test_hook_paraphina_register_order_gates_adds_a_gate(site: Site) -> None:
    """A registered gate is there for the session to ask, and answers with its own reason."""
    plugin(
        site,
        "paraphina_register_order_gates",
        "register",
        "register(OrderGate(code='NO_SHORTS', summary='never sell short',"
        " refuses=lambda order, facts: 'no shorts' if facts.position_base <= 0 else None))",
    )
    (gate,) = site.load().order_gates
    instrument = Instrument(
        venue="v",
        native_id="BTC",
        base="BTC",
        quote="USD",
        price_rule=FixedTick(tick=Decimal(1)),
        lot_size=Decimal(1),
        min_size=Decimal(1),
        min_notional=Decimal(0),
    )
    order = PlaceOrder(
        client_order_id=ClientOrderId(1),
        instrument=instrument.id,
        side=Side.SELL,
        price=Decimal(1),
        size=Decimal(1),
    )
    facts = OrderFacts(
        instrument=instrument,
        mode=TradeMode.PAPER,
        state=TradingState.ACTIVE,
        best_bid=None,
        best_ask=None,
        position_base=0.0,
        open_orders=0,
    )
    assert gate.code == "NO_SHORTS"
    assert gate.refuses(order, facts) == "no shorts"


def test_hook_paraphina_register_preflight_checks_adds_a_check(site: Site) -> None:
    """A registered check is there for preflight to run."""
    plugin(
        site,
        "paraphina_register_preflight_checks",
        "register",
        "register(PreflightCheck(id='disk', summary='enough disk',"
        " run=lambda facts: CheckResult(status=CheckStatus.FAIL, found='1 MB left', remedy='clean up')))",
    )
    (check,) = site.load().preflight_checks
    result = check.run(PreflightFacts(mode=TradeMode.PAPER, connectors=("mock",), settings={}))
    assert (check.id, result.status, result.remedy) == ("disk", CheckStatus.FAIL, "clean up")


OBSERVATION = Observation(at_ns=5, connector="mock", events=())


def test_hook_paraphina_observe_sees_each_step(site: Site) -> None:
    """An observer is shown each observation, in order."""
    plugin(site, "paraphina_observe", "observation", "import builtins", "seen.append(observation.at_ns)")
    plugins = site.load()
    assert plugins.observed
    for _ in range(3):
        plugins.observe(OBSERVATION)
    assert _seen() == [5, 5, 5]


def test_hook_paraphina_observe_is_asked_for_only_where_somebody_observes() -> None:
    """Without an observer the session need not describe its steps."""
    assert not load_plugins([mock], [], []).observed


@pytest.mark.parametrize("error", ["ValueError('no')", "SystemExit(3)", "GeneratorExit()"])
def test_hook_paraphina_observe_is_muted_after_ten_errors(
    site: Site, caplog: pytest.LogCaptureFixture, error: str
) -> None:
    """F-085: a failing observer never disturbs the session, is logged ten times and then not called again."""
    plugin(site, "paraphina_observe", "observation", "seen.append(1)", f"raise {error}")
    Wheel(
        "hook-two",
        f"{IMPORTS}seen = []\n@hookimpl\ndef paraphina_observe(observation):\n    seen.append(1)\n",
    ).install(site.folder)
    plugins = site.load()
    with caplog.at_level(logging.WARNING):
        for _ in range(15):
            plugins.observe(OBSERVATION)
    assert len(_seen()) == 10
    assert len(_seen("hook_two")) == 15
    messages = [entry.getMessage() for entry in caplog.records]
    assert sum("observer of plugin hook_one failed" in message for message in messages) == 10
    assert messages[-1] == "observer of plugin hook_one is muted after 10 errors"


def test_hook_paraphina_observe_lets_ctrl_c_through(site: Site) -> None:
    """An operator's interrupt is not an observer's error."""
    plugin(site, "paraphina_observe", "observation", "raise KeyboardInterrupt")
    plugins = site.load()
    with pytest.raises(KeyboardInterrupt):
        plugins.observe(OBSERVATION)


def _seen(module: str = "hook_one") -> list[int]:
    seen: list[int] = sys.modules[module].seen
    return seen


def test_a_plugin_that_raises_in_one_hook_is_not_used_in_any(site: Site) -> None:
    """Half of a plugin is not what its author tested."""
    code = (
        f"{IMPORTS}@hookimpl\ndef paraphina_register_preflight_checks(register):\n    1 / 0\n"
        "@hookimpl\ndef paraphina_register_strategies(register):\n"
        "    register(StrategySpec(name='calm', summary='', parameters={}, build=lambda parameters: None))\n"
        "@hookimpl\ndef paraphina_observe(observation):\n    raise AssertionError\n"
    )
    Wheel("half-one", code).install(site.folder)
    plugins = site.load()
    assert plugins.plugins[0].status is PluginStatus.BROKEN
    assert not plugins.strategies
    plugins.observe(OBSERVATION)
