"""Record classes whose fields are declared once, by annotations, and that cost little to define.

A declaration gives the Python name, the type, the default and the name on the wire; constructor, equality,
repr, copy and pickle follow from it. How values travel is the business of the bases that build on this one
(JsonBody, Header), not of this module.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar, dataclass_transform, overload

if TYPE_CHECKING:
    import inspect
    from collections.abc import Callable, Iterable

__all__ = ["MISSING", "Declared", "DeclaredMeta", "Field", "Options", "camel_case", "wire"]

T = TypeVar("T")


class _Missing:
    """The type of MISSING; a class of its own only for its repr."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Any = _Missing()


class Options:
    """What a class body says about one field; ``wire(...)`` leaves it there until the class is made."""

    __slots__ = ("default", "factory", "secret", "wire")

    def __init__(
        self, wire: str | None, default: Any = MISSING, factory: Any = MISSING, *, secret: bool = False
    ) -> None:
        self.wire = wire
        self.default = default
        self.factory = factory
        self.secret = secret


class Field:
    """One declared field: its Python name, its name on the wire, whether it must be given, its default."""

    __slots__ = ("default", "factory", "name", "required", "secret", "wire")

    def __init__(self, name: str, options: Options) -> None:
        self.name = name
        self.wire = options.wire or camel_case(name)
        self.default = options.default
        self.factory = options.factory
        self.secret = options.secret
        self.required = options.default is MISSING and options.factory is MISSING

    def __repr__(self) -> str:
        needed = "required" if self.required else "optional"
        return f"{type(self).__name__}({self.name!r}, wire={self.wire!r}, {needed})"

    def make_default(self) -> Any:
        """The value of a field that was left out; a fresh one where it is a container."""
        return self.default if self.factory is MISSING else self.factory()


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
    return Options(name, default, default_factory, secret=secret)


def camel_case(name: str) -> str:
    """``queue_id`` -> ``queueId``."""
    first, *rest = name.split("_")
    return first + "".join([part.capitalize() for part in rest])


def _text_annotations(class_name: str, namespace: dict[str, Any]) -> dict[str, str]:
    annotations: dict[str, Any] = namespace.get("__annotations__", {})
    # Python 3.14 defers annotations that are not text, in a function under one of these names.
    deferred = "__annotate__" in namespace or "__annotate_func__" in namespace
    if deferred or not all(isinstance(text, str) for text in annotations.values()):
        raise TypeError(f"{class_name} is declared in a module without 'from __future__ import annotations'")
    return annotations


def _refuse_change(self: object, name: str, *_value: object) -> None:
    raise AttributeError(
        f"{type(self).__name__} is frozen, {name} cannot be changed; replace({name}=...) makes a changed copy"
    )


def _hash_fields(self: Declared) -> int:
    return hash((type(self), self.__getstate__()))


