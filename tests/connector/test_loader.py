"""Loading plugins: the sound ones work whatever the others do, and each failure is listed with its reason."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from distributions import PLUGIN, Site, Wheel
from paraphina_core import domain, market
from paraphina_core.connector import (
    Capability,
    ConnectorSpec,
    FeatureFlag,
    PluginRecord,
    Plugins,
    PluginStatus,
    RegisterConnector,
    TradeMode,
    core_hash,
    hookimpl,
    load_plugins,
    mock,
)
from paraphina_core.domain import ConfigError
from paraphina_core.market import Book

FLAG = FeatureFlag(name="live_venue", distributions=("paraphina-venue",))
BUNDLE = FeatureFlag(name="live", distributions=("paraphina-other", "paraphina-venue"))

IMPORTS = "from paraphina_core.connector import *\n"
SPEC = (
    "ConnectorSpec(name={name!r}, aliases={aliases!r}, venue='V', feature_flag={flag!r},"
    " capabilities={{Capability.MARKET: 'x'}}, trade_modes=frozenset({{TradeMode.PAPER}}),"
    " factory=lambda context: None, contract_version={version!r})"
)


def registering(name: str, *aliases: str, flag: str | None = None, version: tuple[int, int] = (1, 0)) -> str:
    """Return the code of a plugin that registers one connector."""
    spec = SPEC.format(name=name, aliases=aliases, flag=flag, version=version)
    return f"{IMPORTS}@hookimpl\ndef paraphina_register_connectors(register):\n    register({spec})\n"


def record(plugins: Plugins, distribution: str) -> PluginRecord:
    """Return the record of one distribution's plugin."""
    (found,) = plugins.records_of([distribution])
    return found


def builtin() -> ModuleType:
    """Return a part of the core that registers the connector `inside`."""
    module = ModuleType("core_part")
    module.__file__ = __file__

    @hookimpl
    def paraphina_register_connectors(register: RegisterConnector) -> None:
        register(
            ConnectorSpec(
                name="inside",
                venue="Inside",
                feature_flag=None,
                capabilities={Capability.MARKET: ""},
                trade_modes=frozenset({TradeMode.PAPER}),
                factory=mock.MockConnector,
            )
        )

    vars(module)["paraphina_register_connectors"] = paraphina_register_connectors
    return module


def test_a_sound_plugin_is_loaded_and_its_connector_usable(site: Site) -> None:
    """Registering is all a plugin has to do; its record says where each connector is from."""
    Wheel("load-one").install(site.folder)
    plugins = site.load()
    assert plugins.connectors["load_one"].venue == "Fabricated"
    found = plugins.origin_of("load_one")
    assert found == record(plugins, "load-one")
    assert found.status is PluginStatus.LOADED
    assert found.hooks == ("paraphina_register_connectors",)
    assert found.connectors == ("load_one",)
    assert found.source_hash == site.only().source_hash
    assert not found.builtin


def test_a_built_in_plugin_is_loaded_like_any_other() -> None:
    """The core's own connectors come through the same hooks, and carry the core's hash."""
    plugins = load_plugins([builtin()], [], [])
    found = plugins.origin_of("inside")
    assert (found.builtin, found.distribution, found.source_hash) == (True, "paraphina", core_hash())


def test_a_candidate_with_a_problem_is_not_imported(site: Site) -> None:
    """A refused plugin is listed with its reason, and none of its code runs."""
    Wheel("refused-one", "raise SystemExit('imported')", requires=("paraphina>=9",)).install(site.folder)
    found = record(site.load(), "refused-one")
    assert found.status is PluginStatus.REFUSED
    assert "it requires paraphina >=9" in found.reason
    assert "refused_one" not in sys.modules


RAISING = {
    "at import": "1 / 0",
    "SystemExit at import": "raise SystemExit('bye')",
    "GeneratorExit at import": "raise GeneratorExit",
    "a missing library": "import no_such_library_anywhere",
    "a syntax error": "def (",
    "in the hook": f"{IMPORTS}@hookimpl\ndef paraphina_register_connectors(register):\n    1 / 0\n",
    "an exception that cannot be printed": (
        "class Mute(Exception):\n    def __str__(self):\n        raise RuntimeError\nraise Mute\n"
    ),
    "a warning that is an error": "import warnings\nwarnings.warn('old', DeprecationWarning, stacklevel=1)",
}


