"""What the command line can say: serve (no verb), score, key."""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from . import flags, run, settings
from .http import keys
from .offline.score_file import score_file
from .process.trial import try_first
from .scoring import model
from .scoring.care import Care

SERVES = "Serve LightGBM bundles over HTTP; every answer has a record behind it."
SCORE_EXAMPLE = (
    "example: python -m server score --model models/credit-express/1 rows.csv -o out.csv"
)
KEY_EXAMPLE = "example: python -m server key --keys keys.jsonl --id branch-7 --scopes score"


def obey(arguments: Sequence[str]) -> int:
    """Run the verb; returns the exit code."""
    verbs = {"score": score, "key": key}
    if arguments[0] in verbs:
        return verbs[arguments[0]](arguments[1:])
    return serve(arguments)


def serve(arguments: Sequence[str]) -> int:
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
        "rows", type=Path, metavar="ROWS", help="CSV, Parquet or Arrow, one column per feature"
    )
    parser.add_argument(
        "-o", "--out", required=True, type=Path, metavar="FILE", help="CSV or Parquet to write"
    )
    parsed = parser.parse_args(arguments)
    care = Care(try_first=try_first(settings.LOAD_SECONDS))
    score_file(model.load(parsed.model, care=care), parsed.rows, parsed.out)
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
