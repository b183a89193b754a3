"""Choose the engine of a model: native if it gives onnxruntime's bits, otherwise onnxruntime.

If the C code is built, rows are filled in C for onnxruntime too.
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
    """A model's trees and the native engine over them; all indices in them were checked."""

    trees: Trees
    engine: Native


Walker = Walking | NotNativeError


def choose(
    wanted: Wanted, bundle: Bundle, walker: Walker, session: Engine, golden: Floats
) -> Engine:
    """Return the engine; `golden` are rows [N, F]. `auto` without native logs the reason.

    Raises BundleError if native is required but cannot score the model as onnxruntime does.
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
    """Return onnxruntime with rows filled in C, if that is built and proven."""
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
    """Log once, for all models, what it costs that the native engine is not built."""
    if not is_built():
        slow = (
            "onnxruntime scores, which takes several times longer, and " if wanted == "auto" else ""
        )
        log.warning("%s: %sno reasons are given", NOT_BUILT, slow)


def proved(bundle: Bundle, walker: Walker, session: Engine, golden: Floats) -> Native:
    """Return the native engine if both gave the same bits; raises NotNativeError."""
    if isinstance(walker, NotNativeError):
        raise walker
    agreement.check(session, walker.engine, agreement.rows(walker.trees, golden))
    agreement.check_bodies(walker.engine, bundle.manifest.features, golden)
    return walker.engine


def walker_of(bundle: Bundle, content: bytes, covers: bytes | None = None) -> Walker:
    """Return the trees in model.onnx and the native engine over them, or why there is none.

    `covers` is the content of covers.bin, if the bundle has one.
    """
    manifest = bundle.manifest
    try:
        trees = read_trees(content)
        return Walking(trees, Native(trees, manifest.features, manifest.outputs, covers))
    except NotNativeError as error:
        return error
