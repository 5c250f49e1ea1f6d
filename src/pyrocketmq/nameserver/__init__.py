"""Name servers: one server's operations, and all of a cluster behind one face that follows their list."""

from pyrocketmq.nameserver.blocking.client import SyncNameServerClient
from pyrocketmq.nameserver.client import NameServerClient
from pyrocketmq.nameserver.models import RouteData
from pyrocketmq.nameserver.servers import NameServers
from pyrocketmq.nameserver.sources import HttpSource, ListSource, NameServerAddress, NameServerSource

__all__ = [
    "HttpSource",
    "ListSource",
    "NameServerAddress",
    "NameServerClient",
    "NameServerSource",
    "NameServers",
    "RouteData",
    "SyncNameServerClient",
]
