"""The fixtures of the pytest plugin, in test files like those of a user."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parents[2]
PLUGIN = "pyrocketmq.testing.plugin"
SEND = """
    from pyrocketmq.model import RemotingRequestFactory
    from pyrocketmq.transport import AsyncTcpTransport, TcpTransport

    def request(topic, body=b"hello"):
        return RemotingRequestFactory.create_send_message_request("g", topic, body, queue_id=0)

    def send(address, topic):
        with TcpTransport(address) as transport:
            transport.output(request(topic))
            return transport.recv_command(5).code
"""


def passes(pytester: pytest.Pytester, text: str, count: int, *options: str) -> None:
    """Run a test file whose tests all pass."""
    pytester.makepyfile(SEND + text)
    scope = "asyncio_default_fixture_loop_scope=function"
    result = pytester.runpytest_inprocess("-p", PLUGIN, "-p", "no:cacheprovider", "-o", scope, *options)
    result.assert_outcomes(passed=count)


def test_each_test_has_a_server_of_its_own(pytester: pytest.Pytester) -> None:
    passes(
        pytester,
        """
    seen = []

    def test_one(rocketmq):
        assert send(rocketmq.broker_addrs[0], "shop") == 0
        assert [m.body for m in rocketmq.messages("shop")] == [b"hello"]
        seen.append(rocketmq)

    def test_two(rocketmq):
        assert rocketmq.messages("shop") == []
        assert rocketmq is not seen[0]
""",
        2,
    )


def test_a_topic_exists_and_is_named_after_its_test(pytester: pytest.Pytester) -> None:
    passes(
        pytester,
        """
    import pytest

    @pytest.mark.parametrize("text", ["a b/c", "\\u00e4"])
    def test_topic(rocketmq, rocketmq_topic, text):
        assert rocketmq.topics() == [rocketmq_topic]
        assert rocketmq_topic.startswith("test_topic-")
        assert send(rocketmq.broker_addrs[0], rocketmq_topic) == 0
""",
        2,
    )


def test_faults_are_those_of_the_same_server(pytester: pytest.Pytester) -> None:
    passes(
        pytester,
        """
    def test_faults(rocketmq, rocketmq_faults, rocketmq_topic):
        rocketmq_faults.fail("send", "SYSTEM_BUSY", times=1)
        codes = [send(rocketmq.broker_addrs[0], rocketmq_topic) for _ in range(2)]
        assert codes == [2, 0]
        assert rocketmq_faults.hits == 1
""",
        1,
    )


def test_settings_and_the_clock_can_be_chosen_by_a_fixture(pytester: pytest.Pytester) -> None:
    passes(
        pytester,
        """
    import pytest
    from pyrocketmq.server import ServerConfig
    from pyrocketmq.testing import ManualClock

    @pytest.fixture
    def rocketmq_config():
        return ServerConfig(brokers=3)

    @pytest.fixture
    def rocketmq_clock():
        return ManualClock(5_000)

    def test_chosen(rocketmq):
        assert len(rocketmq.broker_addrs) == 3
        rocketmq.advance(60)
        assert rocketmq.now_ms() == 65_000
""",
        1,
    )


def test_tests_with_a_loop_each_work(pytester: pytest.Pytester) -> None:
    passes(
        pytester,
        """
    import asyncio
    import pytest
    loops = set()

    @pytest.mark.parametrize("number", range(3))
    async def test_async(rocketmq, rocketmq_topic, number):
        async with AsyncTcpTransport(rocketmq.broker_addrs[0]) as transport:
            answer = await transport.connection.request(request(rocketmq_topic), 5)
        assert answer.code == 0
        assert len(rocketmq.messages(rocketmq_topic)) == 1
        loops.add(asyncio.get_running_loop())
        assert len(loops) == number + 1
""",
        3,
        "-o",
        "asyncio_mode=auto",
    )


def test_tests_that_run_loops_themselves_work(pytester: pytest.Pytester) -> None:
    passes(
        pytester,
        """
    import asyncio

    def test_run(rocketmq):
        async def run():
            async with AsyncTcpTransport(rocketmq.broker_addrs[0]) as transport:
                return (await transport.connection.request(request("shop"), 5)).code

        assert asyncio.run(run()) == 0
        assert asyncio.run(run()) == 0
        assert len(rocketmq.messages("shop")) == 2
""",
        1,
    )


def test_the_plugin_is_found_by_its_entry_point() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    module = import_module(project["entry-points"]["pytest11"][PLUGIN])

    assert PLUGIN == module.__name__
    for name in ("rocketmq", "rocketmq_topic", "rocketmq_faults"):
        assert hasattr(module, name)


def test_starting_pytest_imports_no_server_and_the_package_no_pytest() -> None:
    code = (
        f"import sys, pyrocketmq.testing; assert 'pytest' not in sys.modules; import {PLUGIN};"
        "print([name for name in ('pyrocketmq.server', 'pyrocketmq.model') if name in sys.modules])"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT / "src"
    )

    assert "[]\n" == ended.stdout


@pytest.mark.parametrize("page", ["docs/embedded.md", "README.md"])
def test_the_tests_in_the_documentation_pass(pytester: pytest.Pytester, page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    blocks = [block.partition("```")[0] for block in text.split("```python\n")[1:]]
    (file,) = (block for block in blocks if "def test_" in block)
    pytester.makepyfile(test_of_the_page=file)

    passes(pytester, "", 2)