@pytest.mark.parametrize("code", RAISING.values(), ids=RAISING.keys())
def test_f084_a_raising_plugin_is_listed_as_broken_and_the_rest_work(site: Site, code: str) -> None:
    """Whatever a plugin raises, it is named with the reason and the other plugins are loaded."""
    Wheel("raise-one", code).install(site.folder)
    Wheel("works-one").install(site.folder)
    plugins = site.load()
    assert record(plugins, "raise-one").status is PluginStatus.BROKEN
    assert record(plugins, "raise-one").reason
    assert set(plugins.connectors) == {"works_one"}


def test_f084_the_reason_names_the_line_of_the_plugin(site: Site) -> None:
    """An author sees at once where it happened."""
    Wheel("where-one", "\n\n1 / 0\n").install(site.folder)
    reason = record(site.load(), "where-one").reason
    place = site.folder / "where_one" / "__init__.py"
    assert reason == f"ZeroDivisionError: division by zero ({place}, line 3)"


PATCHING = {
    "a function of a module": "import paraphina_core.domain as it\nit.from_text = str\n",
    "a method": "from paraphina_core.market import Book\nBook.reset = lambda self: None\n",
    "a property": "from paraphina_core.market import Book\nBook.state = property(lambda self: 'live')\n",
    "the code of a method": (
        "from paraphina_core.market import Book\nBook.reset.__code__ = (lambda self: None).__code__\n"
    ),
    "a class": "import paraphina_core.market as it\nclass Book: pass\nit.Book = Book\n",
    "within a hook": (
        f"{IMPORTS}from paraphina_core.market import Book\n@hookimpl\n"
        "def paraphina_register_connectors(register):\n    Book.reset = lambda self: None\n"
    ),
}


@pytest.mark.parametrize("code", PATCHING.values(), ids=PATCHING.keys())
def test_f093_a_plugin_that_replaces_a_part_of_the_core_is_broken_and_the_part_is_named(
    site: Site, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    """Whether while it is imported or while it registers; the message says what is another now."""
    original = Book.reset.__code__
    for owner, name in ((domain, "from_text"), (Book, "reset"), (Book, "state"), (market, "Book")):
        monkeypatch.setattr(owner, name, getattr(owner, name))  # put back afterwards
    Wheel("patch-one", code + (registering("patch_one") if "hookimpl" not in code else "")).install(
        site.folder
    )
    try:
        found = record(site.load(), "patch-one")
    finally:
        Book.reset.__code__ = original
    assert found.status is PluginStatus.BROKEN
    assert "it replaces parts of the core" in found.reason
    assert "paraphina_core.domain" in found.reason or "paraphina_core.market" in found.reason


def test_ctrl_c_during_loading_is_not_swallowed(site: Site) -> None:
    """An operator who interrupts the start is obeyed."""
    Wheel("stop-one", "raise KeyboardInterrupt").install(site.folder)
    with pytest.raises(KeyboardInterrupt):
        site.load()


def test_what_a_plugin_prints_does_not_reach_stdout(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    """Output that a program reads stays what the program expects."""
    Wheel("loud-one", "print('HELLO')\n" + PLUGIN.format(name="loud_one")).install(site.folder)
    assert set(site.load().connectors) == {"loud_one"}
    assert capsys.readouterr() == ("", "HELLO\n")


def test_a_plugin_without_hooks_is_broken(site: Site) -> None:
    """A forgotten decorator is said, not silently nothing."""
    Wheel("none-one", "def paraphina_register_connectors(register): pass").install(site.folder)
    assert record(site.load(), "none-one").reason == "none_one implements no hook; is @hookimpl missing?"


def test_a_hook_that_does_not_exist_is_broken(site: Site) -> None:
    """A misspelt hook is an error of its plugin, not a hook that is never called."""
    code = f"{IMPORTS}@hookimpl\ndef paraphina_register_conectors(register): pass\n"
    Wheel("typo-one", code).install(site.folder)
    assert "unknown hook 'paraphina_register_conectors'" in record(site.load(), "typo-one").reason


def test_a_hook_with_an_argument_that_does_not_exist_is_broken(site: Site) -> None:
    """A hook may take fewer arguments than it is given, never others."""
    code = f"{IMPORTS}@hookimpl\ndef paraphina_register_connectors(registry): pass\n"
    Wheel("args-one", code).install(site.folder)
    assert "registry" in record(site.load(), "args-one").reason


def test_a_plugin_cannot_wrap_the_hooks_of_another(site: Site) -> None:
    """A wrapper around a hook wraps that plugin's own call; the other's registration stays."""
    code = (
        f"{IMPORTS}@hookimpl(wrapper=True, tryfirst=True)\ndef paraphina_register_connectors(register):\n"
        "    if False:\n        yield\n    return None\n"
    )
    Wheel("wrap-one", code).install(site.folder)
    Wheel("wrapped-one").install(site.folder)
    plugins = site.load()
    assert set(plugins.connectors) == {"wrapped_one"}
    assert record(plugins, "wrap-one").status is PluginStatus.BROKEN


@pytest.mark.parametrize("version", [(0, 9), (1, 1), (2, 0), (2, 5)])
def test_f092_another_version_of_the_contract_is_refused(site: Site, version: tuple[int, int]) -> None:
    """A plugin of another major, or of a later minor, is refused and the reason names both versions."""
    Wheel("old-one", registering("old_one", version=version)).install(site.folder)
    plugins = site.load()
    found = f"{version[0]}.{version[1]}"
    assert record(plugins, "old-one").status is PluginStatus.REFUSED
    assert record(plugins, "old-one").reason == (
        f"connector old_one is built for contract {found}, and this core has 1.0"
    )
    assert not plugins.connectors


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (registering("shared"), registering("shared")),
        (registering("first_one", "shared"), registering("shared")),
        (registering("first_one", "shared"), registering("second_one", "shared")),
    ],
    ids=["names", "alias and name", "aliases"],
)
def test_f091_a_connector_name_that_two_plugins_claim_is_refused_for_both(
    site: Site, first: str, second: str
) -> None:
    """No order of loading decides whose code gets the orders; each plugin is told the other's name."""
    Wheel("rival-a", first).install(site.folder)
    Wheel("rival-b", second).install(site.folder)
    Wheel("rival-c").install(site.folder)
    plugins = site.load()
    assert set(plugins.connectors) == {"rival_c"}
    assert record(plugins, "rival-a").reason == "connector shared is also registered by rival-b"
    assert record(plugins, "rival-b").reason == "connector shared is also registered by rival-a"
    assert record(plugins, "rival-b").status is PluginStatus.REFUSED


