"""Packages and modules that run on first use instead of at import."""

import sys
from collections.abc import Iterable
from importlib import import_module
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from typing import Any


def package(name: str, **homes: str) -> None:
    """Install `name` as a lazy package; `homes` maps its modules to the names they define.

    Its modules are imported without running it. Any other name is found by running its own code. A
    package that was imported before, or is not installed, is left alone.
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
    """Return a package's version from the name of its dist-info folder, or None."""
    for folder in folders or ():
        for found in Path(folder).parent.glob(f"{name}-*.dist-info"):
            return found.name.removesuffix(".dist-info").removeprefix(f"{name}-")
    return None
