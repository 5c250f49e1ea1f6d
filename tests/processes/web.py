"""An application for gunicorn --preload: made, started and busy sending before the workers are forked."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable

from pyrocketmq import Message, Producer

producer = Producer("web", os.environ["NAMESRV_ADDR"], linger=0.5, send_timeout=30.0)
producer.start()
for number in range(1_000):
    producer.submit(Message("before", f"{number}"))


def application(
    environ: dict[str, str], start_response: Callable[[str, list[tuple[str, str]]], object]
) -> Iterable[bytes]:
    """Each request is an order."""
    result = producer.send(Message("orders", environ["PATH_INFO"]))
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"{os.getpid()} {result.msg_id}".encode()]
