"""RetryPlan: what a send does after a failed try, without a clock and without a broker."""

from __future__ import annotations

import pytest

from pyrocketmq._native.message import Message
from pyrocketmq.client.retry import LEAST_SHARE, RetryPlan, Verdict, judge
from pyrocketmq.errors import (
    AclError,
    BackPressureError,
    BrokerBusyError,
    BrokerError,
    BrokerUnavailableError,
    ConnectionClosedError,
    ConnectTimeoutError,
    InvalidRequestError,
    LoopClosedError,
    MessageTooLargeError,
    NoPermissionError,
    RocketMQError,
    RouteNotFoundError,
    RpcTimeoutError,
    SendError,
    SendTimeoutError,
    SendTry,
    TlsError,
    TopicNotFoundError,
)

MESSAGE = Message("shop", b"x", keys="order-1")


def plan(timeout: float = 3.0, retries: int = 2, *, stays: bool = False) -> RetryPlan:
    return RetryPlan(100.0, timeout, retries, stays=stays, random=lambda: 1.0)


def tried(error: RocketMQError, broker: str = "broker-a", seconds: float = 0.1) -> SendTry:
    return SendTry(broker, "10.0.0.3:10911", 0, seconds, error)


def late() -> RpcTimeoutError:
    return RpcTimeoutError("no answer", address="10.0.0.3:10911")


def lost(*, maybe_sent: bool) -> ConnectionClosedError:
    return ConnectionClosedError("lost", address="10.0.0.3:10911", maybe_sent=maybe_sent)


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (BrokerBusyError("busy"), Verdict.FREE),
        (ConnectTimeoutError("no answer"), Verdict.FREE),
        (lost(maybe_sent=False), Verdict.FREE),
        (BackPressureError("full"), Verdict.FREE),
        (lost(maybe_sent=True), Verdict.COUNTED),
        (late(), Verdict.COUNTED),
        (BrokerUnavailableError("closing"), Verdict.COUNTED),
        (BrokerError("system error", retryable=True), Verdict.COUNTED),
        (NoPermissionError("read-only"), Verdict.ELSEWHERE),
        (TopicNotFoundError("no topic"), Verdict.ELSEWHERE),
        (AclError("no right"), Verdict.FINAL),
        (InvalidRequestError("too large"), Verdict.FINAL),
        (BrokerError("unknown"), Verdict.FINAL),
        (TlsError("bad certificate"), Verdict.FINAL),
        (LoopClosedError("gone"), Verdict.FINAL),
        (MessageTooLargeError("too large"), Verdict.FINAL),
    ],
)
def test_each_error_says_whether_a_send_is_tried_again(error: RocketMQError, verdict: Verdict) -> None:
    assert verdict is judge(error)


def test_the_first_try_has_a_fair_share_so_that_the_others_fit() -> None:
    one = plan(3.0)

    assert 1.0 == pytest.approx(one.share(100.0))
    one.failed(tried(late(), seconds=1.0), 101.0, brokers=2)
    assert 1.0 == pytest.approx(one.share(101.0))
    one.failed(tried(late(), seconds=1.0), 102.0, brokers=2)
    assert 1.0 == pytest.approx(one.share(102.0))


def test_a_try_that_nothing_else_could_follow_may_take_all_the_time() -> None:
    assert 3.0 == pytest.approx(plan(stays=True).share(100.0))
    assert 2.5 == pytest.approx(plan().share(100.5, brokers=1))


def test_a_share_is_not_below_the_least_while_there_is_time() -> None:
    assert LEAST_SHARE == plan(0.3).share(100.0)
    assert 0.1 == pytest.approx(plan(0.1).share(100.0))


def test_a_broker_that_did_not_answer_is_followed_by_another_at_once() -> None:
    step = plan().failed(tried(late(), seconds=1.0), 101.0, brokers=2)

    assert step is not None
    assert 0.0 == step.after


def test_retries_that_may_store_a_copy_are_counted() -> None:
    one = plan(retries=1)

    assert one.failed(tried(late()), 100.1, brokers=2)
    assert one.failed(tried(late(), "broker-b"), 100.2, brokers=2) is None


def test_what_was_not_stored_for_sure_is_tried_until_the_deadline() -> None:
    one = plan(retries=0)
    now = 100.0
    rounds = 0
    while (step := one.failed(tried(BrokerBusyError("busy")), now, brokers=1)) is not None:
        now += step.after + 0.001
        rounds += 1

    assert rounds > 7
    assert now > 102.9


def test_the_waits_for_a_busy_broker_grow_and_are_bounded() -> None:
    one = plan(60.0)
    waits = []
    for _ in range(10):
        step = one.failed(tried(BrokerBusyError("busy")), 100.0, brokers=1)
        assert step is not None
        waits.append(step.after)

    assert sorted(waits) == waits
    assert 0.04 == pytest.approx(waits[0])
    assert 0.4 == pytest.approx(waits[-1])


