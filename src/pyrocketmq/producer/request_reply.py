"""Request-reply: a message that waits for its reply, which its broker hands to this client.

Knows the properties that make a message a request, and whose reply it is that comes in; how a message is sent
is known by the function it is given.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from ipaddress import ip_address
from time import monotonic
from typing import TYPE_CHECKING, Final

from pyrocketmq._native.command import RemotingCommand
from pyrocketmq._native.sender import check_timeout
from pyrocketmq._native.stored import MessageExt, decode_messages_strict, encode_message
from pyrocketmq.client.hooks import SendKind
from pyrocketmq.errors import ReplyTimeoutError, RocketMQError
from pyrocketmq.logging.repeats import RepeatedFaults
from pyrocketmq.model.enums import RequestCode, ResponseCode
from pyrocketmq.model.headers import ReplyMessageRequestHeader
from pyrocketmq.transport.utils import parse_address

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pyrocketmq._native.answer import SendResult
    from pyrocketmq._native.message import Message
    from pyrocketmq.client.brokers import BrokerLink
    from pyrocketmq.client.core import ClientCore
    from pyrocketmq.client.send import SendCore
    from pyrocketmq.producer.config import ProducerConfig

    SendRequest = Callable[[Message, float], Awaitable[SendResult]]

__all__ = ["CORRELATION_ID", "REPLY_TO", "TTL", "RequestCalls", "RequestReply", "read_reply"]

logger = logging.getLogger(__name__)
_repeats: Final = RepeatedFaults(logger)

CORRELATION_ID: Final = "CORRELATION_ID"
"""The property that joins a reply with its request."""
REPLY_TO: Final = "REPLY_TO_CLIENT"
"""The property with the id of the client that waits for the reply."""
TTL: Final = "TTL"
"""The property with how long it waits, in milliseconds."""


LEAST_S: Final = 0.001
"""For a send whose time is over all but in name: it gets its time-out, and not a refusal of its time-out."""


class RequestCalls:
    """The part of a producer that sends requests and waits for their replies."""

    config: ProducerConfig
    _core: ClientCore
    _sends: SendCore
    _requests: RequestReply | None = None

    async def request(self, message: Message, timeout: float | None = None) -> MessageExt:
        """Send a request, and give the reply that a consumer of its topic sends to it.

        Args:
            message: the request; it gets the properties that say whom to answer.
            timeout: seconds until the reply is here, the send included; ``send_timeout`` by default.

        Raises:
            ReplyTimeoutError: no reply came in time; the request is stored all the same.
            SendError: the request was not sent.
        """
        seconds = self.config.send_timeout if timeout is None else check_timeout(timeout)
        begun = monotonic()
        sends = self._sends
        await sends.ensure_started()
        requests = self._requests
        if requests is None:
            requests = self._requests = RequestReply(
                self._core,
                lambda message, left: sends.deliver(message, timeout=left, kind=SendKind.REQUEST),
            )
        return await requests.request(message, begun, seconds)


class RequestReply:
    """The requests of one client that wait for their replies; for its event loop.

    Args:
        core: the client, which has to be started.
        send: sends a message within some seconds.
    """

    def __init__(self, core: ClientCore, send: SendRequest) -> None:
        self._core = core
        self._send = send
        self._waiting: dict[str, asyncio.Future[MessageExt]] = {}
        self._told: set[str] = set()
        self._told_as = ""
        core.on_request(RequestCode.PUSH_REPLY_MESSAGE_TO_CLIENT, self._reply_came)
        core.brokers.on_lost(lambda link: self._told.discard(link.name))

    @property
    def waiting(self) -> int:
        """Requests that wait for their reply."""
        return len(self._waiting)

    async def request(self, message: Message, begun: float, timeout: float) -> MessageExt:
        """Send a request, and give the reply to it; see ``RequestCalls.request``.

        Args:
            message: the request.
            begun: when it was called, on the clock of ``time.monotonic``.
            timeout: seconds from then on.
        """
        deadline = begun + timeout
        await self._introduce(message.topic, deadline)
        correlation_id = str(uuid.uuid4())
        message.set_property(CORRELATION_ID, correlation_id)
        message.set_property(REPLY_TO, self._core.client_id)
        message.set_property(TTL, str(max(1, round(timeout * 1000))))
        reply: asyncio.Future[MessageExt] = asyncio.get_running_loop().create_future()
        self._waiting[correlation_id] = reply
        stats = self._core.stats
        try:
            result = await self._send(message, max(LEAST_S, deadline - monotonic()))
            stats.requests += 1
            done, _ = await asyncio.wait((reply,), timeout=max(0.0, deadline - monotonic()))
            if not done:
                raise _no_reply(message, result, monotonic() - begun)
            stats.replies += 1
            return reply.result()
        finally:
            del self._waiting[correlation_id]
            reply.cancel()

    async def _introduce(self, topic: str, deadline: float) -> None:
        """Have the brokers of a topic know this client, as they look for it when a reply comes."""
        core = self._core
        if self._told_as != core.client_id:
            self._told.clear()
            self._told_as = core.client_id
        topic = core.resource(topic)
        route = core.routes.cached(topic) or await core.routes.find(topic, deadline)
        if self._told.issuperset(route.brokers):
            return
        await core.prepare([topic], deadline)
        self._told.update(link.name for link in core.brokers.links() if link.is_connected)

    def _reply_came(self, link: BrokerLink, request: RemotingCommand) -> RemotingCommand:
        # Success also when nobody waits any more: a replier that is refused would take the request once more.
        answer = RemotingCommand(ResponseCode.SUCCESS, opaque=request.opaque)
        try:
            reply = read_reply(request, link.name)
        except (RocketMQError, ValueError) as error:
            _repeats.warning(link.name, "a reply by broker %s cannot be read: %s", link.name, error)
            answer.code, answer.remark = ResponseCode.SYSTEM_ERROR, f"the reply cannot be read: {error}"
            return answer
        waiting = self._waiting.get(reply.get_property(CORRELATION_ID, ""))
        if waiting is None or waiting.done():
            self._core.stats.late_replies += 1
            logger.debug("nobody waits for the reply %s any more", reply.get_property(CORRELATION_ID))
        else:
            waiting.set_result(reply)
        return answer


def read_reply(request: RemotingCommand, broker_name: str = "") -> MessageExt:
    """The reply that a broker hands over.

    Raises:
        RocketMQError: it is none.
    """
    header = ReplyMessageRequestHeader.from_ext_fields(request.ext_fields)
    record = encode_message(
        header.topic,
        request.body or b"",
        properties=header.properties or "",
        flag=header.flag,
        queue_id=header.queue_id,
        sys_flag=header.sys_flag & _BODY_FLAGS,
        born_timestamp=header.born_timestamp,
        born_host=_host(header.born_host),
        store_timestamp=header.store_timestamp,
        store_host=_host(header.store_host),
        reconsume_times=header.reconsume_times or 0,
    )
    (message,) = decode_messages_strict(record, broker_name=broker_name)
    return message


_BODY_FLAGS: Final = 0x701
"""The bits of the system flag that say how a body is compressed; those about hosts are set by the record."""


def _host(text: str) -> tuple[str, int]:
    """Address and port out of what brokers write: ``10.0.0.1:1234``, with a slash before it at times."""
    try:
        host, port = parse_address(text.removeprefix("/"))
        return str(ip_address(host)), port
    except ValueError:
        return "0.0.0.0", 0  # noqa: S104 - not known; a reply is no worse for it


def _no_reply(message: Message, result: SendResult, seconds: float) -> ReplyTimeoutError:
    return ReplyTimeoutError(
        f"no reply to request {result.msg_id} on topic {message.topic!r} came within {seconds:.1f} s",
        likely="no consumer of the topic answers, or it takes longer",
        advice="look whether a consumer that replies is there, or raise the time-out",
    )
