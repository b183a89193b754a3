"""What to tell of a path that answers nothing: which model there is, or which path was meant."""

import re
from collections.abc import Collection

from ..scoring.catalog import Catalog

ADMIN = ("/models/reload", "/workers/restart")
OF_MODEL = re.compile(r"(?:/v2)?/models/([^/]+)(?:/versions/([^/]+))?(?:/.*)?")


def absent(path: str, paths: Collection[str], catalog: Catalog) -> str:
    """Return a line for a path that is none of `paths`."""
    nearest = "/" + path.strip("/").lower()
    if nearest in paths:
        return f"{path}: no such path; did you mean {nearest}?"
    if nearest in ADMIN:
        return f"{path}: no such path; it is on the admin port (--admin-port)"
    if path.startswith("/v1/models"):  # KServe's first protocol, TensorFlow Serving's
        spoken = "of this protocol the server speaks version 2: /v2/models/NAME/infer"
        return f"{path}: no such path; {spoken}"
    if found := OF_MODEL.fullmatch(path):
        name, version = found[1], found[2]
        if catalog.newest(name) is None or (version and version not in catalog.versions(name)):
            return catalog.absent(name, version)
    return f"{path}: no such path; POST /score scores, and GET / tells what else there is"
