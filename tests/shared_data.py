"""Real data and models that may not be committed: beside the checkout, where somebody has them."""

from pathlib import Path

import pytest

SHARED = Path(__file__).parents[2] / "shared"


def shared(*parts: str) -> Path:
    """Return the path of one of them; skip the test where it is absent."""
    path = SHARED.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"{'/'.join(parts)} may not be redistributed and is not beside this checkout")
    return path
