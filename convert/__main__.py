"""`python -m convert MODEL`: a LightGBM model becomes a bundle, verified bit for bit."""

import sys

from .errors import ConvertError
from .guard import guarded


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code: 0, 1 for a check that failed, 2 for an error."""
    # Here, not above: the guard forks before any library has started a thread.
    from .commands import COMMANDS

    given = sys.argv[1:] if arguments is None else arguments
    name = given[0] if given and given[0] in COMMANDS else "convert"
    parser, run = COMMANDS[name]
    options = parser().parse_args(given[1:] if given[:1] == [name] else given)
    try:
        return run(options)
    except ConvertError as error:
        print(f"convert: {error}", file=sys.stderr)
    except MemoryError:
        print("convert: the memory is too small for this model", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(guarded(main))
