"""A small JSON reader as tolerant as Java's: strings in single quotes are fine, unquoted keys are not."""

from __future__ import annotations

import re
from typing import NamedTuple

from .refusal import RefusedError

SPACES = " \t\r\n"
NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?", re.ASCII)
ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", '"': '"', "'": "'", "\\": "\\", "/": "/"}
MAX_DEPTH = 63


class Number(NamedTuple):
    """A number as it was written."""

    text: str


class Nested(NamedTuple):
    """An object or a list as it was written; ``members`` are those of an object, in order."""

    text: str
    members: list[tuple[str, Value]] | None


Value = str | bool | None | Number | Nested


class JsonReader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def refuse(self, what: str) -> RefusedError:
        return RefusedError("deserialization", "header", f"{what} at {self.at}")

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def skip_spaces(self) -> None:
        while self.peek() and self.peek() in SPACES:
            self.at += 1

    def expect(self, mark: str) -> None:
        self.skip_spaces()
        if self.peek() != mark:
            raise self.refuse(f"{mark!r} expected")
        self.at += 1

    def document(self) -> list[tuple[str, Value]]:
        """The members of the object that the whole text is; a comma may stand before its closing brace."""
        self.skip_spaces()
        members = self.members(0, may_end_in_comma=True)
        self.skip_spaces()
        if self.at != len(self.text):
            raise self.refuse("text after the end")
        return members

    def value(self, depth: int) -> Value:
        self.skip_spaces()
        mark = self.peek()
        if mark and mark in "\"'":
            return self.string()
        if mark and mark in "{[":
            if depth > MAX_DEPTH:
                raise self.refuse("nested too deep")
            start = self.at
            members = None
            if mark == "{":
                members = self.members(depth)
            else:
                self.items(depth)
            return Nested(self.text[start : self.at], members)
        for word, meaning in (("true", True), ("false", False), ("null", None)):
            if self.text.startswith(word, self.at):
                self.at += len(word)
                return meaning
        found = NUMBER.match(self.text, self.at)
        if not found:
            raise self.refuse("value expected")
        self.at = found.end()
        return Number(found.group())

    def string(self) -> str:
        quote_mark = self.peek()
        self.at += 1
        pieces = []
        while True:
            mark = self.peek()
            if not mark or mark < " ":
                raise self.refuse("string not closed")
            self.at += 1
            if mark == quote_mark:
                break
            pieces.append(self.escape() if mark == "\\" else mark)
        # Two escaped halves make one character; a half that stays alone is no character.
        joined = "".join(pieces).encode("utf-16-be", "surrogatepass")
        try:
            return joined.decode("utf-16-be")
        except UnicodeDecodeError:
            raise self.refuse("half of a surrogate pair") from None

    def escape(self) -> str:
        letter = self.peek()
        self.at += 1
        if letter in ESCAPES:
            return ESCAPES[letter]
        digits = self.text[self.at : self.at + 4]
        if letter != "u" or not re.fullmatch("[0-9A-Fa-f]{4}", digits, re.ASCII):
            raise self.refuse("unknown escape")
        self.at += 4
        return chr(int(digits, 16))

    def members(self, depth: int, *, may_end_in_comma: bool = False) -> list[tuple[str, Value]]:
        self.expect("{")
        found: list[tuple[str, Value]] = []
        self.skip_spaces()
        closes = self.peek() == "}"
        while not closes:
            self.skip_spaces()
            if not self.peek() or self.peek() not in "\"'":
                raise self.refuse("quoted key expected")
            key = self.string()
            self.expect(":")
            found.append((key, self.value(depth + 1)))
            self.skip_spaces()
            closes = self.peek() == "}"
            if not closes:
                self.expect(",")
                self.skip_spaces()
                closes = may_end_in_comma and self.peek() == "}"
        self.at += 1
        return found

    def items(self, depth: int) -> None:
        self.expect("[")
        self.skip_spaces()
        closes = self.peek() == "]"
        while not closes:
            self.value(depth + 1)
            self.skip_spaces()
            closes = self.peek() == "]"
            if not closes:
                self.expect(",")
        self.at += 1
