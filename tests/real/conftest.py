"""Starts each server version once for a session, and gives every test a topic of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from pyrocketmq.model import RemotingRequestFactory as Requests

from .wire import Codec, Wire

LAUNCHER = Path(__file__).parents[2] / "tools" / "rocketmq" / "rocketmq-server"
VERSIONS = ("5.5.0", "4.9.7")
QUEUES = 4


class Cluster(NamedTuple):
    """A running name server and broker."""

    version: str
    name_server: str
    broker: str
    broker_name: str

    @property
    def is_5(self) -> bool:
        return self.version.startswith("5.")


@pytest.fixture(scope="session", params=VERSIONS)
def cluster(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("rocketmq") / "state"
    place = ["--dir", str(folder)]
    small = ["--heap", "384m", "--direct", "384m", "--namesrv-port", "0", "--broker-port", "0"]
    version: str = request.param
    up = run("up", "--version", version, *place, *small)
    if up.returncode:
        # Without servers there is nothing to test; one clear text is better than an error for each test.
        pytest.exit(f"RocketMQ {version} could not be started:\n{up.stderr}", returncode=1)
    facts = json.loads(up.stdout)
    try:
        ((name, address),) = facts["brokers"].items()
        yield Cluster(version, facts["namesrv_addr"], address, name)
    finally:
        down = run("down", *place, "--now", "--wipe")
    assert down.returncode == 0, down.stderr
    assert not folder.exists()


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(LAUNCHER), *arguments], capture_output=True, text=True, check=False
    )


@pytest.fixture(params=["json", "binary"])
def codec(request: pytest.FixtureRequest) -> Codec:
    value: Codec = request.param
    return value


@pytest.fixture
def broker(cluster: Cluster, codec: Codec) -> Iterator[Wire]:
    """A connection to the broker that writes in each of the codecs."""
    with Wire(cluster.broker, codec) as wire:
        yield wire


@pytest.fixture
def name_server(cluster: Cluster, codec: Codec) -> Iterator[Wire]:
    """A connection to the name server, likewise."""
    with Wire(cluster.name_server, codec) as wire:
        yield wire


@pytest.fixture
def topic(broker: Wire) -> str:
    """A new topic with four queues."""
    name = f"real-{uuid.uuid4().hex}"
    broker.call(Requests.create_create_topic_request(name, QUEUES, QUEUES))
    return name


@pytest.fixture
def group() -> str:
    """A group that the broker has not seen."""
    return f"group-{uuid.uuid4().hex}"
