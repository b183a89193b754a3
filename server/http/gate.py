"""Whose body is kept while it comes: the API key stands in the head, so it is looked at there."""

from collections.abc import Callable

from .fields import Fields
from .keys import Keys
from .problem import Problem


class Gate:
    """The keys, and which scope a path asks for: none where it takes no body."""

    def __init__(self, keys: Keys, scope_of: Callable[[str], str]) -> None:
        self._keys = keys
        self._scope_of = scope_of

    def refusal(self, path: str, fields: Fields) -> Problem | None:
        """Return why a request is refused whatever its body is, or None."""
        scope = self._scope_of(path)
        try:
            if scope:
                self._keys.check(fields, scope)
        except Problem as problem:
            return problem
        return None

    def keeps(self, path: str, fields: Fields) -> bool:
        """Return whether anybody will read the body of such a request."""
        return bool(self._scope_of(path)) and self.refusal(path, fields) is None
