"""The quick pages of a listing are those of the thorough one, whatever the names."""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path
from typing import Any, cast

import pytest

from flaxfile._core.names import Names
from flaxfile.errors import NotFoundError
from flaxfile.model import Entry
from flaxfile.store import quick_listing
from flaxfile.store.listing import page
from flaxfile.store.quick_listing import quick_page
from flaxfile.store.store import Store

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the thorough one alone is used there")

LETTERS = ("a", "b", ".", "-", "0", "\u00e9", "\udcff", '"', "\\", "\n", "~")


def tree(top: Path, seed: int) -> None:
    """Files, folders and links whose order is not that of their names alone."""
    pick = random.Random(seed)
    for _ in range(40):
        names = ["".join(pick.choices(LETTERS, k=pick.randint(1, 2))) for _ in range(pick.randint(1, 4))]
        path = top.joinpath(*names)
        if {".", ".."} & set(names) or any(
            one.is_file() or one.is_symlink() for one in (path, *path.parents)
        ):
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        kind = pick.random()
        if kind < 0.2:
            path.mkdir(exist_ok=True)
        elif path.exists():
            continue
        elif kind < 0.3:
            path.symlink_to("x")
        else:
            path.write_bytes(bytes(pick.randint(0, 50)))


def quick(store: Store, prefix: str, limit: int, *, folders: bool) -> list[dict[str, Any]]:
    """All pages."""
    found: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        payload = quick_page(store.files, prefix, cursor, limit, folders=folders)
        assert payload is not None
        answer = json.loads(payload)
        assert len(answer["entries"]) <= limit
        found += answer["entries"]
        cursor = answer["cursor"]
        if cursor is None:
            return found


def shown(entry: Entry) -> dict[str, Any]:
    fields = ("key", "size", "mtime_ns", "mode", "etag", "kind")
    return {name: cast("object", getattr(entry, name)) for name in fields}


@pytest.mark.parametrize("seed", range(3))
def test_quick_and_thorough_listings_are_the_same(tmp_path: Path, seed: int) -> None:
    store = Store(tmp_path)
    tree(tmp_path, seed)
    (tmp_path / ".flaxfile").mkdir(exist_ok=True)
    folders = ["", *(one.name for one in tmp_path.iterdir() if one.is_dir() and one.name != ".flaxfile")]

    for prefix in folders:
        for with_folders in (False, True):
            wanted, cursor = page(store, prefix, None, 1000, folders=with_folders)
            assert cursor is None
            for limit in (2, 1000):
                assert [shown(one) for one in wanted] == quick(store, prefix, limit, folders=with_folders)


def test_a_page_of_long_names_fits_into_a_message(tmp_path: Path) -> None:
    store = Store(tmp_path)
    folder = tmp_path / "\udcff" / ("\u00e9" * 120)
    folder.mkdir(parents=True)
    for number in range(1000):
        (folder / (f"{number:04}" + "\u00e9" * 120)).touch()

    payload = quick_page(store.files, "", None, 1000)

    assert payload is not None
    assert len(payload) < 1 << 20
    assert len(json.loads(payload)["entries"]) < 1000
    assert len(quick(store, "", 1000, folders=False)) == 1000


def test_what_is_no_folder_is_left_to_the_thorough_one(tmp_path: Path) -> None:
    store = Store(tmp_path)
    (tmp_path / "f").touch()

    assert quick_page(store.files, "f", None, 10) is None
    assert quick(store, "none", 10, folders=True) == []


def test_a_store_that_is_gone_is_said(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    (tmp_path / "store").rename(tmp_path / "gone")

    with pytest.raises(NotFoundError):
        quick_page(store.files, "", None, 10)


def test_a_folder_that_may_not_be_read_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path)
    (tmp_path / "closed").mkdir()
    (tmp_path / "f").touch()
    read = Names

    def refused(fd: int, without: bytes | None = None) -> Names:
        if without is None:
            raise PermissionError(13, "Permission denied")
        return read(fd, without)

    monkeypatch.setattr(quick_listing, "Names", refused)
    assert [one["key"] for one in quick(store, "", 10, folders=False)] == ["f"]
