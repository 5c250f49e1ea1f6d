"""Sends that are signed where they are written: the signature of the general way, in both header codecs."""

from __future__ import annotations

import pytest

from pyrocketmq._native.bytesio import WriteBuffer
from pyrocketmq._native.frame import decode_frame
from pyrocketmq._native.message import Message
from pyrocketmq._native.sending import SendEncoder
from pyrocketmq.errors import ConfigurationError
from pyrocketmq.model.acl import AclCredentials, sign

PLAIN = AclCredentials("user", "secret")
TOKEN = AclCredentials("\u00fcser", 'se"cret', "to\\ken")
BLOCK = AclCredentials("user", "s" * 64)
LONG = AclCredentials("user", "\u00e9" * 40)
NAMESPACE = {"ns": "mq-inst", "nsd": "true"}

MESSAGES = [
    Message("shop", b"x"),
    Message("shop", b"\x00\xff" * 5000, "tag", "k1 k2", flag=-7),
    Message("shop", "\u00e9", properties={"quote": 'a"b\\c\n\u00e9\U0001f600'}),
]


def signed_again(frame: bytes, credentials: AclCredentials) -> dict[str, str]:
    """The fields that the general way gives to the same request."""
    command = decode_frame(frame)
    fields = dict(command.ext_fields or {})
    for name in ("AccessKey", "SecurityToken", "Signature"):
        fields.pop(name, None)
    return {**fields, **sign(fields, command.body, credentials)}


@pytest.mark.parametrize("codec", ["json", "binary"])
@pytest.mark.parametrize("credentials", [PLAIN, TOKEN, BLOCK, LONG])
@pytest.mark.parametrize("fields", [None, NAMESPACE])
@pytest.mark.parametrize("broker", ["", "broker-a"])
def test_a_send_is_signed_as_in_the_general_way(
    codec: str, credentials: AclCredentials, fields: dict[str, str] | None, broker: str
) -> None:
    buffer = WriteBuffer()
    encoder = SendEncoder("orders", broker, codec, fields=fields, credentials=credentials)
    for number, message in enumerate(MESSAGES):
        encoder.put(
            buffer, message, -number, number, sys_flag=number, body=b"packed" if number == 1 else None
        )
        frame = buffer.take()
        assert signed_again(frame, credentials) == decode_frame(frame).ext_fields
        encoder.put_batch(buffer, [message, Message("shop", b"more")], number, 1, oneway=True)
        frame = buffer.take()
        assert signed_again(frame, credentials) == decode_frame(frame).ext_fields


@pytest.mark.parametrize("size", [1, 500, 1700, 1900, 2000, 2047, 2048, 2100, 70_000])
def test_large_and_small_bodies_are_signed_alike(size: int) -> None:
    buffer = WriteBuffer()
    encoder = SendEncoder("orders", credentials=PLAIN)
    encoder.put(buffer, Message("shop", b"x" * size), 0, 1)
    frame = buffer.take()
    assert signed_again(frame, PLAIN) == decode_frame(frame).ext_fields


def test_credentials_that_cannot_be_had_are_an_error_that_names_why() -> None:
    def lost() -> AclCredentials:
        if encoder_is_made:
            raise OSError("no such vault")
        return PLAIN

    encoder_is_made = False
    buffer = WriteBuffer()
    encoder = SendEncoder("orders", credentials=lost)
    encoder_is_made = True
    with pytest.raises(ConfigurationError, match="OSError: no such vault"):
        encoder.put(buffer, MESSAGES[0], 0, 1)
    assert b"" == buffer.take()


@pytest.mark.parametrize("codec", ["json", "binary"])
def test_frames_differ_from_unsigned_ones_in_the_fields_of_the_signature_alone(codec: str) -> None:
    for message in MESSAGES:
        buffer = WriteBuffer()
        SendEncoder("orders", "broker-a", codec).put(buffer, message, 3, 5, 1718000000000)
        plain = decode_frame(buffer.take())
        encoder = SendEncoder("orders", "broker-a", codec, fields=NAMESPACE, credentials=PLAIN)
        encoder.put(buffer, message, 3, 5, 1718000000000)
        signed = decode_frame(buffer.take())

        added = dict(signed.ext_fields or {})
        assert {"ns", "nsd", "AccessKey", "Signature"} == set(added) - set(plain.ext_fields or {})
        assert {**added, **(plain.ext_fields or {})} == added
        assert (plain.code, plain.opaque, plain.flag, plain.body) == (
            signed.code,
            signed.opaque,
            signed.flag,
            signed.body,
        )


def test_credentials_may_be_exchanged_between_two_sends() -> None:
    buffer = WriteBuffer()
    now = [PLAIN]
    encoder = SendEncoder("orders", credentials=lambda: now[0])
    for credentials in (PLAIN, TOKEN, PLAIN):
        now[0] = credentials
        encoder.put(buffer, MESSAGES[0], 0, 1)
        frame = buffer.take()
        assert signed_again(frame, credentials) == decode_frame(frame).ext_fields
        assert (credentials is TOKEN) == ("SecurityToken" in (decode_frame(frame).ext_fields or {}))


def test_fields_whose_place_in_the_signature_is_not_known_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="after 'n'"):
        SendEncoder("orders", fields={"bname": "x"})


@pytest.mark.parametrize("codec", ["json", "binary"])
def test_a_refused_message_leaves_nothing_behind(codec: str) -> None:
    buffer = WriteBuffer()
    encoder = SendEncoder("orders", codec=codec, credentials=PLAIN, max_message_bytes=10)
    with pytest.raises(Exception, match="over max_message_bytes"):
        encoder.put(buffer, Message("shop", b"x" * 11), 0, 1)
    assert b"" == buffer.take()
