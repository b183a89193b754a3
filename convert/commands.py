"""The commands of `python -m convert`, and what each one prints."""

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

from .bundle.manifest import Identity
from .bundle.repolicy import change_policy
from .bundle.write import check_place, locked, write_bundle
from .compare import comparison
from .conversion import Request, convert
from .errors import OptionError, UnsupportedModelError
from .files import read_file
from .model.features import MissingChoice
from .policy.deciding import describe_policy, warnings
from .policy.policy import Costs
from .policy.scores import PolicyChoice
from .prove import fidelity
from .prove.building import build
from .prove.checking import cases_of, check_all, evidence_of, raw_rows
from .read import inspection
from .read.loading import calibration
from .read.mlflow import signature_types
from .read.names import as_in_rows
from .read.opening import open_alone, open_model, uncarried, with_calibrator
from .reasons.making import ReasonsChoice
from .reasons.template import template


def run_convert(options: argparse.Namespace) -> int:
    """Convert a model and write the bundle; raises ConvertError."""
    identity = Identity(options.name, options.version)
    place = options.out / identity.name / identity.version
    check_place(place, options.force)
    started = time.perf_counter()
    request = Request(
        identity,
        reference=options.reference,
        label=options.label,
        policy=PolicyChoice(options.threshold, _costs(options), options.refer_from),
        missing=MissingChoice.parse(options.missing),
        training=_training(options.training_info),
        exporter=options.exporter,
        bad=options.bad,
        bad_label=options.bad_label,
        categories=tuple(options.categories),
        types=signature_types(options.model),
        reasons=ReasonsChoice(options.reasons, options.reasons_baseline),
    )
    loaded, carried = open_model(options.model, options.num_iteration, options.trust_pickle)
    loaded = with_calibrator(
        loaded, options.model, options.calibrator, options.calibrator_takes,
        options.calibrator_of, options.bad,
    )  # fmt: skip
    if loaded.uncarried and not options.booster_alone:
        raise UnsupportedModelError(f"{options.model}: {uncarried(loaded)}")
    if options.reference is not None and carried is None:
        loaded = as_in_rows(loaded, options.reference)
    for note in (f"read {len(loaded.model.trees)} trees", *loaded.notes, *calibration(loaded)):
        progress(note)
    files = convert(loaded, request, progress, carried)
    with locked(place.parent):
        check_place(place, options.force)
        write_bundle(place, files)
    progress(f"wrote {place} in {time.perf_counter() - started:.1f} s")
    return 0


def run_policy(options: argparse.Namespace) -> int:
    """Rewrite a bundle with another policy; raises OptionError."""
    place = options.bundle.resolve()
    if options.threshold is None and options.reasons is None:
        raise OptionError("wanted --threshold, --reasons or both: what is to change?")
    with locked(place.parent):  # so that no other run's change is lost
        files, found, probability = change_policy(
            place, options.threshold, options.refer_from, options.bad,
            ReasonsChoice(options.reasons), progress,
        )  # fmt: skip
        write_bundle(place, files)
    progress(describe_policy(found, probability, None))
    for warning in warnings(found, probability) if probability is not None else []:
        progress(warning)
    progress(f"wrote {place}, policy {found.version}; reload the server to use it")
    return 0


def run_verify(options: argparse.Namespace) -> int:
    """Compare every model with LightGBM; return 1 if any of them differs."""
    cases = [case for path in options.models for case in cases_of(path, options.rows)]
    return 0 if check_all(cases, lambda _: None) else 1


def progress(message: str) -> None:
    """Print a progress message on stderr."""
    print(message, file=sys.stderr, flush=True)


def _costs(options: argparse.Namespace) -> Costs | None:
    return None if options.cost_fn is None else Costs(options.cost_fn, options.cost_fp)


def _training(path: Path | None) -> dict[str, object]:
    if path is None:
        return {}
    try:
        found = json.loads(read_file(path))
    except (ValueError, RecursionError) as error:
        raise OptionError(f"--training-info {path}: {error}") from error
    if not isinstance(found, dict):
        raise OptionError(f"--training-info {path}: wanted a JSON object")
    return found


def run_inspect(options: argparse.Namespace) -> int:
    """Print what is inside a model."""
    loaded, carried = open_model(options.model)
    if options.reasons_template:
        print(template(build(loaded, MissingChoice(), carried).features), end="")
        return 0
    found = inspection.inspect(loaded)
    as_json = json.dumps(found.as_dict(), indent=1, ensure_ascii=False)
    print(as_json if options.json else inspection.render(found))
    return 0


def run_compare(options: argparse.Namespace) -> int:
    """Print how the exporters compare with LightGBM on one model."""
    loaded = open_alone(options.model)
    built = build(loaded, MissingChoice(), evidence=evidence_of(options.rows, loaded))
    reference = raw_rows(options.rows, built) if options.rows else None
    lines = comparison.compare(built, reference, options.threshold)
    as_json = json.dumps([line.as_dict() for line in lines], indent=1)
    print(as_json if options.json else comparison.render(lines, options.threshold))
    return 0


def run_fidelity(options: argparse.Namespace) -> int:
    """Write the fidelity table; raises MismatchError if any kind of model differs."""
    cases = [case for path in options.models for case in cases_of(path, None)]
    fidelity.write(options.out, fidelity.measure(cases))
    return 0


COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "convert": run_convert,
    "policy": run_policy,
    "verify": run_verify,
    "compare": run_compare,
    "inspect": run_inspect,
    "fidelity": run_fidelity,
}
