"""Applicants for a server whose record is looked at."""

from typing import Any

import httpx

from tests.conftest import Running
from tests.server.wire import FIT

UNFIT = FIT | {"AGE": "forty-seven", "KIND": "boat"}


def post(server: Running, applicant: Any = FIT, request_id: str = "") -> httpx.Response:
    headers = {"X-Request-Id": request_id} if request_id else {}
    return httpx.post(f"{server.url}/score", json=applicant, headers=headers, timeout=20)


def recorded(server: Running) -> list[str]:
    return [record["request_id"] for record in server.records()]
