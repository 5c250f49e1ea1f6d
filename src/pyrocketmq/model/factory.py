"""RemotingRequestFactory: a creator for every request that a client sends."""

from __future__ import annotations

from pyrocketmq.model.builder import RemotingCommandBuilder
from pyrocketmq.model.requests.admin import AdminRequests
from pyrocketmq.model.requests.auth import AuthRequests
from pyrocketmq.model.requests.groups import GroupRequests
from pyrocketmq.model.requests.nameserver import NameServerRequests
from pyrocketmq.model.requests.pop import PopRequests
from pyrocketmq.model.requests.pulling import PullingRequests
from pyrocketmq.model.requests.sending import SendingRequests

__all__ = ["RemotingCommandBuilder", "RemotingRequestFactory"]


class RemotingRequestFactory(
    SendingRequests,
    PullingRequests,
    PopRequests,
    GroupRequests,
    NameServerRequests,
    AdminRequests,
    AuthRequests,
):
    """Makes requests: static methods ``create_*_request``, one for each request code that clients use.

    Each checks its arguments against the declaration of the request's header and gives a command with the
    next free opaque. None of them sets the one-way bit: whether an answer is wanted is decided where it is
    sent.
    """
