"""Submits messages and ends, without shutdown and without flush; with a child made by fork if asked to."""

from __future__ import annotations

import logging
import os
import sys

from pyrocketmq import Producer

address, topic, how = sys.argv[1:]
logging.basicConfig(level=logging.ERROR)
producer = Producer("orders", address, send_timeout=1.5)
for at in range(1000):
    producer.submit(topic, b"%d" % at)
if how == "forked":
    child = os.fork()
    if child == 0:
        producer.submit(topic, b"child")
        producer.flush(10)
        os._exit(0)
    os.waitpid(child, 0)
