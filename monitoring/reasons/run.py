"""One run of `monitoring reasons`: count the log, compare, and return what was found."""

import argparse
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from ..drift.choices import PREVIOUS
from ..drift.result import Settings
from ..drift.run import previous_window
from ..errors import MonitoringError
from ..explain.principal import Principal
from ..log.once import Once
from ..log.progress import counted
from ..log.sources import batches
from ..log.window import Window, moment
from ..replay.model import Model, find
from .change import compare, homogeneity
from .report import Reasons, Segmented, by_decision, groups, total
from .segments import Segments
from .tally import Key, Tallies, Tally, period
from .training import tally_of


def run(args: argparse.Namespace) -> list[Reasons]:
    """Count the reasons of every model version and policy. Raises MonitoringError."""
    window = window_of(args)
    segments = Segments(args.segment) if args.segment else None
    models = Models(args.models)
    now = read(args, window, segments)
    before: Tallies | None = None
    if args.baseline == PREVIOUS:
        if window.since is None or window.until is None:
            raise MonitoringError("--baseline previous: give --since, or --window such as 7d")
        before = read(args, Window(*previous_window(window.since, window.until)), None)
    if segments:
        segments.check()
    return [Found(key, now, args, models, before).report(segments) for key in sorted(now.by[0])]


def window_of(args: argparse.Namespace) -> Window:
    """Return the span of time asked for; its end is now if it has a beginning."""
    since = moment(args.since) if args.since else None
    until = moment(args.until) if args.until else None
    if args.window and since:
        raise MonitoringError("give --since or --window, not both")
    if args.window or (since and until is None):
        until = until or datetime.now(UTC)
    return Window(until - args.window if args.window and until else since, until)


def read(args: argparse.Namespace, window: Window, segments: Segments | None) -> Tallies:
    """Count the log, once."""
    tallies = Tallies(period(args.by), *([segments] if segments else []))
    once = Once()
    for batch in counted(batches(args.log, window, once), "reasons"):
        tallies.add(batch)
    once.tell()
    return tallies


class Models:
    """The bundles of a folder, opened as they are needed; none without a folder."""

    def __init__(self, folder: Path | None) -> None:
        self._folders = find(folder) if folder else {}
        self._opened: dict[tuple[str, str], Model] = {}

    def of(self, key: Key) -> Model | None:
        """Return the model of a key, None if it is not there. Raises MonitoringError."""
        name = key[:2]
        if name not in self._folders:
            return None
        if name not in self._opened:
            self._opened[name] = Model(self._folders[name])
        return self._opened[name]


class Found:
    """What was found of one model version under one policy."""

    def __init__(
        self, key: Key, now: Tallies, args: argparse.Namespace, models: Models,
        before: Tallies | None,
    ) -> None:  # fmt: skip
        self.key, self._now, self._args, self._before = key, now, args, before
        self._model = models.of(key)
        self._settings = Settings(alpha=args.alpha, min_rows=args.min_rows)
        self._all = total(now.by[0][key].values())

    def report(self, segments: Segments | None) -> Reasons:
        """Return it. Raises MonitoringError."""
        tally = self._all
        refused = sum(n for decision, n in tally.decided.items() if decision != "approve")
        found = Reasons(
            *self.key, sorted(self._now.versions.get(self.key, ())), dict(tally.decided),
            tally.rows, refused - tally.rows, self._texts(), by_decision(tally), self._args.by,
            groups(self._now.by[0][self.key]),
        )  # fmt: skip
        if segments:
            found.segments = self._segmented(segments)
        if self._args.baseline and (earlier := self._earlier()) is not None:
            found.change = compare(self._args.baseline, earlier, tally, self._settings)
        return found

    def _segmented(self, segments: Segments) -> Segmented:
        tallies = self._now.by[1].get(self.key, {})
        codes = self._all.codes()
        sides = [tally.first_codes() for tally in tallies.values()]
        counts = np.array([[side[code] for code in codes] for side in sides])
        test = homogeneity(counts.reshape(len(sides), len(codes)))
        return Segmented(segments.name, groups(tallies, segments.place), *test)

    def _earlier(self) -> Tally | None:
        if self._before is not None:
            return total(self._before.by[0].get(self.key, {}).values())
        policy = self._model.manifest.policy if self._model else None
        if self._model is None or policy is None or policy.version != self.key[2]:
            return None
        return tally_of(self._model)

    def _texts(self) -> dict[str, str]:
        if self._model is None:
            return {}
        present = self._model.principal()
        newest = present.codes.version if present else None
        versions = sorted(self._now.versions.get(self.key, ()), key=lambda each: each == newest)
        return {
            code: text
            for principal in filter(None, (present, *map(self._model.principal, versions)))
            for code, text in texts(principal, self._args.language)
        }


def texts(principal: Principal, language: str | None) -> Iterator[tuple[str, str]]:
    """Yield (code, text) of all reasons, in the language if they have it, else in the first."""
    for entry in principal.codes.entries:
        for code in filter(None, (entry, entry.missing)):
            yield code.code, code.text.get(language or "", next(iter(code.text.values())))
