"""One cell, one meaning: every reader and every form, against the table of docs/tables.md."""

import os
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import lightgbm as lgb
import msgspec
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from convert.__main__ import main as convert
from convert.errors import RowsError
from convert.model.features import Feature
from convert.model.rows import read_rows
from monitoring.rows.errors import BadCurrentError, OutcomesError
from monitoring.rows.labels import Labels
from monitoring.rows.reference import from_bundle
from monitoring.rows.tables import Table
from server.bundle.manifest import Category, Number
from server.offline.batches import batches_of
from server.offline.columns import FeatureColumns
from server.offline.table_file import TableError
from server.scoring import model as served
from tests.cell_forms import FORMS, FormError
from tests.conftest import Running, running

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "tables.md"
BEGIN, END = "<!-- cells: begin -->\n", "<!-- cells: end -->"
WORDS = ["NA", "null", "NaN", "nan", "None", "True", "true", "01", "1.10", "1e5", "0x10", "1_0"]
GRADES = [1.0, 1.1, 100000.0]
MISSING, REFUSED, NONE = "missing", "refused", "no category"
LONG = 0.12345678901234568
# What each cell is in a column of that kind; the ordinary cell that stands below it comes last.
CELLS: dict[str, list[tuple[Any, str]]] = {
    "amount": [
        (None, MISSING), ("", MISSING), ("NA", MISSING), ("null", MISSING), ("NaN", MISSING),
        ("nan", MISSING), ("None", MISSING), (float("nan"), MISSING), (True, "1.0"),
        ("true", "1.0"), ("01", "1.0"), ("1.10", "1.1"), ("1e5", "100000.0"), (" 7 ", "7.0"),
        (3, "3.0"), (LONG, repr(LONG)), (str(LONG), repr(LONG)), (Decimal("0.10"), "0.1"),
        (2**53, "9007199254740992.0"), (2**53 + 1, REFUSED), (str(2**53 + 1), REFUSED),
        ("0x10", REFUSED), ("1_0", REFUSED), ("240_000", REFUSED), ("١٢", REFUSED),
        ("inf", REFUSED), (float("inf"), REFUSED), ("1,5", REFUSED), ("abc", REFUSED),
    ],
    "word": [
        (None, MISSING), ("", MISSING), *((word, word) for word in WORDS), ("na", NONE),
        ("1.1", NONE), ("1", NONE), ("x", NONE),
    ],
    "grade": [
        (None, MISSING), ("", MISSING), ("NA", MISSING), ("nan", MISSING), (float("nan"), MISSING),
        ("01", "1.0"), ("1.10", "1.1"), ("1e5", "100000.0"), (1, "1.0"), (1.1, "1.1"),
        (Decimal("1.10"), "1.1"), (Decimal(100000), "100000.0"), (2, NONE), ("2", NONE),
        (Decimal("1.2"), NONE), ("0x10", NONE), ("1_0", NONE), ("x", NONE), (2**53 + 1, NONE),
    ],
    "outcome": [
        (None, MISSING), ("", MISSING), ("NA", MISSING), ("null", MISSING), ("1", "1.0"),
        ("0", "0.0"), ("1.0", "1.0"), ("01", "1.0"), (1, "1.0"), (1.0, "1.0"), (True, "1.0"),
        ("False", "0.0"), (Decimal("1.0"), "1.0"), ("2", REFUSED), ("0x1", REFUSED),
        ("1_0", REFUSED), ("bad", REFUSED),
    ],
}  # fmt: skip
ORDINARY: dict[str, dict[type, Any]] = {
    "amount": {str: "5", bool: False, int: 5, float: 5.0, Decimal: Decimal("5.00")},
    "word": {str: "NA"},
    "grade": {str: "1", int: 1, float: 1.0, Decimal: Decimal("1.00")},
    "outcome": {str: "0", bool: False, int: 0, float: 0.0, Decimal: Decimal("0.0")},
}
# A body has types: a text is no number. These are the cells that it takes otherwise, or not at all.
TYPED = (int, float, str, bool, type(None))


