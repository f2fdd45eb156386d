"""The matrix: one row for each known connector, computed from what it declares and nothing else."""

from __future__ import annotations

import re
from collections.abc import Sequence
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from environments import VENUES
from paraphina_core.connector import (
    Candidate,
    Capability,
    ConnectorSpec,
    FeatureFlag,
    Plugins,
    RegisterConnector,
    TradeMode,
    feature_flags,
    hookimpl,
    load_plugins,
    mock,
)
from paraphina_core.readiness import COLUMNS, Proof, Row, Stage, matrix, to_markdown

FLAG = FeatureFlag(name="live_venue", distributions=("paraphina-venue",))
STUB = Proof(stage=Stage.STUB, reason="it is installed")
BUNDLE = FeatureFlag(name="live", distributions=("paraphina-venue",))

EVERYTHING = ConnectorSpec(
    name="venue_one",
    venue="Venue One",
    feature_flag="live_other",
    capabilities={
        Capability.MARKET: "public WS",
        Capability.ACCOUNT: "REST snapshot (signed)",
        Capability.EXECUTION: "REST place/cancel",
        Capability.CANCEL_ALL: "",
    },
    trade_modes=frozenset(TradeMode),
    factory=mock.MockConnector,
    notes="Roadmap venue.",
)


def plugins(*specs: ConnectorSpec, candidates: tuple[Candidate, ...] = ()) -> Plugins:
    """Return plugins with these connectors."""
    module = ModuleType("registering")
    module.__file__ = __file__

    @hookimpl
    def paraphina_register_connectors(register: RegisterConnector) -> None:
        for spec in specs:
            register(spec)

    vars(module)["paraphina_register_connectors"] = paraphina_register_connectors
    return load_plugins([module], candidates, [FLAG, BUNDLE])


def rows_of(loaded: Plugins, catalogue: Sequence[FeatureFlag], proof: Proof = STUB) -> tuple[Row, ...]:
    """Return the matrix, with the same proof for each connector."""
    return matrix(loaded, catalogue, dict.fromkeys(loaded.connectors, proof))


def test_the_columns_are_those_of_the_readiness_report() -> None:
    """Its twelve columns in its order, and the two stages after what is supported."""
    assert (
        *(
            "Connector",
            "Venue",
            "Feature flags",
            "Support",
            "Declared",
            "Proven",
            "Market data",
            "Account",
            "Execution",
        ),
        *("Cancel all", "Trade modes", "Multi-connector", "CLI/env selection", "Notes"),
    ) == COLUMNS
    assert len(Row.__struct_fields__) == len(COLUMNS)


def test_a_connector_with_everything_has_every_cell_filled() -> None:
    """Each cell says yes with how, in the words of the spec."""
    (row,) = rows_of(plugins(EVERYTHING), ())
    assert row.cells == (
        "venue_one",
        "Venue One",
        "live_other",
        "Market+Account+Exec",
        "CanaryLive",
        "Stub",
        "Yes (public WS)",
        "Yes (REST snapshot (signed))",
        "Yes (REST place/cancel)",
        "Yes",
        "Shadow, Paper, Testnet, Live",
        "Yes (multi-connector supported)",
        "--connector venue_one | PARAPHINA_LIVE_CONNECTOR=venue_one",
        "Roadmap venue.",
    )


def test_the_built_in_connector_says_what_it_is() -> None:
    """The synthetic market has neither account nor order entry nor feature flag."""
    (row,) = rows_of(plugins(mock.SPEC), ())
    assert (row.connector, row.feature_flags, row.support) == ("mock", "none", "MarketOnly")
    assert (row.account, row.execution, row.cancel_all) == ("No", "No", "No")
    assert row.trade_modes == "Shadow, Paper"


def test_a_connector_without_code_is_a_stub() -> None:
    """A description alone supports nothing, neither alone nor beside others."""
    stub = ConnectorSpec(
        name="stub", venue="Stub", feature_flag=None, capabilities={}, trade_modes=frozenset(), factory=None
    )
    (row,) = rows_of(plugins(stub), ())
    assert (row.support, row.market_data, row.trade_modes, row.multi_connector) == (
        "Stub",
        "No",
        "none",
        "No",
    )


