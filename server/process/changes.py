"""Commands to the supervisor, one after the other; loading is tried before it is done."""

import socket
from collections import deque
from collections.abc import Callable
from functools import partial
from time import monotonic

import msgspec

from ..scoring.care import Care
from ..scoring.catalog import Catalog
from .control import Command
from .trial import Trial

Load = Callable[[Care], Catalog]
LOADING = frozenset({"reload", "load"})


class Change(msgspec.Struct, frozen=True):
    """A command, and where its reply goes: nowhere, if it was a signal."""

    command: Command
    teller: socket.socket | None = None


class Changes:
    """The queue of commands, and the trial of the first one if it loads bundles."""

    def __init__(self, load: Load, let_go: Callable[[], None], seconds: float) -> None:
        self.waiting: deque[Change] = deque()
        self.trial: Trial | None = None
        self._load = load
        self._let_go = let_go
        self._seconds = seconds

    def begin(self, catalog: Catalog) -> Trial:
        """Try to load in a separate process. Raises OSError."""
        load = partial(self._loaded, catalog, self.waiting[0].command)
        self.trial = Trial(
            lambda begin: load(Care(begin=begin)).proof(), self._let_go, self._seconds
        )
        return self.trial

    def end(self, catalog: Catalog) -> Catalog:
        """Return the new catalog: exactly the bytes that were tried. Raises BundleError."""
        command, trial = self.waiting.popleft().command, self.trial
        assert trial is not None  # noqa: S101 - it has begun
        self.trial = None
        return self._loaded(catalog, command, Care(proof=trial.result()))

    def is_late(self) -> bool:
        """Whether the trial has used up its time."""
        return self.trial is not None and monotonic() >= self.trial.end

    def drop(self) -> None:
        """End the trial and drop all queued commands."""
        if self.trial is not None:
            self.trial.kill()
            self.trial = None
        self.waiting.clear()

    def _loaded(self, catalog: Catalog, command: Command, care: Care) -> Catalog:
        if command.verb == "load":
            return catalog.with_model(command.model, care)
        return self._load(care)
