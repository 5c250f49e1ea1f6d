"""What a client says about its producers and consumers: groups, subscriptions, models.

These are parts of the heartbeat and of several answers. Nothing here knows when they are sent.
"""

from __future__ import annotations

from typing import Final, Self

from pyrocketmq._native.queuehash import java_hash
from pyrocketmq.errors import InvalidMessageError
from pyrocketmq.model._declared import wire
from pyrocketmq.model.enums import ConsumeFromWhere, ConsumeType, MessageModel
from pyrocketmq.model.json_body import JsonBody

__all__ = ["SUBSCRIBE_ALL", "ConsumerData", "ProducerData", "SubscriptionData"]

SUBSCRIBE_ALL: Final = "*"
"""The tag expression that takes every message."""

# What String.trim() of Java removes; str.strip() would also remove other Unicode blanks.
_JAVA_BLANKS: Final = "".join(map(chr, range(0x21)))


class SubscriptionData(JsonBody):
    """What a group wants of one topic; ``build`` makes it from an expression.

    Args:
        topic: the topic; an old answer may leave it out.
        sub_string: the expression as the user wrote it.
        tags_set: the tags of a tag expression, each once; none = all.
        code_set: Java hashes of these tags, what a broker compares first.
        sub_version: milliseconds; a broker keeps the newest.
        expression_type: TAG or SQL92.
        class_filter_mode: historic.
    """

    topic: str | None = None
    sub_string: str | None = None
    tags_set: list[str] = wire(default_factory=list[str])
    code_set: list[int] = wire(default_factory=list[int])
    sub_version: int = 0
    expression_type: str | None = "TAG"
    class_filter_mode: bool = False

    @classmethod
    def build(
        cls, topic: str, expression: str | None = None, expression_type: str = "TAG", *, version: int = 0
    ) -> Self:
        """A subscription from an expression, with the tags found as the Java client finds them.

        Args:
            topic: the topic.
            expression: for TAG: ``*``, or tags with ``||`` between them; None and "" mean ``*``.
                For SQL92: the condition.
            expression_type: TAG or SQL92.
            version: the ``sub_version``.

        Raises:
            InvalidMessageError: the expression has no tag, or is an empty condition.
        """
        if expression_type != "TAG":
            if not expression:
                raise InvalidMessageError(
                    f"the {expression_type} condition for topic {topic!r} is empty",
                    field="expression",
                    advice="Write a condition, or subscribe with the tag expression '*'.",
                )
            return cls(topic, expression, expression_type=expression_type, sub_version=version)
        if not expression or expression == SUBSCRIBE_ALL:
            return cls(topic, SUBSCRIBE_ALL, sub_version=version)
        pieces = expression.split("||")
        if not any(pieces):
            raise InvalidMessageError(
                f"the tag expression {expression!r} for topic {topic!r} has no tag",
                field="expression",
                advice="Write tags with || between them, as in 'new || paid', or '*' for all.",
            )
        trimmed = [piece.strip(_JAVA_BLANKS) for piece in pieces]
        tags = list(dict.fromkeys([tag for tag in trimmed if tag]))
        codes = list(dict.fromkeys([java_hash(tag) for tag in tags]))
        return cls(topic, expression, tags, codes, sub_version=version)


class ProducerData(JsonBody):
    """One producer group of a client."""

    group_name: str


class ConsumerData(JsonBody):
    """One consumer group of a client; the three choices are names, so that newer ones can be read too."""

    group_name: str
    consume_type: str | None = ConsumeType.CONSUME_PASSIVELY
    message_model: str | None = MessageModel.CLUSTERING
    consume_from_where: str | None = ConsumeFromWhere.CONSUME_FROM_LAST_OFFSET
    subscription_data_set: list[SubscriptionData] = wire(default_factory=list[SubscriptionData])
    unit_mode: bool = False
