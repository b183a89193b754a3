"""What to paste into a shell or into Python to score an applicant."""

import json
import shlex
from collections.abc import Mapping
from typing import Any

BASE = "http://127.0.0.1:8000/"  # a page replaces it by its own address
KEY = "YOUR-KEY"
Applicant = Mapping[str, Any]


def curl(path: str, applicant: Applicant, asks_key: bool) -> str:
    """Return the command of a shell."""
    key = f" \\\n  -H 'X-API-Key: {KEY}'" if asks_key else ""
    body = shlex.quote(json.dumps(applicant, indent=1, ensure_ascii=False))
    return f"curl -sS {BASE}{path} -H 'Content-Type: application/json'{key} -d {body}"


def python(path: str, applicant: Applicant, asks_key: bool) -> str:
    """Return a program that sends JSON."""
    headers = f', headers={{"X-API-Key": "{KEY}"}}' if asks_key else ""
    return (
        f"import httpx\n\n{assigned(applicant)}\n"
        f'answer = httpx.post("{BASE}{path}", json=applicant{headers})\n'
        "print(answer.json())"
    )


def message_pack(path: str, applicant: Applicant, asks_key: bool) -> str:
    """Return a program that sends MessagePack."""
    key = f', "X-API-Key": "{KEY}"' if asks_key else ""
    return (
        f"import httpx\nimport msgspec\n\n{assigned(applicant)}\n"
        f'headers = {{"Content-Type": "application/msgpack"{key}}}\n'
        "body = msgspec.msgpack.encode(applicant)\n"
        f'answer = httpx.post("{BASE}{path}", content=body, headers=headers)\n'
        "print(msgspec.msgpack.decode(answer.content))"
    )


def assigned(applicant: Applicant) -> str:
    """Return the applicant as Python, a feature a line."""
    members = "".join(f"    {name!r}: {value!r},\n" for name, value in applicant.items())
    return f"applicant = {{\n{members}}}"
