"""One run of the `drift` command: read, judge, write and report."""

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from ..drift.choices import FILE, PREVIOUS, TRAINING
from ..drift.result import Drift, Settings
from ..drift.run import Source, count, drift, previous_window
from ..log.window import Window, moment
from ..outcomes.ledger import Ledger
from ..outcomes.result import Outcomes
from ..report.make import make_report
from ..rows.errors import DriftError
from ..rows.files import from_file
from ..rows.labels import Labels
from ..rows.records import Log
from ..rows.reference import Reference, as_the_model_sees, from_bundle
from ..rows.sample import Sample
from ..rows.tables import Table
from ..rows.tally import total
from . import output

REPORT_ROWS = 5000
REFERENCE_ROWS = "reference.parquet"


def run(args: argparse.Namespace) -> Drift:
    """Read, count, compare and write. Raises MonitoringError."""
    reference, window = _reference(args), _window(args)
    source = _source(args, reference, window)
    now, before = (Sample(REPORT_ROWS, reference.score_edges) for _ in range(2))
    samples = [now, before] if args.out and not args.no_report else []
    ledger = Ledger(reference.score_edges, args.by)
    days = count(source, reference, [*samples[:1], ledger])
    compared = reference
    if args.baseline == PREVIOUS:
        compared = _previous(args, reference, window, samples[1:])
    result = drift(
        compared,
        days,
        Settings(args.alpha, args.min_rows, args.min_psi, max_refused=args.max_refused),
        baseline=FILE if args.reference and args.baseline == TRAINING else args.baseline,
        by=args.by,
        window=(args.since and str(window.since), args.until and str(window.until)),
        source=source,
    )
    if args.out:
        outcomes = ledger.judge(reference, source.labels)
        output.write(result, outcomes if outcomes.labelled or args.labels else None, args.out)
        if args.labels:
            print(_said_of(outcomes))
    if samples:
        _report(args, reference, result, before, now)
    return result


def _said_of(outcomes: Outcomes) -> str:
    """Sum up the outcomes in one line."""
    quality, auc = outcomes.quality, outcomes.quality.auc
    area = f"; AUC {auc.value:.3f} ({auc.low:.3f} to {auc.high:.3f})" if auc else ""
    return (
        f"outcomes known of {outcomes.labelled:,} of {outcomes.scored:,} rows, "
        f"{quality.bad:,} bad{area}; more in {output.OUTCOMES}"
    )


def _report(
    args: argparse.Namespace, reference: Reference, result: Drift, before: Sample, now: Sample
) -> None:
    """Make Evidently's report if there are enough rows."""
    if not result.enough:
        print("no report.html: too few rows")
        return
    if args.baseline == TRAINING and not _sampled(args, reference, before):
        print(f"no report.html: {args.model} has no {REFERENCE_ROWS}")
        return
    if sys.stderr.isatty():  # cron would mail it
        print("making Evidently's report of a sample", file=sys.stderr)
    threshold = reference.policy.refuse_at if reference.policy else None
    make_report(result, reference.columns, before.rows(), now.rows(), args.out, threshold)


def _sampled(args: argparse.Namespace, reference: Reference, before: Sample) -> bool:
    """Sample the reference's own rows as the model sees them; False if they were not kept."""
    path = args.reference or args.model / REFERENCE_ROWS
    if not Path(path).is_file():
        return False
    for block in Table(str(path), reference.columns).blocks():
        before.offer(reference.as_seen(block))
    return True


def _reference(args: argparse.Namespace) -> Reference:
    if bool(args.model) == bool(args.reference):
        raise DriftError("give either --model DIR or --reference FILE")
    if args.reference:
        return from_file(args.reference, args.ignore)
    reference = from_bundle(args.model)
    return as_the_model_sees(reference) if args.log else reference


def _window(args: argparse.Namespace) -> Window:
    since = moment(args.since) if args.since else None
    until = moment(args.until) if args.until else None
    if args.window:
        if since:
            raise DriftError("give either --window or --since, not both")
        until = until or datetime.now(UTC)
        since = until - args.window
    if since and until and since >= until:
        raise DriftError(f"--since {args.since} is not before --until {args.until}")
    if args.baseline == PREVIOUS and since is None:
        raise DriftError("--baseline previous needs --window or --since, which give its length")
    return Window(since, until)


def _source(args: argparse.Namespace, reference: Reference, window: Window) -> Source:
    if bool(args.log) == bool(args.current):
        raise DriftError("give either --log DIR or --current FILE")
    labels = Labels(args.labels) if args.labels else None
    if args.current:
        return Table(args.current, reference.columns, window, labels)
    if args.reference:
        raise DriftError("--log needs --model, not --reference: a log holds a model's rows")
    return Log(args.log, window, reference, labels)


def _previous(
    args: argparse.Namespace, reference: Reference, window: Window, samples: Sequence[Sample]
) -> Reference:
    """Return the reference with the previous window in place of the reference rows."""
    assert window.since is not None  # noqa: S101 - asked by _window
    before = Window(*previous_window(window.since, window.until or datetime.now(UTC)))
    earlier = count(_source(args, reference, before), reference, samples).values()
    return reference.against(total(earlier, reference.columns, reference.score_edges))
