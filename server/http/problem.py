"""Errors as application/problem+json (RFC 9457), with every fault listed."""

from http import HTTPStatus

import msgspec

from ..faults import Fault

MEDIA_TYPE = b"application/problem+json"
Headers = list[tuple[bytes, bytes]]


class Document(msgspec.Struct, frozen=True, omit_defaults=True):
    """The members of a problem document; `errors` and `request_id` extend RFC 9457's."""

    type: str
    title: str
    status: int
    detail: str
    request_id: str = ""
    errors: tuple[Fault, ...] = ()


class Problem(Exception):  # noqa: N818 - RFC 9457's word
    """A request that gets an error for an answer."""

    def __init__(
        self,
        status: int,
        detail: str,
        errors: tuple[Fault, ...] = (),
        headers: Headers | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.errors = errors
        self.headers = headers or []

    @property
    def title(self) -> str:
        """What HTTP calls the status."""
        return HTTPStatus(self.status).phrase

    def document(self, request_id: str) -> Document:
        """Return the body."""
        return Document(
            "about:blank", self.title, self.status, self.detail, request_id, self.errors
        )  # fmt: skip

    def encode(self, request_id: str) -> bytes:
        """Return the body, encoded."""
        return msgspec.json.encode(self.document(request_id))
