"""The Kubernetes Job over a folder of parts: its pods as processes, and drift over the result."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.conftest import ROOT, Trained, environment
from tests.manifests import DEPLOY, documents, kustomized

JOB = DEPLOY / "portfolio" / "job.yaml"


@pytest.fixture(scope="module")
def source(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("book")
    for part in range(10):
        rows = trained.held_out[part * 100 : part * 100 + 100].assign(part=part)
        rows.to_parquet(folder / f"part-{part:02}.parquet", index=False)
    return folder


def pods(job: dict[str, Any], placed: dict[str, Path]) -> list[list[str]]:
    """Return the arguments of each pod, as the kubelet fills them in, with our own paths."""
    (container,) = job["spec"]["template"]["spec"]["containers"]
    mounted = {each["mountPath"] for each in container["volumeMounts"]}
    assert mounted == {"/book", "/scored"}
    found = []
    for index in range(job["spec"]["completions"]):
        filled = [arg.replace("$(JOB_COMPLETION_INDEX)", str(index)) for arg in container["args"]]
        for path, here in placed.items():
            filled = [f"{arg[: -len(path)]}{here}" if arg.endswith(path) else arg for arg in filled]
        found.append(filled)
    return found


def test_the_pods_of_the_job_share_a_folder_and_drift_reads_what_they_wrote(
    bundle: Path, trained: Trained, source: Path, tmp_path: Path
) -> None:
    (job,) = documents(JOB)
    out = tmp_path / "scored"
    placed = {"/models/credit-express/1": bundle, "/scored": out, "/book": source}
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "server", *arguments], cwd=ROOT, env=environment(),
            stderr=subprocess.PIPE, text=True,
        )
        for arguments in pods(job, placed)
    ]  # fmt: skip
    said = [process.communicate()[1] for process in running]
    assert [process.returncode for process in running] == [0] * 4, said
    scored = pq.read_table(out)
    assert scored["part"].to_pylist() == sorted([*range(10)] * 100)
    raw = trained.raw(trained.held_out)
    assert scored["raw_score"].to_numpy().tobytes() == raw.tobytes()
    drift = [sys.executable, "-m", "monitoring", "drift", "--model", str(bundle)]
    done = subprocess.run(
        [*drift, "--current", str(out), "--out", str(tmp_path / "drift")],
        cwd=ROOT, text=True, capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "drift" / "drift.json").read_bytes())
    assert (found["rows"]["current"], found["status"]) == (1000, "stable")


def test_its_pods_may_do_nothing_they_do_not_need_and_the_image_is_named_in_one_place() -> None:
    job = kustomized(JOB.parent)["Job"]["spec"]
    assert job["completionMode"] == "Indexed"
    spec = job["template"]["spec"]
    (container,) = spec["containers"]
    assert container["image"].startswith("registry.example.org/credit-express-portfolio:")
    assert f"--part=$(JOB_COMPLETION_INDEX)/{job['completions']}" in container["args"]
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert spec["securityContext"]["runAsNonRoot"] is True
