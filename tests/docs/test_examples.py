"""Every example runs alone against an embedded broker, does what it says, and stays short enough to read."""

from __future__ import annotations

import runpy
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyrocketmq.testing import LocalRocketMQ

FOLDER = Path(__file__).parents[2] / "examples"
EXAMPLES = sorted(FOLDER.glob("*.py"))


@pytest.fixture(scope="module")
def rocketmq() -> Iterator[LocalRocketMQ]:
    with LocalRocketMQ() as server:
        yield server


@pytest.fixture(autouse=True)
def environment(rocketmq: LocalRocketMQ, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NAMESRV_ADDR", rocketmq.addr)
    monkeypatch.setenv("READINGS", "20000")  # the firehose is a million by itself
    for topic in rocketmq.topics():
        rocketmq.delete_topic(topic)


def run(name: str) -> None:
    runpy.run_path(str(FOLDER / f"{name}.py"), run_name="__main__")


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_example_is_short_and_says_what_it_needs(example: Path) -> None:
    text = example.read_text(encoding="utf-8")

    assert len(text.splitlines()) < 60
    assert ("pyrocketmq serve" in text) == ("ADDRESS" in text)


@pytest.mark.parametrize("name", ["read_pull_answer", "send_frames"])
def test_example_of_the_core_prints_something(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    run(name)

    assert capsys.readouterr().out


def test_basic_producer(rocketmq: LocalRocketMQ, capsys: pytest.CaptureFixture[str]) -> None:
    run("basic_producer")

    assert "refused before it was sent" in capsys.readouterr().out
    messages = rocketmq.messages("orders", 3)
    assert ["order-1", "order-2 table-7", None] == [message.keys for message in messages]
    assert "north" == messages[1].get_property("till")


def test_basic_async_producer(rocketmq: LocalRocketMQ, capsys: pytest.CaptureFixture[str]) -> None:
    run("basic_async_producer")

    assert "all confirmed: True" in capsys.readouterr().out
    keys = {message.keys for message in rocketmq.messages("orders")}
    assert {f"order-{number}" for number in range(1_000)} == keys


def test_simple_batch_producer(rocketmq: LocalRocketMQ, capsys: pytest.CaptureFixture[str]) -> None:
    run("simple_batch_producer")

    assert "receipts: 5,000 stored" in capsys.readouterr().out
    for topic, count in (("receipts", 5_000), ("photos", 100)):
        assert count == len({message.keys for message in rocketmq.messages(topic)})


def test_firehose(rocketmq: LocalRocketMQ, capsys: pytest.CaptureFixture[str]) -> None:
    run("firehose")

    assert "20,000 readings stored" in capsys.readouterr().out
    bodies = {int(message.body) for message in rocketmq.messages("readings")}
    assert set(range(20_000)) == bodies


def test_low_latency(rocketmq: LocalRocketMQ, capsys: pytest.CaptureFixture[str]) -> None:
    run("low_latency")

    assert 2 == capsys.readouterr().out.count("p99")
    assert 2 * 5_001 == len({message.unique_id for message in rocketmq.messages("orders")})


def test_transactional_producer(rocketmq: LocalRocketMQ, capsys: pytest.CaptureFixture[str]) -> None:
    run("transactional_producer")

    assert "in the database: ['order-1', 'order-3']" in capsys.readouterr().out
    assert {"order-1", "order-3"} == {message.keys for message in rocketmq.messages("payments", 2)}


def test_request_reply(capsys: pytest.CaptureFixture[str]) -> None:
    run("request_reply")

    assert ["flat white: 4.50", "espresso: 2.80"] == capsys.readouterr().out.splitlines()


def test_every_example_is_run() -> None:
    here = Path(__file__).read_text(encoding="utf-8")

    assert all(f'"{example.stem}"' in here for example in EXAMPLES)
