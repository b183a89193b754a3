"""The engines of the ladder: each turns one float64 row into the probability of the bad class.

An engine has two steps. `prepare` imports what it needs and makes what does not depend on the
model; `load`, which is timed, returns the function to measure. Libraries are imported inside,
because every engine runs in its own process, and some in their own environment.
"""

from collections.abc import Callable
from ctypes import POINTER, c_double
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from .made import make, named, pins
from .timed import Floats, sigmoid

Score = Callable[[Floats], float]
Load = Callable[[], Score]


@dataclass(frozen=True)
class Paths:
    """Where a model's files are: LightGBM's text, both bundles, a scratch folder."""

    text: Path
    bundle: Path
    float32: Path
    scratch: Path


@dataclass(frozen=True)
class Engine:
    """One engine; `file` is what it loads from disk, whose size is reported."""

    label: str
    prepare: Callable[[Paths], Load]
    file: Callable[[Paths], Path]
    environment: str | None = None


def text_of(paths: Paths) -> Path:
    """Return LightGBM's text."""
    return paths.text


def feature_names(text: Path) -> list[str]:
    """Return the features of a LightGBM text, in order."""
    with text.open() as lines:
        return next(line for line in lines if line.startswith("feature_names="))[14:].split()


def booster(paths: Paths) -> Load:
    """`Booster.predict` on a numpy row with one thread."""
    import lightgbm

    def load() -> Score:
        model = lightgbm.Booster(model_file=paths.text)
        return lambda row: float(model.predict(row[np.newaxis], num_threads=1)[0])

    return load


def single_row_fast(paths: Paths) -> Load:
    """LightGBM's C function for one row, called through ctypes."""
    from .single_row_fast import SingleRowFast

    return lambda: SingleRowFast(paths.text, len(feature_names(paths.text))).score


def onnxmltools(paths: Paths) -> Load:
    """The graph onnxmltools makes, `session.run` as its documentation shows it."""
    content = onnxmltools_graph(paths)
    ort = onnxruntime()

    def load() -> Score:
        session = ort.InferenceSession(content.read_bytes(), providers=["CPUExecutionProvider"])
        name = session.get_inputs()[0].name

        def score(row: Floats) -> float:
            probabilities: Any = session.run(None, {name: row[np.newaxis].astype(np.float32)})[1]
            return float(probabilities[0, 1])

        return score

    return load


def onnxmltools_graph(paths: Paths) -> Path:
    """Convert once; return the file."""
    installed = version("onnxmltools").encode()
    path = named(paths.scratch, "onnxmltools.onnx", paths.text.read_bytes(), installed)

    def convert(part: Path) -> None:
        import lightgbm
        import onnxmltools as tools
        from onnxmltools.convert.common.data_types import FloatTensorType

        model = lightgbm.Booster(model_file=paths.text)
        types = [("input", FloatTensorType([None, model.num_feature()]))]
        graph = tools.convert_lightgbm(model, initial_types=types, zipmap=False)
        part.write_bytes(graph.SerializeToString())

    return make(path, convert)


def onnxruntime() -> Any:
    """Import onnxruntime with its telemetry off."""
    import os

    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime as ort

    return ort


def float32_run(paths: Paths) -> Load:
    """The trees in single precision: `session.run` of a graph from float64 rows to raw scores."""
    graph = paths.float32 / "model.onnx"
    ort = onnxruntime()

    def load() -> Score:
        session = ort.InferenceSession(graph, providers=["CPUExecutionProvider"])
        return lambda row: sigmoid(float(session.run(None, {"X": row[np.newaxis]})[0][0, 0]))

    return load


def exact_bound(paths: Paths) -> Load:
    """The server's onnxruntime engine: the exact graph on buffers bound once."""
    from server.engine.session import Session

    width = len(feature_names(paths.text))
    return lambda: through(Session(paths.bundle / "model.onnx", width, 1))


def native(paths: Paths) -> Load:
    """The server's native engine: the same trees from the same file, evaluated in C."""
    from server.bundle import reading
    from server.engine.native.engine import Native
    from server.engine.native.trees import read_trees

    features = reading.read_manifest(paths.bundle / "manifest.json").features
    graph = paths.bundle / "model.onnx"
    return lambda: through(Native(read_trees(graph.read_bytes()), features, 1))


def floor(paths: Paths) -> Load:
    """The fastest plain C loop over the native engine's arrays; it has its own clock."""
    from server.engine.native.trees import read_trees

    from .floor import Floor, compiled

    code, width = compiled(), len(feature_names(paths.text))
    graph = paths.bundle / "model.onnx"
    return lambda: Floor(code, read_trees(graph.read_bytes()), width)


