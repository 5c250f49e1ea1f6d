"""What every typed header is made of: one declaration per field, from which encoding and decoding both come.

A header class names its fields with their wire types. The class itself is built once, at import: the name on
the wire, the check, the encoder and the decoder of each field are looked up then, never per call. Knows no
request.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self, dataclass_transform

from pyrocketmq.errors import DeserializationError, SerializationError
from pyrocketmq.model._declared import MISSING, Declared, DeclaredMeta, Field, Options, wire
from pyrocketmq.model.headers.kinds import KINDS, Kind
from pyrocketmq.model.shown import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pyrocketmq.model.enums import RequestCode

__all__ = ["Header", "HeaderField", "wire"]


class HeaderField(Field):
    """One field of a header: its Python name, its name and type on the wire, whether it must be there."""

    __slots__ = ("kind",)

    def __init__(self, name: str, options: Options, kind: Kind) -> None:
        super().__init__(name, options)
        self.kind = kind

    @property
    def type(self) -> str:
        """Its type on the wire, by the name it has in declarations."""
        return self.kind.name


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(wire,))
class HeaderMeta(DeclaredMeta):
    """Makes declared classes whose fields all have a wire type, immutable and made by keywords only."""

    def __new__(mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> DeclaredMeta:
        return super().__new__(mcs, name, bases, namespace, frozen=True, keyword_only=True)

    @staticmethod
    def make_field(owner: str, name: str, annotation: str, options: Options) -> HeaderField:
        """The field of an annotation such as ``I32`` or ``str | None``."""
        type_name, _, optional = annotation.partition(" | ")
        if type_name not in KINDS or optional not in ("", "None"):
            raise TypeError(
                f"{owner}.{name} is declared as {annotation!r}; wire types are {', '.join(KINDS)}"
            )
        if options.default is not (None if optional else MISSING) or options.factory is not MISSING:
            raise TypeError(f"{owner}.{name} is declared as {annotation!r}; optional is '| None = None'")
        return HeaderField(name, options, KINDS[type_name])

    @staticmethod
    def arrange(owner: str, inherited: list[Any], own: list[Any]) -> list[Any]:
        """The fields of the base class last: the routing fields follow the fields of the request itself."""
        del owner
        names = {field.name for field in own}
        return own + [field for field in inherited if field.name not in names]


class Header(Declared, metaclass=HeaderMeta):
    """The typed form of a command's ext fields; immutable.

    A subclass declares its fields in the order in which Java writes them::

        class SearchOffsetRequestHeader(TopicRequestHeader):
            CODE = RequestCode.SEARCH_OFFSET_BY_TIMESTAMP

            topic: str
            lite_topic: str | None = None
            queue_id: I32
            timestamp: I64
            boundary_type: BoundaryType | None = None

    A field without default is required. An optional field that is None is not written. The wire name is the
    camel case of the name unless ``wire`` gives another. ``FIELDS`` and ``ORDER`` describe the fields of a
    class.
    """

    CODE: ClassVar[RequestCode | None] = None
    """The request this header belongs to first; None for headers of answers and for those without a fixed
    code."""
    FIELDS: ClassVar[tuple[HeaderField, ...]] = ()
    """The fields of the class, its own before the routing fields of its base."""
    ORDER: ClassVar[tuple[str, ...]] = ()
    """Their wire names, in the order in which they are written."""

    def __init_subclass__(cls) -> None:
        cls.FIELDS = tuple([field for field in cls.__fields__ if isinstance(field, HeaderField)])
        cls.ORDER = tuple([field.wire for field in cls.FIELDS])

    @classmethod
    def partial(cls, **values: object) -> Self:
        """Make a header in which required fields may be missing, as servers and old releases do write them.

        Missing fields are None, whatever their declared type, and are not written.

        Raises:
            SerializationError: a value does not fit its field, or there is no such field.
        """
        header = cls.__new__(cls)
        header._fill({**dict.fromkeys([field.name for field in cls.FIELDS]), **values})
        header._check_values(partial=True)
        return header

    def to_ext_fields(self) -> dict[str, str]:
        """Write the header as text by wire name, in the declared order, without the fields that are None."""
        fields: dict[str, str] = {}
        for field in type(self).FIELDS:
            value = getattr(self, field.name)
            if value is not None:
                fields[field.wire] = field.kind.encode(value)
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
        values: list[object] = []
        for field in cls.FIELDS:
            text = fields.get(field.wire)
            value = None
            if text is not None:
                try:
                    value = field.kind.decode(text)
                except ValueError:
                    raise DeserializationError(
                        cls._mismatch(field, text),
                        field=field.name,
                        likely="the command is of another kind, or its sender is broken",
                    ) from None
            elif field.required and check_required:
                raise DeserializationError(
                    f"{cls._describe(field)} is required and missing among {len(fields)} ext fields received",
                    field=field.name,
                    advice="Read it with check_required=False if this peer leaves it out.",
                )
            values.append(value)
        header = cls.__new__(cls)
        header.__setstate__(values)
        return header

    def _check(self) -> None:
        self._check_values(partial=False)

    def _check_values(self, *, partial: bool) -> None:
        for field in type(self).FIELDS:
            value = getattr(self, field.name)
            if value is None:
                if field.required and not partial:
                    raise self._lacks(field)
            elif not field.kind.accepts(value):
                raise SerializationError(
                    self._mismatch(field, value),
                    field=field.name,
                    advice="Convert it first; headers take values of exactly their type.",
                )

    @classmethod
    def _lacks(cls, field: HeaderField) -> SerializationError:
        return SerializationError(
            f"{cls._describe(field)} is required and was not given",
            field=field.name,
            advice=f"Pass {field.name}=..., it must be {field.kind.expected}.",
        )

    @classmethod
    def _has_no(cls, names: Iterable[str]) -> SerializationError:
        unknown = sorted(names)
        known = ", ".join([field.name for field in cls.FIELDS]) or "none"
        return SerializationError(
            f"{cls.__name__} has no field {', '.join(map(repr, unknown))}",
            field=unknown[0],
            advice=f"Its fields are: {known}.",
        )

    @classmethod
    def _describe(cls, field: HeaderField) -> str:
        return f"{cls.__name__}.{field.name} (wire name {field.wire})"

    @classmethod
    def _mismatch(cls, field: HeaderField, value: object) -> str:
        kind = type(value).__name__
        return f"{cls._describe(field)} must be {field.kind.expected}, got {shown(value)} of type {kind}"
