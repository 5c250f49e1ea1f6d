"""Who may talk to whom: keys from passwords and files, pins of servers, and the judge of clients."""

from __future__ import annotations

from flaxfile.security.crypto import CurveKeys, Identity, PasswordKeys, derive, identity_from_password
from flaxfile.security.zap import Authenticator, Permission, authenticator

__all__ = [
    "Authenticator",
    "CurveKeys",
    "Identity",
    "PasswordKeys",
    "Permission",
    "authenticator",
    "derive",
    "identity_from_password",
]
