"""The server's own log: JSON lines on stderr, with one level for all and one for any module."""

import logging
import sys

import msgspec

from .settings import SettingsError


class JsonLines(logging.Formatter):
    """One JSON object per line; a traceback is a text in it."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        said = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "pid": record.process,
            "message": record.getMessage().encode(errors="backslashreplace").decode(),
        }
        if record.exc_info:
            said["trace"] = self.formatException(record.exc_info)
        return msgspec.json.encode(said).decode()


def configure(levels: str) -> None:
    """Set levels from `info,server.process=debug`; raises SettingsError."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.getLogger().handlers = [handler]
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    for part in levels.split(","):
        name, _, level = part.rpartition("=")
        try:
            logging.getLogger(name or None).setLevel(level.strip().upper())
        except ValueError as error:
            raise SettingsError(f"settings: log_level: {error}") from error
