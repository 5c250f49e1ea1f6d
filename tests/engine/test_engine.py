"""The engine thread: calls from many threads, one loop, errors and time limits that reach the caller."""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
import threading
import traceback
import weakref
from concurrent.futures import CancelledError, ThreadPoolExecutor, wait
from pathlib import Path

import pytest

from pyrocketmq._native.handover import Ticket
from pyrocketmq.errors import RpcTimeoutError, TransportStateError
from pyrocketmq.remote.engine import Engine, engine
from tests.engine.conftest import RunProgram, started
from tests.memory import kept_by


async def double(number: int) -> int:
    return 2 * number


async def for_ever() -> None:
    await asyncio.Event().wait()


def until_idle(count: int = 0) -> None:
    """Wait until no more calls than these are in progress; the test's own time limit ends a wait in vain."""
    while engine().stats().in_progress > count:
        threading.Event().wait(0.001)


class Gate:
    """Holds the engine's loop in one place until it is opened."""

    def __init__(self) -> None:
        self.closed = threading.Event()
        self.opened = threading.Event()

    async def pass_through(self) -> None:
        self.closed.set()
        assert self.opened.wait(10)


def test_call_gives_what_the_function_gives() -> None:
    assert 42 == engine().call(double, 21)
    assert 42 == engine().call(double, number=21)


def test_a_function_with_a_ticket_ends_the_call_when_it_likes() -> None:
    def soon(ticket: Ticket, number: int) -> None:
        asyncio.get_running_loop().call_later(0.01, ticket.set_result, 2 * number)

    assert 42 == engine().call_with_ticket(soon, 21)
    assert 0 == engine().stats().in_progress


def test_a_function_that_does_not_keep_its_ticket_gives_what_is_to_be_awaited() -> None:
    assert 42 == engine().call_with_ticket(lambda _, number: double(number), 21)


def test_an_error_before_a_ticket_is_kept_reaches_the_caller() -> None:
    def fails(_: Ticket) -> None:
        raise LookupError("no such queue")

    with pytest.raises(LookupError, match="no such queue"):
        engine().call_with_ticket(fails)


def test_a_ticket_may_be_ended_by_a_future_later() -> None:
    def ends(ticket: Ticket, how: str) -> None:
        future = ticket.later()
        if how == "result":
            future.set_result(42)
        elif how == "error":
            future.set_exception(LookupError("no such queue"))
        else:
            future.cancel()

    assert 42 == engine().call_with_ticket(ends, "result")
    with pytest.raises(LookupError, match="no such queue"):
        engine().call_with_ticket(ends, "error")
    with pytest.raises(CancelledError):
        engine().call_with_ticket(ends, "cancel")


def test_call_with_hands_on_arguments_that_have_the_name_of_its_own() -> None:
    async def waits(*, timeout: float) -> float:
        return timeout

    assert 1.5 == engine().call_with(waits, (), {"timeout": 1.5})


def test_a_posted_function_runs_before_what_is_called_after_it() -> None:
    seen: list[int] = []

    def note(ticket: Ticket) -> None:
        seen.append(threading.get_ident())
        ticket.set_result(None)

    engine().post(note)
    assert [engine().thread_id] == engine().run(seen.copy)
    until_idle()


def test_everything_runs_on_one_thread_that_is_not_the_callers() -> None:
    async def thread() -> int:
        return threading.get_ident()

    with ThreadPoolExecutor(4) as pool:
        threads = {pool.submit(engine().call, thread).result() for _ in range(8)}

    assert 1 == len(threads)
    assert threading.get_ident() not in threads


def test_plain_function_runs_on_the_engine_thread_too() -> None:
    assert "pyrocketmq-engine" == engine().run(threading.current_thread).name


@pytest.mark.skipif(sys.platform == "win32", reason="uvloop does not exist there")
def test_engine_runs_uvloop() -> None:
    assert "uvloop" == type(engine().loop).__module__


def test_engine_is_the_same_one_for_all_threads() -> None:
    with ThreadPoolExecutor(8) as pool:
        assert {id(engine())} == set(pool.map(lambda _: id(engine()), range(32)))


def test_many_threads_get_their_own_results() -> None:
    async def slowly(number: int) -> int:
        await asyncio.sleep(0)
        return number

    def work(first: int) -> list[int]:
        return [engine().call(slowly, number) for number in range(first, first + 100)]

    with ThreadPoolExecutor(16) as pool:
        results = list(pool.map(work, range(0, 1600, 100)))

    assert list(range(1600)) == [number for numbers in results for number in numbers]


