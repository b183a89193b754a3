"""Applicants of the small model, and the admin port beside the server's own."""

import asyncio
import json

import httpx

from tests.conftest import Running, Trained, applicants

RECORD_BYTES = 500  # about


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


async def more_records(server: Running, count: int) -> None:
    """Wait until about so many more have been written, without reading them: that takes long."""
    wanted = written(server) + count * RECORD_BYTES
    while written(server) < wanted:
        await asyncio.sleep(0.02)


def written(server: Running) -> int:
    return sum(file.stat().st_size for file in server.log_dir.glob("*.jsonl"))
