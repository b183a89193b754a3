"""The order a pickled ColumnTransformer gives its columns, read without unpickling."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, OneHotEncoder, StandardScaler

from convert.read.pickled_columns import column_order

NAMES = tuple(f"name {i}" for i in range(6))
FRAME = pd.DataFrame(np.random.default_rng(1).normal(size=(50, 6)), columns=list(NAMES))


def transformer(*steps: object, remainder: str = "passthrough") -> ColumnTransformer:
    made = ColumnTransformer(list(steps), remainder=remainder, verbose_feature_names_out=False)
    return made.fit(FRAME)


@pytest.mark.parametrize("protocol", [4, 5])
def test_the_order_is_the_transformers_own(protocol: int) -> None:
    made = transformer(
        ("s", StandardScaler(), ["name 4", "name 1"]), ("m", MinMaxScaler(), ["name 5", "name 0"])
    )
    order = column_order(pickle.dumps([made, 1], protocol=protocol), NAMES)
    assert order is not None
    assert [NAMES[i] for i in order] == made.get_feature_names_out().tolist()


def test_what_cannot_be_proven_is_not_told() -> None:
    scaled = ("s", StandardScaler(), ["name 4", "name 1"])
    fine = transformer(scaled)
    own = transformer(("f", FunctionTransformer(np.abs), ["name 2"]), scaled)
    twice = transformer(scaled, ("m", MinMaxScaler(), ["name 1"]))
    two = [fine, transformer(("m", MinMaxScaler(), ["name 1"]))]
    wider = transformer(("o", OneHotEncoder(), ["name 0"]), ("o2", OneHotEncoder(), ["name 0"]))
    for made in (own, twice, two, wider, {"a": 1}):
        assert column_order(pickle.dumps(made, protocol=4), NAMES) is None
    assert column_order(pickle.dumps(fine, protocol=4), NAMES[::-1]) is None
    assert column_order(b"no pickle", NAMES) is None
