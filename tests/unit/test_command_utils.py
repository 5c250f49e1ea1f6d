"""The small questions about one command."""

from __future__ import annotations

import pytest

from pyrocketmq.errors import DeserializationError, SerializationError
from pyrocketmq.model.command import RemotingCommand
from pyrocketmq.model.enums import RequestCode
from pyrocketmq.model.factory import RemotingRequestFactory
from pyrocketmq.model.utils import (
    generate_opaque,
    get_command_summary,
    get_topic_from_command,
    is_success_response,
    validate_command,
)


def test_opaques_are_all_different() -> None:
    assert len({generate_opaque() for _ in range(10_000)}) == 10_000


@pytest.mark.parametrize(
    ("command", "success"),
    [
        (RemotingCommand(0, flag=1), True),
        (RemotingCommand(0, flag=1, remark="not set any response code"), True),
        (RemotingCommand(1, flag=1), False),
        (RemotingCommand(10, flag=1), False),
        (RemotingCommand(0, flag=0), False),
    ],
)
def test_success_is_decided_by_the_code_of_an_answer(command: RemotingCommand, success: bool) -> None:
    assert is_success_response(command) is success


@pytest.mark.parametrize(
    ("command", "topic"),
    [
        (RemotingCommand(RequestCode.PULL_MESSAGE, ext_fields={"topic": "t"}), "t"),
        (RemotingCommand(RequestCode.SEND_MESSAGE_V2, ext_fields={"b": "t", "topic": "no"}), "t"),
        (RemotingCommand(RequestCode.SEND_BATCH_MESSAGE, ext_fields={"b": "t"}), "t"),
        (RemotingCommand(RequestCode.PULL_MESSAGE, ext_fields={"b": "no"}), None),
        (RemotingCommand(RequestCode.HEART_BEAT), None),
    ],
)
def test_the_topic_is_found_under_the_name_of_its_code(command: RemotingCommand, topic: str | None) -> None:
    assert get_topic_from_command(command) == topic


def test_a_summary_names_code_topic_group_and_sizes_in_one_line() -> None:
    command = RemotingRequestFactory.create_send_message_v2_request("grp", "orders", b"secret" * 1000)
    command.opaque = 7

    summary = get_command_summary(command)

    assert summary == (
        "request SEND_MESSAGE_V2(310) opaque=7 topic=orders group=grp ext_fields=12 body=6,000 bytes"
    )


def test_a_summary_of_an_answer_reads_its_code_as_an_answer_and_shortens_the_remark() -> None:
    answer = RemotingCommand(17, opaque=7, flag=1, remark="No topic route\n" * 20)

    summary = get_command_summary(answer)

    assert summary.startswith(
        "answer TOPIC_NOT_EXIST(17) opaque=7 ext_fields=0 body=0 bytes remark='No topic"
    )
    assert "\n" not in summary
    assert summary.endswith("'...")


def test_a_summary_of_unknown_codes_and_one_way_requests_says_so() -> None:
    command = RemotingCommand(31999, opaque=1, flag=2, ext_fields={"group": "g"})

    assert (
        get_command_summary(command)
        == "one-way request code(31999) opaque=1 group=g ext_fields=1 body=0 bytes"
    )


def test_a_request_without_a_required_ext_field_is_refused_by_wire_and_python_name() -> None:
    command = RemotingCommand(RequestCode.SEND_MESSAGE_V2, ext_fields={"b": "t"})

    with pytest.raises(SerializationError) as caught:
        validate_command(command)

    assert "SEND_MESSAGE_V2(310) lacks the required ext fields a (producer_group), c (default_topic)" in str(
        caught.value
    )


@pytest.mark.parametrize("code", [320, 325, 324, 361, 220, 221])
def test_requests_that_share_a_header_with_another_are_checked_too(code: int) -> None:
    with pytest.raises(SerializationError, match="lacks the required ext fields"):
        validate_command(RemotingCommand(code))


def test_an_ext_field_of_the_wrong_type_is_refused() -> None:
    command = RemotingRequestFactory.create_get_max_offset_request("t", 0)
    command.ext_fields = {"topic": "t", "queueId": "first"}

    with pytest.raises(DeserializationError, match="queueId"):
        validate_command(command)


def test_answers_and_unknown_codes_need_no_ext_fields() -> None:
    assert validate_command(RemotingCommand(0, flag=1))
    assert validate_command(RemotingCommand(31999))


def test_what_is_too_large_or_no_command_is_refused() -> None:
    with pytest.raises(SerializationError, match="the limit is 65,536"):
        validate_command(RemotingCommand(34, remark="x" * 70_000))
    with pytest.raises(SerializationError, match="must be a RemotingCommand, got dict"):
        validate_command({})  # type: ignore[arg-type]
