"""The pages for people, `/docs` and `/`: whole in themselves, with nothing to fetch from anywhere.

Style and script stand in the page. The policy of the answer allows them by their hashes and no
others, so no markup that got into a page by way of a name could run.
"""

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import quote

import msgspec

from .. import __version__
from ..bundle.applicant import EXACT, ZERO
from ..bundle.example import PROFILE, example
from ..bundle.manifest import Category, Feature
from ..scoring.model import Model
from ..scoring.rule import wanted_of
from .commands import curl, message_pack, python
from .openapi import REFUSALS

FOLDER = Path(__file__).with_name("pages")
STYLE, SCRIPT = ((FOLDER / name).read_text() for name in ("page.css", "docs.js"))
DOCS, ROOT = (Template((FOLDER / name).read_text()) for name in ("docs.html", "root.html"))
MANY = 40  # from this many features on, their fields scroll in a box and can be searched
KEY = (
    '<label class="before"><span>API key, with the scope score</span>'
    '<input id="key" type="password" autocomplete="off"></label>'
)
FILTER = (
    '<label class="before"><span>Find a feature</span>'
    '<input id="filter" type="search" placeholder="part of its name"></label>'
)
ANSWER = {
    "binary": (
        ("probability", "of {of}"),
        ("decision", "approve, refer (a person should look) or refuse; null without a policy"),
        ("threshold", "the probability from which an applicant is refused"),
        ("policy", "the whole rule that decided"),
    ),
    "multiclass": (("probabilities", "by class"),),
}
VALUE = (("value", "what the model predicts"),)
ALWAYS = (
    ("warnings", "only where there are any: range:NAME is outside the range seen in training"),
    ("request_id", "finds the record of this answer; send X-Request-Id to choose it"),
    ("model", "name, version and sha256 of the exact model"),
)
DOCS_LINK = ("docs", "how to ask, and a form to try it out")
LINKS = (
    ("openapi.json", "the same for machines: OpenAPI 3.1, with a schema for each feature"),
    ("models", "what is served, as JSON"),
    ("metrics", "Prometheus text"),
    ("livez", "whether the process answers"),
    ("readyz", "whether requests should come here"),
)


class Page(msgspec.Struct, frozen=True):
    """A page and the policy it is to be shown under."""

    body: bytes
    policy: bytes


def allowed(kind: str, text: str) -> str:
    """Return the policy of one inline element: that text and no other."""
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"{kind}-src 'sha256-{digest}'"


STRICT = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
DOCS_POLICY = (
    f"{STRICT}connect-src 'self'; {allowed('style', STYLE)}; {allowed('script', SCRIPT)}"
).encode()
ROOT_POLICY = (STRICT + allowed("style", STYLE)).encode()


def docs(model: Model, path: str, asks_key: bool) -> Page:
    """Return the page of one model, which is scored at `path`."""
    manifest, sent = model.manifest, example(model.bundle)
    of = of_what(model)
    page = DOCS.substitute(
        title=escape(f"{manifest.name} {manifest.version}"), about=escape(about(model, of)),
        style=STYLE, script=SCRIPT, path=escape(path), of=escape(f"the probability of {of}"),
        usual=usual_of(model),
        key=KEY if asks_key else "", filter=FILTER if len(sent) > MANY else "",
        many=" many" if len(sent) > MANY else "",
        fields="".join(field(each, sent[each.name]) for each in manifest.features),
        curl=escape(curl(path, sent, asks_key)), python=escape(python(path, sent, asks_key)),
        msgpack=escape(message_pack(path, sent, asks_key)),
        answers=rows(told(name, text.format(of=of)) for name, text in answer_of(manifest.task)),
        errors=rows(told(status, text) for status, text in REFUSALS.items()),
        features=rows(map(feature_row, manifest.features)),
        links=rows(link(*each) for each in LINKS),
        server=escape(f"Credit Express {__version__}"),
    )  # fmt: skip
    return Page(page.encode(), DOCS_POLICY)


def root(described: Mapping[str, Any]) -> Page:
    """Return the page that says who is there: what `/` says as JSON."""
    models = rows(model_row(each) for each in described["models"])
    links = rows(link(*each) for each in (DOCS_LINK, *LINKS))
    page = ROOT.substitute(style=STYLE, version=escape(__version__), models=models, links=links)
    return Page(page.encode(), ROOT_POLICY)


