"""dashboard: look at the verdict, the features, one decision, the outcomes, in a browser.

  python -m monitoring dashboard --out drift --log log --models models

Reads the files that `python -m monitoring drift --out drift` wrote, the log for single decisions,
and the bundles to explain them; writes nothing. Listens on 127.0.0.1 unless told otherwise: it has
no login.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parents[2]
PAGE = Path(__file__).with_name("page.py")
QUIET = {
    "server.headless": "true",
    "server.fileWatcherType": "none",
    "browser.gatherUsageStats": "false",
    "client.toolbarMode": "viewer",
    "client.showErrorDetails": "none",
}


def parser() -> argparse.ArgumentParser:
    """Return the parser of `python -m monitoring dashboard`."""
    new = argparse.ArgumentParser(
        prog="python -m monitoring dashboard",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    new.add_argument("--out", type=Path, default=Path("drift"), metavar="DIR",
                     help="what `drift --out` wrote (drift)")  # fmt: skip
    new.add_argument("--log", type=Path, nargs="*", default=[], metavar="DIR",
                     help="folders of the log, to look up single decisions")  # fmt: skip
    new.add_argument(
        "--models", type=Path, metavar="DIR",
        help="folder of bundles, DIR/NAME/VERSION, to explain decisions with",
    )  # fmt: skip
    new.add_argument("--host", default="127.0.0.1", metavar="ADDRESS", help="(127.0.0.1)")
    new.add_argument("--port", type=int, default=8501, help="(8501)")
    return new


def main(arguments: Sequence[str]) -> NoReturn:
    """Become Streamlit over the page: one process, which a signal stops."""
    args = parser().parse_args(arguments)
    settings = QUIET | {"server.address": args.host, "server.port": str(args.port)}
    flags = [f"--{name}={value}" for name, value in settings.items()]
    logs = [str(folder.resolve()) for folder in args.log]
    command = [sys.executable, "-m", "streamlit", "run", str(PAGE), *flags]
    models = str(args.models.resolve()) if args.models else ""
    command += ["--", str(args.out.resolve()), models, *logs]
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    os.execve(sys.executable, command, os.environ | {"PYTHONPATH": path})  # noqa: S606
