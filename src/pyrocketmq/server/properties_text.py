"""Settings as lines of ``name=value``, as tools send and get them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyrocketmq.model.enums import ResponseCode
from pyrocketmq.server.call import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["read_properties", "write_properties"]


def read_properties(body: bytes) -> dict[str, str]:
    """The settings of a request's body; empty lines and those that begin with # or ! say nothing.

    Raises:
        Refused: the body is no text, or a line has no name.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise Refused(ResponseCode.SYSTEM_ERROR, f"string2Properties error: {error}") from error
    found: dict[str, str] = {}
    for line in text.splitlines():
        line = line.strip()
        if not line or line[0] in "#!":
            continue
        name, mark, value = line.partition("=")
        if not mark or not name.strip():
            raise Refused(
                ResponseCode.SYSTEM_ERROR, f"string2Properties error: {line[:80]!r} is no name=value"
            )
        found[name.strip()] = value.strip()
    return found


def write_properties(settings: Mapping[str, str]) -> bytes:
    """Settings as a body."""
    return "".join([f"{name}={value}\n" for name, value in settings.items()]).encode()
