"""Which engine scores a model: native where it gives onnxruntime's bits, else onnxruntime.

Where there is C at all, rows are filled in C for onnxruntime too.
"""

import logging
from dataclasses import dataclass

from ..bundle.applicant import Floats
from ..bundle.manifest import Bundle, BundleError
from ..settings import Wanted
from .engine import Engine
from .native import agreement
from .native.engine import NOT_BUILT, Native, is_built
from .native.filled import Filled
from .native.trees import NotNativeError, Trees, read_trees

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Walking:
    """Trees and the native engine over them: every index in them was checked."""

    trees: Trees
    engine: Native


Walker = Walking | NotNativeError


def choose(
    wanted: Wanted, bundle: Bundle, walker: Walker, session: Engine, golden: Floats
) -> Engine:
    """Return the engine; `golden` are rows [N, F]. What auto does without it says in a line.

    Raises BundleError where native is wanted and does not score the model, or not as onnxruntime.
    """
    if wanted == "auto" and not is_built():
        return session
    if wanted == "onnxruntime":
        return filled(bundle, session, golden)
    file = bundle.path / "model.onnx"
    try:
        return proved(bundle, walker, session, golden)
    except NotNativeError as error:
        if wanted == "native":
            raise BundleError(f"{file}: wanted the native engine, got: {error}") from error
        log.warning("%s: onnxruntime scores it, which takes several times longer: %s", file, error)
        return filled(bundle, session, golden)


def filled(bundle: Bundle, session: Engine, golden: Floats) -> Engine:
    """Return onnxruntime behind rows filled in C, where that is built and proved."""
    if not is_built():
        return session
    features = bundle.manifest.features
    try:
        engine = Filled(session, features)
        agreement.check_bodies(engine, features, golden)
    except NotNativeError as error:
        log.warning("%s: rows are filled the long way: %s", bundle.path, error)
        return session
    return engine


def tell(wanted: Wanted) -> None:
    """Say in a line what it costs where auto has no native engine: once, not model by model."""
    if wanted == "auto" and not is_built():
        log.warning("%s: onnxruntime scores, which takes several times longer", NOT_BUILT)


def proved(bundle: Bundle, walker: Walker, session: Engine, golden: Floats) -> Native:
    """Return the native engine once both gave the same bits; raises NotNativeError."""
    if isinstance(walker, NotNativeError):
        raise walker
    agreement.check(session, walker.engine, agreement.rows(walker.trees, golden))
    agreement.check_bodies(walker.engine, bundle.manifest.features, golden)
    return walker.engine


def walker_of(bundle: Bundle, content: bytes, covers: bytes | None = None) -> Walker:
    """Return the trees in the content of model.onnx and what walks them, or why nothing does.

    `covers` is the content of covers.bin, where the bundle has one.
    """
    manifest = bundle.manifest
    try:
        trees = read_trees(content)
        return Walking(trees, Native(trees, manifest.features, manifest.outputs, covers))
    except NotNativeError as error:
        return error
