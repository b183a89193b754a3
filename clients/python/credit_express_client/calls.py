"""Calls as requests, and responses as answers: what the sync and the async client share."""

import sys
from typing import Generic, Literal, TypedDict
from urllib.parse import quote

import httpx
import msgspec

from .answers import Answer, Probabilities, Problem, Served, Value
from .applicants import Applicant, encoded
from .errors import UNREADABLE, CreditExpressError, UnreachableError, error_of, named, shown
from .retries import Attempts, Ended, Retry, retry_after

if sys.version_info >= (3, 13):
    from typing import TypeVar
else:
    from typing_extensions import TypeVar

A = TypeVar("A", bound=Answer | Probabilities | Value, default=Answer)
H = TypeVar("H", httpx.Client, httpx.AsyncClient)
T = TypeVar("T")
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
        self._base = checked(url).rstrip("/")
        self._path = path_of(model, version)
        self._answer = answer
        self._key = {} if api_key is None else {"X-API-Key": ascii_only("api_key", api_key)}
        self._timeout = timeout
        self._retry = retry or Retry()
        self._http: H = http or self._make()

    def _get(self, path: str) -> httpx.Request:
        url = self._base + path
        headers = {"Accept": "application/json", **self._key}
        return self._http.build_request("GET", url, headers=headers, timeout=self._timeout)

    def _post(
        self, body: Applicant | list[Applicant], options: Options, **query: str
    ) -> httpx.Request:
        if unknown := options.keys() - HEADERS.keys() - {"reasons"}:
            raise TypeError(f"unknown option {min(unknown)}; known: reasons, {', '.join(HEADERS)}")
        said = {name: value for name, value in options.items() if value is not None}
        headers = {
            name: ascii_only(option, str(said[option]))
            for option, name in HEADERS.items()
            if option in said
        }
        if "reasons" in said:
            query["reasons"] = str(said["reasons"])
        return self._http.build_request(
            "POST", self._base + self._path, params=query or None, timeout=self._timeout,
            content=encoded(body),
            headers={"Content-Type": MEDIA, "Accept": MEDIA, **self._key, **headers},
        )  # fmt: skip

    def _attempts(self, request: httpx.Request) -> Attempts:
        repeatable = request.method == "GET" or "Idempotency-Key" in request.headers
        return Attempts(self._retry, repeatable)

    def _one(self, content: bytes) -> A:
        return decoded(content, self._answer)

    def _all(self, content: bytes, count: int) -> list[A]:
        return counted(decoded(content, list[self._answer]), count)  # type: ignore[name-defined]

    def _each(self, content: bytes, count: int) -> list[A | Problem]:
        parts = counted(decoded(content, list[msgspec.Raw]), count)
        return [self._either(part) for part in parts]

    def _either(self, part: msgspec.Raw) -> A | Problem:
        try:
            return msgspec.msgpack.decode(part, type=Problem)
        except UNREADABLE:
            return decoded(part, self._answer)


def path_of(model: str | None, version: str | None) -> str:
    """Return the path that scores with a model: the default, its newest version, or exactly one."""
    if model is None:
        if version is not None:
            raise ValueError(f"version={version!r} wants a model too")
        return "/score"
    exactly = "" if version is None else f"/versions/{quote(version, safe='')}"
    return f"/models/{quote(model, safe='')}{exactly}/score"


def checked(url: str) -> str:
    """Return the URL of a server; raises ValueError if it is none."""
    if not url.lower().startswith(("http://", "https://")):
        raise ValueError(f"url: wanted http://… or https://…, got {url!r}")
    return url


def ascii_only(name: str, value: str) -> str:
    """Return a value that is sent in a header; raises ValueError if it cannot be."""
    if not (value.isascii() and value.isprintable()):
        raise ValueError(f"{name}: wanted ASCII characters, and no line ends")
    return value


def content_of(ended: Ended) -> bytes:
    """Return the body of a success; raises CreditExpressError."""
    if isinstance(ended, httpx.Response):
        if not ended.is_success:
            raise error_of(ended, retry_after(ended))
        wanted = ended.request.headers["accept"]
        if ended.headers.get("content-type", "").partition(";")[0] != wanted:
            raise CreditExpressError(f"unforeseen answer: wanted {wanted}, got {shown(ended)}")
        return ended.content
    what = str(ended) or type(ended).__name__
    raise UnreachableError(f"{named(ended.request.url)}: {what}") from ended


def counted(answers: list[T], count: int) -> list[T]:
    """Return as many answers as applicants; raises CreditExpressError for more or fewer."""
    if len(answers) != count:
        raise CreditExpressError(f"unforeseen answer: wanted {count} answers, got {len(answers)}")
    return answers


def decoded(content: bytes | msgspec.Raw, kind: type[T]) -> T:
    """Decode a MessagePack answer; raises CreditExpressError if it has another form."""
    try:
        return msgspec.msgpack.decode(content, type=kind)
    except UNREADABLE as error:
        raise CreditExpressError(f"unforeseen answer: {error}; {FORMS}") from error


def served(content: bytes) -> list[Served]:
    """Decode the answer of GET /models; raises CreditExpressError."""
    try:
        return msgspec.json.decode(content, type=dict[str, list[Served]])["models"]
    except (*UNREADABLE, KeyError) as error:
        raise CreditExpressError(f"unforeseen answer: {error}") from error
