"""The JSON header: written plainly, read with the rules that Java applies to odd input."""

from __future__ import annotations

import json
import re

from .command import LANGUAGES, Command
from .json_text import JsonReader, Nested, Number, Value
from .refusal import RefusedError


def _string(text: str, field: str) -> str:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise RefusedError("serialization", field, "lone surrogate") from None
    return json.dumps(text, ensure_ascii=False)


def encode_json_header(command: Command) -> bytes:
    members = [f'"code":{command.code}']
    fields = command.ext_fields
    if fields is not None:
        pairs = [
            f"{_string(key, 'ext_fields')}:{_string(value, 'ext_fields')}"
            for key, value in fields.items()
            if key is not None and value is not None
        ]
        members.append('"extFields":{' + ",".join(pairs) + "}")
    members.append(f'"flag":{command.flag}')
    if command.language is not None:
        members.append(f'"language":"{LANGUAGES[command.language]}"')
    members.append(f'"opaque":{command.opaque}')
    if command.remark is not None:
        members.append(f'"remark":{_string(command.remark, "remark")}')
    members.append(f'"version":{command.version}')
    return ("{" + ",".join(members) + "}").encode("utf-8")


def _int32(value: Value, field: str) -> int:
    """A whole number within 32 bits; as a number, as ``1.0``, or as a string of one. Null is 0."""
    if value is None:
        return 0
    text = value.text if isinstance(value, Number) else value
    if not isinstance(text, str) or not re.fullmatch(r"-?[0-9]+(\.0+)?", text, re.ASCII):
        raise RefusedError("deserialization", field, f"{value!r} is no number")
    number = int(text.partition(".")[0])
    if not -(2**31) <= number < 2**31:
        raise RefusedError("deserialization", field, f"{number} is out of 32 bits")
    return number


def _language(value: Value) -> int | None:
    """A name in any case, or a number; whatever nobody knows is None."""
    if isinstance(value, Number) and re.fullmatch(r"[0-9]+(\.0+)?", value.text, re.ASCII):
        number = int(value.text.partition(".")[0])
        return number if number < len(LANGUAGES) else None
    if isinstance(value, str) and value.isascii() and value.upper() in LANGUAGES:
        return LANGUAGES.index(value.upper())
    return None


def _text(value: Value) -> str | None:
    """Java turns whatever is no string into the text of it."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.text


def decode_json_header(header: bytes) -> Command:
    try:
        text = header.decode("utf-8")
    except UnicodeDecodeError:
        raise RefusedError("deserialization", "header", "not UTF-8") from None
    numbers: dict[str, int] = {}
    language: int | None = LANGUAGES.index("JAVA")
    remark: str | None = None
    ext_fields: dict[str | None, str | None] | None = None
    # A repeated member replaces the earlier one, which still has to be of its kind.
    for name, value in JsonReader(text).document():
        if name in ("code", "version", "opaque", "flag"):
            numbers[name] = _int32(value, name)
        elif name == "language":
            language = _language(value)
        elif name == "remark":
            remark = _text(value)
        elif name == "extFields" and value is None:
            ext_fields = None
        elif name == "extFields":
            if not isinstance(value, Nested) or value.members is None:
                raise RefusedError("deserialization", "extFields", "not an object")
            ext_fields = {key: _text(inner) for key, inner in value.members}
    return Command(
        numbers.get("code", 0),
        language,
        numbers.get("version", 0),
        numbers.get("opaque"),
        numbers.get("flag", 0),
        remark,
        ext_fields,
        None,
    )
