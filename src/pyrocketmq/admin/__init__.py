"""Administration of whole clusters, for event loops and for threads."""

from pyrocketmq.admin.blocking.client import SyncAdminClient
from pyrocketmq.admin.client import AdminClient

__all__ = ["AdminClient", "SyncAdminClient"]
