"""Reading a tree: what is in it, what is left alone, and what cannot be read."""

from __future__ import annotations

import os
import socket
import sys
from concurrent.futures import Future
from pathlib import Path
from typing import Literal

import pytest

from flaxfile.client.asking import Answer
from flaxfile.errors import ConnectError, NotFoundError
from flaxfile.ignore import IgnoreRules, texts_below
from flaxfile.store.hash_cache import HashCache, Stamp, stamp_of
from flaxfile.sync.entries import Kind
from flaxfile.sync.options import SyncOptions
from flaxfile.sync.preparing import Preparation
from flaxfile.sync.walk import Links, Walked, walk

POSIX = sys.platform != "win32"


def walked(top: Path, links: Links = "skip") -> Walked:
    return walk(top, IgnoreRules(texts_below(top)), links)


def found(result: Walked) -> dict[str, Kind]:
    return {node.path: node.kind for node in result.nodes}


def test_files_and_folders_are_found_with_size_time_and_mode(tmp_path: Path) -> None:
    (tmp_path / "a" / "empty").mkdir(parents=True)
    (tmp_path / "a" / "x").write_bytes(b"123")
    (tmp_path / "a" / "x").chmod(0o640)
    os.utime(tmp_path / "a" / "x", ns=(5, 1_000_000_007))

    result = walked(tmp_path)

    assert found(result) == {"a": Kind.FOLDER, "a/empty": Kind.FOLDER, "a/x": Kind.FILE}
    node = result.nodes[-1]
    assert (node.size, node.mtime_ns) == (3, 1_000_000_007)
    if POSIX:
        assert node.mode == 0o640


def test_ignored_entries_are_counted_and_left_out(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "config").touch()
    (tmp_path / "x.log").touch()
    (tmp_path / ".gitignore").write_text("*.log\n")

    result = walked(tmp_path)

    assert found(result) == {".gitignore": Kind.FILE}
    assert result.ignored == 2


def test_what_is_no_folder_is_said(tmp_path: Path) -> None:
    (tmp_path / "f").touch()
    for path in (tmp_path / "f", tmp_path / "none"):
        with pytest.raises(NotFoundError, match=path.name):
            walked(path)


@pytest.mark.skipif(not POSIX, reason="links need rights on Windows")
def test_links_are_skipped_kept_or_followed(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "secret").touch()
    top = tmp_path / "top"
    (top / "d").mkdir(parents=True)
    (top / "d" / "x").touch()
    (top / "inside").symlink_to("d/x")
    (top / "d" / "up").symlink_to("../inside")
    (top / "outside").symlink_to(tmp_path / "out")
    (top / "d" / "sly").symlink_to("../../out")
    (top / "loop").symlink_to(".")

    skipped = walked(top)
    assert found(skipped) == {"d": Kind.FOLDER, "d/x": Kind.FILE}
    assert len(skipped.skipped_links) == 5

    copied = walked(top, "copy")
    assert {path for path, kind in found(copied).items() if kind is Kind.LINK} == {
        "inside",
        "d/up",
        "loop",
    }
    assert sorted(copied.skipped_links) == ["d/sly", "outside"]

    followed = walked(top, "follow")
    assert found(followed)["outside/secret"] is Kind.FILE
    assert [path for path, _ in followed.failures] == ["loop"]


@pytest.mark.skipif(not POSIX, reason="no pipes in folders on Windows")
def test_pipes_and_sockets_are_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("sock")

        result = walked(tmp_path)

    assert result.nodes == []
    assert sorted(result.skipped_specials) == ["pipe", "sock"]


@pytest.mark.skipif(not POSIX, reason="names are text on Windows")
def test_names_that_are_not_text_are_found(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"caf\xe9")).touch()

    assert os.fsencode(walked(tmp_path).nodes[0].path) == b"caf\xe9"


def old_stamp(path: Path) -> Stamp:
    path.write_bytes(b"x")
    os.utime(path, ns=(0, 0))
    return stamp_of(path.stat())


def test_a_hash_is_remembered_until_the_file_changes(tmp_path: Path) -> None:
    stamp = old_stamp(tmp_path / "f")
    cache = HashCache(tmp_path)
    cache.put([(stamp, "abc")], "xxh3", now_ns=stamp.ctime_ns + 3_000_000_000)
    cache.close()
    cache = HashCache(tmp_path)

    assert cache.get(stamp, "xxh3") == "abc"
    assert cache.get(stamp, "blake3") is None
    changed = Stamp(stamp.device, stamp.inode, stamp.size, stamp.mtime_ns, stamp.ctime_ns + 1)
    assert cache.get(changed, "xxh3") is None
    cache.close()


def test_a_file_that_changed_a_moment_ago_is_not_remembered(tmp_path: Path) -> None:
    """It may change once more within the same tick of its clock."""
    stamp = old_stamp(tmp_path / "f")
    cache = HashCache(tmp_path)
    cache.put([(stamp, "abc")], "xxh3", now_ns=stamp.ctime_ns + 1_000_000_000)

    assert cache.get(stamp, "xxh3") is None
    cache.close()


def test_a_cache_that_is_damaged_or_cannot_be_made_is_none(tmp_path: Path) -> None:
    stamp = old_stamp(tmp_path / "f")
    (tmp_path / "bad" / ".flaxfile").mkdir(parents=True)
    (tmp_path / "bad" / ".flaxfile" / "cache.db").write_bytes(b"no database" * 100)
    (tmp_path / "file").mkdir()
    (tmp_path / "file" / ".flaxfile").touch()

    for top in (tmp_path / "bad", tmp_path / "file"):
        cache = HashCache(top)
        cache.put([(stamp, "abc")], "xxh3")
        assert cache.get(stamp, "xxh3") is None
        cache.close()


@pytest.mark.parametrize("op", ["push", "pull"])
def test_a_server_that_cannot_be_reached_ends_the_walk_at_the_next_folder(
    tmp_path: Path, op: Literal["push", "pull"]
) -> None:
    for name in ("a/b/c", "d/e"):
        (tmp_path / name).mkdir(parents=True)
    preparation = Preparation(op, tmp_path, "there", SyncOptions())
    reached: Future[None] = Future()
    read: list[str] = []

    def texts(folder: str) -> list[bytes]:
        read.append(folder)
        if folder == "a":
            reached.set_exception(ConnectError("nobody listens"))
        return []

    def ask(*_: object) -> Future[Answer]:
        raise AssertionError

    preparation.rules = IgnoreRules(texts)
    with pytest.raises(ConnectError, match="nobody"):
        preparation.take(preparation.look(ask), reached)

    assert read == ["", "a"]
