"""Decide from the head, which holds the API key, whether to keep a request's body."""

from collections.abc import Callable
from functools import lru_cache
from urllib.parse import unquote

from httptools import parse_url

from .fields import Fields
from .keys import Keys
from .problem import Problem


class Gate:
    """The keys, and the scope that each path needs; none for paths without a body."""

    def __init__(self, keys: Keys, scope_of: Callable[[str], str]) -> None:
        self._keys = keys
        self._scope_of = scope_of

    def refusal(self, url: bytes, fields: Fields) -> Problem | None:
        """Return why a request is refused whatever its body, or None."""
        scope = self._scope_of(path_of(url))
        try:
            if scope:
                self._keys.check(fields, scope)
        except Problem as problem:
            return problem
        return None

    def keeps(self, url: bytes, fields: Fields) -> bool:
        """Return whether anything will read the body of such a request."""
        return bool(self._scope_of(path_of(url))) and self.refusal(url, fields) is None


@lru_cache(maxsize=16)
def path_of(url: bytes) -> str:
    """Return the path of a request's target, as in ASGI; raises httptools' errors."""
    path = parse_url(url).path.decode("ascii")
    return unquote(path) if "%" in path else path
