"""What SQL92 conditions are made of: terms that know their kind and how to evaluate themselves.

A term is built from smaller ones and is a closure over them, so nothing is interpreted per message. The
rules, odd ones included, are those of RocketMQ 5.5.0, which keeps the types of Java: a property is text, and
becomes a number only beside one; a text that is none makes the whole condition fail for that message.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from pyrocketmq.server.filters.java_numbers import (
    INT_MAX,
    double_order,
    double_order_of_text,
    int_of_text,
    long_of_text,
)

__all__ = [
    "Evaluate",
    "Kind",
    "Refused",
    "Term",
    "Undecided",
    "as_boolean",
    "between",
    "boolean_constant",
    "combine",
    "decimal_constant",
    "equal",
    "in_texts",
    "is_null",
    "matches_text",
    "negate",
    "not_",
    "null_constant",
    "order",
    "property_term",
    "text_constant",
    "whole_constant",
]

Kind: TypeAlias = Literal["property", "text", "int", "long", "double", "boolean", "null", "nothing"]
"""``null`` is the constant; ``nothing`` is what has no value, as the negative of a text."""

Value: TypeAlias = str | int | float | bool | None
Evaluate: TypeAlias = Callable[[Mapping[str, str]], Any]
Sign: TypeAlias = Literal[">", ">=", "<", "<="]
TextTest: TypeAlias = Literal["CONTAINS", "STARTSWITH", "ENDSWITH"]

_NUMBERS: Final = frozenset(["int", "long", "double"])
_TEXTS: Final = frozenset(["property", "text"])
_SIGNS: Final[dict[Sign, Callable[[Any, Any], bool]]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}


class Undecided(Exception):  # noqa: N818
    """The values of a message cannot be compared: it does not match, whatever else the condition says."""


class Refused(ValueError):  # noqa: N818
    """A term cannot be built of these parts."""


@dataclass(frozen=True, slots=True)
class Term:
    """A part of a condition.

    Args:
        kind: what its value is, if it has one.
        evaluate: properties to value; None is the unknown of SQL.
        name: the property's name, or the constant as it was written.
        constant: the value of a constant as it was written, without a sign before it.
        depth: how many terms are nested in it, itself included.
    """

    kind: Kind
    evaluate: Evaluate
    name: str = ""
    constant: Value = None
    depth: int = 1

    @property
    def is_constant(self) -> bool:
        """True for a constant without a sign."""
        return self.constant is not None or self.kind == "null"

    def __str__(self) -> str:
        return self.name or f"a {self.kind} expression"


def property_term(name: str) -> Term:
    """The text of a property, unknown where the message has none of the name."""
    return Term("property", lambda properties: properties.get(name), name)


def text_constant(text: str) -> Term:
    """A text in quotes."""
    return Term("text", lambda _: text, repr(text), text)


def whole_constant(number: int) -> Term:
    """A whole number: an Integer if it fits 32 bits, else a Long."""
    return Term("int" if number <= INT_MAX else "long", lambda _: number, str(number), number)


def decimal_constant(number: float) -> Term:
    """A number with a point or an exponent: a Double."""
    return Term("double", lambda _: number, repr(number), number)


def boolean_constant(value: bool) -> Term:
    """TRUE or FALSE."""
    return Term("boolean", lambda _: value, str(value).upper(), value)


def null_constant() -> Term:
    """NULL."""
    return Term("null", _nothing, "NULL")


def _nothing(_: Mapping[str, str]) -> None:
    return None


def negate(operand: Term) -> Term:
    """The operand with a minus before it; what is no number has no value then."""
    inner = operand.evaluate
    if operand.kind in _NUMBERS:
        number = -inner({})
        return Term(operand.kind, lambda _: number, f"-{operand}", depth=operand.depth + 1)

    def evaluate(properties: Mapping[str, str]) -> None:
        inner(properties)

    return Term("nothing", evaluate, f"-{operand}", depth=operand.depth + 1)


def as_boolean(operand: Term) -> Term:
    """The operand as a condition. A property is never true as one: it is unknown if missing, else false."""
    if operand.kind in ("boolean", "null"):
        return operand
    if operand.kind != "property":
        raise Refused(f"{operand} is no condition")
    inner = operand.evaluate
    return _boolean(lambda properties: None if inner(properties) is None else False, operand)


def not_(operand: Term) -> Term:
    """The opposite; the opposite of unknown is unknown."""
    inner = as_boolean(operand).evaluate

    def evaluate(properties: Mapping[str, str]) -> bool | None:
        value: bool | None = inner(properties)
        return None if value is None else not value

    return _boolean(evaluate, operand)


def combine(operands: list[Term], *, any_of: bool) -> Term:
    """AND of the operands, or OR: the first that settles the matter ends the evaluation."""
    inners = tuple(as_boolean(operand).evaluate for operand in operands)

    def evaluate(properties: Mapping[str, str]) -> bool | None:
        unknown = False
        for inner in inners:
            value: bool | None = inner(properties)
            if value is None:
                unknown = True
            elif value is any_of:
                return any_of
        return None if unknown else not any_of

    return _boolean(evaluate, *operands)


def is_null(operand: Term) -> Term:
    """Whether the operand is unknown."""
    inner = operand.evaluate
    return _boolean(lambda properties: inner(properties) is None, operand)


def equal(left: Term, right: Term) -> Term:
    """Whether both are equal. Two unknowns are; if only the right one is unknown, they are not."""
    for operand in (left, right):
        if operand.kind == "null":
            raise Refused("nothing equals NULL; use IS NULL or IS NOT NULL")
    if left.kind == "boolean" and left.is_constant and right.is_constant and right.kind != "boolean":
        raise Refused(f"{left} cannot be compared with {right}")
    left_of, right_of, same = left.evaluate, right.evaluate, _same(left.kind, right.kind)

    def evaluate(properties: Mapping[str, str]) -> bool | None:
        left_value, right_value = left_of(properties), right_of(properties)
        if left_value is None:
            return True if right_value is None else None
        return False if right_value is None else same(left_value, right_value)

    return _boolean(evaluate, left, right)


def order(sign: Sign, left: Term, right: Term) -> Term:
    """Whether the numbers stand in this order; unknown if one of them is."""
    for operand in (left, right):
        if operand.kind in ("boolean", "null", "text"):
            raise Refused(f"{operand} has no order: {sign} compares numbers and properties that hold them")
    left_of, right_of = left.evaluate, right.evaluate
    convert_left, convert_right = _converters(left.kind, right.kind, default=double_order_of_text)
    test = _SIGNS[sign]

    def evaluate(properties: Mapping[str, str]) -> bool | None:
        left_value = left_of(properties)
        if left_value is None:
            return None
        right_value = right_of(properties)
        if right_value is None:
            return None
        try:
            return test(convert_left(left_value), convert_right(right_value))
        except ValueError as error:
            raise Undecided from error

    return _boolean(evaluate, left, right)


def between(value: Term, low: Term, high: Term, *, inside: bool) -> Term:
    """Whether the value lies from low to high, the ends included."""
    ends = (low.constant, high.constant)
    if inside and isinstance(ends[0], int | float) and isinstance(ends[1], int | float) and ends[0] > ends[1]:
        raise Refused(f"{low} is above {high}: the lower end stands first")
    if inside:
        return combine([order(">=", value, low), order("<=", value, high)], any_of=False)
    return combine([order("<", value, low), order(">", value, high)], any_of=True)


def in_texts(operand: Term, texts: Collection[str], *, inside: bool) -> Term:
    """Whether a property is one of the texts; unknown if the message does not have it."""
    if operand.kind != "property":
        raise Refused(f"only a property can be IN a list, and {operand} is none")
    inner, members = operand.evaluate, frozenset(texts)

    def evaluate(properties: Mapping[str, str]) -> bool | None:
        value = inner(properties)
        return None if value is None else (value in members) is inside

    return _boolean(evaluate, operand)


_TEXT_TESTS: Final[dict[TextTest, Callable[[str, str], bool]]] = {
    "CONTAINS": operator.contains,
    "STARTSWITH": str.startswith,
    "ENDSWITH": str.endswith,
}


def matches_text(test: TextTest, operand: Term, text: str, *, wanted: bool) -> Term:
    """Whether a text holds, begins or ends with another; NOT or not, nothing matches an empty one."""
    if not text:
        return _boolean(lambda _: False, operand)
    inner, holds = operand.evaluate, _TEXT_TESTS[test]

    def evaluate(properties: Mapping[str, str]) -> bool:
        value = inner(properties)
        return isinstance(value, str) and holds(value, text) is wanted

    return _boolean(evaluate, operand)


def _boolean(evaluate: Evaluate, *operands: Term) -> Term:
    return Term("boolean", evaluate, depth=1 + max(operand.depth for operand in operands))


def _same(left: Kind, right: Kind) -> Callable[[Any, Any], bool]:
    """The test for equality of values of these kinds."""
    if left == "boolean" and right in _TEXTS:
        # Java stumbles over its own cast here; TRUE has to stand on the right.
        return _undecided
    if "boolean" in (left, right):
        if left in _TEXTS:
            return lambda text, value: (text.lower() == "true") is value
        return operator.is_ if left == right else _never
    convert_left, convert_right = _converters(left, right, default=_as_it_is)

    def test(left_value: Any, right_value: Any) -> bool:
        try:
            return bool(convert_left(left_value) == convert_right(right_value))
        except ValueError as error:
            raise Undecided from error

    return test


def _undecided(_left: object, _right: object) -> bool:
    raise Undecided


def _never(_left: object, _right: object) -> bool:
    return False


def _as_it_is(value: Any) -> Any:
    return value


def _converters(
    left: Kind, right: Kind, *, default: Callable[[Any], Any]
) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    """What makes both values comparable: a text takes the type of the number, two texts the default."""
    if left in _TEXTS and right in _TEXTS:
        return default, default
    if "double" in (left, right):
        return (
            double_order_of_text if left in _TEXTS else _double_of_number,
            double_order_of_text if right in _TEXTS else _double_of_number,
        )
    of_text = long_of_text if "long" in (left, right) else int_of_text
    return of_text if left in _TEXTS else _as_it_is, of_text if right in _TEXTS else _as_it_is


def _double_of_number(number: float) -> Any:
    return double_order(float(number))
