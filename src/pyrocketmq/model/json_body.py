"""Bodies of requests and answers that travel as JSON, both ways from one declaration.

A body is a class with annotated fields; reading and writing are made from the annotations when a class is
first used. Members that are null or left out take the default of their field, unknown members are ignored,
None is left out when writing. Names on the wire are Java's. This module must not know any single body.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any, Final, Self, TypeGuard, Union, get_args, get_origin, get_type_hints

from pyrocketmq.errors import DeserializationError
from pyrocketmq.model import json_text
from pyrocketmq.model._declared import Declared, Field
from pyrocketmq.model.decimal_text import parse_decimal
from pyrocketmq.model.json_text import KeyedMap
from pyrocketmq.model.message_queue import MessageQueue
from pyrocketmq.model.shown import shown

__all__ = ["JsonBody"]

Reader = Callable[[Any], Any]
Writer = Callable[[Any], Any]

_INT64: Final = 1 << 63


class JsonBody(Declared):
    """Base of all JSON bodies; a subclass only declares its fields."""

    __slots__ = ()

    @classmethod
    def decode(cls, data: bytes | bytearray | memoryview | str | None) -> Self:
        """Read a body from the JSON text of a frame.

        Raises:
            DeserializationError: not JSON, a required member is missing, or a value has the wrong kind.
        """
        if data is None or len(data) == 0:
            raise DeserializationError(
                f"no body where {cls.__name__} was expected",
                field="body",
                advice="Look at the code of the answer first.",
            )
        return cls.from_value(json_text.loads(data))

    @classmethod
    def decode_list(cls, data: bytes | bytearray | memoryview | str | None) -> list[Self]:
        """Read a body that is a JSON array of this class; no body is an empty list."""
        values: Any = json_text.loads(data) if data is not None and len(data) else []
        try:
            bodies: list[Self] = _read_list(values, _reader_of_body(cls))
        except _MisfitError as misfit:
            raise misfit.as_error(f"list of {cls.__name__}") from None
        return bodies

    @classmethod
    def from_value(cls, value: Any) -> Self:
        """Make a body from what ``json_text.loads`` returns, or from the ext fields of a header.

        Raises:
            DeserializationError: a required member is missing, or a value has the wrong kind.
        """
        try:
            body: Self = _read_body(cls, value)
        except _MisfitError as misfit:
            raise misfit.as_error(cls.__name__) from None
        return body

    def to_value(self) -> dict[str, Any]:
        """JSON values of this body; a table whose keys are not strings is a KeyedMap."""
        value: dict[str, Any] = {}
        for field, _, write in _codec(type(self)):
            item = getattr(self, field.name)
            if item is not None:
                value[field.wire] = item if write is None else write(item)
        return value

    def encode(self, *, raw_integer_keys: bool = False) -> bytes:
        """Write the JSON text.

        Args:
            raw_integer_keys: leave the quotes of integer keys away, as servers do for clients before 4.9.4.

        Raises:
            SerializationError: a value cannot be written.
        """
        return json_text.dumps(self.to_value(), raw_integer_keys=raw_integer_keys)


class _MisfitError(Exception):
    """A value that does not fit its field; the path to it grows while the error travels up."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what
        self.path: list[str] = []

    def below(self, step: str) -> _MisfitError:
        self.path.append(step)
        return self

    def as_error(self, root: str) -> DeserializationError:
        path = "".join(reversed(self.path))
        return DeserializationError(
            f"{root}{path} {self.what}",
            field=path.lstrip(".") or None,
            advice="Look whether the answer is one of this kind; the server may be of another release.",
        )


def _is_object(value: object) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)


def _is_list(value: object) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def _kind(value: Any) -> str:
    if _is_object(value) or isinstance(value, KeyedMap):
        return f"an object of {len(value)} members"
    if _is_list(value):
        return f"a list of {len(value)}"
    return shown(value)


