"""The commands, their options and what each prints."""

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
from .policy.deciding import told
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
  python -m convert model.pkl ... --bad default --threshold 0.2   the class that is refused
  python -m convert policy BUNDLE --threshold .18   another cut-off, the same model
  python -m convert inspect model.txt         what is inside, what looks wrong
  python -m convert compare model.txt         this, float32 and onnxmltools, against LightGBM
  python -m convert verify model.txt          compare with LightGBM, write nothing

The first writes models/credit-express/1/ once every row tried gives LightGBM's own bits."""
POLICY_HELP = """examples:
  python -m convert policy models/credit-express/1 --threshold 0.18
  python -m convert policy models/credit-express/1 --threshold 0.18 --refer-from 0.12

The folder is swapped at once. SIGHUP, or POST /models/reload on the admin port, serves it."""
VERIFY_HELP = """examples:
  python -m convert verify model.txt model.pkl mlflow-folder/
  python -m convert verify model.txt --rows holdout.csv"""
MODEL_HELP = "LightGBM text model, .pkl or .joblib (not executed), .skops, or MLflow folder"
CALIBRATOR_HELP = "what was fitted on the scores: IsotonicRegression or LogisticRegression"
TAKES_HELP = "what the calibrator was fitted on: LightGBM's probability, or its raw score"
OF_HELP = "the class whose probability the calibrator gives, where that cannot be told"
ALONE_HELP = "leave out what stands around the booster: you transform rows and answers yourself"
TRUST_HELP = "unpickle MODEL, running any code in it, to carry its pipeline's steps as well"
ROWS_HELP = "real rows, CSV, Parquet or Arrow; without, rows are drawn from the range in training"
BAD_HELP = "the class that is refused, and whose probability is answered; as in the labels"
LABEL_HELP = "what stands for a bad one in that column (default: the class of --bad, or 1)"
REFUSE_HELP = "refuse at this probability and above"
THRESHOLD_HELP = f"{REFUSE_HELP}; without it and costs, no decision"
CATEGORIES_HELP = "columns that were of dtype category in training, where the model cannot tell"
REFER_HELP = "refer to a person from this probability on, below the threshold"
EXPORTER_HELP = "float32 and onnxmltools are NOT exact; what they get wrong is counted and recorded"
MISSING_HELP = "what a missing number does where no split was trained on one (default: error)"

Command = tuple[Callable[[], argparse.ArgumentParser], Callable[[argparse.Namespace], int]]


