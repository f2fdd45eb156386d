"""Resolving: who beats whom, what is refused, and that everything wrong is reported at once."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from configuring import Configure
from paraphina_core.config import ClockKind, JournalSync, Origin, OriginKind, load_profile, resolve
from paraphina_core.connector import Plugins, TradeMode
from paraphina_core.domain import ConfigError, LocalError

FOUR = {
    "--connectors": "harbour",
    "PARAPHINA_LIVE_CONNECTORS": "harbour_recorded",
    "--connector": "planned",
    "PARAPHINA_LIVE_CONNECTOR": "mock",
}
IN_FILE = '[session]\nconnectors = ["planned", "mock"]\n'


def test_nothing_set_is_a_shadow_session_on_the_built_in_market(configure: Configure) -> None:
    """Whoever sets nothing gets what cannot hurt, and every value says that it is a default."""
    config = configure()
    assert config.session.trade_mode is TradeMode.SHADOW
    assert config.selected == ("mock",)
    assert config.profile == load_profile("paper")
    assert config.paper.balance_usd == Decimal(10_000)
    assert set(config.origins.values()) == {Origin(OriginKind.DEFAULT, "default")}


@pytest.mark.parametrize(
    ("sources", "file", "selected", "origin"),
    [
        (list(FOUR), IN_FILE, "harbour", "--connectors"),
        (list(FOUR)[1:], IN_FILE, "harbour_recorded", "PARAPHINA_LIVE_CONNECTORS"),
        (list(FOUR)[2:], IN_FILE, "planned", "--connector"),
        (list(FOUR)[3:], IN_FILE, "mock", "PARAPHINA_LIVE_CONNECTOR"),
        ([], IN_FILE, "planned mock", "[session] connectors in "),
        ([], None, "mock", "default"),
        (["--connectors", "--connector"], None, "harbour", "--connectors"),
        (["--connectors", "PARAPHINA_LIVE_CONNECTOR"], None, "harbour", "--connectors"),
        (["--connector", "PARAPHINA_LIVE_CONNECTORS"], None, "harbour_recorded", "PARAPHINA_LIVE_CONNECTORS"),
    ],
)
def test_connectors_are_selected_by_the_strongest_source(
    sources: list[str], file: str | None, selected: str, origin: str, configure: Configure
) -> None:
    """--connectors, PARAPHINA_LIVE_CONNECTORS, --connector, PARAPHINA_LIVE_CONNECTOR, file, mock."""
    config = configure(
        cli={source: FOUR[source] for source in sources if source.startswith("--")},
        env={source: FOUR[source] for source in sources if not source.startswith("--")},
        file=file,
    )
    assert config.selected == tuple(selected.split())
    assert str(config.origins["session.connectors"]).startswith(origin)


@pytest.mark.parametrize(
    ("cli", "env", "file", "mode", "kind"),
    [
        ("l", "paper", "testnet", TradeMode.LIVE, OriginKind.OPTION),
        (None, "paper", "testnet", TradeMode.PAPER, OriginKind.ENVIRONMENT),
        (None, None, "testnet", TradeMode.TESTNET, OriginKind.FILE),
        (None, "", "testnet", TradeMode.TESTNET, OriginKind.FILE),
        (None, None, None, TradeMode.SHADOW, OriginKind.DEFAULT),
        ("s", None, "live", TradeMode.SHADOW, OriginKind.OPTION),
    ],
)
def test_the_trade_mode_is_taken_from_option_then_variable_then_file(
    cli: str | None,
    env: str | None,
    file: str | None,
    mode: TradeMode,
    kind: OriginKind,
    configure: Configure,
) -> None:
    """The strongest source wins and stands as the origin; an empty variable is none."""
    config = configure(
        cli={"--trade-mode": cli},
        env={} if env is None else {"PARAPHINA_TRADE_MODE": env},
        file=None if file is None else f'[session]\ntrade_mode = "{file}"\n',
    )
    assert config.session.trade_mode is mode
    assert config.origins["session.trade_mode"].kind is kind


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        ("harbour_recorded", ("harbour_recorded",)),
        ("harbour-recorded", ("harbour_recorded",)),
        ("Harbour-Recorded", ("harbour_recorded",)),
        ("hb-recorded", ("harbour_recorded",)),
        ("recorded", ("harbour_recorded",)),
        ("hb,mock,harbour", ("harbour", "mock")),
        ("mock , hb", ("mock", "harbour")),
    ],
)
def test_connectors_are_known_by_every_spelling_of_their_names(
    typed: str, names: tuple[str, ...], configure: Configure
) -> None:
    """Hyphen, underscore, case and alias make no difference; repetition is removed and order kept."""
    assert configure(cli={"--connectors": typed}).selected == names


def test_each_value_says_where_it_comes_from(configure: Configure) -> None:
    """Option, variable, file and default are told apart for every key, setting and parameter."""
    config = configure(
        cli={"--tick-ms": "500", "--connectors": "harbour"},
        env={"PARAPHINA_SEED": "7", "HARBOUR_DEPTH": "5", "HARBOUR_API_TOKEN": "t"},
        file='[paper]\nlatency_ms = 80\n[connectors.hb]\naccount = "0xabc"\n[strategy]\nhorizon_s = 2\n',
    )
    origins = {key: str(origin) for key, origin in config.origins.items() if origin.place != "default"}
    assert origins == {
        "session.tick_ms": "--tick-ms",
        "session.connectors": "--connectors",
        "session.seed": "PARAPHINA_SEED",
        "paper.latency_ms": f"[paper] latency_ms in {configure.file}",
        "connectors.harbour.depth": "HARBOUR_DEPTH",
        "connectors.harbour.account": f"[connectors.hb] account in {configure.file}",
        "connectors.harbour.api_token": "HARBOUR_API_TOKEN",
        "strategy.horizon_s": f"[strategy] horizon_s in {configure.file}",
    }
    assert config.session.tick_ms == 500
    assert config.session.seed == 7
    assert config.strategy_parameters["horizon_s"] == 2.0


def test_a_live_session_resolves_with_nothing_else_set(configure: Configure) -> None:
    """What is missing for real orders is for the gates to name, all of it, so it is no error here."""
    config = configure(cli={"--trade-mode": "live", "--connectors": "harbour"})
    assert config.profile is None
    assert config.live.account_reconcile_ms is None
    assert not config.secrets["harbour"]["private_key"].is_set


@pytest.mark.parametrize("name", ["planned", "mock"])
def test_whether_a_connector_may_run_in_a_mode_is_not_decided_here(name: str, configure: Configure) -> None:
    """A connector that is not built yet, or not made for live, resolves; session and gates refuse it."""
    assert configure(cli={"--connectors": name, "--trade-mode": "live"}).selected == (name,)


@pytest.mark.parametrize(
    ("mode", "profile"),
    [("shadow", "paper"), ("paper", "paper"), ("testnet", "prod_canary"), ("live", "prod_canary")],
)
def test_f100_real_orders_are_held_to_the_canary_profile_only(
    mode: str, profile: str, configure: Configure
) -> None:
    """Both profiles may be named; which one is in force depends on the mode alone."""
    config = configure(
        cli={"--trade-mode": mode, "--connectors": "harbour", "--canary-profile": "prod_canary"}
    )
    assert config.profile == load_profile(profile)


def test_f100_a_paper_profile_never_becomes_the_limits_of_real_orders(configure: Configure) -> None:
    """Without a canary profile there are no limits in live mode, whatever the paper profile is."""
    config = configure(cli={"--trade-mode": "live", "--risk-profile": "paper", "--connectors": "harbour"})
    assert config.profile is None


def test_everything_that_is_wrong_is_reported_together(configure: Configure) -> None:
    """One start is enough to read every mistake, each with what was found and where."""
    file = """
        [sesion]
        x = 1
        [strategy]
        horizon = 1
        [paper]
        balance_usd = -5
        [risk]
        profile = "papr"
    """
    found = configure.errors(
        cli={"--trade-mode": "papr", "--tick-ms": "-1", "--connectors": "mok,harbour"},
        env={"PARAPHINA_SPEED": "nan", "PARAPHINA_TRADE_MOD": "live", "HARBOUR_DEPTH": "many"},
        file=file,
    )
    wanted = [
        "environment variable is not known; found 'PARAPHINA_TRADE_MOD'",
        f"{configure.file} has an unknown key; found 'sesion'",
        "session.trade_mode is not usable; found 'papr'",
        "session.tick_ms is not usable; found '-1'; wanted a whole number from 10 to 60,000",
        "session.speed is not usable; found 'nan'",
        "paper.balance_usd is not usable; found -5",
        "session.connectors, set by --connectors: no connector has this name; found 'mok'",
        "connectors.harbour.depth is not usable; found 'many'; wanted a whole number",
        f"{configure.file} has an unknown key; found '[strategy] horizon'",
        f"risk.profile, set by [risk] profile in {configure.file}: no risk profile has that name",
    ]
    assert len(found) == len(wanted)
    for text, beginning in zip(found, wanted, strict=True):
        assert text.startswith(beginning)


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("[session]\ntick_mss = 1\n", "found '[session] tick_mss'; did you mean tick_ms?"),
        ("tick_ms = 1\n", "found 'tick_ms'; did you mean [session] tick_ms?"),
        ("[sessions]\n", "found 'sessions'; did you mean session?"),
        ("session = 1\n", "wanted a table, [session]"),
        ("strategy = 1\n", "wanted a table, [strategy]"),
        ("connectors = 1\n", "wanted a table, [connectors]"),
        ("[connectors]\nmock = 1\n", "wanted a table, [connectors.mock]"),
        ("[connectors.mock]\nprise = 1\n", "found '[connectors.mock] prise'; did you mean price?"),
        ("[connectors.harbur]\n", "no connector has this name; found 'harbur'; did you mean harbour?"),
        ("[connectors.hb]\n[connectors.harbour]\n", "a second table for the same connector"),
        ("[strategy]\nhalf_spred_bps = 1\n", "did you mean half_spread_bps?"),
        ("[strategy]\nhorizon_s = nan\n", "strategy.horizon_s is not usable; found nan"),
        ("[strategy]\nhorizon_s = '1'\n", "strategy.horizon_s is not usable; found '1'"),
        ("[session]\nstrategy = 'two_sidet'\n", "no strategy has this name; found 'two_sidet'"),
        ("[session\n", "is not TOML"),
        ("[live]\nallowed_connectors = ['harbur']\n", "found 'harbur'; did you mean harbour?"),
        ("[live]\ndead_man_waivers = ['mock', 'nobody']\n", "live.dead_man_waivers, set by [live]"),
    ],
)
def test_f094_a_file_with_a_name_that_nobody_knows_is_refused(
    file: str, words: str, configure: Configure
) -> None:
    """No key of a file is ignored; the error names the nearest."""
    (text,) = configure.errors(file=file)
    assert words in text
    assert str(configure.file) in text


@pytest.mark.parametrize(
    ("variable", "remedy"),
    [
        ("PARAPHINA_TRADEMODE", "did you mean PARAPHINA_TRADE_MODE?"),
        ("PARAPHINA_LIVE_CANARY_PROFIL", "did you mean PARAPHINA_LIVE_CANARY_PROFILE?"),
        ("PARAPHINA_HARBOUR_STREAM", "did you mean PARAPHINA_HARBOUR_STREAMS?"),
        ("PARAPHINA_ROADMAP_B", "unset it"),
        ("PARAPHINA_X9", "unset it"),
    ],
)
def test_f094_a_variable_that_nobody_knows_is_refused(
    variable: str, remedy: str, configure: Configure
) -> None:
    """A misspelt variable is an error, not a setting that was silently not made."""
    (text,) = configure.errors(env={variable: "a value that stays unseen"})
    assert text.startswith(f"environment variable is not known; found '{variable}'")
    assert text.endswith(remedy)
    assert "unseen" not in text


def test_variables_of_others_and_of_installed_connectors_are_left_alone(configure: Configure) -> None:
    """Only this project's prefix is judged, and what an unselected connector reads is known."""
    env = {"PATH": "/bin", "HARBOUR_TYPO": "1", "PARAPHINA_HARBOUR_STREAMS": "1", "PARAPHINA_HOME": "/home"}
    assert configure(env=env).selected == ("mock",)


