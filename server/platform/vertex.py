"""Vertex AI: a custom container for prediction.

https://cloud.google.com/vertex-ai/docs/predictions/custom-container-requirements
"""

from collections.abc import Mapping

import msgspec
from msgspec import UNSET

from ..http.fields import content_codec
from ..http.message import Request
from ..http.problem import Headers, Problem
from ..scoring.codec import JSON
from ..settings import Told
from . import forms
from .contract import Contract
from .translated import Most, Sent, Translated

PORT, HEALTH, PREDICT, STORAGE = (
    "AIP_HTTP_PORT", "AIP_HEALTH_ROUTE", "AIP_PREDICT_ROUTE", "AIP_STORAGE_URI",
)  # fmt: skip
WANTED = 'an object {"instances": [{…}, …]}, with "parameters" if you like'


class Envelope(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a request."""

    instances: msgspec.Raw
    parameters: forms.Member = UNSET


read_envelope = msgspec.json.Decoder(Envelope).decode


class Predict(Translated):
    """`{"instances": […]}` to `{"predictions": […]}`."""

    def _handle(self, caller: str, request_id: str, request: Request) -> tuple[bytes, Headers]:
        if content_codec(request.fields) is not JSON:
            raise Problem(415, "Content-Type: wanted application/json, got MessagePack")
        body, head = self._score(caller, request_id, request, read(request.body, self._most))
        return b'{"predictions":%b}' % body, head


def read(body: bytes, most: Most) -> Sent:
    """Return the applicants; raises Problem."""
    found = forms.decoded(read_envelope, body, WANTED)
    sent = forms.rows("instances", bytes(found.instances), most)
    query = forms.query_of("parameters", found.parameters)
    return Sent(sent.body, sent.place, sent.name, query)


def contract(environment: Mapping[str, str]) -> Contract:
    """Return what Vertex AI expects of a container with this environment."""
    uri = environment.get(STORAGE, "")
    local = uri.removeprefix("file://")
    is_here = "://" not in local
    told = {"port": Told(environment.get(PORT, "8080"), PORT)}
    if uri and is_here:
        told["model"] = Told(local, STORAGE)
    said = (
        f"{STORAGE} is {uri}, which is not on this machine: put the bundle into the image "
        "(deploy/vertex) and upload the model without artifact_uri, or name a folder with --model"
    )
    return Contract(
        defaults={"host": "0.0.0.0"},  # noqa: S104 - a container's own network
        told=told,
        unfit={} if is_here else {"model": said},
        ready=(environment.get(HEALTH, "/health"),),
        score={environment.get(PREDICT, "/predict"): Predict},
    )
