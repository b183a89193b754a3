"""`python -m monitoring log`: one module for each verb, each with its own `--help`."""

import argparse
from collections.abc import Sequence

from . import cat, compact, erase, export, get, ls, stats, tail, verify

VERBS = (ls, cat, tail, stats, get, export, compact, erase, verify)
DESCRIPTION = """\
Read and keep the prediction log (docs/record.md). Every verb takes any number of folders, from
any number of servers, and reads their segments and Parquet files as one log."""
EXAMPLE = """\
examples:
  python -m monitoring log stats /var/log/credit
  python -m monitoring log get 0f3c9a1e replica-1/ replica-2/"""


def main(arguments: Sequence[str]) -> int:
    """Run one verb and return its exit code. Raises MonitoringError."""
    args = parser().parse_args(arguments)
    return int(args.run(args))


def parser() -> argparse.ArgumentParser:
    """Return the parser of every verb; each module adds its own."""
    top = argparse.ArgumentParser(
        "python -m monitoring log",
        description=DESCRIPTION,
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = top.add_subparsers(metavar="VERB", required=True)
    for module in VERBS:
        name, text = module.__name__.rpartition(".")[2], (module.__doc__ or "").strip()
        verb = verbs.add_parser(
            name,
            help=text.partition("\n")[0].partition(": ")[2].rstrip("."),
            description=text,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.arguments(verb)
        verb.set_defaults(run=module.run)
    return top
