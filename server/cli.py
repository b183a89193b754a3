"""The command line: serve (or no verb), score, key. A refusal is one line and exit code 2.

A server that is configured by its environment alone, as in the image, needs no parser: what only
flags and verbs need is imported on use.
"""

import os
import re
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NoReturn, get_args, get_origin

import msgspec

from . import run, settings
from .bundle.manifest import MANIFEST, BundleError
from .http import keys
from .platform.choice import contract_of
from .process.supervisor import WorkersError
from .process.trial import try_first
from .record import privacy
from .scoring.care import Care
from .scoring.catalog import CatalogError
from .settings import PREFIX, Settings

if TYPE_CHECKING:
    from argparse import ArgumentParser

REFUSED = 2
SERVES = "Serve LightGBM bundles over HTTP; every answer has a record behind it."
VERBS = """\
verbs (without one, or with serve, it serves; each has its own --help):
  score  score the rows of a file:
           python -m server score --model models/credit-express/1 rows.csv -o out.csv
  key    make an API key; it is printed once, and only its hash is stored:
           python -m server key --keys keys.jsonl --id branch-7 --scopes score

examples:
  python -m server --model models/credit-express/1 --port 8000
  python -m server --check --model models
"""
SCORE_EXAMPLE = (
    "example: python -m server score --model models/credit-express/1 rows.csv -o out.csv"
)
KEY_EXAMPLE = "example: python -m server key --keys keys.jsonl --id branch-7 --scopes score"
# Placeholders for flags whose name's ending and type do not tell.
METAVARS = {
    "model": "BUNDLE", "default": "NAME[/VERSION]", "shadow": "NAME/VERSION", "host": "ADDRESS",
    "workers": "N", "max_body": "BYTES", "max_batch": "APPLICANTS", "max_in_flight": "REQUESTS",
    "max_arriving": "BYTES", "cors_origin": "ORIGIN", "access_log": "SHARE", "log_level": "LEVEL",
}  # fmt: skip
ENDINGS = {"_dir": "DIR", "_seconds": "SECONDS", "_mb": "MB", "port": "PORT"}


def main(arguments: Sequence[str]) -> int:
    """Run the command; a refused start is one line on stderr and exit code 2."""
    try:
        return obey(arguments)
    except refusals() as error:
        said = str(error)
    except OSError as error:
        said = f"{error.filename or 'socket'}: {error.strerror}"
    one_line = said.replace("\n", "\\n")  # a path may hold one
    print(f"server: {one_line}", file=sys.stderr)
    return REFUSED


def refusals() -> tuple[type[Exception], ...]:
    """Return the exceptions that are printed as one line; imports table readers only then."""
    from .offline.table_file import TableError

    return (
        BundleError, CatalogError, TableError, keys.KeysError, privacy.SaltError,
        settings.SettingsError, WorkersError,
    )  # fmt: skip


def obey(arguments: Sequence[str]) -> int:
    """Run the verb; return the exit code."""
    if arguments[:1] == ["serve"]:  # as some platforms name what they start
        arguments = arguments[1:]
    if not arguments:
        run.run(chosen({}))
        return 0
    verbs = {"score": score, "key": key}
    if arguments[0] in verbs:
        return verbs[arguments[0]](arguments[1:])
    return serve(arguments)


def chosen(flags: dict[str, Any]) -> Settings:
    """Return the settings, those that the platform has among them; raises SettingsError."""
    name = flags.get("platform") or os.environ.get(PREFIX + "PLATFORM", "none")
    contract = contract_of(name, os.environ)
    for setting, why in contract.unfit.items():
        if setting not in flags:
            raise settings.SettingsError(f"settings: {setting}: {why}")
    return settings.read(os.environ, flags, contract.defaults, contract.told)


def serve(arguments: Sequence[str]) -> int:
    """Serve bundles, or only check them."""
    import argparse

    parser = argparse.ArgumentParser(
        "python -m server", description=SERVES, epilog=VERBS,
        usage="python -m server [score|key] [-h] [--check] --model BUNDLE [--FLAG VALUE ...]",
        formatter_class=argparse.RawDescriptionHelpFormatter, argument_default=argparse.SUPPRESS,
    )  # fmt: skip
    check = "load and prove everything, then stop without opening the socket"
    parser.add_argument("--check", action="store_true", default=False, help=check)
    add_flags(parser)
    given = vars(parser.parse_args(arguments))
    only_check = given.pop("check")
    wanted = chosen(given)
    if not only_check:
        run.run(wanted)
        return 0
    for name in run.check(wanted).names():
        print(f"{name}: scores bit for bit")
    return 0


def score(arguments: Sequence[str]) -> int:
    """Score the rows of a file, or of a folder of files."""
    import argparse

    parser = argparse.ArgumentParser("python -m server score", epilog=SCORE_EXAMPLE)
    add_what(parser)
    add_how(parser)
    parsed = parser.parse_args(arguments)
    if parsed.language and parsed.reasons == "none":
        raise settings.SettingsError("--language wants --reasons principal or all")
    return scored(parsed)


