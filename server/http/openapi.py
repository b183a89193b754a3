"""The OpenAPI 3.1 document, with a schema per feature from the manifest."""

from typing import Any

import msgspec

from .. import __version__
from ..bundle.example import example
from ..bundle.manifest import Category, Feature
from ..scoring.answer import ModelName
from ..scoring.catalog import Catalog
from ..scoring.model import Model
from ..scoring.outcome import Reason
from ..settings import Settings
from .problem import Document

Json = dict[str, Any]
MEDIA = ("application/json", "application/msgpack")
REFUSALS = {
    "400": "not the format the Content-Type names, or an unfit header or query",
    "401": "no API key, or one that is unknown or revoked",
    "403": "the API key lacks the scope",
    "405": "another method than POST",
    "406": "Accept names no format this server answers in",
    "408": "the client was too slow",
    "413": "body, batch or applicant too large",
    "415": "another Content-Type than JSON or MessagePack, or compressed",
    "422": "a body that does not fit the model; its first hundred faults are listed",
    "431": "head too large",
    "503": "too busy, or the prediction log cannot be written; see Retry-After",
    "504": "X-Request-Timeout-Ms had passed",
}
HEADERS = {
    "X-Request-Id": {"type": "string", "minLength": 1, "maxLength": 128, "pattern": "^[!-~]+$"},
    "Idempotency-Key": {"type": "string", "minLength": 1, "maxLength": 128, "pattern": "^[!-~]+$"},
    "X-Request-Timeout-Ms": {"type": "integer", "minimum": 0},
    "traceparent": {"type": "string"},
}


def document(catalog: Catalog, settings: Settings) -> Json:
    """Return the whole document."""
    paths = {"/score": {"post": score(catalog.default, settings, "score the default model")}}
    for (name, version), model in catalog.models.items():
        operation = score(model, settings, f"score {name}, version {version}")
        paths[f"/models/{name}/versions/{version}/score"] = {"post": operation}
        if catalog.newest(name) is model:
            newest = score(model, settings, f"score {name}, the newest version")
            paths[f"/models/{name}/score"] = {"post": newest}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Credit Express", "version": __version__, "description": ABOUT},
        "paths": {**paths, **INFORMATION, "/metrics": {"get": {**METRICS, **keyed(settings)}}},
        "components": {"schemas": SCHEMAS, "securitySchemes": SECURITY},
    }


def keyed(settings: Settings) -> Json:
    """Return what an operation says that asks for a key."""
    return {"security": [{"key": []}, {"bearer": []}]} if settings.keys else {}


def score(model: Model, settings: Settings, summary: str) -> Json:
    """Return the operation that scores one model."""
    one, answered, most = applicant(model), answer(model), settings.max_batch
    body = {"oneOf": [one, {"type": "array", "items": one, "minItems": 1, "maxItems": most}]}
    result = {"oneOf": [answered, {"type": "array", "items": {"anyOf": [answered, PROBLEM_REF]}}]}
    refusals = {status: refusal(text) for status, text in REFUSALS.items()}
    return {
        "summary": summary,
        "parameters": [
            {"name": name, "in": "header", "required": False, "schema": schema}
            for name, schema in HEADERS.items()
        ] + [PARTIAL, *([REASONS, LANGUAGE] if model.reasons else [])],
        "requestBody": {"required": True, "content": {m: {"schema": body} for m in MEDIA}},
        "responses": {
            "200": {"description": "scored", "content": {m: {"schema": result} for m in MEDIA}},
            **refusals,
        },
        **keyed(settings),
    }  # fmt: skip


def applicant(model: Model) -> Json:
    """Return the schema of one applicant."""
    features, sent = model.manifest.features, example(model.bundle)
    return {
        "type": "object",
        "properties": {feature.name: value(feature) for feature in features},
        "examples": [sent],
        "required": [feature.name for feature in features],
        "additionalProperties": False,
    }


def value(feature: Feature) -> Json:
    """Return the schema of one feature's value."""
    null: list[Any] = [None] if feature.missing.allowed else []
    if isinstance(feature, Category):
        ordered = {"description": "in this order"} if feature.ordered else {}
        return {"enum": [*feature.categories, *null], **ordered}
    bounds: Json = {"minimum": -1.7976931348623157e308, "maximum": 1.7976931348623157e308}
    kinds = ["number", *(["boolean"] if feature.boolean else []), *(["null"] if null else [])]
    kind = {"type": kinds if len(kinds) > 1 else "number", **bounds}
    if feature.seen is None:
        return kind
    seen = f"seen in training: {feature.seen.min:g} to {feature.seen.max:g}"
    return {**kind, "description": seen}


