"""No key leads out of its folder, whatever it is and whatever is in the way."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flaxfile import paths
from flaxfile._core.beneath import open_beneath
from flaxfile.errors import ConflictError, FlaxError, NotFoundError, UsageError
from flaxfile.paths import Folder, check_key, check_prefix, link_stays_inside

PIECES = st.sampled_from(
    ["..", ".", "", "/", "a", "b", "\0", "..\\", "//", "link", "out", ".flaxfile", "\udcff", "x" * 256]
)
KEYS = st.one_of(
    st.text(max_size=30),
    st.lists(PIECES, max_size=8).map("/".join),
    st.lists(PIECES, max_size=8).map("".join),
)


@settings(max_examples=200)
@given(KEYS)
def test_a_key_that_is_taken_has_only_plain_parts(key: str) -> None:
    try:
        parts = check_key(key)
    except UsageError:
        return

    assert key == "/".join(parts)
    assert not {"", ".", ".."} & set(parts)
    assert not key.startswith("/")
    assert "\0" not in key
    assert ".flaxfile" != parts[0]
    assert all(len(os.fsencode(part)) <= 255 for part in parts)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(key=KEYS)
def test_nothing_is_made_or_opened_outside(tmp_path: Path, key: str) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    if not root.exists():
        root.mkdir()
        outside.mkdir()
        (root / "link").symlink_to(outside)
        (root / "out").symlink_to(tmp_path)
    try:
        with Folder(root).place(key, make=True) as place:
            os.close(place.open(os.O_WRONLY | os.O_CREAT))
    except (FlaxError, OSError):
        pass

    assert {"root", "outside"} == {path.name for path in tmp_path.iterdir()}
    assert [] == list(outside.iterdir())


@pytest.mark.parametrize("prefix", ["", "a", "a/", "a/b"])
def test_a_prefix_may_end_with_a_slash(prefix: str) -> None:
    assert tuple(part for part in prefix.split("/") if part) == check_prefix(prefix)


@pytest.mark.parametrize("prefix", ["/", "/a", "a//", "..", "a/../b"])
def test_a_prefix_that_leads_elsewhere_is_refused(prefix: str) -> None:
    with pytest.raises(UsageError):
        check_prefix(prefix)


def test_the_longest_names_that_are_allowed_can_be_stored(tmp_path: Path) -> None:
    key = "/".join(["x" * 255] * 16)
    assert 4095 == len(key)
    with Folder(tmp_path).place(key, make=True) as place:
        os.close(place.open(os.O_WRONLY | os.O_CREAT))
        assert 0 == place.lstat().st_size

    for refused in (key + "yy", "x" * 256):
        with pytest.raises(UsageError, match="255|4096"):
            check_key(refused)


def test_a_pipe_under_a_key_does_not_hold_who_opens_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with Folder(tmp_path).place("pipe") as place:
        os.close(place.open(os.O_RDONLY))


@pytest.mark.parametrize(
    ("key", "target", "inside"),
    [
        ("a", "b", True),
        ("a/b/c", "../../d", True),
        ("a/b", "./c//d", True),
        ("a", ".", True),
        ("a", "..", False),
        ("a/b", "../../c", False),
        ("a", "/etc", False),
        ("a", "b/../c", False),
        ("a", "", False),
        ("a", "x\0y", False),
    ],
)
def test_a_link_stays_inside_or_does_not(key: str, target: str, inside: bool) -> None:
    assert link_stays_inside(key, target) is inside


def refused(*_: object) -> int:
    raise OSError(errno.ENOSYS, "Function not implemented")


@pytest.mark.parametrize("one_call", [True, False])
def test_folders_are_found_with_and_without_the_call_of_new_systems(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, one_call: bool
) -> None:
    if not one_call:
        monkeypatch.setattr(paths, "open_beneath", refused)
    (tmp_path / "top" / "a" / "b").mkdir(parents=True)
    (tmp_path / "top" / "a" / "b" / "file").write_bytes(b"found")
    (tmp_path / "top" / "sly").symlink_to(tmp_path / "top" / "a")
    folder = Folder(tmp_path / "top")

    with folder.place("a/b/file") as place:
        assert place.lstat().st_size == 5
        assert place.folder == str(tmp_path / "top" / "a" / "b")
    with folder.place("a/new/deep/file", make=True) as place:
        assert place.fd is not None
        assert os.path.samestat(os.fstat(place.fd), (tmp_path / "top" / "a" / "new" / "deep").stat())
    with (
        pytest.raises(ConflictError, match="'sly' on the way to 'sly/b/file' is no folder"),
        folder.place("sly/b/file"),
    ):
        pass
    with pytest.raises(NotFoundError), folder.place("a/none/file"):
        pass


@pytest.mark.skipif(sys.platform != "linux", reason="the call is one of Linux")
def test_the_call_goes_neither_up_nor_through_links(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "link").symlink_to("a")
    top = os.open(tmp_path / "a", os.O_RDONLY)
    outer = os.open(tmp_path, os.O_RDONLY)
    try:
        for folder, name in ((top, ".."), (top, "b/../.."), (top, "/"), (outer, "link"), (outer, "link/b")):
            with pytest.raises(OSError, match=name):
                os.close(open_beneath(folder, name))
        try:
            fd = open_beneath(outer, "a/b")
        except OSError as error:
            assert error.errno in {errno.ENOSYS, errno.EPERM}
        else:
            assert os.path.samestat(os.fstat(fd), (tmp_path / "a" / "b").stat())
            os.close(fd)
    finally:
        os.close(top)
        os.close(outer)
    with pytest.raises(ValueError, match="NUL"):
        open_beneath(0, "a\0b")
