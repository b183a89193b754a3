"""Applicants as requests for the load generator, what it kept, and what the server counted."""

import json
import re
from collections.abc import Sequence
from typing import Any

import httpx

from bench.load.generator import Report
from bench.workload.request import post
from tests.conftest import Running


def posts(bodies: Sequence[bytes], path: str = "/score") -> list[bytes]:
    """Return whole requests."""
    return [post(path, b"application/json", body) for body in bodies]


def answers(report: Report) -> list[Any]:
    """Return the bodies that were kept, decoded."""
    return [json.loads(answer.body) for answer in report.kept]


def metric(server: Running, name: str) -> float:
    """Return one number of /metrics."""
    text = httpx.get(f"{server.url}/metrics", timeout=30).text
    found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.M)
    assert found, f"{name} not in\n{text}"
    return float(found[1])
