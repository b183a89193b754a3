"""`python -m server`: settings, bundles, engines, app, socket, in this order and no other."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from . import flags, model, privacy, run, settings
from .bundle import BundleError
from .catalog import CatalogError
from .http import keys
from .offline.score_file import score_file
from .offline.table import TableError
from .process.supervisor import WorkersError

REFUSED = 2
REFUSALS = (
    BundleError,
    CatalogError,
    TableError,
    keys.KeysError,
    privacy.SaltError,
    settings.SettingsError,
    WorkersError,
)
SERVES = "Serve LightGBM bundles over HTTP; every answer has a record behind it."
SCORE_EXAMPLE = (
    "example: python -m server score --model models/credit-express/1 rows.csv -o out.csv"
)
KEY_EXAMPLE = "example: python -m server key --keys keys.jsonl --id branch-7 --scopes score"


def main(arguments: Sequence[str]) -> int:
    """Run the command; a refused start is one line on stderr and exit code 2."""
    verbs = {"score": score, "key": key}
    try:
        if arguments and arguments[0] in verbs:
            return verbs[arguments[0]](arguments[1:])
        return start(arguments)
    except REFUSALS as error:
        print(f"server: {error}", file=sys.stderr)
    except OSError as error:
        print(f"server: {error.filename or 'socket'}: {error.strerror}", file=sys.stderr)
    return REFUSED


def start(arguments: Sequence[str]) -> int:
    """Serve bundles, or only check them."""
    parser = argparse.ArgumentParser(
        "python -m server", description=SERVES, epilog=flags.VERBS,
        usage="python -m server [score|key] [-h] [--check] --model BUNDLE [--FLAG VALUE ...]",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--check", action="store_true", help="do all but open the socket")
    flags.add_flags(parser)
    parsed = parser.parse_args(arguments)
    chosen = settings.read(os.environ, flags.from_flags(parsed))
    if not parsed.check:
        run.run(chosen)
        return 0
    for name in run.check(chosen).names():
        print(f"{name}: scores bit for bit")
    return 0


def score(arguments: Sequence[str]) -> int:
    """Score the rows of a file."""
    parser = argparse.ArgumentParser("python -m server score", epilog=SCORE_EXAMPLE)
    parser.add_argument(
        "--model", required=True, type=Path, metavar="BUNDLE", help="models/<name>/<version>"
    )
    parser.add_argument(
        "rows", type=Path, metavar="ROWS", help="CSV or Parquet, one column per feature"
    )
    parser.add_argument(
        "-o", "--out", required=True, type=Path, metavar="FILE", help="CSV or Parquet to write"
    )
    parsed = parser.parse_args(arguments)
    score_file(model.load(parsed.model), parsed.rows, parsed.out)
    return 0


def key(arguments: Sequence[str]) -> int:
    """Make an API key: its hash goes into the file, the key itself is printed once."""
    parser = argparse.ArgumentParser("python -m server key", epilog=KEY_EXAMPLE)
    parser.add_argument(
        "--keys", required=True, type=Path, metavar="FILE", help="file of hashed keys to add to"
    )
    parser.add_argument("--id", required=True, metavar="NAME", help="a name for the caller")
    parser.add_argument("--scopes", nargs="+", default=["score"], choices=keys.SCOPES)
    parsed = parser.parse_args(arguments)
    print(keys.create(parsed.keys, parsed.id, tuple(parsed.scopes)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
