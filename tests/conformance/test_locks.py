"""Locks on queues, which ordered consumers take."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pyrocketmq.model import MessageQueue, SubscriptionData
from pyrocketmq.model import RemotingRequestFactory as Requests
from pyrocketmq.model.result_data import LockBatchResponseBody
from tests.servers import Server, Wire

from .reading import join

Lock = Callable[[str, list[MessageQueue]], list[MessageQueue]]


@pytest.fixture
def lock(broker: Wire, group: str) -> Lock:
    """Asks for locks in the name of a client; gives those that were granted."""

    def ask(client_id: str, queues: list[MessageQueue]) -> list[MessageQueue]:
        answer = broker.call(Requests.create_lock_batch_mq_request(group, client_id, queues))
        return sorted(LockBatchResponseBody.decode(answer.body).lock_ok_mq_set)

    return ask


@pytest.fixture
def queues(server: Server, topic: str) -> list[MessageQueue]:
    return [MessageQueue(topic, server.broker_name, number) for number in range(3)]


@pytest.mark.parametrize("codec", ["json", "binary"])
def test_queues_are_locked_for_one_client_at_a_time(
    broker: Wire, group: str, lock: Lock, queues: list[MessageQueue]
) -> None:
    assert lock("first", queues) == queues
    assert lock("second", queues) == []
    broker.call(Requests.create_unlock_batch_mq_request(group, "first", queues))
    assert lock("second", queues) == queues


def test_the_free_ones_of_the_queues_are_granted(lock: Lock, queues: list[MessageQueue]) -> None:
    lock("first", queues[:1])

    assert lock("second", queues) == queues[1:]
    assert lock("first", queues) == queues[:1]


def test_an_owner_may_lock_again(lock: Lock, queues: list[MessageQueue]) -> None:
    lock("first", queues)

    assert lock("first", queues) == queues


def test_nobody_unlocks_for_another(broker: Wire, group: str, lock: Lock, queues: list[MessageQueue]) -> None:
    lock("first", queues)

    broker.call(Requests.create_unlock_batch_mq_request(group, "second", queues))

    assert lock("second", queues) == []


def test_another_group_has_locks_of_its_own(
    broker: Wire, group: str, lock: Lock, queues: list[MessageQueue]
) -> None:
    lock("first", queues)

    answer = broker.call(Requests.create_lock_batch_mq_request(f"{group}-other", "second", queues))

    assert sorted(LockBatchResponseBody.decode(answer.body).lock_ok_mq_set) == queues


def test_a_lock_outlives_its_owner_until_its_time_is_over(
    server: Server, connect: Callable[[], Wire], group: str, lock: Lock, queues: list[MessageQueue]
) -> None:
    owner = connect()
    join(owner, "first", group, SubscriptionData.build(queues[0].topic))
    assert lock("first", queues) == queues
    owner.close()

    assert lock("second", queues) == []
    server.passes(server.lock_seconds + 0.5)
    assert lock("second", queues) == queues


def test_a_renewed_lock_does_not_end(server: Server, lock: Lock, queues: list[MessageQueue]) -> None:
    lock("first", queues)
    for _ in range(3):
        server.passes(server.lock_seconds * 0.4)
        assert lock("first", queues) == queues

    assert lock("second", queues) == []
