"""An empty Starlette endpoint, as bench/limits has it under uvicorn, for granian to serve."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

ANSWER = b'{"request_id":"00000000000000000000000000000000","probability":0.12345678901234567}'


async def endpoint(request: Request) -> Response:
    """Read the body and answer."""
    await request.body()
    return Response(ANSWER, media_type="application/json")


app = Starlette(routes=[Route("/score", endpoint, methods=["POST"])])