def test_a_connector_that_is_not_installed_shows_the_command() -> None:
    """Its row says MissingFeature and exactly what to type; the bundle of all flags has no row."""
    (row,) = rows_of(plugins(), (FLAG, BUNDLE))
    assert (row.connector, row.venue, row.feature_flags) == ("venue", "unknown", "live_venue")
    assert row.support == "MissingFeature"
    assert (row.market_data, row.execution, row.trade_modes) == ("No", "No", "none")
    assert row.notes == "Not installed: pip install 'paraphina[live_venue]'"


@pytest.mark.parametrize(
    ("problems", "notes"),
    [
        (("it is damaged",), "paraphina-venue 2.0 is installed but refused: it is damaged"),
        ((), "paraphina-venue 2.0 is installed but broken: ModuleNotFoundError: No module named 'gone'"),
    ],
)
def test_a_connector_whose_plugin_is_not_used_shows_why(problems: tuple[str, ...], notes: str) -> None:
    """Nobody is told to install again what is installed and does not work."""
    candidate = Candidate(
        name="venue",
        module="gone",
        distribution="paraphina-venue",
        version="2.0",
        location="/x",
        problems=problems,
    )
    (row,) = rows_of(plugins(candidates=(candidate,)), (FLAG,))
    assert (row.support, row.notes) == ("MissingFeature", notes)


@pytest.mark.parametrize(
    ("proof", "told"),
    [
        (Proof(stage=Stage.PAPER_EXEC, reason=""), "PaperExec"),
        (Proof(stage=Stage.CANARY_LIVE, reason="", waiver="closed"), "CanaryLive (test network waived)"),
        (Proof(stage=None, reason="record 3 was edited"), "none (evidence void)"),
    ],
)
def test_what_is_proven_stands_beside_what_is_declared(proof: Proof, told: str) -> None:
    """A declaration changes nothing of what evidence proves, and a waiver is told wherever it helped."""
    (row,) = rows_of(plugins(EVERYTHING), (), proof)
    assert (row.declared, row.proven) == ("CanaryLive", told)


def test_rows_are_sorted_with_the_built_in_ones_first() -> None:
    """The order does not depend on who was loaded first."""
    everything = plugins(EVERYTHING, mock.SPEC)
    rows = rows_of(everything, (FLAG,))
    assert [row.connector for row in rows] == ["venue_one", "mock", "venue"]
    assert rows == rows_of(plugins(mock.SPEC, EVERYTHING), (FLAG,))


def test_all_venues_of_the_core_have_a_row_when_nothing_is_installed() -> None:
    """A newcomer sees from the start what could be installed."""
    rows = rows_of(load_plugins([mock], []), feature_flags())
    assert [row.connector for row in rows] == ["mock", *sorted(VENUES)]
    assert {row.support for row in rows[1:]} == {"MissingFeature"}


def test_markdown_has_the_shape_of_the_readiness_report() -> None:
    """A padded table: heading, dashes, one line for each connector, all of one width."""
    lines = to_markdown(rows_of(plugins(EVERYTHING, mock.SPEC), (FLAG,))).splitlines()
    assert lines[0].startswith("| Connector | Venue     | Feature flags | Support             | Declared ")
    assert lines[1].startswith("| --------- | --------- | ------------- | ------------------- | -------")
    assert len({len(line) for line in lines}) == 1
    assert len(lines) == 5


def split(line: str) -> tuple[str, ...]:
    """Take a line of a Markdown table apart as a Markdown reader does."""
    cells = re.split(r"(?<!\\)(?:\\\\)*\|", line)[1:-1]
    return tuple(cell.strip() for cell in cells)


@given(notes=st.text(max_size=60))
def test_no_text_of_a_plugin_breaks_the_markdown_table(notes: str) -> None:
    """Whatever stands in a note, each line keeps its cells."""
    row = Row(**dict.fromkeys(Row.__struct_fields__, notes))
    lines = to_markdown((row, row)).splitlines()
    assert len(lines) == 4
    assert [len(split(line)) for line in lines] == [len(COLUMNS)] * 4
