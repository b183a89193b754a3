"""A package or module that runs when something of it is needed, not when it is imported."""

import sys
from collections.abc import Iterable
from importlib import import_module
from importlib.util import find_spec, module_from_spec
from pathlib import Path
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
        if wanted == "__version__" and (
            version := installed(name, spec.submodule_search_locations)
        ):
            return version
        del module.__dict__["__getattr__"]
        loader.exec_module(module)
        return getattr(module, wanted)

    module.__dict__["__getattr__"] = find
    sys.modules[name] = module
    parent, _, child = name.rpartition(".")
    if parent:
        setattr(sys.modules[parent], child, module)


def installed(name: str, folders: Iterable[str] | None) -> str | None:
    """Return the version that stands in the name of the package's dist-info folder, or None."""
    for folder in folders or ():
        for found in Path(folder).parent.glob(f"{name}-*.dist-info"):
            return found.name.removesuffix(".dist-info").removeprefix(f"{name}-")
    return None