def test_f091_no_plugin_takes_a_name_from_the_core(site: Site) -> None:
    """A plugin that claims a built-in name is refused, and the built-in connector stays."""
    Wheel("claim-core", registering("claiming", "inside")).install(site.folder)
    plugins = site.load(builtin())
    assert plugins.origin_of("inside").builtin
    assert record(plugins, "claim-core").reason == "connector inside is also registered by paraphina"


@pytest.mark.parametrize(
    "code",
    [registering("venue"), registering("mine", "venue"), registering("mine", flag="live_venue")],
    ids=["name", "alias", "feature flag"],
)
def test_f091_a_name_of_a_feature_flag_is_kept_for_its_distribution(site: Site, code: str) -> None:
    """While the real plugin is not installed, nobody else can stand in for it."""
    Wheel("squat-one", code).install(site.folder)
    plugins = site.load(flags=(FLAG, BUNDLE))
    assert record(plugins, "squat-one").status is PluginStatus.REFUSED
    assert "is kept for paraphina-venue" in record(plugins, "squat-one").reason
    with pytest.raises(ConfigError, match="connector venue is not installed"):
        plugins.connector("venue")


def test_a_feature_flag_lets_its_own_distribution_use_its_name(site: Site) -> None:
    """The plugin that the flag installs registers what the flag promises."""
    points = "[paraphina]\nvenue = paraphina_venue\n"
    code = registering("venue", "vn", flag="live_venue")
    Wheel("paraphina-venue", code, entry_points=points).install(site.folder)
    assert set(site.load(flags=(FLAG, BUNDLE)).connectors) == {"venue"}


def test_a_name_registered_twice_by_one_plugin_is_refused(site: Site) -> None:
    """A plugin that contradicts itself is not half used."""
    code = registering("double")
    Wheel("double-one", code + code.splitlines()[-1]).install(site.folder)
    assert record(site.load(), "double-one").reason == "connector double is registered twice"


NOT_USABLE = {
    "no spec": "object()",
    "a venue that is no text": SPEC.format(name="bad", aliases=(), flag=None, version=(1, 0)).replace(
        "'V'", "5"
    ),
    "a factory that is none": SPEC.format(name="bad", aliases=(), flag=None, version=(1, 0)).replace(
        "lambda context: None", "5"
    ),
    "an unknown trade mode": SPEC.format(name="bad", aliases=(), flag=None, version=(1, 0)).replace(
        "TradeMode.PAPER", "'gambling'"
    ),
    "a contract version of text": SPEC.format(name="bad", aliases=(), flag=None, version=("1", 0)),
    "a setting of the wrong kind": SPEC.format(name="bad", aliases=(), flag=None, version=(1, 0)).replace(
        "factory", "settings=(Setting(name='ab', env='AB', kind='odd', help=''),), factory"
    ),
}


