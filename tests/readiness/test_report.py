"""The readiness report: the headings of the matrix's document, and under them only what evidence says."""

from __future__ import annotations

import re
from collections.abc import Sequence
from types import ModuleType
from typing import Any

import msgspec
import pytest

from evidence_world import CODE, NOW_NS, records, statement
from paraphina_core.connector import (
    Capability,
    ConnectorSpec,
    DataSource,
    FeatureFlag,
    Plugins,
    RegisterConnector,
    TradeMode,
    hookimpl,
    load_plugins,
    mock,
)
from paraphina_core.readiness import (
    HEADINGS,
    NO,
    NOT_SHOWN,
    YES,
    Build,
    GateLine,
    Kind,
    Reached,
    Report,
    Standing,
    Statement,
    proven_stage,
    report,
    report_html,
    report_json,
    report_markdown,
    why_void,
)

NAMES = ("reef", "cove")
FLAGS = tuple(FeatureFlag(name=f"live_{name}", distributions=(f"paraphina-{name}",)) for name in NAMES)
BUILD = Build(now_ns=NOW_NS, core_version="0.1.0", core_hash=CODE.core_hash, commit="")
_CONFORMANCE, _SHADOW, _SIMULATION = (statement(k) for k in (Kind.CONFORMANCE, Kind.SHADOW, Kind.SIMULATION))


def _spec(name: str, **changes: Any) -> ConnectorSpec:
    made = ConnectorSpec(
        name=name,
        venue=name.title(),
        feature_flag=f"live_{name}",
        capabilities=dict.fromkeys((Capability.MARKET, Capability.EXECUTION, Capability.CANCEL_ALL), ""),
        trade_modes=frozenset(TradeMode),
        data_source=DataSource.VENUE,
        factory=mock.MockConnector,
    )
    return msgspec.structs.replace(made, **changes)


def _plugins(*specs: ConnectorSpec) -> Plugins:
    module = ModuleType("registering")
    module.__file__ = __file__

    @hookimpl
    def paraphina_register_connectors(register: RegisterConnector) -> None:
        for spec in specs:
            register(spec)

    vars(module)["paraphina_register_connectors"] = paraphina_register_connectors
    return load_plugins([module], (), FLAGS)


def _report(statements: Sequence[Statement] = (), specs: Sequence[ConnectorSpec] | None = None) -> Report:
    plugins = _plugins(*([_spec(name) for name in NAMES] if specs is None else specs))
    kept = records(*statements)
    proofs = {name: proven_stage(spec, kept, CODE, NOW_NS) for name, spec in plugins.connectors.items()}
    standings = [Standing(record=record, void=why_void(record, CODE, NOW_NS)) for record in kept]
    return report(BUILD, plugins, FLAGS, proofs, standings, ["kill_latch: it has not fired."])


def _on_all(*statements: Statement, **changes: Any) -> list[Statement]:
    """Make the same statements of every connector."""
    return [msgspec.structs.replace(one, connector=name, **changes) for one in statements for name in NAMES]


def _gate(made: Report, word: str) -> GateLine:
    (line,) = (line for line in made.gates if word in line.gate)
    return line


def test_a_page_has_every_heading_in_order() -> None:
    """Also when nothing is installed and nothing was ever run."""
    for made in (_report(), _report(specs=())):
        assert tuple(re.findall(r"^## (.*)$", report_markdown(made), re.MULTILINE)) == HEADINGS
        html = re.findall(r"<h2>(.*?)</h2>", report_html(made))
        assert tuple(heading.replace("&amp;", "&") for heading in html) == HEADINGS


def test_without_evidence_nothing_is_proven_and_each_blocker_names_its_command() -> None:
    """Whatever was declared; and nothing reads unknown."""
    made = _report()
    assert [(line.declared, line.proven) for line in made.stages] == [("CanaryLive", "Stub")] * 2
    assert "`paraphina conformance reef`" in made.blockers["reef"]
    assert {line.record for line in made.results} == {0}
    assert "UNKNOWN" not in report_markdown(made)
    assert "`paraphina simulate cove` → not run: no record" in report_markdown(made)


