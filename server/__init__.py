"""The scoring server; `python -m server --help` says how to run it."""

__version__ = "0.2.0"
