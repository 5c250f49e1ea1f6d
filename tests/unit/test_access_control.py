"""Access control: which requests pass, and with which words others are refused."""

from __future__ import annotations

import pytest

from pyrocketmq.model import RemotingCommand
from pyrocketmq.model.acl import AclCredentials, sign
from pyrocketmq.server.access_rules import AccessRules
from pyrocketmq.server.acl import AccessControl, AccessDeniedError

HOST = "192.0.2.7"
USER = AclCredentials("application", "12345678")
ADMIN = AclCredentials("operator", "87654321")
RULES = AccessRules.read(
    {
        "accounts": [
            {
                "accessKey": "application",
                "secretKey": "12345678",
                "defaultGroupPerm": "SUB",
                "topicPerms": ["in=SUB", "out=PUB"],
                "groupPerms": ["closed=DENY"],
            },
            {
                "accessKey": "operator",
                "secretKey": "87654321",
                "admin": True,
                "whiteRemoteAddress": "127.0.0.1",
            },
        ],
        "globalWhiteRemoteAddresses": ["198.51.100.*"],
    }
)


def signed(
    code: int, credentials: AclCredentials = USER, body: bytes | None = None, **fields: str
) -> RemotingCommand:
    fields.update(sign(fields, body, credentials))
    return RemotingCommand(code, ext_fields=fields, body=body)


def refusal(request: RemotingCommand, host: str = HOST) -> str | None:
    try:
        AccessControl(RULES).check(request, host)
    except AccessDeniedError as denied:
        return str(denied)
    return None


HEARTBEAT = (
    b'{"clientID":"c","consumerDataSet":[{"groupName":"%b","subscriptionDataSet":'
    b'[{"topic":"%b","subString":"*"},{"topic":"%%RETRY%%%b","subString":"*"}]}]}'
)
BATCH_ACK = b'{"brokerName":"b","acks":[{"c":"%b","t":"%b"}]}'


@pytest.mark.parametrize(
    "request_",
    [
        signed(310, b="out", a="producers"),
        signed(10, topic="out", producerGroup="producers"),
        signed(320, b="out", a="producers"),
        signed(310, b="%RETRY%readers", a="CLIENT_INNER_PRODUCER"),
        signed(310, b="RMQ_SYS_TRACE_TOPIC", a="tracers"),
        signed(11, topic="in", consumerGroup="readers"),
        signed(11, topic="%RETRY%readers", consumerGroup="readers"),
        signed(200050, topic="%RETRY%readers_in", consumerGroup="readers"),
        signed(200051, topic="%RETRY%readers+in", consumerGroup="readers"),
        signed(200151, body=BATCH_ACK % (b"readers", b"in")),
        signed(34, body=HEARTBEAT % (b"readers", b"in", b"readers")),
        signed(34, body=b""),
        signed(36, group="readers"),
        signed(35, clientID="c", producerGroup="producers"),
        signed(12, topic="in", key="k"),
        signed(105, topic="anything"),
        signed(17, ADMIN, topic="new"),
        signed(310, ADMIN, b="anything", a="producers"),
    ],
    ids=lambda request: f"{request.code}-{(request.ext_fields or {}).get('topic', '')}",
)
def test_an_account_may_do_what_its_rights_say(request_: RemotingCommand) -> None:
    assert refusal(request_) is None


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (signed(310, b="in", a="producers"), "No default permission for topic:in"),
        (signed(10, topic="other", producerGroup="p"), "No default permission for topic:other"),
        (signed(320, b="in", a="producers"), "No default permission for topic:in"),
        (signed(310, b="%RETRY%closed", a="readers"), "No default permission for group:closed"),
        (signed(11, topic="out", consumerGroup="readers"), "No default permission for topic:out"),
        (signed(11, topic="in", consumerGroup="closed"), "No default permission for group:closed"),
        (
            signed(11, topic="%RETRY%closed", consumerGroup="readers"),
            "No default permission for group:closed",
        ),
        (signed(200050, topic="in", consumerGroup="closed"), "No default permission for group:closed"),
        (signed(200151, body=BATCH_ACK % (b"readers", b"out")), "No default permission for topic:out"),
        (signed(200151, body=b"?"), "the body cannot be read"),
        (
            signed(34, body=HEARTBEAT % (b"readers", b"out", b"readers")),
            "No default permission for topic:out",
        ),
        (
            signed(34, body=HEARTBEAT % (b"closed", b"in", b"closed")),
            "No default permission for group:closed",
        ),
        (signed(36, group="closed"), "No default permission for group:closed"),
        (signed(12, topic="out", key="k"), "No default permission for topic:out"),
        (
            signed(17, topic="new"),
            "Need admin permission for request code=17, but accessKey=application is not",
        ),
        (signed(11, AclCredentials("stranger", "12345678"), topic="in"), "No acl config for stranger"),
        (RemotingCommand(11, ext_fields={"topic": "in"}), "No accessKey is configured"),
        (RemotingCommand(34), "No accessKey is configured"),
        (
            RemotingCommand(11, ext_fields={"topic": "in", "AccessKey": "application"}),
            "Check signature failed for accessKey=application",
        ),
    ],
)
def test_what_an_account_may_not_do_is_refused_in_the_words_of_4_9(
    request_: RemotingCommand, words: str
) -> None:
    assert words in (refusal(request_) or "")


@pytest.mark.parametrize("changed", ["field", "body", "key"])
def test_a_request_that_was_changed_after_signing_is_refused(changed: str) -> None:
    request = signed(310, b="out", a="producers", body=b"1 euro")
    assert request.ext_fields is not None
    if changed == "field":
        request.ext_fields["e"] = "1"
    elif changed == "body":
        request.body = b"9 euro"
    else:
        request.ext_fields["AccessKey"] = "operator"

    assert "Check signature failed" in (refusal(request) or "")


def test_requests_from_listed_addresses_need_no_signature() -> None:
    plain = RemotingCommand(17, ext_fields={"topic": "new"})
    named = RemotingCommand(17, ext_fields={"topic": "new", "AccessKey": "operator"})

    assert refusal(plain, "198.51.100.3") is None
    assert refusal(named, "127.0.0.1") is None
    assert refusal(plain, "127.0.0.1") == "No accessKey is configured"
