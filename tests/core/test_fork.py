"""Fork: a child starts a client of its own on first use, or is refused; the parent goes on undisturbed."""

from __future__ import annotations

import sys

import pytest

from pyrocketmq.testing import LocalRocketMQ
from tests.core.making import GROUP
from tests.engine.conftest import RunProgram, run_program

__all__ = ["run_program"]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")

BEGIN = f"""
import asyncio, gc, os, sys
from time import monotonic
from pyrocketmq.client.config import ClientConfig
from pyrocketmq.client.core import ClientCore
from pyrocketmq.errors import ForkedClientError
from pyrocketmq.model import Message

config = ClientConfig(namesrv_addr=sys.argv[1])

async def send(core, body):
    await core.ensure_started()
    await core.routes.find("shop", monotonic() + 10)
    queue, _ = core.mapping.select_queue("shop", None)
    link = core.brokers.link(queue.broker_name)
    await link.connect()
    message = Message("shop", body)
    result = await link.ready().send_message(link.encoder("{GROUP}"), message, queue.queue_id, 10)
    assert result.ok

async def child_does(work):
    pid = os.fork()
    if pid == 0:
        # The loop of the parent is not closed here: it shares the kernel's list of sockets with it.
        asyncio._set_running_loop(None)
        loop = asyncio.new_event_loop()
        loop.run_until_complete(work())
        loop.close()
        sys.stdout.flush()
        os._exit(0)
    status = await asyncio.to_thread(os.waitpid, pid, 0)
    print("child:", status[1], flush=True)
"""


def test_a_child_starts_anew_and_the_parent_goes_on(rocketmq: LocalRocketMQ, run_program: RunProgram) -> None:
    program = """
async def main():
    core = ClientCore(config)
    core.register_producer_group("%s")
    await send(core, b"parent")
    name = core.client_id

    async def work():
        assert not core.is_running
        await send(core, b"child")
        assert core.client_id != name
        await core.shutdown()

    await child_does(work)
    assert core.is_running and core.client_id == name
    await send(core, b"parent again")
    await core.shutdown()

asyncio.run(main())
"""
    rocketmq.create_topic("shop")

    assert ["child: 0"] == run_program(BEGIN + program % GROUP, rocketmq.addr)
    bodies = sorted(message.body for message in rocketmq.messages("shop", 3))
    assert [b"child", b"parent", b"parent again"] == bodies


def test_a_child_is_refused_when_the_settings_say_so(
    rocketmq: LocalRocketMQ, run_program: RunProgram
) -> None:
    program = """
async def main():
    core = ClientCore(config.replace(after_fork="error"))
    await send(core, b"parent")

    async def work():
        try:
            await send(core, b"child")
        except ForkedClientError as error:
            print(str(os.getppid()) in str(error), flush=True)

    await child_does(work)
    await send(core, b"parent again")
    await core.shutdown()

asyncio.run(main())
"""
    rocketmq.create_topic("shop")

    assert ["True", "child: 0"] == run_program(BEGIN + program, rocketmq.addr)
    assert 2 == len(rocketmq.messages("shop", 2))


def test_a_client_made_before_the_fork_and_started_after_it_knows_no_parent(
    rocketmq: LocalRocketMQ, run_program: RunProgram
) -> None:
    program = """
core = ClientCore(config.replace(after_fork="error"))
pid = os.fork()
if pid == 0:
    asyncio.run(send(core, b"child"))
    os._exit(0)
print(os.waitpid(pid, 0)[1])
asyncio.run(send(core, b"parent"))
"""
    rocketmq.create_topic("shop")

    assert ["0"] == run_program(BEGIN + program, rocketmq.addr)
    assert 2 == len(rocketmq.messages("shop", 2))


def test_fifty_processes_of_one_host_name_and_number_have_fifty_names(run_program: RunProgram) -> None:
    program = """
import os
os.getpid = lambda: 7
from pyrocketmq.client.identity import make_client_id

for _ in range(50):
    pid = os.fork()
    if pid == 0:
        os.write(1, (make_client_id() + "\\n").encode())
        os._exit(0)
    os.waitpid(pid, 0)
"""
    names = run_program(program)

    assert 50 == len(set(names))
    assert {"7"} == {name.partition("@")[2].partition("#")[0] for name in names}


def test_large_bodies_are_compressed_in_a_child_too(rocketmq: LocalRocketMQ, run_program: RunProgram) -> None:
    program = """
from pyrocketmq.client.outgoing import Outgoing, Packing

async def compress():
    out = Outgoing(Message("shop", b"x" * 1_000_000))
    await asyncio.wait_for(Packing().pack_later(out), 20)
    assert out.size < 2000

async def main():
    await compress()
    await child_does(compress)
    await compress()

asyncio.run(main())
"""
    assert ["child: 0"] == run_program(BEGIN + program, rocketmq.addr)
