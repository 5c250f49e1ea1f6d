"""What goes wrong on purpose, as rules: which requests are hit, how often, and what happens to them.

A rule is made with keywords or read from text such as ``send:delay=200ms:p=0.1``. Must not know how a fault
is carried out.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Final, Literal, NoReturn, Self, TypeAlias, get_args

from pyrocketmq.errors import ConfigurationError
from pyrocketmq.model.enums import RequestCode, ResponseCode
from pyrocketmq.model.shown import shown

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["FAMILIES", "Effect", "FaultRule", "codes_of"]

Effect: TypeAlias = Literal["delay", "drop", "close", "garbage", "error", "reorder"]
"""What happens to a request: it waits, is lost, costs the connection, is answered with bytes that are no
frame or with an error, or its answer is overtaken by a later one."""

FAMILIES: Final[Mapping[str, frozenset[int]]] = {
    "send": frozenset((10, 310, 320)),
    "reply": frozenset((324, 325)),
    "sendback": frozenset((36,)),
    "transaction": frozenset((37,)),
    "pull": frozenset((11, 361)),
    "pop": frozenset((200050,)),
    "ack": frozenset((200051, 200151)),
    "invisible": frozenset((200053,)),
    "offset": frozenset((14, 15)),
    "query": frozenset((12, 33)),
    "heartbeat": frozenset((34,)),
    "members": frozenset((38,)),
    "lock": frozenset((41, 42)),
    "route": frozenset((105,)),
}
"""Requests that are mostly meant together. The names of `RequestCode` and numbers work as well."""

_EFFECTS: Final[tuple[str, ...]] = get_args(Effect)
_FLAGS: Final = ("drop", "close", "garbage", "after")
_ANY: Final = ("*", "any")
_FORM: Final = "<request>:<effect>[:<option>...], as in send:delay=200ms:p=0.1"
_TIME: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m)?")
_UNITS: Final[dict[str | None, float]] = {None: 1.0, "s": 1.0, "ms": 0.001, "m": 60.0}
_MAX_DELAY: Final = 3600.0


def codes_of(request: str | int) -> frozenset[int] | None:
    """The request codes of a family, a name or a number; None stands for all.

    ``SEND_MESSAGE`` is the family ``send``, because that is what somebody means who names it: clients write
    single messages with any of its codes.

    Raises:
        ConfigurationError: there is no such request.
    """
    if isinstance(request, int):
        return frozenset((int(request),))
    name = request.strip()
    if name.lower() in _ANY:
        return None
    if name.lower() in FAMILIES:
        return FAMILIES[name.lower()]
    if name.upper() == "SEND_MESSAGE":
        return FAMILIES["send"]
    if name.upper() in RequestCode.__members__:
        return frozenset((RequestCode[name.upper()].value,))
    if name.isascii() and name.isdigit():
        return frozenset((int(name),))
    raise ConfigurationError(
        f"a fault is for the request {shown(request)}, which does not exist",
        field="request",
        advice=f"Give one of {', '.join(FAMILIES)}, * for all, a name such as PULL_MESSAGE, or a number.",
    )


@dataclass(frozen=True, slots=True)
class FaultRule:
    """One kind of fault.

    Raises:
        ConfigurationError: a value is out of its range, or does not go with the effect.
    """

    request: str | int
    """Family, name or number of the requests that are hit; ``*`` for all."""
    effect: Effect
    """What happens to them."""
    topic: str | None = None
    """Only requests whose header names this topic."""
    probability: float = 1.0
    """The part of the matching requests that is hit, above 0 and at most 1."""
    times: int | None = None
    """How many are hit before the rule is spent; None: no end."""
    skip: int = 0
    """How many matching requests pass before the first is hit."""
    after: bool = False
    """Whether the request is carried out first, and the fault hits its answer: a send that is dropped with
    ``after=True`` is stored, and its sender does not hear of it."""
    seconds: tuple[float, float] = (0.0, 0.0)
    """How long a delay is: the least and the most."""
    code: str | int = ResponseCode.SYSTEM_ERROR.value
    """The response code of an error, by name or number."""
    remark: str | None = None
    """The text of an error."""
    overtakers: int = 1
    """How many later answers of the connection go before one that is reordered."""

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        codes_of(self.request)
        if self.effect not in _EFFECTS:
            raise _refused("effect", self.effect, f"one of {', '.join(_EFFECTS)}")
        if not 0 < self.probability <= 1:
            raise _refused("probability", self.probability, "above 0 and at most 1")
        if self.times is not None and self.times < 1:
            raise _refused("times", self.times, "1 or more, or left out for no end")
        if self.skip < 0:
            raise _refused("skip", self.skip, "0 or more")
        if not 1 <= self.overtakers <= 1000:
            raise _refused("overtakers", self.overtakers, "1 to 1000")
        low, high = self.seconds
        if self.effect == "delay" and not (0 <= low <= high <= _MAX_DELAY and high > 0):
            raise _refused("seconds", self.seconds, "above 0 and at most 3600, the smaller one first")
        for name, effect in (
            ("seconds", "delay"),
            ("code", "error"),
            ("remark", "error"),
            ("overtakers", "reorder"),
        ):
            if self.effect != effect and getattr(self, name) != _DEFAULTS[name]:
                raise ConfigurationError(
                    f"{name} is given for the effect {self.effect}, only {effect} uses it",
                    field=name,
                    advice=f"Leave it out, or make the effect {effect}.",
                )
        self._code()

    @property
    def codes(self) -> frozenset[int] | None:
        """The request codes that are hit; None stands for all."""
        return codes_of(self.request)

    @property
    def response_code(self) -> int:
        """The number of ``code``."""
        return self._code()

    def _code(self) -> int:
        if isinstance(self.code, int):
            return int(self.code)
        name = self.code.strip()
        if name.upper() in ResponseCode.__members__:
            return ResponseCode[name.upper()].value
        if name.lstrip("-").isascii() and name.lstrip("-").isdigit():
            return int(name)
        raise _refused("code", self.code, "a name of ResponseCode such as SYSTEM_BUSY, or a number")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a rule: the request, the effect, then options, with colons between them.

        Effects: ``delay=200ms`` or ``delay=50ms..1s``, ``drop``, ``close``, ``garbage``,
        ``error=SYSTEM_BUSY``, ``reorder`` or ``reorder=3``. Options: ``p=0.1`` or ``p=10%``, ``times=3``,
        ``skip=2``, ``topic=orders``, ``after``, and last ``remark=`` with the rest of the text.

        Raises:
            ConfigurationError: the text cannot be read; the message has the part at fault.
        """
        head, mark, remark = text.partition(":remark=")
        request, *parts = head.split(":")
        if not parts:
            _refuse_text(text, "has no effect")
        values: dict[str, object] = {"remark": remark} if mark else {}
        for part in parts:
            name, _, value = (piece.strip() for piece in part.partition("="))
            for field, read in _read_part(text, name, value).items():
                if field in values:
                    _refuse_text(text, f"gives {field} twice")
                values[field] = read
        if "effect" not in values:
            _refuse_text(text, f"has none of the effects {', '.join(_EFFECTS)}")
        return cls(request, **values)  # type: ignore[arg-type]

    def __str__(self) -> str:
        """The text that `parse` reads back."""
        parts = [str(self.request), self.effect]
        if self.effect == "delay":
            low, high = self.seconds
            parts[1] += f"={high:g}s" if low == high else f"={low:g}s..{high:g}s"
        elif self.effect == "error":
            parts[1] += f"={self.code}"
        elif self.effect == "reorder":
            parts[1] += f"={self.overtakers}"
        for name, field in (("p", "probability"), ("times", "times"), ("skip", "skip"), ("topic", "topic")):
            if getattr(self, field) != _DEFAULTS[field]:
                parts.append(f"{name}={getattr(self, field)}")
        if self.after:
            parts.append("after")
        if self.remark is not None:
            parts.append(f"remark={self.remark}")
        return ":".join(parts)


