"""Starts the server, and each client program once; every test gets a topic and a group of its own."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator

import pytest

from pyrocketmq.model import RemotingRequestFactory as Requests
from tests.conformance.reading import route_of
from tests.servers import Server, Wire, chosen_servers, started

from .programs import CLIENTS, Build, Program, Task, build

QUEUES = 4

Named = Callable[[str], Program]
Starting = Callable[..., Task]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    for fixture in ("server", "secured"):
        if fixture in metafunc.fixturenames:
            metafunc.parametrize(fixture, chosen_servers(metafunc.config), indirect=True, scope="session")
    if "client" in metafunc.fixturenames:
        metafunc.parametrize("client", CLIENTS, indirect=True, scope="session")


@pytest.fixture(scope="session")
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server in real time, as the clients have no other."""
    with started(request.param, tmp_path_factory.mktemp("server") / "state", real_time=True) as running:
        yield running


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Build]:
    """Compiles a client program when it is first asked for."""
    builds: dict[str, Build] = {}

    def get(name: str) -> Build:
        if name not in builds:
            builds[name] = build(name, tmp_path_factory.mktemp("build") / name)
        return builds[name]

    return get


@pytest.fixture(scope="session")
def programs(
    server: Server, built: Callable[[str], Build], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Named]:
    """Starts a client program when it is first asked for."""
    running: dict[str, Program] = {}

    def get(name: str) -> Program:
        if name not in running:
            folder = tmp_path_factory.mktemp("program") / name
            running[name] = Program(built(name), server.name_server, folder)
        return running[name]

    yield get
    for program in running.values():
        program.close()


@pytest.fixture(scope="session")
def client(request: pytest.FixtureRequest, programs: Named) -> Program:
    """One of the client programs."""
    return programs(request.param)


@pytest.fixture
def consuming() -> Iterator[Starting]:
    """Starts consumers, waits until they are ready, and lets them stop after the test."""
    tasks: list[Task] = []

    def start(program: Program, verb: str = "consume", **options: str | int) -> Task:
        task = program.start(verb, **options)
        tasks.append(task)
        task.some("ready")
        return task

    yield start
    for task in tasks:
        task.let_stop()


@pytest.fixture
def broker(server: Server) -> Iterator[Wire]:
    """Our own connection to the broker."""
    with Wire(server.broker) as wire:
        yield wire


@pytest.fixture
def topic(server: Server, broker: Wire) -> str:
    """A new topic with four queues."""
    name = f"topic-{uuid.uuid4().hex}"
    broker.call(Requests.create_create_topic_request(name, QUEUES, QUEUES))
    with Wire(server.name_server) as name_server:
        route_of(server, name_server, name)
    return name


@pytest.fixture
def group() -> str:
    """A group that the broker has not seen."""
    return f"group-{uuid.uuid4().hex}"
