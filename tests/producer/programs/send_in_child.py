"""Sends in a parent and in its child, with one producer that goes on and one that refuses."""

import os
import sys

from pyrocketmq import Producer
from pyrocketmq.errors import ForkedClientError

address, topic = sys.argv[1:]
producer = Producer("orders", address)
strict = Producer("strict", address, after_fork="error")
strict.start()
for number in range(100):
    producer.send(topic, b"parent %d" % number)
into, out = os.pipe()
child = os.fork()
name = b"child" if child == 0 else b"parent"
if child == 0:
    os.write(out, b"%d" % sum(producer.send(topic, b"child %d" % n).ok for n in range(200)))
    try:
        strict.send(topic, b"never")
    except ForkedClientError:
        os.write(out, b" refused")
    producer.shutdown()
    os._exit(0)
count = 100 + sum(producer.send(topic, b"parent %d" % n).ok for n in range(100, 200))
os.close(out)
_, status = os.waitpid(child, 0)
print("parent", count, "child", os.read(into, 100).decode())
producer.shutdown()
strict.shutdown()
sys.exit(status)
