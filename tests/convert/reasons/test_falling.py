"""Reasons behind a falling calibrator: what raises the answer lowers the raw score."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from convert.graph.graph import read_ensemble
from convert.prove.quadrature import Quadrature
from server.bundle.reading import read
from server.scoring.codec import JSON
from server.scoring.model import load
from tests.calibrated import BAD, CLF, FRAME, RAW, P
from tests.converting import convert, written

CURVES: dict[str, Any] = {
    "isotonic": IsotonicRegression(out_of_bounds="clip", increasing=False).fit(P, 1 - BAD),
    "logistic": LogisticRegression().fit(RAW[:, None], 1 - BAD),
}
CUT = 0.35


def converted(curve: str, bad: str, tmp_path: Path) -> Path:
    """Return a bundle whose calibrator is of class 0: it falls; refused is the class `bad`."""
    (tmp_path / "m.txt").write_text(CLF.booster_.model_to_string())
    FRAME.to_parquet(tmp_path / "rows.parquet")
    file = written(tmp_path / "calibrator", CURVES[curve], "pickle")
    takes = "raw" if curve == "logistic" else "probability"
    more = ("--calibrator", file, "--calibrator-of", "0", "--calibrator-takes", takes, "--force")
    reasons = ("--reference", tmp_path / "rows.parquet", "--reasons-baseline", "marginal")
    assert (
        convert(tmp_path / "m.txt", tmp_path, *more, *reasons, "--threshold", CUT, "--bad", bad)
        == 0
    )
    return tmp_path / "m/1"


@pytest.mark.parametrize("bad", ["1", "0"])
@pytest.mark.parametrize("curve", CURVES)
def test_reasons_are_what_pushes_the_answered_probability_up(
    curve: str, bad: str, tmp_path: Path
) -> None:
    place = converted(curve, bad, tmp_path)
    model, codes = load(place), read(place).codes
    assert model.reasons is not None
    assert codes is not None
    baseline = np.array(codes.baseline.contributions)
    covers = np.frombuffer((place / "covers.bin").read_bytes(), "<i4").astype(np.int64)
    ensemble = read_ensemble((place / "model.onnx").read_bytes())
    found = Quadrature(ensemble, covers, (0, 1, 2), 3, 1.0).contributions(FRAME.to_numpy())[:, 0]
    lightgbms = np.asarray(CLF.booster_.predict(FRAME, pred_contrib=True))
    assert np.abs(found - lightgbms).max() < 1e-12
    sign = -1.0 if bad == "0" else 1.0  # the raw score is of class 1
    above = sign * (found[:, :-1] - baseline)
    refused = 0
    for row, each in zip(FRAME.to_dict("records"), above, strict=True):
        said = model.score(JSON.encode(row), JSON)
        told = model.reasons.explained(said, "principal", lambda: (), "en").explanation
        wanted = sorted((x for x in each.tolist() if x > 0), reverse=True)
        if said.decision == "refuse":
            refused += 1
            assert told is not None
            assert [reason.contribution for reason in told.reasons or ()] == wanted
            assert each.sum() > 0, "a refused applicant is worse than the marginal ones"
    assert 50 < refused < len(FRAME)
