"""Files of reasons that do not fit: one line that names what is wrong, and nothing is written."""

import json
from pathlib import Path

import pytest

from tests.convert.reasons.conftest import MAPPING
from tests.converting import convert

HEAD = "feature,code,text\n"
WHOLE = HEAD + "income,A,Income\ndebt,B,Debt\nage,C,Age\njob,D,Work\n"

FAULTS = [
    (WHOLE.replace("income,A", "incone,A"), "the model has no feature incone (is it income?)"),
    (WHOLE + "debt,E,Debt\n", "feature debt: wanted it once"),
    (WHOLE.replace("age,C,Age\n", ""), "no reason for age, 1 in all: none may be left out"),
    (WHOLE.replace("Age", ""), "code C: an empty text (en)"),
    (WHOLE.replace(",Age", ',"A\x07e"'), "code C: wanted one line of at most 500 characters"),
    (WHOLE.replace("C,Age", "B,Age"), "code B: text is 'Debt' and 'Age': wanted one"),
    (WHOLE.replace("C,Age", "C 1,Age"), "code 'C 1': wanted up to 32 letters"),
    (WHOLE.replace("C,Age", ",Age"), "row 4: no code"),
    (WHOLE.replace("age,C", ",C"), "row 4: no feature"),
    (WHOLE.replace("text", "txt"), "no column text (is it txt?)"),
    (WHOLE.replace(",", ";"), "its columns are separated by semicolons: wanted commas"),
    (WHOLE.replace("text", "text,remark").replace(",Age", ",Age,x"), "wanted 4 cells, got 3"),
    (HEAD, "no reason for income, debt, age, job, 4 in all"),
    ("", "wanted a header line"),
    (MAPPING.replace("Art der Arbeit", ""), "code JOB: an empty text (de)"),
    (MAPPING.replace("text_de", "text_german!"), "wanted a language such as en or pt-BR"),
    (MAPPING.replace("text_de", "text_en", 1), "columns text and text_en are both of en"),
    (MAPPING.replace("INC0", ""), "code INC: a missing_text without a missing_code"),
    (MAPPING.replace("INC0", "JOB"), "missing_code JOB: it is the code of an entry"),
    (MAPPING.replace("Kein Einkommen angegeben", ""), "code INC0: an empty text (de)"),
]


@pytest.mark.parametrize(("content", "said"), FAULTS)
def test_a_csv_file_that_does_not_fit_is_refused_in_one_line(
    content: str, said: str, model: Path, rows: Path, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    (tmp_path / "r.csv").write_text(content)
    more = ["--reference", rows, "--threshold", 0.3, "--reasons", tmp_path / "r.csv"]
    assert convert(model, tmp_path / "out", *more) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith(f"convert: --reasons {tmp_path / 'r.csv'}: ")
    assert said in last
    assert not (tmp_path / "out").exists()


ENTRIES = [
    {"code": "A", "text": {"en": "Income and debt"}, "features": ["income", "debt"]},
    {"code": "B", "text": {"en": "Age and work"}, "features": ["age", "job"]},
]
FAULTS_OF_JSON = [
    ([{**ENTRIES[0], "code": "B"}, ENTRIES[1]], "code B: more than one entry"),
    ([{**ENTRIES[0], "text": {}}, ENTRIES[1]], "code A: no text"),
    ([{**ENTRIES[0], "text": {"de": "x"}}, ENTRIES[1]], "code B: an empty text (de)"),
    ([*ENTRIES, {"code": "C", "text": {"en": "x"}, "features": []}], "code C: no feature"),
    ([{**ENTRIES[0], "txt": 1}, ENTRIES[1]], "unknown field `txt`"),
    ([{**ENTRIES[0], "code": 1}, ENTRIES[1]], "Expected `str`, got `int` - at `$[0].code`"),
    ({"entries": ENTRIES}, "Expected `array`, got `object`"),
]


@pytest.mark.parametrize(("content", "said"), FAULTS_OF_JSON)
def test_a_json_file_that_does_not_fit_is_refused_in_one_line(
    content: object, said: str, model: Path, rows: Path, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    (tmp_path / "r.json").write_text(json.dumps(content))
    more = ["--reference", rows, "--threshold", 0.3, "--reasons", tmp_path / "r.json"]
    assert convert(model, tmp_path / "out", *more) == 2
    assert said in capsys.readouterr().err.splitlines()[-1]
    assert not (tmp_path / "out").exists()


def test_another_kind_of_file_is_refused(
    model: Path, rows: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "r.xlsx").write_bytes(b"PK")
    more = ["--reference", rows, "--threshold", 0.3, "--reasons", tmp_path / "r.xlsx"]
    assert convert(model, tmp_path / "out", *more) == 2
    assert "r.xlsx: wanted a .csv or .json file" in capsys.readouterr().err.splitlines()[-1]
