"""A text where a number or a time is wanted: file, row and column are named, in one line."""

from pathlib import Path

import pandas as pd
import pytest

from monitoring.__main__ import main
from tests.drift_files import rows, write_bundle, write_log

TEXTS = ["forty", "1,5", "1_000", "12.345,67", "5 %", "$5", "0x10", "ten", "1 2", "١٢", "--5"]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_bundle(tmp_path_factory.mktemp("model") / "tiny" / "1", rows(1000, 0))


def people() -> pd.DataFrame:
    return rows(300, 1).assign(KIND="car", prediction=0.3, time="2026-11-23T10:00:00Z")


@pytest.mark.parametrize("form", ["csv", "csv.gz", "parquet"])
@pytest.mark.parametrize(
    ("column", "text"),
    [*(("AGE", text) for text in TEXTS), ("INCOME", "much"), ("prediction", "high"),
     ("time", "tuesday"), ("time", "23.11.2026")],
)  # fmt: skip
def test_current_rows_name_file_row_and_column(
    column: str, text: str, form: str, model: Path, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    frame = people().astype({column: object})
    frame.loc[217, column] = text
    file = tmp_path / f"now.{form}"
    if form == "parquet":
        frame.astype({column: str}).to_parquet(file)
    else:
        frame.to_csv(file, index=False)
    assert main(["drift", "--model", str(model), "--current", str(file)]) == 3
    said = capsys.readouterr().err
    assert said.startswith(f"error: {file}: row 218: {column}: wanted ")
    assert f'got "{text}"\n' in said
    assert said.count("\n") == 1


@pytest.mark.parametrize(("column", "text"), [("outcome", "bad"), ("index", "first")])
def test_outcomes_name_file_row_and_column(
    column: str, text: str, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_log(tmp_path / "log", rows(300, 1))
    file = tmp_path / "outcomes.csv"
    table = pd.DataFrame({"request_id": list("abc"), "index": ["0", "0", "0"], "outcome": "1"})
    table.loc[1, column] = text
    table.to_csv(file, index=False)
    given = ["--model", str(model), "--log", str(tmp_path / "log"), "--labels", str(file)]
    assert main(["drift", *given]) == 3
    assert f"{file}: row 2: {column}: wanted a finite number" in capsys.readouterr().err


@pytest.mark.parametrize(("count", "said"), [(300, "treated as a category"), (3000, "left out")])
def test_one_text_among_numbers_of_a_reference_file_is_named(
    count: int, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before, the column became a category of all its numbers, or was left out, without a word."""
    frame = rows(count, 1).assign(KIND="car").astype({"INCOME": object})
    frame.loc[41, "INCOME"] = "unknown"
    frame.to_csv(tmp_path / "all.csv", index=False)
    given = ["--reference", str(tmp_path / "all.csv"), "--current", str(tmp_path / "all.csv")]
    assert main(["drift", *given]) == 0
    [note] = [line for line in capsys.readouterr().out.splitlines() if "INCOME" in line]
    assert 'row 42: wanted a finite number, got "unknown"' in note
    assert said in note
