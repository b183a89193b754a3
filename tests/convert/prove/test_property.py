"""Random models of random kinds: whatever LightGBM trains is converted exactly.

CONVERT_EXAMPLES sets how many are tried; a nightly run may take thousands.
"""

import os
from typing import Any

from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from convert.prove import synthetic
from convert.prove.fidelity import prove
from convert.prove.kinds import CATEGORICAL, FOREST, Kind

OBJECTIVES = {
    "binary": synthetic.binary,
    "cross_entropy": synthetic.share,
    "cross_entropy_lambda": synthetic.share,
    "regression": synthetic.number,
    "regression_l1": synthetic.number,
    "huber": synthetic.number,
    "fair": synthetic.number,
    "quantile": synthetic.number,
    "mape": synthetic.positive,
    "poisson": synthetic.count,
    "gamma": synthetic.positive,
    "tweedie": synthetic.positive,
    "multiclass": synthetic.classes,
    "multiclassova": synthetic.classes,
    "lambdarank": synthetic.grades,
    "rank_xendcg": synthetic.grades,
}
BOOSTINGS: dict[str, dict[str, Any]] = {
    "gbdt": {},
    "dart": {"boosting": "dart", "drop_rate": 0.5},
    "goss": {"data_sample_strategy": "goss"},
    "rf": FOREST,
}
COLUMNS = [
    synthetic.plain,
    synthetic.missing,
    synthetic.zeros,
    synthetic.around_zero,
    synthetic.infinite,
    synthetic.categories(3),
    synthetic.categories(70),
    synthetic.frame(["a", "b c", "ß"]),
]


@st.composite
def kinds(draw: st.DrawFn) -> Kind:
    objective = draw(st.sampled_from(sorted(OBJECTIVES)))
    columns = draw(st.sampled_from(COLUMNS))
    options: dict[str, Any] = {
        "objective": objective,
        **CATEGORICAL,
        **BOOSTINGS[draw(st.sampled_from(sorted(BOOSTINGS)))],
        "num_leaves": draw(st.integers(2, 40)),
        "max_bin": draw(st.sampled_from([2, 15, 255])),
        "min_data_in_leaf": draw(st.sampled_from([1, 10, 200])),
        "use_missing": draw(st.booleans()),
        "seed": draw(st.integers(0, 1000)),
    }
    if objective.startswith("multiclass"):
        options["num_class"] = 3
    if objective in ("binary", "multiclassova"):
        options["sigmoid"] = draw(st.sampled_from([0.3, 1.0, 2.5]))
    if objective == "regression":
        options["reg_sqrt"] = draw(st.booleans())
    if draw(st.booleans()) and objective in ("regression", "binary", "poisson"):
        options["linear_tree"] = True
    else:
        options["zero_as_missing"] = draw(st.booleans())
    return Kind(
        f"{objective} {options}",
        options,
        OBJECTIVES[objective],
        columns,
        categorical=columns.__qualname__.startswith("categories"),
        rounds=draw(st.integers(1, 8)),
    )


@settings(
    max_examples=int(os.environ.get("CONVERT_EXAMPLES", "40")),
    deadline=None,
    derandomize="CONVERT_EXAMPLES" not in os.environ,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(kinds(), st.integers(0, 10_000))
def test_whatever_lightgbm_trains_is_exact(kind: Kind, seed: int) -> None:
    note(f"{kind.name} {kind.columns.__qualname__} {kind.rounds} rounds, seed {seed}")
    assert prove(kind, seed).differ == 0
