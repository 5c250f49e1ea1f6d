"""Reads SQL92 conditions and compiles them: recursive descent over tokens, closures out.

The grammar is that of RocketMQ 5.5.0, from the weakest binding to the strongest::

    condition  = and {OR and}
    and        = equality {AND equality}
    equality   = comparison {("=" | "<>") comparison | IS [NOT] NULL}
    comparison = unary {(">" | ">=" | "<" | "<=") unary | [NOT] BETWEEN unary AND unary
                        | [NOT] IN "(" text {"," text} ")" | [NOT] (CONTAINS | STARTSWITH | ENDSWITH) text}
    unary      = ("+" | "-" | NOT) unary | primary
    primary    = text | number | TRUE | FALSE | NULL | property | "(" condition ")"

NOT binds more tightly than comparisons, so ``NOT a = 'x'`` negates ``a`` alone; write ``NOT (a = 'x')``.
Comments are ``/* so */`` or ``-- so`` to the end of the line. One thing is stricter than there: text behind a
complete condition is refused and not passed over in silence.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final, ParamSpec, TypeVar, cast

from pyrocketmq.server.filters import terms
from pyrocketmq.server.filters.java_numbers import LONG_MAX
from pyrocketmq.server.filters.terms import Refused, Sign, Term, TextTest, Undecided
from pyrocketmq.server.filters.tokens import Token, refusal, tokenize

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pyrocketmq.errors import SubscriptionParseError

__all__ = ["MAX_DEPTH", "compile_sql"]

MAX_DEPTH: Final = 32
"""Conditions may be nested this deep; lists, and chains of AND or OR, count as one level."""

_ORDERS: Final = frozenset([">", ">=", "<", "<="])
_TEXT_TESTS: Final = frozenset(["CONTAINS", "STARTSWITH", "ENDSWITH"])
_VALUE: Final = "a property, a number, a text in single quotes, TRUE, FALSE, NULL, NOT or '('"
_MIN_DOUBLE: Final = 5e-324

_CONSTANTS: Final = {
    "TRUE": lambda: terms.boolean_constant(True),  # noqa: FBT003
    "FALSE": lambda: terms.boolean_constant(False),  # noqa: FBT003
    "NULL": terms.null_constant,
}

_P = ParamSpec("_P")
_T = TypeVar("_T")


def compile_sql(condition: str) -> Callable[[Mapping[str, str]], bool]:
    """The predicate of an SQL92 condition over the properties of a message.

    It is true only where the condition is: unknown is not enough, nor are values that cannot be compared.

    Raises:
        SubscriptionParseError: the condition cannot be read; ``position`` is the character at fault.
    """
    evaluate = _Parser(condition).parse().evaluate

    def predicate(properties: Mapping[str, str]) -> bool:
        try:
            return evaluate(properties) is True
        except Undecided:
            return False

    return predicate


class _Parser:
    def __init__(self, condition: str) -> None:
        self._condition = condition
        self._tokens = tokenize(condition)
        self._next = 0
        self._depth = 0

    def parse(self) -> Term:
        """The whole condition."""
        if len(self._tokens) == 1:
            raise self._refused(self._token, "the condition is empty", "write one, as in a > 1 AND b = 'x'")
        term = self._condition_term()
        if self._token.kind != "end":
            raise self._expected("an operator, AND, OR or the end")
        return self._built(self._tokens[0], terms.as_boolean, term)

    @property
    def _token(self) -> Token:
        return self._tokens[self._next]

    def _take(self, *texts: str) -> Token | None:
        """The next token if it is one of these keywords or signs."""
        token = self._token
        if token.kind in ("word", "sign") and token.text in texts:
            self._next += 1
            return token
        return None

    def _need(self, *texts: str) -> Token:
        token = self._take(*texts)
        if token is None:
            raise self._expected(" or ".join(repr(text) if text in "()," else text for text in texts))
        return token

    def _text(self) -> str:
        token = self._token
        if token.kind != "text":
            raise self._expected("a text in single quotes")
        self._next += 1
        return token.text

    def _refused(self, token: Token, what: str, advice: str | None = None) -> SubscriptionParseError:
        return refusal(self._condition, token.at, what, advice)

    def _expected(self, what: str) -> SubscriptionParseError:
        return self._refused(self._token, f"expected {what}, found {self._token}")

    def _built(self, token: Token, build: Callable[_P, Term], *args: _P.args, **kwargs: _P.kwargs) -> Term:
        """A term, or an error at the token that asked for it."""
        try:
            term = build(*args, **kwargs)
        except Refused as error:
            raise self._refused(token, str(error)) from None
        self._check_depth(term.depth, token)
        return term

    def _check_depth(self, depth: int, token: Token) -> None:
        if depth > MAX_DEPTH:
            raise self._refused(
                token, f"more than {MAX_DEPTH} levels of nesting", "take parentheses, NOT and signs apart"
            )

    def _condition_term(self) -> Term:
        return self._chain("OR", self._and_term, any_of=True)

    def _and_term(self) -> Term:
        return self._chain("AND", self._equality, any_of=False)

    def _chain(self, word: str, operand: Callable[[], Term], *, any_of: bool) -> Term:
        first = self._token
        operands = [operand()]
        token = self._take(word)
        if token is None:
            return operands[0]
        operands = [self._built(first, terms.as_boolean, operands[0])]
        while True:
            begin = self._token
            operands.append(self._built(begin, terms.as_boolean, operand()))
            if self._take(word) is None:
                return self._built(token, terms.combine, operands, any_of=any_of)

    def _equality(self) -> Term:
        left = self._comparison()
        while (token := self._take("=", "<>", "IS")) is not None:
            if token.text == "IS":
                negated = self._take("NOT")
                self._need("NULL")
                left = self._built(token, terms.is_null, left)
                if negated:
                    left = self._built(token, terms.not_, left)
                continue
            right = self._comparison()
            left = self._built(token, terms.equal, left, right)
            if token.text == "<>":
                left = self._built(token, terms.not_, left)
        return left

    def _comparison(self) -> Term:
        left = self._unary()
        while True:
            token = self._token
            if token.kind == "sign" and token.text in _ORDERS:
                self._next += 1
                right = self._unary()
                left = self._built(token, terms.order, cast("Sign", token.text), left, right)
            elif token.kind == "word" and token.text in ("NOT", "BETWEEN", "IN", *_TEXT_TESTS):
                left = self._worded(left)
            else:
                return left

    def _worded(self, left: Term) -> Term:
        """What follows a value: [NOT] BETWEEN, IN, CONTAINS, STARTSWITH or ENDSWITH."""
        wanted = self._take("NOT") is None
        token = self._need("BETWEEN", "IN", "CONTAINS", "STARTSWITH", "ENDSWITH")
        if token.text == "BETWEEN":
            low = self._unary()
            self._need("AND")
            high = self._unary()
            return self._built(token, terms.between, left, low, high, inside=wanted)
        if token.text == "IN":
            self._need("(")
            texts = [self._text()]
            while self._need(",", ")").text == ",":
                texts.append(self._text())
            return self._built(token, terms.in_texts, left, texts, inside=wanted)
        text = self._text()
        test = cast("TextTest", token.text)
        return self._built(token, terms.matches_text, test, left, text, wanted=wanted)

    def _unary(self) -> Term:
        token = self._take("+", "-", "NOT")
        if token is None:
            return self._primary()
        operand = self._nested(token, self._unary)
        if token.text == "+":
            return operand
        return self._built(token, terms.negate if token.text == "-" else terms.not_, operand)

    def _nested(self, token: Token, read: Callable[[], _T]) -> _T:
        """What ``read`` reads one level deeper; the bound also protects the parser's own stack."""
        self._depth += 1
        self._check_depth(self._depth, token)
        found = read()
        self._depth -= 1
        return found

    def _primary(self) -> Term:
        token = self._token
        if token.kind == "sign" and self._take("("):
            term = self._nested(token, self._condition_term)
            self._need(")")
            return term
        if token.kind in ("sign", "end") or (token.kind == "word" and token.text not in _CONSTANTS):
            raise self._expected(_VALUE)
        self._next += 1
        match token.kind:
            case "property":
                return terms.property_term(sys.intern(token.text))
            case "text":
                return terms.text_constant(token.text)
            case "whole":
                return terms.whole_constant(self._whole(token))
            case "decimal":
                return terms.decimal_constant(self._decimal(token))
            case _:
                return _CONSTANTS[token.text]()

    def _whole(self, token: Token) -> int:
        # Longer texts are out of range for sure, and slow to convert.
        number = int(token.text) if len(token.text) <= len(str(LONG_MAX)) else LONG_MAX + 1
        if number > LONG_MAX:
            raise self._refused(token, f"{token} is over the largest whole number, {LONG_MAX}")
        return number

    def _decimal(self, token: Token) -> float:
        number = float(token.text)
        if not _MIN_DOUBLE <= number < float("inf"):
            raise self._refused(
                token,
                f"{token} is outside of the range of a Double constant, 4.9e-324 to 1.8e308",
                "write 0 without a point" if number == 0 else None,
            )
        return number
