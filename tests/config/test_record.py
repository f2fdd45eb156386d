"""The configuration kept with a run: what binds changes its digest, and a replay gets it back as it was."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from configuring import Configure
from paraphina_core.config import FIELDS, Config, Field, load_profile
from paraphina_core.config.fields import portable
from paraphina_core.domain import ConfigError, LocalError

#: For each key a usable value other than its default, as it would stand in a file.
OTHER: dict[str, object] = {
    "session.trade_mode": "paper",
    "session.connectors": ["harbour_recorded"],
    "session.strategy": "other",
    "session.seed": 2,
    "session.duration_s": 60,
    "session.max_ticks": 5,
    "session.tick_ms": 251,
    "session.max_call_ms": 251,
    "session.speed": 2.0,
    "session.recording": "/elsewhere/recording",
    "session.clock": "virtual",
    "session.out_dir": "/elsewhere",
    "session.twin": True,
    "session.twin_urls": ["http://127.0.0.1:8000"],
    "journal.sync": "always",
    "journal.sync_interval_ms": 6,
    "journal.segment_mb": 65,
    "journal.record_frames": False,
    "transport.websocket": "websockets",
    "transport.event_loop": "asyncio",
    "paper.latency_ms": 51,
    "paper.latency_jitter_ms": 21,
    "paper.balance_usd": 10_000.01,
    "paper.queue_model": "proportional",
    "risk.profile": "prod_canary",
    "dashboard.address": "127.0.0.1:9898",
    "live.allowed_connectors": ["mock"],
    "live.canary_profile": "prod_canary",
    "live.preflight_ok": True,
    "live.enable_execution": True,
    "live.exec_enable": True,
    "live.execution_confirm": "YES",
    "live.account_reconcile_ms": 5_000,
    "live.preflight_valid_hours": 13,
    "live.max_clock_skew_ms": 501,
    "live.drift_repeats": 4,
    "live.drift_lasts": 13,
    "live.drift_tolerated_lots": 1,
    "live.drift_tolerated_usd": 2.5,
    "live.reducing_cool_down_s": 301,
    "live.declared_hosts": ["api.example.com"],
    "live.dead_man_waivers": ["mock"],
    "live.dead_man_window_ms": 30_001,
    "live.max_crashes": 4,
    "live.watchdog": False,
    "live.watchdog_window_ms": 10_001,
    "live.leftover_orders": "leave",
    "live.key_name": "other",
    "live.passphrase_file": "/elsewhere/words",
}
DOES_NOT_BIND = {
    "transport.websocket",
    "transport.event_loop",
    "dashboard.address",
    "live.passphrase_file",
    "session.duration_s",
    "session.max_ticks",
    "session.out_dir",
    "risk.profile",
    "live.canary_profile",
    "live.preflight_ok",
    "live.enable_execution",
    "live.exec_enable",
    "live.execution_confirm",
}


ARMING = {"live.preflight_ok", "live.enable_execution", "live.exec_enable", "live.execution_confirm"}


def changed(config: Config, field: Field) -> Config:
    """Return the configuration with another value of that key, and nothing else changed."""
    value = field.reader.read(OTHER[field.key], name=field.key, origin="a test")
    assert value != config.value(field)
    section = msgspec.structs.replace(getattr(config, field.section), **{field.name: value})
    return msgspec.structs.replace(config, **{field.section: section})


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.key)
def test_the_digest_changes_with_what_binds_and_with_nothing_else(field: Field, configure: Configure) -> None:
    """Another seed is another run; another output folder, length or arming switch is not."""
    config = configure()
    assert (changed(config, field).digest() != config.digest()) is (field.key not in DOES_NOT_BIND)


def test_the_digest_changes_with_the_limits_in_force(configure: Configure) -> None:
    """A profile binds by its content, so a file that is edited in place is another configuration."""
    config = configure()
    profile = load_profile("paper")
    larger = msgspec.structs.replace(profile, max_open_orders=profile.max_open_orders + 1)
    assert msgspec.structs.replace(config, profile=larger).digest() != config.digest()
    assert msgspec.structs.replace(config, profile=None).digest() != config.digest()


@pytest.mark.parametrize(
    ("env", "file"),
    [
        ({"HARBOUR_MARKET": "ETH"}, None),
        ({"HARBOUR_ACCOUNT": "0xabc"}, None),
        ({"PARAPHINA_HARBOUR_STREAMS": "0"}, None),
        ({}, "[connectors.harbour]\nbackoff_s = 0.6\n"),
        ({}, "[strategy]\nhalf_spread_bps = 1.1\n"),
    ],
)
def test_the_digest_changes_with_settings_and_parameters(
    env: dict[str, str], file: str | None, configure: Configure
) -> None:
    """What connectors and strategy are told binds as the core's own keys do."""
    cli = {"--connectors": "harbour"}
    assert configure(cli=cli, env=env, file=file).digest() != configure(cli=cli).digest()


