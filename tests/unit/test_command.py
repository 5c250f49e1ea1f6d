"""RemotingCommand as a Python object, and the counter of request numbers."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from pyrocketmq._native.command import LANGUAGE_NAMES, RemotingCommand, next_opaque
from pyrocketmq.errors import SerializationError

INT32_MAX = 2**31 - 1
INT32_MIN = -(2**31)


def command() -> RemotingCommand:
    return RemotingCommand(310, 3, 513, 7, 2, "why", {"a": "group", "b": "topic"}, b"body")


def test_defaults_are_those_of_a_python_request() -> None:
    made = RemotingCommand(105)

    assert (made.code, made.language, made.version, made.flag) == (105, 3, 513, 0)
    assert (made.remark, made.ext_fields, made.body) == (None, None, None)
    assert "PYTHON" == LANGUAGE_NAMES[3]


def test_every_field_can_be_given_by_position_and_by_name() -> None:
    named = RemotingCommand(
        code=310,
        language=3,
        version=513,
        opaque=7,
        flag=2,
        remark="why",
        ext_fields={"a": "group", "b": "topic"},
        body=b"body",
    )

    assert named == command()


@pytest.mark.parametrize(
    ("flag", "request_", "response", "oneway"),
    [
        (0, True, False, False),
        (1, False, True, False),
        (2, True, False, True),
        (3, False, True, True),
        (-1, False, True, True),
    ],
)
def test_flag_bits_tell_requests_answers_and_one_way(
    flag: int, request_: bool, response: bool, oneway: bool
) -> None:
    made = RemotingCommand(1, flag=flag)

    assert (made.is_request, made.is_response, made.is_oneway) == (request_, response, oneway)


@pytest.mark.parametrize("field", ["code", "version", "opaque", "flag"])
@pytest.mark.parametrize("value", [INT32_MAX, INT32_MIN, 0, True])
def test_numbers_of_32_bits_are_kept(field: str, value: int) -> None:
    numbers: dict[str, Any] = {"code": 1, field: value}
    made = RemotingCommand(**numbers)
    assert value == getattr(made, field)

    again = RemotingCommand(1)
    setattr(again, field, value)
    assert value == getattr(again, field)


@pytest.mark.parametrize("field", ["code", "version", "opaque", "flag"])
@pytest.mark.parametrize("value", [INT32_MAX + 1, INT32_MIN - 1, 2**64, "1", 1.0])
def test_other_numbers_are_refused_with_the_field_named(field: str, value: object) -> None:
    numbers: dict[str, Any] = {"code": 1, field: value}
    with pytest.raises(SerializationError, match=f"{field} is ") as caught:
        RemotingCommand(**numbers)
    assert field == caught.value.field

    made = command()
    with pytest.raises(SerializationError, match=f"{field} is "):
        setattr(made, field, value)
    assert made == command()


def test_code_cannot_be_none() -> None:
    nothing: Any = None
    with pytest.raises(SerializationError, match="code is of type NoneType"):
        RemotingCommand(nothing)


@pytest.mark.parametrize("value", [-1, 14, 200])
def test_a_language_number_without_a_name_is_refused(value: int) -> None:
    with pytest.raises(SerializationError, match=f"language is {value}, known are 0"):
        RemotingCommand(1, language=value)


def test_an_unknown_language_is_none() -> None:
    made = RemotingCommand(1, language=None)
    assert made.language is None

    made.language = 9
    assert 9 == made.language


@pytest.mark.parametrize(
    "given", [b"x\xff", bytearray(b"x\xff"), memoryview(b"x\xff"), memoryview(b"x-\xff-")[::2]]
)
def test_a_body_of_any_buffer_is_kept_as_bytes(given: bytes | bytearray | memoryview) -> None:
    made = RemotingCommand(1, body=given)

    assert b"x\xff" == made.body
    assert isinstance(made.body, bytes)


def test_a_body_of_text_becomes_utf8() -> None:
    assert b"\xf0\x9f\x98\x80" == RemotingCommand(1, body="\U0001f600").body


def test_an_empty_body_stays_what_was_given() -> None:
    assert b"" == RemotingCommand(1, body=b"").body
    assert RemotingCommand(1).body is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("body", 12),
        ("body", "\ud800"),
        ("body", [b"x"]),
        ("remark", b"x"),
        ("ext_fields", [("a", "b")]),
        ("ext_fields", "a"),
    ],
)
def test_fields_of_a_wrong_kind_are_refused_with_the_field_named(field: str, value: object) -> None:
    fields: dict[str, Any] = {field: value}
    with pytest.raises(SerializationError, match=field) as caught:
        RemotingCommand(1, **fields)
    assert field == caught.value.field


def test_a_refused_command_spends_no_number() -> None:
    before = next_opaque()
    with pytest.raises(SerializationError):
        RemotingCommand(2**40)

    assert before + 1 == RemotingCommand(1).opaque


def test_numbers_of_requests_go_up_by_one() -> None:
    first = next_opaque()

    assert [first + 1, first + 2] == [next_opaque(), RemotingCommand(1).opaque]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("code", 311),
        ("language", None),
        ("version", 1),
        ("opaque", 8),
        ("flag", 0),
        ("remark", None),
        ("ext_fields", {"a": "group"}),
        ("body", None),
    ],
)
def test_commands_differ_when_one_field_does(field: str, value: object) -> None:
    other = command()
    setattr(other, field, value)

    assert other != command()
    assert value == getattr(other, field)


def test_commands_equal_only_commands_and_cannot_be_hashed() -> None:
    assert command() == command()
    assert command() != "command"
    with pytest.raises(TypeError):
        hash(command())


def test_a_copy_can_be_changed_without_changing_the_original() -> None:
    original = command()
    copied = copy.copy(original)
    assert copied == original

    assert copied.ext_fields is not None
    copied.ext_fields["a"] = "other"
    copied.opaque = 8
    assert command() == original


@pytest.mark.parametrize("again", [copy.deepcopy, lambda made: pickle.loads(pickle.dumps(made))])
def test_pickle_and_deepcopy_keep_every_field(again: Any) -> None:
    for made in (
        command(),
        RemotingCommand(1, None, body=b""),
        RemotingCommand(-1, remark="", ext_fields={}),
    ):
        assert again(made) == made


def test_repr_is_short_and_shows_neither_body_nor_secrets() -> None:
    made = command()
    made.body = b"secret" * 1000
    made.ext_fields = {"b": "topic", "i": "x" * 500, "Signature": "secret"}
    made.remark = "y" * 500
    shown = repr(made)

    assert "code=310, language=PYTHON" in shown
    assert "'b': 'topic'" in shown
    assert "<6,000 bytes>" in shown
    assert "secret" not in shown
    assert len(shown) < 400


def test_repr_of_a_bare_command_says_what_is_missing() -> None:
    assert (
        "RemotingCommand(code=0, language=None, version=513, opaque=1, flag=1, remark=None, "
        "ext_fields=None, body=None)" == repr(RemotingCommand(0, None, opaque=1, flag=1))
    )
