"""`python -m monitoring COMMAND`: read the prediction log, replay it, look for drift."""

import importlib
import os
import sys
from collections.abc import Sequence
from types import TracebackType
from typing import NamedTuple

from .errors import MonitoringError
from .markup import one_line


class Command(NamedTuple):
    """A subcommand: the module whose `main(arguments) -> exit code` runs it, and what it does."""

    module: str
    does: str
    error: int = 2
    """The exit code of an error; another where 2 is an answer."""


# One line each. Imported only when called: reading a log must not wait for a plotting library.
COMMANDS = {
    "log": Command(".log.cli", "list, read, export, compact, erase and verify prediction logs"),
    "dashboard": Command(".dashboard.cli", "look at all of it in a browser"),
    "drift": Command(".nightly.cli", "have the scored rows moved away from the training rows?", 3),
    "replay": Command(".replay.cli", "score the log again: compare every bit, or try a new model"),
}


def usage() -> str:
    """Return the help text: one line per command."""
    width = max(map(len, COMMANDS))
    lines = (f"  {name:<{width}}  {command.does}" for name, command in COMMANDS.items())
    return "\n".join(
        ["usage: python -m monitoring COMMAND ...", "", *lines, "", "COMMAND --help says more."]
    )


def main(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code; its `error` for what a person has to put right."""
    if not arguments or arguments[0] not in COMMANDS:
        asked_for_help = arguments[:1] in (["-h"], ["--help"])
        print(usage(), file=sys.stdout if asked_for_help else sys.stderr)
        return 0 if asked_for_help else 2
    command = COMMANDS[arguments[0]]
    module = importlib.import_module(command.module, __package__)
    try:
        return int(module.main(arguments[1:]))
    except MonitoringError as error:
        print(f"error: {one_line(error)}", file=sys.stderr)
        return command.error
    except BrokenPipeError:  # `... | head` is no error
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        print(
            f"error: {error.filename or 'input or output'}: {error.strerror or error}",
            file=sys.stderr,
        )
        return command.error
    except KeyboardInterrupt:
        return 130


def crashed(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Leave with the command's code of an error: Python's own, 1, is a verdict of some."""
    sys.__excepthook__(kind, error, trace)
    asked = COMMANDS.get(sys.argv[1] if len(sys.argv) > 1 else "")
    sys.exit(asked.error if asked else 2)


if __name__ == "__main__":
    sys.excepthook = crashed
    sys.exit(main(sys.argv[1:]))
