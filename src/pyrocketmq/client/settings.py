"""Fields of settings that carry their own rules: kind, range, how a text of the environment is read.

A settings class derives from ``Settings`` and declares its fields with the functions here. Knows no setting.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar, cast

from pyrocketmq.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Settings", "check", "choice", "number", "read_fields", "switch", "text", "whole"]

T = TypeVar("T")

_RULE: Final = "pyrocketmq.rule"
_TRUE: Final = frozenset({"1", "true", "yes", "on"})
_FALSE: Final = frozenset({"0", "false", "no", "off"})


@dataclass(frozen=True, slots=True)
class _Rule:
    """What values one field takes."""

    kinds: tuple[type, ...]
    fits: Callable[[Any], bool]
    wanted: str
    read: Callable[[str], object]


def number(default: float, least: float, most: float, unit: str = "seconds") -> float:
    """A field for a number from ``least`` to ``most``."""
    wanted = f"a number from {least:g} to {most:,g} {unit}"
    return _field(default, _Rule((int, float), lambda value: least <= value <= most, wanted, float))


def whole(default: int, least: int, most: int, unit: str) -> int:
    """A field for a whole number from ``least`` to ``most``."""
    wanted = f"a whole number from {least:,} to {most:,} {unit}"
    return _field(default, _Rule((int,), lambda value: least <= value <= most, wanted, int))


def text(default: str = "") -> str:
    """A field for any text."""
    return _field(default, _Rule((str,), lambda _: True, "text", str))


def switch(default: bool) -> bool:
    """A field for true or false."""
    return _field(default, _Rule((bool,), lambda _: True, "True or False", _truth))


def choice(default: T, *values: T) -> T:
    """A field for one of some texts."""
    shown = " or ".join(repr(value) for value in values)
    return _field(default, _Rule((str,), lambda value: value in values, shown, str))


def check(good: bool, name: str, value: object, rule: str) -> None:
    """Refuse a value, unless it is good.

    Raises:
        ConfigurationError: it is not.
    """
    if not good:
        raise ConfigurationError(
            f"{name} is {value!r}, it must be {rule}",
            field=name,
            advice=f"leave {name} out to use its default, or correct it",
        )


class Settings:
    """The base of frozen dataclasses whose fields have rules.

    A subclass with rules about several fields overrides ``_check`` and calls that of its base by the base's
    name: ``super()`` does not work in a dataclass with slots before Python 3.14.
    """

    __slots__ = ()

    def __post_init__(self) -> None:
        """Refuse every value that cannot work."""
        for item in fields(cast("Any", self)):
            rule: _Rule | None = item.metadata.get(_RULE)
            if rule is not None:
                value = getattr(self, item.name)
                wrong = not isinstance(value, rule.kinds)
                wrong = wrong or (isinstance(value, bool) and bool not in rule.kinds)
                check(not wrong and rule.fits(value), item.name, value, rule.wanted)
        self._check()

    def _check(self) -> None:
        """Refuse values that do not go together."""

    def replace(self, **changes: Any) -> Self:
        """A copy with other values in some fields; unknown names are refused."""
        known = {item.name for item in fields(cast("Any", self))}
        for name in changes:
            if name not in known:
                raise ConfigurationError(
                    f"{type(self).__name__} has no field {name!r}",
                    field=name,
                    advice=f"known are {', '.join(sorted(known))}",
                )
        copy: Self = replace(cast("Any", self), **changes)
        return copy

    @classmethod
    def from_env(cls, prefix: str = "PYROCKETMQ_", environ: Mapping[str, str] | None = None) -> Self:
        """The settings in the environment: the prefix and the name of the field in capitals."""
        return cls(**cls._read(prefix, os.environ if environ is None else environ))

    @classmethod
    def _read(cls, prefix: str, environ: Mapping[str, str]) -> dict[str, Any]:
        """The arguments that the environment has; a subclass may add what has no rule."""
        return read_fields(cls, prefix, environ)


def read_fields(kind: type[Settings], prefix: str, environ: Mapping[str, str]) -> dict[str, Any]:
    """The fields with rules that the environment has.

    Raises:
        ConfigurationError: a text cannot be read.
    """
    found: dict[str, Any] = {}
    for item in fields(cast("Any", kind)):
        rule: _Rule | None = item.metadata.get(_RULE)
        variable = prefix + item.name.upper()
        if rule is not None and variable in environ:
            try:
                found[item.name] = rule.read(environ[variable].strip())
            except ValueError as error:
                raise ConfigurationError(
                    f"the environment variable {variable} is {environ[variable]!r}, it must be {rule.wanted}",
                    field=item.name,
                    advice="correct it or unset it",
                ) from error
    return found


def _field(default: T, rule: _Rule) -> T:
    made: T = field(default=default, metadata={_RULE: rule})
    return made


def _truth(given: str) -> bool:
    lower = given.lower()
    if lower not in _TRUE | _FALSE:
        raise ValueError(given)
    return lower in _TRUE
