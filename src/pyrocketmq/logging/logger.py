"""Sets up the log of this package for a program, once or again, and takes it back.

Touches only the logger ``pyrocketmq`` and the handler it put there itself: handlers that a program added are
left alone, and so is the root logger.
"""

from __future__ import annotations

import logging
import os
import threading
from dataclasses import dataclass
from logging.handlers import RotatingFileHandler
from typing import ClassVar, Final, TextIO, TypeAlias, cast

from pyrocketmq.errors import ConfigurationError
from pyrocketmq.logging.config import LoggingConfig
from pyrocketmq.logging.formats import JsonFormatter, TextFormatter

__all__ = ["LoggerFactory"]

ROOT_NAME: Final = "pyrocketmq"

_Handler: TypeAlias = "logging.StreamHandler[TextIO] | RotatingFileHandler"


@dataclass(frozen=True, slots=True)
class _SetUp:
    """What is in place, and what was there before the first set-up."""

    config: LoggingConfig
    handler: logging.Handler
    level_before: int
    propagate_before: bool


class LoggerFactory:
    """Sets up the loggers of this package; all members belong to the class."""

    _lock: ClassVar = threading.Lock()
    _set_up: ClassVar[_SetUp | None] = None

    @classmethod
    def setup_default_config(cls, config: LoggingConfig | None = None) -> None:
        """Send the log of this package where ``config`` says; None is ``LoggingConfig()``.

        Calling it again with the same settings changes nothing; with others it replaces the handler.

        Raises:
            ConfigurationError: the log file cannot be opened; the set-up from before stays.
        """
        config = LoggingConfig() if config is None else config
        given = cast("object", config)
        if not isinstance(given, LoggingConfig):
            raise ConfigurationError(
                f"config is a {type(given).__name__}, not a LoggingConfig",
                field="config",
                advice="for example LoggerFactory.setup_default_config(LoggingConfig(level='INFO'))",
            )
        with cls._lock:
            before = cls._set_up
            if before is not None and before.config == config:
                return
            logger = logging.getLogger(ROOT_NAME)
            handler = _handler(config)
            if before is not None:
                _remove(logger, before.handler)
            cls._set_up = _SetUp(
                config,
                handler,
                logger.level if before is None else before.level_before,
                logger.propagate if before is None else before.propagate_before,
            )
            logger.addHandler(handler)
            logger.setLevel(config.level_number)
            logger.propagate = config.propagate

    @classmethod
    def reset(cls) -> None:
        """Undo ``setup_default_config``: remove and close its handler, restore level and propagation."""
        with cls._lock:
            before, cls._set_up = cls._set_up, None
            if before is not None:
                logger = logging.getLogger(ROOT_NAME)
                _remove(logger, before.handler)
                logger.setLevel(before.level_before)
                logger.propagate = before.propagate_before

    @classmethod
    def current_config(cls) -> LoggingConfig | None:
        """The settings in place, or None when nothing is set up."""
        with cls._lock:
            return None if cls._set_up is None else cls._set_up.config

    @staticmethod
    def get_logger(name: str = ROOT_NAME) -> logging.Logger:
        """The logger ``name``, put below ``pyrocketmq`` if it is not there: it shares the set-up."""
        inside = name == ROOT_NAME or name.startswith(ROOT_NAME + ".")
        return logging.getLogger(name if inside else f"{ROOT_NAME}.{name}")


def _handler(config: LoggingConfig) -> _Handler:
    handler: _Handler
    if config.file is None:
        handler = logging.StreamHandler(config.stream)
    else:
        try:
            handler = RotatingFileHandler(
                config.file, maxBytes=config.file_max_bytes, backupCount=config.file_backups, encoding="utf-8"
            )
        except OSError as error:
            raise ConfigurationError(
                f"the log file {os.fspath(config.file)!r} cannot be opened: {error}",
                field="file",
                advice="name a file in a folder that exists and can be written to",
            ) from error
    handler.setFormatter(JsonFormatter() if config.format == "json" else TextFormatter())
    return handler


def _remove(logger: logging.Logger, handler: logging.Handler) -> None:
    logger.removeHandler(handler)
    handler.close()
