"""What a store knows of the contents it has, also after a restart, and when the disk lies."""

from __future__ import annotations

from pathlib import Path

import pytest

from flaxfile.digests import hash_of_file
from flaxfile.model import HashKind
from flaxfile.store import hash_cache
from flaxfile.store import hashes as hashes_module
from flaxfile.store.listing import walk
from flaxfile.store.store import Store

from .commands import run, server_here


@pytest.fixture(autouse=True)
def old_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of these tests are as good as old."""
    monkeypatch.setattr(hash_cache, "FRESH_NS", 0)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "store" / "d").mkdir(parents=True)
    (tmp_path / "store" / "a").write_bytes(b"one")
    (tmp_path / "store" / "d" / "b").write_bytes(b"two")
    return tmp_path / "store"


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Every file whose content is read."""
    found: list[int] = []

    def counted(fd: int, kind: HashKind) -> str:
        found.append(fd)
        return hash_of_file(fd, kind)

    monkeypatch.setattr(hashes_module, "hash_of_file", counted)
    return found


def other_hash(fd: int, kind: HashKind) -> str:
    """What is read of a damaged file."""
    return hash_of_file(fd, kind)[::-1]


def hashes(store: Store, *, again: bool = False) -> dict[str, tuple[str | None, str | None]]:
    try:
        return {one.key: (one.hash, one.known_hash) for one in walk(store, "", digest=True, again=again)}
    finally:
        store.close()


def test_a_listing_with_hashes_reads_nothing_again_after_a_restart(root: Path, reads: list[int]) -> None:
    first = hashes(Store(root))
    assert len(reads) == 2

    assert hashes(Store(root)) == first
    assert len(reads) == 2
    (root / "a").write_bytes(b"ONE")
    changed = hashes(Store(root))
    assert len(reads) == 3
    assert (changed["a"] != first["a"], changed["d/b"]) == (True, first["d/b"])


def test_a_file_that_is_too_young_is_read_once_by_a_server(
    root: Path, reads: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hash_cache, "FRESH_NS", 1 << 60)
    store = Store(root)
    first = store.stat("a", digest="xxh3")
    assert store.stat("a", digest="xxh3") == first
    assert len(reads) == 1
    monkeypatch.setattr(hash_cache, "FRESH_NS", 0)
    store.stat("a", digest="xxh3")
    store.close()

    store = Store(root)
    assert store.stat("a", digest="xxh3") == first
    assert len(reads) == 1
    store.close()


def test_a_damaged_file_is_found_again_and_again(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Damage is what changes a file without its times: the first byte that is read differs here."""
    good = hashes(Store(root))
    assert hashes(Store(root), again=True) == {key: (one, one) for key, (one, _) in good.items()}
    monkeypatch.setattr(hashes_module, "hash_of_file", other_hash)

    for _ in range(2):
        found = hashes(Store(root), again=True)
        assert all(now != before for now, before in found.values())
        assert {key: before for key, (_, before) in found.items()} == {
            key: one for key, (one, _) in good.items()
        }


def test_a_file_that_cannot_be_read_is_told_and_the_others_go_on(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = iter(range(10))

    def broken(fd: int, kind: HashKind) -> str:
        if next(count) == 0:
            raise OSError(5, "Input/output error")
        return hash_of_file(fd, kind)

    monkeypatch.setattr(hashes_module, "hash_of_file", broken)

    found = hashes(Store(root), again=True)

    assert found["a"] == (None, None)
    assert found["d/b"][0] is not None


def test_the_command_names_what_is_damaged(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with server_here(root) as server:
        assert run("verify", port=server.port).code == 0
        monkeypatch.setattr(hashes_module, "hash_of_file", other_hash)
        done = run("verify", "d", "--json", port=server.port)
        words = run("verify", "d", port=server.port)

    assert (done.code, words.code) == (1, 1)
    assert done.documents == [
        {"op": "verify", "key": "d/b", "difference": "damaged"},
        {"op": "verify", "summary": {"same": 0, "different": 1, "failed": 0, "new": 0}},
    ]
    assert "damaged     d/b" in words.out