def frame(rows: int = 2000) -> pd.DataFrame:
    draw = np.random.default_rng(0)
    words = draw.choice([*WORDS, ""], rows)
    grades = draw.choice([*GRADES, np.nan], rows)
    return pd.DataFrame(
        {
            "amount": np.where(draw.random(rows) < 0.1, np.nan, draw.normal(4, 9, rows)),
            "word": pd.Categorical(words, categories=WORDS),
            "grade": pd.Categorical(grades, categories=GRADES),
        }
    )


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model whose every feature has learnt what missing means."""
    folder, X = tmp_path_factory.mktemp("cells"), frame()
    y = X.amount.fillna(9) + X.word.cat.codes + 3 * X.grade.cat.codes > 10
    settings = {"objective": "binary", "verbose": -1, "min_data_per_group": 5}
    lgb.train(settings, lgb.Dataset(X, y), 12).save_model(folder / "model.txt")
    X.to_parquet(folder / "reference.parquet")
    told = ["--name", "cells", "--version", "1", "--out", str(folder)]
    assert (
        convert(
            [str(folder / "model.txt"), *told, "--reference", str(folder / "reference.parquet")]
        )
        == 0
    )
    return folder / "cells" / "1"


def columns(kind: str, cell: Any) -> dict[str, list[Any]]:
    """Two rows: the cell, and an ordinary one of its type below."""
    below = ORDINARY[kind].get(type(cell), ORDINARY[kind].get(float, "NA"))
    if kind == "outcome":
        return {"request_id": ["a", "b"], "outcome": [cell, below]}
    rows: dict[str, list[Any]] = {"amount": [4.0, 4.0], "word": ["01", "01"], "grade": [1.0, 1.0]}
    return rows | {kind: [cell, below]}


Reader = Callable[[Path, str], str]


def refused(error: Exception, place: str) -> str:
    """Hold an error to naming the cell."""
    assert place in str(error)
    return REFUSED


def converting(bundle: Path) -> Reader:
    """What `convert --reference` and `verify --rows` make of it: X, and how many are unseen."""
    features = [
        Feature(each.name, True, 0.0, False, True, "trained", None, None, *lists(each))
        for each in served.load(bundle).manifest.features
    ]

    def read(path: Path, kind: str) -> str:
        try:
            rows = read_rows(path, features, None)
        except RowsError as error:
            return refused(error, f"row 1: {kind}: wanted")
        at = [feature.name for feature in features].index(kind)
        return NONE if rows.unseen[at] else named(kind, rows.X[0, at])

    return read


def lists(feature: Number | Category) -> tuple[list[Any] | None, list[float] | None]:
    if isinstance(feature, Number):
        return None, None
    return list(feature.categories), list(feature.codes)


def named(kind: str, value: float) -> str:
    """Name a value as the model sees it."""
    if np.isnan(value):
        return MISSING
    if kind == "word":
        return WORDS[int(value)]
    return str(GRADES[int(value)] if kind == "grade" else float(value))


def scoring(bundle: Path) -> Reader:
    """What `server score` makes of it: found by the score, which the named row has as well."""
    model = served.load(bundle)
    meanings = {kind: {said for _, said in CELLS[kind]} for kind in ("amount", "word", "grade")}

    def scores(kind: str, meaning: str) -> Any:
        values: dict[str, Any] = {"amount": 4.0, "word": "01", "grade": 1.0}
        given = None if meaning == MISSING else meaning if kind == "word" else float(meaning)
        return model.score_values(list((values | {kind: given}).values())).row

    rows = {
        kind: {said: scores(kind, said) for said in found - {REFUSED, NONE}}
        for kind, found in meanings.items()
    }

    columns = FeatureColumns(model.manifest.features)

    def read(path: Path, kind: str) -> str:
        found, faults = columns.sent(next(batches_of(path)))
        columns.fill(found)
        if faults:
            first = min(faults)
            error = TableError(f"row {first + 1}: {faults[first]}")
            return refused(error, f"row 1: {kind}: wanted")
        return next(said for said, row in rows[kind].items() if row == found[0].tobytes())

    return read


def drifting(bundle: Path) -> Reader:
    reference = from_bundle(bundle)
    names = [column.name for column in reference.columns]

    def read(path: Path, kind: str) -> str:
        try:
            (block,) = Table(str(path), reference.columns).blocks()
        except BadCurrentError as error:
            return refused(error, f"row 1: {kind}: wanted")
        value = block.values[names.index(kind)][0]
        return NONE if value == -1 and kind != "amount" else named(kind, value)

    return read


def labelling() -> Reader:
    def read(path: Path, kind: str) -> str:
        try:
            labels = Labels(path)
        except OutcomesError as error:
            return refused(error, "row 1: ")
        (found,) = labels.of(pa.array(["a"]), None)
        return named(kind, found)

    return read


@pytest.fixture(scope="module")
def readers(bundle: Path) -> dict[str, Reader]:
    return {
        "convert, verify": converting(bundle), "score": scoring(bundle), "drift": drifting(bundle),
        "labels": labelling(),
    }  # fmt: skip


READS = {"amount": ("convert, verify", "score", "drift"), "outcome": ("labels",)}
READS |= dict.fromkeys(("word", "grade"), READS["amount"])


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", CELLS)
def test_a_cell_means_the_same_to_every_reader_in_every_form(
    readers: dict[str, Reader], tmp_path: Path, kind: str, form: str
) -> None:
    wrong = []
    for number, (cell, wanted) in enumerate(CELLS[kind]):
        folder = tmp_path / str(number)
        folder.mkdir()
        try:
            path = FORMS[form](columns(kind, cell), folder)
        except FormError as error:
            pytest.skip(str(error))
        for name in READS[kind]:
            said = readers[name](path, kind)
            if said != expected(name, wanted):
                wrong.append((name, cell, said))
    assert not wrong


@pytest.fixture(scope="module")
def server(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(bundle, tmp_path_factory.mktemp("log")) as up:
        yield up


def posted(server: Running, kind: str, cell: Any, codec: Any, media: str) -> str:
    """What a body is answered with such a value: what the record says of the row."""
    row = {"amount": 4.0, "word": "01", "grade": 1.0} | {kind: cell}
    head = {"Content-Type": f"application/{media}"}
    return (
        "taken"
        if httpx.post(f"{server.url}/score", content=codec.encode(row), headers=head).is_success
        else REFUSED
    )


def of_a_body(kind: str, cell: Any, wanted: str) -> str:
    """Bodies are typed: a text is a text, true is no number, and NaN is none either."""
    if cell is None:
        return "taken"
    if isinstance(cell, float) and not np.isfinite(cell):
        return REFUSED
    if kind == "word":
        return "taken" if cell in WORDS else REFUSED
    plain = type(cell) in {int, float} and wanted not in {REFUSED, NONE}
    return "taken" if plain else REFUSED


@pytest.mark.parametrize("kind", ["amount", "word", "grade"])
def test_a_body_takes_what_is_of_the_type_and_refuses_the_rest(server: Running, kind: str) -> None:
    for cell, wanted in CELLS[kind]:
        if not isinstance(cell, TYPED):
            continue
        taken = of_a_body(kind, cell, wanted)
        if not (isinstance(cell, float) and cell != cell):
            said = posted(server, kind, cell, msgspec.msgpack, "msgpack")
            assert (cell, said) == (cell, taken)
        if not (isinstance(cell, float) and not np.isfinite(cell)):
            assert (cell, posted(server, kind, cell, msgspec.json, "json")) == (cell, taken)


def table(kind: str) -> str:
    """Return the rows of one kind of column as a Markdown table."""
    names = [*READS[kind], *(["JSON, MessagePack"] if kind != "outcome" else [])]
    lines = [f"| cell | {' | '.join(names)} |", "|---|" + "---|" * len(names)]
    for cell, wanted in CELLS[kind]:
        said = [expected(name, wanted) for name in READS[kind]]
        if kind != "outcome":
            said.append(of_a_body(kind, cell, wanted) if isinstance(cell, TYPED) else "")
        lines.append(f"| {shown(cell)} | {' | '.join(said)} |")
    return "\n".join(lines)


def expected(reader: str, wanted: str) -> str:
    """A value that is no category is counted by some and refused by `score`."""
    return REFUSED if reader == "score" and wanted == NONE else wanted


def shown(cell: Any) -> str:
    if cell is None:
        return "null"
    if cell == "":
        return "an empty text"
    typed = "" if isinstance(cell, str) else f", {type(cell).__name__.lower()}"
    return f"`{cell}`{typed}"


TITLES = {
    "amount": "A number",
    "word": f"A category of texts ({', '.join(WORDS)})",
    "grade": f"A category of numbers ({', '.join(f'{grade:g}' for grade in GRADES)})",
    "outcome": "An outcome (`drift --labels`)",
}


def rendered() -> str:
    parts = [f"### {title}\n{table(kind)}\n" for kind, title in TITLES.items()]
    forms = "; ".join(FORMS)
    return f"Each line is the same in each of these forms: {forms}.\n\n" + "\n".join(parts)


def test_the_page_holds_the_table_that_the_tests_hold_to() -> None:
    """RENDER=1 writes it."""
    before, _, rest = PAGE.read_text().partition(BEGIN)
    shown_there, _, after = rest.partition(END)
    if os.environ.get("RENDER"):
        PAGE.write_text(f"{before}{BEGIN}{rendered()}{END}{after}")
        return
    assert shown_there == rendered()
