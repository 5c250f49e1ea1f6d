"""Hooks around sends: called in their order, and harmless when they raise."""

from __future__ import annotations

import logging

import pytest

from pyrocketmq._native.answer import SendResult
from pyrocketmq._native.message import Message
from pyrocketmq.client.hooks import EndContext, SendContext, SendHook, SendHooks, SendKind
from pyrocketmq.client.stats import ClientStats
from pyrocketmq.errors import RpcTimeoutError
from pyrocketmq.model.message_queue import MessageQueue


class Noting(SendHook):
    """Writes down what it sees."""

    def __init__(self, seen: list[str], name: str) -> None:
        self.seen = seen
        self.name = name

    def before_send(self, context: SendContext) -> None:
        self.seen.append(f"{self.name} before {context.topic}")

    def after_send(self, context: SendContext) -> None:
        self.seen.append(f"{self.name} after {context.topic}")

    def after_end_transaction(self, context: EndContext) -> None:
        self.seen.append(f"{self.name} {context.state}")


class Failing(SendHook):
    """Always raises."""

    def before_send(self, context: SendContext) -> None:  # noqa: ARG002
        raise ValueError("before")

    def after_send(self, context: SendContext) -> None:  # noqa: ARG002
        raise ValueError("after")

    def after_end_transaction(self, context: EndContext) -> None:  # noqa: ARG002
        raise ValueError("end")


def context(kind: SendKind = SendKind.SEND) -> SendContext:
    return SendContext("g", [Message("T", b"x")], kind)


def end() -> EndContext:
    return EndContext(
        group="g",
        message=Message("T", b"x"),
        transaction_id="t",
        state="COMMIT_MESSAGE",
        from_check=False,
        address="127.0.0.1:10911",
        confirmed=True,
    )


def test_hooks_are_called_in_their_order_before_and_after() -> None:
    seen: list[str] = []
    hooks = SendHooks([Noting(seen, "first"), Noting(seen, "second")])

    hooks.end(hooks.begin(context()), SendResult())
    hooks.ended(end())

    assert seen == [
        "first before T",
        "second before T",
        "first after T",
        "second after T",
        "first COMMIT_MESSAGE",
        "second COMMIT_MESSAGE",
    ]


def test_a_hook_may_come_and_go() -> None:
    seen: list[str] = []
    hook = Noting(seen, "it")
    hooks = SendHooks()
    assert not hooks.active

    hooks.add(hook)
    assert hooks.active
    hooks.begin(context())
    hooks.remove(hook)
    hooks.begin(context())

    assert not hooks.active
    assert seen == ["it before T"]


def test_a_hook_that_raises_is_counted_and_the_others_are_called(caplog: pytest.LogCaptureFixture) -> None:
    seen: list[str] = []
    stats = ClientStats()
    hooks = SendHooks([Failing(), Noting(seen, "other")], stats)

    with caplog.at_level(logging.ERROR, "pyrocketmq.client.hooks"):
        hooks.end(hooks.begin(context()))
        hooks.ended(end())

    assert stats.hook_failures == 3
    assert seen == ["other before T", "other after T", "other COMMIT_MESSAGE"]
    assert "the hook Failing failed" in caplog.text


def test_a_hook_that_raises_for_every_send_does_not_fill_the_log(caplog: pytest.LogCaptureFixture) -> None:
    class Noisy(Failing):
        pass

    hooks = SendHooks([Noisy()], ClientStats())

    with caplog.at_level(logging.ERROR, "pyrocketmq.client.hooks"):
        for _ in range(100):
            hooks.begin(context())

    assert len([record for record in caplog.records if "Noisy" in record.getMessage()]) == 1


def test_after_a_send_the_context_tells_what_came_of_it() -> None:
    hooks = SendHooks()
    good = hooks.begin(context(kind=SendKind.BATCH))
    bad = hooks.begin(context())
    result = SendResult(message_queue=MessageQueue("T", "broker-a", 3))
    error = RpcTimeoutError("late")

    hooks.end(good, result)
    hooks.end(bad, error=error)

    assert (good.result, good.error, good.broker_name) == (result, None, "broker-a")
    assert (bad.result, bad.error) == (None, error)
    assert good.seconds >= 0


def test_a_property_that_a_hook_adds_is_in_the_message() -> None:
    class Adding(SendHook):
        def before_send(self, context: SendContext) -> None:
            context.message.set_property("mine", "yes")

    sent = SendHooks([Adding()]).begin(context())

    assert sent.message.get_property("mine") == "yes"
