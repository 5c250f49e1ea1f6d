"""Rules of faults: what their text means, and what is refused."""

from __future__ import annotations

import pytest

from pyrocketmq.errors import ConfigurationError
from pyrocketmq.model import RemotingCommand
from pyrocketmq.server.dispatch import Dispatcher
from pyrocketmq.server.fault_rules import FAMILIES, FaultRule, codes_of
from pyrocketmq.server.faults import Faults

SEND_V2 = 310
PULL = 11


def request(code: int, **fields: str) -> RemotingCommand:
    return RemotingCommand(code, ext_fields=fields)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("send:delay=200ms:p=0.1", FaultRule("send", "delay", seconds=(0.2, 0.2), probability=0.1)),
        ("pull:delay=0.5s..2m", FaultRule("pull", "delay", seconds=(0.5, 120.0))),
        ("send:drop:times=3", FaultRule("send", "drop", times=3)),
        ("*:close:p=5%", FaultRule("*", "close", probability=0.05)),
        ("310:garbage:skip=2", FaultRule("310", "garbage", skip=2)),
        ("PULL_MESSAGE:error=14", FaultRule("PULL_MESSAGE", "error", code="14")),
        (
            "send:error=SYSTEM_BUSY:topic=orders:remark=busy: try later",
            FaultRule("send", "error", code="SYSTEM_BUSY", topic="orders", remark="busy: try later"),
        ),
        ("any:reorder", FaultRule("any", "reorder")),
        ("any:reorder=7:after", FaultRule("any", "reorder", overtakers=7, after=True)),
    ],
)
def test_a_rule_is_read_from_its_text_and_written_back(text: str, rule: FaultRule) -> None:
    assert FaultRule.parse(text) == rule
    assert FaultRule.parse(str(rule)) == rule


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("send", "has no effect"),
        ("send:times=3", "has none of the effects"),
        ("sned:drop", "the request 'sned', which does not exist"),
        ("send:delay=fast", "the time 'fast'"),
        ("send:delay=0", "seconds of a fault is"),
        ("send:delay=2s..1s", "the smaller one first"),
        ("send:drop:close", "gives effect twice"),
        ("send:drop=1", "gives drop a value"),
        ("send:drop:p=1.5", "p=1.5"),
        ("send:drop:p=half", "p=half"),
        ("send:drop:times=0", "times of a fault is 0"),
        ("send:drop:times=many", "which is no whole number"),
        ("send:drop:colour=red", "the part 'colour=red', which is unknown"),
        ("send:error", "gives an error without its code"),
        ("send:error=SYSTEM_LAZY", "code of a fault is 'SYSTEM_LAZY'"),
        ("send:drop:remark=gone", "remark is given for the effect drop"),
        ("send:reorder=0", "overtakers of a fault is 0"),
    ],
)
def test_a_text_that_is_no_rule_is_refused_with_the_part_at_fault(text: str, fault: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        FaultRule.parse(text)

    assert fault in str(refused.value)


def test_names_of_requests_stand_for_what_people_mean() -> None:
    assert codes_of("send") == codes_of("SEND_MESSAGE") == FAMILIES["send"] == frozenset((10, 310, 320))
    assert codes_of("SEND_MESSAGE_V2") == codes_of(310) == codes_of(" 310 ") == frozenset((310,))
    assert codes_of("*") is None


def test_a_rule_hits_its_requests_and_counts_them() -> None:
    faults = Faults()
    fault = faults.add("send:drop:topic=orders")

    assert faults.take(request(PULL, topic="orders")) is None
    assert faults.take(request(SEND_V2, b="others")) is None
    assert faults.take(request(SEND_V2, b="orders")) is fault.rule
    assert faults.take(request(10, topic="orders")) is fault.rule
    assert (2, 2) == (fault.seen, fault.hits)
    assert 2 == faults.hits


def test_a_rule_begins_and_ends_where_it_is_told_to() -> None:
    faults = Faults()
    fault = faults.add("send:drop:skip=2:times=1")

    hit = [faults.take(request(SEND_V2)) is not None for _ in range(5)]

    assert [False, False, True, False, False] == hit
    assert fault.is_spent
    assert not faults.is_active
    assert [fault] == faults.rules


def test_the_same_seed_hits_the_same_requests() -> None:
    def run() -> list[bool]:
        faults = Faults(seed=7)
        faults.add("send:drop:p=0.3")
        return [faults.take(request(SEND_V2)) is not None for _ in range(200)]

    hits = run()

    assert hits == run()
    assert 30 < sum(hits) < 90


def test_the_first_rule_that_takes_a_request_hits_it() -> None:
    faults = Faults()
    once = faults.fail("send", "SYSTEM_BUSY", times=1)
    always = faults.fail("*", "FLOW_CONTROL")

    found = [faults.take(request(SEND_V2)) for _ in range(2)]

    assert [once.rule, always.rule] == found
    assert [2, 215] == [rule.response_code for rule in found if rule is not None]


def test_requests_are_looked_at_only_while_a_rule_is_active() -> None:
    faults = Faults()
    dispatcher = Dispatcher(words := set[str]())
    faults.attach(dispatcher)
    seen: list[bool] = []

    def look() -> None:
        seen.append("interceptors" in words)

    look()
    with faults.add("send:drop"), faults.add("pull:drop"):
        look()
    look()
    faults.fail("SEND_MESSAGE", times=1)
    look()
    faults.take(request(SEND_V2))
    look()
    faults.add("send:close")
    look()
    faults.clear()
    look()

    assert [False, True, False, True, False, True, False] == seen
