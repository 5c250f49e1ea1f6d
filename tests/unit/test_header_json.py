"""The JSON header: what is written, and what of Java's tolerance is read."""

from __future__ import annotations

import json
import struct
from typing import Any

import pytest

from pyrocketmq._native.command import LANGUAGE_NAMES, RemotingCommand
from pyrocketmq._native.frame import decode_frame, encode_frame, frame_info
from pyrocketmq.errors import DeserializationError, SerializationError


def written(command: RemotingCommand) -> str:
    frame = encode_frame(command)
    total, header = frame_info(frame)
    assert total == len(frame)
    return frame[8 : 8 + header].decode("utf-8")


def read(header: str | bytes) -> RemotingCommand:
    raw = header.encode("utf-8") if isinstance(header, str) else header
    return decode_frame(struct.pack(">ii", 4 + len(raw), len(raw)) + raw)


def test_members_are_written_compactly_in_the_order_of_java() -> None:
    command = RemotingCommand(310, 3, 513, -1, 2, "no", {"topic": "T", "a": ""}, b"x")

    assert written(command) == (
        '{"code":310,"extFields":{"topic":"T","a":""},"flag":2,"language":"PYTHON",'
        '"opaque":-1,"remark":"no","version":513}'
    )


def test_members_that_are_none_are_left_out() -> None:
    command = RemotingCommand(0, None, 0, 5)
    assert '{"code":0,"flag":0,"opaque":5,"version":0}' == written(command)

    values: dict[str, Any] = {"dropped": None, "kept": "v"}
    command.ext_fields = values
    assert '"extFields":{"kept":"v"}' in written(command)

    command.ext_fields = {}
    assert '"extFields":{}' in written(command)


def test_extreme_numbers_are_written_whole() -> None:
    low = RemotingCommand(-(2**31), 0, -(2**31), -(2**31), -(2**31))
    high = RemotingCommand(2**31 - 1, 13, 2**31 - 1, 2**31 - 1, 2**31 - 1)

    assert low == decode_frame(encode_frame(low))
    assert high == decode_frame(encode_frame(high))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "/",
        '"',
        "\\",
        "\x00\x01\x1f",
        "\b\f\n\r\t",
        "\x7f",
        "12345678",
        '1234567"',
        '12345678"',
        "\u4e3b\u9898",
        "\U0001f600 smile",
        "\\u0041",
        "a\x01b\x02" * 50,
        "\u00e9" * 100,
        "'",
    ],
)
def test_text_survives_in_keys_values_and_remark(text: str) -> None:
    command = RemotingCommand(1, remark=text, ext_fields={text: text, "other": text})

    assert json.loads(written(command))["extFields"] == command.ext_fields
    assert command == decode_frame(encode_frame(command))


def test_escapes_are_the_short_ones_and_other_text_stays_raw() -> None:
    assert '"remark":"\\"\\\\/\\b\\f\\n\\r\\t\\u0001\u4e3b"' in written(
        RemotingCommand(1, remark='"\\/\b\f\n\r\t\x01\u4e3b')
    )


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"n": 12}, r"ext_fields\['n'\] is of type int"),
        ({"n": b"x"}, r"ext_fields\['n'\] is of type bytes"),
        ({12: "x"}, "ext_fields has a key of type int"),
        ({"n": "a\ud800"}, r"ext_fields\['n'\] has a lone surrogate at character 1"),
        ({"\udc00": "a"}, "ext_fields has a lone surrogate at character 0"),
    ],
)
@pytest.mark.parametrize("codec", ["json", "binary"])
def test_ext_fields_that_are_no_text_are_refused(fields: Any, message: str, codec: Any) -> None:
    with pytest.raises(SerializationError, match=message) as caught:
        encode_frame(RemotingCommand(1, ext_fields=fields), codec)
    assert "ext_fields" == caught.value.field


@pytest.mark.parametrize("codec", ["json", "binary"])
def test_a_remark_with_a_lone_surrogate_is_refused(codec: Any) -> None:
    with pytest.raises(SerializationError, match="remark has a lone surrogate at character 2") as caught:
        encode_frame(RemotingCommand(1, remark="ab\ud800"), codec)
    assert "remark" == caught.value.field


def test_missing_members_get_the_defaults_of_java() -> None:
    command = read("{}")

    assert (command.code, command.language, command.version, command.flag) == (0, 0, 0, 0)
    assert (command.remark, command.ext_fields, command.body) == (None, None, None)


def test_a_missing_opaque_gets_the_next_number() -> None:
    first = read('{"code":1}').opaque

    assert first + 1 == read("{}").opaque


