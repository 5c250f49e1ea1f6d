"""Sends and ends without shutting anything down."""

import sys

from pyrocketmq import Producer

producer = Producer("orders", sys.argv[1])
print(sum(producer.send(sys.argv[2], b"%d" % number).ok for number in range(10)))
