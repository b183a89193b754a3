"""Requests in a platform's form, answered by the handler of `/score`.

Only the form differs: keys, limits, shedding, records and the words of a refusal are the same.
"""

from collections.abc import Callable
from contextlib import suppress

import msgspec

from ..http.batch import BatchProblem
from ..http.fields import Fields, asked
from ..http.ledger import Ledger
from ..http.message import Request
from ..http.problem import Headers, Problem
from ..http.score import Score
from ..http.services import Services
from ..http.shadow import Shadow
from ..scoring.lenient import shorten
from ..scoring.model import Model

JSON_TYPE = b"application/json"
# From an applicant's index and a feature, "" for all of it, to where it stood in what was sent.
Place = Callable[[int, str], str]


class Sent(msgspec.Struct, frozen=True):
    """Applicants as `/score` reads them, a JSON array.

    `query`: as it would have come there, None if the body does not say.
    """

    body: bytes
    place: Place
    name: str = "body"
    query: bytes | None = None


class Most(msgspec.Struct, frozen=True):
    """The most applicants of a batch, and the names of their features."""

    applicants: int
    names: frozenset[str]

    def short(self, name: str) -> str:
        """Return a column's name, of which each applicant gets a copy, shortened as refusals show
        it unless it is a feature's.
        """
        return name if name in self.names else shorten(name)


class Translated(Score):
    """Answers requests for one model, sent in the form of a platform."""

    def __init__(
        self, model: Model, services: Services, ledger: Ledger, shadow: Shadow | None = None
    ) -> None:
        super().__init__(model, services, ledger, shadow)
        names = frozenset(each.name for each in model.manifest.features)
        self._most = Most(services.settings.max_batch, names)

    def terms(self, fields: Fields) -> None:
        """See endpoint.Handler: each request is answered alone."""

    def weigh(self, query: bytes, body: bytes) -> int:
        """Return the cost of a request, which may hold several applicants in any form."""
        wanted = None
        with suppress(Problem):
            wanted = asked(query)[1]
        return self._cost.of(body, wanted or self._reasons, is_batch=True)

    def _plain(self, query: bytes, body: bytes) -> int:
        return super().weigh(query, body)

    def _handle_plain(
        self, caller: str, request_id: str, request: Request
    ) -> tuple[bytes, Headers]:
        """Answer a request in the form of `/score`."""
        return super()._handle(caller, request_id, request)

    def _score(
        self, caller: str, request_id: str, request: Request, sent: Sent, accept: bytes = JSON_TYPE
    ) -> tuple[bytes, Headers]:
        """Return what `/score` answers, in the format `accept`; raises Problem with the places
        of the client's form.
        """
        fields = {**request.fields, b"content-type": JSON_TYPE, b"accept": accept}
        if sent.query is not None and request.query:
            raise Problem(400, "query: wanted none beside the wishes in the body")
        query = request.query if sent.query is None else sent.query
        inner = msgspec.structs.replace(request, body=sent.body, fields=fields, query=query)
        try:
            return super()._handle(caller, request_id, inner)
        except Problem as problem:
            raise placed(problem, sent) from problem


def placed(problem: Problem, sent: Sent) -> Problem:
    """Return a problem of a batch with the places of the form that was sent."""
    detail = problem.detail
    if isinstance(problem, BatchProblem) and problem.index is not None:
        detail = f"{problem.refused}; first: {sentence(problem, problem.index, sent.place)}"
    elif detail.startswith("batch:"):
        detail = sent.name + detail.removeprefix("batch")
    return Problem(problem.status, detail, problem.errors, problem.headers, problem.more)


def sentence(problem: BatchProblem, index: int, place: Place) -> str:
    """Return the first fault as a sentence that begins with its place."""
    feature = problem.errors[0].feature
    if problem.first.startswith(f"{feature}:"):
        return place(index, feature) + problem.first.removeprefix(feature)
    return f"{place(index, '')}: {problem.first.removeprefix('body: ')}"
