"""The TypeScript types are those of what the server says of itself."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.other_tasks import trained_for
from tests.conftest import ROOT, Running, Serve, running

HERE = ROOT / "clients" / "typescript"


@pytest.fixture(scope="module")
def committed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server of the committed model."""
    bundle = ROOT / "models" / "credit-express" / "1"
    with running(bundle, tmp_path_factory.mktemp("log")) as up:
        yield up


def generate(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, str(HERE / "generate.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_committed_types_are_up_to_date(committed: Running) -> None:
    made = generate(f"{committed.url}/openapi.json")
    assert made.returncode == 0, made.stderr
    assert made.stdout == (HERE / "credit-express.d.ts").read_text(), "generate them again"


def test_names_that_are_no_identifiers_are_quoted_and_missing_values_are_null(
    server: Running,
) -> None:
    made = generate(f"{server.url}/openapi.json", "--path", "/models/small/versions/1/score")
    assert '  "DEBT-RATIO": number;\n' in made.stdout
    assert "  INCOME: number | null;\n" in made.stdout
    assert '  KIND: "car" | "home, shared" | "lone" | "quo\\"ted" | null;\n' in made.stdout


@pytest.mark.parametrize(
    ("task", "member"),
    [
        ("multiclass", r'\n  probabilities: {\n    "0": number;\n    "1": number;\n    "2": '),
        ("regression", r"\n  value: number \| number\[\];\n"),
    ],
)
def test_models_of_other_tasks_have_their_own_answers(
    task: str, member: str, serve: Serve, tmp_path: Path
) -> None:
    with serve(trained_for(task, tmp_path)[2], tmp_path) as up:
        assert re.search(member, generate(f"{up.url}/openapi.json").stdout)


def test_an_unknown_path_is_refused_with_those_there_are(server: Running) -> None:
    made = generate(f"{server.url}/openapi.json", "--path", "/models/large/score")
    assert made.returncode == 2
    assert "no such path; there is /score, /models/small/versions/1/score" in made.stderr
