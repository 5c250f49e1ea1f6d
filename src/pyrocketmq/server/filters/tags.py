"""The tag filter: ``new || paid`` takes messages with one of these tags, ``*`` takes all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self

from pyrocketmq.errors import InvalidMessageError, SubscriptionParseError
from pyrocketmq.model.producer_consumer import SubscriptionData

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

__all__ = ["TagFilter"]

_TAGS: Final = "TAGS"


class TagFilter:
    """Takes messages by their tag; without tags it takes every message.

    ``matches_code`` is the quick check on the code of a queue entry. Different tags may share a code, so what
    it lets through still has to pass the filter itself.
    """

    __slots__ = ("_codes", "_tags")

    def __init__(self, tags: Collection[str] = (), codes: Collection[int] = ()) -> None:
        self._tags = frozenset(tags)
        self._codes = frozenset(codes)

    @classmethod
    def parse(cls, expression: str | None) -> Self:
        """The filter of a tag expression; None, an empty one and ``*`` take every message.

        Raises:
            SubscriptionParseError: there are only separators in it.
        """
        try:
            data = SubscriptionData.build("any", expression)
        except InvalidMessageError as error:
            raise SubscriptionParseError(
                f"the tag expression {expression!r} has no tag", field="expression", advice=error.advice
            ) from error
        return cls(data.tags_set, data.code_set)

    @property
    def tags(self) -> frozenset[str]:
        """The tags that are taken; none means all messages are."""
        return self._tags

    def matches_code(self, code: int) -> bool:
        """Whether a message with this tags code can match."""
        return not self._tags or code in self._codes

    def __call__(self, properties: Mapping[str, str]) -> bool:
        """Whether the message with these properties is taken."""
        return not self._tags or properties.get(_TAGS) in self._tags