def answer(model: Model) -> Json:
    """Return the schema of one answer."""
    number = {"type": "number"}
    says: Json = {"value": {"type": ["number", "array"], "items": number}}
    if model.manifest.task == "binary":
        decision = {"enum": ["approve", "refer", "refuse", None]}
        says = {
            "probability": {**number, **described_class(model)},
            "decision": decision,
            "threshold": {"type": ["number", "null"]},
            "policy": {"type": ["string", "null"]},
        }
    elif model.manifest.task == "multiclass":
        says = {"probabilities": of_each_class(model)}
    properties = {
        "request_id": {"type": "string"},
        **says,
        "model": {"$ref": "#/components/schemas/ModelName"},
        "warnings": {"type": "array", "items": {"type": "string"}},
    }
    required = ["request_id", *says, "model"]
    properties |= explained(model)
    return {"type": "object", "properties": properties, "required": required}


def explained(model: Model) -> Json:
    """Return the members of an answer with reasons, if the bundle has reason codes."""
    if model.reasons is None:
        return {}
    names = [feature.name for feature in model.manifest.features]
    code = {"code": {"enum": [*model.reasons.known]}}
    reason = {**SCHEMAS["Reason"], "properties": {**SCHEMAS["Reason"]["properties"], **code}}
    numbers = {"type": "object", "properties": {name: {"type": "number"} for name in names}}
    return {
        "reasons": {"type": "array", "items": reason, "maxItems": model.reasons.most},
        "contributions": numbers,
        "expectation": {"type": "number"},
    }


def described_class(model: Model) -> Json:
    """Say which class the probability of a binary model is of, where the bundle knows it."""
    of = model.manifest.probability_of
    return {} if of is None else {"description": f"the probability of class {of!r}"}


def of_each_class(model: Model) -> Json:
    """Return the schema of a multiclass model's probabilities: one by each class's name."""
    names = [str(each) for each in model.manifest.classes or ()]
    members = {name: {"type": "number"} for name in names}
    return {
        "type": "object", "properties": members, "required": names, "additionalProperties": False,
    }  # fmt: skip


def refusal(text: str) -> Json:
    """Return a response that is a problem document."""
    return {
        "description": text, "content": {"application/problem+json": {"schema": PROBLEM_REF}},
    }  # fmt: skip


def described(summary: str, media: str = "application/json") -> Json:
    """Return an operation without a body."""
    return {
        "get": {
            "summary": summary,
            "responses": {
                "200": {"description": "said", "content": {media: {"schema": {}}}},
                "503": {
                    "description": "not ready",
                    "content": {"application/json": {"schema": {}}},
                },
                "default": refusal("refused"),
            },
        }
    }


ABOUT = "Scores credit applications with LightGBM's own bits; every answer has a record behind it."
PROBLEM_REF = {"$ref": "#/components/schemas/Problem"}
PARTIAL = {
    "name": "partial", "in": "query", "required": False, "schema": {"enum": ["true", "false"]},
    "description": "in a batch, answer a problem in the place of a faulty applicant",
}  # fmt: skip
REASONS = {
    "name": "reasons", "in": "query", "required": False,
    "schema": {"enum": ["none", "principal", "all"]},
    "description": "which reasons to answer; the server's setting is the default",
}  # fmt: skip
LANGUAGE = {
    "name": "Accept-Language", "in": "header", "required": False, "schema": {"type": "string"},
}  # fmt: skip
_, SCHEMAS = msgspec.json.schema_components(
    (Document, ModelName, Reason), ref_template="#/components/schemas/{name}"
)
SCHEMAS["Problem"] = SCHEMAS.pop("Document")
SECURITY = {
    "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    "bearer": {"type": "http", "scheme": "bearer"},
}
INFORMATION = {
    "/": described("who answers here, as JSON or, to a browser, as a page"),
    "/livez": described("whether the process answers"),
    "/readyz": described("whether requests should come here"),
    "/models": described("what is served"),
}
METRICS = described("the counters of all workers", "text/plain")["get"]
