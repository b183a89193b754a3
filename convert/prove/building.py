"""Build the ONNX model, with everything needed to run it and to compare it with LightGBM."""

from dataclasses import dataclass, replace

import onnx

from ..errors import OptionError, UnsupportedModelError
from ..graph.ensemble import build_ensemble
from ..graph.graph import build_graph, build_steps, read_ensemble
from ..graph.runtime import Runtime
from ..model.calibrator import Calibrator
from ..model.evidence import Evidence
from ..model.features import Feature, MissingChoice, check_names, features_of
from ..model.objective import Task, Transform, objective_of
from ..model.oracle import Oracle
from ..model.tree import Model
from ..read.calibrating import check_calibrator, with_calibrator
from ..read.loading import Loaded
from ..read.sklearn_pipeline import Carried
from .adversarial import pools
from .inputs import input_features, input_pools
from .verify import Subject


@dataclass(frozen=True)
class Steps:
    """A pipeline's steps as a graph of their own; `columns` are the inputs their outputs are of."""

    content: bytes
    columns: tuple[int, ...]


@dataclass(frozen=True)
class Built:
    """The ONNX model beside the LightGBM model it was made from, and the steps before its trees."""

    loaded: Loaded
    task: Task
    content: bytes
    subject: Subject
    steps: Steps | None = None

    @property
    def model(self) -> Model:
        """The trees of the LightGBM model."""
        return self.loaded.model

    @property
    def features(self) -> list[Feature]:
        """The inputs, in the model's order."""
        return self.subject.features

    @property
    def transform(self) -> Transform:
        """From raw score to prediction."""
        return self.subject.transform


def build(
    loaded: Loaded,
    missing: MissingChoice,
    carried: Carried | None = None,
    evidence: Evidence | None = None,
) -> Built:
    """Build the ONNX bytes and read them back for the comparison; raises ConvertError.

    `carried` are pipeline steps, which become part of the graph before the trees. With `evidence`,
    every list of categories must be assigned to a column.
    """
    built = _built(loaded, missing, carried, evidence)
    return built if loaded.calibrator is None else _calibrated(built, loaded.calibrator)


def _calibrated(built: Built, calibrator: Calibrator) -> Built:
    """Add the calibrator to the transform, and scikit-learn's own calibrator to the oracle."""
    subject = built.subject
    if subject.transform.name != "sigmoid":
        raise UnsupportedModelError(f"a calibrator for objective {built.model.objective}")
    if calibrator.takes is None:
        raise OptionError(
            "the file does not tell what its calibrator was fitted on: since 4.7 LightGBM's "
            "estimator gives the raw score, earlier versions the probability; say which with "
            "--calibrator-takes"
        )
    check_calibrator(calibrator)
    transform = replace(subject.transform, calibrator=calibrator)
    oracle = with_calibrator(subject.oracle, calibrator)
    return replace(built, subject=replace(subject, transform=transform, oracle=oracle))


def _built(
    loaded: Loaded, missing: MissingChoice, carried: Carried | None, evidence: Evidence | None
) -> Built:
    model = loaded.model
    task, transform = objective_of(model, model.iterations)
    features = features_of(model, missing, None if carried else evidence)
    check_names(features)
    if carried is not None:
        return _behind(loaded, task, transform, carried, missing)
    content = _bytes(build_graph(build_ensemble(model), len(features)))
    oracle = Oracle(loaded.text, model.iterations)
    pool = pools(model, features)
    subject = Subject(read_ensemble(content), Runtime(content), oracle, transform, features, pool)
    return Built(loaded, task, content, subject)


def _behind(
    loaded: Loaded, task: Task, transform: Transform, carried: Carried, missing: MissingChoice
) -> Built:
    """Build a pipeline: the booster alone is the inner subject; the whole is compared with
    its steps.
    """
    alone = _built(loaded, missing, None, None).subject
    model, width = loaded.model, len(carried.inputs)
    steps = build_steps(carried.nodes, carried.output, width, len(alone.features))
    graph = build_graph(
        build_ensemble(model), width, carried.nodes, carried.output, len(alone.features)
    )
    content = _bytes(graph)
    subject = replace(
        alone,
        ensemble=read_ensemble(content),
        runtime=Runtime(content),
        oracle=Oracle(loaded.text, model.iterations, carried.transform),
        transform=transform,
        features=input_features(carried, alone.features, missing),
        pool=input_pools(carried, model, alone.features),
        inner=alone,
    )
    check_names(subject.features)
    return Built(loaded, task, content, subject, Steps(_bytes(steps), carried.sources))


def _bytes(graph: onnx.ModelProto) -> bytes:
    content: bytes = graph.SerializeToString(deterministic=True)
    return content
