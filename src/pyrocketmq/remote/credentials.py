"""Who signs requests: fixed credentials, or a function that gives the ones of the moment."""

from __future__ import annotations

from collections.abc import Callable

from pyrocketmq.model.acl import AclCredentials

__all__ = ["Credentials", "CredentialsSource"]

Credentials = AclCredentials

CredentialsSource = Credentials | Callable[[], Credentials]
"""A function is asked for each request, so keys may be exchanged while the program runs; it must be quick."""
