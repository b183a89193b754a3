"""replay: score the log again with the models that made it, and compare every bit.

  python -m monitoring replay --log /var/log/credit --models models --since 2026-11-01
  python -m monitoring replay --log /var/log/credit --models models \\
      --with credit-express/2 --plot trial.html

The reasons and contributions that were answered are computed again, too. The exit code is 0 if
every record that holds its row gives the same bits, and 1 if one does not or its model, policy or
reasons are missing. With --with, another version scores the same past applicants, and the output
shows how many decisions would have changed. Nothing is written to the log.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from ..errors import MonitoringError
from ..log import options
from ..log.once import Once
from ..log.progress import counted
from ..log.sources import batches
from ..markup import visible
from .compare import Report, replay
from .trial import Trial, run


def main(arguments: Sequence[str]) -> int:
    """Replay a log and return the exit code. Raises MonitoringError."""
    args = parser().parse_args(arguments)
    if args.plot and not args.other:
        raise MonitoringError("--plot needs --with NAME/VERSION")
    once = Once()
    log = counted(batches(args.log, options.window_of(args), once), "replay")
    if args.other:
        code = show_trial(run(log, args.models, args.other), args)
    else:
        code = show_reports(replay(log, args.models), args.json)
    once.tell()
    return code


def parser() -> argparse.ArgumentParser:
    """Return the parser."""
    top = argparse.ArgumentParser(
        "python -m monitoring replay",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--log", nargs="+", type=Path, required=True, metavar="FOLDER")
    top.add_argument(
        "--models",
        type=Path,
        required=True,
        metavar="DIR",
        help="folder of bundles, DIR/NAME/VERSION",
    )
    top.add_argument(
        "--with",
        dest="other",
        metavar="NAME/VERSION",
        help="score the applicants with this version instead",
    )
    top.add_argument(
        "--plot",
        type=Path,
        metavar="FILE.html",
        help="with --with: write a plot that works offline",
    )
    top.add_argument("--json", action="store_true", help="print one JSON object per model version")
    options.window(top)
    return top


def show_reports(reports: list[Report], as_json: bool) -> int:
    """Print the results; return 1 if anything is wrong."""
    for report in reports:
        if as_json:
            sys.stdout.write(msgspec.json.encode(report).decode() + "\n")
        else:
            print(text(report))
    if not reports:
        print("no records", file=sys.stderr)
    return 1 if any(report.is_bad() for report in reports) else 0


def text(report: Report) -> str:
    """Return a report as text."""
    replayed = report.identical + report.different + report.other_policy + report.other_reasons
    policies, versions = ", ".join(report.policies), ", ".join(report.reasons)
    lines = [f"{report.model}: {report.identical:,} of {replayed:,} bit-identical"]
    asides = (
        (report.explained, "of them with the reasons and contributions that were answered"),
        (
            report.other_policy,
            "score bit-identically, but were decided under a policy not in the bundle "
            f"({policies})",
        ),
        (
            report.other_reasons,
            f"score bit-identically, but were given reasons not in the bundle ({versions})",
        ),
        (report.without_row, "hold no row"),
        (report.refused, "were refused and have no score"),
        (report.no_model, report.why),
    )
    lines += [f"  {count:,} {what}" for count, what in asides if count]
    lines += [
        f"  {d.request_id} [{d.index}] {d.what}: recorded {d.recorded!r}, replayed {d.replayed!r}"
        for d in report.examples
    ]
    return "\n".join(map(visible, lines))


def show_trial(trial: Trial, args: argparse.Namespace) -> int:
    """Print the table of decisions, and write the plot if wanted."""
    if args.plot:
        from .plot import save

        save(trial, args.plot)
    if args.json:
        changes = {f"{was} -> {now}": n for (was, now), n in sorted(trial.changes.items())}
        figures = {k: v for k, v in msgspec.structs.asdict(trial).items() if k != "grid"}
        sys.stdout.write(msgspec.json.encode({**figures, "changes": changes}).decode() + "\n")
    else:
        print(trial_text(trial))
    return 0


def trial_text(trial: Trial) -> str:
    """Return the trial as a table: recorded decisions down, the other version's across."""
    names = sorted({name for pair in trial.changes for name in pair})
    head = f"{'recorded':<12}" + "".join(f"{name:>14}" for name in names)
    rows = [
        f"{was:<12}" + "".join(f"{trial.changes[was, now]:>14,}" for now in names) for was in names
    ]
    share = trial.changed / trial.compared if trial.compared else 0.0
    mean = trial.shift_sum / trial.compared if trial.compared else 0.0
    return "\n".join(
        [
            f"{trial.model}: {trial.changed:,} of {trial.compared:,} decisions would change "
            f"({share:.2%}); prediction shifts by {mean:.4f} on average, "
            f"{trial.shift_largest:.4f} at most",
            head, *rows,
            f"not compared: {trial.without_row:,} without their row, {trial.unfit:,} that "
            "this version would refuse with 422",
        ]
    )  # fmt: skip
