"""The UCI "default of credit card clients" rows: 30,000 applicants, 23 features, 22.1 % bad.

I-Cheng Yeh, "Default of Credit Card Clients", UCI Machine Learning Repository, 2009,
https://doi.org/10.24432/C55S3H, licensed CC BY 4.0.
"""

import hashlib
import io
import subprocess
import sys
import zipfile
from pathlib import Path

import pandas as pd

SOURCE = "UCI default of credit card clients, doi 10.24432/C55S3H, CC BY 4.0"
LABEL = "default"
NOMINAL = ("SEX", "EDUCATION", "MARRIAGE")

_MEMBER = "mercury/robust/tutorials/data/credit/UCI_Credit_card.csv"
_SHA256 = "9e5c04a4331d1e7b7d11b5ce881f550d55c1932292eacfe3734dd4546888ddec"
_PIN = Path(__file__).parent.parent / "requirements" / "demo-data.txt"


class DataError(Exception):
    """The training data could not be had, or are not the ones expected."""


def fetch(folder: Path) -> Path:
    """Return the CSV file in `folder`, downloading the package that ships it when it is not there.

    Raises DataError when the download fails or the bytes are not the ones recorded here.
    """
    file = folder / "uci_credit.csv"
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        file.write_bytes(_read_from(_download(folder)))
    found = hashlib.sha256(file.read_bytes()).hexdigest()
    if found != _SHA256:
        raise DataError(f"{file}: wanted sha256 {_SHA256}, got {found}; delete it and try again")
    return file


def read(file: Path) -> pd.DataFrame:
    """Read the rows: 23 features as float64 (the nominal ones as categories) and the label.

    The column ID is dropped: it numbers the rows and says nothing of an applicant.
    """
    content = io.BytesIO(file.read_bytes())
    rows = pd.read_csv(content, float_precision="round_trip").drop(columns="ID")
    rows = rows.rename(columns={"default.payment.next.month": LABEL})
    return rows.astype(dict.fromkeys(NOMINAL, "category"))


def _download(folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
    result = subprocess.run(  # noqa: S603 - every word of the command is a constant
        [*command, "--requirement", str(_PIN), "--dest", str(folder)],
        stderr=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    if result.returncode:
        raise DataError(f"pip could not download the package of {_PIN.name}: {result.stderr}")
    return next(folder.glob("mercury_robust-*.whl"))


def _read_from(wheel: Path) -> bytes:
    with zipfile.ZipFile(wheel) as archive:
        return archive.read(_MEMBER)
