"""Typed headers: one declaration gives both directions, and every refusal names the field."""

from __future__ import annotations

import copy
import inspect
import pickle

import pytest

from pyrocketmq.errors import DeserializationError, SerializationError
from pyrocketmq.model.enums import BoundaryType, MessageModel, RequestCode
from pyrocketmq.model.headers import (
    F64,
    HEADERS,
    I32,
    CreateTopicListRequestHeader,
    GetMaxOffsetResponseHeader,
    Header,
    PullMessageRequestHeader,
    SearchOffsetRequestHeader,
    SendMessageRequestHeader,
    SendMessageRequestHeaderV2,
    UnregisterClientRequestHeader,
    wire,
)
from pyrocketmq.model.headers.base import HeaderMeta


class PriceHeader(Header):
    """A header of its own, with the one wire type that no header of RocketMQ uses."""

    price: F64
    pieces: I32 | None = wire("n", default=None)


def send_header(**changes: object) -> SendMessageRequestHeader:
    values: dict[str, object] = {
        "producer_group": "g",
        "topic": "t",
        "default_topic": "TBW102",
        "default_topic_queue_nums": 4,
        "queue_id": 0,
        "sys_flag": 0,
        "born_timestamp": 1,
        "flag": 0,
    }
    return SendMessageRequestHeader(**{**values, **changes})  # type: ignore[arg-type]


def sample(cls: type[Header]) -> Header:
    """A header of a class with a value for each of its fields."""
    values: dict[str, object] = {
        "str": "text",
        "I32": -5,
        "I64": 1 << 40,
        "bool": True,
        "BoundaryType": BoundaryType.UPPER,
    }
    return cls(**{field.name: values[field.type] for field in cls.FIELDS})


@pytest.mark.parametrize("name", HEADERS)
def test_every_header_comes_back_from_its_own_ext_fields(name: str) -> None:
    header = sample(HEADERS[name])

    fields = header.to_ext_fields()

    assert tuple(fields) == header.ORDER
    assert all(type(text) is str for text in fields.values())
    assert HEADERS[name].from_ext_fields(fields) == header


@pytest.mark.parametrize("name", HEADERS)
def test_every_header_has_distinct_wire_names_and_a_sentence_of_documentation(name: str) -> None:
    cls = HEADERS[name]

    assert cls.__name__ == name
    assert len(set(cls.ORDER)) == len(cls.FIELDS)
    assert "." in (vars(cls)["__doc__"] or "")


def test_ext_fields_follow_the_declared_order_and_leave_none_out() -> None:
    header = send_header(unit_mode=False, bname="b-1")

    assert header.to_ext_fields() == {
        "producerGroup": "g",
        "topic": "t",
        "defaultTopic": "TBW102",
        "defaultTopicQueueNums": "4",
        "queueId": "0",
        "sysFlag": "0",
        "bornTimestamp": "1",
        "flag": "0",
        "unitMode": "false",
        "bname": "b-1",
    }
    assert list(header.to_ext_fields())[-1] == "bname"


def test_one_letter_names_are_written_in_the_order_of_the_alphabet() -> None:
    assert "".join(SendMessageRequestHeaderV2.ORDER[:14]) == "abcdefghijklmn"


def test_a_wire_name_that_is_no_camel_case_is_kept() -> None:
    assert UnregisterClientRequestHeader(client_id="c").to_ext_fields() == {"clientID": "c"}
    assert "proxyFrowardClientId" in PullMessageRequestHeader.ORDER


def test_a_header_names_the_request_it_belongs_to() -> None:
    assert PullMessageRequestHeader.CODE is RequestCode.PULL_MESSAGE
    assert GetMaxOffsetResponseHeader.CODE is None


def test_a_missing_required_field_is_refused_by_name() -> None:
    with pytest.raises(SerializationError) as caught:
        UnregisterClientRequestHeader()  # type: ignore[call-arg]

    assert "UnregisterClientRequestHeader.client_id (wire name clientID) is required" in str(caught.value)
    assert caught.value.field == "client_id"


