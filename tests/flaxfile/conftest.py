"""A server for whoever needs no other, and nothing of the settings of whoever runs the tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from flaxfile.server.server import Server

from .commands import server_here


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither variables nor files of the user count."""
    for name in list(os.environ):
        if name.startswith("FLAXFILE_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", os.devnull)
    monkeypatch.setenv("COLUMNS", "200")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder."""
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    monkeypatch.setenv("HOME", str(tmp_path))
    return work


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests of a file; each uses keys of its own."""
    with server_here(tmp_path_factory.mktemp("store")) as running:
        yield running


@pytest.fixture
def port(server: Server) -> int:
    """Where it listens."""
    return server.port


@pytest.fixture
def store(server: Server) -> Path:
    """Where it keeps files."""
    return server.storage
