"""Errors as application/problem+json (RFC 9457), with every fault listed."""

from http import HTTPStatus

import msgspec

from ..scoring.faults import Fault
from ..scoring.lenient import shorten
from ..scoring.refusals import RefusedError, UnreadableError

MEDIA_TYPE = b"application/problem+json"
MAX_DETAIL = 2000  # characters; a message may quote what the client sent
Headers = list[tuple[bytes, bytes]]


class Document(msgspec.Struct, frozen=True, omit_defaults=True):
    """The members of a problem document; the last three extend RFC 9457.

    `more_errors` is the number of faults beyond those in `errors`.
    """

    type: str
    title: str
    status: int
    detail: str
    request_id: str = ""
    errors: tuple[Fault, ...] = ()
    more_errors: int = 0


FOR_TABLES = "; send several batches, or score a table with `python -m server score`"


class Problem(Exception):  # noqa: N818 - RFC 9457's word
    """An error that is answered."""

    def __init__(
        self,
        status: int,
        detail: str,
        errors: tuple[Fault, ...] = (),
        headers: Headers | None = None,
        more: int = 0,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = shorten(detail, MAX_DETAIL)
        self.errors = errors
        self.more = more
        self.headers = headers or []

    @property
    def title(self) -> str:
        """HTTP's phrase for the status."""
        return HTTPStatus(self.status).phrase

    def document(self, request_id: str) -> Document:
        """Return the body."""
        return Document(
            "about:blank", self.title, self.status, self.detail, request_id, self.errors, self.more
        )  # fmt: skip

    def encode(self, request_id: str) -> bytes:
        """Return the body, encoded."""
        return msgspec.json.encode(self.document(request_id))

    def rendered(self, request_id: str, is_oip: bool) -> tuple[bytes, bytes]:
        """Return media type and body; under /v2 it is the inference protocol's error."""
        if is_oip:
            return b"application/json", msgspec.json.encode({"error": self.detail})
        return MEDIA_TYPE, self.encode(request_id)


def problem_of(refused: RefusedError) -> Problem:
    """Return 400 for a body that is not in the format, 422 for an applicant that is not valid."""
    status = 400 if isinstance(refused, UnreadableError) else 422
    return Problem(status, refused.detail, refused.faults, more=refused.more)
