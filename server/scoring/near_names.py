"""Find which missing feature a misspelt name was meant for.

Names are compared folded: lower case, only letters and digits. Two names are near if leaving out at
most one character of each makes them equal: one character too many, too few or different, or two
swapped. All shortened forms of the features' names are in a table, as in SymSpell (Garbe, 2012), so
the cost of a look-up does not depend on the number of features.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from collections.abc import Set as AbstractSet
from functools import cached_property
from typing import Any

MOST_SEARCHED = 4  # most names of one object searched for beyond their folded form
LONGEST = 40  # most characters of a name that are compared
SHORTEST = 4  # shortest folded name that is shortened: too many are near one of three characters
APART = re.compile(r"[\W_]+")
Table = dict[str, list[str]]


class NearNames:
    """The names of one model's features; the tables are made on first use."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = tuple(names)

    def meant(
        self, unknown: Iterable[Any], absent: AbstractSet[str], most: int = MOST_SEARCHED
    ) -> dict[str, Any]:
        """Return {missing feature: the unknown name that was meant for it}, each used once.

        At most `most` unknown names are compared beyond their folded form.
        """
        found = dict[str, Any]()
        for name in unknown:
            if not isinstance(name, str):
                continue
            folded = fold(name)
            near = free(self._folded.get(folded, ()), absent, found)
            if near is None and most:
                most -= 1
                near = free(self._shortened_to(folded), absent, found)
            if near is not None:
                found[near] = name
        return found

    def _shortened_to(self, folded: str) -> Iterator[str]:
        for form in (folded, *shortened(folded)):
            yield from self._shortened.get(form, ())

    @cached_property
    def _folded(self) -> Table:
        return table((fold(name), name) for name in self._names)

    @cached_property
    def _shortened(self) -> Table:
        names = [(fold(name), name) for name in self._names]
        forms = ((form, name) for folded, name in names for form in (folded, *shortened(folded)))
        return table(forms)


def told(absent: Collection[str], unknown: Collection[str], most: int = 10) -> str:
    """Return absent columns in a line, each with the unknown one that may be meant for it."""
    meant = NearNames(absent).meant(unknown, {*absent}, len(unknown))
    near = [f"{name} (is it {meant[name]}?)" if name in meant else name for name in absent]
    return ", ".join(near[:most])


def free(names: Iterable[str], absent: AbstractSet[str], taken: dict[str, Any]) -> str | None:
    """Return the first name that is missing and not yet matched, or None."""
    return next((name for name in names if name in absent and name not in taken), None)


def table(pairs: Iterable[tuple[str, str]]) -> Table:
    """Return {form: names that have it}; names without letters and digits have none."""
    found = defaultdict(list)
    for form, name in pairs:
        if form:
            found[form].append(name)
    return dict(found)


def fold(name: str) -> str:
    """Return a name without the differences in how people write it."""
    return APART.sub("", name[:LONGEST].casefold())


def shortened(folded: str) -> Iterator[str]:
    """Yield a folded name without each one of its characters; nothing for short names."""
    if len(folded) >= SHORTEST:
        yield from dict.fromkeys(folded[:i] + folded[i + 1 :] for i in range(len(folded)))
