"""A server on plain sockets, one thread for each connection, that tests tell how to answer."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pyrocketmq._native.command import RemotingCommand
from pyrocketmq._native.frame import FrameReader, encode_frame

Answer = Callable[["Client", RemotingCommand], object]


def echo(client: Client, request: RemotingCommand) -> None:
    """Give every request its own body back."""
    client.answer(request, body=request.body)


class Client:
    """One connection, as the server sees it."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.requests: list[RemotingCommand] = []
        self.has_ended = threading.Event()

    def write(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.sock.sendall(data)

    def answer(self, request: RemotingCommand, code: int = 0, body: bytes | None = None) -> None:
        """Send the answer to a request, unless it is one-way."""
        if not request.is_oneway:
            fields = {"opaque": str(request.opaque)}
            self.write(encode_frame(RemotingCommand(code, 0, 513, request.opaque, 1, None, fields, body)))

    def close(self) -> None:
        """Close it, with an end that the peer sees at once."""
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()


class Server:
    """Where it listens, and what has come."""

    def __init__(self, answer: Answer) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"
        self.clients: list[Client] = []
        self.threads: list[threading.Thread] = []
        self._answer = answer

    @property
    def requests(self) -> list[RemotingCommand]:
        """All requests so far."""
        return [request for client in self.clients for request in client.requests]

    def start(self, work: Callable[..., None], *arguments: object) -> None:
        """Run something in a thread that ends with the server."""
        self.threads.append(threading.Thread(target=work, args=arguments))
        self.threads[-1].start()

    def accept(self) -> None:
        """Take connections until the listener is closed."""
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            client = Client(sock)
            self.clients.append(client)
            self.start(self.serve, client)

    def serve(self, client: Client) -> None:
        """Read one connection to its end."""
        reader = FrameReader()
        with contextlib.suppress(OSError):
            while data := client.sock.recv(1 << 16):
                reader.feed(data)
                for request in reader:
                    client.requests.append(request)
                    self._answer(client, request)
        client.has_ended.set()

    def close(self) -> None:
        """End everything."""
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.threads[0].join(10)  # a connection that it has just taken is one of the clients then
        for client in self.clients:
            client.close()
        for thread in self.threads:
            thread.join(10)
            assert not thread.is_alive()


@contextmanager
def serving(answer: Answer = echo) -> Iterator[Server]:
    """A server on a free port."""
    server = Server(answer)
    server.start(server.accept)
    try:
        yield server
    finally:
        server.close()