def test_burst_of_calls_wakes_the_loop_once() -> None:
    gate = Gate()
    gated = engine().submit(gate.pass_through)
    assert gate.closed.wait(10)
    before = engine().stats()

    futures = [engine().submit(double, number) for number in range(500)]
    gate.opened.set()

    assert [2 * number for number in range(500)] == [future.result(10) for future in futures]
    gated.result(10)
    after = engine().stats()
    assert 500 == after.calls - before.calls
    assert 1 == after.wakes - before.wakes


def test_callers_from_many_threads_are_one_burst() -> None:
    gate = Gate()
    gated = engine().submit(gate.pass_through)
    assert gate.closed.wait(10)
    before = engine().stats()

    with ThreadPoolExecutor(32) as pool:
        futures = [pool.submit(engine().call, double, number) for number in range(32)]
        while engine().stats().calls < before.calls + 32:
            threading.Event().wait(0.001)
        gate.opened.set()
        assert [2 * number for number in range(32)] == [future.result(10) for future in futures]

    gated.result(10)
    assert 1 == engine().stats().wakes - before.wakes


def test_hundreds_of_calls_that_end_together_wake_all_their_callers() -> None:
    opened = engine().run(asyncio.Event)

    async def pass_through(number: int) -> int:
        await opened.wait()
        return number

    found: list[int] = []
    threads = [
        threading.Thread(target=lambda number=number: found.append(engine().call(pass_through, number)))
        for number in range(300)
    ]
    for thread in threads:
        thread.start()
    while engine().stats().in_progress < 300:
        threading.Event().wait(0.001)
    engine().run(opened.set)
    for thread in threads:
        thread.join(10)
    assert list(range(300)) == sorted(found)


# ---- errors ----


async def fails() -> None:
    raise LookupError("not there")


def test_exception_reaches_the_caller_with_the_trace_of_both_threads() -> None:
    with pytest.raises(LookupError, match="not there") as caught:
        engine().call(fails)

    names = [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert "fails" in names
    assert test_exception_reaches_the_caller_with_the_trace_of_both_threads.__name__ in names


def test_exception_of_a_submitted_call_has_its_trace() -> None:
    error = engine().submit(fails).exception(10)

    assert error is not None
    assert "fails" in [frame.name for frame in traceback.extract_tb(error.__traceback__)]


def test_exit_inside_a_call_does_not_end_the_loop_of_the_others() -> None:
    async def leaves() -> None:
        sys.exit(3)

    with pytest.raises(SystemExit):
        engine().call(leaves)
    assert 4 == engine().call(double, 2)


def test_function_that_fails_before_it_gives_an_awaitable_is_an_error_like_others() -> None:
    with pytest.raises(TypeError, match="missing 1 required"):
        engine().call(double)


def test_call_on_the_engine_thread_is_refused() -> None:
    async def nested() -> int:
        return engine().call(double, 1)

    with pytest.raises(TransportStateError, match="would wait for itself") as caught:
        engine().call(nested)
    assert "asynchronous client" in str(caught.value.advice)


def test_engine_knows_its_own_thread() -> None:
    assert not engine().is_current_thread
    assert engine().run(lambda: engine().is_current_thread)


# ---- time limits and cancelling ----


def test_call_that_takes_too_long_is_cancelled() -> None:
    seen: list[str] = []

    async def waits() -> None:
        try:
            await for_ever()
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    with pytest.raises(RpcTimeoutError, match=r"not done within 0\.01 s"):
        engine().call(waits, timeout=0.01)

    until_idle()
    assert ["cancelled"] == seen


def test_call_that_is_given_up_before_it_begins_never_begins() -> None:
    gate = Gate()
    gated = engine().submit(gate.pass_through)
    assert gate.closed.wait(10)
    seen: list[int] = []

    async def notes() -> None:
        seen.append(1)

    with pytest.raises(RpcTimeoutError):
        engine().call(notes, timeout=0.005)
    gate.opened.set()
    gated.result(10)

    until_idle()
    assert [] == seen


def test_cancelling_a_future_cancels_the_call() -> None:
    ended = threading.Event()

    async def waits() -> None:
        try:
            await for_ever()
        finally:
            ended.set()

    future = engine().submit(waits)
    engine().call(double, 1)  # it has begun by now

    assert future.cancel()
    assert ended.wait(10)
    until_idle()
    assert future.cancelled()


def test_task_cancelled_by_somebody_else_ends_the_call_with_an_error() -> None:
    async def cancels_itself() -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await asyncio.sleep(0)

    with pytest.raises(CancelledError):
        engine().call(cancels_itself)


def test_futures_work_with_the_standard_wait() -> None:
    futures = [engine().submit(double, number) for number in range(5)]

    done, _ = wait(futures, timeout=10)

    assert {0, 2, 4, 6, 8} == {future.result() for future in done}


def test_ctrl_c_ends_a_blocked_call_and_cancels_it() -> None:
    program = """
        import asyncio, signal
        from pyrocketmq.remote.engine import engine

        # A shell that starts this in the background may have it ignored.
        signal.signal(signal.SIGINT, signal.default_int_handler)

        async def waits():
            try:
                print("begun", flush=True)
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                print("cancelled", flush=True)

        try:
            engine().call(waits)
        except KeyboardInterrupt:
            engine().call(asyncio.sleep, 0)
            print("interrupted", flush=True)
    """
    with started(program) as process:
        assert process.stdout is not None
        assert "begun\n" == process.stdout.readline()
        if sys.platform == "win32":
            process.send_signal(signal.CTRL_C_EVENT)
        else:
            process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)

    assert (["cancelled", "interrupted"], "") == (out.splitlines(), err)