def usual_of(model: Model) -> str:
    """Say what the values of the example are."""
    if PROFILE in model.manifest.files:
        return "the median, or the most frequent one, of the rows the model was judged on"
    return "in the middle of its range"


def of_what(model: Model) -> str:
    """Say which class the probability of a binary model is of."""
    of = model.manifest.probability_of
    return "class 1" if of is None else f"class {of!r}"


def about(model: Model, of: str) -> str:
    """Say in a line what the model answers."""
    manifest = model.manifest
    answers = {"binary": f"the probability of {of}", "multiclass": "a probability for each class"}
    policy = f"policy {manifest.policy.version}" if manifest.policy else "no policy"
    said = [f"{len(manifest.features)} features", answers.get(manifest.task, "a value")]
    return "; ".join([*said, policy] if manifest.task == "binary" else said)


def answer_of(task: str) -> tuple[tuple[str, str], ...]:
    """Return the members of an answer, and what each is."""
    return (*ANSWER.get(task, VALUE), *ALWAYS)


def field(feature: Feature, sent: Any) -> str:
    """Return the label and the input of a feature."""
    name = escape(feature.name)
    if isinstance(feature, Category) or feature.boolean:
        made = select(name, values_of(feature), sent)
    else:
        text = "" if sent is None else json.dumps(sent)
        mode = "decimal" if feature.seen and feature.seen.min >= 0 else "text"
        made = f'<input data-feature="{name}" inputmode="{mode}" value="{text}">'
    shown = name.replace("_", "_<wbr>")
    return f"<label><span>{shown}</span>{made}<small>{escape(hint(feature))}</small></label>"


def values_of(feature: Feature) -> list[Any]:
    """Return what may be chosen for a category or a boolean."""
    values = feature.categories if isinstance(feature, Category) else (False, True)
    return [*values, *([None] if feature.missing.allowed else [])]


def select(name: str, values: Iterable[Any], sent: Any) -> str:
    """Return a choice of values; each stands there as JSON."""
    chosen = json.dumps(sent)
    options = "".join(
        f'<option value="{escape(text)}"{" selected" if text == chosen else ""}>'
        f"{escape(each if isinstance(each, str) else text)}"
        for each, text in ((each, json.dumps(each)) for each in values)
    )
    return f'<select data-feature="{name}">{options}</select>'


def hint(feature: Feature) -> str:
    """Say in a few words what a field takes."""
    missing = "empty: null" if feature.missing.allowed else ""
    if isinstance(feature, Category) or feature.boolean:
        return ""
    return "; ".join(filter(None, [seen(feature), missing]))


def seen(feature: Feature) -> str:
    """Say which range of a number was seen in training."""
    if isinstance(feature, Category) or feature.seen is None:
        return ""
    return f"{rounded(feature.seen.min)} to {rounded(feature.seen.max)}"


def rounded(value: float) -> str:
    """Return a number as people write it, to six digits; what LightGBM takes for zero is 0."""
    if abs(value) <= ZERO:
        return "0"
    return str(int(value)) if value.is_integer() and abs(value) <= EXACT else f"{value:.6g}"


def feature_row(feature: Feature) -> str:
    """Return the row of a feature."""
    cells = (escape(each) for each in (wanted_of(feature), seen(feature)))
    return f"<tr><td><code>{escape(feature.name)}</code><td>{'<td>'.join(cells)}"


def model_row(model: Mapping[str, Any]) -> str:
    """Return the row of a model."""
    name, version = model["name"], model["version"]
    page = f"docs?model={quote(name, '')}/{quote(version, '')}"
    default = ", the default" if model["default"] else ""
    cells = (
        f'<a href="{escape(page)}">{escape(name)}</a>',
        escape(version) + default,
        escape(model["policy"] or "nothing"),
        f"<code>POST {escape(model['score'])}</code>",
    )
    return f"<tr><td>{'<td>'.join(cells)}"


def told(name: str, text: str) -> str:
    """Return a row of a name and what it is."""
    return f"<tr><th><code>{escape(name)}</code><td>{escape(text)}"


def link(path: str, text: str) -> str:
    """Return a row of a link and what is there."""
    return f'<tr><th><a href="{escape(path)}">/{escape(path)}</a><td>{escape(text)}'


def rows(made: Iterable[str]) -> str:
    """Return the rows of a table."""
    return "\n".join(made)
