"""Servers that are played for the command line: each port has one thing that listens there.

They run on a thread of their own, as the commands under test run a loop of theirs.
"""

from __future__ import annotations

import asyncio
import ssl
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson

from pyrocketmq._native.command import RemotingCommand
from pyrocketmq._native.connection import Connection
from pyrocketmq.model import RequestCode, ResponseCode

Answers = Mapping[int, Callable[[RemotingCommand], RemotingCommand]]


def answer(
    code: int = 0, body: object = None, remark: str | None = None, fields: dict[str, str] | None = None
) -> RemotingCommand:
    """An answer of a Java server of release 5.5.0; its number is set where it is sent."""
    raw = body if isinstance(body, bytes) or body is None else orjson.dumps(body)
    return RemotingCommand(code, 0, 513, 0, 1, remark, fields, raw)


@dataclass
class PlayedBroker:
    """What a broker says about itself."""

    name: str = "broker-a"
    clock_ahead_s: float = 0.0
    disk: str = "0.17"
    settings: dict[str, str] = field(
        default_factory=lambda: {"autoCreateTopicEnable": "true", "brokerPermission": "6"}
    )
    denied: str | None = None
    version: int = 513

    def answers(self) -> Answers:
        return {
            RequestCode.GET_BROKER_RUNTIME_INFO: self._runtime,
            RequestCode.GET_BROKER_CONFIG: self._config,
            RequestCode.GET_MAX_OFFSET: lambda _: answer(fields={"offset": "0"}),
            RequestCode.SEND_MESSAGE: lambda _: answer(
                ResponseCode.INVALID_PARAMETER, remark="queueId is illegal"
            ),
            RequestCode.QUERY_MESSAGE: lambda _: answer(ResponseCode.QUERY_NOT_FOUND),
        }

    def _runtime(self, _: RemotingCommand) -> RemotingCommand:
        if self.denied:
            return answer(ResponseCode.NO_PERMISSION, remark=self.denied)
        now = time.time() + self.clock_ahead_s
        table = {
            "bootTimestamp": str(int((now - 93_784) * 1000)),
            "runtime": "[ 1 days, 2 hours, 3 minutes, 4 seconds ]",
            "commitLogDiskRatio": self.disk,
        }
        return answer(body={"table": table})

    def _config(self, _: RemotingCommand) -> RemotingCommand:
        if self.denied:
            return answer(ResponseCode.NO_PERMISSION, remark=self.denied)
        lines = {"brokerName": self.name, **self.settings}
        return answer(body="\n".join(f"{name}={value}" for name, value in lines.items()).encode())


def name_server(
    brokers: Mapping[str, str], topics: Mapping[str, int] | None = None, perm: int = 6
) -> Answers:
    """A name server that knows brokers by their announced addresses, and topics by their queues."""
    datas = [
        {"brokerName": name, "cluster": "DefaultCluster", "brokerAddrs": {"0": address}}
        for name, address in brokers.items()
    ]

    def cluster(_: RemotingCommand) -> RemotingCommand:
        names = [data["brokerName"] for data in datas]
        table = {str(data["brokerName"]): data for data in datas}
        return answer(body={"brokerAddrTable": table, "clusterAddrTable": {"DefaultCluster": names}})

    def route(request: RemotingCommand) -> RemotingCommand:
        queues = (topics or {}).get((request.ext_fields or {})["topic"])
        if queues is None:
            return answer(ResponseCode.TOPIC_NOT_EXIST, remark="No topic route info")
        data = [
            {
                "brokerName": name,
                "readQueueNums": queues,
                "writeQueueNums": queues,
                "perm": perm,
                "topicSysFlag": 0,
            }
            for name in brokers
        ]
        return answer(body={"brokerDatas": datas, "queueDatas": data, "filterServerTable": {}})

    return {RequestCode.GET_BROKER_CLUSTER_INFO: cluster, RequestCode.GET_ROUTEINFO_BY_TOPIC: route}


class Stage:
    """A loop on a thread, and what listens on it."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.seen: list[RemotingCommand] = []
        self._thread = threading.Thread(target=self.loop.run_forever, name="stage")
        self._thread.start()
        self._servers: list[asyncio.Server] = []
        self._taken: list[Connection] = []
        self._tasks: set[asyncio.Task[Any]] = set()

    def play(self, answers: Answers, *, tls: ssl.SSLContext | None = None, port: int = 0) -> str:
        """A RocketMQ server; requests without an answer get code 3."""

        def handle(_: Connection, request: RemotingCommand) -> RemotingCommand:
            self.seen.append(request)
            make = answers.get(request.code)
            reply = make(request) if make else answer(ResponseCode.REQUEST_CODE_NOT_SUPPORTED)
            reply.opaque = request.opaque
            return reply

        async def start() -> asyncio.Server:
            return await self.loop.create_server(
                lambda: Connection(handle, on_made=self._taken.append), "127.0.0.1", port, ssl=tls
            )

        return self._listen(start())

    def speak(
        self,
        serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
        *,
        tls: ssl.SSLContext | None = None,
    ) -> str:
        """A server of any other kind."""

        async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            self._tasks.add(task)
            try:
                await serve(reader, writer)
            except OSError:
                pass
            finally:
                writer.transport.abort()
                self._tasks.discard(task)

        return self._listen(asyncio.start_server(served, "127.0.0.1", 0, ssl=tls))

    def _listen(self, start: Any) -> str:
        server: asyncio.Server = asyncio.run_coroutine_threadsafe(start, self.loop).result(10)
        self._servers.append(server)
        host, port = server.sockets[0].getsockname()[:2]
        return f"{host}:{port}"

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self.loop).result(10)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(10)
        self.loop.close()

    async def _close(self) -> None:
        for server in self._servers:
            server.close()
        for connection in self._taken:
            connection.abort()
            await connection.wait_closed(1)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for server in self._servers:
            await server.wait_closed()
        await asyncio.sleep(0.01)  # aborted transports close in a later turn


@contextmanager
def open_stage() -> Iterator[Stage]:
    stage = Stage()
    try:
        yield stage
    finally:
        stage.close()