def through(engine: Any) -> Score:
    """Score through one of the server's engines, reusing its row and raw-score buffers."""
    row_of_engine, raw, run = engine.row, engine.raw, engine.score_row

    def score(row: Floats) -> float:
        row_of_engine[:] = row
        run()
        return sigmoid(raw.item())

    return score


def lleaves(paths: Paths) -> Load:
    """lleaves: LLVM code of the trees, `Model.predict` with one job."""
    import lleaves as library

    uncompiled = library.Model(model_file=str(paths.text))
    compiled = make(lleaves_code(paths), lambda part: uncompiled.compile(cache=str(part)))

    def load() -> Score:
        model = library.Model(model_file=str(paths.text))
        model.compile(cache=str(compiled))
        return lambda row: float(model.predict(row[np.newaxis], n_jobs=1)[0])

    return load


def lleaves_entry(paths: Paths) -> Load:
    """The same code without its Python: the compiled function, called through ctypes."""
    import lleaves as library

    compiled, width = lleaves_code(paths), len(feature_names(paths.text))
    lleaves(paths)

    def load() -> Score:
        model = library.Model(model_file=str(paths.text))
        model.compile(cache=str(compiled))
        row_of_entry, result = np.zeros(width), np.zeros(1)
        pointers = [each.ctypes.data_as(POINTER(c_double)) for each in (row_of_entry, result)]

        def score(row: Floats) -> float:
            row_of_entry[:] = row
            model._c_entry_func(*pointers, 0, 1)  # through the model, which owns the code
            return result.item()

        return score

    return load


def lleaves_code(paths: Paths) -> Path:
    """Return the path of lleaves' code for this model, compiled or not."""
    return named(paths.scratch, "lleaves.o", paths.text.read_bytes(), pins("lleaves"))


def tl2cgen(paths: Paths) -> Load:
    """Treelite with TL2cgen: C code of the trees, compiled by gcc."""
    import tl2cgen as library
    import treelite

    def export(part: Path) -> None:
        model = treelite.frontend.load_lightgbm_model(paths.text)
        library.export_lib(model, toolchain="gcc", libpath=str(part), params={"parallel_comp": 8})

    compiled = make(tl2cgen_library(paths), export)

    def load() -> Score:
        predictor = library.Predictor(str(compiled), nthread=1)
        return lambda row: float(
            predictor.predict(library.DMatrix(row[np.newaxis], dtype="float64")).ravel()[0]
        )

    return load


def tl2cgen_library(paths: Paths) -> Path:
    """Return the path of TL2cgen's library for this model, compiled or not."""
    return named(paths.scratch, "tl2cgen.so", paths.text.read_bytes(), pins("treelite"))


def gtil(paths: Paths) -> Load:
    """Treelite's general interpreter."""
    import treelite

    def load() -> Score:
        model = treelite.frontend.load_lightgbm_model(paths.text)
        return lambda row: float(
            treelite.gtil.predict(model, row[np.newaxis], nthread=1).ravel()[0]
        )

    return load


ENGINES = {
    "booster": Engine("Booster.predict, one thread", booster, text_of),
    "single-row-fast": Engine("LightGBM C API, single row fast", single_row_fast, text_of),
    "onnxmltools": Engine("onnxmltools graph, session.run", onnxmltools, onnxmltools_graph),
    "float32": Engine(
        "float32 graph, session.run", float32_run, lambda p: p.float32 / "model.onnx"
    ),
    "bound": Engine("exact graph, bound buffers", exact_bound, lambda p: p.bundle / "model.onnx"),
    "native": Engine("native engine", native, lambda p: p.bundle / "model.onnx"),
    "floor": Engine("floor: plain C loop", floor, lambda p: p.bundle / "model.onnx"),
    "lleaves": Engine("lleaves", lleaves, lleaves_code, "lleaves"),
    "lleaves-entry": Engine("lleaves, compiled entry", lleaves_entry, lleaves_code, "lleaves"),
    "tl2cgen": Engine("Treelite, TL2cgen", tl2cgen, tl2cgen_library, "treelite"),
    "gtil": Engine("Treelite, GTIL", gtil, text_of, "treelite"),
}
# What needs an environment of its own, and so a table of its own.
COMPILERS = tuple(name for name, engine in ENGINES.items() if engine.environment)
OURS_AND_LIGHTGBM = tuple(name for name in ENGINES if name not in COMPILERS)