@pytest.mark.parametrize("item", NOT_USABLE.values(), ids=NOT_USABLE.keys())
@pytest.mark.parametrize("caught", [False, True], ids=["", "and swallowed by the plugin"])
def test_f088_a_registration_of_the_wrong_types_is_broken(site: Site, item: str, caught: bool) -> None:
    """Every field has the type of the contract, or the plugin is not used; it cannot hide the error."""
    call = f"    try:\n        register({item})\n    except Exception:\n        pass\n"
    if not caught:
        call = f"    register({item})\n"
    code = f"{IMPORTS}@hookimpl\ndef paraphina_register_connectors(register):\n{call}"
    Wheel("types-one", code).install(site.folder)
    plugins = site.load()
    assert record(plugins, "types-one").status is PluginStatus.BROKEN
    assert not plugins.connectors


def test_f088_fields_are_brought_into_the_types_of_the_contract(site: Site) -> None:
    """A list where a set belongs is made one, so that the core never meets it."""
    Wheel("list-one", registering("list_one").replace("frozenset({TradeMode.PAPER})", "['paper']")).install(
        site.folder
    )
    assert site.load().connectors["list_one"].trade_modes == frozenset({TradeMode.PAPER})


def test_f088_a_flood_of_registrations_is_broken(site: Site) -> None:
    """There is a limit to what one plugin may register."""
    spec = SPEC.format(name="n", aliases=(), flag=None, version=(1, 0)).replace("'n'", "f'n{i}'")
    for count, status in ((100, PluginStatus.LOADED), (101, PluginStatus.BROKEN)):
        name = f"flood-{count}"
        code = (
            f"{IMPORTS}@hookimpl\ndef paraphina_register_connectors(register):\n"
            f"    for i in range({count}):\n        register({spec})\n"
        )
        wheel = Wheel(name, code).install(site.folder)
        assert record(site.load(), name).status is status
        for path in (site.folder / wheel.dist_info).iterdir():
            path.unlink()
        (site.folder / wheel.dist_info).rmdir()


@pytest.mark.parametrize("typed", ["inside", "INSIDE", " Inside "])
def test_a_connector_is_found_however_its_name_is_typed(typed: str) -> None:
    """Case and surrounding blanks make no other name."""
    assert load_plugins([builtin()], [], []).connector(typed).name == "inside"


def test_a_connector_is_found_by_its_alias(site: Site) -> None:
    """`-` and `_` are the same in aliases, too."""
    Wheel("alias-one", registering("alias_one", "al_fixture")).install(site.folder)
    plugins = site.load()
    assert plugins.connector("AL-Fixture") is plugins.connectors["alias_one"]
    assert plugins.origin_of("al_fixture").distribution == "alias-one"


@pytest.mark.parametrize("typed", ["venue", "VENUE", "live_venue", "live-venue", "venue_fixture"])
def test_a_connector_that_is_not_installed_is_answered_with_the_command(typed: str) -> None:
    """Somebody who asks for a known venue without its plugin is told what to type."""
    plugins = load_plugins([], [], [FLAG, BUNDLE])
    with pytest.raises(
        ConfigError, match=r"is not installed; install it: pip install 'paraphina\[live_venue\]'"
    ):
        plugins.connector(typed)


def test_a_connector_of_a_broken_plugin_is_answered_with_the_reason(site: Site) -> None:
    """Installing again would not help; the reason does."""
    points = "[paraphina]\nvenue = paraphina_venue\n"
    Wheel("paraphina-venue", "1 / 0", entry_points=points).install(site.folder)
    plugins = site.load(flags=(FLAG,))
    with pytest.raises(ConfigError, match="its plugin is broken: ZeroDivisionError: division by zero"):
        plugins.connector("venue")


def test_a_misspelt_connector_is_answered_with_the_nearest() -> None:
    """A typing error is answered with the name that was probably meant."""
    plugins = load_plugins([builtin()], [], [FLAG])
    with pytest.raises(ConfigError, match="found 'insied'; did you mean inside"):
        plugins.connector("insied")
    with pytest.raises(ConfigError, match="known are inside, venue"):
        plugins.connector("zzzzz")


def test_the_bundle_of_all_flags_is_no_connector() -> None:
    """`live` installs everything and names nothing."""
    plugins = load_plugins([builtin()], [], [BUNDLE])
    with pytest.raises(ConfigError, match="no connector has this name"):
        plugins.connector("live")


def test_an_unknown_strategy_is_answered_with_the_nearest() -> None:
    """Strategies are asked for by name as connectors are."""
    with pytest.raises(ConfigError, match="no strategy has this name"):
        load_plugins([], [], []).strategy("two-sided")
