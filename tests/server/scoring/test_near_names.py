"""Which feature a misspelt name was meant for, and how little is looked at to find it."""

import sys
from typing import Any

import pytest

from server.bundle.manifest import Missing, Number
from server.scoring.faults import Rules
from server.scoring.near_names import NearNames, told

NAMES = ("AMT_INCOME_TOTAL", "AGE", "PAY_0", "PAY_2", "DAYS EMPLOYED", "Größe", "x1")
MEANT = {
    "amt_income_total": "AMT_INCOME_TOTAL", "AMT_INCOME_TOTA": "AMT_INCOME_TOTAL",
    "AMT_INCOME_TOTALS": "AMT_INCOME_TOTAL", "AMT_INCOME_TOTLA": "AMT_INCOME_TOTAL",
    "AMT_INKOME_TOTAL": "AMT_INCOME_TOTAL", "amtIncomeTotal": "AMT_INCOME_TOTAL",
    "age": "AGE", " AGE ": "AGE", "PAY_1": "PAY_0", "days-employed": "DAYS EMPLOYED",
    "GRÖSSE": "Größe", "X-1": "x1",
    "AGEE": "AGE", "AG": None, "x2": None, "AMT_INCOME": None, "": None, "___": None,
    "AMT_INCOME_TOTAL" * 9: None,
}  # fmt: skip


@pytest.mark.parametrize("name", MEANT)
def test_a_name_is_near_the_feature_a_person_would_take_it_for(name: str) -> None:
    wanted = MEANT[name]
    found = NearNames(NAMES).meant([name], {*NAMES})
    assert found == ({wanted: name} if wanted else {})


def test_only_an_absent_feature_is_meant_and_each_once() -> None:
    near = NearNames(NAMES)
    assert near.meant(["PAY_1"], {"PAY_2"}) == {"PAY_2": "PAY_1"}
    assert near.meant(["PAY_1", "PAY_3", "PAY_4"], {"PAY_0", "PAY_2"}) == {
        "PAY_0": "PAY_1", "PAY_2": "PAY_3",
    }  # fmt: skip
    assert near.meant(["age", "Age"], {"AGE"}) == {"AGE": "age"}
    assert near.meant([1, None, "age"], {"AGE"}) == {"AGE": "age"}
    assert near.meant(["age"], set()) == {}


def test_absent_columns_are_told_with_the_names_that_may_be_meant() -> None:
    others = [f"column {i}" for i in range(50)]
    assert told(["AGE", "INCOME", "KIND"], [*others, "INCMOE", "kind"]) == (
        "AGE, INCOME (is it INCMOE?), KIND (is it kind?)"
    )
    assert told(["AGE", "INCOME"], others, 1) == "AGE"


def calls(rules: Rules, value: dict[str, Any]) -> int:
    """Return how many functions are called for the faults of an object."""
    count = 0

    def look(_: Any, event: str, __: Any) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    sys.setprofile(look)
    try:
        rules.faults(value, 0, 0)
    finally:
        sys.setprofile(None)
    return count


def test_a_misspelt_name_costs_the_same_however_many_features_there_are() -> None:
    few, many = (
        Rules([Number(f"feature {i} of a wide model", Missing(True, "trained")) for i in range(n)])
        for n in (10, 1000)
    )
    typo = {"featur 7 of a wide model": 1}
    for rules in (few, many):
        assert "did you mean feature 7" in rules.faults(typo).told[7].wanted
    assert calls(many, typo) < 1.2 * calls(few, typo)


def test_not_every_unknown_name_is_searched_for() -> None:
    """A thousand long names in one object cost little more than a few."""
    rules = Rules([Number(f"feature {i} of a model", Missing(True, "trained")) for i in range(3)])
    some, thousand = ({f"unknown name {i} of many": i for i in range(n)} for n in (6, 1000))
    rules.faults(some)  # the tables are made when a name is first unknown
    assert calls(rules, thousand) < 1.5 * calls(rules, some)
