"""The page for people: one HTML file with nothing to fetch."""

import json
from html import escape
from typing import Any

from ..bundle.manifest import Category, Feature
from ..scoring.catalog import Catalog
from ..scoring.rule import wanted_of

STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "pre{background:#f4f4f4;padding:1rem;overflow:auto}"
    "td,th{text-align:left;padding:.2rem 1rem .2rem 0}"
)
PATHS = (
    ("POST /score", "score one applicant, or a batch, with the default model"),
    ("POST /models/{name}/versions/{version}/score", "the same with one version"),
    ("POST /v2/models/{name}/infer", "Open Inference Protocol v2"),
    ("GET /models", "what is served"),
    ("GET /livez, /readyz", "health"),
    ("GET /metrics", "Prometheus text"),
    ("GET /openapi.json", "this, for machines"),
)


def page(catalog: Catalog) -> str:
    """Return the page over the default model."""
    manifest = catalog.default.manifest
    title = f"{manifest.name} {manifest.version}"
    of = manifest.probability_of
    meant = "" if of is None else f"<p>Answers the probability of class {escape(repr(of))}."
    rows = (f"<tr><td><code>{escape(path)}</code><td>{text}" for path, text in PATHS)
    features = (
        f"<tr><td><code>{escape(feature.name)}</code><td>{escape(wanted_of(feature))}"
        for feature in manifest.features
    )
    body = json.dumps({f.name: example(f) for f in manifest.features}, indent=1)
    call = f"curl -H 'Content-Type: application/json' -d @applicant.json {{server}}/score\n\n{body}"
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{escape(title)}</title>"
        f"<style>{STYLE}</style><h1>{escape(title)}</h1>{meant}<table>{''.join(rows)}</table>"
        f"<h2>An applicant</h2><pre>{escape(call)}</pre>"
        f"<h2>Features</h2><table>{''.join(features)}</table></html>"
    )


def example(feature: Feature) -> Any:
    """Return a value that fits."""
    if isinstance(feature, Category):
        return feature.categories[0] if feature.categories else None
    return feature.seen.min if feature.seen else 0.0