# ---- beginning and end ----


def test_program_ends_although_the_engine_runs_and_clients_are_open(run_program: RunProgram) -> None:
    program = """
        import asyncio, sys
        from pyrocketmq.remote.engine import engine

        class Client:
            async def close(self):
                await asyncio.sleep(0)
                print("closed", flush=True)

        client = Client()
        engine().close_at_exit(client)
        engine().submit(asyncio.Event().wait)
        print("end", flush=True)
    """
    assert ["end", "closed"] == run_program(program)


def test_threads_that_wait_when_the_program_ends_get_an_error(run_program: RunProgram) -> None:
    program = """
        import asyncio, atexit, threading
        from pyrocketmq.errors import TransportStateError

        # Registered before the engine is imported, so it runs after the engine has stopped.
        waiting = []
        atexit.register(lambda: [thread.join(10) for thread in waiting])
        from pyrocketmq.remote.engine import engine

        begun = threading.Event()

        async def waits():
            begun.set()
            await asyncio.Event().wait()

        def work():
            for _ in range(2):
                try:
                    engine().call(waits)
                except TransportStateError as error:
                    print(error.code, "has stopped" in str(error), flush=True)

        waiting.append(threading.Thread(target=work, daemon=True))
        waiting[0].start()
        begun.wait(10)
    """
    assert ["C207 True", "C207 True"] == run_program(program)


def test_resource_that_is_gone_is_not_kept_for_the_end() -> None:
    class Client:
        async def close(self) -> None: ...

    client = Client()
    engine().close_at_exit(client)
    gone = weakref.ref(client)
    del client
    gc.collect()

    assert gone() is None


def test_stopped_engine_refuses_and_leaves_no_thread() -> None:
    mine = Engine()
    assert 2 == mine.call(double, 1)
    pending = mine.submit(for_ever)
    mine.call(double, 1)

    mine.stop()

    assert isinstance(pending.exception(10), TransportStateError)
    with pytest.raises(TransportStateError, match="has stopped"):
        mine.call(double, 1)
    assert not mine.is_running
    assert mine._thread not in threading.enumerate()
    assert "stopped" in repr(mine)


def test_stopping_gives_back_what_the_engine_had() -> None:
    def descriptors() -> int:
        return len(list(Path("/proc/self/fd").iterdir())) if sys.platform == "linux" else 0

    Engine().stop()
    before = descriptors(), threading.active_count()
    for _ in range(3):
        mine = Engine()
        mine.call(double, 1)
        mine.stop()
        del mine

    assert before == (descriptors(), threading.active_count())


def test_calls_leave_memory_level() -> None:
    def round_of_calls() -> None:
        for number in range(300):
            engine().call(double, number)
            engine().submit(double, number).result(10)
            with pytest.raises(LookupError):
                engine().call(fails)

    assert kept_by(round_of_calls) < 16_384
