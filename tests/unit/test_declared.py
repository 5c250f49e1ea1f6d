"""Records declared by annotations behave like ordinary classes."""

from __future__ import annotations

import copy
import inspect
import pickle
from typing import ClassVar

import pytest

from pyrocketmq.model._declared import Declared, DeclaredMeta, camel_case, wire


class Point(Declared):
    ORIGIN: ClassVar[int] = 0

    x: int
    y: int = 0
    tags: list[str] = wire(default_factory=list[str])
    key: str | None = wire("KEY", default=None, secret=True)


class Fixed(Declared, frozen=True):
    name: str
    number: int = 0


class NamedPoint(Point):
    name: str = ""


def test_fields_are_taken_by_position_and_by_name() -> None:
    assert Point(1, 2) == Point(y=2, x=1)
    assert NamedPoint(1, name="a").name == "a"
    assert [field.wire for field in NamedPoint.__fields__] == ["x", "y", "tags", "KEY", "name"]


def test_containers_are_not_shared_between_records() -> None:
    first = Point(1)
    first.tags.append("t")
    assert Point(1).tags == []


@pytest.mark.parametrize(
    ("arguments", "named", "text"),
    [
        ((), {}, "needs the argument 'x'"),
        ((1, 2, [], None, 5), {}, "at most 4 arguments, got 5"),
        ((1,), {"z": 1}, "'z' is not one of its fields"),
        ((1,), {"x": 1}, "'x' was given twice"),
    ],
)
def test_wrong_arguments_are_named(arguments: tuple[int, ...], named: dict[str, int], text: str) -> None:
    with pytest.raises(TypeError, match=text):
        Point(*arguments, **named)  # type: ignore[arg-type]


def test_records_are_compared_by_class_and_value() -> None:
    assert Point(1) != NamedPoint(1)
    assert Point(1) != (1, 0)
    assert Point(1) != Point(2)
    assert Point.__hash__ is None
    assert hash(Fixed("a")) == hash(Fixed("a"))


def test_repr_hides_what_is_secret_and_leaves_out_what_was_not_given() -> None:
    assert repr(Point(1, key="s3cret")) == "Point(x=1, y=0, tags=[], key='***')"
    assert repr(Point(1)) == "Point(x=1, y=0, tags=[])"
    assert repr(Point(None)) == "Point(x=None, y=0, tags=[])"


def test_records_can_be_copied_and_pickled() -> None:
    point = NamedPoint(1, 2, ["a"], "k", "n")
    assert pickle.loads(pickle.dumps(point)) == point
    assert pickle.loads(pickle.dumps(Fixed("a", 2))) == Fixed("a", 2)
    shallow, deep = copy.copy(point), copy.deepcopy(point)
    assert shallow == deep == point
    assert shallow.tags is point.tags
    assert deep.tags is not point.tags


def test_a_frozen_record_cannot_change() -> None:
    fixed = Fixed("a")
    with pytest.raises(AttributeError, match="Fixed is frozen, name cannot be changed"):
        fixed.name = "b"  # type: ignore[misc]
    with pytest.raises(AttributeError, match="frozen"):
        del fixed.name


def test_replace_gives_a_changed_copy() -> None:
    fixed = Fixed("a", 2)
    assert fixed.replace(name="b") == Fixed("b", 2)
    assert fixed == Fixed("a", 2)
    with pytest.raises(TypeError, match="'size' is not one of its fields"):
        fixed.replace(size=1)


def test_an_unknown_attribute_is_refused() -> None:
    with pytest.raises(AttributeError):
        Point(1).z = 1  # type: ignore[attr-defined]


def test_the_signature_shows_the_declaration() -> None:
    assert str(inspect.signature(Point)) == "(x, y=0, tags=[], key=None)"


def test_a_required_field_may_not_follow_an_optional_one() -> None:
    with pytest.raises(TypeError, match=r"Late\.second has no default but follows first"):

        class Late(Declared):
            first: int = 0
            second: int  # type: ignore[misc]


def test_annotations_that_are_not_text_are_refused() -> None:
    with pytest.raises(TypeError, match="without 'from __future__ import annotations'"):
        DeclaredMeta("Late", (Declared,), {"__annotations__": {"x": int}})


def test_wire_names_are_camel_case() -> None:
    assert camel_case("queue_id") == "queueId"
    assert camel_case("topic") == "topic"
