"""Read a calibrator, from scikit-learn's objects or from the data of a pickle that is not executed.

Both have the same attribute names. The comparison uses scikit-learn's own classes as the oracle.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import MismatchError, OptionError, UnreadableModelError, UnsupportedModelError
from ..files import read_file, unpacked
from ..library_errors import LIBRARY_ERRORS, describe_error
from ..model.bits import differs
from ..model.calibrator import NEARLY_ONE, Calibrator, Isotonic, Sigmoid, Takes
from ..model.oracle import Oracle
from ..model.tree import Floats
from .classes import Labels, plain
from .pickled import PickledObject, dtype_of, number_of, values_of
from .skops_file import build_skops, is_skops
from .surroundings import ForeignClass, Surroundings, surroundings

BARE = ("IsotonicRegression", "LogisticRegression", "_SigmoidCalibration")
WRAPPER = "CalibratedClassifierCV"
# Since 4.7 LightGBM's estimator has `decision_function`, which CalibratedClassifierCV prefers, and
# this attribute.
SINCE_4_7 = "_fitted_with_feature_names"
# Numbers a calibrator is compared on, besides its points and their neighbours.
TRIED = np.concatenate([np.linspace(0.0, 1.0, 2_001), np.linspace(-40.0, 40.0, 2_001)])


def kind_of(found: Any) -> str:
    """Return the class name of an object, or of what a pickle would make."""
    name = found.name if isinstance(found, PickledObject) else type(found).__name__
    return str(name).rpartition(".")[2]


def state_of(found: Any) -> dict[str, Any]:
    """Return the attributes of an object, or of what a pickle would make."""
    state = found.state if isinstance(found, PickledObject) else vars(found)
    return state if isinstance(state, dict) else {}


def unwrapped(found: Any) -> tuple[Calibrator, Any]:
    """Take a CalibratedClassifierCV apart: return its calibrator and the estimator inside.

    Raises UnsupportedModelError for several models or classes, and for other methods.
    """
    inner = _items(state_of(found)["calibrated_classifiers_"])
    if len(inner) != 1:
        raise UnsupportedModelError(
            f"{WRAPPER} over {len(inner)} models: an average of several is not supported; fit it "
            "with ensemble=False, or on a FrozenEstimator"
        )
    state = state_of(inner[0])
    curves = _items(state["calibrators"])
    if len(curves) != 1 or kind_of(curves[0]) not in BARE:
        what = ", ".join(dict.fromkeys(map(kind_of, curves)))
        raise UnsupportedModelError(
            f"{WRAPPER} with {len(curves)} of {what}: wanted one sigmoid or isotonic curve"
        )
    curve, estimator = curve_of(curves[0], NEARLY_ONE), state["estimator"]
    later = state_of(found).get("cv") == "prefit"
    takes = _fitted_on(curve, estimator, later)
    return Calibrator(curve, takes, capped=True), estimator


def _classes(found: Any) -> Labels | None:
    """Return the classes a calibrator was fitted on; None for a bare curve, which knows none."""
    listed = state_of(found).get("classes_")
    if listed is None:
        return None
    values = listed.tolist() if isinstance(listed, np.ndarray) else values_of(listed)
    if values is None:
        raise UnreadableModelError(f"the classes of a {kind_of(found)} cannot be read")
    return plain(values)


def _fitted_on(curve: Sigmoid | Isotonic, estimator: Any, later: bool) -> Takes | None:
    """Return what the curve was fitted on: LightGBM's estimator gives the raw score since 4.7.

    If the estimator was fitted earlier, the calibrator may come from a newer version; then the
    curve's points tell, or None is returned.
    """
    while kind_of(estimator) in ("FrozenEstimator", "Pipeline"):
        later |= kind_of(estimator) == "FrozenEstimator"
        state = state_of(estimator)
        estimator = state["steps"][-1][1] if "steps" in state else state["estimator"]
    if SINCE_4_7 in state_of(estimator) or not _may_be_probability(curve):
        return "raw"
    return None if later and isinstance(curve, Sigmoid) else "probability"


def _may_be_probability(curve: Sigmoid | Isotonic) -> bool:
    return isinstance(curve, Sigmoid) or (curve.x[0] >= 0.0 and curve.x[-1] <= 1.0)


def curve_of(found: Any, most: float = 1.0) -> Sigmoid | Isotonic:
    """Read a curve; raises UnsupportedModelError if it is not defined everywhere.

    The same if it gives values outside 0 to `most`, which are not probabilities.
    """
    state, kind = state_of(found), kind_of(found)
    if kind == "_SigmoidCalibration":
        return Sigmoid(number_of(state["a_"]), number_of(state["b_"]))
    if kind == "LogisticRegression":
        return _platt(state)
    kinds = {dtype_of(state["X_thresholds_"]), dtype_of(state["y_thresholds_"])}
    if np.dtype(np.float32) in kinds:
        raise UnsupportedModelError(
            "an IsotonicRegression fitted on float32 gives float32: fit it on float64"
        )
    x, y = _floats(state["X_thresholds_"]), _floats(state["y_thresholds_"])
    if state["out_of_bounds"] != "clip":
        raise UnsupportedModelError(
            f"an IsotonicRegression with out_of_bounds={state['out_of_bounds']!r} has no value "
            f"outside {x[0]} to {x[-1]}: wanted 'clip'"
        )
    steps = np.diff(x)
    if not len(x) or len(x) != len(y) or not (steps > 0).all() or not np.isfinite([*x, *y]).all():
        raise UnreadableModelError("an IsotonicRegression with damaged points")
    if min(y) < 0.0 or max(y) > most:
        raise UnsupportedModelError(
            f"an IsotonicRegression that gives {min(y)} to {max(y)}: wanted probabilities, 0 to 1"
        )
    return Isotonic(x, y)


def _platt(state: dict[str, Any]) -> Sigmoid:
    slopes, offsets = _floats(state["coef_"]), _floats(state["intercept_"])
    if len(slopes) != 1 or len(offsets) != 1:
        raise UnsupportedModelError(
            f"a LogisticRegression of {len(slopes)} columns; a calibrator has one column, the score"
        )
    return Sigmoid(-slopes[0], -offsets[0])


def _items(found: Any) -> list[Any]:
    if not isinstance(found, list | tuple):
        raise UnreadableModelError(f"{WRAPPER}: wanted a list, got {type(found).__name__}")
    return list(found)


def _floats(found: Any) -> tuple[float, ...]:
    values = found.ravel().tolist() if isinstance(found, np.ndarray) else values_of(found)
    if values is None or not all(isinstance(value, float) for value in values):
        raise UnreadableModelError("a calibrator with damaged numbers")
    return tuple(values)


def read_calibrator(path: Path, takes: Takes | None) -> Calibrator:
    """Read the one calibrator in a skops file or a pickle, executing nothing of it.

    `takes` says whether it was fitted on the probability or the raw score; without it the curve's
    points tell, if they can. Raises ConvertError.
    """
    content = read_file(path)
    try:
        found = [build_skops(path)] if is_skops(path) else _bare(unpacked(content))
        if len(found) != 1 or kind_of(found[0]) not in BARE:
            named = ", ".join(map(kind_of, found)) or "none"
            raise OptionError(f"--calibrator {path}: wanted one of {', '.join(BARE)}, got {named}")
        curve, classes = curve_of(found[0]), _classes(found[0])
    except LIBRARY_ERRORS as error:
        raise UnreadableModelError(
            f"--calibrator {path}: damaged: {describe_error(error)}"
        ) from error
    if takes is None and isinstance(curve, Isotonic):
        takes = "probability" if _may_be_probability(curve) else "raw"
    return Calibrator(curve, takes, classes=classes)


def calibrated(known: Surroundings) -> tuple[Calibrator | None, tuple[ForeignClass, ...]]:
    """Return the calibrator around a pickled booster, and all other libraries' classes in the file.

    Raises UnsupportedModelError if the calibrator cannot be converted.
    """
    around = [each for each in known.others if each.short == WRAPPER and each.role == "around"]
    if not around:
        return None, known.others
    if len(around) > 1:
        raise UnsupportedModelError(f"{len(around)} nested {WRAPPER}")
    place = around[0].place
    try:
        calibrator, _ = unwrapped(known.things[place])
    except LIBRARY_ERRORS as error:
        raise UnreadableModelError(f"{WRAPPER}: damaged: {describe_error(error)}") from error
    carried = {WRAPPER, "_CalibratedClassifier", *BARE}
    return calibrator, tuple(
        replace(each, role="carried")
        if each.short in carried and each.place.startswith(place)
        else each
        for each in known.others
    )


def _bare(content: bytes) -> list[Any]:
    things = surroundings(content).things.values()
    return [thing for thing in things if kind_of(thing) in BARE]


def with_calibrator(oracle: Oracle, calibrator: Calibrator) -> Oracle:
    """Return an oracle whose predictions go through scikit-learn's own calibrator."""
    own, of_raw = sklearns_own(calibrator), calibrator.takes == "raw"
    return oracle.answering(lambda X, prediction: own(oracle.raw(X) if of_raw else prediction))


