"""A package or module that runs when something of it is needed, not when it is imported."""

import sys
from importlib import import_module
from importlib.util import find_spec, module_from_spec
from typing import Any


def package(name: str, **homes: str) -> None:
    """Put `name` in place; `homes` tells which of its modules hold which of its names.

    Its modules are imported without it. Any other name is looked up by running its own code. What
    was imported before stays as it is, and so does what is not there: its import fails where it is
    made.
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
    parent, _, child = name.rpartition(".")
    if parent:
        setattr(sys.modules[parent], child, module)