def _parser(command: str, description: str, epilog: str) -> argparse.ArgumentParser:
    return argparse.ArgumentParser(
        prog=f"python -m convert{command}",
        description=description,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def convert_parser() -> argparse.ArgumentParser:
    """Return the parser of the conversion itself."""
    about = "Convert a LightGBM model to ONNX with LightGBM's own bits, or refuse."
    made = _parser("", about, CONVERT_HELP)
    add = made.add_argument
    add("model", type=Path, help=MODEL_HELP)
    add("--name", required=True, help="the bundle's name: letters, digits, dot, dash, underscore")
    add("--version", required=True, help="the bundle's version, the same letters")
    add("--out", type=Path, required=True, help="folder of models; writes OUT/NAME/VERSION")
    add("--force", action="store_true", help="replace a bundle that stands there")
    add(
        "--reference",
        type=Path,
        metavar="ROWS",
        help="rows for drift, CSV, Parquet or Arrow, by name",
    )
    add("--label", metavar="COLUMN", help="the label's column in ROWS: classes, or 1 for bad")
    add("--bad-label", metavar="VALUE", help=LABEL_HELP)
    add("--bad", "--positive", dest="bad", metavar="CLASS", help=BAD_HELP)
    add(
        "--threshold",
        type=float,
        metavar="T",
        help=THRESHOLD_HELP,
    )
    add("--cost-fn", type=float, metavar="C", help="cost of a default approved; finds T by cost")
    add("--cost-fp", type=float, metavar="C", help="cost of a good applicant refused")
    add("--refer-from", type=float, metavar="P", help=REFER_HELP)
    add("--missing", default="error", metavar="error|zero|impute=VALUE", help=MISSING_HELP)
    add("--exporter", choices=("exact", *APPROXIMATE), default="exact", help=EXPORTER_HELP)
    add("--trust-pickle", action="store_true", help=TRUST_HELP)
    add("--calibrator", type=Path, metavar="FILE", help=CALIBRATOR_HELP)
    add("--calibrator-takes", choices=("probability", "raw"), help=TAKES_HELP)
    add("--calibrator-of", metavar="CLASS", help=OF_HELP)
    add("--booster-alone", action="store_true", help=ALONE_HELP)
    add("--num-iteration", type=int, metavar="N", help="the first N boosting rounds only")
    add("--categories", nargs="+", default=[], metavar="COLUMN", help=CATEGORIES_HELP)
    add("--training-info", type=Path, metavar="JSON", help="an object for manifest.training")
    return made


def run_convert(options: argparse.Namespace) -> int:
    """Convert as `options` say; raises ConvertError."""
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
    """Return the parser of `policy`."""
    about = "Change the cut-off of a bundle: same model, same scores, a new policy version."
    made = _parser(" policy", about, POLICY_HELP)
    add = made.add_argument
    add("bundle", type=Path, help="the bundle's folder, models/NAME/VERSION")
    add("--threshold", type=float, metavar="T", required=True, help=REFUSE_HELP)
    add("--refer-from", type=float, metavar="P", help=REFER_HELP)
    add("--bad", "--positive", dest="bad", metavar="CLASS", help=BAD_HELP)
    return made


def run_policy(options: argparse.Namespace) -> int:
    """Write the bundle again with another policy; raises OptionError."""
    place = options.bundle.resolve()
    with alone(place.parent):  # or the policy of another run, meanwhile, is lost
        files, found, probability = change_policy(
            place, options.threshold, options.refer_from, options.bad
        )
        write_bundle(place, files)
    progress(told(found, probability, None))
    progress(f"wrote {place}, policy {found.version}; a server serves it after a reload")
    return 0


def verify_parser() -> argparse.ArgumentParser:
    """Return the parser of `verify`."""
    made = _parser(" verify", "Compare conversions with LightGBM; write nothing.", VERIFY_HELP)
    made.add_argument("models", type=Path, nargs="+", help=f"{MODEL_HELP}, or a .json list of them")
    made.add_argument("--rows", type=Path, help="rows to compare on as well, CSV, Parquet or Arrow")
    return made


def run_verify(options: argparse.Namespace) -> int:
    """Check every model named; 1 when one differs."""
    cases = [case for path in options.models for case in cases_of(path, options.rows)]
    return 0 if check_all(cases, lambda _: None) else 1


def progress(message: str) -> None:
    """Tell the user on stderr how far the work is."""
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
        raise OptionError("--cost-fn and --cost-fp go together, both numbers above 0")
    if options.threshold is not None:
        raise OptionError("--threshold and --cost-fn/--cost-fp exclude each other")
    return Costs(*given)


def _training(path: Path | None) -> dict[str, object]:
    if path is None:
        return {}
    try:
        found = json.loads(read_file(path))
    except (ValueError, RecursionError) as error:
        raise OptionError(f"--training-info {path}: {error}") from error
    if not isinstance(found, dict):
        raise OptionError(f"--training-info {path}: a JSON object wanted")
    return found


def inspect_parser() -> argparse.ArgumentParser:
    """Return the parser of `inspect`."""
    about = "Say what is inside a model, and what looks wrong with it."
    made = _parser(" inspect", about, "example:\n  python -m convert inspect model.txt --json")
    made.add_argument("model", type=Path, help=MODEL_HELP)
    made.add_argument("--json", action="store_true", help="for machines")
    return made


def run_inspect(options: argparse.Namespace) -> int:
    """Print the inspection."""
    found = inspection.inspect(open_model(options.model)[0])
    as_json = json.dumps(found.as_dict(), indent=1, ensure_ascii=False)
    print(as_json if options.json else inspection.render(found))
    return 0


def compare_parser() -> argparse.ArgumentParser:
    """Return the parser of `compare`."""
    about = "Compare exporters with LightGBM on one model: exactness, size, speed."
    example = "example:\n  python -m convert compare model.txt holdout.csv --threshold 0.1"
    made = _parser(" compare", about, example)
    made.add_argument("model", type=Path, help=MODEL_HELP)
    made.add_argument("rows", type=Path, nargs="?", help=ROWS_HELP)
    made.add_argument("--threshold", type=float, default=0.5, help="where decisions flip")
    made.add_argument("--json", action="store_true", help="for machines")
    return made


def run_compare(options: argparse.Namespace) -> int:
    """Print the comparison."""
    loaded = open_alone(options.model)
    built = build(loaded, MissingChoice(), evidence=evidence_of(options.rows, loaded))
    reference = raw_rows(options.rows, built) if options.rows else None
    lines = comparison.compare(built, reference, options.threshold)
    as_json = json.dumps([line.as_dict() for line in lines], indent=1)
    print(as_json if options.json else comparison.render(lines, options.threshold))
    return 0


def fidelity_parser() -> argparse.ArgumentParser:
    """Return the parser of `fidelity`."""
    about = "Train a model of every kind, convert it and compare it with LightGBM."
    made = _parser(" fidelity", about, "writes fidelity.json and fidelity.md into FOLDER")
    made.add_argument("--out", type=Path, default=Path("docs"), metavar="FOLDER")
    return made


def run_fidelity(options: argparse.Namespace) -> int:
    """Write the table; raises MismatchError where a kind differs."""
    fidelity.write(options.out, fidelity.measure())
    return 0


COMMANDS: dict[str, Command] = {
    "convert": (convert_parser, run_convert),
    "policy": (policy_parser, run_policy),
    "verify": (verify_parser, run_verify),
    "compare": (compare_parser, run_compare),
    "inspect": (inspect_parser, run_inspect),
    "fidelity": (fidelity_parser, run_fidelity),
}