def test_a_result_is_the_last_record_of_its_kind_with_all_that_it_says() -> None:
    """Command, exit code, duration, commit; a failure after a pass is what is told."""
    failed = statement(Kind.CONFORMANCE, passed=False, exit_code=1, commit="abc", command="paraphina x")
    (line, *_) = (line for line in _report([_CONFORMANCE, failed]).results if line.connector == "reef")
    assert (line.record, line.command, line.exit_code, line.duration_s, line.commit) == (
        2,
        "paraphina x",
        1,
        1.0,
        "abc",
    )
    assert "`paraphina x` → failed, exit code 1, 1.0 s, reef, record 2" in report_markdown(
        _report([_CONFORMANCE, failed])
    )


def test_a_record_of_other_code_is_told_and_shows_nothing() -> None:
    """One changed byte of the core takes the stage away and leaves the result, marked as void."""
    other = msgspec.structs.replace(CODE, core_hash="0" * 64)
    made = _report([msgspec.structs.replace(_CONFORMANCE, code=other)])
    assert made.stages[1].proven == "Stub"
    assert "record 1" in report_markdown(made)
    assert "no longer counts: of another core" in report_markdown(made)


def test_a_waiver_stands_beside_the_stage_that_it_helped() -> None:
    """Its reason is read by whoever reads the stage."""
    mainnet = statement(Kind.SHADOW, Reached.MAINNET)
    waived = statement(Kind.WAIVER, Reached.NOTHING, note="closed on Sundays")
    page = report_markdown(_report([_CONFORMANCE, mainnet, _SIMULATION, waived]))
    assert re.search(
        r"^- reef: declared CanaryLive, proven CanaryLive .*WAIVED: closed on Sundays$", page, re.MULTILINE
    )
    assert "- CanaryLive-ready connectors: reef (" in page


@pytest.mark.parametrize(
    ("statements", "answer"),
    [
        ([], NOT_SHOWN),
        ([statement(Kind.INSTALL, Reached.NOTHING)], NOT_SHOWN),
        (_on_all(statement(Kind.INSTALL, Reached.NOTHING)), YES),
        (
            [
                *_on_all(statement(Kind.INSTALL, Reached.NOTHING)),
                statement(Kind.INSTALL, Reached.NOTHING, passed=False),
            ],
            NO,
        ),
        (_on_all(statement(Kind.INSTALL, Reached.NOTHING, started_ns=0, ended_ns=0)), NOT_SHOWN),
    ],
    ids=["none", "one of two", "all", "one failed since", "too old"],
)
def test_all_install_only_if_the_last_of_each_counts_and_passed(
    statements: list[Statement], answer: str
) -> None:
    """One that is missing leaves the gate open, one that failed answers it."""
    assert _gate(_report(statements), "install").answer == answer


@pytest.mark.parametrize(
    ("second", "answer"),
    [
        ({"started_ns": NOW_NS - 5}, YES),
        ({"started_ns": NOW_NS - 5, "artifacts": {"result": "e" * 64}}, NO),
        ({"started_ns": NOW_NS - 5, "config_hash": "e" * 64}, NOT_SHOWN),
        ({"started_ns": NOW_NS - 5, "whole": False}, NOT_SHOWN),
        ({}, NOT_SHOWN),
    ],
    ids=["same digest", "another digest", "configured otherwise", "a selection", "the same session"],
)
def test_paper_is_deterministic_if_two_sessions_on_all_left_the_same(
    second: dict[str, Any], answer: str
) -> None:
    """The same session twice, each on all venues, whole; another digest is a no."""
    shown = [*_on_all(_CONFORMANCE, _SHADOW, _SIMULATION), *_on_all(_SIMULATION, **second)]
    assert _gate(_report(shown), "PaperExec").answer == answer


def test_paper_is_not_deterministic_on_all_while_one_does_not_prove_it() -> None:
    """The gate names who is missing."""
    shown = [*_on_all(_SIMULATION), *_on_all(_SIMULATION, started_ns=NOW_NS - 5), _CONFORMANCE, _SHADOW]
    line = _gate(_report(shown), "PaperExec")
    assert (line.answer, line.why) == (NOT_SHOWN, "PaperExec is not proven of cove")


def test_no_text_of_a_plugin_or_an_operator_becomes_markup() -> None:
    """A note that is HTML is shown as it is written."""
    made = _report(specs=[_spec("reef", notes="<script>alert(1)</script>", venue="<b>\n## Reef")])
    assert "<script>" not in report_html(made)
    assert "\n## Reef" not in report_markdown(made)


def test_the_json_holds_the_whole_report() -> None:
    """What was decoded from it is the report again."""
    made = _report([_CONFORMANCE])
    assert msgspec.json.decode(report_json(made), type=Report) == made
