"""A package whose parts are imported without its `__init__`, which runs when something needs it."""

import sys
from importlib import import_module
from importlib.util import find_spec, module_from_spec
from typing import Any


def package(name: str, **homes: str) -> None:
    """Put the package `name` in place; `homes` tells which module holds which of its names.

    Any other name is looked up by running the package's own `__init__`. What was imported before
    stays as it is, and so does a package that is not there: its import fails where it is made.
    """
    spec = None if name in sys.modules else find_spec(name)
    if spec is None or spec.loader is None:
        return
    loader, module = spec.loader, module_from_spec(spec)

    def find(wanted: str) -> Any:
        if wanted in homes:
            return getattr(import_module(homes[wanted]), wanted)
        del module.__dict__["__getattr__"]
        loader.exec_module(module)
        return getattr(module, wanted)

    module.__dict__["__getattr__"] = find
    sys.modules[name] = module
