"""`python -m bench.power drift-power|drift-scale`: how good the drift verdict is, and its cost."""

import sys

from monitoring.errors import MonitoringError

from ..result import ResultError
from . import cli, scale

COMMANDS = {"drift-power": cli.main, "drift-scale": scale.main}


def main(arguments: list[str]) -> int:
    """Run one of the studies; returns the exit code."""
    if not arguments or arguments[0] not in COMMANDS:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        return COMMANDS[arguments[0]](arguments[1:])
    except (MonitoringError, ResultError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
