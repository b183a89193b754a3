"""Skops files with a node put in, or with parts changed: harmless ones, to try our own guard."""

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

import skops.io

Node = dict[str, Any]


def edited(model: object, change: Callable[[Node], object]) -> bytes:
    """Return the skops file of `model` with its schema changed."""
    with zipfile.ZipFile(io.BytesIO(skops.io.dumps(model))) as old:
        members = {name: old.read(name) for name in old.namelist()}
    schema = json.loads(members["schema.json"])
    change(schema)
    return zipped({**members, "schema.json": json.dumps(schema).encode()})


def zipped(members: dict[str, bytes]) -> bytes:
    """Return a zip file of `members`."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        for name, content in members.items():
            new.writestr(name, content)
    return made.getvalue()


def plain(value: object) -> Node:
    """Return the node of a value that JSON knows."""
    return node("JsonNode", "builtins.str", content=json.dumps(value), is_json=True)


def node(kind: str, name: str, **more: object) -> Node:
    """Return a node that names `name`."""
    module, _, word = name.rpartition(".")
    return {"__class__": word, "__module__": module, "__loader__": kind, **more}


def planted(model: object, name: str, new: Node) -> bytes:
    """Return the skops file of `model` with one more attribute in its state."""

    def change(schema: Node) -> None:
        attributes = schema["content"]
        attributes["content"] = {name: new, **attributes["content"]}
        attributes["key_types"]["content"].insert(0, node("TypeNode", "builtins.str"))

    return edited(model, change)
