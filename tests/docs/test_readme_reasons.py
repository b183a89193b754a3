"""README's reasons of a refusal are those that the committed model gives."""

import json
import re
from pathlib import Path

import pyarrow.parquet as pq

from server.scoring import model as models
from server.scoring.answer import builder
from server.scoring.codec import JSON

ROOT = Path(__file__).parents[2]
BUNDLE = ROOT / "models" / "credit-express" / "1"


def test_the_first_refused_reference_row_has_the_reasons_of_readme() -> None:
    model = models.load(BUNDLE)
    assert model.reasons is not None
    names = [feature.name for feature in model.manifest.features]
    rows = pq.read_table(BUNDLE / "reference.parquet", columns=names).to_pylist()
    bodies = (json.dumps(row).encode() for row in rows)
    body, said = next(
        (body, said) for body in bodies if (said := model.score(body, JSON)).decision == "refuse"
    )
    said = model.reasons.explained(said, "principal", lambda: model.sent(body, JSON), "en")
    answer = json.loads(JSON.encode(builder(model, JSON)("id", said)))
    shown = re.search(r"```json\n(\{\"reasons\".*?)```", (ROOT / "README.md").read_text(), re.S)
    assert shown is not None
    assert answer["reasons"] == json.loads(shown[1])["reasons"]
