"""A slow twin of the SQL92 filter: trees that write themselves as text and decide step by step.

Values carry the type that Java gives them, as in ``("int", 3)``, and every comparison converts anew.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, TypeAlias

Typed: TypeAlias = tuple[str, object] | None
Properties: TypeAlias = Mapping[str, str]
Number: TypeAlias = Literal["int", "long", "double"]


class Spoilt(Exception):
    """Two values that cannot be compared: no match, whatever else the condition says."""


@dataclass(frozen=True)
class Name:
    name: str

    def text(self) -> str:
        return self.name

    def value(self, properties: Properties) -> Typed:
        found = properties.get(self.name)
        return None if found is None else ("text", found)


@dataclass(frozen=True)
class Constant:
    written: str
    typed: Typed

    def text(self) -> str:
        return self.written

    def value(self, properties: Properties) -> Typed:  # noqa: ARG002
        return self.typed


@dataclass(frozen=True)
class Comparison:
    left: Name | Constant
    sign: Literal["=", "<>", ">", ">=", "<", "<="]
    right: Name | Constant

    def text(self) -> str:
        return f"{self.left.text()} {self.sign} {self.right.text()}"

    def value(self, properties: Properties) -> Typed:
        left, right = self.left.value(properties), self.right.value(properties)
        if self.sign in ("=", "<>"):
            return self._equality(left, right)
        if left is None or right is None:
            return None
        if left[0] == right[0] == "text":
            left, right = parsed("double", left), parsed("double", right)
        first, second = numbers(left, right)
        return (
            "boolean",
            {">": first > second, ">=": first >= second, "<": first < second}.get(self.sign, first <= second),
        )

    def _equality(self, left: Typed, right: Typed) -> Typed:
        same: bool
        if left is None and right is not None:
            return None
        if left is None or right is None:
            same = left is right
        elif "boolean" in (left[0], right[0]):
            if left[0] == "boolean" and right[0] == "text":
                raise Spoilt
            if left[0] == "text":
                left = ("boolean", str(left[1]).lower() == "true")
            same = left == right
        elif left[0] == right[0] == "text":
            same = left == right
        else:
            first, second = numbers(left, right)
            same = first == second
        return ("boolean", same is (self.sign == "="))


@dataclass(frozen=True)
class Between:
    operand: Name
    low: Constant
    high: Constant
    negated: bool

    def text(self) -> str:
        word = "NOT BETWEEN" if self.negated else "BETWEEN"
        return f"{self.operand.text()} {word} {self.low.text()} AND {self.high.text()}"

    def value(self, properties: Properties) -> Typed:
        if self.negated:
            either = (Comparison(self.operand, "<", self.low), Comparison(self.operand, ">", self.high))
            return Logic("OR", either).value(properties)
        both = (Comparison(self.operand, ">=", self.low), Comparison(self.operand, "<=", self.high))
        return Logic("AND", both).value(properties)


@dataclass(frozen=True)
class Membership:
    operand: Name
    members: tuple[str, ...]
    negated: bool

    def text(self) -> str:
        members = ",".join(quoted(member) for member in self.members)
        return f"{self.operand.text()}{' NOT' if self.negated else ''} IN ({members})"

    def value(self, properties: Properties) -> Typed:
        found = self.operand.value(properties)
        return None if found is None else ("boolean", (found[1] in self.members) is not self.negated)


@dataclass(frozen=True)
class TextTest:
    operand: Name
    word: Literal["CONTAINS", "STARTSWITH", "ENDSWITH"]
    part: str
    negated: bool

    def text(self) -> str:
        return f"{self.operand.text()}{' NOT' if self.negated else ''} {self.word} {quoted(self.part)}"

    def value(self, properties: Properties) -> Typed:
        found = self.operand.value(properties)
        if found is None or not self.part:
            return ("boolean", False)
        whole = str(found[1])
        pattern = {"CONTAINS": ".*{}.*", "STARTSWITH": "{}.*", "ENDSWITH": ".*{}"}[self.word]
        holds = re.fullmatch(pattern.format(re.escape(self.part)), whole, re.DOTALL) is not None
        return ("boolean", holds is not self.negated)


@dataclass(frozen=True)
class NullTest:
    operand: Condition | Name
    negated: bool

    def text(self) -> str:
        return f"({self.operand.text()}) IS {'NOT ' if self.negated else ''}NULL"

    def value(self, properties: Properties) -> Typed:
        return ("boolean", (self.operand.value(properties) is None) is not self.negated)


@dataclass(frozen=True)
class Not:
    operand: Condition

    def text(self) -> str:
        return f"NOT ({self.operand.text()})"

    def value(self, properties: Properties) -> Typed:
        found = self.operand.value(properties)
        return None if found is None else ("boolean", found[1] is False)


@dataclass(frozen=True)
class Logic:
    word: Literal["AND", "OR"]
    operands: tuple[Condition, ...]

    def text(self) -> str:
        return f" {self.word} ".join(f"({operand.text()})" for operand in self.operands)

    def value(self, properties: Properties) -> Typed:
        result: Typed = ("boolean", self.word == "AND")
        for operand in self.operands:
            found = operand.value(properties)
            if found is not None and found[1] is (self.word == "OR"):
                return found
            result = None if found is None else result
        return result


Condition: TypeAlias = Comparison | Between | Membership | TextTest | NullTest | Not | Logic | Constant


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def numbers(left: tuple[str, object], right: tuple[str, object]) -> tuple[Fraction, Fraction]:
    """Both as exact numbers, a text read as the type of the other; doubles are rounded first."""
    if left[0] == "text":
        left = parsed(right[0], left)
    if right[0] == "text":
        right = parsed(left[0], right)
    if "double" in (left[0], right[0]):
        return Fraction(float(str(left[1]))), Fraction(float(str(right[1])))
    return Fraction(str(left[1])), Fraction(str(right[1]))


def parsed(kind: str, typed: tuple[str, object]) -> tuple[str, object]:
    text = str(typed[1])
    if kind == "double":
        if re.fullmatch(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*", text, re.ASCII) is None:
            raise Spoilt
        return (kind, float(text))
    bits = 32 if kind == "int" else 64
    if re.fullmatch(r"[+-]?\d+", text, re.ASCII) is None or not -(2 ** (bits - 1)) <= int(text) < 2 ** (
        bits - 1
    ):
        raise Spoilt
    return (kind, int(text))