def test_another_broker_is_asked_at_once_and_only_then_waited() -> None:
    one = plan()
    first = one.failed(tried(BrokerBusyError("busy")), 100.0, brokers=2)
    second = one.failed(tried(BrokerBusyError("busy"), "broker-b"), 100.0, brokers=2)

    assert first is not None
    assert second is not None
    assert 0.0 == first.after < second.after


def test_a_send_that_has_to_stay_does_not_count_on_other_brokers() -> None:
    step = plan(stays=True).failed(tried(lost(maybe_sent=False)), 100.0, brokers=2)

    assert step is not None
    assert step.after > 0


def test_a_broker_without_the_right_is_left_alone_and_the_only_one_ends_the_send() -> None:
    one = plan()

    assert one.failed(tried(NoPermissionError("read-only")), 100.0, brokers=2)
    assert one.is_refused("broker-a")
    assert one.failed(tried(NoPermissionError("read-only"), "broker-b"), 100.1, brokers=2) is None
    assert plan().failed(tried(NoPermissionError("read-only")), 100.0, brokers=1) is None
    assert plan(stays=True).failed(tried(NoPermissionError("read-only")), 100.0, brokers=2) is None


def test_routes_are_asked_for_again_when_a_broker_is_lost_or_lacks_the_topic() -> None:
    for error in (TopicNotFoundError("no topic"), lost(maybe_sent=True)):
        step = plan().failed(tried(error), 100.0, brokers=2)
        assert step is not None
        assert step.refresh
    step = plan().failed(tried(BrokerBusyError("busy")), 100.0, brokers=2)
    assert step is not None
    assert not step.refresh


def test_nothing_is_tried_after_the_deadline() -> None:
    assert plan(1.0).failed(tried(late()), 101.0, brokers=2) is None


def test_a_final_refusal_is_raised_as_it_is() -> None:
    one = plan()
    error = AclError("no right")

    assert one.failed(tried(error), 100.1, brokers=2) is None
    assert error is one.error(MESSAGE, 100.1)


def test_an_error_before_any_try_is_raised_as_it_is() -> None:
    error = RouteNotFoundError("no route")

    assert error is plan().error(MESSAGE, 100.1, error)


def test_the_error_lists_all_tries_and_says_what_may_be_stored() -> None:
    one = plan()
    one.queued = 0.25
    one.failed(tried(late(), seconds=1.0), 101.0, brokers=2)
    one.failed(tried(BrokerBusyError("x", code_name="SYSTEM_BUSY"), "broker-b", 0.2), 101.2, brokers=2)
    one.failed(tried(late(), seconds=1.8), 103.0, brokers=2)
    message = Message("shop", b"x", keys="order-1", properties={"UNIQ_KEY": "7F000001"})

    error = one.error(message, 103.0)

    assert isinstance(error, SendTimeoutError)
    assert isinstance(error, TimeoutError)
    text = str(error)
    assert '[S301] topic "shop" after 3.0 s of 3 s' in text
    assert "broker-a (10.0.0.3:10911) did not answer within 1.0 s" in text
    assert "broker-b (10.0.0.3:10911) answered SYSTEM_BUSY" in text
    assert "Try 1 may have been stored: msg_id 7F000001; keys order-1" in text
    assert "queued 0.2 s" in text
    assert (True, True, 3) == (error.maybe_sent, error.retryable, error.attempts)
    assert ("broker-a", "10.0.0.3:10911") == (error.broker, error.address)
    assert (0.25, 0.0, 3.0) == pytest.approx(tuple(error.parts))


def test_tries_that_end_alike_are_told_once_with_their_number() -> None:
    one = plan(1.0)
    for at in range(5):
        one.failed(tried(lost(maybe_sent=False)), 100.0 + at / 5, brokers=1)
    error = one.error(MESSAGE, 101.0)

    assert "could not be reached, 5 times" in str(error)
    assert "Nothing was stored" in str(error)
    assert not error.maybe_sent


def test_retries_that_are_used_up_before_the_deadline_are_no_time_out() -> None:
    one = plan(retries=0)
    assert one.failed(tried(BrokerUnavailableError("closing")), 100.1, brokers=2) is None
    error = one.error(MESSAGE, 100.1)

    assert isinstance(error, SendError)
    assert not isinstance(error, SendTimeoutError)
    assert isinstance(error.__cause__, BrokerUnavailableError)


def test_a_final_refusal_after_an_unanswered_try_still_says_that_a_copy_may_be_stored() -> None:
    one = plan()
    one.failed(tried(late()), 101.0, brokers=2)
    one.failed(tried(AclError("no right"), "broker-b"), 101.1, brokers=2)

    error = one.error(MESSAGE, 101.1)

    assert error.maybe_sent
    assert isinstance(error.__cause__, AclError)
