"""The topics of one broker: their settings, the rules for their names, and how a send makes one."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from pyrocketmq.model.enums import ResponseCode
from pyrocketmq.model.flags import Perm
from pyrocketmq.model.names import DLQ_PREFIX, RETRY_PREFIX
from pyrocketmq.server.call import Refused
from pyrocketmq.server.concern import Concern

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyrocketmq.server.broker import Broker

__all__ = ["TEMPLATE_TOPIC", "TopicSettings", "TopicTable", "check_topic_name"]

TEMPLATE_TOPIC: Final = "TBW102"
"""The topic whose settings those of automatically made topics come from."""
MAX_TOPIC_LENGTH: Final = 127

READ_WRITE: Final = 6
_INHERIT: Final = Perm.INHERIT.value
_NAME: Final = re.compile(r"[%|a-zA-Z0-9_-]+")

# What a 5.5.0 broker refuses to take from a producer.
_NOT_SENT_TO: Final = frozenset((
    "OFFSET_MOVED_EVENT",
    "RMQ_SYS_TRANS_HALF_TOPIC",
    "RMQ_SYS_TRANS_OP_HALF_TOPIC",
    "SCHEDULE_TOPIC_XXXX",
    "SELF_TEST_TOPIC",
    "TRANS_CHECK_MAX_TIME_TOPIC",
))  # fmt: skip


def check_topic_name(topic: str) -> None:
    """Refuse a name that no topic can have."""
    what = None
    if not topic.strip():
        what = "The specified topic is blank."
    elif not _NAME.fullmatch(topic):
        what = f"The specified topic: {topic}, contains illegal characters, allowing only ^[%|a-zA-Z0-9_-]+$"
    elif len(topic) > MAX_TOPIC_LENGTH:
        what = f"The specified topic: {topic}, is longer than topic max length: {MAX_TOPIC_LENGTH}"
    if what is not None:
        raise Refused(ResponseCode.INVALID_PARAMETER, what)


@dataclass(frozen=True, slots=True)
class TopicSettings:
    """One topic; ``perm`` is 4 read + 2 write + 1 inherit."""

    name: str
    read_queues: int = 8
    write_queues: int = 8
    perm: int = READ_WRITE
    sys_flag: int = 0
    order: bool = False
    filter_type: str = "SINGLE_TAG"
    attributes: dict[str, str] = field(default_factory=dict[str, str])

    def __str__(self) -> str:
        rights = "".join(
            [
                letter if self.perm & bit.value else "-"
                for letter, bit in (("R", Perm.READ), ("W", Perm.WRITE), ("X", Perm.INHERIT))
            ]
        )
        attributes = ", ".join([f"{name}={value}" for name, value in self.attributes.items()])
        return (
            f"TopicConfig [topicName={self.name}, readQueueNums={self.read_queues}, "
            f"writeQueueNums={self.write_queues}, perm={rights}, topicFilterType={self.filter_type}, "
            f"topicSysFlag={self.sys_flag}, order={str(self.order).lower()}, attributes={{{attributes}}}]"
        )

    @property
    def is_readable(self) -> bool:
        """Whether consumers may read it."""
        return bool(self.perm & Perm.READ.value)

    @property
    def is_plain(self) -> bool:
        """Whether messages may be sent to it that are nothing special to a broker."""
        return self.name not in _NOT_SENT_TO and not self.name.startswith("%")

    @property
    def queue_limit(self) -> int:
        """Queue ids are below this."""
        return max(self.read_queues, self.write_queues)


class TopicTable(Concern):
    """The topics, saved whenever they change."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._state = broker.state("topics")
        self._topics: dict[str, TopicSettings] = {}
        self.watchers: list[Callable[[str], object]] = []
        """Called with the name of a topic that is made, changed or deleted."""
        for name, values in self._state.load().items():
            self._topics[name] = _from_state(name, values)
        queues = broker.config.default_queues
        # As a 5.5.0 broker has them from its first start.
        for made in (
            TopicSettings(TEMPLATE_TOPIC, queues, queues, READ_WRITE | _INHERIT),
            TopicSettings("BenchmarkTest", 1024, 1024),
            TopicSettings("SELF_TEST_TOPIC", 1, 1),
            TopicSettings("OFFSET_MOVED_EVENT", 1, 1),
            TopicSettings("RMQ_SYS_TRANS_HALF_TOPIC", 1, 1),
            TopicSettings("RMQ_SYS_TRANS_OP_HALF_TOPIC", 1, 1),
            TopicSettings("SCHEDULE_TOPIC_XXXX", 18, 18),
            TopicSettings("TRANS_CHECK_MAX_TIME_TOPIC", 1, 1),
            TopicSettings(broker.config.cluster, 16, 16, READ_WRITE | _INHERIT),
            TopicSettings(broker.name, 1, 1, READ_WRITE | _INHERIT),
            TopicSettings(f"{broker.config.cluster}_REPLY_TOPIC", 1, 1),
            TopicSettings("rmq_sys_wheel_timer", 1, 1),
            TopicSettings(f"rmq_sys_REVIVE_LOG_{broker.config.cluster}", 8, 8),
        ):
            self._topics.setdefault(made.name, made)

    def __contains__(self, name: str) -> bool:
        return name in self._topics

    def all(self) -> list[TopicSettings]:
        """All topics, those of the broker itself included."""
        return list(self._topics.values())

    def get(self, name: str) -> TopicSettings | None:
        """The topic, or None."""
        return self._topics.get(name)

    def require(self, name: str) -> TopicSettings:
        """The topic; 17 if there is none."""
        settings = self._topics.get(name)
        if settings is None:
            raise Refused(ResponseCode.TOPIC_NOT_EXIST, f"topic[{name}] not exist, apply first please!")
        return settings

    def put(self, settings: TopicSettings) -> None:
        """Make a topic, or change one."""
        if self._topics.get(settings.name) != settings:
            self._topics[settings.name] = settings
            self._changed(settings.name)

    def ensure(self, name: str, queues: int = 1, perm: int = READ_WRITE) -> TopicSettings:
        """A topic of the broker's own, such as those for retries; made if it is not there."""
        settings = self._topics.get(name)
        if settings is None:
            settings = TopicSettings(name, queues, queues, perm)
            self.put(settings)
        return settings

    def delete(self, name: str) -> bool:
        """Forget a topic and its messages; False if there was none."""
        if self._topics.pop(name, None) is None:
            return False
        self._broker.store.drop_topic(name)
        self._changed(name)
        return True

    def for_send(self, name: str, template: str | None, queues: int) -> TopicSettings:
        """The topic of a send, made from the template if need be.

        Raises:
            Refused: the name cannot be sent to, or there is no such topic and none may be made.
        """
        settings = self._topics.get(name)
        if settings is None:
            check_topic_name(name)
        if name in _NOT_SENT_TO:
            raise Refused(ResponseCode.NO_PERMISSION, f"Sending message to topic[{name}] is forbidden.")
        if settings is None:
            settings = self._auto_create(name, template, queues)
        return settings

    def _auto_create(self, name: str, template: str | None, queues: int) -> TopicSettings:
        if name.startswith((RETRY_PREFIX, DLQ_PREFIX)):
            return self.ensure(name)
        model = self._topics.get(template or "")
        if not self._broker.config.auto_create_topics or model is None or not model.perm & _INHERIT:
            return self.require(name)
        count = min(queues, model.write_queues)
        if count <= 0:
            return self.require(name)
        made = replace(model, name=name, read_queues=count, write_queues=count, perm=model.perm & ~_INHERIT)
        self.put(made)
        return made

    def _changed(self, name: str) -> None:
        for watcher in self.watchers:
            watcher(name)
        self._save()

    def _save(self) -> None:
        self._state.save({name: asdict(settings) for name, settings in self._topics.items()})


def _from_state(name: str, values: dict[str, Any]) -> TopicSettings:
    known: dict[str, Any] = {
        key: values[key] for key in TopicSettings.__dataclass_fields__ if key in values and key != "name"
    }
    return TopicSettings(name, **known)
