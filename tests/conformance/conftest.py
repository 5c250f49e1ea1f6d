"""Runs every test on each chosen server (``--server``), and gives each a topic and a group of its own."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator

import pytest

from pyrocketmq.model import RemotingRequestFactory as Requests
from tests.servers import Security, Server, Wire, chosen_servers, started
from tests.servers.wire import Codec

from .differences import DIFFERENCES

QUEUES = 4

Differs = Callable[[str], bool]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "where(name): only on servers with this entry of differences.toml")
    config.addinivalue_line("markers", "unless(name): only on servers without this entry of differences.toml")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    for fixture in ("server", "secured"):
        if fixture in metafunc.fixturenames:
            metafunc.parametrize(fixture, chosen_servers(metafunc.config), indirect=True, scope="session")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A feature that a server lacks is no skipped test: another one asserts that it is lacking."""
    left_out = [item for item in items if not _belongs(item)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in set(left_out)]


def _belongs(item: pytest.Item) -> bool:
    marks = [*item.iter_markers("where"), *item.iter_markers("unless")]
    if not marks or not isinstance(item, pytest.Function):
        return True
    values = item.callspec.params
    kind = values["server"] if "server" in values else values["secured"]
    return all((kind in DIFFERENCES[mark.args[0]].servers) == (mark.name == "where") for mark in marks)


@pytest.fixture(scope="session")
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A name server and a broker with automatic creation of topics and groups."""
    with started(request.param, tmp_path_factory.mktemp("server") / "state") as running:
        yield running


@pytest.fixture(scope="session")
def secured(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The same with access control, and with TLS beside plain text."""
    with started(request.param, tmp_path_factory.mktemp("secured") / "state", secured=True) as running:
        yield running


@pytest.fixture
def keys(secured: Server) -> Security:
    """Who may do what on the secured server."""
    assert secured.security is not None
    return secured.security


@pytest.fixture
def differs(request: pytest.FixtureRequest) -> Differs:
    """Whether this server has an entry of differences.toml; the test then asserts what the entry says."""
    kind = request.getfixturevalue("secured" if "secured" in request.fixturenames else "server").kind
    return lambda name: kind in DIFFERENCES[name].servers


@pytest.fixture
def codec() -> Codec:
    """The header codec that requests are written in; tests of both name it as a parameter."""
    return "json"


@pytest.fixture
def connect(server: Server, codec: Codec) -> Iterator[Callable[[], Wire]]:
    """Opens further connections to the broker."""
    opened: list[Wire] = []

    def open_one() -> Wire:
        opened.append(Wire(server.broker, codec))
        return opened[-1]

    yield open_one
    for wire in opened:
        wire.close()


@pytest.fixture
def broker(server: Server, codec: Codec) -> Iterator[Wire]:
    """A connection to the broker."""
    with Wire(server.broker, codec) as wire:
        yield wire


@pytest.fixture
def name_server(server: Server, codec: Codec) -> Iterator[Wire]:
    """A connection to the name server."""
    with Wire(server.name_server, codec) as wire:
        yield wire


@pytest.fixture
def topic(broker: Wire) -> str:
    """A new topic with four queues."""
    name = f"topic-{uuid.uuid4().hex}"
    broker.call(Requests.create_create_topic_request(name, QUEUES, QUEUES))
    return name


@pytest.fixture
def group() -> str:
    """A group that the broker has not seen."""
    return f"group-{uuid.uuid4().hex}"
