"""`/` and `/docs`: which models are served, and how to send requests."""

from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .. import __version__
from ..scoring.catalog import Key
from .accept import prefers_html
from .docs_page import Page, docs, root
from .problem import Problem
from .services import Services

LINKS = {
    "score": "/score", "docs": "/docs", "openapi": "/openapi.json", "models": "/models",
    "metrics": "/metrics", "live": "/livez", "ready": "/readyz",
}  # fmt: skip


class Front:
    """The first pages for newcomers; they need no key and show no more than `/models`."""

    def __init__(self, services: Services) -> None:
        self._catalog = services.catalog
        self._asks_key = services.settings.keys is not None
        self._who = self._describe()
        self._root, self._as_json = root(self._who), rendered(self._who)
        self._pages: dict[Key, Page] = {}

    def routes(self) -> list[Route]:
        """Return both."""
        return [Route("/", self.root), Route("/docs", self.docs)]

    async def root(self, request: Request) -> Response:
        """Return the list of models: a page for browsers, otherwise JSON."""
        is_page = prefers_html(request.headers.get("accept", ""))
        answer = as_page(self._root) if is_page else as_json(self._as_json)
        answer.headers["vary"] = "Accept"
        return answer

    async def docs(self, request: Request) -> Response:
        """Return the page of a model, by default of the default model; raises Problem 404.

        It is made on first use and loads nothing from elsewhere.
        """
        default = self._catalog.default.manifest
        wanted = request.query_params.get("model", f"{default.name}/{default.version}")
        name, _, version = wanted.partition("/")
        if (name, version) not in self._catalog.models:
            raise Problem(404, self._catalog.absent(name, version))
        if (name, version) not in self._pages:
            self._pages[name, version] = self._page(name, version)
        return as_page(self._pages[name, version])

    def _page(self, name: str, version: str) -> Page:
        model = self._catalog.models[name, version]
        path = self._path(name, version)
        return docs(model, path.removeprefix("/"), self._asks_key)

    def _path(self, name: str, version: str) -> str:
        default = self._catalog.default.manifest
        if (name, version) == (default.name, default.version):
            return LINKS["score"]
        return f"/models/{quote(name, '')}/versions/{quote(version, '')}/score"

    def _describe(self) -> dict[str, Any]:
        models = [
            {
                "name": each.name,
                "version": each.version,
                "default": each.default,
                "policy": self._policy(each.name, each.version),
                "score": self._path(each.name, each.version),
            }
            for each in self._catalog.listing()
        ]
        return {
            "name": "credit-express", "version": __version__, "models": models, "links": LINKS,
        }  # fmt: skip

    def _policy(self, name: str, version: str) -> str | None:
        policy = self._catalog.models[name, version].manifest.policy
        return policy.version if policy else None


def rendered(said: Any) -> bytes:
    """Return JSON, rendered once, since anyone may request it often."""
    return bytes(JSONResponse(said).body)


def as_json(body: bytes) -> Response:
    """Return JSON that was already rendered."""
    return Response(body, media_type="application/json")


def as_page(page: Page) -> Response:
    """Return a page with its content security policy."""
    head = {"content-security-policy": page.policy.decode()}
    return Response(page.body, media_type="text/html", headers=head)
