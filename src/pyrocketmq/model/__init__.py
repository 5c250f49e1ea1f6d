"""What travels between a client and a server: commands, headers, messages and the bodies of answers."""

from pyrocketmq.model.builder import RemotingCommandBuilder
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
from pyrocketmq.model.serializer import RemotingCommandSerializer
from pyrocketmq.model.utils import (
    generate_opaque,
    get_command_summary,
    get_topic_from_command,
    is_success_response,
    validate_command,
)

__all__ = [
    "HEADERS",
    "BoundaryType",
    "CommandFlag",
    "CompressionType",
    "ConsumeFromWhere",
    "ConsumeType",
    "DeserializationError",
    "FlagType",
    "Header",
    "LanguageCode",
    "Message",
    "MessageExt",
    "MessageModel",
    "MessageQueue",
    "MessageResults",
    "MessageSysFlag",
    "Perm",
    "ProtocolError",
    "PullMessageResult",
    "PullStatus",
    "PullSysFlag",
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
    "build_pull_sys_flag",
    "encode_batch",
    "generate_opaque",
    "get_command_summary",
    "get_topic_from_command",
    "is_success_response",
    "validate_command",
]
