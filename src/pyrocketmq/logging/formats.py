"""The two forms of a log line: text for people and JSON for collectors, both with secrets masked.

Knows records of the standard library and nothing about where lines go.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Final

import orjson

from pyrocketmq.logging.masking import MASK, is_secret_name, mask_secrets

__all__ = ["JsonFormatter", "TextFormatter"]

# What every record has; anything else was given by the caller in `extra`.
_OWN: Final = frozenset(vars(logging.LogRecord("", 0, "", 0, "", None, None))) | {
    "message",
    "asctime",
    "taskName",
}


class TextFormatter(logging.Formatter):
    """``2026-01-31T12:00:00.123Z WARNING pyrocketmq.client: text``, in UTC."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: ARG002, N802
        """The record's time in UTC, to the millisecond."""
        return _utc(record)

    def format(self, record: logging.LogRecord) -> str:
        """The line, with its traceback if it has one, masked as a whole."""
        return mask_secrets(super().format(record))


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, message, what ``extra`` gave, exception."""

    def format(self, record: logging.LogRecord) -> str:
        """The line; line breaks inside of texts are escaped, so one record is always one line."""
        fields: dict[str, object] = {
            "time": _utc(record),
            "level": record.levelname,
            "logger": record.name,
            "message": mask_secrets(record.getMessage()),
        }
        for name, value in vars(record).items():
            if name not in _OWN and name not in fields:
                fields[name] = MASK if is_secret_name(name) else _plain(value)
        if record.exc_info and not record.exc_text:
            record.exc_text = self.formatException(record.exc_info)
        if record.exc_text:
            fields["exception"] = mask_secrets(record.exc_text)
        if record.stack_info:
            fields["stack"] = mask_secrets(self.formatStack(record.stack_info))
        return orjson.dumps({name: _encodable(value) for name, value in fields.items()}).decode()


def _utc(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03}Z"


def _plain(value: object) -> object:
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        # JSON readers keep 64 bits at most.
        return value if -(1 << 63) <= value < 1 << 63 else str(value)
    return mask_secrets(str(value))


def _encodable(value: object) -> object:
    # A lone surrogate, as in a file name that is no UTF-8, has no form in JSON.
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value
