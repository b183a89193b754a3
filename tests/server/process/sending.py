"""Applicants of the small model, and what the metrics say of them."""

import json
import re

import httpx

from tests.conftest import Running, Trained, applicants


def bodies(trained: Trained, count: int = 200) -> list[bytes]:
    return [json.dumps(each).encode() for each in applicants(trained.held_out[:count])]


def admin_of(server: Running) -> str:
    """The admin port is printed nowhere; the tests choose it."""
    return f"http://127.0.0.1:{server.port + 1}"


async def some(server: Running, trained: Trained, count: int) -> int:
    async with httpx.AsyncClient() as client:
        for body in bodies(trained, count):
            answer = await client.post(
                f"{server.url}/score", content=body, headers={"content-type": "application/json"}
            )
            assert answer.status_code == 200
    return count


def metric(server: Running, name: str) -> float:
    text = httpx.get(f"{server.url}/metrics").text
    found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.M)
    assert found, f"{name} not in\n{text}"
    return float(found[1])
