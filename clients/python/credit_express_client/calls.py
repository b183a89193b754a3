"""Calls as requests, and responses as answers: what the sync and the async client share."""

import sys
from collections.abc import Iterable, Mapping
from typing import Any, Generic, Literal, TypedDict
from urllib.parse import quote

import httpx
import msgspec

from .answers import Answer, Probabilities, Problem, Served, Value
from .errors import CreditExpressError, UnreachableError, error_of
from .retries import Attempts, Ended, Retry, retry_after

if sys.version_info >= (3, 13):
    from typing import TypeVar
else:
    from typing_extensions import TypeVar

A = TypeVar("A", bound=Answer | Probabilities | Value, default=Answer)
H = TypeVar("H", httpx.Client, httpx.AsyncClient)
T = TypeVar("T")
Applicant = Mapping[str, object]
MEDIA = "application/msgpack"
FORMS = "answer=Probabilities is for a multiclass model, answer=Value for a regression"


class Options(TypedDict, total=False):
    """What each call can say beside the applicants.

    request_id: your name for the request, in its answer and its record.
    idempotency_key: with it, sending again is safe: the server scores and records once. Use a new
    one for each decision.
    reasons: which to answer; the server's setting is the default.
    language: of the reasons' texts, such as "de".
    deadline_ms: the server answers 504 rather than score later than this.
    """

    request_id: str
    idempotency_key: str
    reasons: Literal["none", "principal", "all"]
    language: str
    deadline_ms: int


HEADERS = {
    "request_id": "X-Request-Id",
    "idempotency_key": "Idempotency-Key",
    "language": "Accept-Language",
    "deadline_ms": "X-Request-Timeout-Ms",
}


class Calls(Generic[H, A]):
    """One server, one model, one form of answers."""

    _make: type[H]

    def __init__(
        self,
        url: str,
        *,
        model: str | None = None,
        version: str | None = None,
        answer: type[A] = Answer,  # type: ignore[assignment] # mypy: a default of a type variable
        api_key: str | None = None,
        timeout: float = 5.0,
        retry: Retry | None = None,
        http: H | None = None,
    ) -> None:
        self._base = url.rstrip("/")
        self._path = path_of(model, version)
        self._answer = answer
        self._key = {} if api_key is None else {"X-API-Key": api_key}
        self._timeout = timeout
        self._retry = retry or Retry()
        self._http: H = http or self._make()

    def _get(self, path: str) -> httpx.Request:
        url = self._base + path
        return self._http.build_request("GET", url, headers=self._key, timeout=self._timeout)

    def _post(
        self, body: Applicant | list[Applicant], options: Options, **query: str
    ) -> httpx.Request:
        said: Mapping[str, Any] = options
        if unknown := said.keys() - HEADERS.keys() - {"reasons"}:
            raise TypeError(f"unknown option {min(unknown)}; known: reasons, {', '.join(HEADERS)}")
        headers = {name: str(said[option]) for option, name in HEADERS.items() if option in said}
        if "reasons" in options:
            query["reasons"] = options["reasons"]
        return self._http.build_request(
            "POST", self._base + self._path, params=query or None, timeout=self._timeout,
            content=msgspec.msgpack.encode(body, enc_hook=plain),
            headers={"Content-Type": MEDIA, "Accept": MEDIA, **self._key, **headers},
        )  # fmt: skip

    def _attempts(self, request: httpx.Request) -> Attempts:
        repeatable = request.method == "GET" or "Idempotency-Key" in request.headers
        return Attempts(self._retry, repeatable)

    def _one(self, content: bytes) -> A:
        return decoded(content, self._answer)

    def _all(self, content: bytes) -> list[A]:
        return decoded(content, list[self._answer])  # type: ignore[name-defined]

    def _each(self, content: bytes) -> list[A | Problem]:
        return [self._either(part) for part in decoded(content, list[msgspec.Raw])]

    def _either(self, part: msgspec.Raw) -> A | Problem:
        try:
            return msgspec.msgpack.decode(part, type=Problem)
        except msgspec.ValidationError:
            return decoded(part, self._answer)


def path_of(model: str | None, version: str | None) -> str:
    """Return the path that scores with a model: the default, its newest version, or exactly one."""
    if model is None:
        if version is not None:
            raise ValueError(f"version={version!r} wants a model too")
        return "/score"
    exactly = "" if version is None else f"/versions/{quote(version, safe='')}"
    return f"/models/{quote(model, safe='')}{exactly}/score"


def plain(value: object) -> object:
    """Return what msgspec does not encode by itself: a scalar of numpy, or a mapping."""
    if getattr(value, "shape", None) == () and hasattr(value, "item"):
        return value.item()
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"wanted a number, a text, True, False or None, got {type(value).__name__}")


def batch(applicants: Iterable[Applicant]) -> list[Applicant]:
    """Return applicants as a list; raises TypeError for a single one."""
    if isinstance(applicants, Mapping):
        raise TypeError("wanted several applicants, got one mapping: use score()")
    return list(applicants)


def content_of(ended: Ended) -> bytes:
    """Return the body of a success; raises CreditExpressError."""
    if isinstance(ended, httpx.Response):
        if ended.is_success:
            return ended.content
        raise error_of(ended, retry_after(ended))
    what = str(ended) or type(ended).__name__
    raise UnreachableError(f"{ended.request.url}: {what}") from ended


def decoded(content: bytes | msgspec.Raw, kind: type[T]) -> T:
    """Decode a MessagePack answer; raises CreditExpressError if it has another form."""
    try:
        return msgspec.msgpack.decode(content, type=kind)
    except msgspec.DecodeError as error:
        raise CreditExpressError(f"unforeseen answer: {error}; {FORMS}") from error


def served(content: bytes) -> list[Served]:
    """Decode the answer of GET /models; raises CreditExpressError."""
    try:
        return msgspec.json.decode(content, type=dict[str, list[Served]])["models"]
    except (msgspec.DecodeError, KeyError) as error:
        raise CreditExpressError(f"unforeseen answer: {error}") from error
