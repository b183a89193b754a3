"""One command-line flag per setting, with a word for what it wants."""

import argparse
from typing import Any, Literal, get_args, get_origin

import msgspec

from .settings import PREFIX, Settings

VERBS = """\
verbs: without one it serves; each has a --help of its own
  score  score the rows of a file:
           python -m server score --model models/credit-express/1 rows.csv -o out.csv
  key    make an API key, printed once, its hash kept in a file:
           python -m server key --keys keys.jsonl --id branch-7 --scopes score

examples:
  python -m server --model models/credit-express/1 --port 8000
  python -m server --check --model models
"""
# What a flag wants, where neither its name's end nor its type says so.
METAVARS = {
    "model": "BUNDLE", "default": "NAME[/VERSION]", "shadow": "NAME/VERSION", "host": "ADDRESS",
    "workers": "N", "max_body": "BYTES", "max_batch": "APPLICANTS", "max_in_flight": "REQUESTS",
    "max_arriving": "BYTES", "cors_origin": "ORIGIN", "access_log": "SHARE", "log_level": "LEVEL",
}  # fmt: skip
ENDINGS = {"_dir": "DIR", "_seconds": "SECONDS", "_mb": "MB", "port": "PORT"}


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add one flag per setting; what is not given stays absent."""
    for field in msgspec.structs.fields(Settings):
        meta = field.type.__metadata__[0]
        default = "" if field.required or field.default is None else f" (default {field.default})"
        parser.add_argument(
            "--" + field.name.replace("_", "-"),
            dest=field.name,
            default=argparse.SUPPRESS,
            metavar=metavar(field.name, get_args(field.type)[0]),
            help=f"{meta.description}{default} [{PREFIX}{field.name.upper()}]",
        )


def metavar(name: str, wanted: Any) -> str:
    """Return the word for what a flag wants: its choices, its unit or its kind."""
    if get_origin(wanted) is Literal:
        return "|".join(get_args(wanted))
    if wanted is bool:
        return "true|false"
    by_ending = (word for ending, word in ENDINGS.items() if name.endswith(ending))
    return METAVARS.get(name) or next(by_ending, "FILE")


def from_flags(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the settings given as flags."""
    return {k: v for k, v in vars(arguments).items() if k in Settings.__struct_fields__}
