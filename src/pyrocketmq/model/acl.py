"""Signing requests for access control: ACL 1.0 and, with the same bytes, auth 2.0.

What is signed is the values of all ext fields and the body, so nothing may change them afterwards. When to
sign is decided by the layers above.
"""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, Final

from pyrocketmq._native.signing import signed_content
from pyrocketmq.errors import ConfigurationError
from pyrocketmq.model._declared import Declared, wire

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyrocketmq._native.command import RemotingCommand

__all__ = ["AclCredentials", "sign", "sign_request", "signed_content"]

ACCESS_KEY: Final = "AccessKey"
SIGNATURE: Final = "Signature"
SECURITY_TOKEN: Final = "SecurityToken"  # noqa: S105 - the name of the field


class AclCredentials(Declared, frozen=True):
    """Who signs; the repr shows neither the secret key nor the token.

    Args:
        access_key: with auth 2.0 the user name.
        secret_key: with auth 2.0 the password.
        security_token: of a temporary login, else None.

    Raises:
        ConfigurationError: a key or the token is empty or not text.
    """

    access_key: str
    secret_key: str = wire(secret=True)
    security_token: str | None = wire(default=None, secret=True)

    def _check(self) -> None:
        _require_key("access_key", self.access_key, "it must be non-empty text")
        _require_key("secret_key", self.secret_key, "it must be non-empty text")
        if self.security_token is not None:
            _require_key("security_token", self.security_token, "it must be non-empty text or None")


def _require_key(name: str, key: object, rule: str) -> None:
    # A key is never shown, not even a wrong one.
    if not isinstance(key, str):
        fault = f"of type {type(key).__name__}"
    elif not key:
        fault = "empty"
    elif not _is_utf8(key):
        fault = "text with a lone surrogate, which cannot be written as UTF-8"
    else:
        return
    raise ConfigurationError(
        f"{name} is {fault}, {rule}",
        field=name,
        advice="Check where it comes from: an environment variable or a file may be missing or damaged.",
    )


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def sign(
    ext_fields: Mapping[str, str], body: bytes | None, credentials: AclCredentials, *, version: int = 513
) -> dict[str, str]:
    """The fields to add to a request: AccessKey, Signature and, if there is one, SecurityToken.

    Args:
        ext_fields: all ext fields of the request, its header included; a former signature is replaced.
        body: the body as it will be sent.
        credentials: who signs.
        version: the version number of the request.
    """
    import hmac  # noqa: PLC0415 - brings OpenSSL in, which clients without credentials never need

    added = {ACCESS_KEY: credentials.access_key}
    if credentials.security_token is not None:
        added[SECURITY_TOKEN] = credentials.security_token
    content = signed_content({**ext_fields, **added}, body, version)
    digest = hmac.digest(credentials.secret_key.encode(), content, "sha1")
    added[SIGNATURE] = b64encode(digest).decode()
    return added


def sign_request(request: RemotingCommand, credentials: AclCredentials) -> None:
    """Put the fields of ``sign`` into a request, in place of those of a former signature."""
    fields = {} if request.ext_fields is None else request.ext_fields
    fields.pop(SECURITY_TOKEN, None)
    fields.update(sign(fields, request.body, credentials, version=request.version))
    request.ext_fields = fields
