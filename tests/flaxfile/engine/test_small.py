"""Many small files in one go: what is read, what is written, and what is left of one that fails."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from flaxfile._core.small import AVAILABLE, HERE, State, Writing, read_files

pytestmark = pytest.mark.skipif(not AVAILABLE, reason="the system has no folders as descriptors")


def named(*paths: Path) -> list[tuple[int, bytes]]:
    return [(HERE, os.fsencode(path)) for path in paths]


def test_files_are_read_whole_with_what_they_are(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"first")
    (tmp_path / "empty").touch(mode=0o640)
    (tmp_path / "b").write_bytes(b"x" * 100_000)
    found = read_files(named(*(tmp_path / name for name in ("a", "empty", "b"))), 1 << 20)

    contents = [bytes(item[1]) for item in found if not isinstance(item, int)]
    assert contents == [b"first", b"", b"x" * 100_000]
    state = found[1][0] if isinstance(found[1], tuple) else None
    status = (tmp_path / "empty").stat()
    assert isinstance(state, State)
    for name in ("st_mode", "st_dev", "st_ino", "st_size", "st_mtime_ns", "st_ctime_ns"):
        assert getattr(state, name) == getattr(status, name)


def test_what_is_no_plain_file_is_a_number_and_the_others_are_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    (tmp_path / "link").symlink_to("file")
    os.mkfifo(tmp_path / "pipe")
    paths = [tmp_path / name for name in ("nothing", "pipe", "link", "file")]

    *numbers, last = read_files(named(*paths, tmp_path), 100)[:4]
    assert numbers == [errno.ENOENT, errno.EINVAL, errno.ELOOP]
    assert isinstance(last, tuple)
    followed = read_files(named(tmp_path / "link"), 100, follow=True)[0]
    assert isinstance(followed, tuple)
    assert bytes(followed[1]) == b"content"


def test_reading_ends_at_the_first_file_that_does_not_fit(tmp_path: Path) -> None:
    for name in "abc":
        (tmp_path / name).write_bytes(b"12345")

    found = read_files(named(*(tmp_path / name for name in "abc")), 9)
    assert len(found) == 2
    assert found[1] == errno.EFBIG


def test_files_get_their_names_with_mode_and_time(tmp_path: Path) -> None:
    folder = os.open(tmp_path, os.O_RDONLY)
    try:
        files: list[tuple[bytes, bytes | memoryview, int, int | None]] = [
            (b"one.part", b"new", 0o640, 10**18 + 7),
            (b"two.part", memoryview(b""), 0o600, None),
            (b"three.part", b"of long ago", 0o600, -1),
        ]
        (tmp_path / "one").write_bytes(b"the old version")
        writing = Writing(folder, files)
        writing.write()
        assert (tmp_path / "one").read_bytes() == b"the old version"
        states = writing.name([(folder, b"one"), (folder, b"two"), (folder, b"three")])
    finally:
        os.close(folder)

    assert sorted(path.name for path in tmp_path.iterdir()) == ["one", "three", "two"]
    assert (tmp_path / "one").read_bytes() == b"new"
    status = (tmp_path / "one").stat()
    assert (status.st_mode & 0o777, status.st_mtime_ns) == (0o640, 10**18 + 7)
    assert (tmp_path / "three").stat().st_mtime_ns == -1
    assert [state.st_ino for state in states if isinstance(state, State)] == [
        (tmp_path / name).stat().st_ino for name in ("one", "two", "three")
    ]


def test_nothing_is_left_of_a_file_that_cannot_be_written_or_named(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "taken.part").write_bytes(b"of somebody else")
    files = [(os.fsencode(tmp_path / name), b"x", 0o600, None) for name in ("a.part", "taken.part", "c.part")]
    writing = Writing(HERE, files)
    writing.write()

    found = writing.name(named(tmp_path / "folder", tmp_path / "b", tmp_path / "no" / "c"))
    assert found == [errno.EISDIR, errno.EEXIST, errno.ENOENT]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "taken.part"]
    assert (tmp_path / "taken.part").read_bytes() == b"of somebody else"


def test_names_that_end_early_are_refused() -> None:
    with pytest.raises(ValueError, match="no NUL"):
        read_files([(HERE, b"/etc/hostname\0x")], 100)
    with pytest.raises(ValueError, match="no NUL"):
        Writing(HERE, [(b"a\0b", b"", 0o600, None)])


def test_each_part_needs_a_place(tmp_path: Path) -> None:
    writing = Writing(HERE, [(os.fsencode(tmp_path / "a.part"), b"x", 0o600, None)])
    writing.write()
    for places in ([], named(tmp_path / "a", tmp_path / "b")):
        with pytest.raises(ValueError, match=rf"{len(places)} places for 1 files"):
            writing.name(places)
