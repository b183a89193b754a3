"""Whose body is kept while it comes: the API key stands in the head, so it is looked at there."""

from collections.abc import Callable
from functools import lru_cache
from urllib.parse import unquote

from httptools import parse_url

from .fields import Fields
from .keys import Keys
from .problem import Problem


class Gate:
    """The keys, and which scope a path asks for: none where it takes no body."""

    def __init__(self, keys: Keys, scope_of: Callable[[str], str]) -> None:
        self._keys = keys
        self._scope_of = scope_of

    def refusal(self, url: bytes, fields: Fields) -> Problem | None:
        """Return why a request is refused whatever its body is, or None."""
        scope = self._scope_of(path_of(url))
        try:
            if scope:
                self._keys.check(fields, scope)
        except Problem as problem:
            return problem
        return None

    def keeps(self, url: bytes, fields: Fields) -> bool:
        """Return whether anybody will read the body of such a request."""
        return bool(self._scope_of(path_of(url))) and self.refusal(url, fields) is None


@lru_cache(maxsize=16)
def path_of(url: bytes) -> str:
    """Return the path of a request's target, as ASGI has it; raises httptools' errors."""
    path = parse_url(url).path.decode("ascii")
    return unquote(path) if "%" in path else path
