"""MLflow: the routes of `mlflow models serve`.

https://mlflow.org/docs/latest/ml/deployment/deploy-model-locally
"""

from collections.abc import Callable, Mapping

import msgspec
from msgspec import UNSET

from .. import __version__
from ..http.accept import media_type
from ..http.ledger import Ledger
from ..http.message import Request
from ..http.problem import Headers, Problem
from ..http.services import Services
from ..http.shadow import Shadow
from ..scoring.model import Model
from . import forms
from .contract import Contract
from .csv_rows import CsvRows
from .translated import JSON_TYPE, Most, Sent, Translated

FORMS: dict[str, Callable[[str, bytes, Most], Sent]] = {
    "dataframe_split": forms.split, "dataframe_records": forms.rows,
    "instances": forms.rows_or_columns, "inputs": forms.rows_or_columns,
}  # fmt: skip
WANTED = f"an object with one of {', '.join(FORMS)}, with params if you like"


class Envelope(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a request; exactly one of the forms is there."""

    dataframe_split: forms.Member = UNSET
    dataframe_records: forms.Member = UNSET
    instances: forms.Member = UNSET
    inputs: forms.Member = UNSET
    params: forms.Member = UNSET


read_envelope = msgspec.json.Decoder(Envelope).decode


class Invocations(Translated):
    """JSON in one of MLflow's forms, or CSV with a header, to `{"predictions": […]}`."""

    def __init__(
        self, model: Model, services: Services, ledger: Ledger, shadow: Shadow | None = None
    ) -> None:
        super().__init__(model, services, ledger, shadow)
        self._csv = CsvRows(model.manifest.features, self._most)

    def _handle(self, caller: str, request_id: str, request: Request) -> tuple[bytes, Headers]:
        kind = media_type(request.fields.get(b"content-type", b""))
        if kind not in {JSON_TYPE, b"text/csv"}:
            got = kind.decode("latin-1") or "none"
            raise Problem(415, f"Content-Type: wanted application/json or text/csv, got {got}")
        is_json = kind == JSON_TYPE
        sent = (
            read(request.body, self._most)
            if is_json
            else self._csv.read(request.body, must_name=True)
        )
        body, head = self._score(caller, request_id, request, sent)
        return b'{"predictions":%b}' % body, head


def read(body: bytes, most: Most) -> Sent:
    """Return the applicants, NaN as missing, as MLflow's clients send it; raises Problem."""
    body = forms.nan_as_null(body)
    found = forms.decoded(read_envelope, body, WANTED)
    given = [name for name in FORMS if getattr(found, name) is not UNSET]
    if len(given) != 1:
        raise Problem(422, f"body: wanted {WANTED}, got {' and '.join(given) or 'none of them'}")
    (name,) = given
    sent = FORMS[name](name, bytes(getattr(found, name)), most)
    return Sent(sent.body, sent.place, sent.name, forms.query_of("params", found.params))


def contract(_: Mapping[str, str]) -> Contract:
    """Return what clients of MLflow's scoring server expect."""
    return Contract(
        defaults={"port": 5000},
        ready=("/ping", "/health"),
        documents=lambda _: {"/version": __version__},
        score={"/invocations": Invocations},
    )
