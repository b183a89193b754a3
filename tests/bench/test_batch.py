"""The measurement of an applicant in a batch: both servers answer the same, in turn."""

import pytest

from bench import batch
from bench.host import ROOT
from bench.workload.models import Workload

SIZES = (1, 10)


def test_each_format_and_size_is_a_row_beside_another_checkout(
    workload: Workload, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "BATCHES", SIZES)
    monkeypatch.setattr(batch, "APPLICANTS", 40)
    rows = batch.measure(workload, ROOT, rounds=1)
    assert [(row["label"], row["batch"]) for row in rows] == [
        (label, size) for label in batch.FORMATS for size in SIZES
    ]
    for row in rows:
        assert min(row["cpu_us"], row["before_us"], row["times_before"]) > 0


def test_without_another_checkout_there_is_nothing_to_compare(
    workload: Workload, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "BATCHES", (5,))
    monkeypatch.setattr(batch, "APPLICANTS", 20)
    assert all("times_before" not in row for row in batch.measure(workload, None, rounds=1))


def test_a_request_is_an_array_only_of_several() -> None:
    documents = [{"a": i} for i in range(batch.APPLICANTS // 2)]
    one, ten = (batch.requests(documents, "json", size)[0] for size in (1, 10))
    assert one.startswith(b"POST /score HTTP/1.1\r\n")
    assert one.endswith(b'\r\n\r\n{"a":0}')
    assert ten.endswith(b'{"a":9}]')
    assert len(batch.requests(documents, "json", 10)) * 10 == batch.APPLICANTS
