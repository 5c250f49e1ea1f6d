"""The embedded name server and brokers. They know transport and what lies below, and no client.

An `EmbeddedServer` has `NameServer` and `Broker` objects on one event loop. A broker is made of concerns, one
file each: a class derived from `Concern` that `Broker.__init__` makes, keeps as an attribute and adds with
`Broker.add`. A concern takes part in these ways:

- ``handlers()`` gives the request codes it serves; a handler gets a `Call` and gives the answer, an awaitable
  of it, or None for no answer; raising `Refused` is an answer too;
- ``messages.redirects`` are asked about every message before it is stored: they may change its topic, queue
  and properties, add fields to the answer, or refuse it;
- ``messages.append`` and ``await messages.committed()`` store messages of the concern's own;
- ``arrivals`` tells which queues got messages, after the commit that makes them visible; what was stored is
  then read from ``store.log``, which is also how an index catches up when it is asked;
- ``pulling.subscription_of``, ``pulling.committed_offset`` and ``pulling.offset_resets`` are where consumer
  groups plug in;
- ``dispatcher.intercept`` puts a function around all handlers of a broker;
- ``start()``, ``stop()`` and ``connection_lost(connection)`` are called when it is time;
- ``broker.clock`` and ``broker.timers`` are the only time there is, ``broker.state(name)`` keeps small state.

What takes a message or pull off the usual way adds a word to ``broker.general_only`` while it does: as long
as that set is empty, plain sends and pulls may be served without calling any of the above but ``arrivals``.
"""

from pyrocketmq.server.access_rules import AccessRules, Account, Right
from pyrocketmq.server.broker import Broker
from pyrocketmq.server.config import ServerConfig
from pyrocketmq.server.embedded import EmbeddedServer
from pyrocketmq.server.fault_rules import FaultRule
from pyrocketmq.server.faults import Fault, Faults
from pyrocketmq.server.tls import ServerTls

__all__ = [
    "AccessRules",
    "Account",
    "Broker",
    "EmbeddedServer",
    "Fault",
    "FaultRule",
    "Faults",
    "Right",
    "ServerConfig",
    "ServerTls",
]