def test_null_members_count_as_nothing() -> None:
    command = read(
        '{"code":null,"extFields":null,"flag":null,"language":null,"opaque":null,"remark":null,"version":null}'
    )

    assert RemotingCommand(0, None, 0, 0, 0, None, None, None) == command


@pytest.mark.parametrize("blank", ["", " ", "\n", "\r\n\t "])
def test_blanks_between_tokens_do_not_matter(blank: str) -> None:
    header = '{,"code",:,1,,,"extFields",:,{,"a",:,"b",,,"n",:,2,},,,"opaque",:,5,}'.replace(",,,", "~")

    command = read(header.replace(",", blank).replace("~", f"{blank},{blank}") + blank)

    assert (command.code, command.ext_fields, command.opaque) == (1, {"a": "b", "n": "2"}, 5)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("17", 17),
        ("-6", -6),
        ("0", 0),
        ("-0", 0),
        ("1.0", 1),
        ("1.000", 1),
        ('"17"', 17),
        ("'-17'", -17),
        ('"1.0"', 1),
        ('"007"', 7),
        ("2147483647", 2**31 - 1),
        ("-2147483648", -(2**31)),
        ("2147483647.0", 2**31 - 1),
    ],
)
def test_numbers_are_read_in_every_form_that_java_takes(text: str, number: int) -> None:
    assert number == read(f'{{"code":{text},"opaque":5}}').code
    assert number == read(f'{{"opaque":{text}}}').opaque


@pytest.mark.parametrize(
    "text",
    [
        "2147483648",
        "-2147483649",
        "99999999999999999999999",
        '"2147483648"',
        "1.5",
        "1e2",
        "01",
        "-",
        "+1",
        ".5",
        "1.",
        "NaN",
        "0x10",
        "[]",
        "{}",
        "true",
        '""',
        '"a"',
        '"1 "',
        '"\\u0031"',
        "1 2",
        "",
    ],
)
@pytest.mark.parametrize("member", ["code", "flag", "opaque", "version"])
def test_numbers_beyond_32_bits_and_no_numbers_are_refused(member: str, text: str) -> None:
    with pytest.raises(DeserializationError, match="JSON header of"):
        read(f'{{"{member}":{text}}}')


@pytest.mark.parametrize(
    ("text", "language"),
    [
        *((f'"{name}"', number) for number, name in enumerate(LANGUAGE_NAMES)),
        ('"FUTURE"', None),
        ('"go"', 9),
        ('"Go"', 9),
        ("'GO'", 9),
        ('""', None),
        ("9", 9),
        ("99", None),
        ('"\\u0047O\u00e9"', None),
        ('"' + "x" * 40 + '"', None),
        ("[1]", None),
    ],
)
def test_languages_are_read_by_name_and_unknown_ones_are_none(text: str, language: int | None) -> None:
    assert language == read(f'{{"language":{text}}}').language


def test_the_last_of_repeated_members_counts() -> None:
    command = read('{"flag":1,"extFields":{"a":"1","a":"2"},"flag":3,"extFields":{"b":"x","b":"y"}}')
    assert (command.flag, command.ext_fields) == (3, {"b": "y"})

    assert read('{"extFields":{"a":"1"},"extFields":null}').ext_fields is None
    assert {"a": "1"} == read('{"extFields":{"b":1},"extFields":{"a":"1"}}').ext_fields


def test_strings_may_stand_in_single_quotes() -> None:
    command = read("{'code':1,'remark':'a\"b','extFields':{'k':'v\\'w','\"':'x'}}")

    assert (command.code, command.remark, command.ext_fields) == (1, 'a"b', {"k": "v'w", '"': "x"})


def test_ext_fields_that_are_no_strings_become_their_text() -> None:
    fields = '{"n":12,"d":-1.50e3,"b":true,"f":false,"z":null,"o":{"a":[1,"x"]},"l":[ 1, 2 ],"s":"x"}'

    assert {
        "n": "12",
        "d": "-1.50e3",
        "b": "true",
        "f": "false",
        "z": None,
        "o": '{"a":[1,"x"]}',
        "l": "[ 1, 2 ]",
        "s": "x",
    } == read(f'{{"extFields":{fields}}}').ext_fields


def test_a_remark_that_is_no_string_becomes_its_text() -> None:
    assert "12" == read('{"remark":12}').remark
    assert "[1]" == read('{"remark":[1]}').remark


