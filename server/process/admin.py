"""The admin port, served by its own process; the supervisor does what it asks for."""

import logging
import os
import re
import select
import socket
from threading import Lock, Thread

import msgspec
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ..http.keys import Keys, KeysError
from ..http.message import NO_STORE
from ..http.problem import Problem
from ..http.refusal import as_response, on_http
from .control import Command, Reply
from .decisions import Decisions

LONGEST_NAME = 256
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
log = logging.getLogger(__name__)


class Admin:
    """The routes."""

    def __init__(
        self, control: socket.socket, keys: Keys, decisions: Decisions | None = None
    ) -> None:
        self._control, self._decisions = control, decisions
        self._replies = control.makefile("rb")
        self._turn = Lock()
        self._keys = keys

    def app(self) -> Starlette:
        """Return the application."""
        post = {"methods": ["POST"]}
        routes = [
            Route("/models", self.models),
            Route("/models/reload", self.reload, **post),  # type: ignore[arg-type]
            Route("/decisions/{request_id:path}", self.decision),
            Route("/workers/restart", self.restart, **post),  # type: ignore[arg-type]
            Route("/v2/repository/index", self.index, **post),  # type: ignore[arg-type]
            Route("/v2/repository/models/{name}/{verb}", self.change, **post),  # type: ignore[arg-type]
        ]
        handlers = {Problem: as_response, HTTPException: on_http}
        app = Starlette(routes=routes, exception_handlers=handlers)
        app.router.redirect_slashes = False
        return app

    async def models(self, request: Request) -> Response:
        """Return what is served."""
        return told(await self._ask(request, Command("index")))

    async def reload(self, request: Request) -> Response:
        """Load the folder of models again, then switch; 409 if a bundle does not load."""
        return told(await self._ask(request, Command("reload")))

    async def restart(self, request: Request) -> Response:
        """Replace every worker without losing a request."""
        return told(await self._ask(request, Command("restart")))

    async def decision(self, request: Request) -> Response:
        """Explain a recorded decision again; see decisions.Decisions."""
        served = (await self._ask(request, Command("index"))).models
        if self._decisions is None:
            raise Problem(404, "decisions: off; the server's --admin-decisions on answers them")
        found = await run_in_threadpool(
            self._decisions.answer, request.path_params["request_id"], day_of(request),
            request.headers.get("accept-language", "").encode("latin-1"), served,
        )  # fmt: skip
        head = dict([[part.decode() for part in NO_STORE]])
        return Response(msgspec.json.encode(found), 200, head, "application/json")

    async def index(self, request: Request) -> Response:
        """Return the repository index of the Open Inference Protocol."""
        reply = await self._ask(request, Command("index"))
        listing = [
            {"name": each.name, "version": each.version, "state": each.state, "reason": ""}
            for each in reply.models
        ]
        return JSONResponse(listing)

    async def change(self, request: Request) -> Response:
        """Load or unload every version of a model."""
        verb = request.path_params["verb"]
        if verb not in {"load", "unload"}:
            return JSONResponse({"error": f"wanted load or unload, got {verb}"}, 404)
        name = request.path_params["name"]
        if len(name) > LONGEST_NAME:
            said = f"name: wanted at most {LONGEST_NAME} characters, got {len(name)}"
            return JSONResponse({"error": said}, 400)
        reply = await self._ask(request, Command(verb, name))
        return JSONResponse({"error": reply.error}, 400) if reply.error else JSONResponse({})

    async def _ask(self, request: Request, command: Command) -> Reply:
        try:
            self._keys.reload()
        except KeysError as error:
            log.error("kept the keys: %s", error)
        self._keys.check(dict(request.scope["headers"]), "admin")
        return await run_in_threadpool(self._exchange, command)

    def _exchange(self, command: Command) -> Reply:
        with self._turn:
            self._control.sendall(msgspec.json.encode(command) + b"\n")
            return msgspec.json.decode(self._replies.readline(), type=Reply)


def day_of(request: Request) -> str:
    """Return the query's date as YYYYMMDD, "" without one; raises Problem 400."""
    date = request.query_params.get("date", "")
    if [*request.query_params] not in ([], ["date"]) or (date and not DATE.fullmatch(date)):
        raise Problem(400, "query: wanted nothing, or date=YYYY-MM-DD")
    return date.replace("-", "")


def end_with(control: socket.socket) -> None:
    """End this process when the other end of the socket closes: the supervisor is gone."""
    poll = select.poll()
    poll.register(control, select.POLLRDHUP)

    def wait() -> None:
        poll.poll()
        os._exit(0)

    Thread(target=wait, name="supervisor", daemon=True).start()


def told(reply: Reply) -> Response:
    """Return the supervisor's reply."""
    return JSONResponse(msgspec.to_builtins(reply), 409 if reply.error else 200)
