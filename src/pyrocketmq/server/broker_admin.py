"""A broker as tools see it: what it does at the moment, and its settings, some of which can be changed."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson

from pyrocketmq.model import json_text
from pyrocketmq.model.enums import RequestCode, ResponseCode
from pyrocketmq.model.headers import GetBrokerConfigResponseHeader
from pyrocketmq.model.json_text import KeyedMap
from pyrocketmq.model.result_data import KVTable
from pyrocketmq.server.call import Refused
from pyrocketmq.server.concern import Concern
from pyrocketmq.server.properties_text import read_properties, write_properties

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pyrocketmq._native.command import RemotingCommand
    from pyrocketmq.server.broker import Broker
    from pyrocketmq.server.call import Call, Handler

__all__ = ["BrokerAdmin"]

VERSION_NAME: Final = "V5_5_0"
"""The release whose behaviour the embedded broker has."""


_HA_CLIENT_FACTS: Final = (
    "lastReadTimestamp",
    "lastWriteTimestamp",
    "masterFlushOffset",
    "maxOffset",
    "transferredByteInSecond",
)


class _Setting(NamedTuple):
    """A setting that can be changed: the field of ServerConfig, how text becomes its value."""

    field: str
    read: Callable[[str], Any]


def _read_bool(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError(f"{text!r} is neither true nor false")
    return text.lower() == "true"


_CHANGEABLE: Final[Mapping[str, _Setting]] = {
    "autoCreateTopicEnable": _Setting("auto_create_topics", _read_bool),
    "autoCreateSubscriptionGroup": _Setting("auto_create_groups", _read_bool),
}


class BrokerAdmin(Concern):
    """The administration of a broker itself."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._state = broker.state("settings")
        self._changes = 0
        self._started_ms = broker.clock.now_ms()
        known = {name: text for name, text in self._state.load().items() if name in _CHANGEABLE}
        self._changed: dict[str, str] = {}
        self._change(known)

    def handlers(self) -> Mapping[int, Handler]:
        """The request codes of the broker itself."""
        return {
            RequestCode.GET_BROKER_RUNTIME_INFO: self._runtime_info,
            RequestCode.GET_BROKER_CONFIG: self._get_config,
            RequestCode.UPDATE_BROKER_CONFIG: self._update_config,
            RequestCode.GET_BROKER_HA_STATUS: self._ha_status,
            RequestCode.GET_ALL_DELAY_OFFSET: self._delay_offsets,
        }

    # ---- settings ----

    def settings(self) -> dict[str, str]:
        """All settings, by the names that RocketMQ gives them."""
        broker, config = self._broker, self._broker.config
        host, _, port = broker.address.rpartition(":")
        fsync = config.store.fsync
        settings = {
            "brokerClusterName": config.cluster,
            "brokerId": str(broker.broker_id),
            "brokerIP1": host,
            "brokerName": broker.name,
            "brokerPermission": "6",
            "brokerRole": "ASYNC_MASTER",
            "aclEnable": _shown(config.acl is not None),
            "defaultTopicQueueNums": str(config.default_queues),
            "enablePropertyFilter": "true",
            "flushDiskType": "SYNC_FLUSH" if fsync == "always" else "ASYNC_FLUSH",
            "listenPort": port,
            "mappedFileSizeCommitLog": str(config.store.segment_bytes),
            "maxMessageSize": str(config.max_message_bytes),
            "maxTransferBytesOnMessageInMemory": str(config.max_pull_bytes),
            "maxTransferCountOnMessageInMemory": str(config.max_pull_messages),
            "messageDelayLevel": "1s 5s 10s 30s 1m 2m 3m 4m 5m 6m 7m 8m 9m 10m 20m 30m 1h 2h",
            "recallMessageEnable": "true",
            "storePathRootDir": "" if broker.store.folder is None else str(broker.store.folder),
            "timerWheelEnable": "true",
            "traceTopicEnable": "true",
        }
        if config.store.retention_time is not None:
            settings["fileReservedTime"] = f"{config.store.retention_time / 3600:g}"
        for name, setting in _CHANGEABLE.items():
            settings[name] = _shown(getattr(config, setting.field))
        return dict(sorted(settings.items()))

    def _change(self, changes: Mapping[str, str]) -> None:
        values: dict[str, Any] = {}
        for name, text in changes.items():
            setting = _CHANGEABLE[name]
            try:
                values[setting.field] = setting.read(text)
            except ValueError as error:
                raise Refused(
                    ResponseCode.INVALID_PARAMETER, f"{name} cannot be {text!r}: {error}"
                ) from error
        if values:
            self._broker.config = replace(self._broker.config, **values)
            self._changed |= changes
            self._changes += 1

    def _get_config(self, call: Call) -> RemotingCommand:
        version = {"counter": self._changes, "stateVersion": 0, "timestamp": self._started_ms}
        header = GetBrokerConfigResponseHeader(version=orjson.dumps(version).decode())
        return call.answer(fields=header, body=write_properties(self.settings()))

    def _update_config(self, call: Call) -> RemotingCommand:
        wanted = read_properties(call.body)
        now = self.settings()
        fixed = [name for name, text in wanted.items() if name not in _CHANGEABLE and now.get(name) != text]
        if fixed:
            raise Refused(
                ResponseCode.INVALID_PARAMETER,
                f"{', '.join(fixed)} cannot be changed while the embedded broker runs; "
                f"these can: {', '.join(_CHANGEABLE)}",
            )
        changes = {name: text for name, text in wanted.items() if name in _CHANGEABLE}
        self._change(changes)
        if changes:
            self._state.save(dict(self._changed))
        return call.answer()

    # ---- what it does ----

    def _runtime_info(self, call: Call) -> RemotingCommand:
        return call.answer(body=KVTable(self.runtime_info()).encode())

    def runtime_info(self) -> dict[str, str]:
        """What the broker does at the moment, by the names that RocketMQ gives it."""
        broker = self._broker
        log = broker.store.log
        info: dict[str, object] = {
            "bootTimestamp": self._started_ms,
            "brokerActive": "true",
            "brokerVersion": 513,
            "brokerVersionDesc": VERSION_NAME,
            "commitLogMaxOffset": log.end,
            "commitLogMinOffset": log.start,
            "dispatchBehindBytes": 0,
            "dispatchMaxBuffer": 0,
            "earliestMessageTimeStamp": self._earliest(),
            "pageCacheLockTimeMills": 0,
            "putMessageFailedTimes": 0,
            "remainHowManyDataToFlush": "0 B",
            "remainTransientStoreBufferNumbs": 2147483647,
            "runtime": _span(broker.clock.now_ms() - self._started_ms),
            "startAcceptSendRequestTimeStamp": 0,
        }
        for prefix, name, rates in (
            ("msgPutTotal", "BROKER_PUT_NUMS", ("putTps",)),
            ("msgGetTotal", "BROKER_GET_NUMS", ("getTransferredTps", "getFoundTps", "getTotalTps")),
        ):
            yesterday, today, now, tps = broker.stats.broker_totals(name)
            info[f"{prefix}YesterdayMorning"] = yesterday
            info[f"{prefix}TodayMorning"] = today
            info[f"{prefix}TodayNow"] = now
            info |= dict.fromkeys(rates, f"{tps} {tps} {tps}")
        for pool in ("send", "pull", "litePull", "query", "ack"):
            # Nothing waits in a queue: a request is served when it is read.
            info[f"{pool}ThreadPoolQueueSize"] = 0
            info[f"{pool}ThreadPoolQueueCapacity"] = 0
            info[f"{pool}ThreadPoolQueueHeadWaitTimeMills"] = 0
        info |= dict.fromkeys(("timerReadBehind", "timerOffsetBehind", "timerCongestNum"), 0)
        info |= dict.fromkeys(("timerEnqueueTps", "timerDequeueTps"), 0.0)
        ratio = 0.0
        if broker.store.folder is not None:
            usage = shutil.disk_usage(broker.store.folder)
            ratio = usage.used / usage.total
            info["commitLogDirCapacity"] = f"Total : {_bytes(usage.total)}, Free : {_bytes(usage.free)}."
        info["commitLogDiskRatio"] = info["consumeQueueDiskRatio"] = f"{ratio:.2f}"
        return {name: str(value) for name, value in info.items()}

    def _earliest(self) -> int:
        times = [
            entry[3]
            for queue in self._broker.store.log.queues()
            if (entry := queue.entry(queue.min_offset)) is not None
        ]
        return min(times, default=-1)

    def _ha_status(self, call: Call) -> RemotingCommand:
        """There are no slaves, and it is said in the form of 5.x."""
        status: dict[str, object] = {
            "haClientRuntimeInfo": dict.fromkeys(_HA_CLIENT_FACTS, 0),
            "haConnectionInfo": [],
            "inSyncSlaveNums": 0,
            "master": True,
            "masterCommitLogMaxOffset": self._broker.store.log.end,
        }
        return call.answer(body=orjson.dumps(status))

    def _delay_offsets(self, call: Call) -> RemotingCommand:
        """How far each delay level has come; the levels are bare integers, as everywhere in such tables."""
        body = {
            "dataVersion": {"counter": 0, "stateVersion": 0, "timestamp": self._started_ms},
            "offsetTable": KeyedMap(list(self._broker.delays.progress().items())),
        }
        return call.answer(body=json_text.dumps(body, raw_integer_keys=True))


def _shown(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _span(ms: int) -> str:
    minutes, seconds = divmod(ms // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    return f"[ {days} days, {hours} hours, {minutes} minutes, {seconds} seconds ]"


def _bytes(count: float) -> str:
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"
