"""The image with pyarrow, run as the pods of the Job: at once, read-only, as nobody."""

import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from server.offline.scorer import Scorer
from tests.container import DOCKER, IMAGE
from tests.manifests import DEPLOY, documents

ROOT = Path(__file__).parents[2]
HELD_OUT = ROOT / "models" / "credit-express" / "held-out.parquet"
PORTFOLIO = f"{IMAGE}-portfolio"


@pytest.fixture(scope="module", autouse=True)
def _image() -> None:
    if shutil.which(DOCKER) is None:
        pytest.skip("no docker")
    command = [DOCKER, "image", "inspect", PORTFOLIO]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip(f"no image {PORTFOLIO}: make image-portfolio")


def test_the_containers_of_the_job_share_a_folder(tmp_path: Path) -> None:
    book, scored = tmp_path / "book", tmp_path / "scored"
    book.mkdir()
    scored.mkdir()
    os.chown(scored, 65532, 65532)
    rows = pq.read_table(HELD_OUT)
    for part in range(9):
        pq.write_table(rows.slice(part * 100, 100), book / f"{part}.parquet")
    (job,) = documents(DEPLOY / "portfolio" / "job.yaml")
    (container,) = job["spec"]["template"]["spec"]["containers"]
    options = [
        "run", "--rm", "--network=none", "--read-only", "--cap-drop=ALL", "--user=65532:65532",
        "--security-opt=no-new-privileges", f"--volume={book}:/book:ro",
        f"--volume={scored}:/scored",
    ]  # fmt: skip

    def pod(index: int) -> "subprocess.CompletedProcess[str]":
        filled = [each.replace("$(JOB_COMPLETION_INDEX)", str(index)) for each in container["args"]]
        command = [DOCKER, *options, PORTFOLIO, *filled]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(pod, range(job["spec"]["completions"])))
    assert [each.returncode for each in done] == [0] * 4, [each.stderr for each in done]
    found = pq.read_table(scored)
    wanted = Scorer.load(ROOT / "models" / "credit-express" / "1").score(rows.slice(0, 900))
    assert found["raw_score"].to_numpy().tobytes() == wanted["raw_score"].to_numpy().tobytes()
