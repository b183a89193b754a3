"""Which contract is kept; only its own module is imported."""

import re
from collections.abc import Mapping
from importlib import import_module
from typing import get_args

from ..settings import Platform, SettingsError
from .contract import Contract

NONE = Contract()
# A path as it stands on the request line; braces would be a pattern, and ? begins a query.
ROUTE = re.compile(r"/[A-Za-z0-9._~:@!$&'()*+,;=/-]*")


def contract_of(name: str, environment: Mapping[str, str]) -> Contract:
    """Return a platform's contract, an empty one for any other name; raises SettingsError."""
    if name == "none" or name not in get_args(Platform):
        return NONE
    found: Contract = import_module(f".{name}", __package__).contract(environment)
    for path in (*found.ready, *found.score):
        if not ROUTE.fullmatch(path):
            said = "wanted a route that begins with /, of letters, digits and marks of a path, got"
            raise SettingsError(f"settings: platform: {name}: {said} {path!r}")
    if both := {*found.ready} & {"/score", *found.score}:
        said = f"wanted another route for health than for scores, got {both.pop()} for both"
        raise SettingsError(f"settings: platform: {name}: {said}")
    return found