@pytest.mark.parametrize("value", [1 << 31, -(1 << 31) - 1, "1", 1.0, True])
def test_a_value_that_does_not_fit_its_field_is_refused_with_the_expected_type(value: object) -> None:
    with pytest.raises(SerializationError) as caught:
        send_header(queue_id=value)

    text = str(caught.value)
    assert "SendMessageRequestHeader.queue_id (wire name queueId) must be an int from -2147483648" in text
    assert repr(value) in text
    assert type(value).__name__ in text


def test_64_bit_fields_take_what_32_bit_fields_refuse() -> None:
    assert send_header(born_timestamp=(1 << 63) - 1).to_ext_fields()["bornTimestamp"] == "9223372036854775807"
    with pytest.raises(SerializationError):
        send_header(born_timestamp=1 << 63)


def test_a_long_wrong_value_is_shortened_in_the_error() -> None:
    with pytest.raises(SerializationError) as caught:
        send_header(queue_id="9" * 1000)

    assert "... (1,002 characters)" in str(caught.value)
    assert len(str(caught.value)) < 400


def test_an_unknown_field_is_refused_with_the_known_ones() -> None:
    with pytest.raises(SerializationError, match="has no field 'queue'") as caught:
        send_header(queue=1)
    assert "queue_id" in str(caught.value)

    with pytest.raises(SerializationError, match="has no field 'x'"):
        CreateTopicListRequestHeader.partial(x=1)


def test_enum_members_are_written_by_value() -> None:
    header = send_header(topic=MessageModel.CLUSTERING, flag=RequestCode.SEND_MESSAGE)

    assert header.to_ext_fields()["topic"] == "CLUSTERING"
    assert header.to_ext_fields()["flag"] == "10"
    assert type(header.to_ext_fields()["topic"]) is str


def test_boundary_is_written_in_capitals_and_read_without_regard_to_case() -> None:
    header = SearchOffsetRequestHeader(topic="t", queue_id=0, timestamp=1, boundary_type=BoundaryType.UPPER)
    fields = header.to_ext_fields()

    assert fields["boundaryType"] == "UPPER"
    for text, expected in (("upper", "UPPER"), ("lower", "LOWER"), ("sideways", "LOWER")):
        read = SearchOffsetRequestHeader.from_ext_fields({**fields, "boundaryType": text})
        assert read.boundary_type == expected


def test_booleans_are_read_as_java_reads_them() -> None:
    fields = send_header().to_ext_fields()

    for text, expected in (("true", True), ("TRUE", True), ("false", False), ("1", False)):
        assert SendMessageRequestHeader.from_ext_fields({**fields, "batch": text}).batch is expected


@pytest.mark.parametrize("text", ["", " 1", "1 ", "1.0", "0x1", "1_0", "2147483648", "9" * 5000, "\u0661"])
def test_a_text_that_is_no_number_of_the_field_is_refused_with_its_wire_name(text: str) -> None:
    fields = {**send_header().to_ext_fields(), "queueId": text}

    with pytest.raises(DeserializationError) as caught:
        SendMessageRequestHeader.from_ext_fields(fields)

    assert "SendMessageRequestHeader.queue_id (wire name queueId) must be an int" in str(caught.value)


def test_a_sign_in_front_of_a_number_is_read() -> None:
    for text, expected in (("+5", 5), ("-5", -5), ("-9223372036854775808", -(1 << 63))):
        assert GetMaxOffsetResponseHeader.from_ext_fields({"offset": text}).offset == expected


def test_unknown_ext_fields_are_ignored_when_reading() -> None:
    assert GetMaxOffsetResponseHeader.from_ext_fields({"offset": "7", "new": "x"}).offset == 7


def test_a_missing_required_field_can_be_tolerated_when_reading() -> None:
    with pytest.raises(DeserializationError, match=r"offset \(wire name offset\) is required and missing"):
        GetMaxOffsetResponseHeader.from_ext_fields(None)

    assert GetMaxOffsetResponseHeader.from_ext_fields({}, check_required=False).offset is None


