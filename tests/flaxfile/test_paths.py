"""No key leads out of its folder, whatever it is and whatever is in the way."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flaxfile.errors import FlaxError, UsageError
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
