"""The dashboard's endpoints over real HTTP, beside real paper sessions."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from program import Program
from watching import Board, board


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Board]:
    """Return the dashboard of a session that quotes."""
    with board(tmp_path_factory.mktemp("session")) as found:
        found.until("/ready", 200)
        yield found


def _children(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    return [int(word) for word in text.split()]


def test_a_session_that_quotes_is_healthy_and_ready(watched: Board) -> None:
    """Both answers are 200, say so, and give no reason."""
    assert json.loads(watched.until("/health", 200)) == {"healthy": True, "reasons": []}
    assert json.loads(watched.until("/ready", 200)) == {"ready": True, "reasons": []}


def test_a_venue_that_cannot_be_reached_is_unhealthy_with_host_and_reason(tmp_path: Path) -> None:
    """Health and readiness are 503 and name it; `/why` says which host and why not, for either side."""
    nobody = "127.0.0.1:9"
    env = {"HL_REST_URL": f"http://{nobody}", "HL_WS_URL": f"ws://{nobody}/ws"}
    with board(tmp_path, "--connectors", "hyperliquid", env=env) as found:
        found.until("/why/hyperliquid/buy", 200)
        assert "hyperliquid" in found.until("/health", 503)
        assert "hyperliquid has no market" in found.until("/ready", 503)
        (answer,) = found.json("/why/hyperliquid/buy")["markets"]
        assert not answer["quoted"]
        while not any(f"cannot reach {nobody}" in reason for reason in answer["reasons"]):
            (answer,) = found.json("/why/hyperliquid/buy")["markets"]


def test_the_page_of_metrics_can_be_read_by_prometheus(watched: Board) -> None:
    """Its own parser reads every line; health, counters, ages and positions are there, times in seconds."""
    status, body = watched.ask("/metrics")
    assert status == 200
    families = {family.name: family for family in text_string_to_metric_families(body)}
    assert families["paraphina_ready"].samples[0].value == 1
    assert families["paraphina_frames"].type == "counter"
    assert families["paraphina_frames"].samples[0].value > 0
    assert 0 <= families["paraphina_market_book_age_seconds"].samples[0].value < 5
    assert families["paraphina_market_position_base"].samples[0].labels["connector"] == "mock"
    states = {one.labels["state"]: one.value for one in families["paraphina_session_state"].samples}
    assert states == {"active": 1, "reducing": 0, "halted": 0}
    assert all(family.documentation for family in families.values())


def test_the_configuration_is_shown_without_a_secret(tmp_path: Path) -> None:
    """Gates with their verdicts and every value are there; of a secret only that it is set."""
    secret = "0x" + "5e" * 32
    env = {"HL_PRIVATE_KEY": secret}
    with board(tmp_path, "--connectors", "mock,hyperliquid_fixture", env=env) as found:
        found.until("/health", 200)
        body = found.ask("/config")[1]
        assert secret not in body
        assert secret[2:] not in body
        told = json.loads(body)
        assert told["mode"] == "paper"
        assert told["config"]["values"]["session.connectors"] == ["mock", "hyperliquid_fixture"]
        assert {gate["status"] for gate in told["gates"] if gate["required"]} == {"pass"}
        server = _children(found.program.process.pid)
        environment = [Path(f"/proc/{pid}/environ").read_bytes() for pid in server]
        assert environment
        assert not any(secret.encode() in one for one in environment)


def test_why_says_what_is_quoted_and_what_is_known(watched: Board) -> None:
    """A side that is quoted shows its orders; a venue or side that is not there is 404 with what is."""
    deadline_s = time.monotonic() + 10
    answer = watched.json("/why/mock/buy")["markets"][0]
    while not answer["quoted"] and time.monotonic() < deadline_s:
        answer = watched.json("/why/mock/buy")["markets"][0]
    assert answer["quoted"]
    assert answer["orders"]
    assert watched.json("/why/mock:BTC/ask")["markets"][0]["side"] == "sell"
    status, body = watched.ask("/why/nowhere/buy")
    assert (status, json.loads(body)["venues"]) == (404, ["mock"])
    assert watched.ask("/why/mock/sideways")[0] == 404


def test_watching_begins_with_all_that_is_known_and_goes_on(watched: Board) -> None:
    """The stream sends introduction, past, feed and snapshot, and then a snapshot several times a second."""
    connection = http.client.HTTPConnection("127.0.0.1", watched.port, timeout=10)
    connection.request("GET", "/events")
    answer = connection.getresponse()
    assert answer.headers["content-type"].startswith("text/event-stream")
    names, times = [], []
    while len(names) < 7:
        line = answer.readline().decode()
        if line.startswith("event: "):
            names.append(line.removeprefix("event: ").strip())
            data = json.loads(answer.readline().decode().removeprefix("data: "))
            if names[-1] == "snapshot":
                times.append(data["snapshot"]["at_ns"])
    connection.close()
    assert names[:4] == ["introduction", "past", "feed", "snapshot"]
    assert times == sorted(times)
    assert len(set(times)) >= 2


def test_no_more_browsers_watch_than_may(watched: Board) -> None:
    """The ninth is refused with 503, and there is room again when one has left."""
    watching = []
    for _ in range(8):
        connection = http.client.HTTPConnection("127.0.0.1", watched.port, timeout=10)
        connection.request("GET", "/events")
        connection.getresponse().readline()
        watching.append(connection)
    assert watched.ask("/events")[0] == 503
    for connection in watching:
        connection.close()
    deadline_s = time.monotonic() + 10
    status = 503
    while status == 503 and time.monotonic() < deadline_s:
        again = http.client.HTTPConnection("127.0.0.1", watched.port, timeout=10)
        again.request("GET", "/events")
        status = again.getresponse().status
        again.close()
    assert status == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 421),
        ({"Host": "evil.example:9898"}, 421),
        ({"Host": "10.0.0.1:9898"}, 421),
        ({"Host": "localhost:1"}, 200),
        ({"Host": "[::1]:9898"}, 200),
        ({"Host": "127.0.0.1"}, 200),
    ],
)
def test_only_this_machines_own_names_are_answered(
    watched: Board, headers: dict[str, str], status: int
) -> None:
    """A page that lets its name point to this machine gets nothing: the host it asks for gives it away."""
    watched.until("/health", 200)
    assert watched.ask("/health", headers=headers)[0] == status


def test_requests_have_limits(watched: Board) -> None:
    """A long path, a long body, and one that does not say how long it is are refused."""
    token = {"Authorization": f"Bearer {watched.token}"}
    assert watched.ask("/why/" + "x" * 600 + "/buy")[0] == 414
    assert watched.ask("/kill", "POST", b"x" * 5_000, token)[0] == 413
    assert watched.ask("/kill", "POST", b"{}", token | {"Transfer-Encoding": "chunked"})[0] == 413


def test_nothing_is_killed_without_token_and_typed_confirmation(watched: Board) -> None:
    """A wrong token is 401, a missing word 400, and the session goes on."""
    assert watched.ask("/kill", "POST", b'{"confirmation":"KILL"}')[0] == 401
    assert watched.kill({"confirmation": "KILL"}, token="x" * 32)[0] == 401
    assert watched.kill({"confirmation": "kill"})[0] == 400
    assert watched.kill({"reason": "no confirmation"})[0] == 400
    assert watched.kill({"confirmation": "KILL", "more": 1})[0] == 400
    assert watched.ask("/kill")[0] == 405
    watched.until("/health", 200)


def test_the_kill_button_fires_the_kill_switch_with_its_reason(tmp_path: Path) -> None:
    """The session ends as killed, with exit code 5, the reason latched, and the token's file private."""
    with board(tmp_path) as found:
        found.until("/ready", 200)
        assert (tmp_path / "home/dashboard_token").stat().st_mode & 0o077 == 0
        assert found.kill({"confirmation": "KILL", "reason": "a drill"})[0] == 202
        code, out, _ = found.program.end()
        assert code == 5
        assert "the kill switch fired" in out
        latch = json.loads((tmp_path / "home/kill_latch.json").read_text(encoding="utf-8"))
        assert "dashboard: a drill" in json.dumps(latch)


