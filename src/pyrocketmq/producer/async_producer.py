"""AsyncProducer: every kind of send, for asynchronous code.

It puts the parts together and owns their beginning and end; how a message is sent is known by
``client.send``.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import warnings
import weakref
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, Self

from pyrocketmq.client.core import ClientCore
from pyrocketmq.client.send import SendCore
from pyrocketmq.errors import ConfigurationError
from pyrocketmq.model.recall import RecallHandle
from pyrocketmq.producer.accumulating import BatchCalls
from pyrocketmq.producer.config import ProducerConfig
from pyrocketmq.producer.request_reply import RequestCalls
from pyrocketmq.producer.watching import Watching

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator, Sequence
    from types import TracebackType

    from pyrocketmq.client.core import GroupRegistration
    from pyrocketmq.client.hooks import SendHook
    from pyrocketmq.model.message_queue import MessageQueue
    from pyrocketmq.nameserver.sources import NameServerSource

__all__ = ["AsyncProducer", "make_config"]

SHUTDOWN_TIMEOUT_S: Final = 5.0

logger = logging.getLogger(__name__)
_late: set[asyncio.Future[None]] = set()
"""Shutdowns of producers that nobody has any more."""


def make_config(
    producer_group: str | None,
    namesrv_addr: str | Sequence[str] | NameServerSource | None,
    config: ProducerConfig | None,
    settings: dict[str, Any],
) -> ProducerConfig:
    """The settings that the arguments of a producer describe.

    Raises:
        ConfigurationError: one of them cannot be used, or there is no such setting.
    """
    changes = dict(settings)
    if producer_group is not None:
        changes["producer_group"] = producer_group
    if namesrv_addr is not None:
        changes["namesrv_addr"] = namesrv_addr
    made = (config or ProducerConfig()).replace(**changes)
    if producer_group is None and made.producer_group == ProducerConfig().producer_group and config is None:
        raise ConfigurationError(
            "a producer needs the name of its group",
            field="producer_group",
            advice="name the application, for example Producer('orders', 'localhost:9876')",
        )
    return made


class AsyncProducer(RequestCalls, BatchCalls):
    """Sends messages; ``async with`` or ``start`` begins it, and the first send does so too.

    It belongs to the event loop that starts it, and may be made without one. After ``shutdown`` it can be
    started again, also on another loop.

    Args:
        producer_group: name of the application; brokers know all its producers as one group.
        namesrv_addr: name servers, ``a:9876;b:9876``; by default those of the environment (NAMESRV_ADDR).
        config: further settings.
        settings: single settings by their names, before those of ``config``.
    """

    def __init__(
        self,
        producer_group: str | None = None,
        namesrv_addr: str | Sequence[str] | NameServerSource | None = None,
        *,
        config: ProducerConfig | None = None,
        **settings: Any,
    ) -> None:
        self.config = make_config(producer_group, namesrv_addr, config, settings)
        self._core = ClientCore(self.config)
        group = self._core.resource(self.config.producer_group)
        self._sends = SendCore(self._core, group, self.config.send_settings())
        self._sends.ensure_started = _starting_of(self)
        super().__init__(self._sends.table)
        self._registration: GroupRegistration | None = None
        self._watching = Watching(self._core, self._sends, self.config)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of group {self.config.producer_group}, {self._core.state.value}>"

    def __del__(self) -> None:
        core: ClientCore | None = getattr(self, "_core", None)  # there is none after a wrong setting
        if core is None or not core.is_left_open:
            return
        warnings.warn(
            f"{self!r} was dropped without shutdown(); it is shut down now",
            ResourceWarning,
            stacklevel=2,
            source=self,
        )
        loop: Any = core.loop
        with contextlib.suppress(RuntimeError):  # the loop has ended on its thread at this very moment
            loop.call_soon_threadsafe(_shut_down_late, self)

    @property
    def client_id(self) -> str:
        """The name of this client at the brokers."""
        return self._core.client_id

    @property
    def is_started(self) -> bool:
        """True after a start, until a shutdown."""
        return self._registration is not None

    @property
    def is_running(self) -> bool:
        """True between start and shutdown."""
        return self._core.is_running and not self._sends.closed

    # ---- beginning and end ----

    async def start(self) -> None:
        """Reach a name server and begin the background work; does nothing when it runs.

        Raises:
            NoNameServerError: no name server answers.
            NameServerError: they refuse, for example for a wrong access key.
            ClientClosedError: it runs on another event loop.
            ForkedClientError: it was started in the parent process, and ``after_fork`` is "error".
        """
        await self._core.start()
        self._sends.open()
        self._watching.start()
        if self._registration is None:
            self._registration = self._core.register_producer_group(self._sends.group)

    async def shutdown(self, timeout: float = SHUTDOWN_TIMEOUT_S) -> None:
        """Take no more sends, wait for those under way, say good-bye to brokers, close.

        Once more does nothing.

        Args:
            timeout: seconds for all of it; sends that have not ended by then end with ClientClosedError.

        Raises:
            UndeliveredError: submitted messages were not delivered, and have no callback; it lists them.
        """
        if self._sends.closed and not self._core.is_running:
            return
        end = monotonic() + timeout
        lost = await self._close_submits(timeout * 0.8)
        if self._core.is_running:
            left = max(0.05, end - monotonic())
            await self._sends.close(left * 0.7)
            await self._watching.close(left * 0.1)
        else:
            self._sends.closed = True
        self._registration = None
        await self._core.shutdown(max(0.1, end - monotonic()))
        if lost is not None:
            raise lost

    async def close(self) -> None:
        """As ``shutdown``, with little patience: the event loop is about to end."""
        await self.shutdown(0.5)

    async def __aenter__(self) -> Self:
        try:
            await self.start()
        except BaseException:
            # Nobody gets this object, so nobody could close it.
            await self.shutdown(0.1)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.shutdown()

    def __await__(self) -> Generator[object, None, Self]:
        return self.__aenter__().__await__()

    async def _ensure_started(self) -> None:
        if self._registration is None:
            await self.start()
        else:
            await self._core.ensure_started()
            self._watching.start()  # the client may be on another loop by now, or in another process

    # ---- sends that are no messages, and what is known ----

    async def recall(self, topic: str, recall_handle: str, *, timeout: float | None = None) -> str:
        """Take a timed message back before it is delivered (brokers from 5.3 on); gives its message id.

        Args:
            topic: the topic it would go to.
            recall_handle: that of the result of its send.
            timeout: seconds; ``send_timeout`` by default.

        Raises:
            DeserializationError: it is no recall handle.
            InvalidRequestError: the message is delivered already, or the broker has recalling turned off.
        """
        handle = RecallHandle.decode(recall_handle)
        seconds = self.config.send_timeout if timeout is None else timeout
        end = monotonic() + seconds
        await self._ensure_started()
        topic = self._core.resource(topic)
        await self._core.routes.find(topic, end)
        link = self._core.brokers.link(handle.broker_name)
        return await link.client.recall_message(
            topic, recall_handle, self._sends.group, timeout=max(0.001, end - monotonic())
        )

    async def queues(self, topic: str, *, timeout: float | None = None) -> list[MessageQueue]:
        """The queues that messages of a topic can be sent to, in the order that every client uses.

        Raises:
            RouteNotFoundError: no name server knows the topic.
        """
        await self._ensure_started()
        seconds = self.config.send_timeout if timeout is None else timeout
        route = await self._core.routes.find(self._core.resource(topic), monotonic() + seconds)
        return [self._sends.targets.shown(queue) for queue, _ in route.pairs]

    def add_hook(self, hook: SendHook) -> None:
        """Call a hook around every send from now on; sends take the general way then, which costs more."""
        self._core.hooks.add(hook)
        self._sends.settle()
        self._settle_submits()

    def remove_hook(self, hook: SendHook) -> None:
        """Call a hook no more."""
        self._core.hooks.remove(hook)
        self._sends.settle()
        self._settle_submits()

    def stats(self) -> dict[str, object]:
        """Counters since this was made, and what is under way now."""
        return self._core.stats.snapshot()


def _starting_of(producer: AsyncProducer) -> Callable[[], Awaitable[None]]:
    """What starts a producer on first use; tasks that have it do not keep the producer."""
    core, method = producer._core, weakref.WeakMethod(producer._ensure_started)

    async def ensure_started() -> None:
        start = method()
        await (core.ensure_started() if start is None else start())

    return ensure_started


def _shut_down_late(producer: AsyncProducer) -> None:
    shutdown = asyncio.ensure_future(producer.shutdown())
    _late.add(shutdown)
    shutdown.add_done_callback(_told)


def _told(shutdown: asyncio.Future[None]) -> None:
    _late.discard(shutdown)
    if not shutdown.cancelled() and (error := shutdown.exception()) is not None:
        logger.warning("a producer that was dropped without shutdown() did not end well: %s", error)
