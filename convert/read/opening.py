"""What the user named, opened: the model, and the pipeline steps that can come along."""

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
    """Open a model by its file's form, in an MLflow folder or alone.

    Steps come along from skops files and from pickles the user trusts. Raises ConvertError by its
    kinds.
    """
    found = model_file(path)
    skops = is_skops(found.file)
    if not skops and not trust_pickle:
        return _as_known(load(path, num_iteration), found), None
    if num_iteration is not None:
        raise OptionError("--num-iteration goes with models that are read, not loaded")
    loaded, carried = load_skops(found) if skops else load_trusted(found)
    return (_as_known(loaded, found) if carried is None else loaded), carried


def _as_known(loaded: Loaded, found: Described) -> Loaded:
    """Undo LightGBM's change of names, by the signature or by what scikit-learn was fitted on."""
    loaded = as_known(loaded, found.names or (), "the MLflow signature")
    return as_known(loaded, loaded.known_names, "feature_names_in_")


def open_alone(path: Path) -> Loaded:
    """Open a model without steps; raises OptionError where steps came along."""
    loaded, carried = open_model(path)
    if carried is not None:
        raise OptionError(f"{path}: a pipeline; this command takes the booster alone")
    return loaded


def with_calibrator(
    loaded: Loaded, model: Path, file: Path | None, takes: Takes | None,
    of: str | None, bad: str | None,
) -> Loaded:  # fmt: skip
    """Put the calibrator of `file` behind the model, or say what its own takes.

    `of` says which class its probability is of, `bad` which one is refused. Raises ConvertError.
    """
    calibrator, others = loaded.calibrator, loaded.others
    if file is not None:
        if calibrator is not None:
            raise OptionError("--calibrator: the model brings a calibrator of its own")
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
    """Return the classes, that of the calibrated probability last; raises OptionError."""
    known, own = boosters or LIGHTGBM, calibrator.classes
    if boosters is None and own is not None and own != known:
        if of is not None:
            raise OptionError(f"--calibrator-of: it names its own classes, {listing(own)}")
        return own
    if of is None:
        _check_said(calibrator, boosters, bad)
        return own or boosters
    chosen = matching(known, of)
    if chosen is None:
        raise OptionError(f"--calibrator-of {of}: wants one of {listing(known)}")
    if calibrator.curve.falls == (chosen == known[-1]):
        raise OptionError(
            f"a calibrator of {chosen!r} was not fitted on what the booster gives, the score of "
            f"{known[-1]!r}: fit it on that one"
        )
    return known[::-1] if calibrator.curve.falls else known


def _check_said(calibrator: Calibrator, boosters: Labels | None, bad: str | None) -> None:
    """Raise OptionError where somebody has to say which class the calibrator is about."""
    known = boosters or LIGHTGBM
    if calibrator.curve.falls:
        raise OptionError(
            "the calibrator falls: the higher the score, the lower its probability. If that is of "
            f"{known[0]!r}, --calibrator-of {known[0]} says so"
        )
    same = boosters is None or calibrator.capped or calibrator.classes == boosters
    if not same and (bad is None or matching(known, bad) != known[-1]):
        raise OptionError(
            f"the classes are {listing(known)}: --calibrator-of CLASS says which one the "
            "calibrator is about"
        )


def uncarried(loaded: Loaded) -> str:
    """Say what stands around a booster and does not come along, and what can be done about it."""
    told = "; ".join(map(str, loaded.uncarried[:SHOWN]))
    more = f" and {len(loaded.uncarried) - SHOWN} more" if len(loaded.uncarried) > SHOWN else ""
    return (
        f"may change the answer and is not carried: {told}{more}. --trust-pickle carries "
        f"{', '.join(STEPS)}, if the file is your own; --calibrator FILE carries "
        f"{' or '.join(BARE[:2])}; --booster-alone leaves it out: rows must "
        "then arrive transformed, and answers are the booster's"
    )
