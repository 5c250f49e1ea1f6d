"""The folder of a server: what its housekeeping may remove."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from flaxfile.errors import ConflictError, FlaxError, NotFoundError
from flaxfile.store.packs import NewFile, get_many, put_many
from flaxfile.store.store import Store

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from flaxfile.model import Entry

LONG_AGO_NS = 1_000_000_000_000_000_000


def test_a_small_file_of_long_ago_is_stored_while_old_parts_are_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(tmp_path)
    put = Store._put
    swept: list[int] = []

    def sweep_first(self: Store, *args: Any, **kwargs: Any) -> Entry:
        # The file is written, has the time of its source, and waits for its name.
        swept.append(self.parts.sweep())
        return put(self, *args, **kwargs)

    monkeypatch.setattr(Store, "_put", sweep_first)
    store.put("old.txt", b"from long ago", mode=None, mtime_ns=LONG_AGO_NS)

    assert [0] == swept
    assert b"from long ago" == (tmp_path / "old.txt").read_bytes()


def new_file(key: str, data: bytes = b"", *, verify_disk: bool = False) -> NewFile:
    return NewFile(key, memoryview(data), 0o640, LONG_AGO_NS, verify_disk)


def test_many_files_are_stored_at_once_and_each_refusal_is_its_own(tmp_path: Path) -> None:
    store = Store(tmp_path)
    (tmp_path / "folder").mkdir()
    outside = tmp_path.with_name("outside")
    outside.mkdir()
    (tmp_path / "link").symlink_to(outside)
    files = [new_file(f"d{number}/deep/f{number}", b"%d" % number) for number in range(100)]
    found = put_many(
        store, [*files, new_file("folder"), new_file("link/x", b"out"), new_file("last", b"here")]
    )

    assert not [entry for entry in found[:100] if isinstance(entry, FlaxError)]
    assert isinstance(found[100], ConflictError)
    assert isinstance(found[101], ConflictError)
    assert not isinstance(found[102], FlaxError)
    assert found[102].etag == store.stat("last").etag
    assert list(outside.iterdir()) == []
    assert len(store.parts) == 0
    for number in range(100):
        path = tmp_path / f"d{number}" / "deep" / f"f{number}"
        assert path.read_bytes() == b"%d" % number
        assert (path.stat().st_mode & 0o777, path.stat().st_mtime_ns) == (0o640, LONG_AGO_NS)


def test_old_parts_are_removed_while_many_files_are_written(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with store.parts.scratch_names(2) as (_, names):
        for name in names:
            path = tmp_path / ".flaxfile" / "parts" / name.decode()
            path.touch()
            os.utime(path, ns=(LONG_AGO_NS, LONG_AGO_NS))
        assert store.parts.sweep() == 0
    assert store.parts.sweep() == 2


def test_many_files_are_read_in_their_order_until_one_does_not_fit(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for number in range(100):
        path = tmp_path / f"d{number % 70}" / f"{number}"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"%03d" % number)
    keys = [f"d{number % 70}/{number}" for number in range(100)]
    found = get_many(store, [*keys[:50], "nothing", "d1", *keys[50:]], 3 * 99)

    assert len(found) == 101
    assert isinstance(found[50], NotFoundError)
    assert isinstance(found[51], ConflictError)
    contents = [bytes(item[1]) for item in found if not isinstance(item, FlaxError)]
    assert contents == [b"%03d" % number for number in range(99)]
