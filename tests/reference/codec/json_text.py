"""A small JSON reader as tolerant as Java's: strings in single quotes are fine, unquoted keys are not."""

from __future__ import annotations

import json
import re
from typing import NamedTuple

from .refusal import RefusedError

SPACES = " \t\r\n"
NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?", re.ASCII)
ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", '"': '"', "'": "'", "\\": "\\", "/": "/"}


class Number(NamedTuple):
    """A number as it was written."""

    text: str


Value = str | bool | None | Number | dict[str, "Value"] | list["Value"]


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

    def document(self) -> Value:
        value = self.value()
        self.skip_spaces()
        if self.at != len(self.text):
            raise self.refuse("text after the end")
        return value

    def value(self) -> Value:
        self.skip_spaces()
        mark = self.peek()
        if mark and mark in "\"'":
            return self.string()
        if mark == "{":
            return self.object()
        if mark == "[":
            return self.array()
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
        quote = self.peek()
        self.at += 1
        pieces = []
        while True:
            mark = self.peek()
            if not mark or mark < " ":
                raise self.refuse("string not closed")
            self.at += 1
            if mark == quote:
                break
            if mark == "\\":
                mark = self.escape()
            pieces.append(mark)
        # Two escaped halves make one character; what cannot be joined stays alone.
        return "".join(pieces).encode("utf-16-be", "surrogatepass").decode("utf-16-be", "surrogatepass")

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

    def object(self) -> dict[str, Value]:
        self.expect("{")
        members: dict[str, Value] = {}
        self.skip_spaces()
        if self.peek() == "}":
            self.at += 1
            return members
        while True:
            self.skip_spaces()
            if not self.peek() or self.peek() not in "\"'":
                raise self.refuse("quoted key expected")
            key = self.string()
            self.expect(":")
            members[key] = self.value()
            self.skip_spaces()
            if self.peek() == "}":
                self.at += 1
                return members
            self.expect(",")

    def array(self) -> list[Value]:
        self.expect("[")
        items: list[Value] = []
        self.skip_spaces()
        if self.peek() == "]":
            self.at += 1
            return items
        while True:
            items.append(self.value())
            self.skip_spaces()
            if self.peek() == "]":
                self.at += 1
                return items
            self.expect(",")


def quote(text: str) -> str:
    """A JSON string with raw non-ASCII characters."""
    return json.dumps(text, ensure_ascii=False)
