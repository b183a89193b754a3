"""`python -m bench.power drift-power|drift-scale`: how good the drift verdict is, and its cost."""

import sys
from importlib import import_module

from monitoring.errors import MonitoringError

from ..result import ResultError

COMMANDS = {"drift-power": "cli", "drift-scale": "scale"}


def main(arguments: list[str]) -> int:
    """Run one of the studies; returns the exit code."""
    if arguments[:1] in (["-h"], ["--help"]):
        print(__doc__)
        return 0
    if not arguments or arguments[0] not in COMMANDS:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        # Imported late: --help and a typo need none of the libraries, which take seconds.
        module = import_module(f".{COMMANDS[arguments[0]]}", __package__)
        return int(module.main(arguments[1:]))
    except (MonitoringError, ResultError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