@dataclass_transform(field_specifiers=(wire,))
class DeclaredMeta(type):
    """Turns the annotations of a class body into fields and slots.

    The module of a declared class must have ``from __future__ import annotations``.

    Args:
        frozen: attributes cannot be set, and the records can be hashed.
        keyword_only: the constructor takes its fields by name only.
    """

    __fields__: tuple[Field, ...]
    __match_args__: tuple[str, ...]

    def __new__(
        mcs,
        name: str,
        bases: tuple[type, ...],
        namespace: dict[str, Any],
        *,
        frozen: bool = False,
        keyword_only: bool = False,
    ) -> DeclaredMeta:
        own: list[Field] = []
        for field_name, annotation in _text_annotations(name, namespace).items():
            if not annotation.startswith("ClassVar"):
                options = namespace.pop(field_name, MISSING)
                if not isinstance(options, Options):
                    options = Options(None, options)
                own.append(mcs.make_field(name, field_name, annotation, options))
        inherited = [field for base in bases for field in getattr(base, "__fields__", ())]
        fields = mcs.arrange(name, inherited, own)
        namespace["__slots__"] = tuple([field.name for field in own])
        namespace["__fields__"] = tuple(fields)
        namespace["__match_args__"] = () if keyword_only else tuple([field.name for field in fields])
        if frozen:
            namespace["__setattr__"] = namespace["__delattr__"] = _refuse_change
            namespace["__hash__"] = _hash_fields
        return super().__new__(mcs, name, bases, namespace)

    @staticmethod
    def make_field(owner: str, name: str, annotation: str, options: Options) -> Field:
        """The field of one annotation; ``owner`` is the name of the class, for errors."""
        del owner, annotation
        return Field(name, options)

    @staticmethod
    def arrange(owner: str, inherited: list[Any], own: list[Any]) -> list[Any]:
        """All fields of a class in their order."""
        fields: list[Field] = inherited + own
        optional = None
        for field in fields:
            if not field.required:
                optional = field.name
            elif optional is not None:
                raise TypeError(f"{owner}.{field.name} has no default but follows {optional}, which has one")
        return fields

    @property
    def __signature__(cls) -> inspect.Signature:
        """What help() and IDEs show; made only when asked for."""
        from inspect import Parameter, Signature  # noqa: PLC0415 - costs 5 ms, and few ask

        parameters: list[Parameter] = []
        for field in cls.__fields__:
            kind = (
                Parameter.POSITIONAL_OR_KEYWORD
                if field.name in cls.__match_args__
                else Parameter.KEYWORD_ONLY
            )
            default = Parameter.empty if field.required else field.make_default()
            parameters.append(Parameter(field.name, kind, default=default))
        return Signature(parameters)


class Declared(metaclass=DeclaredMeta):
    """Base of all declared records: constructor, ==, repr, replace; copy and pickle come from the slots."""

    __slots__ = ()
    __fields__: ClassVar[tuple[Field, ...]]
    __hash__: ClassVar[Any] = None

    if not TYPE_CHECKING:  # the checkers derive the real signature from the declaration

        def __init__(self, *args: Any, **given: Any) -> None:
            if args:
                names = type(self).__match_args__
                if len(args) > len(names):
                    raise TypeError(_too_many_arguments(type(self), len(args)))
                for name, value in zip(names, args, strict=False):
                    if name in given:
                        raise TypeError(f"{type(self).__name__}(): the argument {name!r} was given twice")
                    given[name] = value
            self._fill(given)
            self._check()

    def _fill(self, given: dict[str, Any]) -> None:
        put = object.__setattr__
        for field in type(self).__fields__:
            value = given.pop(field.name, MISSING)
            if value is MISSING:
                if field.required:
                    raise self._lacks(field)
                value = field.make_default()
            put(self, field.name, value)
        if given:
            raise self._has_no(given)

    def _check(self) -> None:
        """Refuse values that make no sense; the constructor calls it when all fields are set."""

    @classmethod
    def _lacks(cls, field: Any) -> Exception:
        return TypeError(f"{cls.__name__}() needs the argument {field.name!r}")

    @classmethod
    def _has_no(cls, names: Iterable[str]) -> Exception:
        return TypeError(f"{cls.__name__}(): the argument {next(iter(names))!r} is not one of its fields")

    def replace(self, **changes: object) -> Self:
        """A copy with some fields changed."""
        given = {field.name: getattr(self, field.name) for field in type(self).__fields__}
        return type(self)(**{**given, **changes})

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self.__getstate__() == other.__getstate__()

    def __repr__(self) -> str:
        shown: list[str] = []
        for field in type(self).__fields__:
            value = getattr(self, field.name)
            if value is None and field.default is None:
                continue
            text = "'***'" if field.secret and value is not None else repr(value)
            shown.append(f"{field.name}={text}")
        return f"{type(self).__name__}({', '.join(shown)})"

    def __getstate__(self) -> tuple[Any, ...]:
        return tuple([getattr(self, field.name) for field in type(self).__fields__])

    def __setstate__(self, state: Iterable[Any]) -> None:
        for field, value in zip(type(self).__fields__, state, strict=True):
            object.__setattr__(self, field.name, value)


def _too_many_arguments(cls: type[Declared], count: int) -> str:
    taken = len(cls.__match_args__)
    if taken == 0 and cls.__fields__:
        return f"{cls.__name__}() takes its fields by name only, got {count} without a name"
    return f"{cls.__name__}() takes at most {taken} arguments, got {count}"
