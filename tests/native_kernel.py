"""Whether the compiled kernel is here; imported where little else is, as under sanitizers."""

import pytest

from server.engine.native import engine

needs_kernel = pytest.mark.skipif(
    engine.Kernel is None, reason="the native engine is not built here"
)
