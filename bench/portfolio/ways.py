"""Ways to score a Parquet file into another, as people write them with pandas.

Run as `python -m bench.portfolio.ways WAY TEXT BUNDLE IN OUT THREADS`, some in an environment of
their own.
"""

import hashlib
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from server.bundle.manifest import Category, Manifest
from server.bundle.reading import read_manifest

Floats = npt.NDArray[np.float64]
SCRATCH = Path(__file__).parents[2] / "build" / "bench" / "scratch" / "portfolio"
Predict = Callable[[Path, Path, Any, int], Floats]


def lightgbm_predict(text: Path, bundle: Path, frame: Any, threads: int) -> Floats:
    """Predict by LightGBM on the data frame."""
    booster, rows = lightgbm_rows(text, bundle, frame)
    return np.asarray(booster.predict(rows, num_threads=threads), np.float64)


def explain(text: Path, bundle: Path, source: Path, out: Path, threads: int) -> None:
    """Write a file with LightGBM's contributions as columns, and the expectation behind them."""
    import pandas

    frame = pandas.read_parquet(source)
    booster, rows = lightgbm_rows(text, bundle, frame)
    found = np.asarray(booster.predict(rows, pred_contrib=True, num_threads=threads))
    names = [*(f"contribution_{name}" for name in booster.feature_name()), "expectation"]
    told = pandas.DataFrame(found, columns=names)
    pandas.concat([frame, told], axis=1).to_parquet(out)


def lightgbm_rows(text: Path, bundle: Path, frame: Any) -> tuple[Any, Any]:
    """Return the booster and its features of the data frame, categories as it was trained on."""
    import lightgbm

    booster = lightgbm.Booster(model_file=text)
    rows = frame[booster.feature_name()]
    if booster.pandas_categorical:
        features = read_manifest(bundle / "manifest.json").features
        nominal = [each.name for each in features if isinstance(each, Category)]
        rows = rows.astype(dict.fromkeys(nominal, "category"))
    return booster, rows


def pyfunc_predict(text: Path, bundle: Path, frame: Any, threads: int) -> Floats:
    """Predict by MLflow's pyfunc, which takes as many threads as there are cores."""
    import mlflow.lightgbm

    booster, rows = lightgbm_rows(text, bundle, frame)
    folder = made_of(text, "mlflow")
    if not folder.exists():
        mlflow.lightgbm.save_model(booster, folder, pip_requirements=[])
    model = mlflow.pyfunc.load_model(str(folder))
    return np.asarray(model.predict(rows), np.float64)


def gtil_predict(text: Path, bundle: Path, frame: Any, threads: int) -> Floats:
    """Predict by Treelite's interpreter on all rows at once."""
    import treelite

    model = treelite.frontend.load_lightgbm_model(text)
    X = matrix(read_manifest(bundle / "manifest.json"), frame)
    return np.asarray(treelite.gtil.predict(model, X, nthread=threads), np.float64).ravel()


def lleaves_predict(text: Path, bundle: Path, frame: Any, threads: int) -> Floats:
    """Predict by lleaves, whose machine code is compiled where it is not there yet."""
    import lleaves

    model = lleaves.Model(model_file=str(text))
    model.compile(cache=str(made_of(text, "lleaves.o")))
    X = matrix(read_manifest(bundle / "manifest.json"), frame)
    return np.asarray(model.predict(X, n_jobs=threads), np.float64)


def made_of(text: Path, name: str) -> Path:
    """Return where something made from a model is kept between runs."""
    SCRATCH.mkdir(parents=True, exist_ok=True)
    return SCRATCH / f"{hashlib.sha256(text.read_bytes()).hexdigest()[:16]}-{name}"


def onnxruntime_run(text: Path, bundle: Path, frame: Any, threads: int) -> Floats:
    """Run the bundle's graph on all rows at once; its sum of trees becomes a probability."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(bundle / "model.onnx", options)
    X = matrix(read_manifest(bundle / "manifest.json"), frame)
    (raw, *_) = session.run(None, {session.get_inputs()[0].name: X})
    return np.asarray(1 / (1 + np.exp(-raw.ravel())), np.float64)


def matrix(manifest: Manifest, frame: Any) -> Floats:
    """Return the rows float64 [N, F] that the graph takes, categories as codes."""
    X = np.empty((len(frame), len(manifest.features)))
    for place, feature in enumerate(manifest.features):
        column = frame[feature.name]
        if isinstance(feature, Category):
            column = column.map(dict(zip(feature.categories, feature.codes, strict=True)))
        X[:, place] = column
    return X


WAYS: dict[str, Predict] = {
    "pandas, Booster.predict": lightgbm_predict,
    "pandas, onnxruntime": onnxruntime_run,
    "pandas, MLflow pyfunc": pyfunc_predict,
    "pandas, Treelite GTIL": gtil_predict,
    "pandas, lleaves": lleaves_predict,
}
# The last three have an environment of their own.
ENVIRONMENT = "portfolio"
OF_ENVIRONMENT = tuple(WAYS)[2:]


def decided(manifest: Manifest, probabilities: Floats) -> npt.NDArray[np.str_]:
    """Return the policy's decisions; raises ValueError for a bundle without one."""
    if manifest.policy is None:
        raise ValueError("wanted a bundle with a policy")
    refuse_at = manifest.policy.refuse_at
    refer_from = manifest.policy.refer_from
    words = np.where(probabilities >= refuse_at, "refuse", "approve")
    if refer_from is None:
        return words
    return np.where((probabilities >= refer_from) & (words == "approve"), "refer", words)


def main(arguments: Sequence[str]) -> None:
    """Score one file."""
    import pandas

    way, text, bundle, source, out, threads = arguments
    frame = pandas.read_parquet(source)
    probabilities = WAYS[way](Path(text), Path(bundle), frame, int(threads))
    manifest = read_manifest(Path(bundle, "manifest.json"))
    frame["probability"] = probabilities
    frame["decision"] = decided(manifest, probabilities)
    frame.to_parquet(out)


if __name__ == "__main__":
    main(sys.argv[1:])