@pytest.mark.parametrize("key", ["preflight_ok", "enable_execution", "exec_enable", "execution_confirm"])
def test_f097_a_file_that_arms_is_refused(key: str, configure: Configure) -> None:
    """What arms real orders is typed each time; in a file it would be armed for ever."""
    (text,) = configure.errors(file=f"[live]\n{key} = true\n")
    assert text.startswith(f"live.{key} stands in {configure.file}")
    assert "no file arms real orders" in text


@pytest.mark.parametrize(
    ("cli", "env", "armed"),
    [
        ({}, {}, (False, False, False, None)),
        ({"--enable-live-execution": True}, {}, (True, False, False, None)),
        ({"--enable-live-execution": None}, {}, (False, False, False, None)),
        ({}, {"PARAPHINA_LIVE_EXEC_ENABLE": "1"}, (False, True, False, None)),
        ({}, {"PARAPHINA_LIVE_EXEC_ENABLE": "off"}, (False, False, False, None)),
        ({}, {"PARAPHINA_LIVE_PREFLIGHT_OK": "yes"}, (False, False, True, None)),
        ({}, {"PARAPHINA_LIVE_EXECUTION_CONFIRM": "yes"}, (False, False, False, "yes")),
        ({}, {"PARAPHINA_LIVE_EXECUTION_CONFIRM": "YES"}, (False, False, False, "YES")),
        ({}, {"PARAPHINA_LIVE_EXEC_ENABLE": ""}, (False, False, False, None)),
    ],
)
def test_f097_each_arming_switch_has_one_place_and_switches_itself_alone(
    cli: dict[str, object], env: dict[str, str], armed: tuple[object, ...], configure: Configure
) -> None:
    """No switch stands in for another, and the confirmation keeps its text for the gate to compare."""
    live = configure(cli=cli, env=env).live
    assert (live.enable_execution, live.exec_enable, live.preflight_ok, live.execution_confirm) == armed


