"""Pops for one group, and tells for each message what acknowledges it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from pyrocketmq._native.stored import MessageExt, decode_messages_strict
from pyrocketmq.model import Message, PopReceipt, RemotingCommand
from pyrocketmq.model import RemotingRequestFactory as Requests
from pyrocketmq.model.pop import parse_msg_offset_info, parse_start_offset_info
from tests.servers import Server, Wire

from .reading import fields, offset


@dataclass
class Popper:
    """One group and what it pops."""

    server: Server
    broker: Wire
    topic: str
    group: str
    invisible_ms: int = 20_000
    order: bool = False
    queue_id: int = -1

    def request(self, count: int = 32, *, poll_ms: int = 0, tags: str = "*") -> RemotingCommand:
        return Requests.create_pop_message_request(
            self.group,
            self.topic,
            self.queue_id,
            count,
            invisible_time=self.invisible_ms,
            poll_time=poll_ms,
            exp=tags,
            init_mode=0,
            born_time=self.server.now_ms(),
            order=self.order,
        )

    def pop(self, count: int = 32, *, tags: str = "*") -> list[Taken]:
        """What there is now; nothing is no messages."""
        answer = self.broker.ask(self.request(count, tags=tags)).command
        if answer.code == 0:
            return self.taken(answer)
        assert answer.code == 210, answer.remark
        return []

    def taken(self, answer: RemotingCommand) -> list[Taken]:
        """The messages of an answer, each with its receipt."""
        told = fields(answer)
        starts = parse_start_offset_info(told["startOffsetInfo"])
        ranks: dict[str, Iterator[int]] = defaultdict(
            lambda: iter(()),
            {key: iter(offsets) for key, offsets in parse_msg_offset_info(told["msgOffsetInfo"]).items()},
        )
        taken = []
        for message in decode_messages_strict(answer.body or b""):
            given = message.get_property("POP_CK")
            key = f"0@{message.queue_id}"
            if given is not None:
                receipt = PopReceipt.decode(given)
            else:
                receipt = PopReceipt(
                    starts[key],
                    int(told["popTime"]),
                    int(told["invisibleTime"]),
                    int(told["reviveQid"]),
                    "0",
                    self.server.broker_name,
                    message.queue_id,
                    next(ranks[key]),
                )
            taken.append(Taken(self, message, receipt))
        return taken

    def wait(self, count: int = 1, within: float = 20.0) -> list[Taken]:
        """Pop until there is something."""
        return self.server.until(lambda: self.pop(count), "messages can be popped", within)

    def send_and_pop(self, *bodies: str) -> list[Taken]:
        """Send messages to one queue, and pop them together."""
        self.send(*bodies)
        return self.wait(len(bodies))

    def send(self, *bodies: str) -> None:
        """Send messages to one queue, and wait until it has them all."""
        result = self.broker.send([Message(self.topic, body) for body in bodies])
        command = Requests.create_get_max_offset_request(self.topic, 0)
        end = result.queue_offset + len(bodies)
        self.server.until(lambda: offset(self.broker, command) == end, "the queue has them")


@dataclass
class Taken:
    """One popped message and its receipt."""

    popper: Popper
    message: MessageExt
    receipt: PopReceipt

    @property
    def body(self) -> bytes:
        return self.message.body

    @property
    def real_topic(self) -> str:
        return self.receipt.real_topic(self.popper.topic, self.popper.group)

    @property
    def offset(self) -> int:
        assert self.receipt.msg_queue_offset is not None
        return self.receipt.msg_queue_offset

    def acknowledge(self) -> int:
        """Gives the code of the answer."""
        command = Requests.create_ack_message_request(
            self.popper.group, self.real_topic, self.receipt.queue_id, self.receipt.encode(), self.offset
        )
        return self.popper.broker.ask(command).command.code

    def change(self, invisible_ms: int) -> Taken:
        """The same message with its new receipt."""
        command = Requests.create_change_invisible_time_request(
            self.popper.group,
            self.real_topic,
            self.receipt.queue_id,
            self.receipt.encode(),
            self.offset,
            invisible_time=invisible_ms,
        )
        told = fields(self.popper.broker.call(command))
        receipt = PopReceipt(
            self.offset,
            int(told["popTime"]),
            int(told["invisibleTime"]),
            int(told["reviveQid"]),
            self.receipt.retry,
            self.receipt.broker_name,
            self.receipt.queue_id,
            self.offset,
        )
        return Taken(self.popper, self.message, receipt)
