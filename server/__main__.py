"""`python -m server`: keep the start short, then run cli.py."""

import gc
import sys

from . import deferred

if __name__ == "__main__":
    # Objects made while loading stay alive: collecting garbage then costs a tenth of a start.
    gc.disable()
    # Not used here: uvicorn's command line, reloaders and click, which its __init__ loads, and the
    # reader of logging's configuration files.
    deferred.package("logging.config")
    deferred.package("uvicorn", Config="uvicorn.config", Server="uvicorn.server")
    from .cli import main

    gc.freeze()
    gc.enable()
    raise SystemExit(main(sys.argv[1:]))
