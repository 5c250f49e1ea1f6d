"""Two embedded brokers for all tests here; those on real brokers are collected when they are asked for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.promises.cluster import Member, running_brokers
from tests.servers import chosen_servers
from tests.transport.conftest import clean_loop, pytest_asyncio_loop_factories

__all__ = ["clean_loop", "pytest_asyncio_loop_factories"]


def releases(config: pytest.Config) -> list[str]:
    """The releases of Apache RocketMQ that are to be tried."""
    return [kind for kind in chosen_servers(config) if kind != "embedded"]


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    return True if collection_path.name == "test_real_brokers.py" and not releases(config) else None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "release" in metafunc.fixturenames:
        metafunc.parametrize("release", releases(metafunc.config))


@pytest.fixture(scope="session")
def members() -> Iterator[list[Member]]:
    """Two embedded brokers in processes of their own."""
    with running_brokers() as brokers:
        yield brokers
