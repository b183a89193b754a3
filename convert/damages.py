"""What libraries raise for a file that is damaged, or not what it says, and how it is told."""

import lzma
import zipfile
import zlib

from lightgbm.basic import LightGBMError

DAMAGES = (
    LightGBMError, lzma.LZMAError, zipfile.BadZipFile, zlib.error, ArithmeticError, AssertionError,
    AttributeError, EOFError, ImportError, LookupError, MemoryError, NameError, OSError,
    RuntimeError, SyntaxError, TypeError, ValueError,
)  # fmt: skip


def told(error: BaseException) -> str:
    """Return the kind and the first line of a library's message, shortened."""
    return f"{type(error).__name__} {str(error).partition(chr(10))[0][:120]}".strip()
