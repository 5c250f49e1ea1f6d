"""Attributes of topics: how they change, and what is refused in the words of 5.5.0."""

from __future__ import annotations

import pytest

from pyrocketmq.server.call import Refused
from pyrocketmq.server.topic_attributes import changed_attributes


@pytest.mark.parametrize(
    ("former", "change", "attributes"),
    [
        (None, "", {}),
        (None, "+message.type=FIFO", {"message.type": "FIFO"}),
        (None, "+message.type=FIFO,+reserve.time=-1", {"message.type": "FIFO", "reserve.time": "-1"}),
        ({"message.type": "FIFO"}, "", {"message.type": "FIFO"}),
        ({"message.type": "FIFO"}, "+message.type=DELAY", {"message.type": "DELAY"}),
        ({"message.type": "FIFO", "reserve.time": "5"}, "-reserve.time", {"message.type": "FIFO"}),
    ],
)
def test_attributes_change_as_asked(
    former: dict[str, str] | None, change: str, attributes: dict[str, str]
) -> None:
    assert attributes == changed_attributes(former, change)


@pytest.mark.parametrize(
    ("former", "change", "remark"),
    [
        (None, "+bogus=1", "unsupported key: bogus"),
        (None, "-message.type", "only add attribute is supported while creating topic. key: message.type"),
        (None, "message.type=FIFO", "add/alter attribute format is wrong: message.type"),
        (None, "message.type", "delete attribute format is wrong: message.type"),
        (None, "+=1", "kv string format wrong."),
        (None, "+message.type=FIFO,+message.type=DELAY", "alter duplication key. key: message.type"),
        (None, "+message.type=ODD", "value is not in set"),
        (None, "+reserve.time=soon", 'For input string: "soon"'),
        (None, "+reserve.time=-2", "value is not in range"),
        ({}, "-message.type", "attempt to delete a nonexistent key: message.type"),
        ({}, "+queue.type=BatchCQ", "attempt to update an unchangeable attribute. key: queue.type"),
    ],
)
def test_a_change_that_is_not_allowed_is_refused(
    former: dict[str, str] | None, change: str, remark: str
) -> None:
    with pytest.raises(Refused) as refused:
        changed_attributes(former, change)

    assert 1 == refused.value.code
    assert remark in refused.value.remark