@pytest.mark.parametrize("word", ["maybe", "2", "y"])
def test_f097_an_arming_switch_that_is_neither_on_nor_off_is_an_error(
    word: str, configure: Configure
) -> None:
    """A gate never has to interpret a word."""
    (text,) = configure.errors(env={"PARAPHINA_LIVE_EXEC_ENABLE": word})
    assert "wanted true or false (as text also 1, yes, on, 0, no, off)" in text


def test_settings_of_a_connector_are_read_in_their_kinds(configure: Configure, tmp_path: Path) -> None:
    """Each kind is parsed; what has neither value nor default is absent; a path is absolute."""
    config = configure(
        cli={"--connectors": "harbour"},
        env={"HARBOUR_DEPTH": "5", "PARAPHINA_HARBOUR_STREAMS": "on"},
        file='[connectors.harbour]\nnonce_file = "state/nonces"\nbackoff_s = 2\n',
    )
    assert config.connectors == {
        "harbour": {
            "market": "BTC",
            "depth": 5,
            "backoff_s": 2.0,
            "streams": True,
            "nonce_file": str(tmp_path / "state/nonces"),
        }
    }
    assert isinstance(config.connectors["harbour"]["backoff_s"], float)


@pytest.mark.parametrize(
    ("env", "file", "depth"),
    [
        ({"HARBOUR_DEPTH": "5"}, "[connectors.harbour]\ndepth = 6\n", 5),
        ({"HARBOUR_DEPTH": ""}, "[connectors.harbour]\ndepth = 6\n", 6),
        ({}, "[connectors.harbour]\ndepth = 6\n", 6),
        ({}, "[connectors.HB]\ndepth = 6\n", 6),
        ({}, None, 20),
    ],
)
def test_a_setting_is_taken_from_variable_then_file_then_the_connectors_default(
    env: dict[str, str], file: str | None, depth: int, configure: Configure
) -> None:
    """The same order as for the core's own keys."""
    config = configure(cli={"--connectors": "harbour"}, env=env, file=file)
    assert config.connectors["harbour"]["depth"] == depth


