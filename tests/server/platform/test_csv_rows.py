"""Cells of CSV bodies are read by the rule of docs/tables.md; what they do not hold is refused."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.conftest import Running, Serve, Trained
from tests.server.platform.contract import csv_of, detail, post, probabilities, up, wanted

BOTH_LANES = True
PATH, CSV = "/invocations", "text/csv"
HEADER = b"AGE,INCOME,DEBT-RATIO,KIND,REGION"
NUMBERS = {
    "true": 1.0, "False": 0.0, "-0": -0.0, "01": 1.0, " 7 ": 7.0, "1e3": 1000.0, "+5.": 5.0,
    "1e-400": 0.0, "9007199254740992": 2.0**53, "": np.nan, "NA": np.nan, "NaN": np.nan,
    "null": np.nan,
}  # fmt: skip


@pytest.fixture(scope="module")
def server(
    bundle: Path, serve: Serve, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    with up(serve, bundle, tmp_path_factory.mktemp("log"), "sagemaker") as running:
        yield running


def test_a_number_in_any_spelling_gets_lightgbms_bits(server: Running, trained: Trained) -> None:
    lines = b"".join(b'40,"%b",0.5,car,2\n' % cell.encode() for cell in NUMBERS)
    done = post(server, PATH, lines, content_type=CSV, accept="application/json")
    rest = {"AGE": 40.0, "DEBT-RATIO": 0.5, "KIND": "car", "REGION": 2}
    rows = pd.DataFrame({"INCOME": [*NUMBERS.values()], **rest})
    rows = rows[[*trained.held_out]].astype(trained.held_out.dtypes)
    assert probabilities(done.json()) == trained.prediction(rows).tolist()


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("1e400", 'got "1e400"'), ("-1e999", 'got "-1e999"'), ("inf", 'got "inf"'),
        ("1_0", 'got "1_0"'), ("0x10", 'got "0x10"'), ("1,5", 'got "1,5"'),
        ("9007199254740993", "float64 would make 9007199254740992 of it"),
    ],
)  # fmt: skip
def test_a_number_that_float64_does_not_hold_is_refused_not_taken_as_missing(
    server: Running, cell: str, said: str
) -> None:
    body = b'40,"%b",0.5,car,2\n' % cell.encode()
    told = detail(post(server, PATH, body, content_type=CSV))
    assert "line 1: INCOME: wanted a finite number" in told
    assert told.endswith(said)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"\n", b"\r\n"), (b"\n", b"\r"), (b"\n", b"\n\n"), (HEADER, b"\xef\xbb\xbf" + HEADER),
        (HEADER, b'"' + HEADER.replace(b",", b'","') + b'"'),
    ],
)  # fmt: skip
def test_ends_of_lines_marks_and_quotes_do_not_matter(
    server: Running, trained: Trained, old: bytes, new: bytes
) -> None:
    body = csv_of(trained).replace(old, new)
    done = post(server, PATH, body, content_type=CSV, accept="application/json")
    assert probabilities(done.json()) == wanted(trained)


def test_a_long_name_is_not_copied_into_every_row(server: Running) -> None:
    """Of 20,000 rows that would be gigabytes."""
    body = HEADER + b"," + b"a" * 100_000 + b"\n" + b"40,1,0.5,car,2,1\n" * 20_000
    said = detail(post(server, PATH, body, content_type=CSV))
    assert said.endswith(f"first: line 2: unknown feature {'a' * 59}…")


def test_a_row_of_several_lines_is_named_by_its_first(server: Running) -> None:
    body = b'40,1,0.5,car,2\n\n40,1,0.5,"a\r\nb",2\n'
    assert "first: line 3: KIND: wanted one of" in detail(
        post(server, PATH, body, content_type=CSV)
    )
