"""A change of verdict is told once, over a real socket and by a real command."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from monitoring import alert
from monitoring.__main__ import main
from monitoring.drift import output

from .drift_files import rows, write_bundle, write_log


class Hook(HTTPServer):
    """A webhook that answers with the given codes, then with 200, and keeps what it was sent."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: list[int] = []
        self.bodies: list[dict[str, str]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hook"


class Handler(BaseHTTPRequestHandler):
    server: Hook

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        code = self.server.answers.pop(0) if self.server.answers else 200
        if code == 200:
            self.server.bodies.append(json.loads(body))
        self.send_response(code)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def hook() -> Iterator[Hook]:
    with Hook() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """A bundle, a quiet log and a shifted one."""
    folder = tmp_path_factory.mktemp("alert")
    model = write_bundle(folder / "tiny" / "1", rows(3000, 0))
    shifted = rows(600, 2).assign(AGE=lambda t: t["AGE"] + 25)
    return model, write_log(folder / "quiet", rows(600, 1)), write_log(folder / "moved", shifted)


def drift(model: Path, log: Path, out: Path, *alerts: str) -> int:
    given = ["--model", str(model), "--log", str(log), "--out", str(out), "--no-report"]
    return main(["drift", *given, *alerts])


def test_only_a_change_is_told(hook: Hook, places: tuple[Path, Path, Path], tmp_path: Path) -> None:
    """Stable, stable, drift, drift, stable: two messages."""
    model, quiet, moved = places
    codes = [
        drift(model, log, tmp_path, "--alert-webhook", hook.url)
        for log in (quiet, quiet, moved, moved, quiet)
    ]
    assert codes == [0, 0, 1, 1, 0]
    assert [body["status"] for body in hook.bodies] == ["drift", "stable"]
    assert "AGE" in hook.bodies[0]["text"]


def test_a_failing_webhook_is_tried_again_within_the_run(
    hook: Hook, places: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    model, _, moved = places
    drift(model, moved, tmp_path)
    hook.answers = [500, 503]
    assert alert.tell(output.read(tmp_path), tmp_path, None, hook.url, pause=0.01) == ["webhook"]
    assert len(hook.bodies) == 1


def test_what_was_not_delivered_is_told_by_the_next_run(
    hook: Hook, places: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    model, _, moved = places
    drift(model, moved, tmp_path)
    hook.answers = [500] * alert.ATTEMPTS
    found = output.read(tmp_path)
    with pytest.raises(alert.AlertError, match="not delivered"):
        alert.tell(found, tmp_path, None, hook.url, pause=0.01)
    assert alert.tell(found, tmp_path, None, hook.url, pause=0.01) == ["webhook"]
    assert alert.tell(found, tmp_path, None, hook.url, pause=0.01) == []
    assert len(hook.bodies) == 1


def test_the_command_gets_the_alert_on_its_stdin(
    places: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    model, _, moved = places
    told = tmp_path / "told"
    command = f"sh -c 'echo $CREDIT_DRIFT_STATUS >> {told}; cat >> {told}'"
    for _ in range(2):
        assert drift(model, moved, tmp_path / "out", "--alert-command", command) == 1
    status, body = told.read_text().split("\n")
    assert status == "drift"
    assert json.loads(body)["model"] == "tiny"


def test_a_failing_command_does_not_hide_the_verdict(
    places: tuple[Path, Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model, _, moved = places
    assert drift(model, moved, tmp_path, "--alert-command", "false") == 1
    assert "--alert-command false: exit code 1" in capsys.readouterr().err


def test_a_state_file_cut_short_is_no_state(
    hook: Hook, places: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    model, _, moved = places
    (tmp_path / alert.STATE).write_text('{"webh')
    assert drift(model, moved, tmp_path, "--alert-webhook", hook.url) == 1
    assert len(hook.bodies) == 1