_DEFAULTS: Final[dict[str, object]] = {field.name: field.default for field in fields(FaultRule)}


def _refused(field: str, value: object, rule: str) -> ConfigurationError:
    return ConfigurationError(
        f"{field} of a fault is {shown(value)}, it must be {rule}",
        field=field,
        advice=f"A rule has the form {_FORM}.",
    )


def _refuse_text(text: str, why: str) -> NoReturn:
    raise ConfigurationError(f"the fault {shown(text)} {why}", field="fault", advice=f"Write it as {_FORM}.")


def _read_part(text: str, name: str, value: str) -> dict[str, object]:
    """The fields of a rule that one part between colons gives."""
    if name in _FLAGS:
        if value:
            _refuse_text(text, f"gives {name} a value")
        return {"after": True} if name == "after" else {"effect": name}
    read: dict[str, object]
    match name:
        case "delay":
            low, _, high = value.partition("..")
            read = {"effect": name, "seconds": (_time(text, low), _time(text, high or low))}
        case "error":
            if not value:
                _refuse_text(text, "gives an error without its code")
            read = {"effect": name, "code": value}
        case "reorder":
            read = {"effect": name}
            if value:
                read["overtakers"] = _whole(text, name, value)
        case "p":
            read = {"probability": _part_of_one(text, value)}
        case "times" | "skip":
            read = {name: _whole(text, name, value)}
        case "topic" if value:
            read = {"topic": value}
        case _:
            _refuse_text(text, f"has the part {name + ('=' + value if value else '')!r}, which is unknown")
    return read


def _whole(text: str, name: str, value: str) -> int:
    if not (value.isascii() and value.isdigit() and len(value) < 10):
        _refuse_text(text, f"has {name}={value}, which is no whole number")
    return int(value)


def _part_of_one(text: str, value: str) -> float:
    try:
        part = float(value[:-1]) / 100 if value.endswith("%") else float(value)
    except ValueError:
        part = math.nan
    if not 0 < part <= 1:
        _refuse_text(text, f"has p={value}, it must be above 0 and at most 1, or 100%")
    return part


def _time(text: str, value: str) -> float:
    match = _TIME.fullmatch(value.strip())
    if match is None:
        _refuse_text(text, f"has the time {value!r}, wanted a number with ms, s or m")
    return float(match[1]) * _UNITS[match[2]]
