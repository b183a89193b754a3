"""`python -m convert MODEL`: convert a LightGBM model into a bundle, verified bit for bit."""

import sys

from .arguments import parse
from .errors import ConvertError
from .guard import guarded


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return 0, 1 if a check failed, or 2 on an error."""
    given = sys.argv[1:] if arguments is None else arguments
    try:
        name, options = parse(given)
        # Imported late: the guard must fork before any library starts a thread, and what is wrong
        # with the options is told before libraries take their seconds.
        from .commands import COMMANDS

        return COMMANDS[name](options)
    except ConvertError as error:
        print(f"convert: {error}", file=sys.stderr)
    except MemoryError:
        print("convert: not enough memory for this model", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(guarded(main))
