"""`python -m convert MODEL`: convert a LightGBM model into a bundle, verified bit for bit."""

import sys

from .errors import ConvertError
from .guard import guarded


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return 0, 1 if a check failed, or 2 on an error."""
    # Imported late: the guard must fork before any library starts a thread.
    from .commands import COMMANDS

    given = sys.argv[1:] if arguments is None else arguments
    name = given[0] if given and given[0] in COMMANDS else "convert"
    parser, run = COMMANDS[name]
    try:
        return run(parser().parse_args(given[1:] if given[:1] == [name] else given))
    except ConvertError as error:
        print(f"convert: {error}", file=sys.stderr)
    except MemoryError:
        print("convert: not enough memory for this model", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(guarded(main))
