"""The workflows: pinned by commit, no more rights than they use, and they call verbs that exist."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent
FILES = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PINNED = re.compile(r"uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")
# Whoever opens a pull request or names a branch chooses these words; a shell would run them.
FOREIGN = re.compile(r"\$\{\{[^}]*(github\.(event\.|head_ref|ref_name)|inputs\.)[^}]*\}\}")


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def workflow(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


def steps(path: Path) -> list[dict[str, Any]]:
    jobs = yaml.safe_load(path.read_text())["jobs"]
    return [step for job in jobs.values() for step in job.get("steps", [])]


def test_actions_are_pinned_by_commit_with_their_version_beside(workflow: Path) -> None:
    used = [line.strip(" -") for line in workflow.read_text().splitlines() if "uses:" in line]
    assert [line for line in used if not PINNED.match(line)] == []


def test_one_action_has_one_commit() -> None:
    """A version bumped in one file is bumped in all."""
    used = set(re.findall(r"uses: (\S+)@(\S+)", "".join(path.read_text() for path in FILES)))
    assert len({action for action, _ in used}) == len(used)


def test_the_token_can_only_read_unless_a_job_says_why(workflow: Path) -> None:
    text = workflow.read_text()
    assert yaml.safe_load(text)["permissions"] == {"contents": "read"}
    for line in text.splitlines():
        if re.search(r": write\b", line):
            assert "# " in line, line


def test_every_job_ends_and_no_checkout_keeps_the_token(workflow: Path) -> None:
    jobs = yaml.safe_load(workflow.read_text())["jobs"]
    assert all("timeout-minutes" in job for job in jobs.values())
    checkouts = [s for s in steps(workflow) if s.get("uses", "").startswith("actions/checkout@")]
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


def test_no_script_is_built_from_foreign_words(workflow: Path) -> None:
    assert [s["run"] for s in steps(workflow) if FOREIGN.search(s.get("run", ""))] == []


def test_the_verbs_they_call_are_in_the_makefile(workflow: Path) -> None:
    verbs = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    lines = [line for s in steps(workflow) for line in s.get("run", "").splitlines()]
    called = {v for line in lines if line.startswith("make ") for v in line.split()[1:]}
    assert {verb for verb in called if "=" not in verb} <= verbs


def test_the_files_they_name_are_there(workflow: Path) -> None:
    """Paths of this repository in scripts."""
    named = re.findall(
        r"(?:requirements|deploy|\.ci)/[\w./-]+|Dockerfile\.\w+|CHANGELOG\.md",
        "\n".join(step.get("run", "") for step in steps(workflow)),
    )
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_no_job_stands_twice(workflow: Path) -> None:
    """Of two jobs of one name YAML keeps the second, and says nothing."""
    _, jobs = workflow.read_text().split("\njobs:\n")
    names = re.findall(r"^  ([\w-]+):$", jobs, re.MULTILINE)
    assert sorted(names) == sorted(set(names))
