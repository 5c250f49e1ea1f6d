"""What every typed header is made of: one declaration per field, from which encoding and decoding both come.

A header class names its fields with their wire types. The class itself is built once, at import: the name on
the wire, the check, the encoder and the decoder of each field are looked up then, never per call. Knows no
request.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self, dataclass_transform

from pyrocketmq.errors import DeserializationError, SerializationError
from pyrocketmq.model.headers.kinds import KINDS, Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyrocketmq.model.enums import RequestCode

__all__ = ["Header", "HeaderField", "wire"]

# Stands for "no default, must be given" in declarations.
_REQUIRED: Any = object()
# Characters of a wrong value that an error shows.
_MAX_SHOWN = 80


class HeaderField(NamedTuple):
    """One field of a header: its Python name, its name and type on the wire, whether it must be there."""

    name: str
    wire: str
    type: str
    required: bool


class _Wire(NamedTuple):
    name: str
    default: None


class _Codec(NamedTuple):
    """A field as the loops below use it."""

    name: str
    wire: str
    required: bool
    kind: Kind


def wire(name: str, *, default: None = _REQUIRED) -> Any:
    """Declare a field whose wire name is not simply the camel case of its Python name."""
    return _Wire(name, default)


def _camel_case(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _read_field(owner: str, name: str, annotation: str, declared: object) -> _Codec:
    """One field from its annotation text (``"I32"``, ``"str | None"``) and what the class body assigns to it.
    One field from its annotation text (``"I32"``, ``"str | None"``) and what the class body assigns to it.
    """
    wire_name = _camel_case(name)
    if isinstance(declared, _Wire):
        wire_name, declared = declared
    type_name, _, optional = annotation.partition(" | ")
    if type_name not in KINDS or optional not in ("", "None"):
        raise TypeError(f"{owner}.{name} is declared as {annotation!r}; wire types are {', '.join(KINDS)}")
    required = declared is _REQUIRED
    if required is bool(optional) or not (required or declared is None):
        raise TypeError(f"{owner}.{name} is declared as {annotation!r}; optional is '| None = None'")
    return _Codec(name, wire_name, required, KINDS[type_name])


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(wire,))
class HeaderMeta(type):
    """Builds a header class: reads its annotations as fields, and gives it slots for them."""

    FIELDS: tuple[HeaderField, ...]
    ORDER: tuple[str, ...]
    _codecs: tuple[_Codec, ...]

    def __new__(mcs, class_name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> HeaderMeta:
        annotations: dict[str, object] = namespace.get("__annotations__", {})
        # Python 3.14 defers annotations that are not text, in a function under one of these names.
        deferred = "__annotate__" in namespace or "__annotate_func__" in namespace
        if deferred or not all(isinstance(annotation, str) for annotation in annotations.values()):
            raise TypeError(
                f"{class_name} is declared in a module without 'from __future__ import annotations'"
            )
        own = tuple(
            _read_field(class_name, name, annotation, namespace.pop(name, _REQUIRED))
            for name, annotation in annotations.items()
            if isinstance(annotation, str) and not annotation.startswith("ClassVar")
        )
        namespace["__slots__"] = tuple(codec.name for codec in own)
        cls = super().__new__(mcs, class_name, bases, namespace)
        # The fields of the base class come last: the routing fields follow the fields of the request itself.
        inherited = tuple(codec for base in bases if isinstance(base, HeaderMeta) for codec in base._codecs)
        cls._codecs = own + tuple(codec for codec in inherited if codec.name not in namespace["__slots__"])
        cls.ORDER = tuple(codec.wire for codec in cls._codecs)
        cls.FIELDS = tuple(
            HeaderField(codec.name, codec.wire, codec.kind.name, codec.required) for codec in cls._codecs
        )
        return cls


class Header(metaclass=HeaderMeta):
    """The typed form of a command's ext fields; immutable.

    A subclass declares its fields in the order in which Java writes them::

        class GetMinOffsetRequestHeader(TopicRequestHeader):
            CODE = RequestCode.GET_MIN_OFFSET

            topic: str
            queue_id: I32
            lite_topic: str | None = None

    A field without default is required. An optional field that is None is not written. The wire name is the
    camel case of the name unless ``wire`` gives another. ``FIELDS`` and ``ORDER`` describe the fields of a
    class.
    """

    CODE: ClassVar[RequestCode | None] = None
    """The request this header belongs to first; None for headers of answers and for those without a fixed
    code."""
    FIELDS: ClassVar[tuple[HeaderField, ...]]
    """The fields of the class, its own before the routing fields of its base."""
    ORDER: ClassVar[tuple[str, ...]]
    """Their wire names, in the order in which they are written."""
    _codecs: ClassVar[tuple[_Codec, ...]]

    def __init__(self, **values: object) -> None:
        cls = type(self)
        for codec in cls._codecs:
            value = values.pop(codec.name, None)
            if value is None:
                if codec.required:
                    raise SerializationError(
                        f"{cls._describe(codec)} is required and was not given",
                        field=codec.name,
                        advice=f"pass {codec.name}=..., it must be {codec.kind.expected}",
                    )
            elif not codec.kind.accepts(value):
                raise SerializationError(cls._mismatch(codec, value), field=codec.name)
            object.__setattr__(self, codec.name, value)
        if values:
            raise cls._unknown(values)

    @classmethod
    def partial(cls, **values: object) -> Self:
        """Make a header in which required fields may be missing, as servers and old releases do write them.

        Missing fields are None, whatever their declared type, and are not written.
        """
        header = cls.__new__(cls)
        for codec in cls._codecs:
            value = values.pop(codec.name, None)
            if value is not None and not codec.kind.accepts(value):
                raise SerializationError(cls._mismatch(codec, value), field=codec.name)
            object.__setattr__(header, codec.name, value)
        if values:
            raise cls._unknown(values)
        return header

    def to_ext_fields(self) -> dict[str, str]:
        """Write the header as text by wire name, in the declared order, without the fields that are None."""
        fields: dict[str, str] = {}
        for name, wire_name, _, kind in type(self)._codecs:
            value = getattr(self, name)
            if value is not None:
                fields[wire_name] = kind.encode(value)
        return fields

    @classmethod
    def from_ext_fields(cls, fields: Mapping[str, str] | None, *, check_required: bool = True) -> Self:
        """Read a header from the ext fields of a command; entries that are no fields of it are ignored.

        Args:
            fields: ext fields of a decoded command; None counts as empty.
            check_required: refuse a header without one of its required fields. Servers do not check their hot
                headers; with False a missing field is None, whatever its declared type.

        Raises:
            DeserializationError: a text is not of its field's type, or a required field is missing.
        """
        if fields is None:
            fields = {}
        header = cls.__new__(cls)
        for codec in cls._codecs:
            text = fields.get(codec.wire)
            value = None
            if text is not None:
                try:
                    value = codec.kind.decode(text)
                except ValueError:
                    raise DeserializationError(cls._mismatch(codec, text), field=codec.name) from None
            elif codec.required and check_required:
                raise DeserializationError(
                    f"{cls._describe(codec)} is required and missing among {len(fields)} ext fields received",
                    field=codec.name,
                    advice="read it with check_required=False if this peer leaves it out",
                )
            object.__setattr__(header, codec.name, value)
        return header

    def replace(self, **changes: object) -> Self:
        """A copy of the header with some fields changed."""
        return type(self)(**{**self._values(), **changes})

    @classmethod
    def _describe(cls, codec: _Codec) -> str:
        return f"{cls.__name__}.{codec.name} (wire name {codec.wire})"

    @classmethod
    def _mismatch(cls, codec: _Codec, value: object) -> str:
        shown = repr(value)
        if len(shown) > _MAX_SHOWN:
            shown = f"{shown[:60]}... ({len(shown)} characters)"
        kind = type(value).__name__
        return f"{cls._describe(codec)} must be {codec.kind.expected}, got {shown} of type {kind}"

    @classmethod
    def _unknown(cls, values: Mapping[str, object]) -> SerializationError:
        unknown = sorted(values)
        known = ", ".join(codec.name for codec in cls._codecs) or "none"
        return SerializationError(
            f"{cls.__name__} has no field {', '.join(map(repr, unknown))}",
            field=unknown[0],
            advice=f"its fields are: {known}",
        )

    def _values(self) -> dict[str, object]:
        return {codec.name: getattr(self, codec.name) for codec in type(self)._codecs}

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} cannot be changed; use replace({name}=...)")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__} cannot be changed; use replace({name}=None)")

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self._values() == other._values()

    def __hash__(self) -> int:
        return hash((type(self), *self._values().values()))

    def __repr__(self) -> str:
        given = ", ".join(f"{name}={value!r}" for name, value in self._values().items() if value is not None)
        return f"{type(self).__name__}({given})"

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self._values())


def _rebuild(cls: type[Header], values: dict[str, object]) -> Header:
    return cls.partial(**values)