def test_escaped_text_is_read() -> None:
    command = read('{"remark":"\\ud83d\\ude00\\u00E9\\u4e3b\\/\\b\\f\\n\\r\\t\\"\\\\\\u0000","\\u0063ode":7}')

    assert '\U0001f600\u00e9\u4e3b/\b\f\n\r\t"\\\0' == command.remark
    assert 7 == command.code


def test_unknown_members_are_passed_over_however_deep() -> None:
    nested = "[" * 60 + "]" * 60

    command = read(
        f'{{"x":{{"code":5,"l":[1,{{"b":null}}],"c":"}}"}},"y":{nested},"serializeTypeCurrentRPC":"JSON",'
        '"\u4e3b":"\u9898","e":[],"o":{},"t":[true,false,-1.5E+3],"code":1}'
    )

    assert 1 == command.code


@pytest.mark.parametrize("brackets", ["[", '{"a":', '[{"a":'])
def test_deeper_nesting_than_64_levels_is_refused(brackets: str) -> None:
    with pytest.raises(DeserializationError, match="64 levels of nesting"):
        read('{"x":' + brackets * 5000)


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("", "byte 0: expected '{' at the start of a JSON header, found the end"),
        ("[]", "found '\\['"),
        ("null", "found 'n'"),
        ("{code:1}", "byte 1: expected a quoted key or '}', found 'c'"),
        ('{"code" 1}', "byte 8: expected ':' after a key, found '1'"),
        ('{"code":1 "flag":1}', "byte 10: expected ',' or '}' after a member"),
        ('{"code":1,,"flag":1}', "byte 10: expected a quoted key"),
        ('{"code":1', "byte 9: expected ',' or '}' after a member, found the end"),
        ('{"code":1,', "byte 10: expected a quoted key"),
        ('{"code":1}x', "byte 10: expected the end of the header, found 'x'"),
        ('{"code":1}\0', "found byte 0x00"),
        ('{"remark":"abc', "expected the end of a string, found the end"),
        ('{"remark":"abc\\', "expected the end of a string"),
        ('{"remark":"a\nb"}', "no control character inside a string, found byte 0x0a"),
        ('{"remark":"\\x41"}', "after a backslash, found 'x'"),
        ('{"remark":"\\u00g1"}', "four hexadecimal digits, found 'g'"),
        ('{"remark":"\\u00"}', "four hexadecimal digits"),
        ('{"remark":"\\ud800"}', "surrogate pair"),
        ('{"remark":"\\ud800\\u0041"}', "surrogate pair"),
        ('{"remark":"\\udc00\\ud800"}', "surrogate pair"),
        ('{"x":"\\ud800"}', "surrogate pair"),
        ('{"x":tru}', "expected a value, found 't'"),
        ('{"x":01}', "expected ','"),
        ('{"x":[1,]}', "expected a value"),
        ('{"x":{1:2}}', "a quoted key"),
        ('{"x":[1}', "',' or the closing bracket"),
        ('{"extFields":[]}', "an object for extFields"),
        ('{"extFields":"x"}', "an object for extFields"),
        ('{"extFields":{"a":"1"', "',' or '}' after an ext field"),
        ('{"extFields":{"a":"1",}}', "a quoted key"),
        ('{"extFields":{a:"1"}}', "a quoted key"),
        ('{"extFields":{"a":}}', "expected a value"),
        ('{"extFields":{"a":"\\ud800"}}', "surrogate pair"),
    ],
)
def test_what_is_no_header_is_refused_with_its_place(header: str, message: str) -> None:
    with pytest.raises(DeserializationError, match=message):
        read(header)


@pytest.mark.parametrize("raw", [b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc0\x80"])
@pytest.mark.parametrize(
    "place",
    [
        b'"remark":"%s"',
        b'"extFields":{"k":"%s"}',
        b'"extFields":{"%s":"v"}',
        b'"x":"%s"',
        b'"%s":1',
        b'"x":[{"%s":1}]',
        b'"language":"%s"',
    ],
)
def test_strings_that_are_not_utf8_are_refused(place: bytes, raw: bytes) -> None:
    with pytest.raises(DeserializationError, match="is not UTF-8"):
        read(b"{" + place.replace(b"%s", raw) + b"}")


def test_a_comma_before_the_closing_brace_is_taken() -> None:
    assert 1 == read('{"flag":1,}').flag


def test_ext_fields_of_many_sizes_are_read() -> None:
    """Around the widths at which strings are scanned."""
    for size in range(70):
        for text in ("x" * size, "x" * size + "\\", "x" * size + "\u00e9"):
            command = RemotingCommand(1, ext_fields={text: text, "k": text[:3]}, remark=text)
            assert command == decode_frame(encode_frame(command))
