"""Return memory that only loading needed, so that a fork does not keep it."""

import ctypes
from pathlib import Path

MAPS = Path("/proc/self/maps")
CODE = "r-xp"
MADV_DONTNEED = 4  # Linux


def trim_heap() -> None:
    """Return freed heap memory to the system."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc's
    if trim is not None:
        trim(0)


def forget_code() -> None:
    """Unmap the pages of code that ran; code that runs again is read from the page cache.

    The supervisor did all the loading and then only waits. Code is never written to, so nothing is
    lost.
    """
    if not MAPS.exists():  # not Linux, or a sandbox without /proc
        return
    advise = ctypes.CDLL(None).madvise
    advise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    for line in MAPS.read_text().splitlines():
        span, rights, _, _, _, *file = line.split(maxsplit=5)
        if rights == CODE and file and file[0].startswith("/"):
            begin, end = (int(each, 16) for each in span.split("-"))
            advise(begin, end - begin, MADV_DONTNEED)
