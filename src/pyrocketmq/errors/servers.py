"""Refusals: what brokers and name servers answer, and what became of a question to several of them. Which
answer makes which error is decided where answers are read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from .base import RocketMQError

if TYPE_CHECKING:
    from collections.abc import Mapping


class ServerError(RocketMQError):
    """A server answered that it does not do what was asked.

    Args:
        response_code: the number that it answered.
        code_name: its name, for example ``SYSTEM_BUSY``.
        remark: the server's own words.
        request: name of the request, for example ``SEND_MESSAGE_V2``.
        address: the server, as ``host:port``.
        topic: the topic of the request, if it has one.
        group: the group of the request, if it has one.
        retryable: None keeps what the class says.
    """

    code = "B500"
    server: ClassVar[str] = "server"

    def __init__(
        self,
        what: str = "",
        *,
        field: str | None = None,
        likely: str | None = None,
        advice: str | None = None,
        response_code: int = 1,
        code_name: str = "SYSTEM_ERROR",
        remark: str | None = None,
        request: str = "",
        address: str | None = None,
        topic: str | None = None,
        group: str | None = None,
        retryable: bool | None = None,
    ) -> None:
        self.response_code = response_code
        self.code_name = code_name
        self.remark = remark
        self.request = request
        self.address = address
        self.topic = topic
        self.group = group
        if retryable is not None:
            self.retryable = retryable
        super().__init__(what or self._describe(), field=field, likely=likely, advice=advice)

    def _describe(self) -> str:
        text = f"{self.server} {self.address or '(unknown address)'} answered {self.code_name}"
        text += f" ({self.response_code})"
        if self.request:
            text += f" to {self.request}"
        about = [
            f"{name} {value!r}" for name, value in (("topic", self.topic), ("group", self.group)) if value
        ]
        if about:
            text += f" for {', '.join(about)}"
        return f"{text}: {self.remark}" if self.remark else text


class BrokerError(ServerError):
    """A broker answered that it does not do what was asked; its subclasses say what the caller can do."""

    code = "B501"
    server = "broker"


class BrokerBusyError(BrokerError):
    """A broker has too much to do at the moment; try later, or another broker."""

    code = "B502"
    retryable = True


class BrokerUnavailableError(BrokerError):
    """A broker takes no such requests now: it is closing or a slave, or its disk is full."""

    code = "B503"
    retryable = True


class TopicNotFoundError(BrokerError):
    """A broker has no such topic, and does not create it by itself."""

    code = "B504"


class GroupNotFoundError(BrokerError):
    """A broker has no such group, and does not create it by itself."""

    code = "B505"


class ClientOfflineError(BrokerError):
    """No client of the group, or not the one that was asked for, is connected to a broker."""

    code = "B506"
    retryable = True


class NotFoundError(BrokerError):
    """A broker has no such message, offset, user or rule."""

    code = "B507"


class NoPermissionError(BrokerError):
    """A topic, a group or a broker may not be read or written, whoever asks."""

    code = "B508"


class AclError(BrokerError):
    """Access control refuses: the access key is unknown, its signature wrong, or it lacks the right."""

    code = "A601"


class InvalidRequestError(BrokerError, ValueError):
    """A broker does not take an argument of the request; ``remark`` says which."""

    code = "B509"


class SubscriptionNotReadyError(BrokerError):
    """A broker does not know the subscription yet, or an older one; it does after a heartbeat."""

    code = "B510"
    retryable = True


class UnsupportedRequestError(BrokerError):
    """A broker does not know this kind of request; its release is too old, or the port is another."""

    code = "B511"


class NameServerError(ServerError):
    """A name server answered that it does not do what was asked."""

    code = "R100"
    server = "name server"


class RouteNotFoundError(NameServerError):
    """No name server knows on which brokers the topic is."""

    code = "R101"


class NoNameServerError(RocketMQError):
    """No name server could be asked: the list is empty, or none of it answered.

    Args:
        failures: why each of them could not be asked, by address.
    """

    code = "R102"
    retryable = True

    def __init__(
        self,
        what: str,
        *,
        field: str | None = None,
        likely: str | None = None,
        advice: str | None = None,
        failures: Mapping[str, RocketMQError] | None = None,
    ) -> None:
        super().__init__(what, field=field, likely=likely, advice=advice)
        self.failures = dict(failures or {})


class AdminError(RocketMQError):
    """An operation on several servers failed on some of them, or cannot be carried out.

    Args:
        failures: why it failed, by address of the server.
        done: the addresses where it was carried out.
    """

    code = "O701"

    def __init__(
        self,
        what: str,
        *,
        field: str | None = None,
        likely: str | None = None,
        advice: str | None = None,
        failures: Mapping[str, RocketMQError] | None = None,
        done: tuple[str, ...] = (),
    ) -> None:
        super().__init__(what, field=field, likely=likely, advice=advice)
        self.failures = dict(failures or {})
        self.done = done
        self.retryable = bool(self.failures) and all(error.retryable for error in self.failures.values())
