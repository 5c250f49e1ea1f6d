"""Command frames in both header codecs, and the typed headers inside them."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Literal

import pytest

from pyrocketmq._native.command import RemotingCommand
from pyrocketmq._native.frame import decode_frame, encode_frame, frame_info
from pyrocketmq.errors import RemotingCommandError, SerializationError
from pyrocketmq.model.enums import BoundaryType, LanguageCode
from pyrocketmq.model.headers import HEADERS, Header

from .loader import Case, cases

CODECS: dict[str, Literal["json", "binary"]] = {"JSON": "json", "ROCKETMQ": "binary"}


def command_of(case: Case) -> RemotingCommand:
    given = case["input"]
    fields, body = given["extFields"], bytes.fromhex(given.get("body_hex") or "")
    if "repeat" in given:
        repeat = given["repeat"]
        fields = {repeat["ext_key"]: repeat["ext_char"] * repeat["ext_times"]}
        body = (repeat["body_char"] * repeat["body_times"]).encode()
    if "ext_order" in case:
        fields = {name: fields[name] for name in case["ext_order"]}
    return RemotingCommand(
        given["code"],
        None if given["language"] is None else LanguageCode[given["language"]],
        given["version"],
        given["opaque"],
        given["flag"],
        given["remark"],
        fields,
        body,
    )


def json_header(frame: bytes) -> dict[str, Any]:
    header: dict[str, Any] = json.loads(frame[8 : 8 + frame_info(frame)[1]])
    header.pop("serializeTypeCurrentRPC", None)
    if not header.get("extFields"):
        header.pop("extFields", None)  # none and empty say the same
    return header


def assert_decoded(command: RemotingCommand, expected: Case) -> None:
    language = None if command.language is None else LanguageCode(command.language).name
    assert command.code == expected["code"]
    assert command.version == expected["version"]
    assert command.flag == expected["flag"]
    assert expected["opaque"] in ("any", command.opaque)
    # Captured binary frames tell the number.
    assert expected["language"] in (language, command.language)
    assert (command.remark or None) == (expected.get("remark") or None)
    assert fields_of(command.ext_fields) == fields_of(expected["extFields"])
    if "body_len" in expected:
        assert len(command.body or b"") == expected["body_len"]
    if "is_response" in expected:
        assert command.is_response == expected["is_response"]
        assert command.is_request != expected["is_response"]
        assert command.is_oneway == expected["is_oneway"]


def fields_of(fields: dict[Any, Any] | None) -> dict[Any, Any]:
    """Ext fields with None for a null name or value; the vectors call a null name ``@null``."""
    return {None if name == "@null" else name: value for name, value in (fields or {}).items()}


def is_cut_by_java(case: Case) -> bool:
    """True where Java writes only 16 bits of a number, as its binary codec does; we refuse such a command."""
    given = case["input"]
    return bool(given["codec"] == "ROCKETMQ" and max(given["code"], given["version"]) >= 1 << 15)


@cases("remoting_command", "remoting_command_498")
def test_commands_are_read_as_java_reads_them(case: Case) -> None:
    if "frame_hex" in case:
        decoded = decode_frame(bytes.fromhex(case["frame_hex"]))
        if "decoded" in case:
            assert_decoded(decoded, case["decoded"])
        if not is_cut_by_java(case):
            assert_same_command(decoded, command_of(case))


@cases("remoting_command", "remoting_command_498")
def test_commands_are_written_as_java_writes_them(case: Case) -> None:
    command, codec = command_of(case), CODECS[case["input"]["codec"]]
    if is_cut_by_java(case):
        with pytest.raises(SerializationError, match="binary header"):
            encode_frame(command, codec)
        return
    ours = encode_frame(command, codec)
    if codec == "json":
        assert_same_json_frame(ours, case)
    elif len(command.ext_fields or {}) <= 1 or "ext_order" in case:
        assert_same_bytes(ours, case)
    assert_same_command(decode_frame(ours), command)


def assert_same_bytes(ours: bytes, case: Case) -> None:
    known = {"frame_hex", "frame_len", "frame_sha256"} & set(case)
    assert known
    if "frame_hex" in known:
        assert ours.hex() == case["frame_hex"]
    if "frame_len" in known:
        assert len(ours) == case["frame_len"]
    if "frame_sha256" in known:
        assert hashlib.sha256(ours).hexdigest() == case["frame_sha256"]


def assert_same_json_frame(ours: bytes, case: Case) -> None:
    if "frame_hex" in case:
        java = bytes.fromhex(case["frame_hex"])
        assert json_header(ours) == json_header(java)
        assert ours[8 + frame_info(ours)[1] :] == java[8 + frame_info(java)[1] :]
    else:
        # Java's frame has this member besides, which says nothing.
        assert len(ours) + len(',"serializeTypeCurrentRPC":"JSON"') == case["frame_len"]


def assert_same_command(decoded: RemotingCommand, command: RemotingCommand) -> None:
    for name in ("code", "language", "version", "opaque", "flag"):
        assert getattr(decoded, name) == getattr(command, name), name
    assert (decoded.remark or None) == (command.remark or None)
    assert (decoded.body or b"") == (command.body or b"")
    # None is not written; the binary header reads an empty value back as None, which is no value either.
    assert present(decoded) == present(command)


def present(command: RemotingCommand) -> dict[str, str]:
    return {name: value for name, value in (command.ext_fields or {}).items() if name and value}


@cases("remoting_decode")
def test_odd_frames_are_read_or_refused_as_java_does(case: Case) -> None:
    frame = bytes.fromhex(case["frame_hex"])
    if "error" in case["decoded"]:
        with pytest.raises(RemotingCommandError):
            decode_frame(frame)
    else:
        assert_decoded(decode_frame(frame), case["decoded"])


@cases("captured_frame")
def test_frames_of_real_clients_are_read(case: Case) -> None:
    frame = bytes.fromhex(case["frame_hex"])
    command = decode_frame(frame)
    assert_decoded(command, case["decoded"])
    assert len(command.body or b"") == case["body_len"]
    assert decode_frame(encode_frame(command, CODECS[case["codec"]])) == command


def header_of(case: Case) -> Header:
    cls = HEADERS[case["header"]]
    types = {field.wire: (field.name, field.type) for field in cls.FIELDS}
    values: dict[str, Any] = {}
    for wire_name, value in case["values"].items():
        name, kind = types[wire_name]
        values[name] = BoundaryType[value.upper()] if kind == "BoundaryType" and value is not None else value
    return cls.partial(**values)


@cases("typed_header", "typed_header_498")
def test_typed_headers_are_written_and_read_as_java_does(case: Case) -> None:
    header, expected = header_of(case), case["extFields"]
    fields = header.to_ext_fields()
    assert fields == expected
    assert type(header).from_ext_fields(expected, check_required=False) == header
    java = bytes.fromhex(case["binary_frame_hex"])
    decoded = decode_frame(java)
    assert fields_of(decoded.ext_fields) == {name: value or None for name, value in expected.items()}
    order = case.get("ext_order") or list(decoded.ext_fields or {})
    command = RemotingCommand(
        decoded.code if "code" not in case or case.get("response") else case["code"],
        LanguageCode.JAVA,
        case.get("version", decoded.version),
        case["opaque"],
        1 if case.get("response") else decoded.flag,
        None,
        {name: fields[name] for name in order},
    )
    if command.code < 1 << 15:  # beyond, Java cuts the code silently and we refuse it
        assert encode_frame(command, "binary") == java
