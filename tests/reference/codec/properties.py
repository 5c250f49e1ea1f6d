"""Properties text: ``name \\x01 value \\x02`` repeated."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from .refusal import RefusedError

NAME_END = "\x01"
PAIR_END = "\x02"
MAX_STORED_BYTES = 32767
BROKER_ADDS_BYTES = 130
MAX_SENT_BYTES = MAX_STORED_BYTES - BROKER_ADDS_BYTES

Pairs = Mapping[str, str | None] | Iterable[tuple[object, object]]


def _items(properties: Pairs) -> list[tuple[object, object]]:
    return list(properties.items()) if isinstance(properties, Mapping) else list(properties)


def check_text(value: object, field: str) -> str:
    if not isinstance(value, str):
        raise RefusedError("invalid_message", field, "no str")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise RefusedError("invalid_message", field, "lone surrogate") from None
    if value == "":
        raise RefusedError("invalid_message", field, "empty")
    if NAME_END in value or PAIR_END in value:
        raise RefusedError("invalid_message", field, "separator")
    return value


def encode_properties(properties: Pairs) -> str:
    """The text of properties that a producer sends, each name and value checked."""
    checked = []
    for name, value in _items(properties):
        if value is not None:
            checked.append((check_text(name, "a property name"), check_text(value, f"property {name!r}")))
    text = join_properties(checked)
    if len(text.encode("utf-8")) > MAX_SENT_BYTES:
        raise RefusedError("too_large", "properties", "over 32,637 bytes")
    return text


def join_properties(properties: Pairs) -> str:
    """The text without any check, as Java writes it."""
    return "".join(
        f"{name}{NAME_END}{value}{PAIR_END}" for name, value in _items(properties) if value is not None
    )


def decode_properties(text: str) -> dict[str, str]:
    """Java's reading: pieces of under three characters, without a name or without a value are dropped."""
    found: dict[str, str] = {}
    for piece in text.split(PAIR_END):
        if len(piece) < 3:
            continue
        name, separator, value = piece.partition(NAME_END)
        if separator and name and value:
            found[name] = value
    return found
