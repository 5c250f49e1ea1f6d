"""Fork: a child starts afresh, and its parent's connections neither get a byte nor an end from it."""

from __future__ import annotations

import sys

import pytest

from tests.engine.conftest import RunProgram
from tests.engine.server import serving

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")

BEGIN = """
import asyncio, gc, os, sys, threading
from pyrocketmq._native.command import RemotingCommand
from pyrocketmq.remote.engine import engine
from pyrocketmq.transport import AsyncTcpTransport

async def double(number):
    return 2 * number

async def opened(port):
    transport = AsyncTcpTransport(f"127.0.0.1:{port}", lambda *_: None)
    await transport.connect()
    return transport

async def ask(transport, code):
    answer = await transport.connection.request(RemotingCommand(code), 10)
    return answer.code

def child_does(work):
    pid = os.fork()
    if pid == 0:
        work()
        sys.stdout.flush()
        sys.exit(0)  # with all the cleaning up of an interpreter that ends
    print("child:", os.waitpid(pid, 0)[1], flush=True)
"""


def test_child_has_an_engine_of_its_own_and_the_parent_keeps_its_own(run_program: RunProgram) -> None:
    program = """
        before = engine()
        assert 2 == before.call(double, 1)

        def work():
            assert engine() is not before
            print(engine().call(double, 21), engine().stats().calls, flush=True)

        child_does(work)
        assert engine() is before
        print(engine().call(double, 4))
    """

    assert ["42 1", "child: 0", "8"] == run_program(BEGIN + _dedent(program))


def test_child_neither_writes_to_a_connection_of_its_parent_nor_ends_it(run_program: RunProgram) -> None:
    program = """
        transport = engine().call(opened, sys.argv[1])
        assert 0 == engine().call(ask, transport, 100)
        number = transport.connection.transport.get_extra_info("socket").fileno()

        def work():
            global transport
            assert os.path.sameopenfile(number, os.open(os.devnull, os.O_RDWR))
            transport.connection.abort()
            del transport
            gc.collect()

        child_does(work)
        print(engine().call(ask, transport, 101))
        engine().call(transport.close)
    """

    with serving() as server:
        assert ["child: 0", "0"] == run_program(BEGIN + _dedent(program), server.port)
        assert [100, 101] == [request.code for request in server.requests]
        assert 1 == len(server.clients)
        assert server.clients[0].has_ended.wait(10)


def test_parent_with_calls_in_flight_gets_every_answer_though_it_forks(run_program: RunProgram) -> None:
    program = """
        transport = engine().call(opened, sys.argv[1])
        futures = [engine().submit(ask, transport, code) for code in range(1000)]

        def work():
            other = engine().call(opened, sys.argv[1])
            for _ in range(1000):
                engine().call(ask, other, 5000)
            engine().call(other.close)

        child_does(work)
        print(sum(future.result(10) for future in futures))
        engine().call(transport.close)
    """

    with serving() as server:
        assert ["child: 0", "0"] == run_program(BEGIN + _dedent(program), server.port)
        from_parent, from_child = ([r.code for r in client.requests] for client in server.clients)
        assert list(range(1000)) == from_parent
        assert [5000] * 1000 == from_child


def test_child_of_a_child_and_a_pool_of_processes_work_too(run_program: RunProgram) -> None:
    program = """
        import multiprocessing

        def in_child(number):
            return engine().call(double, number)

        engine().call(double, 1)
        with multiprocessing.get_context("fork").Pool(3) as pool:
            print(pool.map(in_child, range(5)))

        def work():
            engine().call(double, 1)
            child_does(lambda: print(engine().call(double, 50)))

        child_does(work)
    """

    assert ["[0, 2, 4, 6, 8]", "100", "child: 0", "child: 0"] == run_program(BEGIN + _dedent(program))


def test_fork_while_other_threads_call_leaves_nobody_stuck(run_program: RunProgram) -> None:
    program = """
        def work():
            for number in range(300):
                assert 2 * number == engine().call(double, number)

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for _ in range(5):
            child_does(lambda: engine().call(double, 1))
        for thread in threads:
            thread.join(10)
        print("done")
    """

    assert ["child: 0"] * 5 + ["done"] == run_program(BEGIN + _dedent(program))


def _dedent(program: str) -> str:
    return "\n".join(line.removeprefix("        ") for line in program.splitlines())
