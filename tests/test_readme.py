"""What README tells people to type works, and its numbers are the committed results'."""

import json
import re
import shutil
import socket
import subprocess
from contextlib import ExitStack
from pathlib import Path

import pandas as pd
import pytest

from tests.conftest import ROOT, Serve, environment
from tests.long.newcomer import LEFT_OUT, Walk, commands, git, walk

pytestmark = pytest.mark.slow

README = (ROOT / "README.md").read_text()
BUNDLE = ROOT / "models" / "credit-express" / "1"
KERNEL = "server/engine/native/_kernel.abi3.so"
PORTS = ("8000", "8001", "8501")


def free_ports(count: int) -> list[str]:
    with ExitStack() as stack:
        held = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [str(each.getsockname()[1]) for each in held]


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What git would hold of this working tree, committed; set up already."""
    folder = tmp_path_factory.mktemp("newcomer") / "clone"
    listing = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    if shutil.which("curl") is None or not (ROOT / ".git").exists():
        pytest.skip("wants curl and a git checkout")
    for name in filter(None, git(ROOT, *listing).split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    if (ROOT / KERNEL).exists():
        shutil.copy2(ROOT / KERNEL, folder / KERNEL)
    (folder / ".venv").symlink_to(ROOT / ".venv")
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "-c", "user.name=n", "-c", "user.email=n@localhost", "commit", "-qm", "all")
    return folder


@pytest.fixture(scope="module")
def walked(clone: Path) -> Walk:
    """README's commands, all but `make test` and those that need docker, on free ports."""
    return walk(clone, ports=dict(zip(PORTS, free_ports(len(PORTS)), strict=True)))


def test_every_command_exits_as_readme_says_and_git_has_nothing_to_tell(walked: Walk) -> None:
    assert walked.wrong == []


def test_make_serve_shows_lightgbms_bits(walked: Walk) -> None:
    assert "equal in every bit" in walked.printed("make serve")


def test_the_answer_is_the_one_that_readme_shows(walked: Walk) -> None:
    answer = json.loads(walked.printed("curl "))
    shown = json.loads(re.findall(r"```json\n(.*?)```", README, re.DOTALL)[0])
    shown["model"]["sha256"] = answer["model"]["sha256"]
    assert answer == shown


def test_the_record_is_that_of_the_answer(walked: Walk) -> None:
    answer, record = (json.loads(walked.printed(part)) for part in ("curl ", "log get"))
    assert record["request_id"] == answer["request_id"]
    assert record["prediction"] == answer["probability"]


def test_the_file_command_scores_every_row(walked: Walk) -> None:
    walked.printed("server score")
    assert len(pd.read_parquet(walked.clone / "build" / "scored.parquet")) == 3000


def test_only_what_takes_long_or_needs_docker_is_left_out(walked: Walk) -> None:
    taken = [each.command.line for each in walked.taken]
    left = [each.line for each in commands(README) if each.line not in taken]
    assert [line for line in left if not any(p.match(line) for p in LEFT_OUT.values())] == []
    assert len(left) == 3


def test_the_messagepack_client_gets_the_answer(serve: Serve, tmp_path: Path) -> None:
    """The one that docs/serve.md prints, but for the port."""
    page = (ROOT / "docs" / "serve.md").read_text()
    (program,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    with serve(BUNDLE, tmp_path) as server:
        (tmp_path / "ask.py").write_text(program.replace("127.0.0.1:8000", server.url[7:]))
        done = subprocess.run(
            [ROOT / ".venv/bin/python", tmp_path / "ask.py"], cwd=ROOT, env=environment(),
            capture_output=True, text=True, check=True,
        )  # fmt: skip
    assert "'decision': 'approve'" in done.stdout


def test_make_shows_nine_verbs_and_those_of_readme_are_among_them() -> None:
    said = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    verbs = re.findall(r"^  make ([a-z-]+)", said, re.MULTILINE)
    assert verbs.pop() == "help-dev"
    assert len(verbs) == 9
    typed = [each.line.split() for each in commands(README)]
    assert {words[1] for words in typed if words[0] == "make"} <= set(verbs)


def test_the_auc_of_readme_is_the_manifests() -> None:
    shown = re.search(r"<!-- auc -->(.*?)<!-- /auc -->", README)
    manifest = json.loads((BUNDLE / "manifest.json").read_text())
    assert shown is not None
    assert float(shown[1]) == manifest["training"]["auc"]
