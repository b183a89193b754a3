"""An answer beside an older checkout and an empty endpoint: real servers, in turn."""

import pytest

from bench import answer
from bench.host import ROOT
from bench.report import sentences
from bench.workload.models import Workload


def test_each_server_is_a_row_at_each_number_of_connections(
    workload: Workload, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answer, "CONNECTIONS", (1, 2))
    rows = answer.measure(workload, ROOT, rounds=1, seconds=1)
    assert [(row["connections"], row["label"]) for row in rows] == [
        (count, label) for count in (1, 2) for label in (answer.EMPTY, answer.BEFORE, answer.NOW)
    ]
    for row in rows:
        assert row["failed"] == 0
        assert min(row[figure] for figure in answer.FIGURES) > 0
    for row in rows[1::3]:
        assert {row[f"{figure}_of_before"] for figure in answer.FIGURES} == {1.0}


def test_the_sentence_has_the_ratios_at_many_connections() -> None:
    row = {"model": "m", "label": "this server", "connections": 32, "cpu_us_of_before": 0.71,
           "per_second_of_empty": 2.4}  # fmt: skip
    assert sentences.answer([row, {**row, "connections": 1, "cpu_us_of_before": 0.9}]) == (
        "At 32 connections an answer takes 0.71 of the processor time of the earlier commit and "
        "2.4 times the answers a second of an empty endpoint (m)."
    )
    assert sentences.answer([]) == ""