def add_what(parser: "ArgumentParser") -> None:
    """Add what is scored, into which file, and what is written of each row."""
    parser.add_argument(
        "--model",
        required=True,
        type=Path,
        metavar="BUNDLE",
        help="the bundle's folder, models/<name>/<version>",
    )
    parser.add_argument(
        "rows", type=Path, metavar="ROWS",
        help="Parquet, Arrow or CSV, a file or a folder; one column per feature, others stay",
    )  # fmt: skip
    parser.add_argument(
        "-o", "--out", required=True, type=Path, metavar="OUT",
        help="the file to write, .parquet, .arrow, .csv or .csv.gz; for a folder, a folder",
    )  # fmt: skip
    parser.add_argument(
        "--on-error", choices=("refuse", "skip", "column"), default="refuse",
        help="a row the server would refuse: write nothing (default), write it to refused-OUT "
        "instead, or write it without scores and say why in a column `error`",
    )  # fmt: skip
    parser.add_argument(
        "--reasons", choices=get_args(settings.Reasons), default="none",
        help="principal: why each row is not approved, as columns reason_1, reason_1_text, "
        "reason_1_contribution and so on; all: what each feature contributes, for every row, too",
    )  # fmt: skip
    parser.add_argument(
        "--language", metavar="TAG", help="of the reasons' texts (default: the bundle's first)"
    )


def add_how(parser: "ArgumentParser") -> None:
    """Add how the rows are read and shared out."""
    parser.add_argument(
        "--threads", type=int, default=len(os.sched_getaffinity(0)), metavar="N",
        help="threads that score (default: one per core)",
    )  # fmt: skip
    parser.add_argument(
        "--separator", type=separator, default=",", metavar="MARK",
        help="between the cells of a CSV, a character or `tab` (default: a comma)",
    )  # fmt: skip
    parser.add_argument(
        "--decimal", choices=(".", ","), default=".", metavar="MARK",
        help="the decimal mark of texts: a point (default) or a comma",
    )  # fmt: skip
    parser.add_argument(
        "--part", type=part, default=(0, 1), metavar="INDEX/OF",
        help="of a folder only every OF-th file from INDEX on, 0/8 to 7/8, for eight processes "
        "that share the work; with --resume",
    )  # fmt: skip
    parser.add_argument(
        "--resume", action="store_true",
        help="keep the files that OUT, a folder, has already, unless those of ROWS are newer",
    )  # fmt: skip


def separator(text: str) -> str:
    """Read the separator of a CSV; argparse says what a ValueError stands for."""
    mark = {"tab": "\t", "\\t": "\t"}.get(text, text)
    if len(mark) != 1 or mark in '"\r\n':
        raise ValueError
    return mark


def part(text: str) -> tuple[int, int]:
    """Read INDEX/OF, INDEX from 0 on."""
    import argparse

    found = re.fullmatch(r"([0-9]+)/([0-9]+)", text, re.ASCII)
    if found is None or not int(found[1]) < int(found[2]):
        raise argparse.ArgumentTypeError(f"wanted 0/2 or 1/2, for the halves, got {text}")
    return int(found[1]), int(found[2])


def stop(number: int, _: object) -> NoReturn:
    """End at a signal as a shell expects, without a trace; files that are begun are removed."""
    raise SystemExit(128 + number)


def scored(parsed: Any) -> int:
    """Run `score` with its arguments."""
    parsed.rows.stat()  # report a wrong path before loading the model
    if not (parsed.model / MANIFEST).exists():
        raise BundleError(f"{parsed.model}: wanted a bundle's folder, models/NAME/VERSION")
    try:
        from .offline.score_file import Ways, score_file
        from .offline.scorer import Scorer
        from .offline.without_pandas import hide_pandas
    except ModuleNotFoundError as error:
        raise BundleError(f"score needs {error.name} (pip install pyarrow)") from error
    hide_pandas()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number, handler in before.items():
        signal.signal(number, handler if handler == signal.SIG_IGN else stop)
    care = Care(try_first=try_first(settings.LOAD_SECONDS))
    ways = Ways(
        parsed.on_error, max(parsed.threads, 1), parsed.resume, parsed.part, parsed.separator
    )
    scorer = Scorer.load(
        parsed.model,
        care=care,
        reasons=parsed.reasons,
        language=parsed.language,
        decimal=parsed.decimal,
    )
    score_file(scorer, parsed.rows, parsed.out, ways)
    for number, handler in before.items():
        signal.signal(number, handler)
    return 0


def key(arguments: Sequence[str]) -> int:
    """Make an API key: add its hash to the file and print the key once."""
    import argparse

    parser = argparse.ArgumentParser("python -m server key", epilog=KEY_EXAMPLE)
    parser.add_argument(
        "--keys", required=True, type=Path, metavar="FILE", help="file of hashed keys to add to"
    )
    parser.add_argument("--id", required=True, metavar="NAME", help="a name for the caller")
    parser.add_argument("--scopes", nargs="+", default=["score"], choices=keys.SCOPES)
    parsed = parser.parse_args(arguments)
    print(keys.create(parsed.keys, parsed.id, tuple(parsed.scopes)))
    return 0


def add_flags(parser: "ArgumentParser") -> None:
    """Add one flag for each setting; flags that are not given stay absent."""
    for field in msgspec.structs.fields(Settings):
        meta = field.type.__metadata__[0]
        default = "" if field.required or field.default is None else f" (default {field.default})"
        parser.add_argument(
            "--" + field.name.replace("_", "-"),
            dest=field.name,
            metavar=metavar(field.name, get_args(field.type)[0]),
            help=f"{meta.description}{default} [{PREFIX}{field.name.upper()}]",
        )


def metavar(name: str, wanted: Any) -> str:
    """Return the placeholder for a flag's value: its choices, its unit or its type."""
    if get_origin(wanted) is Literal:
        return "|".join(get_args(wanted))
    if wanted is bool:
        return "true|false"
    by_ending = (word for ending, word in ENDINGS.items() if name.endswith(ending))
    return METAVARS.get(name) or next(by_ending, "FILE")
