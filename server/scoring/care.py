"""How carefully a bundle is loaded: which hashes are expected, and who tries it first."""

from collections.abc import Callable
from pathlib import Path

import msgspec

Begin = Callable[[Path], None]
Proof = frozenset[str]
TryFirst = Callable[[Path, Callable[[], object]], None]


class Care(msgspec.Struct, frozen=True):
    """`begin` is called with each bundle before it is read.

    With a `proof` (SHA-256 of manifests that were loaded before; each names all other files), no
    other bundle is loaded. `try_first` does in a separate process what may crash or never end; it
    raises bundle.BundleError if that happens.
    """

    begin: Begin | None = None
    proof: Proof | None = None
    try_first: TryFirst | None = None
