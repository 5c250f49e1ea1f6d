"""The commands of administration, against a server of two brokers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from pyrocketmq.model import RemotingRequestFactory as Requests
from pyrocketmq.model import RequestCode, ResponseCode
from pyrocketmq.server import ServerConfig
from pyrocketmq.testing import LocalRocketMQ
from pyrocketmq.transport import TcpTransport

from .conftest import Ended, Run


@pytest.fixture
def rocketmq() -> Iterator[LocalRocketMQ]:
    with LocalRocketMQ(ServerConfig(brokers=2)) as server:
        yield server


@pytest.fixture
def ask(run: Run, rocketmq: LocalRocketMQ) -> Run:
    """Runs a command against the server."""

    def ask_server(*words: str) -> Ended:
        return run(*words, "--nameserver", rocketmq.addr)

    return ask_server


def send(rocketmq: LocalRocketMQ, count: int = 5, topic: str = "shop") -> list[dict[str, str]]:
    """Messages for the first broker, on its queues in turn; gives the fields of the answers."""
    answers: list[dict[str, str]] = []
    with TcpTransport(rocketmq.broker_addrs[0]) as transport:
        for number in range(count):
            transport.output(
                Requests.create_send_message_request(
                    "group", topic, f"body {number}", queue_id=number % 2, tags="new", keys=f"order-{number}"
                )
            )
            answers.append(transport.recv_command(timeout=10).ext_fields or {})
    return answers


class TestTopics:
    def test_one_is_created_listed_and_deleted(self, ask: Run, rocketmq: LocalRocketMQ) -> None:
        made = ask("topic", "create", "shop", "--queues", "2", "--json")
        assert {"topic": "shop", "brokers": ["broker-a", "broker-b"]} == made.value
        assert ["shop"] == rocketmq.topics()
        assert ["shop"] == ask("topic", "list", "--json").value
        assert "shop\n" == ask("topic", "list").out
        assert "TBW102" in ask("topic", "list", "--all").out

        assert "topic shop is deleted\n" == ask("topic", "delete", "shop").out
        assert [] == rocketmq.topics()

    def test_one_may_be_on_one_broker_only(self, ask: Run) -> None:
        made = ask("topic", "create", "shop", "--broker", "broker-b", "--write-queues", "1", "--json")

        assert ["broker-b"] == made.value["brokers"]
        (queues,) = ask("topic", "settings", "shop", "--json").value
        assert ("broker-b", 8, 1) == (queues["broker"], queues["read_queues"], queues["write_queues"])

    def test_a_route_names_brokers_and_addresses(self, ask: Run, rocketmq: LocalRocketMQ) -> None:
        rocketmq.create_topic("shop", 3)

        lines = ask("topic", "route", "shop").out.splitlines()

        assert ["BROKER", "CLUSTER", "WRITE", "READ", "PERM", "ADDRESSES"] == lines[0].split()
        assert ["broker-a", "DefaultCluster", "3", "3", "rw", rocketmq.broker_addrs[0]] == lines[1].split()

    def test_permissions_are_changed(self, ask: Run, rocketmq: LocalRocketMQ) -> None:
        rocketmq.create_topic("shop")

        assert "topic shop is r on broker-a, broker-b\n" == ask("topic", "perm", "shop", "r").out
        assert [4, 4] == [each["perm"] for each in ask("topic", "settings", "shop", "--json").value]

    def test_stats_count_what_is_stored(self, ask: Run, rocketmq: LocalRocketMQ) -> None:
        rocketmq.create_topic("shop", 2)
        send(rocketmq)

        assert ask("topic", "stats", "shop").out.endswith("\n5 messages\n")
        queues = ask("topic", "stats", "shop", "--json").value["queues"]
        assert [3, 2, 0, 0] == [queue["max_offset"] for queue in queues]
        assert 0 == ask("topic", "rates", "shop").code
        assert [] == ask("topic", "groups", "shop", "--json").value

    @pytest.mark.parametrize(("words", "code", "part"), [
        (("route", "shpo"), 1, "[R101]"),
        (("delete", "shpo"), 1, "there is no topic 'shpo'"),
        (("perm", "shpo", "rw"), 1, "'shpo'"),
        (("perm", "shop", "rwx"), 2, "invalid permission value: 'rwx'"),
        (("create", "no good"), 1, "illegal characters"),
        (("create", "shop", "--broker", "broker-c"), 1, "there is no broker 'broker-c'"),
        (("create", "shop", "--queues", "0"), 2, "--queues"),
        (("create", "shop", "--broker", "a", "--cluster", "b"), 2, "not allowed with"),
        ((), 2, "COMMAND"),
        (("explode",), 2, "explode"),
    ])  # fmt: skip
    def test_what_is_wrong_is_named(self, ask: Run, words: tuple[str, ...], code: int, part: str) -> None:
        ended = ask("topic", *words)

        assert (code, "") == (ended.code, ended.out), ended.err
        assert part in ended.err
        assert "Traceback" not in ended.err


class TestGroups:
    def test_one_is_created_moved_and_deleted(self, ask: Run, rocketmq: LocalRocketMQ) -> None:
        rocketmq.create_topic("shop", 2)
        send(rocketmq)
        assert ["broker-a", "broker-b"] == ask("group", "create", "billing", "--json").value["brokers"]

        ask("group", "reset", "billing", "shop", "--to-end")
        assert 0 == ask("group", "lag", "billing", "--json").value["lag"]
        ask("group", "reset", "billing", "shop", "--to", "1h")
        assert 5 == ask("group", "lag", "billing", "--json").value["lag"]
        moved = ask(
            "group",
            "reset",
            "billing",
            "shop",
            "--broker",
            "broker-a",
            "--queue",
            "0",
            "--offset",
            "2",
            "--json",
        )
        assert [{"topic": "shop", "broker": "broker-a", "queue_id": 0, "offset": 2}] == moved.value
        assert "3 behind, " in ask("group", "lag", "billing").out
        (line,) = ask("group", "list", "--json").value
        assert ("billing", 3, ["shop"]) == (line["group"], line["lag"], line["topics"])

        assert 0 == ask("group", "create", "copies").code
        assert 0 == ask("group", "clone", "billing", "copies").code
        assert 3 == ask("group", "lag", "copies", "--json").value["lag"]
        assert 0 == ask("group", "delete", "billing").code
        assert "there is no group 'billing'" in ask("group", "delete", "billing").err

    def test_settings_are_those_that_were_given(self, ask: Run) -> None:
        ask("group", "create", "billing", "--no-broadcast", "--retries", "3")

        for settings in ask("group", "settings", "billing", "--json").value:
            assert (False, True, 3) == tuple(
                settings[name] for name in ("consume_broadcast_enable", "consume_enable", "retry_max_times")
            )

    def test_members_are_those_that_are_online(self, ask: Run, rocketmq: LocalRocketMQ) -> None:
        beat = {
            "clientID": "10.0.0.1@1",
            "consumerDataSet": [
                {
                    "groupName": "billing",
                    "consumeType": "CONSUME_PASSIVELY",
                    "messageModel": "CLUSTERING",
                    "consumeFromWhere": "CONSUME_FROM_LAST_OFFSET",
                    "subscriptionDataSet": [{"topic": "shop", "subString": "new"}],
                    "unitMode": False,
                }
            ],
            "producerDataSet": [{"groupName": "orders"}],
        }
        with TcpTransport(rocketmq.broker_addrs[0]) as transport:
            request = Requests.create_heartbeat_request()
            request.body = json.dumps(beat).encode()
            transport.output(request)
            transport.recv_command(timeout=10)

            members = ask("group", "members", "billing")
            producers = ask("group", "producers", "orders", "--json")

        assert "10.0.0.1@1" in members.out
        assert "subscribes shop: new (TAG)" in members.out
        assert ["10.0.0.1@1"] == [client["client_id"] for client in producers.value["clients"]]

    @pytest.mark.parametrize(("words", "code", "part"), [
        (("lag", "billing"), 1, "[B505]"),
        (("members", "billing"), 1, "[B506]"),
        (("settings", "billing"), 1, "[B505]"),
        (("reset", "billing", "shop"), 2, "reset needs one of --to, --to-end and --offset"),
        (("reset", "billing", "shop", "--to", "1h", "--to-end"), 2, "not several"),
        (("reset", "billing", "shop", "--offset", "1"), 2, "--broker or --queue is missing"),
        (("reset", "billing", "shop", "--to-end", "--queue", "1"), 2, "go with --offset"),
        (("reset", "billing", "shop", "--to", "yesterday"), 2, "invalid moment value: 'yesterday'"),
        (("mode", "billing", "shop", "PUSH"), 2, "PUSH"),
    ])  # fmt: skip
    def test_what_is_wrong_is_named(self, ask: Run, words: tuple[str, ...], code: int, part: str) -> None:
        ended = ask("group", *words)

        assert code == ended.code, ended.err
        assert part in ended.err


class TestMessages:
    def test_one_is_found_by_each_of_its_ids_its_key_and_its_place(
        self, ask: Run, rocketmq: LocalRocketMQ
    ) -> None:
        sent = send(rocketmq)[3]
        offset_id, unique_id = sent["msgId"], sent["transactionId"]

        found = [
            ask("msg", "get", offset_id, "--json").value,
            ask("msg", "get", unique_id, "--topic", "shop", "--json").value,
            *ask("msg", "query", "shop", "--key", "order-3", "--json").value,
            *ask("msg", "query", "shop", "--id", unique_id, "--json").value,
            ask("msg", "at", "shop", "broker-a", "1", "1", "--json").value,
        ]

        assert 5 == len(found)
        assert {("body 3", unique_id)} == {(each["body"], each["msg_id"]) for each in found}
        for_people = ask("msg", "get", offset_id).out
        assert "property KEYS = order-3\n" in for_people
        assert for_people.endswith("body, 6 bytes:\nbody 3\n")

    def test_a_list_shows_what_is_stored(self, ask: Run, rocketmq: LocalRocketMQ) -> None:
        send(rocketmq)

        assert 5 == len(ask("msg", "list", "shop", "--json").value)
        assert 2 == len(ask("msg", "list", "shop", "--queue", "1", "--json").value)
        assert [] == ask("msg", "list", "shop", "--tag", "old", "--json").value
        assert [] == ask("msg", "list", "shop", "--end", "1h", "--json").value
        assert "order-4" in ask("msg", "list", "shop").out

    def test_bodies_cannot_steer_the_terminal(self, ask: Run, rocketmq: LocalRocketMQ) -> None:
        with TcpTransport(rocketmq.broker_addrs[0]) as transport:
            transport.output(Requests.create_send_message_request("group", "shop", b"\x1b[2Jx", queue_id=0))
            transport.recv_command(timeout=10)

        assert "\x1b" not in ask("msg", "list", "shop").out

    @pytest.mark.parametrize(("words", "code", "part"), [
        (("get", "xyz"), 1, "msg_id has 3 characters"),
        (("get", "C00002027809FB596AE46A2166360004"), 1, "give the topic too"),
        (("query", "shop"), 2, "query needs one of --key and --id"),
        (("query", "shpo", "--key", "k"), 1, "[R101]"),
        (("at", "shop", "broker-a", "0", "99"), 1, "no message at offset 99"),
        (("list", "shpo"), 1, "[R101]"),
        (("trace", "xyz", "--trace-topic", "nowhere"), 1, "no client has traced anything"),
    ])  # fmt: skip
    def test_what_is_wrong_is_named(
        self, ask: Run, rocketmq: LocalRocketMQ, words: tuple[str, ...], code: int, part: str
    ) -> None:
        rocketmq.create_topic("shop")

        ended = ask("msg", *words)

        assert code == ended.code, ended.err
        assert part in ended.err

    def test_nothing_found_is_no_success(self, ask: Run, rocketmq: LocalRocketMQ) -> None:
        rocketmq.create_topic("shop")

        ended = ask("msg", "query", "shop", "--key", "none")

        assert (1, "no messages\n") == (ended.code, ended.out)


class TestClusters:
    def test_brokers_are_listed_with_their_release(self, ask: Run, rocketmq: LocalRocketMQ) -> None:
        brokers = ask("cluster", "list", "--json").value

        assert list(zip(("broker-a", "broker-b"), rocketmq.broker_addrs, strict=True)) == [
            (broker["broker"], broker["address"]) for broker in brokers
        ]
        assert "V5_5_0" in ask("cluster", "list").out

    def test_a_broker_that_cannot_be_asked_makes_it_done_in_part(
        self, ask: Run, rocketmq: LocalRocketMQ
    ) -> None:
        with rocketmq.fail("GET_BROKER_RUNTIME_INFO", code="SYSTEM_BUSY", times=1):
            ended = ask("cluster", "list")

        assert 4 == ended.code
        assert "SYSTEM_BUSY" in ended.out

    def test_settings_are_shown_and_changed(self, ask: Run) -> None:
        taken = ask("cluster", "set", "--broker", "broker-a", "autoCreateTopicEnable=false", "--json")
        assert {"autoCreateTopicEnable": "false"} == taken.value["values"]

        found = ask("cluster", "config", "--filter", "AUTOCREATETOPIC", "--json").value
        assert ["false", "true"] == [broker["values"]["autoCreateTopicEnable"] for broker in found]
        assert "brokerName = broker-b" in ask("cluster", "config", "--broker", "broker-b").out
        assert "putTps" in ask("cluster", "status").out
        assert 0 == ask("cluster", "ha").code
        assert 0 == ask("cluster", "nameservers").code

    def test_writes_are_stopped_and_begun(self, ask: Run, rocketmq: LocalRocketMQ) -> None:
        rocketmq.create_topic("shop")

        assert 0 == ask("cluster", "no-writes", "broker-a").code
        perms = {
            each["broker"]: each["perm"] for each in ask("topic", "route", "shop", "--json").value["queues"]
        }
        assert {"broker-a": 4, "broker-b": 6} == perms
        assert 0 == ask("cluster", "writes", "broker-a").code

    def test_the_key_value_store_is_read_and_written(self, ask: Run) -> None:
        assert 0 == ask("cluster", "kv", "put", "space", "key", "value").code
        assert "value\n" == ask("cluster", "kv", "get", "space", "key").out
        assert [{"key": "key", "value": "value"}] == ask("cluster", "kv", "list", "space", "--json").value
        assert 0 == ask("cluster", "kv", "delete", "space", "key").code
        assert 1 == ask("cluster", "kv", "get", "space", "key").code
        assert "kv put takes NAMESPACE KEY VALUE" in ask("cluster", "kv", "put", "space", "key").err

    def test_settings_need_a_place(self, ask: Run) -> None:
        ended = ask("cluster", "set", "a=b")

        assert 2 == ended.code
        assert "give --broker NAME or --cluster NAME" in ended.err


class TestAccess:
    """Users and rules of auth 2.0, which the embedded broker does not have: its answers are scripted."""

    USER: ClassVar = {"username": "app", "userType": "Normal", "userStatus": "enable"}
    RULES: ClassVar = {
        "subject": "User:app",
        "policies": [
            {
                "policyType": "Custom",
                "entries": [{"resource": "Topic:shop", "actions": ["Pub"], "decision": "Allow"}],
            }
        ],
    }

    def scripted(self, rocketmq: LocalRocketMQ, code: RequestCode, body: Any = None) -> None:
        rocketmq.answer(code.name, body=None if body is None else json.dumps(body))

    def test_users_are_listed_without_passwords(self, ask: Run, rocketmq: LocalRocketMQ) -> None:
        self.scripted(rocketmq, RequestCode.AUTH_LIST_USER, [{**self.USER, "password": "secret"}])

        ended = ask("acl", "user", "list", "--json")

        assert [{"username": "app", "user_type": "Normal", "status": "enable"}] == ended.value

    def test_a_user_is_created_with_the_password_of_a_file(
        self, ask: Run, rocketmq: LocalRocketMQ, tmp_path: Path
    ) -> None:
        self.scripted(rocketmq, RequestCode.AUTH_CREATE_USER)
        file = tmp_path / "secret"
        file.write_text("pass word\n")

        with rocketmq.record() as recording:
            ended = ask("acl", "user", "create", "app", "--super", "--password-file", str(file))

        assert (0, "user app is there\n") == (ended.code, ended.out)
        sent = recording.of("AUTH_CREATE_USER")
        assert 2 == len(sent)
        assert "pass word" == json.loads(sent[0].body or b"")["password"]

    def test_rules_are_made_and_listed(self, ask: Run, rocketmq: LocalRocketMQ) -> None:
        self.scripted(rocketmq, RequestCode.AUTH_CREATE_ACL)
        self.scripted(rocketmq, RequestCode.AUTH_LIST_ACL, [self.RULES])

        with rocketmq.record() as recording:
            ended = ask(
                "acl",
                "rule",
                "create",
                "User:app",
                "--resource",
                "Topic:shop",
                "--action",
                "Pub",
                "--action",
                "Sub",
            )

        assert 0 == ended.code, ended.err
        sent = json.loads(recording.of("AUTH_CREATE_ACL")[0].body or b"")
        assert ["Pub", "Sub"] == sent["policies"][0]["entries"][0]["actions"]
        lines = ask("acl", "rule", "list").out.splitlines()
        assert ["User:app", "Topic:shop", "Pub", "Allow", "-"] == lines[1].split()

    def test_a_broker_without_them_says_so(self, ask: Run) -> None:
        ended = ask("acl", "user", "list")

        assert 1 == ended.code
        assert "REQUEST_CODE_NOT_SUPPORTED" in ended.err

    @pytest.mark.parametrize(("words", "part"), [
        (("user", "create", "app", "--password-file", "/no/such/file"), "cannot be read"),
        (("user", "create", "app"), "no terminal to ask for one"),
        (("user", "update", "app"), "nothing is given that could be changed"),
        (("rule", "create", "User:app", "--resource", "Topic:a"), "--action"),
        (("rule", "create", "User:app", "--resource", "Topic:a", "--action", "Fly"), "Fly"),
        (("rule", "create", "app", "--resource", "Topic:a", "--action", "Pub"), "write User:NAME"),
        (("rule", "create", "User:app", "--resource", "shop", "--action", "Pub"), "write Topic:NAME"),
    ])  # fmt: skip
    def test_what_is_wrong_is_named(self, ask: Run, words: tuple[str, ...], part: str) -> None:
        ended = ask("acl", *words)

        assert 2 == ended.code, ended.err
        assert part in ended.err


class TestServers:
    def test_the_environment_names_them(
        self, run: Run, rocketmq: LocalRocketMQ, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("NAMESRV_ADDR", rocketmq.addr)

        assert 0 == run("topic", "list").code

    def test_one_that_is_not_there_is_no_server(self, run: Run, dead_address: str) -> None:
        ended = run("topic", "list", "--nameserver", dead_address, "--json")

        assert 3 == ended.code
        assert "R102" == json.loads(ended.err)["error"]["code"]

    def test_a_brokers_port_is_told_apart(self, run: Run, rocketmq: LocalRocketMQ) -> None:
        ended = run("topic", "list", "--nameserver", rocketmq.broker_addrs[0])

        assert 1 == ended.code
        assert "name servers usually have port 9876" in ended.err

    def test_tls_on_a_plain_port_is_no_server(self, ask: Run) -> None:
        ended = ask("topic", "list", "--tls")

        assert 3 == ended.code
        assert "TLS" in ended.err

    def test_some_brokers_that_fail_make_it_done_in_part(self, ask: Run, rocketmq: LocalRocketMQ) -> None:
        with rocketmq.fail("UPDATE_AND_CREATE_TOPIC", code=ResponseCode.SYSTEM_ERROR, times=1):
            ended = ask("topic", "create", "shop")

        assert 4 == ended.code
        assert "1 of 2 brokers failed" in ended.err


class TestSending:
    def test_a_message_is_sent_once_more_with_all_that_its_sender_said(
        self, ask: Run, rocketmq: LocalRocketMQ
    ) -> None:
        (first, *_) = send(rocketmq)

        sent = ask("msg", "resend", first["msgId"], "--json").value

        once, again = [message for message in rocketmq.messages("shop") if message.keys == "order-0"]
        assert sent["msg_id"] == again.msg_id != once.msg_id
        assert ("shop", "broker-a", again.queue_id, "SEND_OK") == (
            sent["topic"],
            sent["broker"],
            sent["queue_id"],
            sent["status"],
        )
        assert (once.body, once.tags, once.queue_id) == (again.body, again.tags, again.queue_id)
        rocketmq.create_topic("other")
        assert "to other, queue" in ask("msg", "resend", first["msgId"], "--to", "other").out
        assert ["order-0"] == [message.keys for message in rocketmq.messages("other")]

    def test_a_dead_letter_goes_back_to_the_topic_that_it_came_from(
        self, ask: Run, rocketmq: LocalRocketMQ
    ) -> None:
        send(rocketmq)
        with TcpTransport(rocketmq.broker_addrs[0]) as transport:
            offset = rocketmq.messages("shop")[0].commit_log_offset
            transport.output(Requests.create_consumer_send_msg_back_request("billing", offset, -1))
            assert ResponseCode.SUCCESS == transport.recv_command(timeout=10).code
        (dead,) = rocketmq.messages("%DLQ%billing", 1)

        sent = ask("msg", "resend", dead.offset_msg_id, "--json").value

        assert "shop" == sent["topic"]
        again = rocketmq.messages("shop")[-1]
        assert ("order-0", dead.body) == (again.keys, again.body)
        assert again.get_property("RETRY_TOPIC") is None

    def test_a_message_that_is_not_there_is_no_success(self, ask: Run) -> None:
        ended = ask("msg", "resend", "no-id")

        assert (1, True) == (ended.code, "id" in ended.err)

    def test_round_trips_are_shown_for_brokers_and_for_queues(
        self, ask: Run, rocketmq: LocalRocketMQ
    ) -> None:
        rocketmq.create_topic("shop", 2)

        brokers = ask("cluster", "rt", "--count", "3", "--json").value
        queues = ask("topic", "rt", "shop", "--count", "8", "--size", "10", "--json").value

        assert [("broker-a", 3), ("broker-b", 3)] == [(row["broker"], row["count"]) for row in brokers]
        assert 4 == len(queues)
        assert {(2, 0)} == {(row["count"], row["failed"]) for row in queues}
        assert {10} == {len(message.body) for message in rocketmq.messages("shop")}
        assert "LEAST MS" in ask("topic", "rt", "shop", "--count", "4").out

    def test_a_queue_that_fails_is_told_and_makes_it_done_in_part(
        self, ask: Run, rocketmq: LocalRocketMQ
    ) -> None:
        rocketmq.create_topic("shop", 1)
        rocketmq.fail("SEND_MESSAGE", code="SYSTEM_ERROR", remark="no room", times=1)

        ended = ask("topic", "rt", "shop", "--count", "4")

        assert 4 == ended.code
        assert "no room" in ended.out
        rocketmq.fail("SEND_MESSAGE", code="SYSTEM_ERROR")
        assert 1 == ask("topic", "rt", "shop", "--count", "2").code
