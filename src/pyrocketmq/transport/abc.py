"""What every transport offers: connect, whole frames out, whole frames in, close."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import Buffer

    from pyrocketmq._native.command import RemotingCommand

__all__ = ["AsyncTransport", "Transport"]


class Transport(ABC):
    """A blocking way to one server; frames go out and come in whole."""

    @abstractmethod
    def connect(self) -> None:
        """Open the connection; does nothing when it is open."""

    @abstractmethod
    def output(self, msg: Buffer | RemotingCommand) -> None:
        """Send one frame, given as its bytes or as the command that becomes one."""

    @abstractmethod
    def recv(self) -> bytes:
        """Wait for the next frame and return its bytes, length word included."""

    @abstractmethod
    def close(self) -> None:
        """Close the connection; does nothing when it is closed."""


class AsyncTransport(ABC):
    """The same for an event loop."""

    @abstractmethod
    async def connect(self) -> None:
        """Open the connection; does nothing when it is open."""

    @abstractmethod
    async def output(self, msg: Buffer | RemotingCommand) -> None:
        """Send one frame, given as its bytes or as the command that becomes one."""

    @abstractmethod
    async def recv(self) -> bytes:
        """Wait for the next frame and return its bytes, length word included."""

    @abstractmethod
    async def close(self) -> None:
        """Close the connection; does nothing when it is closed."""
