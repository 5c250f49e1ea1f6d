"""Servers that fork their workers: what was on its way before the fork is sent once, and workers send."""

from __future__ import annotations

import signal
import socket
import sys
import time
import urllib.request
from collections import Counter
from pathlib import Path

import pytest

from pyrocketmq.testing import LocalRocketMQ

from .conftest import LIMIT_S, bodies, started

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")

BEFORE = Counter(f"{number}" for number in range(1_000))


def ask(url: str) -> str:
    """The answer of a server, which may not be there yet."""
    end = time.monotonic() + LIMIT_S
    while True:
        try:
            with urllib.request.urlopen(url, timeout=LIMIT_S) as answer:  # noqa: S310 - our own server
                text: str = answer.read().decode()
                return text
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


def test_workers_of_gunicorn_send_with_the_producer_of_the_preloaded_application(
    rocketmq: LocalRocketMQ,
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ["--preload", "--workers", "2", "--bind", f"127.0.0.1:{port}", "--no-control-socket"]
    environment = {"NAMESRV_ADDR": rocketmq.addr}

    with started(
        "-m", "gunicorn", *options, "tests.processes.web:application", environment=environment
    ) as server:
        answers = [ask(f"http://127.0.0.1:{port}/order-{number}").split() for number in range(40)]
        rocketmq.messages("before", 1_000)
        server.send_signal(signal.SIGTERM)
        _, err = server.communicate(timeout=LIMIT_S)

    assert 0 == server.returncode, err
    assert "Traceback" not in err
    assert Counter(f"/order-{number}" for number in range(40)) == bodies(rocketmq, "orders")
    assert BEFORE == bodies(rocketmq, "before")
    assert str(server.pid) not in {pid for pid, _ in answers}
    assert {msg_id for _, msg_id in answers} == {m.msg_id for m in rocketmq.messages("orders")}


def test_workers_of_celery_send_with_the_producer_of_their_parent(
    rocketmq: LocalRocketMQ, tmp_path: Path
) -> None:
    environment = {"NAMESRV_ADDR": rocketmq.addr, "TASKS_FOLDER": str(tmp_path)}
    place = "from tests.processes.tasks import place\nfor n in range(40): place.delay(n)"
    with started("-c", place, environment=environment) as placing:
        assert "" == placing.communicate(timeout=LIMIT_S)[1]
    options = ["worker", "--pool", "prefork", "--concurrency", "2", "--without-gossip", "--without-mingle"]

    with started(
        *("-m", "celery", "--app", "tests.processes.tasks", *options),
        environment={**environment, "IS_WORKER": "1"},
    ) as worker:
        rocketmq.messages("before", 1_000, timeout=LIMIT_S)
        orders = rocketmq.messages("orders", 40, timeout=LIMIT_S)
        worker.send_signal(signal.SIGTERM)
        _, err = worker.communicate(timeout=LIMIT_S)

    assert 0 == worker.returncode, err
    assert Counter(f"{number}" for number in range(40)) == bodies(rocketmq, "orders")
    assert BEFORE == bodies(rocketmq, "before")
    assert str(worker.pid) not in {message.keys for message in orders}
