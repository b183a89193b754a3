"""All types that a skops file may hold: their full names, by the kind of node.

Any other type is refused by name before anything of the file is built. Add a type only when a
supported step needs it, and never a prefix such as `sklearn.`: packages also hold functions that
write files and run code.
"""

SCALARS = frozenset(
    f"numpy.{name}"
    for name in (
        "bool", "bool_", "str_", "float16", "float32", "float64",
        "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
    )
)  # fmt: skip
ESTIMATORS = frozenset(
    {
        "lightgbm.basic.Booster",
        "lightgbm.sklearn.LGBMClassifier",
        "lightgbm.sklearn.LGBMRanker",
        "lightgbm.sklearn.LGBMRegressor",
        "sklearn.calibration.CalibratedClassifierCV",
        "sklearn.calibration._CalibratedClassifier",
        "sklearn.calibration._SigmoidCalibration",
        "sklearn.compose._column_transformer.ColumnTransformer",
        "sklearn.compose._column_transformer.make_column_selector",
        "sklearn.feature_selection._from_model.SelectFromModel",
        "sklearn.feature_selection._univariate_selection.SelectKBest",
        "sklearn.feature_selection._univariate_selection.SelectPercentile",
        "sklearn.feature_selection._variance_threshold.VarianceThreshold",
        "sklearn.frozen._frozen.FrozenEstimator",
        "sklearn.impute._base.MissingIndicator",
        "sklearn.impute._base.SimpleImputer",
        "sklearn.isotonic.IsotonicRegression",
        "sklearn.linear_model._logistic.LogisticRegression",
        "sklearn.pipeline.Pipeline",
        "sklearn.preprocessing._data.MaxAbsScaler",
        "sklearn.preprocessing._data.MinMaxScaler",
        "sklearn.preprocessing._data.RobustScaler",
        "sklearn.preprocessing._data.StandardScaler",
        "sklearn.preprocessing._encoders.OneHotEncoder",
        "sklearn.preprocessing._encoders.OrdinalEncoder",
        "sklearn.preprocessing._function_transformer.FunctionTransformer",
        "sklearn.preprocessing._label.LabelEncoder",
        "sklearn.preprocessing._target_encoder.TargetEncoder",
    }
)
# Score functions of column selectors: stored as a parameter, never called.
SCORES = frozenset(
    {
        "sklearn.feature_selection._mutual_info.mutual_info_classif",
        "sklearn.feature_selection._mutual_info.mutual_info_regression",
        "sklearn.feature_selection._univariate_selection.chi2",
        "sklearn.feature_selection._univariate_selection.f_classif",
        "sklearn.feature_selection._univariate_selection.f_regression",
        "sklearn.feature_selection._univariate_selection.r_regression",
    }
)
# Functions that a FunctionTransformer may apply.
FUNCTIONS = frozenset(
    f"numpy.{name}"
    for name in ("absolute", "ceil", "floor", "negative", "rint", "sign", "sqrt", "square")
)
PLAIN = frozenset({"builtins.bool", "builtins.float", "builtins.int", "builtins.str"})

ALLOWED: dict[str, frozenset[str]] = {
    "skops.io._general.DefaultDictNode": frozenset({"collections.defaultdict"}),
    "skops.io._general.DictNode": frozenset({"builtins.dict", "collections.OrderedDict"}),
    "skops.io._general.FunctionNode": SCORES | FUNCTIONS,
    "skops.io._general.JsonNode": frozenset({"builtins.str"}),
    "skops.io._general.ListNode": frozenset({"builtins.list"}),
    "skops.io._general.ObjectNode": ESTIMATORS,
    "skops.io._general.SliceNode": frozenset({"builtins.slice"}),
    "skops.io._general.TupleNode": frozenset({"builtins.tuple"}),
    "skops.io._general.TypeNode": PLAIN
    | SCALARS
    | {"builtins.object", "collections.OrderedDict", "numpy.number"},
    "skops.io._numpy.DTypeNode": frozenset({"numpy.dtype"}),
    "skops.io._numpy.NdArrayNode": SCALARS | {"numpy.ndarray"},
}
NAMES = sorted(frozenset[str]().union(*ALLOWED.values()))
