"""drift: check whether the scored rows still look like the rows the model was judged on.

  python -m monitoring drift --model models/credit-express/1 --log log --window 7d --out drift
  python -m monitoring drift --model models/credit-express/1 --current today.parquet
  python -m monitoring drift --reference january.csv --current june.csv

Exit codes: 0 stable, 1 drift, 2 too few rows to tell, 3 error. Writes drift.json, drift.prom and
report.html (Evidently, works offline) to --out. docs/drift.md explains every number.
"""

from collections.abc import Sequence

from ..drift.result import EXIT_CODES
from .arguments import check_paths, parser


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit code. Raises MonitoringError."""
    args = parser(__doc__).parse_args(arguments)
    check_paths(args)
    # Imported late: errors in the arguments must not wait for libraries to load.
    from ..drift import summary
    from .run import run

    result = run(args)
    print(summary.to_text(result))
    return 0 if args.exit_zero else EXIT_CODES[result.status]
