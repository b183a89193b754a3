"""Train on the file application_train.csv of Kaggle's "Home Credit Default Risk".

python -m models.home_credit application_train.csv --out build/home-credit

The file is yours to get and its rules are Kaggle's; a model trained on it is not committed.
The 16 text columns are categories, empty cells are missing values, and DAYS_EMPLOYED keeps its
sentinel 365243 (no employment): the trees learn it as the value it is, and so it is served.
"""

import argparse
from pathlib import Path

import pandas as pd

from . import recipe
from .training import split

LABEL = "TARGET"
KEY = "SK_ID_CURR"
SOURCE = "Home Credit Default Risk, application_train.csv"


def read(file: Path) -> pd.DataFrame:
    """Read the applications: text columns as categories, the rest as float64, the key dropped."""
    rows = pd.read_csv(file, float_precision="round_trip")  # the default rounds some wrong
    absent = {LABEL, KEY} - set(rows.columns)
    if absent:
        raise SystemExit(f"{file}: wanted the columns {LABEL} and {KEY}, got none named {absent}")
    text: list[str] = list(rows.select_dtypes("str"))
    return rows.drop(columns=KEY).astype(dict.fromkeys(text, "category"))


def main() -> None:
    """Read, split, train, write."""
    parser = recipe.arguments(__doc__, "home-credit")
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("data", type=Path, help="application_train.csv, or .csv.gz")
    options = parser.parse_args()
    if not options.data.is_file():
        raise SystemExit(f"{options.data}: no such file")
    recipe.run(split(read(options.data), LABEL), LABEL, SOURCE, options.out)


if __name__ == "__main__":
    main()
