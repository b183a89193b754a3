"""The wheel's command, credit-express: each verb is one of the repository's `python -m`.

In the wheel this file stands beside server/, convert/ and monitoring/, in credit_express/.
"""

import argparse
import runpy
import sys
from typing import Any

# Verb: the package, and its own verb where it has several; then what it does.
VERBS = {
    "serve": (("server",), "serve bundles over HTTP"),
    "score": (("server", "score"), "score the rows of a file"),
    "key": (("server", "key"), "make an API key"),
    "convert": (("convert",), "turn a LightGBM model into a bundle, proven bit for bit"),
    "monitor": (("monitoring",), "read the log, replay it, watch for drift"),
}
EXTRAS = {"server": "convert", "convert": "convert", "monitoring": "monitor"}
NAMES = {"python -m server score": "score", "python -m server key": "key",
         "python -m server": "serve", "python -m convert": "convert",
         "python -m monitoring": "monitor"}  # fmt: skip


def main() -> int:
    """Run the verb; returns the exit code of a wrong one, else the verb's own ends the process."""
    verb = sys.argv[1] if len(sys.argv) > 1 else ""
    if verb not in VERBS:
        asked = verb in {"-h", "--help"}
        print(usage(), file=sys.stdout if asked else sys.stderr)
        return 0 if asked else 2
    (package, *own), _ = VERBS[verb]
    sys.argv[1:2] = own
    name_verbs_in_help()
    try:
        runpy.run_module(f"{__package__}.{package}", run_name="__main__", alter_sys=True)
    except ModuleNotFoundError as error:
        if str(error.name).startswith(f"{__package__}."):
            raise
        wanted = f"pip install 'credit-express[{EXTRAS[package]}]'"
        print(f"credit-express {verb} needs {error.name}: {wanted}", file=sys.stderr)
        return 2
    return 0


def usage() -> str:
    """Return the help text: one line per verb."""
    lines = (f"  {verb:<8}  {does}" for verb, (_, does) in VERBS.items())
    return "\n".join(["usage: credit-express VERB ...", "", *lines, "", "VERB --help says more."])


def name_verbs_in_help() -> None:
    """Have argparse say credit-express where the repository's help says python -m."""
    say = argparse.ArgumentParser._print_message

    def renamed(parser: argparse.ArgumentParser, message: str, file: Any = None) -> None:
        for typed, verb in NAMES.items():
            message = message.replace(typed, f"credit-express {verb}")
        say(parser, message, file)

    argparse.ArgumentParser._print_message = renamed  # type: ignore[method-assign]


if __name__ == "__main__":
    sys.exit(main())
