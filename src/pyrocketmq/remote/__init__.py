"""Requests and their answers: one call, one answer, over connections that are shared and come back."""

from pyrocketmq.remote.async_remote import AsyncRemote
from pyrocketmq.remote.config import PRODUCTION_CONFIG, RemoteConfig
from pyrocketmq.remote.credentials import Credentials
from pyrocketmq.remote.factory import create_async_remote, create_sync_remote
from pyrocketmq.remote.hooks import RpcHook
from pyrocketmq.remote.pool import AsyncConnectionPool
from pyrocketmq.remote.sync_pool import ConnectionPool
from pyrocketmq.remote.sync_remote import SyncRemote

__all__ = [
    "PRODUCTION_CONFIG",
    "AsyncConnectionPool",
    "AsyncRemote",
    "ConnectionPool",
    "Credentials",
    "RemoteConfig",
    "RpcHook",
    "SyncRemote",
    "create_async_remote",
    "create_sync_remote",
]
