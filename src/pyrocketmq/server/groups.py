"""The settings of consumer groups: made when a group is first seen, changed by tools, saved."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from pyrocketmq.model.enums import RequestCode, ResponseCode
from pyrocketmq.model.group_data import (
    GroupRetryPolicy,
    SubscriptionGroupConfig,
    SubscriptionGroupList,
    SubscriptionGroupWrapper,
)
from pyrocketmq.model.headers import (
    DeleteSubscriptionGroupRequestHeader,
    GetAllSubscriptionGroupRequestHeader,
    GetAllSubscriptionGroupResponseHeader,
    GetSubscriptionGroupConfigRequestHeader,
)
from pyrocketmq.model.names import retry_topic
from pyrocketmq.model.result_data import DataVersion
from pyrocketmq.server.call import Refused
from pyrocketmq.server.concern import Concern
from pyrocketmq.server.saving import Saver

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from pyrocketmq._native.command import RemotingCommand
    from pyrocketmq.server.broker import Broker
    from pyrocketmq.server.call import Call, Handler

__all__ = ["Groups", "check_group_name"]

MAX_GROUP_LENGTH: Final = 120

_NAME: Final = re.compile(r"[%|a-zA-Z0-9_-]+")


def check_group_name(group: str) -> None:
    """Refuse a name that no group can have."""
    what = None
    if not group.strip():
        what = "The specified group is blank."
    elif not _NAME.fullmatch(group):
        what = f"The specified group: {group}, contains illegal characters, allowing only ^[%|a-zA-Z0-9_-]+$"
    elif len(group) > MAX_GROUP_LENGTH:
        what = f"The specified group: {group}, is longer than group max length: {MAX_GROUP_LENGTH}."
    if what is not None:
        raise Refused(ResponseCode.INVALID_PARAMETER, what)


class Groups(Concern):
    """The consumer groups of a broker."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._groups: dict[str, SubscriptionGroupConfig] = {}
        self._version = DataVersion(0, broker.clock.now_ms(), 0)
        self._saver = Saver(broker, "groups", self._snapshot, interval=1.0)
        for name, values in self._saver.load().items():
            self._groups[name] = SubscriptionGroupConfig.from_value(values)
        broker.pulling.check_group = self.check_consuming

    def handlers(self) -> Mapping[int, Handler]:
        """The request codes of group settings."""
        return {
            RequestCode.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP: self._update,
            RequestCode.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP_LIST: self._update_list,
            RequestCode.GET_ALL_SUBSCRIPTIONGROUP_CONFIG: self._get_all,
            RequestCode.GET_SUBSCRIPTIONGROUP_CONFIG: self._get,
            RequestCode.DELETE_SUBSCRIPTIONGROUP: self._delete,
        }

    async def stop(self) -> None:
        """Save what is new."""
        await self._saver.close()

    def __contains__(self, group: str) -> bool:
        return group in self._groups

    def names(self) -> list[str]:
        """All groups."""
        return list(self._groups)

    def get(self, group: str) -> SubscriptionGroupConfig | None:
        """The settings of a group, or None."""
        return self._groups.get(group)

    def find(self, group: str) -> SubscriptionGroupConfig | None:
        """The settings of a group, made if that is allowed; None if there is no such group."""
        found = self._groups.get(group)
        if found is None and self._broker.config.auto_create_groups:
            found = SubscriptionGroupConfig(group)
            self.put(found)
        return found

    def require(self, group: str) -> SubscriptionGroupConfig:
        """The settings of a group, made if that is allowed; 26 if there is no such group."""
        found = self.find(group)
        if found is None:
            raise Refused(ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST, f"subscription group not exist, {group}")
        return found

    def check_consuming(self, group: str) -> None:
        """Refuse a group that there is not, or that may not consume."""
        if not self.require(group).consume_enable:
            raise Refused(ResponseCode.NO_PERMISSION, f"subscription group no permission, {group}")

    def put(self, settings: SubscriptionGroupConfig) -> None:
        """Make a group, or change one.

        Raises:
            Refused: no group can have this name.
        """
        name = settings.group_name or ""
        check_group_name(name)
        if settings.group_retry_policy is None:
            settings.group_retry_policy = GroupRetryPolicy()
        if settings.attributes is None:
            settings.attributes = {}
        self._groups[name] = settings
        self._changed()

    def delete(self, group: str) -> bool:
        """Forget a group; False if there was none."""
        if self._groups.pop(group, None) is None:
            return False
        self._changed()
        return True

    def ensure_retry_topic(self, settings: SubscriptionGroupConfig) -> str:
        """The name of the topic that the group's failed messages come from; the topic is there afterwards."""
        topic = self._broker.topics.ensure(retry_topic(settings.group_name or ""))
        queues = settings.retry_queue_nums
        if topic.read_queues < queues or topic.write_queues < queues:
            self._broker.topics.put(replace(topic, read_queues=queues, write_queues=queues))
        return topic.name

    def _changed(self) -> None:
        self._version.timestamp = self._broker.clock.now_ms()
        self._version.counter = (self._version.counter or 0) + 1
        self._saver.changed()

    def _snapshot(self) -> dict[str, Any]:
        return {name: settings.to_value() for name, settings in self._groups.items()}

    # ---- requests ----

    async def _update(self, call: Call) -> RemotingCommand:
        self.put(call.decode(SubscriptionGroupConfig))
        await self._saver.flush()
        return call.answer()

    async def _update_list(self, call: Call) -> RemotingCommand:
        body = call.decode(SubscriptionGroupList)
        for settings in body.group_config_list:
            check_group_name(settings.group_name or "")
        for settings in body.group_config_list:
            self.put(settings)
        await self._saver.flush()
        return call.answer()

    def _get(self, call: Call) -> RemotingCommand:
        header = call.header(GetSubscriptionGroupConfigRequestHeader)
        found = self.find(header.group)
        if found is None:
            raise Refused(
                ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST,
                f"No group in this broker. group: {header.group}",
            )
        return call.answer(body=found.encode())

    def _get_all(self, call: Call) -> RemotingCommand:
        header = call.header(GetAllSubscriptionGroupRequestHeader, check_required=False)
        names = list(self._groups)[max(header.group_seq or 0, 0) :]
        if header.max_group_num is not None and header.max_group_num > 0:
            names = names[: header.max_group_num]
        body = SubscriptionGroupWrapper(
            {name: self._groups[name] for name in names}, data_version=self._version
        )
        fields = GetAllSubscriptionGroupResponseHeader(total_group_num=len(self._groups))
        return call.answer(fields=fields, body=body.encode())

    async def _delete(self, call: Call) -> RemotingCommand:
        header = call.header(DeleteSubscriptionGroupRequestHeader)
        self.delete(header.group_name)
        # 4.9 has another name for it.
        if header.clean_offset or call.fields.get("removeOffset") == "true":
            self._broker.offsets.forget_group(header.group_name)
        await self._saver.flush()
        return call.answer()
