"""What LightGBM's scikit-learn estimator does beside its booster."""

from typing import Any

EARLY = "pred_early_stop"
NOT_SHARES = "scores are not the share of bad applicants among the scored"
TOLD = (
    f"the estimator has {EARLY}: its predict_proba leaves trees out where a margin is reached, and "
    "gives other answers than here, where all trees are added, as in Booster.predict"
)


def notes_on(state: dict[str, Any]) -> tuple[str, ...]:
    """Say what an estimator in this state does that its booster's text does not tell."""
    weights = state.get("class_weight")
    weighted = f"trained with class_weight: {NOT_SHARES}"
    return ((TOLD,) if predicts_otherwise(state) else ()) + ((weighted,) if weights else ())


def predicts_otherwise(state: dict[str, Any]) -> bool:
    """Whether an estimator in this state predicts otherwise than its booster."""
    options = state.get("_other_params")
    value = options.get(EARLY) if isinstance(options, dict) else None
    return str(value).lower() in ("true", "+")
