"""``flaxfile get`` of what is here already: nothing is fetched, unless it is another file, or asked for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from blake3 import blake3

from .commands import run

DATA = b"some content" * 1000


@pytest.fixture
def fetched(here: Path, port: int) -> Path:
    """A file that was fetched."""
    (here / "source").write_bytes(DATA)
    assert run("set", "source", "again/file", port=port).code == 0
    assert run("get", "again/file", port=port).code == 0
    return here / "file"


def etag_of(port: int) -> str:
    return str(run("stat", "again/file", "--json", port=port).documents[0]["etag"])


def test_what_is_here_and_the_same_is_left_alone_and_said_to_be(fetched: Path, port: int) -> None:
    before = fetched.stat()

    plain = run("get", "again/file", port=port)
    (document,) = run("get", "again/file", "--json", port=port).documents

    assert plain.code == 0
    assert "unchanged" in plain.out
    assert "Rate" not in plain.out
    assert (True, 0, len(DATA), "file") == (
        document["not_modified"],
        document["bytes_sent"],
        document["size"],
        document["saved_to"],
    )
    assert before == fetched.stat()


def harm(path: Path) -> None:
    status = path.stat()
    path.write_bytes(b"same size".ljust(len(DATA)))
    os.utime(path, ns=(status.st_mtime_ns, status.st_mtime_ns))


def grow(path: Path) -> None:
    path.write_bytes(DATA + b"more")


def age(path: Path) -> None:
    os.utime(path, ns=(1, 1))


def guard(path: Path) -> None:
    path.chmod(0o600)


def link(path: Path) -> None:
    path.rename(path.with_name("other"))
    path.symlink_to("other")


@pytest.mark.parametrize("change", [harm, grow, age, guard, link])
def test_what_is_another_file_in_any_way_is_fetched(fetched: Path, port: int, change: object) -> None:
    assert callable(change)
    wanted = fetched.stat()
    change(fetched)

    (document,) = run("get", "again/file", "--json", port=port).documents

    assert "not_modified" not in document
    assert DATA == fetched.read_bytes()
    assert not fetched.is_symlink()
    assert (wanted.st_mode, wanted.st_mtime_ns) == (fetched.stat().st_mode, fetched.stat().st_mtime_ns)


@pytest.mark.parametrize("words", [("--force",), ("--verify-disk",), ("--offset", "0", "--length", "12000")])
def test_who_asks_for_more_than_the_file_gets_it(fetched: Path, port: int, words: tuple[str, ...]) -> None:
    before = fetched.stat().st_ino

    (document,) = run("get", "again/file", "--json", *words, port=port).documents

    assert len(DATA) == document["bytes_sent"]
    assert before != fetched.stat().st_ino


def test_the_hash_of_what_is_here_is_shown_as_after_a_transfer(fetched: Path, port: int) -> None:
    shown = run("get", "again/file", "--hash", "blake3", port=port).out

    assert f"BLAKE3  {blake3(DATA).hexdigest()}" in shown
    assert "unchanged" in shown
    assert DATA == fetched.read_bytes()


def test_a_version_that_is_named_is_fetched_when_it_is_another_one(fetched: Path, port: int) -> None:
    fetched.unlink()
    etag = etag_of(port)

    (same,) = run("get", "again/file", "--if-none-match", etag, "--json", port=port).documents
    assert same["not_modified"] is True
    assert "saved_to" not in same
    assert not fetched.exists()

    (other,) = run("get", "again/file", "--if-none-match", "0" * 16, "--json", port=port).documents
    assert "not_modified" not in other
    assert DATA == fetched.read_bytes()


def test_standard_output_gets_nothing_when_it_is_that_version(fetched: Path, port: int) -> None:
    assert fetched.exists()

    done = run("get", "again/file", "-", "--if-none-match", etag_of(port), port=port)

    assert (0, "") == (done.code, done.out)
    assert "again/file: unchanged" in done.err
