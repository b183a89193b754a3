"""`python -m monitoring COMMAND`: read the prediction log, replay it, look for drift."""

import importlib
import os
import sys
from collections.abc import Sequence
from types import TracebackType
from typing import NamedTuple

from .errors import MonitoringError
from .markup import one_line

# What a user types, here and where the wheel is installed.
NAME = "python -m monitoring" if __package__ == "monitoring" else "credit-express monitor"


class Command(NamedTuple):
    """A subcommand: its module, whose `main(arguments)` returns the exit code, and a
    description.
    """

    module: str
    does: str
    error: int = 2
    """The exit code of an error; another one if 2 is a result."""


# One line each. Imported only when called: reading a log must not wait for a plotting library.
COMMANDS = {
    "log": Command(".log.cli", "list, read, export, compact, erase and verify prediction logs"),
    "dashboard": Command(".dashboard.cli", "show drift, decisions and outcomes in a browser"),
    "drift": Command(
        ".nightly.cli", "check whether the scored rows still look like the training rows", 3
    ),
    "reasons": Command(
        ".reasons.cli", "count the reasons that were answered, over time and by segment"
    ),
    "notice": Command(
        ".notice.cli", "draft the letter that tells an applicant why it was not approved"
    ),
    "replay": Command(
        ".replay.cli", "score the log again: compare every bit, or try another model"
    ),
}


def usage() -> str:
    """Return the help text: one line per command."""
    width = max(map(len, COMMANDS))
    lines = (f"  {name:<{width}}  {command.does}" for name, command in COMMANDS.items())
    return "\n".join(
        [
            f"usage: {NAME} COMMAND ...",
            "",
            *lines,
            "",
            f"`{NAME} COMMAND --help` shows a command's options.",
        ]
    )


def main(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code; errors the user can fix give its `error` code."""
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
    except BrokenPipeError:  # `... | head` is not an error
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
    """Exit with the command's error code after a crash: Python's own, 1, means drift for some."""
    sys.__excepthook__(kind, error, trace)
    asked = COMMANDS.get(sys.argv[1] if len(sys.argv) > 1 else "")
    sys.exit(asked.error if asked else 2)


if __name__ == "__main__":
    sys.excepthook = crashed
    sys.exit(main(sys.argv[1:]))
