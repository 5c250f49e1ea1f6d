"""The JSON header: written plainly, read with the rules that Java applies to odd input."""

from __future__ import annotations

import re

from .command import LANGUAGES, Command
from .json_text import JsonReader, Number, Value, quote
from .refusal import RefusedError


def encode_json_header(command: Command) -> bytes:
    members = [f'"code":{command.code}']
    fields = command.ext_fields
    if fields is not None:
        inner = ",".join(f"{quote(key)}:{quote(value)}" for key, value in fields.items() if value is not None)
        members.append('"extFields":{' + inner + "}")
    members.append(f'"flag":{command.flag}')
    if command.language is not None:
        members.append(f'"language":"{LANGUAGES[command.language]}"')
    members.append(f'"opaque":{command.opaque}')
    if command.remark is not None:
        members.append(f'"remark":{quote(command.remark)}')
    members.append(f'"version":{command.version}')
    try:
        return ("{" + ",".join(members) + "}").encode("utf-8")
    except UnicodeEncodeError:
        field = "remark" if command.remark is not None and not _is_utf8(command.remark) else "ext_fields"
        raise RefusedError("serialization", field, "lone surrogate") from None


def _is_utf8(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _int32(value: Value, field: str) -> int:
    """A whole number within 32 bits; as a number, as ``1.0``, or as a string of one."""
    text = value.text if isinstance(value, Number) else value
    if not isinstance(text, str) or not re.fullmatch(r"-?[0-9]+(\.0+)?", text, re.ASCII):
        raise RefusedError("deserialization", field, f"{value!r} is no number")
    number = int(text.partition(".")[0])
    if not -(2**31) <= number < 2**31:
        raise RefusedError("deserialization", field, f"{number} is out of 32 bits")
    return number


def _scalar_text(value: Value, field: str) -> str | None:
    """Java turns numbers and booleans into text."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Number):
        return value.text
    raise RefusedError("deserialization", field, "an object or list where text belongs")


def decode_json_header(header: bytes) -> Command:
    try:
        text = header.decode("utf-8")
    except UnicodeDecodeError:
        raise RefusedError("deserialization", "header", "not UTF-8") from None
    members = JsonReader(text).document()
    if not isinstance(members, dict):
        raise RefusedError("deserialization", "header", "not an object")

    def number(name: str) -> int:
        value = members.get(name)
        return 0 if value is None else _int32(value, name)

    language: int | None = 0
    if "language" in members:
        name = members["language"]
        language = LANGUAGES.index(name) if isinstance(name, str) and name in LANGUAGES else None
    ext_fields: dict[str, str | None] | None = None
    fields = members.get("extFields")
    if isinstance(fields, dict):
        ext_fields = {key: _scalar_text(value, "extFields") for key, value in fields.items()}
    elif fields is not None:
        raise RefusedError("deserialization", "extFields", "not an object")
    opaque = number("opaque") if members.get("opaque") is not None else None
    remark = _scalar_text(members.get("remark"), "remark")
    return Command(
        number("code"), language, number("version"), opaque, number("flag"), remark, ext_fields, None
    )