def test_a_partial_header_may_lack_required_fields_but_not_break_types() -> None:
    header = SendMessageRequestHeader.partial(topic="t")

    assert header.to_ext_fields() == {"topic": "t"}
    assert header.producer_group is None
    with pytest.raises(SerializationError, match="queue_id"):
        SendMessageRequestHeader.partial(queue_id="0")


def test_headers_are_immutable_and_replace_gives_a_changed_copy() -> None:
    header = send_header()

    with pytest.raises(AttributeError, match="replace"):
        header.queue_id = 3  # type: ignore[misc]
    with pytest.raises(AttributeError, match="replace"):
        del header.queue_id
    with pytest.raises(AttributeError):
        header.anything = 1  # type: ignore[attr-defined]
    changed = header.replace(queue_id=3)

    assert (header.queue_id, changed.queue_id) == (0, 3)
    assert changed.topic == "t"


def test_headers_compare_hash_copy_and_pickle_by_their_values() -> None:
    header = send_header(properties="a\x01b\x02")

    assert header == send_header(properties="a\x01b\x02")
    assert header != send_header()
    assert header != "header"
    assert hash(header) == hash(send_header(properties="a\x01b\x02"))
    assert copy.copy(header) == header
    assert copy.deepcopy(header) == header
    assert pickle.loads(pickle.dumps(header)) == header


def test_headers_are_made_by_keywords_and_show_their_fields_to_help() -> None:
    with pytest.raises(TypeError, match="by name only, got 1 without a name"):
        UnregisterClientRequestHeader("c")  # type: ignore[call-arg,misc]

    assert str(inspect.signature(PriceHeader)) == "(*, price, pieces=None)"
    assert repr(PriceHeader.FIELDS[1]) == "HeaderField('pieces', wire='n', optional)"


def test_repr_shows_the_fields_that_are_set() -> None:
    header = UnregisterClientRequestHeader(client_id="c")

    assert repr(header) == "UnregisterClientRequestHeader(client_id='c')"
    assert repr(PriceHeader.partial(pieces=1)) == "PriceHeader(price=None, pieces=1)"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.5, "1.5"),
        (100, "100.0"),
        (0.0, "0.0"),
        (-0.0, "-0.0"),
        (0.001, "0.001"),
        (9999999.0, "9999999.0"),
        (1e7, "1.0E7"),
        (12345678.9, "1.23456789E7"),
        (0.00012, "1.2E-4"),
        (-1e300, "-1.0E300"),
        (1.7976931348623157e308, "1.7976931348623157E308"),
        (float("nan"), "NaN"),
        (float("-inf"), "-Infinity"),
    ],
)
def test_doubles_are_written_as_java_prints_them(value: float, text: str) -> None:
    assert PriceHeader(price=value).to_ext_fields() == {"price": text}
    read = PriceHeader.from_ext_fields({"price": text}).price
    assert read == pytest.approx(value, rel=0, abs=0, nan_ok=True)


def test_a_text_that_is_no_double_is_refused() -> None:
    with pytest.raises(DeserializationError, match=r"PriceHeader.price .* must be a float"):
        PriceHeader.from_ext_fields({"price": "cheap"})


def test_a_declaration_with_an_unknown_type_fails_at_once() -> None:
    with pytest.raises(TypeError, match="wire types are"):

        class WrongType(Header):
            value: bytes

    with pytest.raises(TypeError, match="optional is"):

        class WrongDefault(Header):
            value: str = "x"

    with pytest.raises(TypeError, match="optional is"):

        class NoDefault(Header):
            value: str | None


def test_a_declaration_whose_annotations_are_no_text_fails_at_once() -> None:
    with pytest.raises(TypeError, match="from __future__ import annotations"):
        HeaderMeta("Evaluated", (Header,), {"__annotations__": {"value": int}})
    with pytest.raises(TypeError, match="from __future__ import annotations"):
        HeaderMeta("Deferred", (Header,), {"__annotate_func__": lambda _: {"value": int}})
