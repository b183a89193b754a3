"""Reading LightGBM's text; LightGBM says what is right."""

from pathlib import Path

import lightgbm as lgb
import numpy as np
import pytest

from convert.__main__ import main
from convert.model.parse import parse_model


@pytest.mark.parametrize("sign", ["\u0085", "\u2028", "\x0b", "\x1c"])
def test_a_name_may_hold_what_other_programs_take_for_the_end_of_a_line(
    sign: str, tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(500, 2))
    data = lgb.Dataset(X, X[:, 0] > 0, feature_name=["income", f"a{sign}b"])
    options = {"objective": "binary", "verbosity": -1, "num_threads": 1}
    text = lgb.train(options, data, 3).model_to_string()
    wanted = lgb.Booster(model_str=text).feature_name()
    assert list(parse_model(text).feature_names) == wanted
    if sign >= " ":  # the server takes no control characters
        (tmp_path / "m.txt").write_text(text, encoding="utf-8", newline="\n")
        assert main(["verify", str(tmp_path / "m.txt")]) == 0
