"""What a platform expects of a container that it runs."""

from collections.abc import Callable
from typing import Any

import msgspec

from ..http.score import Score
from ..settings import Settings, Told


def no_documents(_: Settings) -> dict[str, Any]:
    """Return none."""
    return {}


class Contract(msgspec.Struct, frozen=True):
    """A platform's settings, and its routes to the default model.

    Settings: `defaults` give way to CREDIT_* variables; `told`, which the platform itself says in
    this container, wins over them, as the image sets some; flags win over both. `unfit` names
    settings that the platform tells in a form we do not take, and says why.

    Routes: `ready` are GET paths that say whether the server is ready; `documents` makes the JSON
    of further GET paths; `score` has the handler of each POST path.
    """

    defaults: dict[str, Any] = {}
    told: dict[str, Told] = {}
    unfit: dict[str, str] = {}
    ready: tuple[str, ...] = ()
    documents: Callable[[Settings], dict[str, Any]] = no_documents
    score: dict[str, type[Score]] = {}
