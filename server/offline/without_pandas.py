"""Keep pandas out of a process that has no use for it.

pyarrow imports it, where it is installed, only to ask whether what it was handed is a Series; that
takes as long as scoring a hundred thousand rows.
"""

import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec


class Hidden(MetaPathFinder):
    """Finds no pandas, and lets none be found."""

    def find_spec(self, fullname: str, *_: object) -> ModuleSpec | None:
        """Raise ModuleNotFoundError for pandas; leave all else to others."""
        if fullname == "pandas":
            raise ModuleNotFoundError("pandas is not needed here", name=fullname)
        return None


def hide_pandas() -> None:
    """Do it for the rest of this process."""
    sys.meta_path.insert(0, Hidden())
