"""What a program can choose about the log of this package. Knows no handler and no formatter."""

from __future__ import annotations

import os
from dataclasses import KW_ONLY, dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Literal, Self, TextIO

from pyrocketmq.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["LogFormat", "LoggingConfig"]

LogFormat = Literal["text", "json"]

_LEVELS: Final = {"DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40, "CRITICAL": 50}
_MAX_LEVEL: Final = 50
_MAX_FILE_BYTES: Final = 1 << 40
_MAX_BACKUPS: Final = 1000
_VARIABLES: Final = {
    "LEVEL": "level",
    "FORMAT": "format",
    "FILE": "file",
    "FILE_MAX_BYTES": "file_max_bytes",
    "FILE_BACKUPS": "file_backups",
}


@dataclass(frozen=True, slots=True)
class LoggingConfig:
    """Where the log of this package goes, from which level on, and in which form.

    Raises:
        ConfigurationError: a value cannot be used.
    """

    level: str | int = "INFO"
    """The lowest level that is written: a name in any case, or a number from 1 to 50."""
    _: KW_ONLY
    format: LogFormat = "text"
    """``text`` for people, ``json`` for collectors: one object a line."""
    stream: TextIO | None = None
    """Where lines go when there is no file; None is the standard error at the time of set-up."""
    file: str | os.PathLike[str] | None = None
    """A file to append to instead of a stream; its folder must exist. None, the default, writes no file."""
    file_max_bytes: int = 10 * 1024 * 1024
    """Size at which the file is renamed and a new one begun; 0 lets it grow."""
    file_backups: int = 5
    """Renamed files to keep; the oldest is deleted."""
    propagate: bool = False
    """Whether records also go to the handlers of the root logger, which would write them a second time."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "level", _checked_level(self.level))
        if self.format not in ("text", "json"):
            raise ConfigurationError(
                f"format is {self.format!r}, not 'text' or 'json'",
                field="format",
                advice="use one of the two",
            )
        if self.file is not None:
            if self.stream is not None:
                raise ConfigurationError(
                    f"both stream and file ({os.fspath(self.file)!r}) are given",
                    field="file",
                    advice="give one of them; for two outputs add a handler of your own",
                )
            if not os.fspath(self.file):
                raise ConfigurationError(
                    "file is an empty path", field="file", advice="name a file, or leave file out"
                )
        if self.stream is not None and not callable(getattr(self.stream, "write", None)):
            raise ConfigurationError(
                f"stream is a {type(self.stream).__name__} without write()",
                field="stream",
                advice="give an open text stream, for example sys.stdout",
            )
        _check_count("file_max_bytes", self.file_max_bytes, _MAX_FILE_BYTES, "bytes, 0 for no limit")
        _check_count("file_backups", self.file_backups, _MAX_BACKUPS, "files")
        if self.file_max_bytes and not self.file_backups:
            # The handler of the standard library would let the file grow in this case.
            raise ConfigurationError(
                f"file_max_bytes is {self.file_max_bytes:,}, but file_backups is 0, so none can be renamed",
                field="file_backups",
                advice="keep at least one backup, or set file_max_bytes=0",
            )

    @property
    def level_number(self) -> int:
        """The level as the standard library counts: 10 for DEBUG to 50 for CRITICAL."""
        return self.level if isinstance(self.level, int) else _LEVELS[self.level]

    def replace(self, **changes: Any) -> Self:
        """A changed copy, checked like a new one.

        Raises:
            ConfigurationError: there is no setting of that name, or the value cannot be used.
        """
        unknown = sorted(set(changes) - set(self.__dataclass_fields__))
        if unknown:
            raise ConfigurationError(
                f"{unknown[0]!r} is no setting of LoggingConfig",
                field=unknown[0],
                advice="use one of: " + ", ".join(self.__dataclass_fields__),
            )
        return replace(self, **changes)

    @classmethod
    def from_env(cls, prefix: str = "PYROCKETMQ_LOG_", environ: Mapping[str, str] | None = None) -> Self:
        """The settings that environment variables give: LEVEL, FORMAT, FILE, FILE_MAX_BYTES, FILE_BACKUPS.

        Each name stands behind ``prefix``; a variable that is missing or empty leaves the default.

        Raises:
            ConfigurationError: a variable has a value that cannot be used.
        """
        values = os.environ if environ is None else environ
        settings: dict[str, Any] = {}
        for ending, field in _VARIABLES.items():
            text = values.get(prefix + ending, "").strip()
            if not text:
                continue
            if field in ("file_max_bytes", "file_backups"):
                settings[field] = _number(prefix + ending, text)
            elif field == "format":
                settings[field] = text.lower()
            else:
                settings[field] = int(text) if field == "level" and text.isdecimal() else text
        return cls(**settings)


def _checked_level(level: str | int) -> str | int:
    if isinstance(level, str) and level.strip().upper() in _LEVELS:
        return level.strip().upper()
    if isinstance(level, int) and not isinstance(level, bool) and 1 <= level <= _MAX_LEVEL:
        return level
    raise ConfigurationError(
        f"level is {level!r}, not a name of {', '.join(_LEVELS)} or a number from 1 to {_MAX_LEVEL}",
        field="level",
        advice="for example LoggingConfig(level='INFO')",
    )


def _check_count(field: str, value: object, limit: int, unit: str) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= limit:
        raise ConfigurationError(
            f"{field} is {value!r}, not a whole number from 0 to {limit:,} ({unit})",
            field=field,
            advice=f"choose a number from 0 to {limit:,}",
        )


def _number(variable: str, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ConfigurationError(
            f"the environment variable {variable} is {text!r}, not a whole number",
            field=variable,
            advice="set a number, or unset it",
        ) from None
