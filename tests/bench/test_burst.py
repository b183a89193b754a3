"""A burst of connections: measured for real, its table that of the committed result."""

import pytest

from bench import burst, result
from bench.load.body import json_of
from bench.load.servers import running
from bench.marks import filled
from bench.workload.demo import BUNDLE, HELD_OUT
from bench.workload.models import DEMO, Workload
from tests.conftest import ROOT


def test_the_table_in_the_document_is_rendered_from_the_committed_result() -> None:
    document, found = burst.DOCUMENT.read_text(), result.read(burst.NAME)
    assert found is not None
    assert filled(document, burst.NAME, burst.table(found)) == document
    labels = {row["label"] for row in found.rows}
    assert labels == {each.label for each in burst.subjects(ROOT)}


def test_every_connection_of_a_burst_has_its_answer_and_another_status_ends_the_run() -> None:
    workload = Workload(DEMO, BUNDLE / "model.txt", BUNDLE, BUNDLE)
    requests = json_of(HELD_OUT)
    with running(burst.of_patience(1), workload, requests) as server:
        took = burst.burst(server.port, requests[0], 20)
        assert len(took) == 20
        assert took == sorted(took)
        with pytest.raises(SystemExit, match="404"):
            burst.burst(server.port, b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n", 2)
