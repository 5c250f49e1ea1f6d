"""Fork with a thousand sends in flight: the parent loses nothing, the child sends what is its own."""

from __future__ import annotations

import sys
from collections import Counter

import pytest

from pyrocketmq.testing import LocalRocketMQ

from .conftest import LIMIT_S, bodies, started

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")


@pytest.mark.parametrize("method", ["os.fork", "fork", "forkserver", "spawn"])
def test_parent_and_child_send_what_is_theirs_once(rocketmq: LocalRocketMQ, method: str) -> None:
    rocketmq.create_topic("parent")
    rocketmq.create_topic("child")
    rocketmq.faults.add("send:delay=300ms:topic=parent")  # so that sends are in flight meanwhile

    with started("-m", "tests.processes.forking", method, rocketmq.addr) as program:
        out, err = program.communicate(timeout=LIMIT_S)

    assert (0, "") == (program.returncode, err)
    assert ["child 1000", "parent 1000 child ended with 0"] == sorted(out.splitlines())
    in_parent = [f"submitted-{n}" for n in range(1000)] + [f"sent-{n}" for n in range(16)]
    assert Counter(in_parent) == bodies(rocketmq, "parent")
    in_child = [f"{way}-{n}" for way in ("submitted", "sent") for n in range(500)]
    assert Counter(in_child) == bodies(rocketmq, "child")
    ports = [{m.born_host[1] for m in rocketmq.messages(topic)} for topic in ("parent", "child")]
    assert not ports[0] & ports[1], "the child has used a connection of its parent"
    ids = {message.unique_id for topic in ("parent", "child") for message in rocketmq.messages(topic)}
    assert 2016 == len(ids)
