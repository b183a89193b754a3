"""A calibrated bundle on every path that answers: HTTP, OIP, a file, and the replay."""

import json
import pickle
import subprocess
import sys
from pathlib import Path

import httpx
import lightgbm
import numpy as np
import pandas as pd
import pytest
from sklearn.calibration import CalibratedClassifierCV

from server.bundle.calibrator import Isotonic, Sigmoid
from server.bundle.manifest import BundleError, Transform
from server.bundle.transform import scalar
from tests.conftest import ROOT, Serve, convert

RNG = np.random.default_rng(8)
FRAME = pd.DataFrame(RNG.normal(size=(600, 3)), columns=["income", "age", "debt"])
BAD = (FRAME.debt - FRAME.income + RNG.normal(size=600) > 0.8).astype(int)
MODEL = CalibratedClassifierCV(
    lightgbm.LGBMClassifier(n_estimators=10, num_leaves=6, verbosity=-1, n_jobs=1),
    method="isotonic", ensemble=False, cv=3,
).fit(FRAME, BAD)  # fmt: skip
P = MODEL.predict_proba(FRAME)[:, 1]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("calibrated")
    (folder / "m.pkl").write_bytes(pickle.dumps(MODEL))
    FRAME.assign(bad=BAD).to_parquet(folder / "rows.parquet")
    arguments = ["--name", "m", "--version", "1", "--out", str(folder / "models"), "--bad", "1"]
    rows = ["--reference", str(folder / "rows.parquet"), "--label", "bad"]
    convert(folder / "m.pkl", *arguments, *rows, "--missing", "zero", "--threshold", "0.3")
    return folder / "models/m/1"


def test_every_path_answers_the_calibrated_probability(
    bundle: Path, serve: Serve, tmp_path: Path
) -> None:
    (tmp_path / "log").mkdir()
    applicants = FRAME.head(50).to_dict("records")
    with serve(bundle, tmp_path / "log") as server, httpx.Client(base_url=server.url) as client:
        one = [client.post("/score", json=each).json()["probability"] for each in applicants[:10]]
        many = [each["probability"] for each in client.post("/score", json=applicants).json()]
        tensor = {
            "name": "X",
            "shape": [50, 3],
            "datatype": "FP64",
            "data": FRAME.head(50).to_numpy().ravel().tolist(),
        }
        oip = client.post("/v2/models/m/infer", json={"inputs": [tensor]}).json()
        assert "outputs" in oip, oip
    assert one == P[:10].tolist()
    assert many == P[:50].tolist()
    named = {each["name"]: each["data"] for each in oip["outputs"]}
    assert named["prediction"] == P[:50].tolist()
    replay = [sys.executable, "-m", "monitoring", "replay", "--log", str(tmp_path / "log")]
    done = subprocess.run(
        [*replay, "--models", str(bundle.parents[1])], cwd=ROOT, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_file_is_scored_with_the_calibrated_probability(bundle: Path, tmp_path: Path) -> None:
    FRAME.to_parquet(tmp_path / "rows.parquet")
    command = [sys.executable, "-m", "server", "score", "--model", str(bundle)]
    subprocess.run(
        [*command, str(tmp_path / "rows.parquet"), "-o", str(tmp_path / "out.parquet")],
        cwd=ROOT, check=True, capture_output=True,
    )  # fmt: skip
    scored = pd.read_parquet(tmp_path / "out.parquet")
    assert scored.probability.to_numpy().tobytes() == P.tobytes()


def test_the_manifest_holds_the_curve_as_data(bundle: Path) -> None:
    found = json.loads((bundle / "manifest.json").read_bytes())["transform"]
    curve = MODEL.calibrated_classifiers_[0].calibrators[0]
    assert found["calibrator"] == {
        "kind": "isotonic",
        "x": curve.X_thresholds_.tolist(),
        "y": curve.y_thresholds_.tolist(),
        "takes": "raw",
        "capped": True,
    }


@pytest.mark.parametrize(
    "spec",
    [
        Transform("sigmoid", calibrator=Isotonic((), ())),
        Transform("sigmoid", calibrator=Isotonic((0.0, 1.0), (0.5,))),
        Transform("sigmoid", calibrator=Isotonic((0.0, 0.0), (0.5, 0.6))),
        Transform("sigmoid", calibrator=Isotonic((1.0, 0.0), (0.5, 0.6))),
        Transform("softmax", calibrator=Sigmoid(1.0, 0.0)),
        Transform("identity", calibrator=Sigmoid(1.0, 0.0)),
    ],
)
def test_a_calibrator_that_contradicts_itself_is_refused(spec: Transform) -> None:
    with pytest.raises(BundleError, match="calibrator"):
        scalar(spec)
