"""The commands of `python -m convert`: their options, and what each one prints."""

import argparse
import json
import math
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path

from .bundle.manifest import Identity
from .bundle.repolicy import change_policy
from .bundle.write import alone, check_place, write_bundle
from .compare import comparison
from .compare.approximate import APPROXIMATE
from .conversion import Request, convert
from .errors import OptionError, UnsupportedModelError
from .files import read_file
from .model.features import MissingChoice
from .policy.deciding import told, warnings
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

CONVERT_HELP = """examples:
  python -m convert model.txt --name credit-express --version 1 --out models \\
      --reference holdout.parquet --label default --cost-fn 10 --cost-fp 1
  python -m convert model.pkl ... --bad default --threshold 0.2   name the class to refuse
  python -m convert policy BUNDLE --threshold .18   change the threshold, keep the model
  python -m convert inspect model.txt         show what is inside and what looks wrong
  python -m convert compare model.txt         compare exporters (exact, float32, onnxmltools)
  python -m convert verify model.txt          compare with LightGBM, write nothing

The first example writes models/credit-express/1/, but only if every row tried scores exactly as
LightGBM scores it."""
POLICY_HELP = """examples:
  python -m convert policy models/credit-express/1 --threshold 0.18
  python -m convert policy models/credit-express/1 --threshold 0.18 --refer-from 0.12

The bundle is replaced in one step. To serve it, send the server SIGHUP, or POST /models/reload to
its admin port."""
VERIFY_HELP = """examples:
  python -m convert verify model.txt model.pkl mlflow-folder/
  python -m convert verify model.txt --rows holdout.csv"""
MODEL_HELP = "LightGBM text model, .pkl or .joblib (not executed), .skops, or MLflow folder"
CALIBRATOR_HELP = "file with an IsotonicRegression or LogisticRegression fitted on the scores"
TAKES_HELP = "what the calibrator was fitted on: LightGBM's probability or its raw score"
OF_HELP = "the class whose probability the calibrator gives, if the file does not tell"
ALONE_HELP = "convert only the booster: you transform the rows and the answers yourself"
TRUST_HELP = "unpickle MODEL, which may run any code in it, to convert its pipeline's steps too"
MODELS_HELP = "more models whose contributions are compared, or a .json list of cases"
ROWS_HELP = "real rows (CSV, Parquet or Arrow); default: rows drawn from the ranges in training"
BAD_HELP = "the class to refuse, whose probability is answered; spelled as in the labels"
LABEL_HELP = "the label of a bad applicant in that column (default: the class of --bad, or 1)"
REFUSE_HELP = "refuse from this probability on"
THRESHOLD_HELP = f"{REFUSE_HELP}; without it and without costs, nothing is decided"
CATEGORIES_HELP = "columns that were of dtype category in training, if the model does not tell"
REFER_HELP = "refer to a person from this probability on, up to the threshold"
EXPORTER_HELP = "float32 and onnxmltools are NOT exact; their differences are counted and recorded"
MISSING_HELP = "how to score a missing number if no split was trained on one (default: error)"

Command = tuple[Callable[[], argparse.ArgumentParser], Callable[[argparse.Namespace], int]]


def _number(option: str) -> Callable[[str], float]:
    """Return the parser of an option's number: it explains a decimal comma."""

    def parse(text: str) -> float:
        try:
            return float(text)
        except ValueError as error:
            comma = re.fullmatch(r"\d*,\d+", text)
            hint = f": write {text.replace(',', '.')}" if comma else ""
            raise OptionError(f"{option}: wanted a number, got {text!r}{hint}") from error

    return parse


