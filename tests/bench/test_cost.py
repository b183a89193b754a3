"""What is measured against trees, features and batch is what the row says."""

import json

from bench import cost
from bench.workload import models


def test_every_axis_varies_one_thing() -> None:
    assert {size.features for size in cost.TREES} == {120}
    assert {(size.trees, size.leaves) for size in cost.FEATURES} == {(100, 31)}
    assert [size.features for size in cost.FEATURES] == [20, 120, 400, 900]


def test_a_body_holds_the_batch_and_applicants_take_turns() -> None:
    bodies = cost.encode([{"n": i} for i in range(5)], 3, 4)
    assert [json.loads(each) for each in bodies[:2]] == [
        [{"n": 0}, {"n": 1}, {"n": 2}],
        [{"n": 3}, {"n": 4}, {"n": 0}],
    ]
    assert cost.encode([{"n": 7}], 1, 1) == [b'{"n":7}']


def test_a_batch_costs_each_applicant_its_part(workload: models.Workload) -> None:
    one, ten = (cost.measured("batch", workload, batch, 200) for batch in (1, 10))
    assert (one["batch"], ten["batch"]) == (1, 10)
    assert one["samples"] == 200
    assert ten["samples"] == cost.LEAST
    assert ten["p50_us"] > one["p50_us"], "ten applicants cost more than one"
    assert ten["applicant_us"] == round(ten["p50_us"] / 10, 2)
    assert ten["body_kb"] > 5 * one["body_kb"]