@pytest.mark.parametrize(
    ("env", "words"),
    [
        ({"HARBOUR_DEPTH": "2.5"}, "connectors.harbour.depth is not usable; found '2.5'"),
        ({"HARBOUR_DEPTH": "1e3"}, "connectors.harbour.depth is not usable"),
        ({"HARBOUR_BACKOFF_S": "inf"}, "connectors.harbour.backoff_s is not usable"),
        ({"HARBOUR_BACKOFF_S": "NaN"}, "connectors.harbour.backoff_s is not usable"),
        ({"PARAPHINA_HARBOUR_STREAMS": "sometimes"}, "connectors.harbour.streams is not usable"),
        ({"HARBOUR_ACCOUNT": "0x\x1b[31m"}, "connectors.harbour.account is not usable"),
    ],
)
def test_a_setting_of_the_wrong_kind_is_refused(
    env: dict[str, str], words: str, configure: Configure
) -> None:
    """Kinds are strict, and the error names setting and variable."""
    (text,) = configure.errors(cli={"--connectors": "harbour"}, env=env)
    assert words in text
    assert next(iter(env)) in text


def test_settings_of_connectors_that_are_not_selected_stay_out(configure: Configure) -> None:
    """A configuration holds what the run uses, and no secret that it does not need."""
    config = configure(
        env={"HARBOUR_PRIVATE_KEY": "k"}, file='[connectors.harbour]\nmarket = "ETH"\n[connectors.mock]\n'
    )
    assert config.connectors.keys() == config.secrets.keys() == {"mock"}


def test_f105_secrets_come_from_the_environment_and_stay_hidden(configure: Configure) -> None:
    """A secret is there for the signer and visible nowhere in the configuration."""
    config = configure(cli={"--connectors": "harbour"}, env={"HARBOUR_PRIVATE_KEY": "0xdeadbeef"})
    secrets = config.secrets["harbour"]
    assert {name: secret.is_set for name, secret in secrets.items()} == {
        "private_key": True,
        "api_token": False,
    }
    assert secrets["private_key"].reveal() == "0xdeadbeef"
    assert "0xdeadbeef" not in repr(config)
    assert "private_key" not in config.connectors["harbour"]


