"""Which contract is kept; only its own module is imported."""

from collections.abc import Mapping
from importlib import import_module
from typing import get_args

from ..settings import Platform, SettingsError
from .contract import Contract

NONE = Contract()


def contract_of(name: str, environment: Mapping[str, str]) -> Contract:
    """Return a platform's contract, an empty one for any other name; raises SettingsError."""
    if name == "none" or name not in get_args(Platform):
        return NONE
    found: Contract = import_module(f".{name}", __package__).contract(environment)
    for path in (*found.ready, *found.score):
        if not path.startswith("/"):
            said = f"wanted a route that begins with /, got {path}"
            raise SettingsError(f"settings: platform: {name}: {said}")
    return found
