"""Trees as paths.py and quadrature.py know them; monitoring/explain has its own of this name."""

from ..errors import UnsupportedModelError
from ..graph.ensemble import MEMBER, Ensemble
from ..model.tree import Bools, Floats, Ints

__all__ = ["MEMBER", "Bools", "Ensemble", "Floats", "Ints", "UnsupportedModelError"]
