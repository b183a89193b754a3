"""Train the demo model on the UCI credit card rows.

python -m models.credit_express --out build/credit-express
"""

import json
from pathlib import Path

import pandas as pd

from . import recipe, uci_credit
from .training import split


def main() -> None:
    """Fetch, split, train; also renew the held-out sample and the applicant of the README."""
    parser = recipe.arguments(__doc__, "credit-express")
    parser.add_argument("--data", type=Path, default=Path("build", "data"), metavar="DIR")
    parser.add_argument("--samples", type=Path, metavar="DIR", help="renew the sample rows here")
    options = parser.parse_args()
    rows = uci_credit.read(uci_credit.fetch(options.data))
    parts = split(rows, uci_credit.LABEL)
    recipe.run(parts, uci_credit.LABEL, uci_credit.SOURCE, options.out)
    if options.samples:
        write_samples(options.out / "held-out.parquet", options.samples)


def write_samples(held_out: Path, folder: Path, rows: int = 3000) -> None:
    """Write the first `rows` held-out applicants as Parquet and the very first one as JSON."""
    sample = pd.read_parquet(held_out).head(rows)
    sample.to_parquet(folder / "held-out.parquet", index=False)
    applicant = sample.drop(columns=uci_credit.LABEL).iloc[0]
    values = {
        name: int(value) if value == int(value) else value for name, value in applicant.items()
    }
    (folder / "applicant.json").write_text(json.dumps(values, indent=1) + "\n")


if __name__ == "__main__":
    main()
