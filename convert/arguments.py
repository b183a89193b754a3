"""The options of each command, and what is wrong with them before any library is imported."""

import argparse
import math
import os
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from .errors import OptionError

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
  python -m convert policy models/credit-express/1 --reasons reasons.csv

The bundle is replaced in one step. To serve it, send the server SIGHUP, or POST /models/reload to
its admin port."""
VERIFY_HELP = """examples:
  python -m convert verify model.txt model.pkl mlflow-folder/
  python -m convert verify model.txt --rows holdout.csv"""
MODEL_HELP = "LightGBM text model, .pkl or .joblib (not executed), .skops, or MLflow folder"
NAME_HELP = "the bundle's name: letters, digits, dot, dash, underscore"
VERSION_HELP = "the bundle's version: the same characters"
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
REFERENCE_HELP = "held-out rows to measure drift against (CSV, Parquet or Arrow, columns by name)"
COST_FN_HELP = "cost of approving a bad applicant; chooses T by cost"
COST_FP_HELP = "cost of refusing a good applicant"
TRAINING_HELP = "file with a JSON object to store as the manifest's `training`"
CATEGORIES_HELP = "columns that were of dtype category in training, if the model does not tell"
REFER_HELP = "refer to a person from this probability on, up to the threshold"
REASONS_HELP = "codes and texts of refusals (CSV or JSON; inspect --reasons-template makes one)"
TEMPLATE_HELP = "print a CSV file for convert --reasons: a row for each used feature"
BASELINES = ("marginal", "approved", "all", "expectation")
BASELINE_HELP = (
    "what a reason is measured against: the mean of the applicants approved nearest to the "
    "threshold (marginal, the default), of all approved, of all, or the model's expectation"
)
EXPORTERS = ("exact", "float32", "onnxmltools")
EXPORTER_HELP = "float32 and onnxmltools are NOT exact; their differences are counted and recorded"
MISSING_HELP = "how to score a missing number if no split was trained on one (default: error)"

# The options that name what is read.
READ = ("model", "models", "bundle", "rows", "reference", "calibrator", "training_info", "reasons")


def parse(arguments: Sequence[str]) -> tuple[str, argparse.Namespace]:
    """Return the command and its options; raises OptionError, and leaves on `--help` and typos."""
    name = arguments[0] if arguments and arguments[0] in PARSERS else "convert"
    is_named = [*arguments[:1]] == [name]
    options = PARSERS[name]().parse_args(arguments[1:] if is_named else arguments)
    _check_paths(options)
    if name == "convert":
        _check_costs(options)
    return name, options


def _check_paths(options: argparse.Namespace) -> None:
    for path in _paths(options):
        try:
            os.stat(path)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise OptionError(f"{str(path)[:200]}: {reason}") from error


def _paths(options: argparse.Namespace) -> Iterator[Path]:
    for name in READ:
        given = getattr(options, name, None)
        if given is not None:
            yield from given if isinstance(given, list) else [given]


def _check_costs(options: argparse.Namespace) -> None:
    given = (options.cost_fn, options.cost_fp)
    if given == (None, None):
        return
    if None in given or not all(0 < cost < math.inf for cost in given):
        raise OptionError("--cost-fn and --cost-fp: give both, as numbers above 0")
    if options.threshold is not None:
        raise OptionError("give either --threshold, or --cost-fn and --cost-fp, not both")


def _word(option: str) -> Callable[[str], str]:
    """Return the parser of a part of the bundle's path."""

    def parse(text: str) -> str:
        if not re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9._-]*", text):
            raise OptionError(f"{option} wants letters, digits, dots, dashes, got {text!r}")
        return text

    return parse


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
    add("--name", required=True, type=_word("--name"), help=NAME_HELP)
    add("--version", required=True, type=_word("--version"), help=VERSION_HELP)
    add("--out", type=Path, required=True, help="folder of models; writes OUT/NAME/VERSION")
    add("--force", action="store_true", help="replace an existing bundle")
    _add_reference(made)
    _add_policy(made)
    _add_model(made)
    return made


