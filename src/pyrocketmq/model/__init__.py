"""What travels between a client and a server: commands, headers, messages and the bodies of answers."""

from pyrocketmq.model.acl import AclCredentials
from pyrocketmq.model.builder import RemotingCommandBuilder
from pyrocketmq.model.client_data import (
    Connection,
    ConsumerConnection,
    ConsumerRunningInfo,
    ProducerConnection,
)
from pyrocketmq.model.command import RemotingCommand
from pyrocketmq.model.enums import (
    BoundaryType,
    CompressionType,
    ConsumeFromWhere,
    ConsumeType,
    FlagType,
    LanguageCode,
    MessageModel,
    RequestCode,
    ResponseCode,
    SendStatus,
)
from pyrocketmq.model.errors import (
    DeserializationError,
    ProtocolError,
    RemotingCommandError,
    SerializationError,
)
from pyrocketmq.model.factory import RemotingRequestFactory
from pyrocketmq.model.flags import CommandFlag, MessageSysFlag, Perm, PullSysFlag, build_pull_sys_flag
from pyrocketmq.model.headers import HEADERS, Header
from pyrocketmq.model.heart_beat import HeartbeatData
from pyrocketmq.model.message import Message, encode_batch
from pyrocketmq.model.message_ext import MessageExt
from pyrocketmq.model.message_queue import MessageQueue
from pyrocketmq.model.message_results import (
    MessageResults,
    PullMessageResult,
    PullStatus,
    SendMessageResult,
    SendResult,
)
from pyrocketmq.model.pop import PopReceipt
from pyrocketmq.model.producer_consumer import ConsumerData, ProducerData, SubscriptionData
from pyrocketmq.model.recall import RecallHandle
from pyrocketmq.model.result_data import KVTable, OffsetResult
from pyrocketmq.model.route import BrokerData, ClusterInfo, QueueData, TopicRouteData
from pyrocketmq.model.serializer import RemotingCommandSerializer
from pyrocketmq.model.topic_data import TopicConfig, TopicList
from pyrocketmq.model.utils import (
    generate_opaque,
    get_command_summary,
    get_topic_from_command,
    is_success_response,
    validate_command,
)

__all__ = [
    "HEADERS",
    "AclCredentials",
    "BoundaryType",
    "BrokerData",
    "ClusterInfo",
    "CommandFlag",
    "CompressionType",
    "Connection",
    "ConsumeFromWhere",
    "ConsumeType",
    "ConsumerConnection",
    "ConsumerData",
    "ConsumerRunningInfo",
    "DeserializationError",
    "FlagType",
    "Header",
    "HeartbeatData",
    "KVTable",
    "LanguageCode",
    "Message",
    "MessageExt",
    "MessageModel",
    "MessageQueue",
    "MessageResults",
    "MessageSysFlag",
    "OffsetResult",
    "Perm",
    "PopReceipt",
    "ProducerConnection",
    "ProducerData",
    "ProtocolError",
    "PullMessageResult",
    "PullStatus",
    "PullSysFlag",
    "QueueData",
    "RecallHandle",
    "RemotingCommand",
    "RemotingCommandBuilder",
    "RemotingCommandError",
    "RemotingCommandSerializer",
    "RemotingRequestFactory",
    "RequestCode",
    "ResponseCode",
    "SendMessageResult",
    "SendResult",
    "SendStatus",
    "SerializationError",
    "SubscriptionData",
    "TopicConfig",
    "TopicList",
    "TopicRouteData",
    "build_pull_sys_flag",
    "encode_batch",
    "generate_opaque",
    "get_command_summary",
    "get_topic_from_command",
    "is_success_response",
    "validate_command",
]