def test_f105_a_secret_in_a_file_is_refused_and_not_repeated(configure: Configure) -> None:
    """A file is copied, committed and mailed; the error does not make it worse."""
    (text,) = configure.errors(
        cli={"--connectors": "harbour"}, file='[connectors.harbour]\nprivate_key = "0xdeadbeef"\n'
    )
    assert "HARBOUR_PRIVATE_KEY" in text
    assert "0xdeadbeef" not in text


@pytest.mark.parametrize("option", [{"--speed": "10"}, {"--clock": "virtual"}])
@pytest.mark.parametrize(
    ("connectors", "mode", "allowed"),
    [
        ("mock,harbour_recorded", "paper", True),
        ("mock", "shadow", True),
        ("mock,harbour", "paper", False),
        ("harbour", "shadow", False),
        ("mock", "live", False),
        ("harbour_recorded", "testnet", False),
    ],
)
def test_time_runs_differently_for_offline_markets_on_paper_only(
    option: dict[str, object], connectors: str, mode: str, allowed: bool, configure: Configure
) -> None:
    """A venue's market cannot be sped up, and no real order is ever sent in virtual time."""
    cli = {"--connectors": connectors, "--trade-mode": mode, **option}
    if allowed:
        session = configure(cli=cli).session
        assert (session.speed, session.clock) != (1.0, ClockKind.REAL)
    else:
        (text,) = configure.errors(cli=cli)
        assert "needs recorded or synthetic markets on paper" in text


def test_a_speed_that_nobody_would_use_is_refused(configure: Configure) -> None:
    """Virtual time waits for nothing, so how much faster than real it runs cannot be chosen."""
    (text,) = configure.errors(cli={"--clock": "virtual", "--speed": "10"})
    assert text.startswith("session.speed, set by --speed, has no meaning in virtual time")


def test_relative_paths_belong_to_where_they_are_written(
    configure: Configure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a file a path is relative to the file, on the command line to the working directory."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert configure(file='[session]\nout_dir = "runs/a"\n').session.out_dir == tmp_path / "runs/a"
    assert configure(cli={"--out-dir": "runs/a"}).session.out_dir == elsewhere / "runs/a"
    assert configure(env={"PARAPHINA_LIVE_OUT_DIR": "/x"}).session.out_dir == Path("/x")


def test_a_tilde_is_the_home_folder(configure: Configure, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file may say ~/runs as a shell would; an unknown user's home is an error."""
    monkeypatch.setenv("HOME", "/home/trader")
    assert configure(file='[session]\nout_dir = "~/runs"\n').session.out_dir == Path("/home/trader/runs")
    (text,) = configure.errors(file='[session]\nout_dir = "~nobody-of-that-name/runs"\n')
    assert text.startswith("session.out_dir is not usable")


def test_an_own_profile_is_found_beside_the_file_that_names_it(configure: Configure, tmp_path: Path) -> None:
    """A relative profile path in a file is relative to that file; a missing one is an error."""
    (text,) = configure.errors(file='[risk]\nprofile = "desk.toml"\n')
    assert f"cannot read {tmp_path / 'desk.toml'}" in text


def test_the_file_may_be_named_by_a_variable(plugins: Plugins, tmp_path: Path) -> None:
    """PARAPHINA_CONFIG names it when the command does not; the command's file wins."""
    first, second = tmp_path / "first.toml", tmp_path / "second.toml"
    first.write_text('[journal]\nsync = "always"\n', encoding="utf-8")
    second.write_text("", encoding="utf-8")
    env = {"PARAPHINA_CONFIG": str(first)}
    assert resolve(cli={}, env=env, file=None, plugins=plugins).journal.sync is JournalSync.ALWAYS
    assert resolve(cli={}, env=env, file=second, plugins=plugins).journal.sync is JournalSync.GROUPED


def test_a_file_that_is_not_there_is_an_error(plugins: Plugins, tmp_path: Path) -> None:
    """A named file is meant; its absence is not the same as no file."""
    with pytest.raises(ConfigError, match="cannot read"):
        resolve(cli={}, env={"PARAPHINA_CONFIG": str(tmp_path / "no.toml")}, file=None, plugins=plugins)


def test_an_option_that_no_key_has_is_our_own_mistake(plugins: Plugins) -> None:
    """The command line offers the table's options; anything else is a fault of this program."""
    with pytest.raises(LocalError, match="no key has such an option"):
        resolve(cli={"--tick": "1"}, env={}, file=None, plugins=plugins)