def _add_reference(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--reference", type=Path, metavar="ROWS", help=REFERENCE_HELP)
    add("--label", metavar="COLUMN", help="the label column in ROWS: classes, or 1 for bad")
    add("--bad-label", metavar="VALUE", help=LABEL_HELP)


def _add_policy(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--bad", "--positive", dest="bad", metavar="CLASS", help=BAD_HELP)
    add("--threshold", type=_number("--threshold"), metavar="T", help=THRESHOLD_HELP)
    add("--cost-fn", type=_number("--cost-fn"), metavar="C", help=COST_FN_HELP)
    add("--cost-fp", type=_number("--cost-fp"), metavar="C", help=COST_FP_HELP)
    add("--refer-from", type=_number("--refer-from"), metavar="P", help=REFER_HELP)
    add("--reasons", type=Path, metavar="FILE", help=REASONS_HELP)
    add("--reasons-baseline", choices=BASELINES, help=BASELINE_HELP)


def _add_model(parser: argparse.ArgumentParser) -> None:
    """Add what the model does not say itself, and which parts of it are converted."""
    add = parser.add_argument
    add("--missing", default="error", metavar="error|zero|impute=VALUE", help=MISSING_HELP)
    add("--exporter", choices=EXPORTERS, default="exact", help=EXPORTER_HELP)
    add("--trust-pickle", action="store_true", help=TRUST_HELP)
    add("--calibrator", type=Path, metavar="FILE", help=CALIBRATOR_HELP)
    add("--calibrator-takes", choices=("probability", "raw"), help=TAKES_HELP)
    add("--calibrator-of", metavar="CLASS", help=OF_HELP)
    add("--booster-alone", action="store_true", help=ALONE_HELP)
    add("--num-iteration", type=int, metavar="N", help="use only the first N boosting rounds")
    add("--categories", nargs="+", default=[], metavar="COLUMN", help=CATEGORIES_HELP)
    add("--training-info", type=Path, metavar="JSON", help=TRAINING_HELP)


def policy_parser() -> argparse.ArgumentParser:
    """Return the argument parser of `policy`."""
    about = "Change a bundle's threshold, or its reasons: same model, same scores."
    made = _parser(" policy", about, POLICY_HELP)
    add = made.add_argument
    add("bundle", type=Path, help="the bundle's folder, models/NAME/VERSION")
    add("--threshold", type=_number("--threshold"), metavar="T", help=REFUSE_HELP)
    add("--refer-from", type=_number("--refer-from"), metavar="P", help=REFER_HELP)
    add("--bad", "--positive", dest="bad", metavar="CLASS", help=BAD_HELP)
    add("--reasons", type=Path, metavar="FILE", help=REASONS_HELP)
    return made


def verify_parser() -> argparse.ArgumentParser:
    """Return the argument parser of `verify`."""
    made = _parser(" verify", "Compare conversions with LightGBM; write nothing.", VERIFY_HELP)
    made.add_argument("models", type=Path, nargs="+", help=f"{MODEL_HELP}, or a .json list of them")
    made.add_argument(
        "--rows", type=Path, help="further rows to compare on (CSV, Parquet or Arrow)"
    )
    return made


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


def inspect_parser() -> argparse.ArgumentParser:
    """Return the argument parser of `inspect`."""
    about = "Show what is inside a model and what looks wrong with it."
    made = _parser(" inspect", about, "example:\n  python -m convert inspect model.txt --json")
    made.add_argument("model", type=Path, help=MODEL_HELP)
    made.add_argument("--json", action="store_true", help="print JSON")
    made.add_argument("--reasons-template", action="store_true", help=TEMPLATE_HELP)
    return made


def fidelity_parser() -> argparse.ArgumentParser:
    """Return the argument parser of `fidelity`."""
    about = "Train, convert and compare a model of every kind that LightGBM trains."
    made = _parser(" fidelity", about, "Writes fidelity.json and fidelity.md into FOLDER.")
    made.add_argument("--out", type=Path, default=Path("docs"), metavar="FOLDER")
    made.add_argument("--models", nargs="+", type=Path, default=[], help=MODELS_HELP)
    return made


PARSERS: dict[str, Callable[[], argparse.ArgumentParser]] = {
    "convert": convert_parser,
    "policy": policy_parser,
    "verify": verify_parser,
    "compare": compare_parser,
    "inspect": inspect_parser,
    "fidelity": fidelity_parser,
}
