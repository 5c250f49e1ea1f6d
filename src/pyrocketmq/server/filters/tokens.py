"""Cuts an SQL92 condition into words, numbers, texts and signs, and words the errors about them."""

from __future__ import annotations

import re
from typing import Final, Literal, NamedTuple, TypeAlias

from pyrocketmq.errors import SubscriptionParseError

__all__ = ["MAX_LENGTH", "Token", "TokenKind", "refusal", "tokenize"]

MAX_LENGTH: Final = 65_536
"""Characters that a condition may have; a bound of this package, Apache RocketMQ has none."""

TokenKind: TypeAlias = Literal["word", "property", "whole", "decimal", "text", "sign", "end"]

_KEYWORDS: Final = frozenset(
    "NOT AND OR BETWEEN IN TRUE FALSE NULL IS CONTAINS STARTSWITH ENDSWITH".split()  # noqa: SIM905
)
_EXPONENT: Final = r"(?:[eE][+-]?[0-9]+)"
_TOKEN: Final = re.compile(
    rf"""(?P<blank>[ \t\n\r\f]+ | --[^\n\r]* | /\*.*?\*/)
    | (?P<decimal>[0-9]+\.[0-9]*{_EXPONENT}? | \.[0-9]+{_EXPONENT}? | [0-9]+{_EXPONENT})
    | (?P<whole>[0-9]+[lL]?)
    | (?P<text>'(?:''|[^'])*')
    | (?P<name>[A-Za-z_$][A-Za-z0-9_$]*)
    | (?P<sign><>|>=|<=|[=<>(),+-])
    """,
    re.VERBOSE | re.DOTALL,
)
_SHOWN_BEFORE: Final = 12
_SHOWN_LENGTH: Final = 40


class Token(NamedTuple):
    """One piece: a keyword in capitals (kind ``word``), a property, a constant, a sign, or the end."""

    kind: TokenKind
    text: str
    at: int

    def __str__(self) -> str:
        return "the end" if self.kind == "end" else repr(self.text)


def refusal(condition: str, at: int, what: str, advice: str | None = None) -> SubscriptionParseError:
    """An error about the character at the index ``at``, with the text around it."""
    begin = max(0, at - _SHOWN_BEFORE)
    near = condition[begin : begin + _SHOWN_LENGTH]
    place = f", near {near!r}" if near else ""
    return SubscriptionParseError(
        f"SQL92 condition, character {at + 1}{place}: {what}",
        field="expression",
        advice=advice,
        position=at + 1,
    )


def tokenize(condition: str) -> list[Token]:
    """The tokens of a condition, the end as the last of them.

    Raises:
        SubscriptionParseError: the condition is too long, or a character begins no token.
    """
    if len(condition) > MAX_LENGTH:
        raise SubscriptionParseError(
            f"the SQL92 condition has {len(condition):,} characters, the limit is {MAX_LENGTH:,}",
            field="expression",
            advice="shorten it, for example by a property that the sender computes",
        )
    tokens: list[Token] = []
    at = 0
    while at < len(condition):
        match = _TOKEN.match(condition, at)
        if match is None:
            raise _no_token(condition, at)
        if match.lastgroup != "blank":
            tokens.append(_token(condition, match))
        at = match.end()
    tokens.append(Token("end", "", len(condition)))
    return tokens


def _token(condition: str, match: re.Match[str]) -> Token:
    found, at = match[0], match.start()
    if match["name"]:
        upper = found.upper()
        return Token("word", upper, at) if upper in _KEYWORDS else Token("property", found, at)
    if match["text"]:
        return Token("text", found[1:-1].replace("''", "'"), at)
    if match["whole"]:
        if found[0] == "0" and len(found) > 1:
            raise refusal(condition, at, f"a whole number may not begin with 0: {found!r}", "leave the 0 out")
        return Token("whole", found.rstrip("lL"), at)
    return Token("decimal" if match["decimal"] else "sign", found, at)


def _no_token(condition: str, at: int) -> SubscriptionParseError:
    sign = condition[at]
    if sign == "'":
        return refusal(condition, at, "a text begins here and has no closing quote", "close it with '")
    if condition.startswith("/*", at):
        return refusal(condition, at, "a comment begins here and has no end", "close it with */")
    advice = None
    if sign == '"':
        advice = "write texts in single quotes, as in 'new'"
    elif sign == "!":
        advice = "write <> for unequal, and NOT for the opposite"
    elif sign in "*/%":
        advice = "conditions compare; they cannot calculate"
    elif sign in "&|":
        advice = "write AND and OR"
    return refusal(condition, at, f"{sign!r} has no meaning here", advice)
