"""KServe: the Open Inference Protocol, which is always on; only places and ports are set.

https://kserve.github.io/website/docs/concepts/resources/servingruntime
"""

from collections.abc import Mapping
from pathlib import Path

from ..settings import Told
from .contract import Contract

MODEL = Path("/mnt/models")


def contract(_: Mapping[str, str]) -> Contract:
    """Return what KServe expects of a container."""
    return Contract(
        defaults={
            "model": str(MODEL),
            "host": "0.0.0.0",  # noqa: S104 - a container's own network
            "port": 8080,
            "drain_delay_seconds": 5.0,
        },
        told={"model": Told(str(MODEL), "KServe's folder")} if MODEL.is_dir() else {},
    )
