"""Azure Machine Learning: a custom container behind an online endpoint.

https://learn.microsoft.com/azure/machine-learning/how-to-deploy-custom-container
"""

from collections.abc import Mapping
from contextlib import suppress

import msgspec
from msgspec import UNSET

from ..http.fields import content_codec
from ..http.message import Request
from ..http.problem import Headers
from ..scoring.codec import JSON
from ..settings import Told
from . import forms
from .contract import Contract
from .translated import Most, Sent, Translated

FOLDER = "AZUREML_MODEL_DIR"
NAME = "input_data"
WANTED = f"an object with {NAME} (columns and data, or rows), with params if you like"


class Lone(msgspec.Struct, frozen=True):
    """Any object; `input_data` tells a table from an applicant."""

    input_data: forms.Member = UNSET


class Envelope(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a request with a table."""

    input_data: msgspec.Raw
    params: forms.Member = UNSET


read_lone = msgspec.json.Decoder(Lone).decode
read_envelope = msgspec.json.Decoder(Envelope).decode


class Scored(Translated):
    """`POST /score` as always, and tables in `input_data`, as Azure ML's MLflow models take them.

    Both are answered alike: an array for a table.
    """

    def weigh(self, query: bytes, body: bytes) -> int:
        """Return the cost of a request of either form."""
        return super().weigh(query, body) if NAME.encode() in body else self._plain(query, body)

    def _handle(self, caller: str, request_id: str, request: Request) -> tuple[bytes, Headers]:
        body = request.body
        if NAME.encode() in body and content_codec(request.fields) is JSON and begins(body):
            with suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                if read_lone(body).input_data is UNSET:
                    return self._handle_plain(caller, request_id, request)
            return self._score(caller, request_id, request, read(body, self._most))
        return self._handle_plain(caller, request_id, request)


def begins(body: bytes) -> bool:
    """Whether a body is an object."""
    return body.lstrip().startswith(b"{")


def read(body: bytes, most: Most) -> Sent:
    """Return the applicants, NaN as missing, as Azure's MLflow servers take it; raises Problem."""
    body = forms.nan_as_null(body)
    found = forms.decoded(read_envelope, body, WANTED)
    value = bytes(found.input_data)
    sent = (forms.split if begins(value) else forms.rows)(NAME, value, most)
    return Sent(sent.body, sent.place, sent.name, forms.query_of("params", found.params))


def contract(environment: Mapping[str, str]) -> Contract:
    """Return what Azure ML expects of a container with this environment."""
    folder = environment.get(FOLDER)
    return Contract(
        defaults={"host": "0.0.0.0", "port": 5001},  # noqa: S104 - a container's own network
        told={"model": Told(folder, FOLDER)} if folder else {},
        score={"/score": Scored},
    )
