"""Attributes of topics, such as ``message.type=FIFO``, and how a request changes them.

Refusals have the words of 5.5.0. Must not know what the attributes mean.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, NoReturn

from pyrocketmq.model.enums import ResponseCode
from pyrocketmq.server.call import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["changed_attributes"]


class _Attribute(NamedTuple):
    changeable: bool
    values: tuple[str, ...] | None
    """None: a whole number from -1 on."""


_ATTRIBUTES: Final[Mapping[str, _Attribute]] = {
    "queue.type": _Attribute(changeable=False, values=("BatchCQ", "SimpleCQ")),
    "cleanup.policy": _Attribute(changeable=False, values=("COMPACTION", "DELETE")),
    "message.type": _Attribute(
        changeable=True, values=("UNSPECIFIED", "NORMAL", "FIFO", "DELAY", "TRANSACTION", "MIXED")
    ),
    "reserve.time": _Attribute(changeable=True, values=None),
}
_MOST: Final = (1 << 63) - 1


def changed_attributes(former: Mapping[str, str] | None, text: str) -> dict[str, str]:
    """The attributes of a topic after a change such as ``+message.type=FIFO,-reserve.time``.

    Args:
        former: what it has; None if the topic is new.
        text: the change.

    Raises:
        Refused: the text cannot be read, or the change is not allowed.
    """
    if not text:
        return dict(former or {})
    attributes = dict(former or {})
    seen: set[str] = set()
    for part in text.split(","):
        sign, name, value = _read(part)
        if name in seen:
            _refuse(f"alter duplication key. key: {name}")
        seen.add(name)
        if former is None and sign != "+":
            _refuse(f"only add attribute is supported while creating topic. key: {name}")
        attribute = _ATTRIBUTES.get(name)
        if sign == "-" and name not in attributes:
            _refuse(f"attempt to delete a nonexistent key: {name}")
        if attribute is None:
            _refuse(f"unsupported key: {name}")
        if former is not None and not attribute.changeable:
            _refuse(f"attempt to update an unchangeable attribute. key: {name}")
        if sign == "-":
            del attributes[name]
        else:
            _check_value(attribute, value)
            attributes[name] = value
    return attributes


def _read(part: str) -> tuple[str, str, str]:
    key, mark, value = part.partition("=")
    if mark and not key.startswith("+"):
        _refuse(f"add/alter attribute format is wrong: {key}")
    if not mark and not key.startswith("-"):
        _refuse(f"delete attribute format is wrong: {key}")
    name = key[1:]
    if not name or "+" in name or "-" in name:
        _refuse("kv string format wrong.")
    return key[0], name, value


def _check_value(attribute: _Attribute, value: str) -> None:
    if attribute.values is not None:
        if value not in attribute.values:
            _refuse(f"value is not in set: [{', '.join(attribute.values)}]")
        return
    digits = value.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) < 20):
        _refuse(f'For input string: "{value}"')
    if not -1 <= int(value) <= _MOST:
        _refuse(f"value is not in range(-1, {_MOST})")


def _refuse(remark: str) -> NoReturn:
    raise Refused(ResponseCode.SYSTEM_ERROR, remark)
