"""RemotingCommandBuilder: what each step writes, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest

from pyrocketmq.errors import SerializationError
from pyrocketmq.model.enums import FlagType, LanguageCode, RequestCode, ResponseCode
from pyrocketmq.model.factory import RemotingCommandBuilder
from pyrocketmq.model.headers import GetMinOffsetRequestHeader


def test_a_builder_makes_a_request_by_default() -> None:
    command = RemotingCommandBuilder(RequestCode.GET_BROKER_CLUSTER_INFO).build()

    assert command.code == 106
    assert command.is_request
    assert not command.is_oneway
    assert command.flag == FlagType.RPC_TYPE
    assert command.language == LanguageCode.PYTHON
    assert command.version == 513
    assert not command.ext_fields
    assert command.body is None


def test_every_step_is_written_to_the_command() -> None:
    command = (
        RemotingCommandBuilder(RequestCode.SEND_MESSAGE)
        .with_topic("t")
        .with_producer_group("g")
        .with_ext_field("queueId", "0")
        .with_ext_fields({"flag": "1", "sysFlag": "0"})
        .with_body("text")
        .with_remark("why")
        .with_opaque(-7)
        .with_language(LanguageCode.GO)
        .with_version(317)
        .as_request()
        .build()
    )

    assert command.ext_fields == {
        "topic": "t",
        "producerGroup": "g",
        "queueId": "0",
        "flag": "1",
        "sysFlag": "0",
    }
    assert command.body == b"text"
    assert (command.remark, command.opaque, command.language, command.version) == ("why", -7, 9, 317)


@pytest.mark.parametrize(
    "code",
    [RequestCode.SEND_MESSAGE_V2, RequestCode.SEND_BATCH_MESSAGE, RequestCode.SEND_REPLY_MESSAGE_V2],
)
def test_topic_and_group_have_one_letter_names_where_the_code_wants_them(code: RequestCode) -> None:
    command = RemotingCommandBuilder(code).with_topic("t").with_producer_group("g").build()

    assert command.ext_fields == {"b": "t", "a": "g"}


def test_a_consumer_group_has_its_own_name() -> None:
    command = RemotingCommandBuilder(RequestCode.PULL_MESSAGE).with_consumer_group("g").build()
    assert command.ext_fields == {"consumerGroup": "g"}


def test_flags_are_the_bits_of_the_wire_and_not_flag_types() -> None:
    def built(builder: RemotingCommandBuilder) -> tuple[int, bool, bool, bool]:
        command = builder.build()
        return command.flag, command.is_request, command.is_response, command.is_oneway

    assert built(RemotingCommandBuilder(10).as_oneway()) == (2, True, False, True)
    assert built(RemotingCommandBuilder(0).as_response()) == (1, False, True, False)
    assert built(RemotingCommandBuilder(0).as_response().as_oneway()) == (3, False, True, True)
    assert built(RemotingCommandBuilder(10).as_oneway().as_request()) == (0, True, False, False)


def test_a_typed_header_is_added_to_what_is_there() -> None:
    header = GetMinOffsetRequestHeader(topic="t", queue_id=3)
    command = (
        RemotingCommandBuilder(RequestCode.GET_MIN_OFFSET)
        .with_ext_field("bname", "b")
        .with_header(header)
        .build()
    )

    assert command.ext_fields == {"bname": "b", "topic": "t", "queueId": "3"}


def test_each_build_gives_a_command_of_its_own() -> None:
    builder = RemotingCommandBuilder(RequestCode.GET_MIN_OFFSET).with_topic("t")
    first, second = builder.build(), builder.with_ext_field("queueId", "1").build()

    assert first.opaque != second.opaque
    assert first.ext_fields == {"topic": "t"}
    assert second.ext_fields == {"topic": "t", "queueId": "1"}


def test_an_answer_can_be_built_for_a_request() -> None:
    answer = (
        RemotingCommandBuilder(ResponseCode.RPC_TIME_OUT)
        .as_response()
        .with_opaque(9)
        .with_remark(None)
        .build()
    )

    assert (answer.code, answer.opaque, answer.is_response) == (-1006, 9, True)


@pytest.mark.parametrize(
    ("step", "args", "reason"),
    [
        ("with_topic", ("",), "topic must be a non-empty str"),
        ("with_topic", (7,), "topic must be a non-empty str"),
        ("with_producer_group", (None,), "producerGroup must be a non-empty str"),
        ("with_consumer_group", ("",), "consumerGroup must be a non-empty str"),
        ("with_ext_field", ("", "x"), "name of an ext field"),
        ("with_ext_field", ("queueId", 1), "queueId must be a str, got 1 of type int"),
        ("with_ext_fields", ({"n": True},), "n must be a str, got True"),
        ("with_header", ({"topic": "t"},), "header must be a Header, got .* of type dict"),
        ("with_body", (7,), "got int"),
        ("with_remark", (b"x",), "remark must be a str, got b'x' of type bytes"),
        ("with_opaque", (1 << 31,), "opaque must be an int of 32 bits"),
        ("with_opaque", (True,), "opaque must be an int of 32 bits"),
        ("with_version", ("513",), "version must be an int of 32 bits"),
        ("with_language", (14,), "language must be a LanguageCode"),
        ("with_language", ("PYTHON",), "language must be a LanguageCode"),
    ],
)
def test_nonsense_is_refused_where_it_is_given(step: str, args: tuple[Any, ...], reason: str) -> None:
    builder = RemotingCommandBuilder(RequestCode.SEND_MESSAGE)

    with pytest.raises(SerializationError, match=reason):
        getattr(builder, step)(*args)


@pytest.mark.parametrize("code", ["10", 1 << 31, None, True])
def test_a_code_that_is_no_32_bit_number_is_refused(code: Any) -> None:
    with pytest.raises(SerializationError, match="code must be an int"):
        RemotingCommandBuilder(code)


def test_ext_fields_that_are_no_mapping_are_refused() -> None:
    with pytest.raises(SerializationError, match=r"fields must be a Mapping, got .* of type list") as caught:
        RemotingCommandBuilder(34).with_ext_fields([("a", "b")])  # type: ignore[arg-type]
    assert caught.value.advice == "Use with_header for a typed header."