def _parser(command: str, description: str, epilog: str) -> argparse.ArgumentParser:
    return argparse.ArgumentParser(
        prog=f"python -m convert{command}",
        description=description,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def convert_parser() -> argparse.ArgumentParser:
    """Return the argument parser of the conversion itself."""
    about = "Convert a LightGBM model into a bundle that scores exactly as LightGBM does."
    made = _parser("", about, CONVERT_HELP)
    add = made.add_argument
    add("model", type=Path, help=MODEL_HELP)
    add("--name", required=True, help="the bundle's name: letters, digits, dot, dash, underscore")
    add("--version", required=True, help="the bundle's version: the same characters")
    add("--out", type=Path, required=True, help="folder of models; writes OUT/NAME/VERSION")
    add("--force", action="store_true", help="replace an existing bundle")
    add(
        "--reference",
        type=Path,
        metavar="ROWS",
        help="held-out rows to measure drift against (CSV, Parquet or Arrow, columns by name)",
    )
    add("--label", metavar="COLUMN", help="the label column in ROWS: classes, or 1 for bad")
    add("--bad-label", metavar="VALUE", help=LABEL_HELP)
    add("--bad", "--positive", dest="bad", metavar="CLASS", help=BAD_HELP)
    add(
        "--threshold",
        type=_number("--threshold"),
        metavar="T",
        help=THRESHOLD_HELP,
    )
    add(
        "--cost-fn",
        type=_number("--cost-fn"),
        metavar="C",
        help="cost of approving a bad applicant; chooses T by cost",
    )
    add(
        "--cost-fp",
        type=_number("--cost-fp"),
        metavar="C",
        help="cost of refusing a good applicant",
    )
    add("--refer-from", type=_number("--refer-from"), metavar="P", help=REFER_HELP)
    add("--missing", default="error", metavar="error|zero|impute=VALUE", help=MISSING_HELP)
    add("--exporter", choices=("exact", *APPROXIMATE), default="exact", help=EXPORTER_HELP)
    add("--trust-pickle", action="store_true", help=TRUST_HELP)
    add("--calibrator", type=Path, metavar="FILE", help=CALIBRATOR_HELP)
    add("--calibrator-takes", choices=("probability", "raw"), help=TAKES_HELP)
    add("--calibrator-of", metavar="CLASS", help=OF_HELP)
    add("--booster-alone", action="store_true", help=ALONE_HELP)
    add("--num-iteration", type=int, metavar="N", help="use only the first N boosting rounds")
    add("--categories", nargs="+", default=[], metavar="COLUMN", help=CATEGORIES_HELP)
    add(
        "--training-info",
        type=Path,
        metavar="JSON",
        help="file with a JSON object to store as the manifest's `training`",
    )
    return made


def run_convert(options: argparse.Namespace) -> int:
    """Convert a model and write the bundle; raises ConvertError."""
    identity = Identity(_word("--name", options.name), _word("--version", options.version))
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
    with alone(place.parent):
        check_place(place, options.force)
        write_bundle(place, files)
    progress(f"wrote {place} in {time.perf_counter() - started:.1f} s")
    return 0


def policy_parser() -> argparse.ArgumentParser:
    """Return the argument parser of `policy`."""
    about = "Change a bundle's threshold: same model, same scores, a new policy version."
    made = _parser(" policy", about, POLICY_HELP)
    add = made.add_argument
    add("bundle", type=Path, help="the bundle's folder, models/NAME/VERSION")
    add("--threshold", type=_number("--threshold"), metavar="T", required=True, help=REFUSE_HELP)
    add("--refer-from", type=_number("--refer-from"), metavar="P", help=REFER_HELP)
    add("--bad", "--positive", dest="bad", metavar="CLASS", help=BAD_HELP)
    return made


def run_policy(options: argparse.Namespace) -> int:
    """Rewrite a bundle with another policy; raises OptionError."""
    place = options.bundle.resolve()
    with alone(place.parent):  # so that no other run's change is lost
        files, found, probability = change_policy(
            place, options.threshold, options.refer_from, options.bad
        )
        write_bundle(place, files)
    progress(told(found, probability, None))
    for warning in warnings(found, probability) if probability is not None else []:
        progress(warning)
    progress(f"wrote {place}, policy {found.version}; reload the server to use it")
    return 0


def verify_parser() -> argparse.ArgumentParser:
    """Return the argument parser of `verify`."""
    made = _parser(" verify", "Compare conversions with LightGBM; write nothing.", VERIFY_HELP)
    made.add_argument("models", type=Path, nargs="+", help=f"{MODEL_HELP}, or a .json list of them")
    made.add_argument(
        "--rows", type=Path, help="further rows to compare on (CSV, Parquet or Arrow)"
    )
    return made


def run_verify(options: argparse.Namespace) -> int:
    """Compare every model with LightGBM; return 1 if any of them differs."""
    cases = [case for path in options.models for case in cases_of(path, options.rows)]
    return 0 if check_all(cases, lambda _: None) else 1


def progress(message: str) -> None:
    """Print a progress message on stderr."""
    print(message, file=sys.stderr, flush=True)


def _word(option: str, value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9._-]*", value):
        raise OptionError(f"{option} wants letters, digits, dots, dashes, got {value!r}")
    return value


def _costs(options: argparse.Namespace) -> Costs | None:
    given = (options.cost_fn, options.cost_fp)
    if given == (None, None):
        return None
    if None in given or not all(0 < cost < math.inf for cost in given):
        raise OptionError("--cost-fn and --cost-fp: give both, as numbers above 0")
    if options.threshold is not None:
        raise OptionError("give either --threshold, or --cost-fn and --cost-fp, not both")
    return Costs(*given)


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


def inspect_parser() -> argparse.ArgumentParser:
    """Return the argument parser of `inspect`."""
    about = "Show what is inside a model and what looks wrong with it."
    made = _parser(" inspect", about, "example:\n  python -m convert inspect model.txt --json")
    made.add_argument("model", type=Path, help=MODEL_HELP)
    made.add_argument("--json", action="store_true", help="print JSON")
    return made


def run_inspect(options: argparse.Namespace) -> int:
    """Print what is inside a model."""
    found = inspection.inspect(open_model(options.model)[0])
    as_json = json.dumps(found.as_dict(), indent=1, ensure_ascii=False)
    print(as_json if options.json else inspection.render(found))
    return 0


def compare_parser() -> argparse.ArgumentParser:
    """Return the argument parser of `compare`."""
    about = "Compare exporters with LightGBM on one model: exactness, size and speed."
    example = "example:\n  python -m convert compare model.txt holdout.csv --threshold 0.1"
    made = _parser(" compare", about, example)
    made.add_argument("model", type=Path, help=MODEL_HELP)
    made.add_argument("rows", type=Path, nargs="?", help=ROWS_HELP)
    made.add_argument(
        "--threshold",
        type=_number("--threshold"),
        default=0.5,
        help="count decisions that change at this threshold (default: 0.5)",
    )
    made.add_argument("--json", action="store_true", help="print JSON")
    return made


def run_compare(options: argparse.Namespace) -> int:
    """Print how the exporters compare with LightGBM on one model."""
    loaded = open_alone(options.model)
    built = build(loaded, MissingChoice(), evidence=evidence_of(options.rows, loaded))
    reference = raw_rows(options.rows, built) if options.rows else None
    lines = comparison.compare(built, reference, options.threshold)
    as_json = json.dumps([line.as_dict() for line in lines], indent=1)
    print(as_json if options.json else comparison.render(lines, options.threshold))
    return 0


def fidelity_parser() -> argparse.ArgumentParser:
    """Return the argument parser of `fidelity`."""
    about = "Train, convert and compare a model of every kind that LightGBM trains."
    made = _parser(" fidelity", about, "Writes fidelity.json and fidelity.md into FOLDER.")
    made.add_argument("--out", type=Path, default=Path("docs"), metavar="FOLDER")
    made.add_argument("--models", nargs="+", type=Path, default=[], help=MODELS_HELP)
    return made


def run_fidelity(options: argparse.Namespace) -> int:
    """Write the fidelity table; raises MismatchError if any kind of model differs."""
    cases = [case for path in options.models for case in cases_of(path, None)]
    fidelity.write(options.out, fidelity.measure(cases))
    return 0


COMMANDS: dict[str, Command] = {
    "convert": (convert_parser, run_convert),
    "policy": (policy_parser, run_policy),
    "verify": (verify_parser, run_verify),
    "compare": (compare_parser, run_compare),
    "inspect": (inspect_parser, run_inspect),
    "fidelity": (fidelity_parser, run_fidelity),
}
