"""The dashboard's page in a headless Chromium, beside real paper sessions."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from watching import Board, board

playwright = pytest.importorskip("playwright.sync_api", reason="the package playwright is not installed")

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
ARGUMENTS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")
#: Nobody listens there.
NOBODY = "127.0.0.1:9"


class Browser:
    """One browser; `complaints` collects what its pages write to the console as errors."""

    def __init__(self, browser: playwright.Browser) -> None:
        self._browser = browser
        self.complaints: list[str] = []

    @contextmanager
    def page(self, url: str, *, scheme: str = "light", width: int = 1280) -> Iterator[playwright.Page]:
        context = self._browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 900})
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("console", lambda one: one.type == "error" and self.complaints.append(one.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on(
            "request",
            lambda one: one.url.startswith(url) or self.complaints.append(f"asks for {one.url}"),
        )
        page.goto(url)
        try:
            yield page
        finally:
            context.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Return a browser."""
    with playwright.sync_playwright() as kit:
        found = kit.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield Browser(found)
        found.close()


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Board]:
    """Return the dashboard of a session of which one venue quotes and one cannot be reached."""
    env = {"HL_REST_URL": f"http://{NOBODY}", "HL_WS_URL": f"ws://{NOBODY}/ws"}
    folder = tmp_path_factory.mktemp("session")
    with board(folder, "--connectors", "mock,hyperliquid", env=env) as found:
        found.until("/ready", 200)
        yield found


def text_of(page: playwright.Page, selector: str, expected: str) -> str:
    """Wait until an element says something, and return all that it says."""
    page.locator(selector).filter(has_text=re.compile(expected)).first.wait_for()
    return str(page.locator(selector).first.inner_text())


def test_a_venue_that_is_dead_is_told_from_one_that_quotes_at_a_glance(
    watched: Board, browser: Browser
) -> None:
    """One card says healthy and shows a ladder with own orders; the other which host and why not."""
    with browser.page(watched.url) as page:
        assert "ACTIVE" in text_of(page, "#state", "ACTIVE")
        good = page.locator("[data-connector=mock]")
        good.locator(".own").first.wait_for()
        assert "● healthy" in good.inner_text()
        assert "own" in good.inner_text()
        dead = text_of(page, "[data-connector=hyperliquid]", f"cannot reach {NOBODY}")
        assert "■" in dead or "▲" in dead
        assert "-edge" in str(page.locator("[data-connector=hyperliquid]").get_attribute("class"))


def test_figures_move_and_lines_are_drawn(watched: Board, browser: Browser) -> None:
    """Frames are counted up before one's eyes, and every chart gets a line."""
    with browser.page(watched.url) as page:
        frames = page.locator("#totals div", has_text="frames").locator("dd")
        before = int(frames.inner_text())
        page.wait_for_function(
            "before => Number([...document.querySelectorAll('#totals div')]"
            ".find(one => one.innerText.includes('frames')).querySelector('dd').innerText) > before",
            arg=before,
        )
        for chart in ("#profit", "#position", "#mids"):
            page.locator(f"{chart} path").first.wait_for(state="attached")
        assert "mock:BTC" in page.locator("#mids").inner_html()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_it_fits_a_phone_and_follows_the_wish_for_dark(
    watched: Board, browser: Browser, scheme: str, width: int
) -> None:
    """Nothing makes the page wider than its window, and the ground is as bright as was wished."""
    with browser.page(watched.url, scheme=scheme, width=width) as page:
        page.locator("[data-connector=mock] .own").first.wait_for()
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
        brightness = sum(map(int, re.findall(r"\d+", colour)[:3])) / 3
        assert (brightness < 64) is (scheme == "dark")


def test_the_kill_button_by_keyboard_wants_token_and_word_first(tmp_path: Path, browser: Browser) -> None:
    """A wrong word leaves it disabled, a wrong token is told, both right end the run, which the page says."""
    with board(tmp_path) as found, browser.page(found.url) as page:
        found.until("/ready", 200)
        page.locator("#kill").focus()
        page.keyboard.press("Enter")
        page.locator("#confirm").wait_for()
        assert page.evaluate("document.activeElement.id") == "token"
        page.keyboard.type("x" * 32)
        page.keyboard.press("Tab")
        page.keyboard.type("a drill")
        page.keyboard.press("Tab")
        page.keyboard.type("kil")
        assert page.locator("#fire").is_disabled()
        page.locator("#word").fill("KILL")
        page.keyboard.press("Enter")
        text_of(page, "#answer", "not done: the token is missing or wrong")
        browser.complaints.clear()  # the browser writes the refusal to its console
        page.locator("#token").fill(found.token)
        page.locator("#fire").click()
        text_of(page, "#state", "the run is over: .*exit code 5")
        code, _, _ = found.program.end()
        assert code == 5


def test_escape_leaves_the_kill_button_alone(watched: Board, browser: Browser) -> None:
    """The dialog closes, and the session goes on."""
    with browser.page(watched.url) as page:
        page.locator("#kill").click()
        page.locator("#confirm").wait_for()
        page.keyboard.press("Escape")
        page.locator("#confirm").wait_for(state="hidden")
        watched.until("/ready", 200)


def test_a_session_that_is_gone_is_said_to_be(tmp_path: Path, browser: Browser) -> None:
    """Killed by force, it takes its dashboard along; the page says that what it shows is old."""
    with board(tmp_path) as found, browser.page(found.url) as page:
        text_of(page, "#state", "ACTIVE")
        found.program.process.kill()
        found.program.process.wait()
        text_of(page, "#lost", "what is shown is old")
        browser.complaints.clear()  # the browser writes the lost connection to its console


def test_no_page_complains_or_asks_for_anything_elsewhere(watched: Board, browser: Browser) -> None:
    """There is no error in the console of any page of this module, and no request leaves for another host."""
    with browser.page(watched.url) as page:
        text_of(page, "#state", "ACTIVE")
    assert browser.complaints == []
