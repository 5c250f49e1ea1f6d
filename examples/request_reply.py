"""Ask a question and wait for its reply. A thread of this program answers, in place of another program.

Needs a server: `pyrocketmq serve` is one, and NAMESRV_ADDR names another.
"""

from __future__ import annotations

import os
import threading

from pyrocketmq import Message, Producer
from pyrocketmq.broker import SyncBrokerClient
from pyrocketmq.model.names import reply_topic
from pyrocketmq.nameserver import SyncNameServerClient
from pyrocketmq.transport.utils import parse_address

ADDRESS = os.environ.get("NAMESRV_ADDR", "localhost:9876")
TOPIC = "prices"
PRICES = {b"flat white": "4.50", b"espresso": "2.80"}


def answer(ready: threading.Event, questions: int) -> None:
    """Read the questions of one queue, and send each reply to the client that waits for it."""
    with SyncNameServerClient(*parse_address(ADDRESS)) as names:
        cluster = names.get_broker_cluster_info()
    name, data = next(iter(cluster.broker_addr_table.items()))
    with SyncBrokerClient(*parse_address(data.master_addr or ""), broker_name=name) as broker:
        broker.create_topic(TOPIC, 1, 1)
        offset = broker.get_max_offset(TOPIC, 0)
        ready.set()
        while questions:
            pulled = broker.pull_message("till", TOPIC, 0, offset, hold=10.0)
            offset = pulled.next_begin_offset
            for question in pulled.messages:
                reply = Message(reply_topic(data.cluster or ""), PRICES.get(question.body, "unknown"))
                reply.set_property("MSG_TYPE", "reply")
                for name in ("CORRELATION_ID", "REPLY_TO_CLIENT", "TTL"):
                    reply.set_property(name, question.get_property(name))
                broker.send_reply(reply)
                questions -= 1


def main() -> None:
    ready = threading.Event()
    answering = threading.Thread(target=answer, args=(ready, 2))
    answering.start()
    ready.wait(10)
    with Producer("guests", ADDRESS) as producer:
        for drink in ("flat white", "espresso"):
            reply = producer.request(Message(TOPIC, drink), 5.0)
            print(f"{drink}: {reply.body.decode()}")
    answering.join()


if __name__ == "__main__":
    main()
