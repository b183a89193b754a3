"""Behaviour of LightGBM's scikit-learn estimator that its booster's text does not show."""

from typing import Any

EARLY = "pred_early_stop"
NOT_SHARES = "scores are not observed shares of bad applicants"
TOLD = (
    f"the estimator has {EARLY}: its predict_proba skips trees once a margin is reached and so "
    "differs from the bundle, which adds all trees as Booster.predict does"
)


def notes_on(state: dict[str, Any]) -> tuple[str, ...]:
    """Describe what an estimator in this state does that its booster alone does not."""
    weights = state.get("class_weight")
    weighted = f"trained with class_weight: {NOT_SHARES}"
    return ((TOLD,) if predicts_otherwise(state) else ()) + ((weighted,) if weights else ())


def predicts_otherwise(state: dict[str, Any]) -> bool:
    """Whether an estimator in this state gives other predictions than its booster."""
    options = state.get("_other_params")
    value = options.get(EARLY) if isinstance(options, dict) else None
    return str(value).lower() in ("true", "+")
