"""How a bundle is loaded: what was proved of it before, and who tries it first."""

from collections.abc import Callable
from pathlib import Path

import msgspec

Begin = Callable[[Path], None]
Proof = frozenset[str]
TryFirst = Callable[[Path, Callable[[], object]], None]


class Care(msgspec.Struct, frozen=True):
    """`begin` is told of each bundle before it is read.

    With a `proof`, the sha256 of manifests that were loaded before (each names all other files), no
    other is loaded. `try_first` does what may crash or never end where that harms nobody; it raises
    bundle.BundleError where that is what happens.
    """

    begin: Begin | None = None
    proof: Proof | None = None
    try_first: TryFirst | None = None
