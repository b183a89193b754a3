"""The exceptions that libraries raise for damaged or mislabelled files, and how to report them."""

import lzma
import zipfile
import zlib

from lightgbm.basic import LightGBMError

LIBRARY_ERRORS = (
    LightGBMError, lzma.LZMAError, zipfile.BadZipFile, zlib.error, ArithmeticError, AssertionError,
    AttributeError, EOFError, ImportError, LookupError, MemoryError, NameError, OSError,
    RuntimeError, SyntaxError, TypeError, ValueError,
)  # fmt: skip


def describe_error(error: BaseException) -> str:
    """Return the exception's type and the first line of its message, cut to 120 characters."""
    return f"{type(error).__name__} {str(error).partition(chr(10))[0][:120]}".strip()