def test_a_dashboard_that_dies_does_not_take_the_session_with_it(tmp_path: Path) -> None:
    """The session says that it is gone, goes on, and ends as it would have."""
    with board(tmp_path, "--duration", "3") as found:
        found.until("/ready", 200)
        for pid in _children(found.program.process.pid):
            os.kill(pid, signal.SIGKILL)
        code, out, err = found.program.end()
        assert code == 0
        assert "the duration has passed" in out
        assert "the dashboard is gone; the session goes on without" in err


def test_the_dashboard_outlives_no_session(tmp_path: Path) -> None:
    """A session that is killed by force leaves no server behind."""
    with board(tmp_path) as found:
        (server,) = _children(found.program.process.pid)
        found.program.process.kill()
        found.program.process.wait()
        deadline_s = time.monotonic() + 10
        while Path(f"/proc/{server}").exists() and time.monotonic() < deadline_s:
            time.sleep(0.05)
        assert not Path(f"/proc/{server}").exists()


def test_a_port_that_is_taken_refuses_the_session_before_it_starts(watched: Board, tmp_path: Path) -> None:
    """The address is named, the code is that of a refusal, and no run was begun."""
    program = Program(
        tmp_path,
        *("run", "--trade-mode", "paper", "--connectors", "mock", "--out-dir", "out"),
        *("--dashboard", f"127.0.0.1:{watched.port}"),
    )
    code, _, err = program.end()
    assert code == 2
    assert f"127.0.0.1:{watched.port} cannot be listened on" in err
    assert not (tmp_path / "out").exists()


def test_beyond_loopback_everything_needs_the_token(tmp_path: Path) -> None:
    """Who listens on every address serves the bare page to all, and figures to those who have the token."""
    with board(tmp_path, "--dashboard", "0.0.0.0:0") as found:  # what is tested
        token = {"Authorization": f"Bearer {found.token}"}
        for path in ("/health", "/ready", "/metrics", "/config", "/why/mock/buy", "/events"):
            assert found.ask(path)[0] == 401, path
        assert found.ask("/")[0] == 200
        assert found.ask("/metrics", headers=token)[0] == 200


def test_a_missing_package_is_named_with_the_command_that_installs_it(tmp_path: Path) -> None:
    """Without the extra the process says so in the one line that a session reads."""
    code = (
        "import sys; sys.modules['starlette'] = None; sys.argv = ['x', '127.0.0.1:0', '/nowhere'];"
        "import runpy; runpy.run_module('paraphina_core.dashboard', run_name='__main__')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert "paraphina[dashboard]" in json.loads(done.stdout)["reason"]
