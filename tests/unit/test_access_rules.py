"""Access rules: what they say, and which files and values are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pyrocketmq.errors import ConfigurationError
from pyrocketmq.server.access_rules import AccessRules, Right
from pyrocketmq.server.address_pattern import AddressPattern

SHIPPED: dict[str, Any] = {
    "globalWhiteRemoteAddresses": ["10.10.103.*", "192.168.0.*"],
    "accounts": [
        {
            "accessKey": "RocketMQ",
            "secretKey": "12345678",
            "whiteRemoteAddress": None,
            "admin": False,
            "defaultTopicPerm": "DENY",
            "defaultGroupPerm": "SUB",
            "topicPerms": ["topicA=DENY", "topicB=PUB|SUB", "topicC=SUB"],
            "groupPerms": ["groupA=DENY", "groupB = PUB|SUB", "groupC=SUB"],
        },
        {
            "accessKey": "rocketmq2",
            "secretKey": "12345678",
            "whiteRemoteAddress": "192.168.1.*",
            "admin": True,
        },
    ],
}


def test_the_rules_that_rocketmq_ships_say_what_they_say_there() -> None:
    rules = AccessRules.load(SHIPPED)
    user, admin = rules.accounts["RocketMQ"], rules.accounts["rocketmq2"]

    assert rules.needs_none("10.10.103.7")
    assert not rules.needs_none("10.10.104.7")
    assert Right.PUB | Right.SUB == user.right_to("topicB", is_group=False)
    assert Right.DENY == user.right_to("topicX", is_group=False)
    assert Right.DENY == user.right_to("groupA", is_group=True)
    assert Right.PUB | Right.SUB == user.right_to("groupB", is_group=True)
    assert Right.SUB == user.right_to("groupX", is_group=True)
    assert admin.is_unbounded
    assert not user.is_unbounded
    assert admin.white_remote_address.matches("192.168.1.200")


def test_rules_come_from_toml_and_json_files(tmp_path: Path) -> None:
    toml, json = tmp_path / "acl.toml", tmp_path / "acl.json"
    toml.write_text(
        '[[accounts]]\naccessKey = "application"\nsecretKey = "12345678"\ntopicPerms = { a = "PUB" }\n'
    )
    json.write_text(
        '{"accounts":[{"accessKey":"application","secretKey":"12345678","topicPerms":["a=PUB"]}]}'
    )

    assert AccessRules.load(toml) == AccessRules.load(str(json))
    assert Right.PUB == AccessRules.load(toml).accounts["application"].right_to("a", is_group=False)


def test_secrets_are_not_shown() -> None:
    assert "12345678" not in repr(AccessRules.load(SHIPPED))


ACCOUNT = {"accessKey": "application", "secretKey": "12345678"}


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ({"accounts": [{"accessKey": "short", "secretKey": "12345678"}]}, "accessKey of an account has 5"),
        ({"accounts": [{"accessKey": "application"}]}, "secretKey of an account is of type NoneType"),
        ({"accounts": [{**ACCOUNT, "adnim": True}]}, "unknown key 'adnim'"),
        ({"accounts": [{**ACCOUNT, "admin": "yes"}]}, "must be true or false"),
        ({"accounts": [{**ACCOUNT, "defaultTopicPerm": "ALL"}]}, "one of DENY, PUB"),
        ({"accounts": [{**ACCOUNT, "topicPerms": ["a"]}]}, "must be <name>="),
        ({"accounts": [{**ACCOUNT, "whiteRemoteAddress": "10.0.*"}]}, "the part '10.0.*'"),
        ({"accounts": [ACCOUNT, ACCOUNT]}, "has two accounts"),
        ({"acounts": []}, "unknown key 'acounts'"),
        ({"accounts": "all"}, "must be a list"),
        ([], "must be a table"),
    ],
)
def test_rules_that_cannot_be_meant_are_refused(content: object, fault: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        AccessRules.read(content)

    assert fault in str(refused.value)
    assert "12345678" not in str(refused.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="nowhere.toml"):
        AccessRules.load(tmp_path / "nowhere.toml")


@pytest.mark.parametrize(
    ("pattern", "inside", "outside"),
    [
        ("*", "1.2.3.4", None),
        ("192.168.0.1", "192.168.0.1", "192.168.0.2"),
        ("192.168.0.1,192.168.0.9", "192.168.0.9", "192.168.0.2"),
        ("192.168.0.{1, 9}", "192.168.0.9", "192.168.0.2"),
        ("192.168.*.*", "192.168.7.9", "192.169.0.2"),
        ("192.168.0-3.*", "192.168.3.9", "192.168.4.9"),
        ("192.168.0.100-200", "192.168.0.100", "192.168.0.99"),
        ("10.0.0.0/8", "10.255.0.1", "11.0.0.1"),
        ("192.168.0.*", "::ffff:192.168.0.7", "::1"),
        ("fe80::1", "fe80:0:0::1", "fe80::2"),
        ("fe80:*", "fe80::7:1", "fe81::1"),
        ("2001:db8::0-f", "2001:db8::a", "2001:db8::10"),
        ("", None, "127.0.0.1"),
        ("127.0.0.1", "127.0.0.1", "not an address"),
    ],
)
def test_a_pattern_matches_its_addresses_only(pattern: str, inside: str | None, outside: str | None) -> None:
    addresses = AddressPattern(pattern)

    assert inside is None or addresses.matches(inside)
    assert outside is None or not addresses.matches(outside)


@pytest.mark.parametrize(
    "pattern", ["10.0.0", "10.0.0.256", "10.0.0.9-1", "10.0.0.{1,x}", "10.0.0.0/40", "a", "1::2::*"]
)
def test_a_pattern_that_is_none_is_refused(pattern: str) -> None:
    with pytest.raises(ConfigurationError):
        AddressPattern(pattern)
