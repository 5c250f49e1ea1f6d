"""Settings as servers exchange them: a text of ``name=value`` lines. Not the properties of messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyrocketmq.errors import SerializationError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["decode_properties_text", "encode_properties_text"]


def decode_properties_text(data: bytes | str) -> dict[str, str]:
    """The settings of a text; lines without ``=`` are passed over."""
    text = data if isinstance(data, str) else data.decode("utf-8", "replace")
    settings: dict[str, str] = {}
    for line in text.split("\n"):
        name, equals, value = line.partition("=")
        if equals and name.strip():
            settings[name.strip()] = value.strip()
    return settings


def encode_properties_text(settings: Mapping[str, str]) -> str:
    """The text of settings, as it is written to a server.

    Raises:
        SerializationError: a name or value has a line break, which would begin another setting.
    """
    for name, value in settings.items():
        if "\n" in name or "\n" in value:
            raise SerializationError(
                f"setting {name!r} has a line break, which would begin another setting",
                field=name,
                advice="Write the break as \\n, as Java reads it from properties texts.",
            )
    return "".join(f"{name}={value}\n" for name, value in settings.items())
