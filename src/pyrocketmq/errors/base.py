"""The root of the tree: what every error carries, and how it is printed and pickled."""

from __future__ import annotations

from typing import Any, ClassVar


class RocketMQError(Exception):
    """Root of all errors of this package.

    Args:
        what: what failed, with the real value, size or kind and the limit.
        field: the field, setting or argument at fault, if it is one.
        likely: the probable cause, where it is not in ``what`` already.
        advice: what to do next.
    """

    code: ClassVar[str] = "X000"
    retryable: bool = False
    maybe_sent: bool = False

    def __init__(
        self, what: str, *, field: str | None = None, likely: str | None = None, advice: str | None = None
    ) -> None:
        self.what = what
        self.field = field
        self.likely = likely
        self.advice = advice
        super().__init__(what)

    def __str__(self) -> str:
        lines = [f"[{self.code}] {self.what}"]
        if self.likely:
            lines.append(f"  Likely: {self.likely}")
        if self.advice:
            lines.append(f"  Try:    {self.advice}")
        return "\n".join(lines)

    def __reduce__(self) -> tuple[Any, ...]:
        # The default would call the class with ``args`` alone and lose the keyword fields.
        return (_rebuild, (type(self), self.args, self.__dict__))


def _rebuild(cls: type[RocketMQError], args: tuple[object, ...], state: dict[str, object]) -> RocketMQError:
    error = cls.__new__(cls, *args)
    error.__dict__.update(state)
    return error