def _read_str(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    raise _MisfitError(f"must be text, got {_kind(value)}")


def _read_int(value: Any) -> int:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    elif isinstance(value, str):
        number = parse_decimal(value)
        value = value if number is None else number
    if isinstance(value, bool) or not isinstance(value, int):
        raise _MisfitError(f"must be an integer, got {_kind(value)}")
    if not -_INT64 <= value < _INT64:
        raise _MisfitError(f"must be an integer of 64 bits, got {_kind(value)}")
    return value


def _read_float(value: Any) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    raise _MisfitError(f"must be a number, got {_kind(value)}")


def _read_bool(value: Any) -> bool:
    if value is True or value == "true":
        return True
    if value is False or value == "false":
        return False
    raise _MisfitError(f"must be true or false, got {_kind(value)}")


def _read_any(value: Any) -> Any:
    return value


def _read_message_queue(value: Any) -> MessageQueue:
    if not _is_object(value):
        raise _MisfitError(f"must be a message queue, got {_kind(value)}")
    try:
        return MessageQueue.from_json_dict(value)
    except DeserializationError as error:
        raise _MisfitError(f"is no message queue: {error.what}") from None


def _read_body(cls: type[Any], value: Any) -> Any:
    if not _is_object(value):
        raise _MisfitError(f"must be an object, got {_kind(value)}")
    arguments: list[Any] = []
    for field, read, _ in _codec(cls):
        item = value.get(field.wire)
        if item is None:
            if field.required:
                raise _MisfitError("is missing").below(f".{field.wire}")
            arguments.append(field.make_default())
            continue
        try:
            arguments.append(read(item))
        except _MisfitError as misfit:
            raise misfit.below(f".{field.wire}") from None
    return cls(*arguments)


def _read_list(value: Any, read: Reader) -> list[Any]:
    if not _is_list(value):
        raise _MisfitError(f"must be a list, got {_kind(value)}")
    items: list[Any] = []
    try:
        for item in value:
            items.append(read(item))  # noqa: PERF401 - the index of a failure is len(items)
    except _MisfitError as misfit:
        raise misfit.below(f"[{len(items)}]") from None
    return items


def _read_table(value: Any, read_key: Reader, read: Reader) -> dict[Any, Any]:
    if not (_is_object(value) or isinstance(value, KeyedMap)):
        raise _MisfitError(f"must be an object, got {_kind(value)}")
    table: dict[Any, Any] = {}
    for key, item in value if isinstance(value, KeyedMap) else value.items():
        try:
            table[read_key(key)] = read(item)
        except _MisfitError as misfit:
            raise misfit.below(f"[{_kind(key)}]") from None
    return table


_SCALARS: Final[dict[Any, Reader]] = {
    str: _read_str,
    int: _read_int,
    float: _read_float,
    bool: _read_bool,
    Any: _read_any,
    MessageQueue: _read_message_queue,
}

_codecs: dict[type, tuple[tuple[Field, Reader, Writer | None], ...]] = {}


def _codec(cls: type[Declared]) -> tuple[tuple[Field, Reader, Writer | None], ...]:
    codec = _codecs.get(cls)
    if codec is None:
        hints = get_type_hints(cls)
        codec = tuple(
            [(field, _reader(hints[field.name]), _writer(hints[field.name])) for field in cls.__fields__]
        )
        _codecs[cls] = codec
    return codec


def _without_none(hint: Any) -> tuple[Any, bool]:
    if get_origin(hint) not in (Union, types.UnionType):
        return hint, False
    (inner,) = [argument for argument in get_args(hint) if argument is not types.NoneType]
    return inner, True


def _is_body(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, JsonBody)


def _reader_of_body(cls: type[JsonBody]) -> Reader:
    return lambda value: _read_body(cls, value)


def _reader(hint: Any) -> Reader:
    hint, nullable = _without_none(hint)
    read = _plain_reader(hint)
    return (lambda value: None if value is None else read(value)) if nullable else read


def _plain_reader(hint: Any) -> Reader:
    if hint in _SCALARS:
        return _SCALARS[hint]
    if _is_body(hint):
        return _reader_of_body(hint)
    arguments = [_reader(argument) for argument in get_args(hint)]
    if get_origin(hint) is list:
        (read_item,) = arguments
        return lambda value: _read_list(value, read_item)
    if get_origin(hint) is dict:
        read_key, read_value = arguments
        return lambda value: _read_table(value, read_key, read_value)
    raise TypeError(f"no JSON form for fields of type {hint}")


def _writer(hint: Any) -> Writer | None:
    """The function that turns a field's value into JSON values; None where it is one already."""
    hint, nullable = _without_none(hint)
    write = _plain_writer(hint)
    if write is None or not nullable:
        return write
    return lambda value: None if value is None else write(value)


def _plain_writer(hint: Any) -> Writer | None:
    if hint is MessageQueue:
        return MessageQueue.to_json_dict
    if _is_body(hint):
        return JsonBody.to_value
    if get_origin(hint) is list:
        write_item = _writer(get_args(hint)[0])
        return None if write_item is None else (lambda items: [write_item(item) for item in items])
    if get_origin(hint) is dict:
        key, value = get_args(hint)
        return _table_writer(key, _writer(value) or _read_any)
    return None


def _table_writer(key: Any, write: Writer) -> Writer:
    if key is str:
        return lambda table: {name: write(item) for name, item in table.items()}
    write_key = _writer(key) or _read_any
    return lambda table: KeyedMap([(write_key(name), write(item)) for name, item in table.items()])
