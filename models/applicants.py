"""Turn rows into the bodies a client would send, one JSON object a line.

python -m models.applicants models/credit-express/held-out.parquet build/applicants.jsonl
"""

import argparse
from pathlib import Path

import pandas as pd

from .uci_credit import LABEL


def write(rows: pd.DataFrame, file: Path) -> None:
    """Write one object a line: feature name to value, null where it is missing."""
    file.parent.mkdir(parents=True, exist_ok=True)
    rows.drop(columns=LABEL, errors="ignore").to_json(
        file, orient="records", lines=True, double_precision=15
    )


def main() -> None:
    """Read Parquet, write JSON lines."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", type=Path, metavar="ROWS.parquet")
    parser.add_argument("bodies", type=Path, metavar="BODIES.jsonl")
    options = parser.parse_args()
    write(pd.read_parquet(options.rows), options.bodies)


if __name__ == "__main__":
    main()