def sklearns_own(calibrator: Calibrator) -> Callable[[Floats], Floats]:
    """Return scikit-learn's calibrator with the same numbers: a function from `[N, 1]` to
    `[N, 1]`.
    """
    from sklearn.calibration import _SigmoidCalibration
    from sklearn.isotonic import IsotonicRegression

    curve, made = calibrator.curve, _SigmoidCalibration()
    if isinstance(curve, Sigmoid):
        made.a_, made.b_ = np.float64(curve.a), np.float64(curve.b)
    else:
        made = IsotonicRegression(out_of_bounds="clip")
        x, y = np.array(curve.x), np.array(curve.y)
        made.X_min_, made.X_max_, made.X_thresholds_ = x[0], x[-1], x
        made._build_f(x, y)

    def predict(x: Floats) -> Floats:
        found = made.predict(x.ravel()).reshape(x.shape)
        if calibrator.capped:
            found[(found > 1.0) & (found <= NEARLY_ONE)] = 1.0
        return np.asarray(found, dtype=np.float64)

    return predict


def check_calibrator(calibrator: Calibrator) -> int:
    """Compare with scikit-learn at, beside and between all points; return the number of values.

    Raises MismatchError for a single differing bit.
    """
    knots = np.array(calibrator.curve.x if isinstance(calibrator.curve, Isotonic) else [])
    beside = [np.nextafter(knots, np.inf), np.nextafter(knots, -np.inf)]
    between = (knots[1:] + knots[:-1]) / 2
    tried = np.concatenate([knots, *beside, between, TRIED])[:, None]
    found, wanted = calibrator.apply(tried, tried), sklearns_own(calibrator)(tried)
    wrong = differs(found, wanted)
    if wrong.any():
        at = int(np.flatnonzero(wrong)[0])
        raise MismatchError(
            f"the calibrator at {tried[at, 0]!r}: {found[at, 0]!r}, scikit-learn {wanted[at, 0]!r}"
        )
    return len(tried)
