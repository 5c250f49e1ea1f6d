"""LocalRocketMQ: a name server and brokers in this process that blocking and asynchronous tests can use."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Self

from pyrocketmq._clock import MovableClock
from pyrocketmq.errors import ConfigurationError, TransportStateError
from pyrocketmq.testing.local_faults import LocalFaults
from pyrocketmq.testing.scripts import Recording, Script
from pyrocketmq.testing.server_thread import ServerThread

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from pyrocketmq._clock import Clock
    from pyrocketmq.model import MessageExt
    from pyrocketmq.server import EmbeddedServer, ServerConfig
    from pyrocketmq.testing.local_faults import LocalFault

__all__ = ["LocalRocketMQ"]


class LocalRocketMQ:
    """A name server and its brokers, on a thread of their own; clients connect to ``addr``::

        with LocalRocketMQ() as rocketmq:
            ...  # connect to rocketmq.addr

    All methods may be called from any thread but the server's, with or without an event loop; each takes
    well under a millisecond.

    Args:
        config: the settings; one broker in memory on free ports by default.
        clock: the time; by default it goes as the machine's does and `advance` moves it forward. With a
            `ManualClock` it stands still but for `advance`.
    """

    def __init__(self, config: ServerConfig | None = None, *, clock: Clock | None = None) -> None:
        self._config = config
        self._clock = clock or MovableClock()
        self._thread = ServerThread()
        self._server: EmbeddedServer | None = None

    def __repr__(self) -> str:
        return f"<LocalRocketMQ at {self.addr}>" if self._server else "<LocalRocketMQ, not running>"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start(self) -> None:
        """Start the server; returns when clients can connect.

        Raises:
            OSError: a port cannot be listened on.
            StoreError: a data folder cannot be used.
            TransportStateError: it runs already.
        """
        from pyrocketmq.server import EmbeddedServer  # noqa: PLC0415 - pytest imports this module at every start

        if self._server is not None:
            raise TransportStateError(
                "the server for tests runs already", advice="start it once, or make another"
            )
        server = EmbeddedServer(self._config, clock=self._clock)
        self._thread.start()
        try:
            self._thread.run(server.start())
        except BaseException:
            self._thread.stop()
            raise
        self._server = server

    def close(self) -> None:
        """Stop the server and its thread; once more does nothing."""
        server, self._server = self._server, None
        if server is not None:
            try:
                self._thread.run(server.close())
            finally:
                self._thread.stop()

    @property
    def server(self) -> EmbeddedServer:
        """The server itself; to be used on its own thread only.

        Raises:
            TransportStateError: it is not running.
        """
        if self._server is None:
            raise TransportStateError(
                "the server for tests is not running", advice="use it inside of `with`, or start() it first"
            )
        return self._server

    @property
    def addr(self) -> str:
        """``host:port`` of the name server, for clients."""
        return self.server.addr

    @property
    def broker_addrs(self) -> list[str]:
        """``host:port`` of each broker, for clients that talk to one broker."""
        return [broker.address for broker in self.server.brokers]

    # ---- topics and messages ----

    def create_topic(self, topic: str, queues: int = 4, *, perm: int = 6) -> None:
        """Make a topic on every broker, or change it.

        Args:
            topic: its name.
            queues: how many queues each broker has.
            perm: 4 to read + 2 to write.

        Raises:
            ConfigurationError: the name or a number cannot be used.
        """
        from pyrocketmq.server.call import Refused  # noqa: PLC0415 - imported with the server
        from pyrocketmq.server.topics import TopicSettings, check_topic_name  # noqa: PLC0415

        if not 1 <= queues <= 65536:
            raise ConfigurationError(f"queues is {queues!r}, it must be 1 to 65,536", field="queues")
        if perm not in range(8):
            raise ConfigurationError(f"perm is {perm!r}, it must be 0 to 7", field="perm")
        try:
            check_topic_name(topic)
        except Refused as error:
            raise ConfigurationError(
                f"topic {topic!r} cannot be made: {error.remark}", field="topic"
            ) from None
        server = self.server

        def create() -> None:
            for broker in server.brokers:
                broker.topics.put(TopicSettings(topic, queues, queues, perm))

        self._thread.call(create)

    def delete_topic(self, topic: str) -> None:
        """Delete a topic and its messages; one that does not exist is fine."""
        server = self.server

        def delete() -> None:
            for broker in server.brokers:
                broker.topics.delete(topic)

        self._thread.call(delete)

    def topics(self) -> list[str]:
        """The topics that tests and sends have made, sorted; those of the brokers themselves are left out."""
        from pyrocketmq.model.names import is_system_topic, reply_topic  # noqa: PLC0415

        server = self.server

        def names() -> set[str]:
            cluster = server.config.cluster
            own = {cluster, reply_topic(cluster), *(broker.name for broker in server.brokers)}
            made = {settings.name for broker in server.brokers for settings in broker.topics.all()}
            return {name for name in made - own if not is_system_topic(name)}

        return sorted(self._thread.call(names))

    def messages(self, topic: str, at_least: int = 0, *, timeout: float = 5.0) -> list[MessageExt]:
        """The messages of a topic as they are stored, in the order in which they were.

        Args:
            topic: its name; ``%RETRY%group`` and ``%DLQ%group`` have the messages that were given back.
            at_least: wait until there are so many, as sends that are one-way or on their way need it.
            timeout: seconds to wait for them.

        Raises:
            AssertionError: fewer came in time.
        """
        server = self.server
        deadline = time.monotonic() + timeout
        while True:
            found = self._thread.call(lambda: _messages(server, topic))
            if len(found) >= at_least:
                return found
            if time.monotonic() >= deadline:
                raise AssertionError(
                    f"topic {topic!r} has {len(found)} messages after {timeout:g} s, {at_least} were expected"
                )
            time.sleep(0.005)

    def committed_offsets(self, group: str, topic: str) -> dict[tuple[str, int], int]:
        """The offsets that a consumer group has stored, by broker name and queue."""
        server = self.server

        def offsets() -> dict[tuple[str, int], int]:
            return {
                (broker.name, queue_id): offset
                for broker in server.brokers
                for queue_id, offset in broker.offsets.of_group(group).get(topic, {}).items()
            }

        return self._thread.call(offsets)

    # ---- what a test does to it ----

    @property
    def faults(self) -> LocalFaults:
        """What goes wrong on purpose."""
        return LocalFaults(self.server, self._thread)

    def fail(
        self,
        request: str | int,
        code: str | int = 1,
        remark: str | None = None,
        *,
        times: int | None = None,
        topic: str | None = None,
        probability: float = 1.0,
    ) -> LocalFault:
        """Have requests answered with an error: ``fail("send", code="SYSTEM_BUSY", times=2)``.

        See `LocalFaults.fail`; other faults are added with ``faults.add``.
        """
        return self.faults.fail(request, code, remark, times=times, topic=topic, probability=probability)

    def answer(
        self,
        request: str | int,
        code: str | int = 0,
        remark: str | None = None,
        *,
        fields: Mapping[str, str] | None = None,
        body: bytes | str | None = None,
        times: int | None = None,
        topic: str | None = None,
    ) -> Script:
        """Have requests answered as written here; the server does nothing of what they ask for.

        Args:
            request: a family such as ``send``, a name such as ``PULL_MESSAGE``, a number, or ``*``.
            code: the response code, by name or number.
            remark: the text of the answer.
            fields: the fields of its header.
            body: its body.
            times: how many requests get it; None: all until ``stop``.
            topic: only requests that name this topic.

        Raises:
            ConfigurationError: there is no such request or code, or a number is out of its range.
        """
        return Script(
            self.server,
            self._thread,
            request,
            code=code,
            remark=remark,
            fields=fields,
            body=body,
            times=times,
            topic=topic,
        )

    def record(self) -> Recording:
        """Keep a copy of each request from now on, until ``stop`` or the end of ``with``."""
        return Recording(self.server, self._thread)

    def advance(self, seconds: float) -> None:
        """Move the clock forward: delays, timers, checks and time-outs of the server that fall due happen.

        Raises:
            ConfigurationError: the server has a clock that cannot be moved.
        """
        server = self.server

        async def advance() -> None:
            server.advance(seconds)
            for broker in server.brokers:
                await broker.messages.committed()

        self._thread.run(advance())

    def now_ms(self) -> int:
        """What the server's clock shows, in milliseconds since 1970."""
        return self._clock.now_ms()

    def disconnect(self) -> None:
        """Cut every connection to the brokers, as a network failure does; clients may connect again."""
        server = self.server

        def cut() -> None:
            for broker in server.brokers:
                for connection in list(broker.connections):
                    connection.abort()

        self._thread.call(cut)


def _messages(server: EmbeddedServer, topic: str) -> list[MessageExt]:
    from pyrocketmq.model.message_ext import decode_messages_strict  # noqa: PLC0415 - imported with the server

    found: list[tuple[tuple[int, int, int], MessageExt]] = []
    for number, broker in enumerate(server.brokers):
        log = broker.store.log
        for queue in log.queues():
            if queue.topic != topic:
                continue
            for offset in range(queue.min_offset, queue.max_offset):
                entry = queue.entry(offset)
                record = log.read_at(entry[0]) if entry else None
                if entry is None or record is None:
                    continue
                place = (entry[3], number, entry[0])
                messages = decode_messages_strict(record, broker_name=broker.name)
                found.extend([(place, message) for message in messages])
    found.sort(key=lambda item: item[0])
    return [message for _, message in found]
