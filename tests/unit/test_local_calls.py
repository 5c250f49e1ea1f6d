"""Functions of the user: plain ones in a thread of their own, asynchronous ones on the loop."""

from __future__ import annotations

import asyncio
import contextvars
import threading

import pytest

from pyrocketmq.producer.local_calls import call_user, is_asynchronous

current = contextvars.ContextVar("current", default="none")


async def test_a_plain_function_runs_in_a_thread_of_its_own_with_the_context_of_the_call() -> None:
    current.set("mine")

    def look(number: int) -> tuple[int, str, str, bool]:
        thread = threading.current_thread()
        return number, thread.name, current.get(), thread.daemon

    assert await call_user(look, 7, name="look") == (7, "look", "mine", True)


async def test_an_asynchronous_function_runs_on_the_loop() -> None:
    async def look() -> threading.Thread:
        await asyncio.sleep(0)
        return threading.current_thread()

    assert await call_user(look, name="look") is threading.current_thread()
    assert await call_user(lambda _: look(), None, name="look") is threading.current_thread()


async def test_an_object_with_an_asynchronous_call_is_asynchronous() -> None:
    class Look:
        async def __call__(self) -> int:
            return 7

    assert is_asynchronous(Look())
    assert await call_user(Look(), name="look") == 7


async def test_what_it_raises_is_raised_here() -> None:
    error = ValueError("bad")

    def fail() -> None:
        raise error

    with pytest.raises(ValueError, match="bad") as caught:
        await call_user(fail, name="fail")
    assert caught.value is error


@pytest.mark.parametrize("error", [StopIteration(), SystemExit(3), KeyboardInterrupt()])
async def test_what_would_end_the_loop_or_hang_its_caller_is_another_error(error: BaseException) -> None:
    def fail() -> None:
        raise error

    with pytest.raises(RuntimeError, match=f"raised {type(error).__name__}") as caught:
        await call_user(fail, name="fail")
    assert caught.value.__cause__ is error


async def test_a_function_that_hangs_does_not_hold_the_loop_and_can_be_given_up() -> None:
    go_on = threading.Event()
    call = asyncio.ensure_future(call_user(go_on.wait, 5.0, name="hangs"))
    await asyncio.sleep(0.001)
    assert not call.done()

    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    go_on.set()
