"""What ``--verify-disk`` does when a disk does not keep what is written to it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from flaxfile.store import reading_back

from .commands import noise, run

pytestmark = pytest.mark.usefixtures("here")


@pytest.fixture
def bad_disk(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A disk on which the first byte of a file changes when it gets there, as often as the list says."""
    times = [1 << 30]

    def let_go(fd: int) -> None:
        if times[0] > 0:
            times[0] -= 1
            os.pwrite(fd, bytes([os.pread(fd, 1, 0)[0] ^ 1]), 0)

    monkeypatch.setattr(reading_back, "_let_go", let_go)
    return times


@pytest.mark.parametrize("size", [100, 600_000])
def test_all_commands_work_with_it_on_a_disk_that_is_fine(port: int, store: Path, size: int) -> None:
    Path("t").mkdir()
    Path("t/a").write_bytes(noise(size))
    Path("t/hole").write_bytes(bytes(size))

    assert run("set", "t/a", f"fine{size}", "--verify-disk", port=port).code == 0
    assert run("get", f"fine{size}", "b", "--verify-disk", port=port).code == 0
    assert run("push", "t", f"fine-t{size}", "--verify-disk", port=port).code == 0
    assert run("pull", f"fine-t{size}", "back", "--verify-disk", port=port).code == 0

    assert (store / f"fine{size}").read_bytes() == Path("b").read_bytes() == noise(size)
    assert (store / f"fine-t{size}" / "hole").read_bytes() == Path("back/hole").read_bytes() == bytes(size)


def test_nothing_is_stored_that_is_not_on_the_disk(port: int, store: Path, bad_disk: list[int]) -> None:
    (store / "stays").write_bytes(b"old")
    Path("new").write_bytes(noise(600_000))

    done = run("set", "new", "stays", "--verify-disk", port=port)

    assert done.code == 7
    assert "not on the disk" in done.err
    assert (store / "stays").read_bytes() == b"old"
    assert bad_disk[0] < (1 << 30) - 1, "it was tried again"
    assert list((store / ".flaxfile" / "parts").iterdir()) == []


def test_nothing_is_fetched_that_is_not_on_the_disk(port: int, store: Path, bad_disk: list[int]) -> None:
    (store / "good").write_bytes(noise(600_000))
    Path("good").write_bytes(b"old")

    assert run("get", "good", "--verify-disk", port=port).code == 7
    assert Path("good").read_bytes() == b"old"
    bad_disk[0] = 1
    assert run("get", "good", "--verify-disk", port=port).code == 0
    assert Path("good").read_bytes() == noise(600_000)


def test_a_sync_names_what_is_not_on_the_disk(port: int, store: Path, bad_disk: list[int]) -> None:
    Path("t").mkdir()
    Path("t/a").write_bytes(b"small")
    bad_disk[0] = 1

    done = run("push", "t", "bad", "--verify-disk", port=port)

    assert done.code == 1
    assert "a failed" in done.err
    assert not (store / "bad" / "a").exists()
    assert run("push", "t", "bad", "--verify-disk", port=port).code == 0
    bad_disk[0] = 1
    assert run("pull", "bad", "back", "--verify-disk", port=port).code == 1
    assert not Path("back/a").exists()
