"""The folder of a server: what its housekeeping may remove."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
        swept.append(self.sweep())
        return put(self, *args, **kwargs)

    monkeypatch.setattr(Store, "_put", sweep_first)
    store.put("old.txt", b"from long ago", mode=None, mtime_ns=LONG_AGO_NS)

    assert [0] == swept
    assert b"from long ago" == (tmp_path / "old.txt").read_bytes()