def test_f105_the_digest_knows_which_secrets_are_set_and_none_of_their_values(
    configure: Configure,
) -> None:
    """A digest is printed and compared; nothing about a key can be learned from it but that there is one."""
    cli = {"--connectors": "harbour"}
    without = configure(cli=cli).digest()
    first = configure(cli=cli, env={"HARBOUR_PRIVATE_KEY": "a"}).digest()
    second = configure(cli=cli, env={"HARBOUR_PRIVATE_KEY": "b"}).digest()
    assert first == second != without


def test_the_digest_does_not_depend_on_where_values_come_from(configure: Configure) -> None:
    """The same configuration by option, variable, file or default is the same configuration."""
    digests = {
        configure().digest(),
        configure(cli={"--tick-ms": "250", "--connector": "MOCK"}).digest(),
        configure(env={"PARAPHINA_SEED": "1", "PARAPHINA_PAPER_BALANCE_USD": "10000.00"}).digest(),
        configure(file="[session]\nspeed = 1\n[paper]\nbalance_usd = 1e4\n").digest(),
    }
    assert len(digests) == 1


def rich(configure: Configure) -> Config:
    """Return a configuration in which nearly everything is set."""
    tables: dict[str, list[str]] = {}
    for key, value in OTHER.items():
        section, name = key.split(".")
        online = key in {"session.connectors", "session.strategy", "session.speed", "session.clock"}
        if not online and name not in {
            "preflight_ok",
            "enable_execution",
            "exec_enable",
            "execution_confirm",
        }:
            tables.setdefault(section, []).append(f"{name} = {json.dumps(value)}")
    file = "\n".join(f"[{table}]\n" + "\n".join(lines) for table, lines in tables.items())
    return configure(
        cli={"--connectors": "harbour,mock", "--enable-live-execution": True},
        env={"HARBOUR_PRIVATE_KEY": "0xdeadbeef", "PARAPHINA_LIVE_EXECUTION_CONFIRM": "YES"},
        file=file + "\n[connectors.harbour]\nnonce_file = 'nonces'\n[strategy]\nhorizon_s = 3\n",
    )


def test_a_replay_gets_the_configuration_back_as_it_was(configure: Configure) -> None:
    """Through JSON and back all values, origins and the digest are the same; of secrets only whether set."""
    config = rich(configure)
    restored = Config.from_resolved(json.loads(json.dumps(config.resolved())))
    assert restored.digest() == config.digest()
    for field in FIELDS:
        assert restored.value(field) == config.value(field), field.key
        assert type(restored.value(field)) is type(config.value(field)), field.key
    assert restored.connectors == config.connectors
    assert restored.strategy_parameters == config.strategy_parameters
    assert restored.profile == config.profile
    assert restored.origins == config.origins
    assert restored.secrets["harbour"]["private_key"].is_set
    assert not restored.secrets["harbour"]["api_token"].is_set
    with pytest.raises(LocalError, match="not available"):
        restored.secrets["harbour"]["private_key"].reveal()


def test_f105_what_is_kept_with_a_run_holds_no_secret(configure: Configure) -> None:
    """Of a secret the file says whether it was set."""
    kept = rich(configure).resolved()
    assert "0xdeadbeef" not in json.dumps(kept)
    assert kept["secrets"] == {"harbour": {"private_key": "set", "api_token": "not set"}, "mock": {}}


def tampered(configure: Configure, path: str, value: object) -> dict[str, Any]:
    """Return a kept configuration with one value replaced, or removed with None."""
    kept: dict[str, Any] = json.loads(json.dumps(configure().resolved()))
    table, _, key = path.partition("/")
    if value is None:
        del kept[table][key]
    else:
        kept[table][key] = value
    return kept


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("values/session.seed", 2, "was changed after it was written"),
        ("profile/max_open_orders", 99, "was changed after it was written"),
        ("strategy_parameters/horizon_s", 2.0, "was changed after it was written"),
        ("values/session.seed", -1, "session.seed is not usable"),
        ("values/session.seed", "", "session.seed is not usable"),
        ("values/session.seed", None, "of another version; found 'other keys: session.seed'"),
        ("values/session.colour", "red", "of another version; found 'other keys: session.colour'"),
        ("profile/max_open_orders", -1, "max_open_orders is not usable"),
        ("profile/max_open_orders", "9", "no resolved configuration"),
        ("profile/max_open_orders", None, "no resolved configuration"),
    ],
)
def test_a_kept_configuration_that_was_changed_is_refused(
    path: str, value: object, words: str, configure: Configure
) -> None:
    """A replay of something that was never run would prove nothing."""
    with pytest.raises(ConfigError, match=words):
        Config.from_resolved(tampered(configure, path, value))


@pytest.mark.parametrize("other", [{}, {"digest": ""}, {"values": 1}])
def test_anything_else_is_no_kept_configuration(other: dict[str, object]) -> None:
    """The error says so and what is missing."""
    with pytest.raises(ConfigError, match="no resolved configuration"):
        Config.from_resolved(other)


def test_values_are_kept_as_json_has_them(configure: Configure) -> None:
    """Amounts are exact text, paths are text, lists are lists."""
    values = rich(configure).resolved()["values"]
    assert values["paper.balance_usd"] == "10000.01"
    assert values["session.out_dir"] == "/elsewhere"
    assert values["session.connectors"] == ["harbour", "mock"]
    assert values == {key: portable(value) for key, value in values.items()}
