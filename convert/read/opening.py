"""Open what the user named: the model, and the pipeline steps that can be converted with it."""

from dataclasses import replace
from pathlib import Path

from ..errors import OptionError
from ..model.calibrator import Calibrator, Takes
from .calibrating import BARE, read_calibrator
from .classes import LIGHTGBM, Labels, listing, matching
from .loading import Loaded, load
from .mlflow import Described, model_file
from .names import as_known
from .sklearn_pipeline import Carried, load_skops, load_trusted
from .sklearn_steps import STEPS
from .skops_file import is_skops

SHOWN = 8


def open_model(
    path: Path, num_iteration: int | None = None, trust_pickle: bool = False
) -> tuple[Loaded, Carried | None]:
    """Open a model file or an MLflow folder.

    Pipeline steps are converted too if the file is a skops file or a pickle that the user trusts.
    Raises ConvertError.
    """
    found = model_file(path)
    skops = is_skops(found.file)
    if not skops and not trust_pickle:
        return _as_known(load(path, num_iteration), found), None
    if num_iteration is not None:
        raise OptionError("--num-iteration does not work with skops files and --trust-pickle")
    loaded, carried = load_skops(found) if skops else load_trusted(found)
    return (_as_known(loaded, found) if carried is None else loaded), carried


def _as_known(loaded: Loaded, found: Described) -> Loaded:
    """Restore feature names, from the signature or from what scikit-learn was fitted on."""
    loaded = as_known(loaded, found.names or (), "the MLflow signature")
    return as_known(loaded, loaded.known_names, "feature_names_in_")


def open_alone(path: Path) -> Loaded:
    """Open a model without pipeline steps; raises OptionError if it has any."""
    loaded, carried = open_model(path)
    if carried is not None:
        raise OptionError(f"{path}: a pipeline; this command supports boosters only")
    return loaded


def with_calibrator(
    loaded: Loaded, model: Path, file: Path | None, takes: Takes | None,
    of: str | None, bad: str | None,
) -> Loaded:  # fmt: skip
    """Add the calibrator in `file` to the model, or settle what the model's own calibrator takes.

    `of` is the class that its probability is of, `bad` the class that is refused. Raises
    ConvertError.
    """
    calibrator, others = loaded.calibrator, loaded.others
    if file is not None:
        if calibrator is not None:
            raise OptionError("--calibrator: the model already has a calibrator")
        calibrator = read_calibrator(file, takes)
        if file.resolve() == model.resolve():
            others = tuple(each for each in others if each.short not in BARE)
    if calibrator is None:
        if takes is not None:
            raise OptionError("--calibrator-takes: there is no calibrator")
        if of is not None:
            raise OptionError("--calibrator-of: there is no calibrator")
        return loaded
    calibrator = replace(calibrator, takes=takes or calibrator.takes)
    classes = _answered(calibrator, loaded.classes, of, bad)
    return replace(loaded, calibrator=calibrator, others=others, classes=classes)


def _answered(
    calibrator: Calibrator, boosters: Labels | None, of: str | None, bad: str | None
) -> Labels | None:
    """Return the classes, with that of the calibrated probability last; raises OptionError."""
    known, own = boosters or LIGHTGBM, calibrator.classes
    if boosters is None and own is not None and own != known:
        if of is not None:
            raise OptionError(
                f"--calibrator-of: the calibrator names its own classes, {listing(own)}"
            )
        return own
    if of is None:
        _check_said(calibrator, boosters, bad)
        return own or boosters
    chosen = matching(known, of)
    if chosen is None:
        raise OptionError(f"--calibrator-of {of}: wanted one of {listing(known)}")
    if calibrator.curve.falls == (chosen == known[-1]):
        raise OptionError(
            f"a calibrator of {chosen!r} was not fitted on the booster's score, which is of "
            f"{known[-1]!r}: fit it on that score"
        )
    return known[::-1] if calibrator.curve.falls else known


def _check_said(calibrator: Calibrator, boosters: Labels | None, bad: str | None) -> None:
    """Raise OptionError if the user has to say which class the calibrator is about."""
    known = boosters or LIGHTGBM
    if calibrator.curve.falls:
        raise OptionError(
            "the calibrator falls: the higher the score, the lower its probability. If that "
            f"probability is of {known[0]!r}, say so with --calibrator-of {known[0]}"
        )
    same = boosters is None or calibrator.capped or calibrator.classes == boosters
    if not same and (bad is None or matching(known, bad) != known[-1]):
        raise OptionError(
            f"the classes are {listing(known)}: say with --calibrator-of CLASS which one the "
            "calibrator's probability is of"
        )


def uncarried(loaded: Loaded) -> str:
    """Describe what is around the booster and not converted, and what the user can do."""
    told = "; ".join(map(str, loaded.uncarried[:SHOWN]))
    more = f" and {len(loaded.uncarried) - SHOWN} more" if len(loaded.uncarried) > SHOWN else ""
    if all(each.place.startswith("[") for each in loaded.uncarried):
        way = (
            "The file is a dict or a list, which does not say how its parts work together: save "
            "one Pipeline with all steps to convert them too (with --trust-pickle)"
        )
    else:
        way = f"--trust-pickle, if the file is your own, converts {', '.join(STEPS)} too"
    return (
        f"may change the answer and is not converted: {told}{more}. {way}; --calibrator FILE adds "
        f"an {' or '.join(BARE[:2])}; --booster-alone converts only the booster: send it "
        "transformed rows, and its answers are the booster's"
    )
