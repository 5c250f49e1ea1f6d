"""The numbers and names of the protocol: request and response codes, languages, statuses, modes.

Values are what travels, so members compare equal to the plain numbers and texts of a decoded command.
Nothing here knows how a command is encoded or what a client does with an answer.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum

from pyrocketmq._native.answer import SendStatus

__all__ = [
    "BoundaryType",
    "CompressionType",
    "ConsumeFromWhere",
    "ConsumeType",
    "FlagType",
    "LanguageCode",
    "MessageModel",
    "RequestCode",
    "ResponseCode",
    "SendStatus",
]


class LanguageCode(IntEnum):
    """Language of the client or server that sent a command.

    The JSON header codec writes the name, the binary one the number. Servers show it in connection lists, and
    choose another body for pushed offset resets when it is CPP. 4.9.8 does not know NODE_JS.
    """

    JAVA = 0
    CPP = 1
    DOTNET = 2
    PYTHON = 3
    DELPHI = 4
    ERLANG = 5
    RUBY = 6
    OTHER = 7
    HTTP = 8
    GO = 9
    PHP = 10
    OMS = 11
    RUST = 12
    NODE_JS = 13


class FlagType(IntEnum):
    """Kind of a command, by the numbers that the founding API gives them.

    These are not the bits on the wire: ``RESPONSE_TYPE`` is an alias of ``RPC_ONEWAY``, because both are 1.
    On the wire bit 0 says "answer" and bit 1 says "one-way" (see ``CommandFlag``): a request sent with flag 1
    is taken for an answer and silently dropped. ``RemotingCommandBuilder.as_oneway`` and one-way invocations
    write 2.
    """

    RPC_TYPE = 0
    RPC_ONEWAY = 1
    RESPONSE_TYPE = 1


class RequestCode(IntEnum):
    """What a request asks for: all codes of RocketMQ 5.5.0, and those that only 4.9.x knows.

    The binary header codec keeps 16 bits of the code, so 200050 arrives as 3442; the JSON codec has no such
    limit. A 5.x server answers a code it does not know with ``REQUEST_CODE_NOT_SUPPORTED``, a 4.9.x name
    server not at all.
    """

    # Asked of a name server.
    GET_ROUTEINFO_BY_TOPIC = 105
    GET_BROKER_CLUSTER_INFO = 106
    GET_ALL_TOPIC_LIST_FROM_NAMESERVER = 206
    GET_TOPICS_BY_CLUSTER = 224
    DELETE_TOPIC_IN_NAMESRV = 216
    PUT_KV_CONFIG = 100
    GET_KV_CONFIG = 101
    DELETE_KV_CONFIG = 102
    GET_KVLIST_BY_NAMESPACE = 219
    WIPE_WRITE_PERM_OF_BROKER = 205
    ADD_WRITE_PERM_OF_BROKER = 327
    GET_SYSTEM_TOPIC_LIST_FROM_NS = 304
    REGISTER_BROKER = 103

    # Sending and transactions.
    SEND_MESSAGE = 10
    SEND_MESSAGE_V2 = 310
    SEND_BATCH_MESSAGE = 320
    SEND_REPLY_MESSAGE = 324
    SEND_REPLY_MESSAGE_V2 = 325
    CONSUMER_SEND_MSG_BACK = 36
    END_TRANSACTION = 37
    RECALL_MESSAGE = 370

    # Pulling, offsets, queries.
    PULL_MESSAGE = 11
    LITE_PULL_MESSAGE = 361
    PEEK_MESSAGE = 200052
    QUERY_CONSUMER_OFFSET = 14
    UPDATE_CONSUMER_OFFSET = 15
    GET_MAX_OFFSET = 30
    GET_MIN_OFFSET = 31
    SEARCH_OFFSET_BY_TIMESTAMP = 29
    GET_EARLIEST_MSG_STORETIME = 32
    VIEW_MESSAGE_BY_ID = 33
    QUERY_MESSAGE = 12
    QUERY_CONSUME_QUEUE = 321
    QUERY_CORRECTION_OFFSET = 308

    # The pop family, 5.x only. Every code from 200050 on needs the JSON header codec.
    POP_MESSAGE = 200050
    ACK_MESSAGE = 200051
    BATCH_ACK_MESSAGE = 200151
    CHANGE_MESSAGE_INVISIBLETIME = 200053
    NOTIFICATION = 200054
    POLLING_INFO = 200055
    QUERY_ASSIGNMENT = 400
    SET_MESSAGE_REQUEST_MODE = 401

    # Client registration and groups.
    HEART_BEAT = 34
    UNREGISTER_CLIENT = 35
    GET_CONSUMER_LIST_BY_GROUP = 38
    LOCK_BATCH_MQ = 41
    UNLOCK_BATCH_MQ = 42
    CHECK_CLIENT_CONFIG = 46

    # Pushed by a broker to its clients.
    NOTIFY_CONSUMER_IDS_CHANGED = 40
    CHECK_TRANSACTION_STATE = 39
    RESET_CONSUMER_CLIENT_OFFSET = 220
    GET_CONSUMER_STATUS_FROM_CLIENT = 221
    GET_CONSUMER_RUNNING_INFO = 307
    CONSUME_MESSAGE_DIRECTLY = 309
    PUSH_REPLY_MESSAGE_TO_CLIENT = 326
    NOTIFY_UNSUBSCRIBE_LITE = 200073

    # Administration of a broker.
    UPDATE_AND_CREATE_TOPIC = 17
    UPDATE_AND_CREATE_TOPIC_LIST = 18
    DELETE_TOPIC_IN_BROKER = 215
    GET_ALL_TOPIC_CONFIG = 21
    GET_TOPIC_CONFIG = 351
    GET_TOPIC_STATS_INFO = 202
    UPDATE_AND_CREATE_SUBSCRIPTIONGROUP = 200
    GET_ALL_SUBSCRIPTIONGROUP_CONFIG = 201
    GET_SUBSCRIPTIONGROUP_CONFIG = 352
    DELETE_SUBSCRIPTIONGROUP = 207
    GET_CONSUMER_CONNECTION_LIST = 203
    GET_PRODUCER_CONNECTION_LIST = 204
    GET_CONSUME_STATS = 208
    QUERY_TOPIC_CONSUME_BY_WHO = 300
    QUERY_TOPICS_BY_CONSUMER = 343
    QUERY_SUBSCRIPTION_BY_CONSUMER = 345
    QUERY_CONSUME_TIME_SPAN = 303
    INVOKE_BROKER_TO_RESET_OFFSET = 222
    INVOKE_BROKER_TO_GET_CONSUMER_STATUS = 223
    CLONE_GROUP_OFFSET = 314
    GET_ALL_CONSUMER_OFFSET = 43
    VIEW_BROKER_STATS_DATA = 315
    GET_BROKER_RUNTIME_INFO = 28
    GET_BROKER_CONFIG = 26
    UPDATE_BROKER_CONFIG = 25
    RESUME_CHECK_HALF_MESSAGE = 323
    GET_BROKER_MEMBER_GROUP = 901

    # Users and access lists, 5.3 and later.
    AUTH_CREATE_USER = 3001
    AUTH_UPDATE_USER = 3002
    AUTH_DELETE_USER = 3003
    AUTH_GET_USER = 3004
    AUTH_LIST_USER = 3005
    AUTH_CREATE_ACL = 3006
    AUTH_UPDATE_ACL = 3007
    AUTH_DELETE_ACL = 3008
    AUTH_GET_ACL = 3009
    AUTH_LIST_ACL = 3010

    # Internals of servers (controller, high availability, RocksDB, cold data, lite topics), named for logs
    # and dumps.
    QUERY_BROKER_OFFSET = 13
    GET_TOPIC_CONFIG_LIST = 22
    GET_TOPIC_NAME_LIST = 23
    TRIGGER_DELETE_FILES = 27
    GET_ALL_DELAY_OFFSET = 45
    GET_CLIENT_CONFIG = 47
    GET_TIMER_CHECK_POINT = 60
    GET_TIMER_METRICS = 61
    UNREGISTER_BROKER = 104
    SUSPEND_CONSUMER = 209
    RESUME_CONSUMER = 210
    RESET_CONSUMER_OFFSET_IN_CONSUMER = 211
    RESET_CONSUMER_OFFSET_IN_BROKER = 212
    ADJUST_CONSUMER_THREAD_POOL = 213
    WHO_CONSUME_THE_MESSAGE = 214
    REGISTER_TOPIC_IN_NAMESRV = 217
    UPDATE_AND_CREATE_SUBSCRIPTIONGROUP_LIST = 225
    REGISTER_FILTER_SERVER = 301
    REGISTER_MESSAGE_FILTER_CLASS = 302
    GET_SYSTEM_TOPIC_LIST_FROM_BROKER = 305
    CLEAN_EXPIRED_CONSUMEQUEUE = 306
    GET_UNIT_TOPIC_LIST = 311
    GET_HAS_UNIT_SUB_TOPIC_LIST = 312
    GET_HAS_UNIT_SUB_UNUNIT_TOPIC_LIST = 313
    CLEAN_UNUSED_TOPIC = 316
    GET_BROKER_CONSUME_STATS = 317
    UPDATE_NAMESRV_CONFIG = 318
    GET_NAMESRV_CONFIG = 319
    QUERY_DATA_VERSION = 322
    GET_ALL_PRODUCER_INFO = 328
    DELETE_EXPIRED_COMMITLOG = 329
    UPDATE_AND_GET_GROUP_FORBIDDEN = 353
    CHECK_ROCKSDB_CQ_WRITE_PROGRESS = 354
    EXPORT_ROCKSDB_CONFIG_TO_JSON = 355
    GET_ALL_MESSAGE_REQUEST_MODE = 402
    UPDATE_AND_CREATE_STATIC_TOPIC = 513
    ADD_BROKER = 902
    REMOVE_BROKER = 903
    BROKER_HEARTBEAT = 904
    NOTIFY_MIN_BROKER_ID_CHANGE = 905
    EXCHANGE_BROKER_HA_INFO = 906
    GET_BROKER_HA_STATUS = 907
    RESET_MASTER_FLUSH_OFFSET = 908
    CONTROLLER_ALTER_SYNC_STATE_SET = 1001
    CONTROLLER_ELECT_MASTER = 1002
    CONTROLLER_REGISTER_BROKER = 1003
    CONTROLLER_GET_REPLICA_INFO = 1004
    CONTROLLER_GET_METADATA_INFO = 1005
    CONTROLLER_GET_SYNC_STATE_DATA = 1006
    GET_BROKER_EPOCH_CACHE = 1007
    NOTIFY_BROKER_ROLE_CHANGED = 1008
    UPDATE_CONTROLLER_CONFIG = 1009
    GET_CONTROLLER_CONFIG = 1010
    CLEAN_BROKER_DATA = 1011
    CONTROLLER_GET_NEXT_BROKER_ID = 1012
    CONTROLLER_APPLY_BROKER_ID = 1013
    BROKER_CLOSE_CHANNEL_REQUEST = 1014
    CHECK_NOT_ACTIVE_BROKER_REQUEST = 1015
    GET_BROKER_LIVE_INFO_REQUEST = 1016
    GET_SYNC_STATE_DATA_REQUEST = 1017
    RAFT_BROKER_HEART_BEAT_EVENT_REQUEST = 1018
    UPDATE_COLD_DATA_FLOW_CTR_CONFIG = 2001
    REMOVE_COLD_DATA_FLOW_CTR_CONFIG = 2002
    GET_COLD_DATA_FLOW_CTR_INFO = 2003
    SET_COMMITLOG_READ_MODE = 2004
    SWITCH_TIMER_ENGINE = 5001
    POP_ROLLBACK = 200056
    POP_LITE_MESSAGE = 200070
    LITE_SUBSCRIPTION_CTL = 200071
    ACK_LITE_MESSAGE = 200072
    GET_BROKER_LITE_INFO = 200074
    GET_PARENT_TOPIC_INFO = 200075
    GET_LITE_TOPIC_INFO = 200076
    GET_LITE_CLIENT_INFO = 200077
    GET_LITE_GROUP_INFO = 200078
    TRIGGER_LITE_DISPATCH = 200079

    # Only on 4.9.x servers.
    UPDATE_AND_CREATE_ACL_CONFIG = 50
    DELETE_ACL_CONFIG = 51
    GET_BROKER_CLUSTER_ACL_INFO = 52
    UPDATE_GLOBAL_WHITE_ADDRS_CONFIG = 53


class ResponseCode(IntEnum):
    """What an answer says. Decide by the code alone: a success may carry a remark such as ``FOUND``.

    FLUSH_DISK_TIMEOUT, SLAVE_NOT_AVAILABLE and FLUSH_SLAVE_TIMEOUT mean that the message is stored, with a
    weaker promise; see ``SendStatus``.
    """

    SUCCESS = 0
    SYSTEM_ERROR = 1
    SYSTEM_BUSY = 2
    REQUEST_CODE_NOT_SUPPORTED = 3
    TRANSACTION_FAILED = 4
    FLUSH_DISK_TIMEOUT = 10
    SLAVE_NOT_AVAILABLE = 11
    FLUSH_SLAVE_TIMEOUT = 12
    MESSAGE_ILLEGAL = 13
    SERVICE_NOT_AVAILABLE = 14
    VERSION_NOT_SUPPORTED = 15
    NO_PERMISSION = 16
    TOPIC_NOT_EXIST = 17
    TOPIC_EXIST_ALREADY = 18

    # Answers to a pull: 19 to 21 are no errors, each says where to go on.
    PULL_NOT_FOUND = 19
    PULL_RETRY_IMMEDIATELY = 20
    PULL_OFFSET_MOVED = 21
    QUERY_NOT_FOUND = 22
    SUBSCRIPTION_PARSE_FAILED = 23
    SUBSCRIPTION_NOT_EXIST = 24
    SUBSCRIPTION_NOT_LATEST = 25
    SUBSCRIPTION_GROUP_NOT_EXIST = 26
    FILTER_DATA_NOT_EXIST = 27
    FILTER_DATA_NOT_LATEST = 28

    # 4.9.x answers SYSTEM_ERROR where 5.x says INVALID_PARAMETER.
    INVALID_PARAMETER = 29

    # Historic; no server of 4.9 or later sends 200 to 203.
    TRANSACTION_SHOULD_COMMIT = 200
    TRANSACTION_SHOULD_ROLLBACK = 201
    TRANSACTION_STATE_UNKNOW = 202
    TRANSACTION_STATE_GROUP_WRONG = 203
    NO_BUYER_ID = 204
    NOT_IN_CURRENT_UNIT = 205
    CONSUMER_NOT_ONLINE = 206
    CONSUME_MSG_TIMEOUT = 207
    NO_MESSAGE = 208
    POLLING_FULL = 209
    POLLING_TIMEOUT = 210
    BROKER_NOT_EXIST = 211
    BROKER_DISPATCH_NOT_COMPLETE = 212
    BROADCAST_CONSUMPTION = 213
    FLOW_CONTROL = 215
    NOT_LEADER_FOR_QUEUE = 501
    ILLEGAL_OPERATION = 604

    # The server is closing and did not process the request; sent to versions above 475 only.
    GO_AWAY = 1500

    CONTROLLER_FENCED_MASTER_EPOCH = 2000
    CONTROLLER_FENCED_SYNC_STATE_SET_EPOCH = 2001
    CONTROLLER_INVALID_MASTER = 2002
    CONTROLLER_INVALID_REPLICAS = 2003
    CONTROLLER_MASTER_NOT_AVAILABLE = 2004
    CONTROLLER_INVALID_REQUEST = 2005
    CONTROLLER_BROKER_NOT_ALIVE = 2006
    CONTROLLER_NOT_LEADER = 2007
    CONTROLLER_BROKER_METADATA_NOT_EXIST = 2008
    CONTROLLER_INVALID_CLEAN_BROKER_METADATA = 2009
    CONTROLLER_BROKER_NEED_TO_BE_REGISTERED = 2010
    CONTROLLER_MASTER_STILL_EXIST = 2011
    CONTROLLER_ELECT_MASTER_FAILED = 2012
    CONTROLLER_ALTER_SYNC_STATE_SET_FAILED = 2013
    CONTROLLER_BROKER_ID_INVALID = 2014
    CONTROLLER_JRAFT_INTERNAL_ERROR = 2015
    CONTROLLER_BROKER_LIVE_INFO_NOT_EXISTS = 2016
    LMQ_QUOTA_EXCEEDED = 2017
    LITE_SUBSCRIPTION_QUOTA_EXCEEDED = 2018
    USER_NOT_EXIST = 3001
    POLICY_NOT_EXIST = 3002

    # Between servers, and by proxies on behalf of one: negative codes do occur.
    RPC_UNKNOWN = -1000
    RPC_ADDR_IS_NULL = -1002
    RPC_SEND_TO_CHANNEL_FAILED = -1004
    RPC_TIME_OUT = -1006


class CompressionType(IntEnum):
    """How a body is compressed: bits 8 to 10 of a message's system flag.

    A compressed message with 0 there comes from an old client or from Go and is zlib. Servers and clients
    before 4.9.4 and the Go client read zlib only.
    """

    LZ4 = 1
    ZSTD = 2
    ZLIB = 3


class BoundaryType(StrEnum):
    """Which end a search by time looks for among messages with the same time.

    LOWER: the first message stored at or after the time. UPPER: the last one at or before it, 5.x only. Java
    writes the names in capitals; servers read them without regard to case.
    """

    LOWER = "LOWER"
    UPPER = "UPPER"


class ConsumeType(StrEnum):
    """How a consumer gets its messages, as heartbeats name it: it pulls itself, a queue is assigned, or it
    pops.
    """

    CONSUME_ACTIVELY = "CONSUME_ACTIVELY"
    CONSUME_PASSIVELY = "CONSUME_PASSIVELY"
    CONSUME_POP = "CONSUME_POP"


class MessageModel(StrEnum):
    """Whether the members of a group share the messages or each gets all; LITE_SELECTIVE needs 5.4."""

    CLUSTERING = "CLUSTERING"
    BROADCASTING = "BROADCASTING"
    LITE_SELECTIVE = "LITE_SELECTIVE"


class ConsumeFromWhere(StrEnum):
    """Where a new group starts on a queue without a stored offset.

    A queue that still begins at 0 and is young answers offset 0 instead of "none stored", so a new group
    starts at its beginning even with CONSUME_FROM_LAST_OFFSET. The three names in the middle are deprecated
    but still sent.
    """

    CONSUME_FROM_LAST_OFFSET = "CONSUME_FROM_LAST_OFFSET"
    CONSUME_FROM_LAST_OFFSET_AND_FROM_MIN_WHEN_BOOT_FIRST = (
        "CONSUME_FROM_LAST_OFFSET_AND_FROM_MIN_WHEN_BOOT_FIRST"
    )
    CONSUME_FROM_MIN_OFFSET = "CONSUME_FROM_MIN_OFFSET"
    CONSUME_FROM_MAX_OFFSET = "CONSUME_FROM_MAX_OFFSET"
    CONSUME_FROM_FIRST_OFFSET = "CONSUME_FROM_FIRST_OFFSET"
    CONSUME_FROM_TIMESTAMP = "CONSUME_FROM_TIMESTAMP"
