"""Signatures and the secrets they are made with."""

from __future__ import annotations

import pytest

from pyrocketmq._native.command import RemotingCommand
from pyrocketmq.errors import ConfigurationError, SerializationError
from pyrocketmq.model.acl import AclCredentials, sign, sign_request, signed_content

CREDENTIALS = AclCredentials("user", "s3cret", "t0ken")


def test_secrets_are_not_shown() -> None:
    assert repr(CREDENTIALS) == "AclCredentials(access_key='user', secret_key='***', security_token='***')"


def test_credentials_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        CREDENTIALS.access_key = "x"  # type: ignore[misc]


@pytest.mark.parametrize("name", ["access_key", "secret_key", "security_token"])
@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ("", "empty"),
        (7, "of type int"),
        (b"s3cret", "of type bytes"),
        ("\ud800", "text with a lone surrogate"),
    ],
)
def test_an_unusable_key_is_refused_without_showing_secrets(name: str, value: object, fault: str) -> None:
    keys = {"access_key": "user", "secret_key": "s3cret", name: value}
    with pytest.raises(ConfigurationError, match=f"{name} is {fault}") as caught:
        AclCredentials(**keys)
    assert caught.value.field == name
    assert "s3cret" not in str(caught.value)


def test_names_are_sorted_by_utf_16_as_java_does() -> None:
    # U+1F600 is D83D DE00 in UTF-16 and so comes before U+FB01, though its code point is higher.
    assert signed_content({"\ufb01": "2", "\U0001f600": "1"}, None) == b"12"


def test_a_former_signature_is_not_signed() -> None:
    fields = {"a": "1"}
    first = sign(fields, b"body", CREDENTIALS)
    assert sign({**fields, **first}, b"body", CREDENTIALS) == first


def test_the_body_is_signed() -> None:
    assert sign({}, b"1", CREDENTIALS) != sign({}, b"2", CREDENTIALS)
    assert sign({}, b"", CREDENTIALS) == sign({}, None, CREDENTIALS)


def test_old_versions_do_not_sign_the_mark_of_a_query_by_unique_key() -> None:
    fields = {"_UNIQUE_KEY_QUERY": "true", "key": "k"}
    assert signed_content(fields, None, version=399) == b"k"
    assert signed_content(fields, None, version=401) == b"truek"


def test_without_a_token_no_token_is_sent() -> None:
    assert set(sign({}, None, AclCredentials("user", "s3cret"))) == {"AccessKey", "Signature"}


def test_a_lone_surrogate_is_refused() -> None:
    with pytest.raises(SerializationError, match=r"U\+D800") as caught:
        sign({"a": "\ud800"}, None, CREDENTIALS)
    assert caught.value.field == "a"


@pytest.mark.parametrize(
    ("fields", "words"),
    [({"a": None}, "ext field a is of type NoneType"), ({1: "a"}, "the name of an ext field is of type int")],
)
def test_what_is_no_text_is_refused(fields: dict[str, str], words: str) -> None:
    with pytest.raises(SerializationError, match=words):
        signed_content(fields)


def test_a_request_gets_the_fields_of_its_signature() -> None:
    request = RemotingCommand(310, ext_fields={"topic": "caf\u00e9"}, body=b"x")
    sign_request(request, CREDENTIALS)

    assert request.ext_fields == {"topic": "caf\u00e9", **sign({"topic": "caf\u00e9"}, b"x", CREDENTIALS)}


def test_signing_again_with_other_credentials_leaves_nothing_of_the_first() -> None:
    request = RemotingCommand(310, ext_fields={"a": "1"})
    sign_request(request, CREDENTIALS)
    other = AclCredentials("other", "0ther-secret")
    sign_request(request, other)

    assert request.ext_fields == {"a": "1", **sign({"a": "1"}, None, other)}
