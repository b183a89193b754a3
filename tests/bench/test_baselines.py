"""The figures of docs/reasons.md come from the committed result, and that from the model."""

from bench import result
from bench.contributions import baselines


def test_the_committed_result_is_what_the_committed_model_gives() -> None:
    found = result.read(baselines.NAME)
    assert found is not None
    assert baselines.measure() == found.rows
    assert baselines.table(found) in baselines.DOCUMENT.read_text()
