"""`python -m server`: keep the start short, then run cli.py."""

import gc
import sys

from . import deferred

if __name__ == "__main__":
    # Loading makes objects that stay: looking for garbage among them is a tenth of a start.
    gc.disable()
    # What nothing here uses: uvicorn's command line, reloaders and click, which its __init__ loads,
    # and what reads logging's configuration files.
    deferred.package("logging.config")
    deferred.package("uvicorn", Config="uvicorn.config", Server="uvicorn.server")
    from .cli import main

    gc.freeze()
    gc.enable()
    raise SystemExit(main(sys.argv[1:]))
