"""A recorded session decides the same again, to the byte, and any difference is found and shown."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from paraphina_core import strategy
from paraphina_core.connector import load_plugins, mock
from paraphina_core.domain import InstrumentId, LocalError, Side, Trade
from paraphina_core.journal import GENESIS_KIND, JournalWriter, Record, read
from paraphina_core.session import Run, replay_run
from scripted import World, plugin, steady


def _mock_world(tmp_path: Path) -> World:
    return World(tmp_path)


def _rewritten(run: Run, target: Path, change: Callable[[Record], bytes | None]) -> Path:
    """Copy a run's folder; the journal is written anew, with `change` deciding each record's data."""
    target.mkdir()
    for file in run.folder.iterdir():
        if file.is_file():
            (target / file.name).write_bytes(file.read_bytes())
    records = list(read(run.folder / "journal"))
    with JournalWriter(target / "journal", at_ns=records[0].at_ns) as writer:
        for record in records:
            data = None if record.kind == GENESIS_KIND else change(record)
            if data is not None:
                writer.append(record.kind, record.at_ns, data)
    return target


@pytest.mark.parametrize("mode", ["paper", "shadow"])
def test_a_session_on_the_synthetic_market_replays_identically(tmp_path: Path, mode: str) -> None:
    """Every record of the replay equals the recorded one, and hundreds of them are decisions."""
    world = _mock_world(tmp_path)
    run, _ = world.run(connectors="mock", duration=60, trade_mode=mode)
    result, notes = replay_run(run.folder, world.plugins)
    assert result.difference is None
    assert result.decisions > 100
    assert result.records == sum(1 for record in read(run.folder / "journal")) - 1, "all but the genesis"
    assert notes == ()


def test_the_same_seed_decides_the_same_and_another_seed_does_not(tmp_path: Path) -> None:
    """Two runs of one seed agree in every order but for the run number; another seed differs."""
    world = _mock_world(tmp_path)

    def prices(seed: int) -> list[tuple[str, str]]:
        run, _ = world.run(connectors="mock", duration=30, seed=seed)
        placed = [msgspec.json.decode(r.data) for r in read(run.folder / "journal") if r.kind == "place"]
        return [(order["side"], order["price"]) for order in placed]

    first = prices(1)
    assert len(first) > 20
    assert prices(1) == first
    assert prices(2) != first


def test_a_changed_input_is_reported_at_the_first_decision_that_differs(tmp_path: Path) -> None:
    """One trade made larger in the recording, and the replay names the record and shows both sides."""
    trade = Trade(
        instrument=InstrumentId("alpha:BTC"), price=9000.0, size=50.0, aggressor=Side.SELL, trade_id="1"
    )
    script = sorted([*steady("alpha", 3000), (1050, [trade])], key=lambda step: step[0])
    world = World(tmp_path, plugin({"alpha": script}))
    run, summary = world.run(connectors="alpha", duration=2)
    assert summary.session.fills == 1

    def shrink(record: Record) -> bytes:
        return record.data.replace(b'\\"size\\":50.0', b'\\"size\\":0.01')

    changed = _rewritten(run, tmp_path / "changed", shrink)
    assert replay_run(run.folder, world.plugins)[0].difference is None
    result, _ = replay_run(changed, world.plugins)
    assert result.difference is not None
    assert '"type":"fill"' in result.difference.recorded
    assert '"size":"0.010"' in result.difference.replayed
    assert result.records > 10


def test_a_decision_that_was_taken_out_of_the_recording_is_missed(tmp_path: Path) -> None:
    """The replay sends an order that the changed recording does not have."""
    world = World(tmp_path, plugin({"alpha": steady("alpha", 3000)}))
    run, _ = world.run(connectors="alpha", duration=2)
    without = _rewritten(
        run, tmp_path / "without", lambda record: None if record.kind == "place" else record.data
    )
    result, _ = replay_run(without, world.plugins)
    assert result.difference is not None
    assert result.difference.replayed.startswith("place at ")


def test_a_decision_that_nobody_made_is_found(tmp_path: Path) -> None:
    """A record that the session did not write stands out."""
    world = World(tmp_path, plugin({"alpha": steady("alpha", 3000)}))
    run, _ = world.run(connectors="alpha", duration=2)
    records = list(read(run.folder / "journal"))
    target = _rewritten(run, tmp_path / "more", lambda record: record.data)
    with JournalWriter(target / "journal", at_ns=records[0].at_ns) as writer:
        writer.append("place", records[-1].at_ns, b"{}")
    result, _ = replay_run(target, world.plugins)
    assert result.difference is not None
    assert result.difference.replayed == "nothing"


def test_other_code_than_then_is_noted(tmp_path: Path) -> None:
    """A replay by changed code says so, whether or not it decides differently."""
    world = World(tmp_path, plugin({"alpha": steady("alpha", 1000)}))
    run, _ = world.run(connectors="alpha", duration=1)

    def older(record: Record) -> bytes:
        if record.kind != "start":
            return record.data
        data = msgspec.json.decode(record.data)
        data["build"]["core_hash"] = "0" * 64
        return msgspec.json.encode(data)

    target = _rewritten(run, tmp_path / "older", older)
    _, notes = replay_run(target, world.plugins)
    assert any("core has changed" in note for note in notes)


def test_what_is_no_recording_is_refused_by_name(tmp_path: Path) -> None:
    """An empty folder and a run without its frames cannot be replayed, and say why."""
    plugins = load_plugins([mock, strategy], candidates=(), flags=())
    with pytest.raises(LocalError, match="holds no recorded run"):
        replay_run(tmp_path, plugins)


def test_a_run_that_did_not_record_its_frames_says_that_it_cannot_be_replayed(tmp_path: Path) -> None:
    """journal.record_frames = false saves space and costs the replay."""
    file = tmp_path / "paper.toml"
    file.write_text("[journal]\nrecord_frames = false\n", encoding="utf-8")
    world = _mock_world(tmp_path)
    run, _ = world.run(connectors="mock", duration=5, file=file)
    assert not [record for record in read(run.folder / "journal") if record.kind == "frame"]
    with pytest.raises(LocalError, match="its frames were not recorded"):
        replay_run(run.folder, world.plugins)
