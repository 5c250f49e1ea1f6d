"""Properties text: ``name \\x01 value \\x02`` repeated."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from .refusal import Refused

NAME_END = "\x01"
PAIR_END = "\x02"
MAX_BYTES = 32767


def utf8_size(text: str, kind_field: str) -> int:
    try:
        return len(text.encode("utf-8"))
    except UnicodeEncodeError:
        raise Refused("invalid_message", kind_field, "lone surrogate") from None


def encode_properties(properties: Mapping[object, object] | Iterable[tuple[object, object]]) -> str:
    pairs = list(properties.items()) if isinstance(properties, Mapping) else list(properties)
    pieces = []
    for name, value in pairs:
        if not isinstance(name, str):
            raise Refused("invalid_message", "properties", "name is no str")
        if value is None:
            continue
        if not isinstance(value, str):
            raise Refused("invalid_message", name, "value is no str")
        if name == "":
            raise Refused("invalid_message", "properties", "empty name")
        if NAME_END in name or PAIR_END in name:
            raise Refused("invalid_message", name, "separator in name")
        if NAME_END in value or PAIR_END in value:
            raise Refused("invalid_message", name, "separator in value")
        utf8_size(name, name)
        utf8_size(value, name)
        pieces.append(name + NAME_END + value + PAIR_END)
    text = "".join(pieces)
    if utf8_size(text, "properties") > MAX_BYTES:
        raise Refused("too_large", "properties", "over 32,767 bytes")
    return text


def decode_properties(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for piece in text.split(PAIR_END):
        if len(piece) < 3:
            continue
        name, separator, value = piece.partition(NAME_END)
        if separator and name and value:
            found[name] = value
    return found
