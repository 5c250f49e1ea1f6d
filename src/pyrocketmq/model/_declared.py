"""Record classes whose fields are declared once, by annotations, and that cost little to define.

A declaration gives the Python name, the type, the default and the name on the wire; constructor, equality,
repr, copy and pickle follow from it. How values travel is the business of the subclasses' base (JsonBody),
not of this module.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, dataclass_transform, overload

if TYPE_CHECKING:
    import inspect
    from collections.abc import Callable

T = TypeVar("T")


class _Missing:
    """The type of MISSING; a class of its own only for its repr."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Any = _Missing()


class Field:
    """One declared field; ``default`` and ``factory`` are MISSING when the field is required."""

    __slots__ = ("default", "factory", "name", "secret", "wire_name")

    def __init__(self, name: str, wire_name: str, default: Any, factory: Any, secret: bool) -> None:
        self.name = name
        self.wire_name = wire_name
        self.default = default
        self.factory = factory
        self.secret = secret

    @property
    def required(self) -> bool:
        """True when neither the constructor nor the wire may leave the field out."""
        return self.default is MISSING and self.factory is MISSING

    def make_default(self) -> Any:
        """The value of a field that was left out; a fresh one where it is a container."""
        return self.default if self.factory is MISSING else self.factory()


class _Options:
    """What ``wire(...)`` leaves in the class body until the class is made."""

    __slots__ = ("default", "factory", "secret", "wire_name")

    def __init__(self, wire_name: str | None, default: Any, factory: Any, *, secret: bool) -> None:
        self.wire_name = wire_name
        self.default = default
        self.factory = factory
        self.secret = secret


@overload
def wire(name: str | None = ..., *, default: T, secret: bool = ...) -> T: ...
@overload
def wire(name: str | None = ..., *, default_factory: Callable[[], T], secret: bool = ...) -> T: ...
@overload
def wire(name: str | None = ..., *, secret: bool = ...) -> Any: ...
def wire(
    name: str | None = None, *, default: Any = MISSING, default_factory: Any = MISSING, secret: bool = False
) -> Any:
    """Declare a field whose wire name is not the camel-case form of its Python name, or that has options.

    Args:
        name: the name on the wire; None = camel case of the Python name.
        default: value of a field that was left out.
        default_factory: makes that value, for containers.
        secret: show ``***`` in the repr.
    """
    return _Options(name, default, default_factory, secret=secret)


def camel_case(name: str) -> str:
    """``queue_id`` -> ``queueId``."""
    first, *rest = name.split("_")
    return first + "".join([part.capitalize() for part in rest])


def _own_fields(namespace: dict[str, Any]) -> list[Field]:
    fields: list[Field] = []
    for name, annotation in namespace.get("__annotations__", {}).items():
        if annotation.startswith("ClassVar"):
            continue
        given = namespace.pop(name, MISSING)
        if not isinstance(given, _Options):
            given = _Options(None, given, MISSING, secret=False)
        wire_name = given.wire_name or camel_case(name)
        fields.append(Field(name, wire_name, given.default, given.factory, given.secret))
    return fields


def _refuse_change(self: object, name: str, *_value: object) -> None:
    raise AttributeError(f"{type(self).__name__} is frozen, {name} cannot be changed")


@dataclass_transform(field_specifiers=(wire,))
class DeclaredMeta(type):
    """Turns the annotations of a class body into fields and slots.

    The module of a declared class must have ``from __future__ import annotations``.
    """

    __fields__: tuple[Field, ...]

    def __new__(
        mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any], *, frozen: bool = False
    ) -> DeclaredMeta:
        # Python 3.14 defers annotations that are not text, in a function under one of these names.
        deferred = "__annotate__" in namespace or "__annotate_func__" in namespace
        if deferred or not all(
            isinstance(text, str) for text in namespace.get("__annotations__", {}).values()
        ):
            raise TypeError(f"{name} is declared in a module without 'from __future__ import annotations'")
        own = _own_fields(namespace)
        fields = [field for base in bases for field in getattr(base, "__fields__", ())] + own
        optional = None
        for field in fields:
            if not field.required:
                optional = field.name
            elif optional is not None:
                raise TypeError(f"{name}.{field.name} has no default but follows {optional}, which has one")
        namespace["__slots__"] = tuple([field.name for field in own])
        namespace["__fields__"] = tuple(fields)
        namespace["__match_args__"] = tuple([field.name for field in fields])
        if frozen:
            namespace["__setattr__"] = namespace["__delattr__"] = _refuse_change
            namespace["__hash__"] = _hash_fields
        return super().__new__(mcs, name, bases, namespace)

    @property
    def __signature__(cls) -> inspect.Signature:
        """What help() and IDEs show; made only when asked for."""
        from inspect import Parameter, Signature  # noqa: PLC0415 - costs 5 ms, and few ask

        parameters: list[Parameter] = []
        for field in cls.__fields__:
            default = Parameter.empty if field.required else field.default
            if field.factory is not MISSING:
                default = field.factory()
            parameters.append(Parameter(field.name, Parameter.POSITIONAL_OR_KEYWORD, default=default))
        return Signature(parameters)


class Declared(metaclass=DeclaredMeta):
    """Base of all declared records: constructor, ==, repr; copy and pickle come from the slots."""

    __slots__ = ()
    __fields__: ClassVar[tuple[Field, ...]]
    __hash__: ClassVar[Any] = None

    if not TYPE_CHECKING:  # the checkers derive the real signature from the declaration

        def __init__(self, *args: Any, **given: Any) -> None:
            fields = type(self).__fields__
            if len(args) > len(fields):
                raise TypeError(
                    f"{type(self).__name__}() takes at most {len(fields)} arguments, got {len(args)}"
                )
            put = object.__setattr__
            for field, value in zip(fields, args, strict=False):
                put(self, field.name, value)
            for field in fields[len(args) :]:
                value = given.pop(field.name, MISSING)
                if value is MISSING:
                    if field.required:
                        raise TypeError(f"{type(self).__name__}() needs the argument {field.name!r}")
                    value = field.make_default()
                put(self, field.name, value)
            if given:
                raise TypeError(_unusable_arguments(type(self), given))

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self.__getstate__() == other.__getstate__()

    def __repr__(self) -> str:
        shown: list[str] = []
        for field in type(self).__fields__:
            value = getattr(self, field.name)
            shown.append(f"{field.name}=" + ("'***'" if field.secret and value is not None else repr(value)))
        return f"{type(self).__name__}({', '.join(shown)})"

    def __getstate__(self) -> tuple[Any, ...]:
        return tuple([getattr(self, field.name) for field in type(self).__fields__])

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        for field, value in zip(type(self).__fields__, state, strict=True):
            object.__setattr__(self, field.name, value)


def _hash_fields(self: Declared) -> int:
    return hash((type(self), self.__getstate__()))


def _unusable_arguments(cls: type[Declared], given: dict[str, Any]) -> str:
    known = {field.name for field in cls.__fields__}
    name = next(iter(given))
    why = "was given twice" if name in known else "is not one of its fields"
    return f"{cls.__name__}(): the argument {name!r} {why}"
